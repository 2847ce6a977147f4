//! Why no base image could be captured.

use std::io;
use std::path::{Path, PathBuf};

use action::path::{PathError, RelPath};

/// Why no base image could be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Required tools are not in `PATH`; all of them.
    #[error("not in PATH: {}", .0.iter().map(MissingTool::to_string).collect::<Vec<_>>().join(", "))]
    MissingTools(Vec<MissingTool>),
    /// A program's shared library is in none of the loader's directories.
    #[error("{}: needs the shared library {library}, which is nowhere", needed_by.display())]
    MissingLibrary {
        /// Its file name.
        library: String,
        /// What needs it.
        needed_by: PathBuf,
    },
    /// Something that is to be captured is not there.
    #[error("{} does not exist", .0.display())]
    Absent(PathBuf),
    /// The program that a file names as its interpreter or loader does not exist.
    #[error("{}: its interpreter {interpreter} does not exist", needed_by.display())]
    MissingInterpreter {
        /// As the file names it.
        interpreter: String,
        /// The script or program.
        needed_by: PathBuf,
    },
    /// A program's or library's headers make no sense.
    #[error("{}: not a usable ELF file: {reason}", path.display())]
    Object {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Two different files belong at the same place.
    #[error("{} and {} both belong at /{at}", first.display(), second.display())]
    Conflict {
        /// The place.
        at: RelPath,
        /// The one.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A path that cannot be part of a tree.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A tool that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} (package {package})", names.join(" or "))]
pub struct MissingTool {
    /// The names that were looked for.
    pub names: Vec<String>,
    /// The Debian package that brings it.
    pub package: String,
}

/// Puts a path to an error of the operating system.
pub(super) fn at<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> CaptureError {
    move |error| CaptureError::Io { path: path.to_owned(), source: error.into() }
}
