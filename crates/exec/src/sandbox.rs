//! Entering a tree: a process whose `/` is an input root, on this machine.
//!
//! A root is staged as a small skeleton on disk plus read-only mounts of the store's checkouts, so entering costs the
//! same for a small tree and for a compiler of twenty thousand files. Where nothing can be mounted it is staged whole
//! ([`Way`]). The namespaces themselves are the `builder`'s (`bactrian-builder enter`): there is one implementation of
//! them, and it is not here.

mod staged;
mod way;

pub use staged::{Staged, recover};
pub use way::{NoWay, Way, probe, way};

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use action::digest::DirDigest;
use action::path::RelPath;
use action::tree::Entry;

use crate::store::{Store, StoreError};

/// Directories with more entries than this are mounted as a whole even when they were composed for this root.
const SKELETON_LIMIT: usize = 64;

/// A tree to be entered, and what is joined to it.
#[derive(Debug, Clone)]
pub struct Room<'a> {
    /// The tree that becomes `/`, read-only.
    pub root: DirDigest,
    /// Directories made while composing `root`: staged level by level, for everything below them is shared with others.
    pub composed: &'a HashSet<DirDigest>,
    /// Directories of this machine joined to the root, in this order.
    pub joined: Vec<Join>,
    /// Working directory inside, absolute.
    pub cwd: String,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Whether an interactive shell runs inside, which wants the terminal for its own.
    pub terminal: bool,
    /// What is run: a path inside, and arguments.
    pub arguments: Vec<std::ffi::OsString>,
}

/// A directory of this machine that is visible inside.
#[derive(Debug, Clone)]
pub struct Join {
    /// The directory here.
    pub from: PathBuf,
    /// Where it is inside.
    pub at: RelPath,
    /// Whether it may be written to. Nothing guards what may not, where the root is staged whole.
    pub writable: bool,
}

/// Why a root cannot be staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The store has not what the root is made of.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The skeleton cannot be written.
    #[error("cannot write {}", .path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StageError + '_ {
    |source| StageError::Io { path: path.to_owned(), source }
}

/// Exit code of the builder if this machine offers no way to make a root.
pub const EXIT_NO_ROOT: i32 = 90;
/// Exit code of the builder if it could not read or write.
pub const EXIT_IO: i32 = 92;

/// Stages `room` under `skeleton`, an empty directory, and returns the process that enters it, not yet started. What is
/// joined must lie on the store's file system where the root is staged whole, and is back in its place once the returned
/// value is gone. `builder` is the builder program on this machine.
///
/// # Errors
/// If the store lacks a part of the tree, or the skeleton cannot be written.
pub fn stage<'s>(store: &'s Store, builder: &Path, skeleton: &Path, room: &Room<'_>) -> Result<Staged<'s>, StageError> {
    let mut command = Command::new(builder);
    command.env_clear().envs(&room.environment).arg("enter").arg(skeleton);
    if room.terminal {
        command.arg("--terminal");
    }
    command.args(["--cwd", &room.cwd]);
    match way(store, builder) {
        Way::Joined => {
            let mut mounts = Vec::new();
            stage_level(store, room, room.root, &RelPath::root(), skeleton, &mut mounts)?;
            for (from, at) in &mounts {
                command.arg("--ro").arg(from).arg(format!("/{}", at.as_str()));
            }
            for join in &room.joined {
                let kind = if join.writable { "--rw" } else { "--ro" };
                command.arg(kind).arg(&join.from).arg(format!("/{}", join.at.as_str()));
            }
            command.arg("--").args(&room.arguments);
            Ok(Staged::joined(store, command))
        }
        Way::Whole => {
            command.args(["--mode", "chroot", "--"]).args(&room.arguments);
            store.lay_out(room.root, skeleton)?;
            staged::stand_in_for_proc(skeleton)?;
            Staged::whole(store, command, skeleton, &room.joined)
        }
    }
}

fn stage_level(
    store: &Store,
    room: &Room<'_>,
    digest: DirDigest,
    at: &RelPath,
    skeleton: &Path,
    mounts: &mut Vec<(PathBuf, RelPath)>,
) -> Result<(), StageError> {
    let directory = store.directory(digest)?;
    for (name, entry) in directory.iter() {
        let (path, at) = (skeleton.join(name), at.child(name));
        match entry {
            Entry::Symlink(target) => symlink(target.as_str(), &path).map_err(io_error(&path))?,
            Entry::File { digest, executable } => {
                let blob = store.blob_path(*digest, *executable)?;
                link_or_copy(&blob, &path).map_err(io_error(&path))?;
            }
            Entry::Directory(digest) => {
                fs::create_dir(&path).map_err(io_error(&path))?;
                if is_skeleton(store, room, *digest, &at)? {
                    stage_level(store, room, *digest, &at, &path, mounts)?;
                } else {
                    mounts.push((store.checkout(*digest)?, at));
                }
            }
        }
    }
    Ok(())
}

/// Whether a directory is staged entry by entry: if it was made for this root, or holds a place where something is joined.
fn is_skeleton(store: &Store, room: &Room<'_>, digest: DirDigest, at: &RelPath) -> Result<bool, StageError> {
    let above_a_join = room.joined.iter().any(|join| join.at.as_str().starts_with(&format!("{}/", at.as_str())));
    if above_a_join {
        return Ok(true);
    }
    Ok(room.composed.contains(&digest) && store.directory(digest)?.iter().count() <= SKELETON_LIMIT)
}

/// A hard link, or a copy where the file system refuses links (too many, or another device).
fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()))
}
