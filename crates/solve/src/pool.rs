//! A universe and a request as a [`Source`]: names and versions numbered, opam files reduced when they are asked for.
//!
//! Not here: what one opam file comes to in one world (`reduce`).

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use opam::dependency::Requirement;
use opam::filter::Filter;
use opam::formula::{Formula as OpamFormula, VersionBound};
use opam::name::PackageName;
use opam::package::{Flag, Package};
use opam::syntax::RelOp;
use opam::universe::{Entry, Universe};
use opam::version::Version;

use crate::problem::{Atom, Candidate, Formula, Kind, NameId, Source, Unusable, VersionIx, World};
use crate::reduce::{Definition, Names, Reducer, Variables};
use crate::request::{COMPILER, Environment, LOCAL_VERSION, LocalPackage, Rank, Request};
use crate::tools::Tools;

/// What a root of the problem stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootOf {
    /// The pinned compiler.
    Compiler,
    /// A published package.
    Request,
    /// A package of the project.
    Project,
}

type Reduced = Result<Rc<Candidate>, Unusable>;

/// Everything that can be asked about packages, for one request.
pub(crate) struct Pool<'p> {
    universe: &'p Universe,
    tools: &'p Tools,
    request: &'p Request,
    local: BTreeMap<&'p PackageName, &'p LocalPackage>,
    local_version: Version,
    compiler: Option<PackageName>,
    names: RefCell<Interned>,
    classes: RefCell<Interned>,
    known: RefCell<HashMap<NameId, Rc<Known>>>,
    admitted: RefCell<HashMap<Requirement, Rc<[VersionIx]>>>,
    candidates: RefCell<HashMap<(NameId, VersionIx, World), Reduced>>,
    roots: RefCell<Option<Rc<[Formula]>>>,
    /// A pair for each root, in the same order: what it stands for and in which world.
    labels: RefCell<Vec<(RootOf, World)>>,
}

#[derive(Default)]
struct Interned {
    ids: HashMap<PackageName, u32>,
    names: Vec<PackageName>,
}

impl Interned {
    fn id(&mut self, name: &PackageName) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.ids.insert(name.clone(), id);
        id
    }
}

/// The versions of a package.
pub(crate) struct Known {
    /// Ascending; an index is the place here.
    pub(crate) versions: Vec<Version>,
    preference: Rc<[VersionIx]>,
}

impl<'p> Pool<'p> {
    pub(crate) fn new(universe: &'p Universe, tools: &'p Tools, request: &'p Request) -> Self {
        Self {
            universe,
            tools,
            request,
            local: request.project.iter().map(|package| (&package.name, package)).collect(),
            local_version: literal(LOCAL_VERSION, &request.ocaml),
            compiler: PackageName::new(COMPILER).ok(),
            names: RefCell::default(),
            classes: RefCell::default(),
            known: RefCell::default(),
            admitted: RefCell::default(),
            candidates: RefCell::default(),
            roots: RefCell::default(),
            labels: RefCell::default(),
        }
    }

    /// The package of a number that this pool gave out.
    pub(crate) fn name(&self, id: NameId) -> Option<PackageName> {
        self.names.borrow().names.get(id.0 as usize).cloned()
    }

    /// The class of a number that this pool gave out.
    pub(crate) fn class_name(&self, class: u32) -> Option<PackageName> {
        self.classes.borrow().names.get(class as usize).cloned()
    }

    /// The version of a number that this pool gave out.
    pub(crate) fn version(&self, name: NameId, index: VersionIx) -> Option<Version> {
        self.known(name).versions.get(index as usize).cloned()
    }

    pub(crate) fn is_local(&self, name: &PackageName) -> bool {
        self.local.contains_key(name)
    }

    /// Names that may have been meant, the nearest first.
    pub(crate) fn nearest(&self, name: &PackageName) -> Vec<PackageName> {
        self.universe.suggest(name.as_str()).into_iter().cloned().collect()
    }

    /// The `available:` of a version.
    pub(crate) fn available(&self, name: &PackageName, version: &Version) -> Option<Filter> {
        self.universe.get(name, version).map(|entry| entry.package().available.clone())
    }

