//! The lock: a solution, where its sources are, and what was asked for. In its text form, `bactrian.lock`.
//!
//! The text is for machines and for reviews: everything in it is sorted, so a package more is some lines more and none
//! moved. Not here: reading and writing the file, and making the solution.

mod check;
mod read;
mod set;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use opam::name::PackageName;
use opam::package::{ExtraSource, Source};
use opam::universe::Universe;
use opam::version::Version;
use sha2::{Digest, Sha256};

use crate::request::{Request, Root, Worlds};
use crate::solution::Solution;

pub use check::Stale;
pub use read::{LockError, LockFault};
pub use set::LockSet;

/// The format's version: the first line of a lock.
pub const FORMAT: i64 = 1;

/// A solution that stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// What was asked for.
    pub request: Asked,
    /// Nodes by role; its targets and roots are sorted by name.
    pub solution: Solution,
    /// What each published package is made of.
    pub pins: BTreeMap<PackageName, Pin>,
}

/// The part of a request that a lock remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The compiler's version.
    pub ocaml: Version,
    /// Whether dependencies of tests are in.
    pub with_test: bool,
    /// The worlds that filters were evaluated in, targets by name.
    pub worlds: Worlds,
    /// Published packages that were asked for, by name.
    pub roots: Vec<Root>,
}

/// What a package is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// SHA-256 of its opam file.
    pub opam: [u8; 32],
    /// Its source; a virtual package has none.
    pub source: Option<Source>,
    /// More files for its source directory, by name.
    pub extra_sources: Vec<ExtraSource>,
}

/// What a pin knows an opam file by.
#[must_use]
pub fn opam_digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

impl Lock {
    /// Fixes the solution of a request over a universe.
    #[must_use]
    pub fn new(universe: &Universe, request: &Request, mut solution: Solution) -> Self {
        let mut worlds = request.worlds.clone();
        worlds.targets.sort_by(|a, b| a.0.cmp(&b.0));
        let mut roots = request.roots.clone();
        roots.sort_by(|a, b| a.name.cmp(&b.name));
        solution.sort();
        let pinned = solution.nodes.iter().filter_map(|(key, node)| {
            let entry = universe.get(&key.name, &node.version).filter(|_| !node.local)?;
            let package = entry.package();
            let mut extra_sources = package.extra_sources.clone();
            extra_sources.sort_by(|a, b| a.name.cmp(&b.name));
            let opam = opam_digest(entry.text());
            Some((key.name.clone(), Pin { opam, source: package.source.clone(), extra_sources }))
        });
        let pins = pinned.collect();
        let request = Asked { ocaml: request.ocaml.clone(), with_test: request.with_test, worlds, roots };
        Self { request, solution, pins }
    }

    /// Versions of all published packages: what a later request favours to change little.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<PackageName, Version> {
        let published = self.solution.nodes.iter().filter(|(_, node)| !node.local);
        published.map(|(key, node)| (key.name.clone(), node.version.clone())).collect()
    }
}
