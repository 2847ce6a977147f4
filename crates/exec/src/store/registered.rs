//! Trees that a user gives a name: what no build can make, such as an SDK.
//!
//! A name is a memo of a kind of its own. [`Store::gc`] takes it as used at all times, for nobody but the user can bring
//! the tree again. Not here: which names there are, and what a tree has to hold.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use action::digest::DirDigest;

use super::error::{At as _, Result, StoreError, Unstorable};
use super::ingest::special;
use super::{MemoValue, Store};

/// The kind of these memos.
pub(super) const KIND: &str = "registered";

impl Store {
    /// Stores a copy of the `parts` of the directory `dir`, paths that exist in it, and registers it as `name`, in place
    /// of what had that name.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] if something has no place in a tree; or if it cannot be
    /// read or stored.
    pub fn register(&self, name: &str, dir: &Path, parts: &[&str]) -> Result<DirDigest> {
        let scratch = self.scratch()?;
        let copy = scratch.path().join("tree");
        fs::create_dir(&copy).at(&copy)?;
        for part in parts {
            let to = copy.join(part);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).at(parent)?;
            }
            copy_all(&dir.join(part), &to)?;
        }
        let tree = self.ingest(&copy)?;
        self.memo_put(KIND, name.as_bytes(), MemoValue::Tree(tree))?;
        Ok(tree)
    }

    /// The tree registered as `name`.
    ///
    /// # Errors
    /// If it cannot be looked up.
    pub fn registered(&self, name: &str) -> Result<Option<DirDigest>> {
        Ok(match self.memo_get(KIND, name.as_bytes())? {
            Some(MemoValue::Tree(tree)) => Some(tree),
            _ => None,
        })
    }

    /// Forgets a name; whether there was one. [`Store::gc`] frees what it held.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn unregister(&self, name: &str) -> Result<bool> {
        self.memo_remove(KIND, name.as_bytes())
    }
}

/// Copies a file, a link or a directory with all below it.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    let kind = fs::symlink_metadata(from).at(from)?.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(from).at(from)?;
        return symlink(target, to).at(to);
    }
    if let Some(special) = special(kind) {
        return Err(StoreError::Unstorable { path: from.to_owned(), why: Unstorable::Special(special) });
    }
    if kind.is_file() {
        return fs::copy(from, to).at(from).map(drop);
    }
    fs::create_dir(to).at(to)?;
    for entry in fs::read_dir(from).at(from)? {
        let name = entry.at(from)?.file_name();
        copy_all(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}