    /// The compiler's version.
    pub(crate) fn pinned(&self) -> &'p Version {
        &self.request.ocaml
    }

    /// The name of the target at this place of the request.
    pub(crate) fn target(&self, index: usize) -> Option<&'p str> {
        self.request.worlds.targets.get(index).map(|(name, _)| name.as_str())
    }

    /// The root at this place.
    pub(crate) fn root(&self, index: usize) -> Option<(RootOf, World)> {
        self.roots();
        self.labels.borrow().get(index).copied()
    }

    /// The versions of a package, those of the project before those of the universe.
    pub(crate) fn known(&self, id: NameId) -> Rc<Known> {
        if let Some(known) = self.known.borrow().get(&id) {
            return Rc::clone(known);
        }
        let name = self.name(id);
        let known = Rc::new(
            name.map_or_else(|| Known { versions: Vec::new(), preference: Rc::new([]) }, |name| self.look_up(&name)),
        );
        self.known.borrow_mut().insert(id, Rc::clone(&known));
        known
    }

    fn look_up(&self, name: &PackageName) -> Known {
        if self.is_local(name) {
            return Known { versions: vec![self.local_version.clone()], preference: Rc::new([0]) };
        }
        let versions: Vec<Version> = self.universe.versions(name).iter().map(|entry| entry.version().clone()).collect();
        let mut ranked: Vec<(_, VersionIx)> =
            versions.iter().zip(0..).map(|(version, index)| (self.rank(name, version), index)).collect();
        ranked.sort_unstable_by_key(|(rank, index)| (*rank, Reverse(*index)));
        Known { versions, preference: ranked.into_iter().map(|(_, index)| index).collect() }
    }

    /// What is to be tried first is less. Flags are looked at only where there is a choice.
    fn rank(&self, name: &PackageName, version: &Version) -> (bool, bool, u8) {
        let entries = self.universe.versions(name);
        let flagged = entries.len() > 1
            && self.universe.get(name, version).is_some_and(|entry| {
                let package = entry.package();
                package.has_flag(&Flag::AvoidVersion) || package.has_flag(&Flag::Deprecated)
            });
        let row = self.request.preferences.iter().find(|row| row.name == *name && row.versions.admits(version));
        let table = match row.map(|row| row.rank) {
            Some(Rank::Preferred) => 0,
            None => 1,
            Some(Rank::Avoided) => 2,
        };
        (self.request.favoured.get(name) != Some(version), flagged, table)
    }

    fn environment(&self, world: World) -> Option<&'p Environment> {
        match world.index() {
            None => Some(&self.request.worlds.host),
            Some(index) => self.request.worlds.targets.get(index).map(|(_, environment)| environment),
        }
    }

    fn reduce(&self, id: NameId, index: VersionIx, world: World) -> Reduced {
        let name = self.name(id).ok_or(Unusable::Unavailable)?;
        let environment = self.environment(world).ok_or(Unusable::Unavailable)?;
        let version = self.version(id, index).ok_or(Unusable::Unavailable)?;
        let reducer = Reducer { names: self, tools: self.tools, environment, world };
        let mut host: Vec<&PackageName> = self.tools.extra_host(&name, &version).collect();
        let with_test = self.request.with_test;
        if let Some(package) = self.local.get(&name) {
            host.extend(&package.host);
            let definition = Definition {
                name: &name,
                version: &version,
                index,
                depends: &package.depends,
                depopts: &package.depopts,
                conflicts: &package.conflicts,
                classes: &[],
                host,
                local: true,
                with_test,
            };
            return Ok(Rc::new(reducer.candidate(&definition)));
        }
        let package = self.universe.get(&name, &version).ok_or(Unusable::Unavailable)?.package();
        self.usable(package, environment)?;
        let definition = Definition {
            name: &name,
            version: &version,
            index,
            depends: &package.depends,
            depopts: &package.depopts,
            conflicts: &package.conflicts,
            classes: &package.conflict_classes,
            host,
            local: false,
            with_test: with_test && self.request.roots.iter().any(|root| root.name == name),
        };
        Ok(Rc::new(reducer.candidate(&definition)))
    }

    fn usable(&self, package: &Package, environment: &Environment) -> Result<(), Unusable> {
        let excluded = |(name, versions): &(PackageName, OpamFormula<VersionBound>)| {
            *name == package.name && versions.admits(&package.version)
        };
        if self.request.excluded.iter().any(excluded) {
            return Err(Unusable::Excluded);
        }
        let pinned = self.compiler.as_ref() == Some(&package.name);
        if (pinned && package.version != self.request.ocaml) || (!pinned && package.has_flag(&Flag::Compiler)) {
            return Err(Unusable::OtherCompiler);
        }
        let (name, version) = (&package.name, &package.version);
        let variables =
            Variables { environment, name, version, local: false, with_test: false, build: true, post: true };
        if package.available.holds(&variables) { Ok(()) } else { Err(Unusable::Unavailable) }
    }

    fn make_roots(&self) -> Rc<[Formula]> {
        let mut labels = Vec::new();
        let mut roots = Vec::new();
        let mut want = |of: RootOf, world: World, requirement: Requirement| {
            labels.push((of, world));
            let (name, accepts) = (self.id(&requirement.name), self.admitted(&requirement));
            let requirement = Some(Rc::new(requirement));
            roots.push(Formula::Atom(Atom { name, world, kind: Kind::Link, accepts, requirement }));
        };
        let targets: Vec<World> = (0..self.request.worlds.targets.len()).map(World::target).collect();
        if let Some(name) = &self.compiler {
            let bound = VersionBound { operator: RelOp::Eq, version: self.request.ocaml.clone() };
            for world in std::iter::once(World::HOST).chain(targets.iter().copied()) {
                let versions = OpamFormula::Atom(bound.clone());
                want(RootOf::Compiler, world, Requirement { name: name.clone(), versions });
            }
        }
        for package in &self.request.project {
            for world in &targets {
                let requirement = Requirement { name: package.name.clone(), versions: OpamFormula::True };
                want(RootOf::Project, *world, requirement);
            }
        }
        for root in &self.request.roots {
            for world in &targets {
                let requirement = Requirement { name: root.name.clone(), versions: root.versions.clone() };
                want(RootOf::Request, *world, requirement);
            }
        }
        *self.labels.borrow_mut() = labels;
        roots.into()
    }
}

