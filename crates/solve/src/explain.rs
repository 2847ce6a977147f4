//! Why there is no solution: a tree of facts, for the caller to word.
//!
//! The root of the tree is a requirement that cannot be met. Below it are all ways to meet it, each with the reason why
//! it leads nowhere; a reason may be another requirement that cannot be met. Only facts without which there would be a
//! solution are in the tree. Not here: sentences.

mod core;
#[cfg(test)]
mod property;
mod refute;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use opam::dependency::Requirement;
use opam::filter::Filter;
use opam::formula::{Formula, VersionConstraint};
use opam::name::PackageName;
use opam::version::Version;

use crate::pool::Pool;
use crate::problem::NameId;

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The contradiction; nothing if it is too large to be told as a tree.
    pub tree: Option<Unmet>,
    /// The packages that it is about, ascending.
    pub about: Vec<PackageName>,
}

/// A requirement that cannot be met.
#[derive(Debug, Clone, PartialEq)]
pub struct Unmet {
    /// Who requires it.
    pub who: Who,
    /// What, filters evaluated.
    pub what: Formula<Requirement>,
    /// Why not, for every way to meet it.
    pub because: Vec<Reason>,
}

/// Who requires something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The request: it pins the compiler, everywhere.
    Compiler(Place),
    /// The request: it asks for a published package on a target.
    Request(Place),
    /// The request: it is about a project with this package, on a target.
    Project(Place),
    /// These versions of a package, where they are put.
    Package {
        /// The package.
        name: PackageName,
        /// Its versions, ascending.
        versions: Vec<Version>,
        /// Where they would be put.
        place: Place,
    },
}

/// Where a package would be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the build machine.
    Host,
    /// On the target of this name.
    Target(String),
}

/// Why a way to meet a requirement leads nowhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// There is no such package.
    UnknownPackage {
        /// What was asked for.
        name: PackageName,
        /// Names that may have been meant, the nearest first.
        nearest: Vec<PackageName>,
    },
    /// No version of it fits.
    NoVersion {
        /// The package.
        name: PackageName,
        /// What would fit.
        constraint: VersionConstraint,
        /// What there is, ascending.
        known: Vec<Version>,
    },
    /// Versions of a package cannot be chosen.
    Versions {
        /// The package.
        name: PackageName,
        /// Its versions that fit and cannot be chosen, ascending.
        versions: Vec<Version>,
        /// Why they cannot.
        cause: Cause,
    },
    /// Several packages together would do, and cannot be had together.
    Together {
        /// They.
        what: Formula<Requirement>,
        /// What stands against it.
        unmet: Box<Unmet>,
    },
}

/// Why versions cannot be chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// They are not available there.
    Unavailable {
        /// Where they would be put.
        place: Place,
        /// Their `available:`, that of the newest.
        filter: Filter,
    },
    /// They are compilers; the request pins another.
    OtherCompiler {
        /// The version pinned.
        pinned: Version,
    },
    /// The request excludes them.
    Excluded,
    /// Someone requires other versions.
    OthersRequired {
        /// Who.
        by: Who,
        /// Which.
        constraint: VersionConstraint,
    },
    /// On the way to this reason, other versions have been taken.
    OthersTaken {
        /// Which.
        versions: Vec<Version>,
    },
    /// Someone who is needed conflicts with them.
    ConflictOf {
        /// Who.
        by: Who,
    },
    /// They conflict with a package that is needed.
    ConflictWith {
        /// The package.
        name: PackageName,
        /// Who needs it.
        needed_by: Who,
    },
    /// They are in the same conflict class as a package that is needed.
    Class {
        /// The class.
        class: PackageName,
        /// The package.
        by: Who,
    },
    /// They require what cannot be had.
    Requires(Box<Unmet>),
}

/// Why the pool's request has no solution, given the names that the solver's contradiction is about.
pub(crate) fn explain(pool: &Pool<'_>, names: BTreeSet<NameId>) -> Explanation {
    let believed = core::smallest(pool, names);
    let tree = refute::refute(&believed);
    let words = words::Words { pool };
    let about: BTreeSet<PackageName> = believed.about().into_iter().filter_map(|name| pool.name(name)).collect();
    Explanation { tree: tree.and_then(|tree| words.unmet(&tree)), about: about.into_iter().collect() }
}
