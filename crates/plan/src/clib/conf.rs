//! What `conf-*` packages mean: a library we build, or a tool that the base image has.
//!
//! Such a package is re-interpreted, never run blindly: its own build would ask the build machine about itself. Names and
//! meanings are those of the public opam repository.
//!
//! Not here: what is done about a package that stands in neither table.

use super::{Extra, Library};

/// What a `conf-*` package stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conf {
    /// A C library, built for the world in which it is asked for.
    Library(Library),
    /// A tool of the build machine; nothing is built, and for a target there is nothing to check.
    Tool(Tool),
}

/// Where a tool that a `conf-*` package asks for comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// A program of the base image, by name.
    Base(&'static str),
    /// A program that a root has only if it is put there: [`crate::planner::Planner::extra`].
    Extra(Extra),
    /// Ours: the C compiler of each world.
    Compiler,
    /// Ours: [`crate::pkg_config`].
    PkgConfig,
    /// A program that no root has; a build that runs it will not work. Its name.
    Absent(&'static str),
}

const TOOLS: &[(&str, Tool)] = &[
    ("conf-autoconf", Tool::Absent("autoconf")),
    ("conf-automake", Tool::Absent("automake")),
    ("conf-bash", Tool::Base("bash")),
    ("conf-c++", Tool::Absent("c++")),
    ("conf-cmake", Tool::Absent("cmake")),
    ("conf-diffutils", Tool::Base("diff")),
    ("conf-findutils", Tool::Base("find")),
    ("conf-g++", Tool::Absent("g++")),
    ("conf-gcc", Tool::Compiler),
    ("conf-git", Tool::Absent("git")),
    ("conf-libtool", Tool::Absent("libtool")),
    ("conf-m4", Tool::Extra(Extra::M4)),
    ("conf-perl", Tool::Extra(Extra::Perl)),
    ("conf-pkg-config", Tool::PkgConfig),
    ("conf-python-3", Tool::Absent("python3")),
    ("conf-time", Tool::Absent("time")),
    ("conf-which", Tool::Base("which")),
];

impl Conf {
    /// What the package `name` stands for.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let tool = TOOLS.iter().find(|(conf, _)| *conf == name).map(|(_, tool)| Self::Tool(*tool));
        tool.or_else(|| Library::for_conf(name).map(Self::Library))
    }

    /// All packages that have a meaning here.
    pub fn all() -> impl Iterator<Item = &'static str> {
        let libraries = Library::ALL.into_iter().flat_map(|library| library.facts().conf.iter().copied());
        TOOLS.iter().map(|(conf, _)| *conf).chain(libraries)
    }
}
