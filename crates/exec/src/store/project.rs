//! Persistent scratch of user projects, so that building one again is incremental.
//!
//! `projects/<hash of the path>/` has `path`, which says whose it is and by its time when it was last used, and `dir`,
//! whose contents are the caller's. What is in there may vanish at any [`Store::gc`].

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use action::digest::BlobDigest;

use super::Store;
use super::error::{At as _, Result};
use super::lock::Guard;
use super::results::note_use;

/// The kind of lock that guards projects.
const LOCK: &str = "project";

/// Persistent scratch of one user project.
#[derive(Debug)]
pub struct Project<'a> {
    store: &'a Store,
    key: Vec<u8>,
    dir: PathBuf,
}

impl Project<'_> {
    /// The directory. Use it only while holding the lock.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the project's lock if nobody has it.
    ///
    /// # Errors
    /// As [`Store::try_lock`].
    pub fn try_lock(&self) -> Result<Option<Guard>> {
        self.store.try_lock(LOCK, &self.key)
    }

    /// Takes the project's lock, waiting for it if need be.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn lock(&self) -> Result<Guard> {
        self.store.lock(LOCK, &self.key)
    }
}

impl Store {
    /// The persistent scratch of the user project at `path`, which should be absolute and without links; made if need be.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn project(&self, path: &Path) -> Result<Project<'_>> {
        let key = path.as_os_str().as_bytes().to_vec();
        let hex = BlobDigest::of(&key).hex();
        // Short, since it becomes part of paths of the user's tools; 128 bits do not collide either.
        let home = self.area("projects").join(hex.get(..32).unwrap_or_default());
        let dir = home.join("dir");
        fs::create_dir_all(&dir).at(&dir)?;
        let about = home.join("path");
        match File::open(&about) {
            Ok(file) => note_use(&file),
            Err(_) => self.write_entry(&about, &key)?,
        }
        Ok(Project { store: self, key, dir })
    }
}
