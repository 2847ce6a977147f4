//! From numbers back to names and versions. Not here: finding the tree.

use opam::dependency::Requirement;
use opam::formula::Formula as OpamFormula;
use opam::name::PackageName;
use opam::version::Version;

use super::refute::{self, Dead, Why};
use super::{Cause, Place, Reason, Unmet, Who};
use crate::pool::{Pool, RootOf};
use crate::problem::{Atom, Formula, NameId, Unusable, VersionIx, World};

/// Translates; gives nothing only for numbers that its pool did not give out.
pub(super) struct Words<'w, 'p> {
    pub(super) pool: &'w Pool<'p>,
}

impl Words<'_, '_> {
    pub(super) fn unmet(&self, unmet: &refute::Unmet) -> Option<Unmet> {
        let because = unmet.dead.iter().map(|dead| self.reason(dead)).collect::<Option<Vec<_>>>()?;
        Some(Unmet { who: self.who(&unmet.who)?, what: self.formula(&unmet.what)?, because })
    }

    fn reason(&self, dead: &Dead) -> Option<Reason> {
        Some(match dead {
            Dead::NoVersion(atom) => {
                let Requirement { name, versions: constraint } = self.requirement(atom)?;
                let known = self.pool.known(atom.name).versions.clone();
                if known.is_empty() {
                    let nearest = self.pool.nearest(&name);
                    Reason::UnknownPackage { name, nearest }
                } else {
                    Reason::NoVersion { name, constraint, known }
                }
            }
            Dead::Versions { name, world, versions, why } => Reason::Versions {
                name: self.pool.name(*name)?,
                versions: self.versions(*name, versions),
                cause: self.cause(*name, *world, versions, why)?,
            },
            Dead::Branch { what, unmet } => {
                Reason::Together { what: self.formula(what)?, unmet: Box::new(self.unmet(unmet)?) }
            }
        })
    }

    fn cause(&self, name: NameId, world: World, versions: &[VersionIx], why: &Why) -> Option<Cause> {
        Some(match why {
            Why::Unusable(Unusable::Unavailable) => {
                let newest = self.pool.version(name, *versions.last()?)?;
                let filter = self.pool.available(&self.pool.name(name)?, &newest)?;
                Cause::Unavailable { place: self.place(world)?, filter }
            }
            Why::Unusable(Unusable::OtherCompiler) => Cause::OtherCompiler { pinned: self.pool.pinned().clone() },
            Why::Unusable(Unusable::Excluded) => Cause::Excluded,
            Why::Needed { by, atom } => {
                Cause::OthersRequired { by: self.who(by)?, constraint: self.requirement(atom)?.versions }
            }
            Why::Chosen { instead } => Cause::OthersTaken { versions: self.versions(name, instead) },
            Why::Clashes { by } => Cause::ConflictOf { by: self.who(by)? },
            Why::Clash { with, needed_by } => {
                Cause::ConflictWith { name: self.pool.name(*with)?, needed_by: self.who(needed_by)? }
            }
            Why::Class { class, by } => Cause::Class { class: self.pool.class_name(*class)?, by: self.who(by)? },
            Why::Unmet(unmet) => Cause::Requires(Box::new(self.unmet(unmet)?)),
        })
    }

    fn who(&self, who: &refute::Who) -> Option<Who> {
        Some(match who {
            refute::Who::Root(index) => {
                let (root, world) = self.pool.root(*index)?;
                let place = self.place(world)?;
                match root {
                    RootOf::Compiler => Who::Compiler(place),
                    RootOf::Request => Who::Request(place),
                    RootOf::Project => Who::Project(place),
                }
            }
            refute::Who::Package(name, versions, world) => Who::Package {
                name: self.pool.name(*name)?,
                versions: self.versions(*name, versions),
                place: self.place(*world)?,
            },
        })
    }

    fn place(&self, world: World) -> Option<Place> {
        match world.index() {
            None => Some(Place::Host),
            Some(index) => self.pool.target(index).map(|name| Place::Target(name.to_owned())),
        }
    }

    fn versions(&self, name: NameId, versions: &[VersionIx]) -> Vec<Version> {
        versions.iter().filter_map(|version| self.pool.version(name, *version)).collect()
    }

    fn requirement(&self, atom: &Atom) -> Option<Requirement> {
        match &atom.requirement {
            Some(requirement) => Some(Requirement::clone(requirement)),
            None => {
                let name: PackageName = self.pool.name(atom.name)?;
                Some(Requirement { name, versions: OpamFormula::True })
            }
        }
    }

    fn formula(&self, formula: &Formula) -> Option<OpamFormula<Requirement>> {
        let all = |parts: &[Formula]| parts.iter().map(|part| self.formula(part)).collect::<Option<Vec<_>>>();
        Some(match formula {
            Formula::Atom(atom) => OpamFormula::Atom(self.requirement(atom)?),
            Formula::All(parts) => OpamFormula::and(all(parts)?),
            Formula::Any(parts) => OpamFormula::or(all(parts)?),
        })
    }
}
