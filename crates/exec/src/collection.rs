//! Collections: the many small files of one place that patterns choose, read at once into memory.
//!
//! A place is a [`directory`] or an [`archive`]. A directory also yields a [`Listing`], by which it is known later, by
//! looks at its files' stats alone, whether reading it again would bring the same. Not here: what the files mean, and where
//! archives come from ([`crate::fetch`]).

mod archive;
mod directory;
mod listing;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use action::path::RelPath;
use action::pattern::Pattern;

pub use self::archive::archive;
pub use self::directory::directory;
pub use self::listing::Listing;
use crate::unpack::{Limits, UnpackError};

/// Which files of a place belong to the collection, and how much they may be.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Files that one of these matches belong to it.
    pub patterns: Vec<Pattern>,
    /// How much it may hold; of an archive everything counts, of a directory what is chosen.
    pub limits: Limits,
}

/// One file of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where it is, seen from the place.
    pub path: RelPath,
    /// What is in it.
    pub bytes: Arc<[u8]>,
}

/// Why a place could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// There is nothing.
    #[error("{}: there is nothing", .0.display())]
    Absent(PathBuf),
    /// Something there is neither a directory nor a file, as a pipe is not.
    #[error("{}: neither a file nor a directory", .0.display())]
    Special(PathBuf),
    /// The chosen files are more, or larger, than allowed.
    #[error("{}: more than {} files or {} bytes", at.display(), limits.members, limits.bytes)]
    TooLarge {
        /// The file with which it became too much.
        at: PathBuf,
        /// What is allowed.
        limits: Limits,
    },
    /// An archive cannot be read.
    #[error(transparent)]
    Archive(#[from] UnpackError),
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// To what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl CollectionError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl Shape {
    fn chooses(&self, path: &RelPath) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(path))
    }

    fn leads_through(&self, path: &RelPath) -> bool {
        self.patterns.iter().any(|pattern| pattern.leads_through(path))
    }
}
