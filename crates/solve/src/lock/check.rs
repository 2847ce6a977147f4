//! Whether a lock still answers a request, and what of the request it does not answer.
//!
//! Nothing is solved: the lock's versions are held against the request. What the repositories have by now does not
//! matter, nor does the build machine: its variables may differ as long as what they ask for is locked.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use opam::dependency::Requirement;
use opam::formula::{Formula as OpamFormula, VersionConstraint};
use opam::name::PackageName;
use opam::version::Version;

use super::Lock;
use crate::problem::{Atom, Candidate, Chosen, Formula, Kind, NameId, Source, Unusable, VersionIx, World};
use crate::reduce::{Definition, Names, Reducer};
use crate::request::{Environment, LocalPackage, Request, Worlds};
use crate::roles;
use crate::solution::{Key, Node, On, Role};
use crate::tools::Tools;

/// Why a lock does not answer a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// It is for another compiler.
    Ocaml {
        /// The version locked.
        locked: Version,
        /// The version asked for.
        wanted: Version,
    },
    /// It is with the dependencies of tests and the request is without, or the other way round.
    WithTest {
        /// Whether they are asked for.
        wanted: bool,
    },
    /// It has no such target.
    TargetMissing(String),
    /// It has a target that is not asked for.
    TargetLeft(String),
    /// A target is described in another way.
    Variable {
        /// The target.
        target: String,
        /// The variable.
        variable: String,
        /// Its value in the lock, if it has one.
        locked: Option<String>,
        /// Its value now, if it has one.
        wanted: Option<String>,
    },
    /// A published package is asked for, and was not when the lock was made.
    RootMissing(PackageName),
    /// A published package was asked for and is not any more.
    RootLeft(PackageName),
    /// The version of a published package is not the one asked for.
    Root {
        /// The package.
        name: PackageName,
        /// The version locked.
        locked: Version,
        /// What is asked for.
        constraint: VersionConstraint,
    },
    /// The project has a package that the lock has not.
    ProjectMissing(PackageName),
    /// The lock has a package of the project that this has not any more.
    ProjectLeft(PackageName),
    /// What a package of the project requires is not met by what is locked.
    Unmet {
        /// The package.
        package: PackageName,
        /// What it requires.
        what: OpamFormula<Requirement>,
        /// The versions locked of what it names, if there are any.
        locked: Vec<(PackageName, Option<Version>)>,
    },
    /// A package of the project depends on a package that it did not depend on, in that role.
    DependencyMissing {
        /// The project's package.
        package: PackageName,
        /// What it depends on.
        on: Key,
    },
    /// A package of the project depended on a package that it does not depend on any more, in that role.
    DependencyLeft {
        /// The project's package.
        package: PackageName,
        /// What it depended on.
        on: Key,
    },
    /// A version locked is excluded.
    Excluded(PackageName, Version),
}

impl Lock {
    /// Whether this lock answers `request`.
    ///
    /// # Errors
    /// With the first reason why it does not.
    pub fn check(&self, request: &Request, tools: &Tools) -> Result<(), Stale> {
        if self.request.ocaml != request.ocaml {
            return Err(Stale::Ocaml { locked: self.request.ocaml.clone(), wanted: request.ocaml.clone() });
        }
        if self.request.with_test != request.with_test {
            return Err(Stale::WithTest { wanted: request.with_test });
        }
        targets(&self.request.worlds, &request.worlds)?;
        self.check_roots(request)?;
        self.check_excluded(request)?;
        self.check_project(request, tools)
    }

    fn version(&self, name: &PackageName) -> Option<&Version> {
        let in_role = |role| self.solution.nodes.get(&Key { name: name.clone(), role });
        in_role(Role::Target).or_else(|| in_role(Role::Host)).map(|node| &node.version)
    }

    fn check_roots(&self, request: &Request) -> Result<(), Stale> {
        for root in &request.roots {
            let locked = self.version(&root.name);
            let known = self.request.roots.iter().any(|known| known.name == root.name);
            let Some(locked) = locked.filter(|_| known) else {
                return Err(Stale::RootMissing(root.name.clone()));
            };
            if !root.versions.admits(locked) {
                let (name, constraint) = (root.name.clone(), root.versions.clone());
                return Err(Stale::Root { name, locked: locked.clone(), constraint });
            }
        }
        let wanted: BTreeSet<&PackageName> = request.roots.iter().map(|root| &root.name).collect();
        match self.request.roots.iter().find(|root| !wanted.contains(&root.name)) {
            Some(left) => Err(Stale::RootLeft(left.name.clone())),
            None => Ok(()),
        }
    }

    fn check_excluded(&self, request: &Request) -> Result<(), Stale> {
        for (name, versions) in &request.excluded {
            if let Some(locked) = self.version(name).filter(|locked| versions.admits(locked)) {
                return Err(Stale::Excluded(name.clone(), locked.clone()));
            }
        }
        Ok(())
    }

