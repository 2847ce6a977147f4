//! Packages: what an `opam` file means. Not here: how it is written ([`crate::syntax`]), and what is done with it.

mod read;
#[cfg(test)]
mod tests;

use crate::checksum::Checksum;
use crate::command::Command;
use crate::dependency::{Dependencies, Requirement};
use crate::environment::EnvUpdate;
use crate::error::Error;
use crate::filter::{Filter, Scope};
use crate::formula::Formula;
use crate::name::PackageName;
use crate::syntax::{self, Item};
use crate::version::Version;

/// A package in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name, as the repository says; a `name:` in the file is in [`Package::others`].
    pub name: PackageName,
    /// Its version, likewise.
    pub version: Version,
    /// What it needs.
    pub depends: Dependencies,
    /// What it uses if it is there: a disjunction.
    pub depopts: Dependencies,
    /// What cannot be beside it: a disjunction, any atom of which conflicts. Ask [`Package::conflicts_in`].
    pub conflicts: Dependencies,
    /// Two packages of one class conflict.
    pub conflict_classes: Vec<PackageName>,
    /// Where it can be installed at all.
    pub available: Filter,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// How it is built.
    pub build: Vec<Command>,
    /// How it is installed.
    pub install: Vec<Command>,
    /// How it is tested.
    pub run_test: Vec<Command>,
    /// Where its source is; a virtual package has none.
    pub source: Option<Source>,
    /// More files for its source directory, fetched.
    pub extra_sources: Vec<ExtraSource>,
    /// More files for its source directory, of the repository, with their checksums.
    pub extra_files: Vec<(String, Checksum)>,
    /// Patches to apply, in this order.
    pub patches: Vec<Filtered<String>>,
    /// Files `f` to be made of `f.in` by expansion.
    pub substs: Vec<String>,
    /// What it changes in the environment of others.
    pub setenv: Vec<EnvUpdate>,
    /// What it changes in the environment of its own commands.
    pub build_env: Vec<EnvUpdate>,
    /// Packages of the system that it needs.
    pub depexts: Vec<Filtered<Vec<String>>>,
    /// Where its dependencies are to come from; of use in a project's own file alone.
    pub pin_depends: Vec<PinDepend>,
    /// Everything else, as written: synopsis, messages, `x-…`, and what is unknown.
    pub others: Vec<Item>,
}

/// Something that is there when a filter holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered<T> {
    /// What.
    pub value: T,
    /// When; none is always.
    pub filter: Option<Filter>,
}

impl<T> Filtered<T> {
    /// It, if its filter holds in `scope`.
    #[must_use]
    pub fn eval(&self, scope: &dyn Scope) -> Option<&T> {
        self.filter.as_ref().is_none_or(|filter| filter.holds(scope)).then_some(&self.value)
    }
}

/// A package's flag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Flag {
    /// `conf`: checks for something of the system; has no source.
    Conf,
    /// `compiler`: may be what a switch is made of.
    Compiler,
    /// `avoid-version`: to be taken only when nothing else will do.
    AvoidVersion,
    /// `deprecated`: as `avoid-version`, and worth a warning.
    Deprecated,
    /// `plugin`: extends opam itself.
    Plugin,
    /// `light-uninstall`
    LightUninstall,
    /// `verbose`
    Verbose,
    /// Any other.
    Other(String),
}

/// Where bytes are and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The first address.
    pub src: String,
    /// Other addresses of the same bytes.
    pub mirrors: Vec<String>,
    /// What the bytes are; all of them hold. None for version control.
    pub checksums: Vec<Checksum>,
    /// The directory of the package in it.
    pub subpath: Option<String>,
}

/// A file that is fetched into the source directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraSource {
    /// Its path there.
    pub name: String,
    /// Where it is.
    pub source: Source,
}

/// A dependency that is to come from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinDepend {
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Its address.
    pub url: String,
}

impl Package {
    /// What the opam file `text` says of `name` in `version`, and what is wrong with it. What cannot be read is left out, so a
    /// package with errors is not to be trusted blindly.
    #[must_use]
    pub fn parse(name: PackageName, version: Version, text: &[u8]) -> (Self, Vec<Error>) {
        let (file, errors) = syntax::parse(text);
        read::package(Self::empty(name, version), file, errors)
    }

    /// The package of an empty file.
    #[must_use]
    pub fn empty(name: PackageName, version: Version) -> Self {
        Self {
            name,
            version,
            depends: Formula::True,
            depopts: Formula::True,
            conflicts: Formula::False,
            conflict_classes: Vec::new(),
            available: Filter::TRUE,
            flags: Vec::new(),
            build: Vec::new(),
            install: Vec::new(),
            run_test: Vec::new(),
            source: None,
            extra_sources: Vec::new(),
            extra_files: Vec::new(),
            patches: Vec::new(),
            substs: Vec::new(),
            setenv: Vec::new(),
            build_env: Vec::new(),
            depexts: Vec::new(),
            pin_depends: Vec::new(),
            others: Vec::new(),
        }
    }

    /// What cannot be beside it in `scope`. (Not `conflicts.reduce`: of that, nothing left means no *condition*.)
    #[must_use]
    pub fn conflicts_in(&self, scope: &dyn Scope) -> Vec<Requirement> {
        self.conflicts.atoms().into_iter().filter_map(|atom| atom.reduce(scope)).collect()
    }

    /// Whether it has `flag`.
    #[must_use]
    pub fn has_flag(&self, flag: &Flag) -> bool {
        self.flags.contains(flag)
    }

    /// A field that has no typed form here, as written.
    #[must_use]
    pub fn other(&self, field: &str) -> Option<&syntax::Value> {
        self.others.iter().find_map(|item| match item {
            Item::Field(found) if found.name == field => Some(&found.value),
            Item::Field(_) | Item::Section(_) => None,
        })
    }
}

impl From<&str> for Flag {
    fn from(text: &str) -> Self {
        match text {
            "conf" => Self::Conf,
            "compiler" => Self::Compiler,
            "avoid-version" => Self::AvoidVersion,
            "deprecated" => Self::Deprecated,
            "plugin" => Self::Plugin,
            "light-uninstall" => Self::LightUninstall,
            "verbose" => Self::Verbose,
            other => Self::Other(other.to_owned()),
        }
    }
}
