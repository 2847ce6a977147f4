//! From an opam file and a world to a [`Candidate`]: filters evaluated, each dependency put into the world it belongs to.
//!
//! Not here: which packages there are (`pool`), which are chosen (`sat`).

use std::rc::Rc;

use opam::dependency::{Dependencies, Dependency, Requirement};
use opam::filter::{Scope, Value};
use opam::formula::Formula as OpamFormula;
use opam::name::PackageName;
use opam::variable::{Owner, Variable};
use opam::version::Version;

use crate::problem::{Atom, Candidate, Clash, Formula, Kind, NameId, VersionIx, World};
use crate::request::Environment;
use crate::tools::Tools;

/// What reduction needs to know of other packages.
pub(crate) trait Names {
    /// The number of a name.
    fn id(&self, name: &PackageName) -> NameId;

    /// The versions of a package that a requirement admits, ascending.
    fn admitted(&self, requirement: &Requirement) -> Rc<[VersionIx]>;

    /// Whether it stands for something of the system. If that is no tool it is a C library, and who says it is needed
    /// for the build alone means its headers: it is needed where the package is.
    fn is_conf(&self, name: &PackageName) -> bool;

    /// The number of a conflict class.
    fn class(&self, name: &PackageName) -> u32;
}

/// A version of a package, as its opam file or the project has it.
pub(crate) struct Definition<'d> {
    pub(crate) name: &'d PackageName,
    pub(crate) version: &'d Version,
    pub(crate) index: VersionIx,
    pub(crate) depends: &'d Dependencies,
    pub(crate) depopts: &'d Dependencies,
    pub(crate) conflicts: &'d Dependencies,
    pub(crate) classes: &'d [PackageName],
    /// Needed on the host beyond what `depends` says.
    pub(crate) host: Vec<&'d PackageName>,
    /// Is the project's own.
    pub(crate) local: bool,
    pub(crate) with_test: bool,
}

/// The variables of a dependency formula.
pub(crate) struct Variables<'d> {
    pub(crate) environment: &'d Environment,
    pub(crate) name: &'d PackageName,
    pub(crate) version: &'d Version,
    pub(crate) local: bool,
    pub(crate) with_test: bool,
    pub(crate) build: bool,
    pub(crate) post: bool,
}

impl Scope for Variables<'_> {
    fn lookup(&self, variable: &Variable) -> Option<Value> {
        let own = match &variable.owner {
            Owner::Global | Owner::Own => true,
            Owner::Package(name) => name == self.name,
        };
        match variable.name.as_str() {
            "name" if own => Some(self.name.as_str().into()),
            "version" if own => Some(self.version.as_str().into()),
            "dev" | "pinned" if own => Some(self.local.into()),
            _ if variable.owner != Owner::Global => None,
            "build" => Some(self.build.into()),
            "post" => Some(self.post.into()),
            "with-test" => Some(self.with_test.into()),
            "with-doc" | "with-dev-setup" => Some(false.into()),
            _ => self.environment.lookup(variable),
        }
    }
}

/// Reduces definitions for one world.
pub(crate) struct Reducer<'r, N> {
    pub(crate) names: &'r N,
    pub(crate) tools: &'r Tools,
    pub(crate) environment: &'r Environment,
    pub(crate) world: World,
}

