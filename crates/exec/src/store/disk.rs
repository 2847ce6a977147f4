//! Small acts on files that several parts of the store share. Nothing here knows of digests.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::error::{At as _, Result};

/// The modification time of everything in the store that an action can see, in seconds since 1970: 2011-11-11 11:11:11,
/// which remote workers (buildbox) use. With equal times `make` sees no order, here and there alike.
pub(super) const MTIME: i64 = 1_321_009_871;

const TIMES: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: MTIME, tv_nsec: 0 },
    last_modification: Timespec { tv_sec: MTIME, tv_nsec: 0 },
};

/// The mode of a stored file.
pub(super) const fn mode(executable: bool) -> u32 {
    if executable { 0o555 } else { 0o444 }
}

/// Gives a file the mode and time of stored ones.
pub(super) fn seal(path: &Path, executable: bool) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode(executable))).at(path)?;
    stamp(path)
}

/// The same, for an open file.
pub(super) fn seal_file(file: &File, executable: bool) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode(executable)))?;
    Ok(rustix::fs::futimens(file, &TIMES)?)
}

/// Gives a file, directory or symbolic link the time of stored ones.
pub(super) fn stamp(path: &Path) -> Result<()> {
    rustix::fs::utimensat(CWD, path, &TIMES, AtFlags::SYMLINK_NOFOLLOW).at(path)
}

/// Does `act` on a path, and once more after making the parent directory if that was missing.
pub(super) fn with_parent<T>(path: &Path, mut act: impl FnMut() -> io::Result<T>) -> Result<T> {
    let first = act();
    let (Err(error), Some(parent)) = (&first, path.parent()) else { return first.at(path) };
    if error.kind() != io::ErrorKind::NotFound {
        return first.at(path);
    }
    fs::create_dir_all(parent).at(parent)?;
    act().at(path)
}

/// Renames, making the parent of `to` if need be.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    with_parent(to, || fs::rename(from, to))
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path)).at(path)
}

/// Removes a tree, also one with directories its owner may not write; one that is not there is no error.
pub(super) fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            absent_is_fine(fs::remove_dir_all(path)).at(path)
        }
        result => absent_is_fine(result).at(path),
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Makes every directory of a tree writable for its owner, as far as that is possible.
fn open_up(path: &Path) {
    let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// The names in a directory, none if it does not exist; names that are not UTF-8 are none of ours and left out.
pub(super) fn names(path: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at(path)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.at(path)?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}
