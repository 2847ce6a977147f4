//! C toolchains that the user brings, as `bactrian.toml` says them: `[toolchain.TARGET]`.
//!
//! Not here: what is in their files (`brought`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plan::cc::brought::TOOLS;
use plan::target::Target;

/// What is said of a target's C toolchain. Paths are as written until [`CToolchain::seen_from`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CToolchain {
    /// A compiler: a path, or a name that is looked up in `PATH`.
    pub(crate) cc: Option<PathBuf>,
    /// What compiles assembly, if that is neither the compiler nor an `as`; only CMake files say it.
    pub(crate) asm: Option<PathBuf>,
    /// A CMake toolchain file or build directory.
    pub(crate) cmake: Option<PathBuf>,
    /// Android's NDK.
    pub(crate) ndk: Option<PathBuf>,
    /// The oldest API level of Android to build for.
    pub(crate) api: Option<u32>,
    /// Other programs than those beside the compiler, by name.
    pub(crate) tools: BTreeMap<String, PathBuf>,
    pub(crate) sysroot: Option<PathBuf>,
    /// What else the compiler reads.
    pub(crate) directories: Vec<PathBuf>,
    pub(crate) cflags: Vec<String>,
    pub(crate) asmflags: Vec<String>,
    pub(crate) ldflags: Vec<String>,
    /// What is linked with everything; only CMake files tell it from `ldflags`.
    pub(crate) ldlibs: Vec<String>,
}

/// The table of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BroughtOf {
    pub(crate) target: Target,
    /// Whether the table's name has a glibc floor: then it is for that one alone.
    pub(crate) with_floor: bool,
    pub(crate) toolchain: CToolchain,
}

impl BroughtOf {
    /// Whether it is said of `target`.
    pub(crate) fn is_for(&self, target: Target) -> bool {
        if self.with_floor { self.target == target } else { self.target.spec() == target.spec() }
    }
}

impl CToolchain {
    /// Whether `name` is the name of a program that may be said.
    pub(crate) fn is_tool(name: &str) -> bool {
        TOOLS.contains(&name)
    }

    /// The same with absolute paths, seen from `directory`. A bare name of a compiler stays one.
    pub(crate) fn seen_from(self, directory: &Path) -> Self {
        let absolute = |path: PathBuf| directory.join(path);
        let program = |path: PathBuf| if path.components().nth(1).is_none() { path } else { directory.join(path) };
        Self {
            cc: self.cc.map(program),
            cmake: self.cmake.map(absolute),
            ndk: self.ndk.map(absolute),
            tools: self.tools.into_iter().map(|(name, path)| (name, program(path))).collect(),
            sysroot: self.sysroot.map(absolute),
            directories: self.directories.into_iter().map(absolute).collect(),
            ..self
        }
    }
}