impl<N: Names> Reducer<'_, N> {
    /// The version as the world sees it.
    pub(crate) fn candidate(&self, definition: &Definition<'_>) -> Candidate {
        let depends = self.formula(definition, definition.depends);
        let ppx = self.is_ppx(definition.name, &depends);
        let mut requires = match depends {
            Formula::All(parts) => parts,
            other @ (Formula::Any(_) | Formula::Atom(_)) => vec![other],
        };
        requires.extend(definition.host.iter().map(|name| Formula::Atom(self.host(name))));
        let undeclared = self.tools.undeclared(definition.name, definition.version);
        requires.extend(undeclared.map(|name| Formula::Atom(self.any(name, self.world, Kind::Link))));
        let me = self.names.id(definition.name);
        if ppx && self.world != World::HOST {
            requires.push(Formula::Atom(Atom {
                name: me,
                world: World::HOST,
                kind: Kind::Build,
                accepts: Rc::new([definition.index]),
                requirement: None,
            }));
        }
        let mut optional = Vec::new();
        self.formula(definition, definition.depopts).atoms(&mut |atom| optional.push(atom.clone()));
        let clashes = self.clashes(definition).into_iter().filter(|clash| clash.name != me).collect();
        let classes = definition.classes.iter().map(|class| self.names.class(class)).collect();
        Candidate { requires, optional, clashes, classes, ppx }
    }

    fn formula(&self, definition: &Definition<'_>, formula: &Dependencies) -> Formula {
        let reduced = formula.filter_map(&mut |dependency: &Dependency| self.atom(definition, dependency));
        reduced.map_or(Formula::All(Vec::new()), convert)
    }

    fn atom(&self, definition: &Definition<'_>, dependency: &Dependency) -> Option<OpamFormula<Atom>> {
        let requirement = dependency.reduce(&self.variables(definition, true, true))?;
        // On oneself one can depend, unless on another version.
        if requirement.name == *definition.name && requirement.versions.admits(definition.version) {
            return Some(OpamFormula::True);
        }
        let needed = |build, post| dependency.reduce(&self.variables(definition, build, post)).is_some();
        let host_only = self.tools.host_only.contains(&dependency.name);
        let run_only = !needed(false, true) && !self.names.is_conf(&dependency.name);
        let kind = if !needed(true, false) {
            Kind::Post
        } else if run_only || (host_only && self.world != World::HOST) {
            Kind::Build
        } else {
            Kind::Link
        };
        let world = if kind == Kind::Build || host_only { World::HOST } else { self.world };
        let (name, accepts) = (self.names.id(&dependency.name), self.names.admitted(&requirement));
        Some(OpamFormula::Atom(Atom { name, world, kind, accepts, requirement: Some(Rc::new(requirement)) }))
    }

    fn host(&self, name: &PackageName) -> Atom {
        self.any(name, World::HOST, Kind::Build)
    }

    /// Any version of a package.
    fn any(&self, name: &PackageName, world: World, kind: Kind) -> Atom {
        let requirement = Requirement { name: name.clone(), versions: OpamFormula::True };
        let (name, accepts) = (self.names.id(name), self.names.admitted(&requirement));
        Atom { name, world, kind, accepts, requirement: Some(Rc::new(requirement)) }
    }

    fn clashes(&self, definition: &Definition<'_>) -> Vec<Clash> {
        let reduced = definition.conflicts.reduce(&self.variables(definition, true, true));
        let clash = |requirement: &&Requirement| Clash {
            name: self.names.id(&requirement.name),
            versions: self.names.admitted(requirement),
        };
        reduced.atoms().iter().map(clash).collect()
    }

    fn is_ppx(&self, name: &PackageName, depends: &Formula) -> bool {
        let marked = |name: &PackageName| self.tools.both.contains(name) || self.tools.ppx_markers.contains(name);
        let mut ppx = marked(name);
        depends.atoms(&mut |atom| {
            let other = atom.requirement.as_ref().map(|requirement| &requirement.name);
            ppx |= atom.kind == Kind::Link && other.is_some_and(|other| self.tools.ppx_markers.contains(other));
        });
        ppx
    }

    fn variables<'d>(&'d self, definition: &'d Definition<'_>, build: bool, post: bool) -> Variables<'d> {
        let Definition { name, version, local, with_test, .. } = *definition;
        Variables { environment: self.environment, name, version, local, with_test, build, post }
    }
}

fn convert(formula: OpamFormula<Atom>) -> Formula {
    match formula {
        OpamFormula::True => Formula::All(Vec::new()),
        OpamFormula::False => Formula::Any(Vec::new()),
        OpamFormula::Atom(atom) => Formula::Atom(atom),
        OpamFormula::And(parts) => Formula::All(parts.into_iter().map(convert).collect()),
        OpamFormula::Or(parts) => Formula::Any(parts.into_iter().map(convert).collect()),
    }
}
