//! The abstract problem: packages seen from worlds, with formulas over sets of versions.
//!
//! Names and versions are numbers here, filters are long evaluated. Not here: opam (`pool`), resolvo (`sat`), roles.

use std::rc::Rc;

use opam::dependency::Requirement;

/// A package name, interned by the [`Source`] it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NameId(pub(crate) u32);

/// The place of a version among all known ones of its package, oldest first.
pub(crate) type VersionIx = u32;

/// Where filters are evaluated and packages are put: the build machine or one of the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct World(pub(crate) u16);

impl World {
    /// The build machine.
    pub(crate) const HOST: Self = Self(0);

    /// The target at this place of the request.
    pub(crate) fn target(index: usize) -> Self {
        Self(u16::try_from(index + 1).unwrap_or(u16::MAX))
    }

    /// The place of this target in the request.
    pub(crate) fn index(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Linked, preprocessed with or otherwise used beyond the build: what opam has without a filter.
    Link,
    /// Run while building, on the host.
    Build,
    /// Optional and chosen for another reason: to be built before.
    Order,
    /// Chosen with the package, in no order.
    Post,
}

/// A package in some versions, in one world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(crate) name: NameId,
    pub(crate) world: World,
    pub(crate) kind: Kind,
    /// Ascending.
    pub(crate) accepts: Rc<[VersionIx]>,
    /// What was written, filters evaluated; nothing if it follows from the tables.
    pub(crate) requirement: Option<Rc<Requirement>>,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Formula {
    /// Everything; of nothing: true.
    All(Vec<Self>),
    /// One at least, the first preferred; of nothing: false.
    Any(Vec<Self>),
    /// One package.
    Atom(Atom),
}

impl Formula {
    /// Calls `visit` with every atom, from left to right.
    pub(crate) fn atoms<'a>(&'a self, visit: &mut impl FnMut(&'a Atom)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.atoms(visit)),
            Self::Atom(atom) => visit(atom),
        }
    }

    /// Whether it holds if exactly those atoms do for which `holds` is true.
    pub(crate) fn eval(&self, holds: &impl Fn(&Atom) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.eval(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.eval(holds)),
            Self::Atom(atom) => holds(atom),
        }
    }
}

/// Versions of a package that may not be chosen together with who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) name: NameId,
    /// Ascending.
    pub(crate) versions: Rc<[VersionIx]>,
}

/// One version of a package as one world sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// All must hold.
    pub(crate) requires: Vec<Formula>,
    /// Are never chosen for this package's sake.
    pub(crate) optional: Vec<Atom>,
    pub(crate) clashes: Vec<Clash>,
    /// Of all packages that share a class, one may be chosen.
    pub(crate) classes: Vec<u32>,
    /// Is a preprocessor: a package that uses it on a target needs it on the host too.
    pub(crate) ppx: bool,
}

/// Why a version cannot be chosen in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Unusable {
    /// Its `available:` does not hold there.
    Unavailable,
    /// It is a compiler, and the request pins another.
    OtherCompiler,
    /// The request excludes it.
    Excluded,
}

/// Everything a solver asks.
pub(crate) trait Source {
    /// All versions of a package, best first; empty if nobody knows it.
    fn preference(&self, name: NameId) -> Rc<[VersionIx]>;

    /// # Errors
    /// If the version cannot be chosen in that world.
    fn candidate(&self, name: NameId, version: VersionIx, world: World) -> Result<Rc<Candidate>, Unusable>;

    /// All packages of which some version has the class.
    fn members(&self, class: u32) -> Rc<[NameId]>;

    /// What is asked for.
    fn roots(&self) -> Rc<[Formula]>;
}

/// Packages in worlds, with the version chosen.
pub(crate) type Chosen = std::collections::BTreeMap<(NameId, World), VersionIx>;