    fn check_project(&self, request: &Request, tools: &Tools) -> Result<(), Stale> {
        let locked = self.solution.nodes.iter().filter(|(_, node)| node.local);
        let locked: BTreeSet<&PackageName> = locked.map(|(key, _)| &key.name).collect();
        let wanted: BTreeSet<&PackageName> = request.project.iter().map(|package| &package.name).collect();
        if let Some(name) = wanted.difference(&locked).next() {
            return Err(Stale::ProjectMissing((*name).clone()));
        }
        if let Some(name) = locked.difference(&wanted).next() {
            return Err(Stale::ProjectLeft((*name).clone()));
        }
        let view = View::new(self, request, tools);
        let chosen = view.chosen();
        for package in &request.project {
            view.check_met(package, &chosen)?;
        }
        let needed = roles::needed(&view, &chosen);
        for package in &request.project {
            view.check_edges(package, &needed)?;
        }
        Ok(())
    }
}

fn targets(locked: &Worlds, wanted: &Worlds) -> Result<(), Stale> {
    let by_name = |worlds: &Worlds| -> BTreeMap<String, Environment> { worlds.targets.iter().cloned().collect() };
    let (locked, wanted) = (by_name(locked), by_name(wanted));
    if let Some(name) = wanted.keys().find(|name| !locked.contains_key(*name)) {
        return Err(Stale::TargetMissing(name.clone()));
    }
    for (target, variables) in locked {
        let Some(now) = wanted.get(&target) else { return Err(Stale::TargetLeft(target)) };
        let names: BTreeSet<&String> = variables.0.keys().chain(now.0.keys()).collect();
        if let Some(variable) = names.into_iter().find(|name| variables.0.get(*name) != now.0.get(*name)) {
            let (variable, locked) = (variable.clone(), variables.0.get(variable).cloned());
            let wanted = now.0.get(&variable).cloned();
            return Err(Stale::Variable { target, variable, locked, wanted });
        }
    }
    Ok(())
}

/// A lock as a source in which everything is decided but what the project's packages require.
struct View<'v> {
    lock: &'v Lock,
    request: &'v Request,
    tools: &'v Tools,
    local: BTreeMap<&'v PackageName, &'v LocalPackage>,
    names: RefCell<(HashMap<PackageName, NameId>, Vec<PackageName>)>,
}

impl<'v> View<'v> {
    fn new(lock: &'v Lock, request: &'v Request, tools: &'v Tools) -> Self {
        let local = request.project.iter().map(|package| (&package.name, package)).collect();
        Self { lock, request, tools, local, names: RefCell::default() }
    }

    fn name(&self, id: NameId) -> Option<PackageName> {
        self.names.borrow().1.get(id.0 as usize).cloned()
    }

    /// The worlds in the order of the request.
    fn worlds(&self) -> Vec<(World, Option<&'v str>)> {
        let targets = self.request.worlds.targets.iter().enumerate();
        let targets = targets.map(|(index, (name, _))| (World::target(index), Some(name.as_str())));
        std::iter::once((World::HOST, None)).chain(targets).collect()
    }

    fn chosen(&self) -> Chosen {
        let mut chosen = Chosen::new();
        for (world, target) in self.worlds() {
            for (key, node) in &self.lock.solution.nodes {
                if here(key, node, target) || node.local {
                    chosen.insert((self.id(&key.name), world), 0);
                }
            }
        }
        chosen
    }

    fn check_met(&self, package: &LocalPackage, chosen: &Chosen) -> Result<(), Stale> {
        let holds = |atom: &Atom| chosen.contains_key(&(atom.name, atom.world)) && !atom.accepts.is_empty();
        let id = self.id(&package.name);
        for (world, target) in self.worlds() {
            // On the host the package is not needed unless it preprocesses; its edges tell.
            if target.is_none() {
                continue;
            }
            let Ok(candidate) = self.candidate(id, 0, world) else { continue };
            if let Some(unmet) = candidate.requires.iter().find(|formula| !formula.eval(&holds)) {
                let what = self.formula(unmet);
                let names: BTreeSet<PackageName> = what.atoms().iter().map(|atom| atom.name.clone()).collect();
                let version = |name: PackageName| {
                    let version = self.lock.version(&name).cloned();
                    (name, version)
                };
                let locked = names.into_iter().map(version).collect();
                return Err(Stale::Unmet { package: package.name.clone(), what, locked });
            }
        }
        Ok(())
    }

    /// What is locked of a package, whatever its version.
    fn locked(&self, name: &PackageName, world: World, kind: Kind) -> Formula {
        Formula::Atom(Atom { name: self.id(name), world, kind, accepts: Rc::new([0]), requirement: None })
    }

    fn formula(&self, formula: &Formula) -> OpamFormula<Requirement> {
        let all = |parts: &[Formula]| parts.iter().map(|part| self.formula(part)).collect::<Vec<_>>();
        match formula {
            Formula::All(parts) => OpamFormula::and(all(parts)),
            Formula::Any(parts) => OpamFormula::or(all(parts)),
            Formula::Atom(atom) => {
                let requirement = atom.requirement.as_deref().cloned();
                requirement.map_or(OpamFormula::True, OpamFormula::Atom)
            }
        }
    }

