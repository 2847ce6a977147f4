//! A closure of packages as nodes of the graph: each package of a solution, once for each world that needs it.
//!
//! Not here: how one package is built ([`crate::package`]), which packages and roles there are (`solve`).

use std::collections::{BTreeMap, BTreeSet};

use action::graph::NodeId;
use opam::name::PackageName;
use opam::package::{Flag, Package};
use opam::universe::{Entry, Universe};
use opam::version::Version;
use solve::solution::{Cycle, Key, Kind, Node, Role, Solution};

use crate::clib::Extra;
use crate::clib::conf::{Conf, Tool};
use crate::instructions::{Installed, InstructionError, Setting, instructions};
use crate::ocaml::Release;
use crate::package::Dependencies;
use crate::planner::{PlanError, Planner};
use crate::quirk::Quirks;
use crate::target::Target;
use crate::world::World;

/// What a closure is planned out of.
#[derive(Debug, Clone, Copy)]
pub struct Closure<'a> {
    /// The packages and their roles.
    pub solution: &'a Solution,
    /// Where their files are.
    pub universe: &'a Universe,
    /// What is known beyond them.
    pub quirks: &'a Quirks,
    /// The OCaml.
    pub release: Release,
    /// The targets to plan for, among the solution's.
    pub targets: &'a [Target],
}

/// The nodes of a closure, dependencies before dependents.
#[derive(Debug, Clone, Default)]
pub struct Planned {
    /// A package in a world, and what it is made by: nothing for what comes with the compiler.
    pub nodes: BTreeMap<(PackageName, World), Option<NodeId>>,
}

