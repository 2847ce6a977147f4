//! A root that was staged: how to enter it, and leaving it in order.
//!
//! Where directories can be mounted there is nothing to be undone. Where not, what is joined is moved into the root and
//! back, which costs the same for one file and for many.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Join, StageError, io_error};
use crate::store::Store;

/// A compiler that will not compile unless `/proc/self/exe` names it, told from one that is used as clang alone by its
/// library, which lies at the second path.
const KNOWS_ITSELF_BY_PROC: (&str, &str) = ("opt/zig/zig", "opt/zig/lib/std");

/// A root ready to be entered.
#[derive(Debug)]
pub struct Staged<'s> {
    store: &'s Store,
    /// The process that enters it, not yet started.
    pub command: Command,
    /// The root, if it was staged whole.
    whole: Option<PathBuf>,
    /// What was moved: from where, to where.
    moved: Vec<(PathBuf, PathBuf)>,
}

impl<'s> Staged<'s> {
    pub(super) fn joined(store: &'s Store, command: Command) -> Self {
        Self { store, command, whole: None, moved: Vec::new() }
    }

    /// Moves what is joined into `root`.
    pub(super) fn whole(store: &'s Store, command: Command, root: &Path, joined: &[Join]) -> Result<Self, StageError> {
        let mut staged = Self { store, command, whole: Some(root.to_owned()), moved: Vec::new() };
        for join in joined {
            let at = root.join(join.at.as_str());
            clear(&at).map_err(io_error(&at))?;
            // On failure, those before it go back when `staged` is dropped.
            fs::rename(&join.from, &at).map_err(io_error(&join.from))?;
            staged.moved.push((join.from.clone(), at));
        }
        Ok(staged)
    }

    /// Leaves the root, in which nothing may run any more: what was joined is in its place again.
    ///
    /// # Errors
    /// If it cannot be moved back; then it still is where it was inside.
    pub fn leave(mut self) -> Result<(), StageError> {
        self.take_down()
    }

    fn take_down(&mut self) -> Result<(), StageError> {
        let Some(root) = self.whole.take() else { return Ok(()) };
        // After a failure the root stays, with what could not be moved: nothing is removed that somebody may want.
        for (from, at) in self.moved.drain(..).rev() {
            fs::rename(&at, &from).map_err(io_error(&from))?;
        }
        discard(self.store, &root)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // Whoever wants to know has called `leave`.
        let _ = self.take_down();
    }
}

/// Without mounts there is no `/proc`. Most programs do without: where that compiler makes its libraries, it is told who it
/// is. Nothing else that could ask runs there; elsewhere the answer would be wrong for others, so there is none.
pub(super) fn stand_in_for_proc(root: &Path) -> Result<(), StageError> {
    let (program, library) = KNOWS_ITSELF_BY_PROC;
    if !root.join(library).is_dir() {
        return Ok(());
    }
    let place = root.join("proc/self");
    fs::create_dir_all(&place).map_err(io_error(&place))?;
    let link = place.join("exe");
    symlink(Path::new("/").join(program), &link).map_err(io_error(&link))
}

/// Brings back what a killed process left in a root that was staged whole at `root`, and removes that root.
///
/// # Errors
/// If something cannot be moved or removed.
pub fn recover(store: &Store, root: &Path, joined: &[Join]) -> Result<(), StageError> {
    if fs::symlink_metadata(root).is_err() {
        return Ok(());
    }
    for join in joined.iter().rev() {
        let at = root.join(join.at.as_str());
        if fs::symlink_metadata(&join.from).is_err() && fs::symlink_metadata(&at).is_ok_and(|meta| meta.is_dir()) {
            fs::rename(&at, &join.from).map_err(io_error(&join.from))?;
        }
    }
    discard(store, root)
}

/// Removes a directory of the store's file system in the background.
fn discard(store: &Store, root: &Path) -> Result<(), StageError> {
    let scratch = store.scratch()?;
    let aside = scratch.path().join("root");
    fs::rename(root, &aside).map_err(io_error(root))
}

/// Makes way for a directory at `at`, where a mount would cover what is there.
fn clear(at: &Path) -> io::Result<()> {
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::symlink_metadata(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(at),
        Ok(_) => fs::remove_file(at),
    }
}

#[cfg(test)]
mod tests {
    use action::path::RelPath;

    use super::*;

    struct Place {
        temp: tempfile::TempDir,
        store: Store,
        joined: Vec<Join>,
    }

    /// A root, and two directories to be joined to it, one inside the other.
    fn place() -> Place {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(&temp.path().join("store")).unwrap();
        let join = |name: &str, at: &str| {
            let from = temp.path().join(name);
            fs::create_dir(&from).unwrap();
            fs::write(from.join(name), name).unwrap();
            Join { from, at: RelPath::new(at).unwrap(), writable: true }
        };
        let joined = vec![join("sources", "src"), join("build", "src/_build")];
        fs::create_dir_all(temp.path().join("root/src/covered")).unwrap();
        Place { temp, store, joined }
    }

    #[test]
    fn what_was_joined_comes_back() {
        let Place { temp, store, joined } = place();
        let root = temp.path().join("root");
        let staged = Staged::whole(&store, Command::new("true"), &root, &joined).unwrap();
        assert!(!joined[0].from.exists() && !joined[1].from.exists() && !root.join("src/covered").exists());
        assert_eq!(fs::read_to_string(root.join("src/_build/build")).unwrap(), "build");
        fs::write(root.join("src/_build/new"), "new").unwrap();
        staged.leave().unwrap();
        assert_eq!(fs::read_to_string(joined[0].from.join("sources")).unwrap(), "sources");
        assert_eq!(fs::read_to_string(joined[1].from.join("new")).unwrap(), "new");
        assert!(!root.exists() && !joined[0].from.join("_build").exists());
    }

    #[test]
    fn a_join_that_fails_undoes_those_before_it() {
        let Place { temp, store, joined } = place();
        fs::remove_dir_all(&joined[1].from).unwrap();
        let failed = Staged::whole(&store, Command::new("true"), &temp.path().join("root"), &joined).unwrap_err();
        assert!(matches!(failed, StageError::Io { path, .. } if path == joined[1].from));
        assert!(joined[0].from.join("sources").is_file());
    }

    #[test]
    fn what_a_killed_process_left_is_recovered() {
        let Place { temp, store, joined } = place();
        let root = temp.path().join("root");
        std::mem::forget(Staged::whole(&store, Command::new("true"), &root, &joined).unwrap());
        // Somebody has made a new one of these meanwhile: it is left alone.
        fs::create_dir(&joined[0].from).unwrap();
        recover(&store, &root, &joined).unwrap();
        assert!(joined[1].from.join("build").is_file() && !joined[0].from.join("sources").exists());
        assert!(!root.exists());
        recover(&store, &root, &joined).unwrap();
    }
}