/// `text` as a version; it is a constant of ours, so `other` never is what comes back.
fn literal(text: &str, other: &Version) -> Version {
    Version::new(text).unwrap_or_else(|_| other.clone())
}

impl Names for Pool<'_> {
    fn id(&self, name: &PackageName) -> NameId {
        NameId(self.names.borrow_mut().id(name))
    }

    fn admitted(&self, requirement: &Requirement) -> Rc<[VersionIx]> {
        if let Some(admitted) = self.admitted.borrow().get(requirement) {
            return Rc::clone(admitted);
        }
        let known = self.known(self.id(&requirement.name));
        let versions = known.versions.iter().zip(0..);
        let admitted: Rc<[VersionIx]> =
            versions.filter(|(version, _)| requirement.versions.admits(version)).map(|(_, index)| index).collect();
        self.admitted.borrow_mut().insert(requirement.clone(), Rc::clone(&admitted));
        admitted
    }

    fn is_conf(&self, name: &PackageName) -> bool {
        // One of a user's own with the library's sources has no flag, and the name that others know.
        let flagged = |newest: &Entry| newest.package().has_flag(&Flag::Conf);
        name.as_str().starts_with("conf-") || self.universe.versions(name).last().is_some_and(flagged)
    }

    fn class(&self, name: &PackageName) -> u32 {
        self.classes.borrow_mut().id(name)
    }
}

impl Source for Pool<'_> {
    fn preference(&self, name: NameId) -> Rc<[VersionIx]> {
        Rc::clone(&self.known(name).preference)
    }

    fn candidate(&self, name: NameId, version: VersionIx, world: World) -> Reduced {
        let key = (name, version, world);
        if let Some(reduced) = self.candidates.borrow().get(&key) {
            return reduced.clone();
        }
        let reduced = self.reduce(name, version, world);
        self.candidates.borrow_mut().insert(key, reduced.clone());
        reduced
    }

    fn members(&self, class: u32) -> Rc<[NameId]> {
        let Some(class) = self.class_name(class) else { return Rc::new([]) };
        // Most files have no such field: they need not be read.
        let field = memchr::memmem::Finder::new(b"conflict-class");
        let entries = self.universe.entries().filter(|entry| field.find(entry.text()).is_some());
        let members = entries.filter(|entry| entry.package().conflict_classes.contains(&class));
        let names: BTreeSet<NameId> = members.map(|entry| self.id(entry.name())).collect();
        names.into_iter().collect()
    }

    fn roots(&self) -> Rc<[Formula]> {
        if let Some(roots) = &*self.roots.borrow() {
            return Rc::clone(roots);
        }
        let roots = self.make_roots();
        *self.roots.borrow_mut() = Some(Rc::clone(&roots));
        roots
    }
}
