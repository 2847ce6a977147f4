//! What is asked for, and of which worlds. Not here: what packages there are (`opam::universe`).

use std::collections::BTreeMap;

use opam::dependency::Dependencies;
use opam::filter::{Scope, Value};
use opam::formula::VersionConstraint;
use opam::name::PackageName;
use opam::variable::{Owner, Variable};
use opam::version::Version;

/// A question to the solver.
#[derive(Debug, Clone)]
pub struct Request {
    /// Published packages that are wanted on the targets.
    pub roots: Vec<Root>,
    /// The project's own packages: wanted, and there in the one version [`LOCAL_VERSION`].
    pub project: Vec<LocalPackage>,
    /// The build machine and the targets.
    pub worlds: Worlds,
    /// The version of [`COMPILER`]; no other compiler is chosen.
    pub ocaml: Version,
    /// Whether dependencies of the roots' and the project's tests are wanted too.
    pub with_test: bool,
    /// Which versions to try first, or last.
    pub preferences: Vec<Preference>,
    /// Versions to keep if that is possible, as those of an older lock.
    pub favoured: BTreeMap<PackageName, Version>,
    /// Versions that must not be chosen.
    pub excluded: Vec<(PackageName, VersionConstraint)>,
}

/// The version that the project's own packages have in constraints of others.
pub const LOCAL_VERSION: &str = "dev";

/// The package whose version is the compiler's.
pub const COMPILER: &str = "ocaml-base-compiler";

/// A package that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its name.
    pub name: PackageName,
    /// Which versions will do.
    pub versions: VersionConstraint,
}

/// A package of the project itself.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalPackage {
    /// Its name.
    pub name: PackageName,
    /// `depends:`
    pub depends: Dependencies,
    /// `depopts:`
    pub depopts: Dependencies,
    /// `conflicts:`
    pub conflicts: Dependencies,
    /// Packages that programs run by its build are linked with: needed on the host whatever else they are.
    pub host: Vec<PackageName>,
}

/// Whether versions are to be tried before or after others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// The package.
    pub name: PackageName,
    /// The versions.
    pub versions: VersionConstraint,
    /// What to think of them.
    pub rank: Rank,
}

/// What to think of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Before others: known to cross.
    Preferred,
    /// After others.
    Avoided,
}

/// Where packages are put.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worlds {
    /// The build machine.
    pub host: Environment,
    /// The targets with their names, in the order of the command line.
    pub targets: Vec<(String, Environment)>,
}

/// The values of a world's variables: `arch`, `os`, `os-distribution`, `os-family`, `os-version`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);

/// The opam that we claim to be where `opam-version` is asked for.
pub const OPAM_VERSION: &str = "2.5.0";

impl Environment {
    /// The environment with these variables.
    pub fn new<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl Scope for Environment {
    fn lookup(&self, variable: &Variable) -> Option<Value> {
        if variable.owner != Owner::Global {
            return None;
        }
        let value = self.0.get(&variable.name).map(String::as_str);
        value.or((variable.name == "opam-version").then_some(OPAM_VERSION)).map(Value::from)
    }
}
