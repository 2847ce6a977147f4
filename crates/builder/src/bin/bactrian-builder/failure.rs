//! Why the builder ends without having done what it was asked: facts, their exit codes and their one line each.
//!
//! Not here: hints for the user of `bactrian`, apart from naming the kernel settings that forbid a root.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of everything in this program that can fail.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Why the builder ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The kernel forbids every way to make the root; one reason per way tried.
    NoRoot(String),
    /// The command line or the recipe is wrong.
    Usage(String),
    /// Something could not be read, written, mounted or started.
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// An edit, union or installation that does not fit the files it meets.
    Edit(String),
    /// A step's command ended badly.
    Step { number: usize, command: String, how: String },
    /// The child that makes the root failed and said so.
    Reported { code: u8, text: String },
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Step { .. } => 1,
            Self::NoRoot(_) => 90,
            Self::Usage(_) => 91,
            Self::Io { .. } => 92,
            Self::Edit(_) => 93,
            Self::Reported { code, .. } => *code,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoot(why) => write!(f, "cannot make the input root `/`: {why}"),
            Self::Usage(what) | Self::Edit(what) | Self::Reported { text: what, .. } => write!(f, "{what}"),
            Self::Io { doing, path, source } => write!(f, "cannot {doing} {}: {source}", path.display()),
            Self::Step { number, command, how } => write!(f, "step {number} ({command}): {how}"),
        }
    }
}

/// Adds what was being done, and to what, to an error of the system.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: impl AsRef<Path>) -> Outcome<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str, path: impl AsRef<Path>) -> Outcome<T> {
        self.map_err(|error| Failure::Io { doing, path: path.as_ref().to_path_buf(), source: error.into() })
    }
}
