//! Small acts on files that several parts of the store share. Nothing here knows of digests.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, Timespec, Timestamps, renameat_with};
use rustix::io::Errno;

use super::error::{At as _, Result};
use super::parallel::{WAITING, in_parallel};

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

/// Renames a file unless there is one at `to`; says whether. Where the file system cannot do that, replaces it.
pub(super) fn rename_new(from: &Path, to: &Path) -> Result<bool> {
    with_parent(to, || match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => Ok(false),
        Err(Errno::INVAL | Errno::NOSYS) => fs::rename(from, to).map(|()| true),
        result => Ok(result.map(|()| true)?),
    })
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path)).at(path)
}

/// Removes a tree, also one with directories its owner may not write; one that is not there is no error.
pub(super) fn remove_tree(path: &Path) -> Result<()> {
    let (mut files, mut levels) = (Vec::new(), Vec::new());
    gather(path, 0, &mut files, &mut levels);
    // Errors are those of the last step, which removes what these have left.
    let _ = in_parallel(WAITING, &files, |path| remove_file(path));
    for level in levels.iter().rev() {
        let _ = in_parallel(WAITING, level, |path| absent_is_fine(fs::remove_dir(path)).at(path));
    }
    let rest = fs::remove_dir_all(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotADirectory => fs::remove_file(path),
        _ => Err(error),
    });
    absent_is_fine(rest).at(path)
}

/// Lists a tree as far as possible, directories by their depth, and makes these readable and writable.
fn gather(path: &Path, depth: usize, files: &mut Vec<PathBuf>, levels: &mut Vec<Vec<PathBuf>>) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    if !meta.is_dir() {
        files.push(path.to_owned());
        return;
    }
    if meta.mode() & 0o700 != 0o700 {
        let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
    }
    if levels.len() <= depth {
        levels.push(Vec::new());
    }
    if let Some(level) = levels.get_mut(depth) {
        level.push(path.to_owned());
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if !kind.is_dir() => files.push(entry.path()),
            _ => gather(&entry.path(), depth + 1, files, levels),
        }
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
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

/// The paths `<area>/ab/<name>`, sorted; also those `<area>/<name>` that are no directories, for whoever minds strays.
pub(super) fn fanned(area: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for fan in names(area)? {
        let fan = area.join(fan);
        if fan.is_dir() {
            found.extend(names(&fan)?.into_iter().map(|name| fan.join(name)));
        } else {
            found.push(fan);
        }
    }
    Ok(found)
}

/// Shows `visit` everything at and below `path`. What vanishes meanwhile is passed over.
pub(super) fn walk(path: &Path, visit: &mut dyn FnMut(&Path, &Metadata)) -> Result<()> {
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        meta => meta.at(path)?,
    };
    visit(path, &meta);
    if meta.is_dir() {
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.at(path)?,
        };
        for entry in entries {
            walk(&entry.at(path)?.path(), visit)?;
        }
    }
    Ok(())
}

/// Bytes a file takes on disk.
pub(super) fn allocated(meta: &Metadata) -> u64 {
    // By definition in units of 512 bytes, whatever the file system's blocks are (inode(7)).
    meta.blocks() * 512
}