/// Why a closure cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum ClosureError {
    /// Packages wait for each other.
    #[error(transparent)]
    Cycle(#[from] Cycle),
    /// A constant of ours is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A package cannot be built from its file.
    #[error(transparent)]
    Instructions(#[from] InstructionError),
    /// A package stands for something of the system that is not known here.
    #[error("`{conf}` stands for something of the system that is not known here")]
    UnknownConf {
        /// The package.
        conf: PackageName,
        /// Who depends on it.
        wanted_by: Vec<PackageName>,
    },
    /// It is known that a package cannot be built for a target.
    #[error("{name}.{version} cannot be built for {target}: {why}")]
    Unavailable {
        /// The package.
        name: PackageName,
        /// Its version.
        version: Version,
        /// For what.
        target: String,
        /// Why not.
        why: String,
    },
    /// The solution names a package that the repositories have not.
    #[error("{name}.{version} is in no repository")]
    Absent {
        /// The package.
        name: PackageName,
        /// Its version.
        version: Version,
    },
}

const DUNE: &str = "dune";

/// Whether a package stands for something of the system. One that brings sources is built from them, whatever its name:
/// that is how users supply a library which is not known here.
pub(crate) fn stands_for_system(package: &Package) -> bool {
    let named_so = package.name.as_str().starts_with("conf-");
    (package.has_flag(&Flag::Conf) || named_so) && package.source.is_none()
}

/// What a package sees of others in one role: itself, and everything below.
type Below<'s> = BTreeSet<&'s PackageName>;

impl Planned {
    /// The trees of `role`s in `world` of the packages in `names`.
    fn trees(&self, names: &Below<'_>, world: World) -> Vec<NodeId> {
        names.iter().filter_map(|name| self.nodes.get(&((*name).clone(), world)).copied().flatten()).collect()
    }
}

impl Planner {
    /// Nodes for all packages of a solution.
    ///
    /// # Errors
    /// If a package's file does not say enough, or a constant of this crate is wrong.
    pub fn closure(&mut self, closure: &Closure<'_>) -> Result<Planned, ClosureError> {
        let mut planned = Planned::default();
        for key in closure.solution.order()? {
            let Some(node) = closure.solution.nodes.get(&key) else { continue };
            let worlds: Vec<(World, String)> = match key.role {
                Role::Host => vec![(World::Host, String::new())],
                Role::Target => {
                    let named = closure.targets.iter().map(|target| (World::Target(*target), target.to_string()));
                    named.filter(|(_, name)| node.on.covers(name)).collect()
                }
            };
            for (world, name) in worlds {
                let made = self.placed(closure, (&key, node), (world, &name), &planned)?;
                planned.nodes.insert((key.name.clone(), world), made);
            }
        }
        Ok(planned)
    }

    /// The node of a package in `world`, known to the solution by `name`.
    fn placed(
        &mut self,
        closure: &Closure<'_>,
        (key, node): (&Key, &Node),
        (world, name): (World, &str),
        planned: &Planned,
    ) -> Result<Option<NodeId>, ClosureError> {
        if node.provided || node.local {
            return Ok(None);
        }
        let entry = closure.universe.get(&key.name, &node.version);
        let entry =
            entry.ok_or_else(|| ClosureError::Absent { name: key.name.clone(), version: node.version.clone() })?;
        if let Some(why) = closure.quirks.obstacle(entry.package(), world) {
            let (why, version) = (why.to_owned(), node.version.clone());
            return Err(ClosureError::Unavailable { name: key.name.clone(), version, target: name.to_owned(), why });
        }
        if stands_for_system(entry.package()) {
            return self.conf(key, world, closure);
        }
        let below = |role| closure.below(key, role, name);
        let (host, target) = (below(Role::Host), below(Role::Target));
        let seen = match world {
            World::Host => host.clone(),
            World::Target(_) => target.iter().copied().chain(closure.tools(node, &target)).collect(),
        };
        let installed = closure.installed(&seen, |name| if target.contains(name) { world } else { World::Host });
        let exporters = closure.exporters(&installed);
        let (release, quirks) = (closure.release, closure.quirks);
        let archive_mirrors = closure.universe.archive_mirrors(entry.priority());
        let setting = Setting { world, release, installed: &installed, exporters: &exporters, quirks, archive_mirrors };
        let target = match world {
            World::Host => Vec::new(),
            World::Target(_) => planned.trees(&target, world),
        };
        let extra = host.iter().chain(&seen).filter_map(|name| extra(name)).collect();
        let dependencies = Dependencies { host: planned.trees(&host, World::Host), target, extra };
        self.entry(entry, &setting, dependencies).map(Some)
    }

    /// What a package that stands for something of the system means in `world`.
    fn conf(&mut self, key: &Key, world: World, closure: &Closure<'_>) -> Result<Option<NodeId>, ClosureError> {
        match Conf::named(key.name.as_str()) {
            Some(Conf::Library(library)) => Ok(Some(self.library(library, world)?.node)),
            Some(Conf::Tool(_)) => Ok(None),
            None => {
                let wanted_by = closure.solution.nodes.iter();
                let wanted_by = wanted_by.filter(|(_, node)| node.deps.iter().any(|dep| dep.key == *key));
                let wanted_by = wanted_by.map(|(key, _)| key.name.clone()).collect();
                Err(ClosureError::UnknownConf { conf: key.name.clone(), wanted_by })
            }
        }
    }

    fn entry(
        &mut self,
        entry: &Entry,
        setting: &Setting<'_>,
        mut dependencies: Dependencies,
    ) -> Result<NodeId, ClosureError> {
        let (world, release) = (setting.world, setting.release);
        let wanted = instructions(entry, setting)?;
        if wanted.name == DUNE
            && world == World::Host
            && let Some(source) = &wanted.source
            && let Some(known) = self.known_dune(release, source)?
        {
            return Ok(known);
        }
        // dune itself does not depend on dune, but for a target it is built with one.
        let uses_dune =
            wanted.commands.iter().any(|command| command.arguments.first().is_some_and(|name| name == DUNE));
        if uses_dune && !setting.installed.keys().any(|name| name.as_str() == DUNE) {
            dependencies.host.push(self.dune(release)?);
        }
        Ok(self.package(&wanted, world, release, &dependencies)?)
    }
}

/// The tool beyond the base image that a package stands for.
fn extra(name: &PackageName) -> Option<Extra> {
    match Conf::named(name.as_str()) {
        Some(Conf::Tool(Tool::Extra(extra))) => Some(extra),
        _ => None,
    }
}

impl<'a> Closure<'a> {
    /// What a node sees in `role`: its own dependencies of that role, and theirs.
    fn below(&self, key: &Key, role: Role, target: &str) -> Below<'a> {
        let mut found = Below::new();
        let mut left = self.direct(key, role, target);
        // A package for the host sees nothing of a target; a target's sees its own tools, not those of its libraries.
        while let Some(key) = left.pop() {
            if found.insert(&key.name) {
                left.extend(self.direct(key, role, target));
            }
        }
        found
    }

    fn direct(&self, key: &Key, role: Role, target: &str) -> Vec<&'a Key> {
        let Some(node) = self.solution.nodes.get(key) else { return Vec::new() };
        let deps = node.deps.iter().filter(|dep| dep.kind != Kind::Post && dep.key.role == role);
        deps.filter(|dep| target.is_empty() || dep.on.covers(target)).map(|dep| &dep.key).collect()
    }

    /// Tools that a target's package depends on and that are not on the target themselves.
    fn tools(&self, node: &'a Node, target: &Below<'a>) -> Vec<&'a PackageName> {
        let names = node.deps.iter().filter(|dep| dep.key.role == Role::Host).map(|dep| &dep.key.name);
        names.filter(|name| !target.contains(name)).collect()
    }

    fn installed(&self, names: &Below<'_>, world: impl Fn(&PackageName) -> World) -> BTreeMap<PackageName, Installed> {
        let version = |name: &PackageName| {
            [Role::Target, Role::Host].into_iter().find_map(|role| {
                let key = Key { name: name.clone(), role };
                self.solution.nodes.get(&key).map(|node| node.version.clone())
            })
        };
        let installed = |name: &PackageName| Some(Installed { version: version(name)?, world: world(name) });
        names.iter().filter_map(|name| Some(((*name).clone(), installed(name)?))).collect()
    }

    /// Those of `installed` that change the environment of others. What comes with the compiler does, but ours is not there.
    fn exporters(&self, installed: &BTreeMap<PackageName, Installed>) -> Vec<&'a Package> {
        let provided = |name: &PackageName| {
            let key = |role| Key { name: name.clone(), role };
            let mut nodes =
                [Role::Target, Role::Host].into_iter().filter_map(|role| self.solution.nodes.get(&key(role)));
            nodes.any(|node| node.provided)
        };
        let entries = installed.iter().filter_map(|(name, installed)| self.universe.get(name, &installed.version));
        let packages = entries.map(Entry::package).filter(|package| !package.setenv.is_empty());
        packages.filter(|package| !provided(&package.name)).collect()
    }
}
