//! A copy of a user's directory that stands in for it where the directory itself cannot be joined to a root.
//!
//! Before something runs, what changed in the original is copied; afterwards, what the run changed in the copy is brought
//! back. A file is the same if kind, size, modification time and executable bit are, as `make` and `rsync` have it. Where
//! both sides changed a file the user's stays. Not here: who runs what, and watching the original meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

/// A file or directory could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot copy {}", .path.display())]
pub struct ReplicaError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ReplicaError + '_ {
    |source| ReplicaError { path: path.to_owned(), source }
}

/// By what it is told whether something has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    Directory,
    File { size: u64, time: (i64, i64), mode: u32 },
    Symlink(PathBuf),
}

/// Everything below a directory by its path from there; a `BTreeMap` has directories before what is in them.
type Listing = BTreeMap<PathBuf, Stamp>;

/// A copy, and what the original was like when it was made.
#[derive(Debug)]
pub struct Replica<'a> {
    original: &'a Path,
    copy: &'a Path,
    left_out: &'a [&'a str],
    seen: Listing,
    /// Files of the copy that are another's, for the time of the run.
    masked: BTreeSet<PathBuf>,
}

impl<'a> Replica<'a> {
    /// Makes `copy` like `original`, copying only what changed. Names in `left_out` are passed over where they stand in the
    /// directory itself, on both sides; so are sockets, pipes and devices.
    ///
    /// # Errors
    /// If something cannot be read or written.
    pub fn refresh(original: &'a Path, copy: &'a Path, left_out: &'a [&'a str]) -> Result<Self, ReplicaError> {
        fs::create_dir_all(copy).map_err(io_error(copy))?;
        let seen = list(original, left_out)?;
        let there = list(copy, left_out)?;
        // What is below comes first.
        for (path, stamp) in there.iter().rev() {
            let kept = match seen.get(path) {
                Some(Stamp::Directory) => *stamp == Stamp::Directory,
                Some(other) => other == stamp,
                None => false,
            };
            if !kept {
                remove(&copy.join(path), stamp)?;
            }
        }
        for (path, stamp) in seen.iter().filter(|(path, stamp)| there.get(*path) != Some(stamp)) {
            transfer(&original.join(path), &copy.join(path), stamp)?;
        }
        Ok(Self { original, copy, left_out, seen, masked: BTreeSet::new() })
    }

    /// Has the copy's file at `path` be like the file `by`, for what is run next alone: it is not brought back.
    ///
    /// # Errors
    /// If something cannot be read or written.
    pub fn mask(&mut self, path: &Path, by: &Path) -> Result<(), ReplicaError> {
        let meta = fs::symlink_metadata(by).map_err(io_error(by))?;
        // Another time than the original's, so that the next refresh sees a difference; the same whenever it is masked.
        let time = (meta.mtime() + 1, meta.mtime_nsec());
        let stamp = Stamp::File { size: meta.len(), time, mode: meta.mode() & 0o111 };
        self.masked.insert(path.to_owned());
        transfer(by, &self.copy.join(path), &stamp)
    }

    /// Does to the original what was done to the copy since it was made; returns the files that changed on both sides, of
    /// which the original's were kept.
    ///
    /// # Errors
    /// If something cannot be read or written.
    pub fn bring_back(&self) -> Result<Vec<PathBuf>, ReplicaError> {
        let (now, theirs) = (list(self.copy, self.left_out)?, list(self.original, self.left_out)?);
        let mut conflicts = Vec::new();
        let changed = |path: &PathBuf| {
            let masked = self.masked.contains(path);
            !masked && now.get(path) != self.seen.get(path) && now.get(path) != theirs.get(path)
        };
        // What is gone goes first, below before above: a directory may have taken a file's place.
        for (path, stamp) in self.seen.iter().rev().filter(|(path, _)| changed(path)) {
            match theirs.get(path) {
                Some(there) if there == stamp => remove(&self.original.join(path), stamp)?,
                Some(_) => conflicts.push(path.clone()),
                None => {}
            }
        }
        for (path, stamp) in now.iter().filter(|(path, _)| changed(path)) {
            if theirs.get(path) == self.seen.get(path) {
                transfer(&self.copy.join(path), &self.original.join(path), stamp)?;
            } else if !conflicts.contains(path) {
                conflicts.push(path.clone());
            }
        }
        conflicts.sort_unstable();
        Ok(conflicts)
    }
}

fn list(directory: &Path, left_out: &[&str]) -> Result<Listing, ReplicaError> {
    let mut listing = Listing::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        let here = directory.join(&inside);
        for entry in fs::read_dir(&here).map_err(io_error(&here))? {
            let name = entry.map_err(io_error(&here))?.file_name();
            let is_top = inside.as_os_str().is_empty();
            if is_top && left_out.iter().any(|left_out| name == *left_out) {
                continue;
            }
            let path = inside.join(name);
            let full = directory.join(&path);
            let meta = match fs::symlink_metadata(&full) {
                // It went while the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                meta => meta.map_err(io_error(&full))?,
            };
            let Some(stamp) = stamp(&full, &meta)? else { continue };
            if stamp == Stamp::Directory {
                open.push(path.clone());
            }
            listing.insert(path, stamp);
        }
    }
    Ok(listing)
}

/// `None` for what has no contents to be copied.
fn stamp(path: &Path, meta: &Metadata) -> Result<Option<Stamp>, ReplicaError> {
    let kind = meta.file_type();
    Ok(if kind.is_dir() {
        Some(Stamp::Directory)
    } else if kind.is_symlink() {
        Some(Stamp::Symlink(fs::read_link(path).map_err(io_error(path))?))
    } else if kind.is_file() {
        let time = (meta.mtime(), meta.mtime_nsec());
        Some(Stamp::File { size: meta.len(), time, mode: meta.mode() & 0o111 })
    } else {
        None
    })
}

/// Copies one thing, and the time of a file; its directory is there.
fn transfer(from: &Path, to: &Path, stamp: &Stamp) -> Result<(), ReplicaError> {
    match stamp {
        Stamp::Directory if to.is_dir() => Ok(()),
        Stamp::Directory => fs::create_dir(to).map_err(io_error(to)),
        Stamp::Symlink(target) => {
            let _ = fs::remove_file(to);
            symlink(target, to).map_err(io_error(to))
        }
        Stamp::File { time, mode, .. } => {
            // The old one may be open, or linked from elsewhere.
            let _ = fs::remove_file(to);
            fs::copy(from, to).map_err(io_error(from))?;
            // Readable and writable for its owner, who inside has no privilege over files.
            let mode = fs::symlink_metadata(from).map_err(io_error(from))?.mode() & 0o777 | 0o600 | mode;
            fs::set_permissions(to, Permissions::from_mode(mode)).map_err(io_error(to))?;
            let (tv_sec, tv_nsec) = *time;
            let time = Timespec { tv_sec, tv_nsec };
            let times = Timestamps { last_access: time, last_modification: time };
            rustix::fs::utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| io_error(to)(error.into()))
        }
    }
}

/// Removes one thing; a directory only if nothing is in it that was not listed.
fn remove(path: &Path, stamp: &Stamp) -> Result<(), ReplicaError> {
    let removed = match stamp {
        Stamp::Directory => fs::remove_dir(path),
        Stamp::File { .. } | Stamp::Symlink(_) => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && *stamp == Stamp::Directory => Ok(()),
        removed => removed.map_err(io_error(path)),
    }
}

#[cfg(test)]
mod tests;
