//! What can go wrong in the store, as facts with paths. Sentences and hints are the command line's.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use action::digest::{BlobDigest, DirDigest};
use action::path::PathError;
use action::tree::TreeError;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store lies on a read-only file system.
    #[error("{}: the file system is read-only", path.display())]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
    },
    /// The file system is full, or the user's quota is.
    #[error("{}: no space left", path.display())]
    NoSpace {
        /// What was to be written.
        path: PathBuf,
    },
    /// The user may not do this.
    #[error("{}: permission denied", path.display())]
    Permission {
        /// What was to be read or written.
        path: PathBuf,
    },
    /// Any other failure of the system.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The store was made by another version of this program.
    #[error("{}: the store's format is `{found}`, which this version cannot use", path.display())]
    Version {
        /// The store's `format` file.
        path: PathBuf,
        /// What it says, cut after 64 bytes.
        found: String,
    },
    /// The directory has other things in it and was never a store.
    #[error("{}: not empty and not a store", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
    },
    /// Others use the store, so it cannot be collected now.
    #[error("{}: in use by other processes", path.display())]
    Busy {
        /// The file they hold a lock on.
        path: PathBuf,
        /// Their process numbers, as far as the system tells.
        holders: Vec<u32>,
    },
    /// An object is not in the store.
    #[error("object {digest} is not in the store")]
    Missing {
        /// Which.
        digest: BlobDigest,
    },
    /// An object's bytes are not those of its digest.
    #[error("{}: the bytes are not those of {digest}", path.display())]
    Corrupt {
        /// Where the object lies; for bytes that came from outside, where it would.
        path: PathBuf,
        /// What it should be.
        digest: BlobDigest,
    },
    /// An object taken for a directory is none.
    #[error("object {digest} is not a directory: {source}")]
    Directory {
        /// Which.
        digest: DirDigest,
        /// What is wrong with it.
        source: TreeError,
    },
    /// Something on disk has no place in a tree.
    #[error("{}: {why}", path.display())]
    Unstorable {
        /// Where it is.
        path: PathBuf,
        /// What it is.
        why: Unstorable,
    },
    /// A memo's value exceeds [`super::MEMO_LIMIT`].
    #[error("a memo of {bytes} bytes is too long")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The kind of a lock or memo, or the id of a kept root, is no file name.
    #[error(transparent)]
    Kind(#[from] PathError),
}

/// What has no place in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unstorable {
    /// A name that is no UTF-8 or otherwise impossible.
    Name(PathError),
    /// A symbolic link whose target is absolute, empty or no UTF-8.
    Target(String),
    /// Neither file, directory nor symbolic link.
    Special(Special),
    /// The path to be taken over is a file or a link, not a directory.
    NotADirectory,
}

/// Kinds of files that no tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
}

impl fmt::Display for Unstorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "unusable name: {error}"),
            Self::Target(target) => write!(f, "symbolic link to `{target}`, which is not a relative path"),
            Self::Special(Special::Fifo) => f.write_str("a named pipe"),
            Self::Special(Special::Socket) => f.write_str("a socket"),
            Self::Special(Special::Device) => f.write_str("a device"),
            Self::NotADirectory => f.write_str("not a directory"),
        }
    }
}

/// The store's results.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Adds the path to a failure of the system.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> At<T> for std::result::Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| {
            let (source, path) = (error.into(), path.to_owned());
            match source.kind() {
                io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path },
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::NoSpace { path },
                io::ErrorKind::PermissionDenied => StoreError::Permission { path },
                _ => StoreError::Io { path, source },
            }
        })
    }
}
