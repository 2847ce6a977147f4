//! Roots of failed actions, kept so that people can go and look.
//!
//! `kept/<id>/` has `action`, the action's digest, and `root`, whose contents are the caller's. The id is the beginning of
//! the digest: the last failure of an action replaces earlier ones.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use action::digest::ActionDigest;
use action::path::Name;

use super::Store;
use super::disk;
use super::error::{At as _, Result};
use super::scratch::Scratch;

/// Hexadecimal digits in an id.
const DIGITS: usize = 12;

/// A failed action's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What people call it by.
    pub id: String,
    /// The action that failed.
    pub action: ActionDigest,
    /// The directory, as it was given.
    pub root: PathBuf,
    /// When it was kept.
    pub since: SystemTime,
}

impl Store {
    /// Keeps a scratch directory as what an action left; returns its id.
    ///
    /// # Errors
    /// If it cannot be moved to its place.
    #[expect(clippy::needless_pass_by_value, reason = "the scratch directory is given away")]
    pub fn keep(&self, scratch: Scratch, action: ActionDigest) -> Result<String> {
        let id = action.hex().chars().take(DIGITS).collect::<String>();
        let aside = self.scratch()?;
        let home = aside.path().join("new");
        fs::create_dir(&home).at(&home)?;
        let about = home.join("action");
        fs::write(&about, action.to_string()).at(&about)?;
        disk::rename(scratch.path(), &home.join("root"))?;
        let place = self.area("kept").join(&id);
        // A directory cannot replace another that is not empty.
        if fs::symlink_metadata(&place).is_ok() {
            disk::rename(&place, &aside.path().join("old"))?;
        }
        disk::rename(&home, &place)?;
        Ok(id)
    }

    /// The kept root with this id.
    ///
    /// # Errors
    /// If the id is no file name.
    pub fn kept(&self, id: &str) -> Result<Option<Kept>> {
        let home = self.area("kept").join(Name::new(id)?);
        let about = home.join("action");
        let Ok(text) = fs::read_to_string(&about) else { return Ok(None) };
        let since = fs::metadata(&about).and_then(|meta| meta.modified()).at(&about)?;
        Ok(text.parse().ok().map(|action| Kept { id: id.to_owned(), action, root: home.join("root"), since }))
    }

    /// All kept roots, oldest first.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub fn list_kept(&self) -> Result<Vec<Kept>> {
        let mut all = Vec::new();
        for id in disk::names(&self.area("kept"))? {
            all.extend(self.kept(&id)?);
        }
        all.sort_by_key(|kept| kept.since);
        Ok(all)
    }

    /// Removes a kept root; one that is not there is no error.
    ///
    /// # Errors
    /// If the id is no file name, or something cannot be removed.
    pub fn remove_kept(&self, id: &str) -> Result<()> {
        disk::remove_tree(&self.area("kept").join(Name::new(id)?))
    }
}
