//! What the process finds around it: environment, directory, machine. Read once, then passed as a value.
//!
//! Not here: what is made of it (`settings`, `ui`).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use plan::target::Machine;

/// The environment variables of the process, or of a test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Env(BTreeMap<OsString, OsString>);

/// Everything outside the command line that decides what a command does.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) env: Env,
    /// The working directory, absolute.
    pub(crate) directory: PathBuf,
    /// How many processors may be used.
    pub(crate) processors: NonZeroUsize,
    /// The machine we run on.
    pub(crate) machine: Machine,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
}

impl Env {
    /// The value of a variable; an empty one counts as none, as the NO_COLOR convention and most shells' users expect.
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The directories of `PATH`, absolute ones only.
    pub(crate) fn path(&self) -> Vec<PathBuf> {
        let directories = self.get("PATH").into_iter().flat_map(std::env::split_paths);
        directories.filter(|directory| directory.is_absolute()).collect()
    }

    /// The file that a program's name means: the first in [`Env::path`] that may be executed.
    pub(crate) fn program(&self, name: impl AsRef<Path>) -> Option<PathBuf> {
        self.path().into_iter().map(|directory| directory.join(name.as_ref())).find(|file| is_program(file))
    }

    /// All variables.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Whether a file is there and may be executed.
pub(crate) fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            env: std::env::vars_os().collect(),
            // Without a working directory, relative paths mean the root's: reading them fails with their names.
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            processors: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            machine: Machine::of_rust(std::env::consts::ARCH, std::env::consts::OS),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// `path` seen from the working directory.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        // `.` is taken off: it would stay in every message.
        if path == Path::new(".") { self.directory.clone() } else { self.directory.join(path) }
    }
}

#[cfg(test)]
impl Surroundings {
    /// A machine for tests: nothing in the environment but `variables`, two processors, no terminal.
    pub(crate) fn for_test<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self {
            env: variables.into_iter().collect(),
            directory: PathBuf::from("/project"),
            processors: NonZeroUsize::MIN.saturating_add(1),
            machine: Machine::of_rust("x86_64", "linux"),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset_and_paths_are_absolute() {
        let env: Env = [("A", "1"), ("B", ""), ("PATH", "/bin:bin::/usr/bin")].into_iter().collect();
        assert_eq!((env.get("A"), env.get("B"), env.get("C")), (Some(OsStr::new("1")), None, None));
        assert_eq!(env.path(), [Path::new("/bin"), Path::new("/usr/bin")]);
    }

    #[test]
    fn paths_are_seen_from_the_working_directory() {
        let here = Surroundings::for_test([]);
        for (given, meant) in [(".", "/project"), ("a/b", "/project/a/b"), ("/a", "/a")] {
            assert_eq!(here.absolute(Path::new(given)), Path::new(meant));
        }
    }
}