    fn check_edges(&self, package: &LocalPackage, needed: &roles::Needed) -> Result<(), Stale> {
        let id = self.id(&package.name);
        for (world, target) in self.worlds() {
            let role = if target.is_some() { Role::Target } else { Role::Host };
            let locked = self.lock.solution.nodes.get(&Key { name: package.name.clone(), role });
            let Some(now) = needed.get(&(id, world)) else { continue };
            let now: BTreeSet<Key> = now.keys().filter_map(|(name, world)| self.key(*name, *world)).collect();
            let deps = locked.map(|node| node.deps.as_slice()).unwrap_or_default();
            let deps = deps.iter().filter(|dep| target.is_none_or(|target| dep.on.covers(target)));
            let locked: BTreeSet<Key> = deps.map(|dep| dep.key.clone()).collect();
            let package = package.name.clone();
            if let Some(on) = now.difference(&locked).next().cloned() {
                return Err(Stale::DependencyMissing { package, on });
            }
            if let Some(on) = locked.difference(&now).next().cloned() {
                return Err(Stale::DependencyLeft { package, on });
            }
        }
        Ok(())
    }

    fn key(&self, name: NameId, world: World) -> Option<Key> {
        let role = if world == World::HOST { Role::Host } else { Role::Target };
        Some(Key { name: self.name(name)?, role })
    }

    fn reduce(&self, package: &LocalPackage, world: World) -> Option<Candidate> {
        let environment = match world.index() {
            None => &self.request.worlds.host,
            Some(index) => &self.request.worlds.targets.get(index)?.1,
        };
        let version = self.lock.version(&package.name)?;
        let reducer = Reducer { names: self, tools: self.tools, environment, world };
        let host = self.tools.extra_host(&package.name, version).chain(&package.host).collect();
        let (local, with_test) = (true, self.request.with_test);
        Some(reducer.candidate(&Definition {
            name: &package.name,
            version,
            index: 0,
            depends: &package.depends,
            depopts: &package.depopts,
            conflicts: &package.conflicts,
            classes: &[],
            host,
            local,
            with_test,
        }))
    }
}

impl Names for View<'_> {
    fn id(&self, name: &PackageName) -> NameId {
        let (ids, names) = &mut *self.names.borrow_mut();
        if let Some(id) = ids.get(name) {
            return *id;
        }
        let id = NameId(u32::try_from(names.len()).unwrap_or(u32::MAX));
        names.push(name.clone());
        ids.insert(name.clone(), id);
        id
    }

    fn admitted(&self, requirement: &Requirement) -> Rc<[VersionIx]> {
        let locked = self.lock.version(&requirement.name);
        locked.filter(|version| requirement.versions.admits(version)).map(|_| 0).into_iter().collect()
    }

    fn is_conf(&self, name: &PackageName) -> bool {
        let nodes = &self.lock.solution.nodes;
        let roles = [Role::Host, Role::Target];
        roles.into_iter().any(|role| nodes.get(&Key { name: name.clone(), role }).is_some_and(|node| node.conf))
    }

    fn class(&self, _: &PackageName) -> u32 {
        0
    }
}

impl Source for View<'_> {
    fn preference(&self, _: NameId) -> Rc<[VersionIx]> {
        Rc::new([0])
    }

    fn candidate(&self, name: NameId, _: VersionIx, world: World) -> Result<Rc<Candidate>, Unusable> {
        let name = self.name(name).ok_or(Unusable::Unavailable)?;
        if let Some(package) = self.local.get(&name) {
            return self.reduce(package, world).map(Rc::new).ok_or(Unusable::Unavailable);
        }
        let role = if world == World::HOST { Role::Host } else { Role::Target };
        let node = self.lock.solution.nodes.get(&Key { name, role }).ok_or(Unusable::Unavailable)?;
        let target = world.index().and_then(|index| self.request.worlds.targets.get(index));
        let here = |on: &On| target.is_none_or(|(target, _)| on.covers(target));
        let deps = node.deps.iter().filter(|dep| dep.kind != Kind::Order && here(&dep.on));
        let atoms = deps.map(|dep| {
            let world = if dep.key.role == Role::Host { World::HOST } else { world };
            self.locked(&dep.key.name, world, dep.kind)
        });
        Ok(Rc::new(Candidate { requires: atoms.collect(), ppx: node.ppx, ..Candidate::default() }))
    }

    fn members(&self, _: u32) -> Rc<[NameId]> {
        Rc::new([])
    }

    /// Everything locked: what is there for any reason counts where a dependency is optional.
    fn roots(&self) -> Rc<[Formula]> {
        let worlds = self.worlds();
        let places = worlds.iter().flat_map(|(world, target)| {
            let nodes = self.lock.solution.nodes.iter().filter(|(key, node)| here(key, node, *target));
            nodes.map(|(key, _)| self.locked(&key.name, *world, Kind::Link))
        });
        places.collect()
    }
}

/// Whether a node is in the world of this target, or of the host if there is none.
fn here(key: &Key, node: &Node, target: Option<&str>) -> bool {
    match target {
        None => key.role == Role::Host,
        Some(target) => key.role == Role::Target && node.on.covers(target),
    }
}
