//! Steps that make, copy and remove files. Not here: edits of their contents.
//!
//! Everything written here is writable by its owner, readable by all, and has the one fixed time.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use builder::FIXED_MTIME;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, futimens, utimensat};

use crate::failure::{Doing, Outcome};

/// Makes a directory and its parents.
pub(crate) fn make_directory(path: &Path) -> Outcome<()> {
    fs::create_dir_all(path).doing("make", path)
}

/// Makes the directory that `path` is to lie in.
pub(crate) fn make_parent(path: &Path) -> Outcome<()> {
    path.parent().map_or(Ok(()), make_directory)
}

/// Copies a file, link or tree to exactly `to`.
pub(crate) fn copy(from: &Path, to: &Path) -> Outcome<()> {
    make_parent(to)?;
    copy_any(from, &fs::symlink_metadata(from).doing("copy", from)?, to)
}

fn copy_any(from: &Path, metadata: &Metadata, to: &Path) -> Outcome<()> {
    if metadata.is_dir() {
        copy_tree(from, to)
    } else if metadata.is_symlink() {
        symlink(to, &fs::read_link(from).doing("read", from)?)
    } else {
        copy_file(from, to)
    }
}

fn copy_tree(from: &Path, to: &Path) -> Outcome<()> {
    match fs::create_dir(to) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && to.is_dir() => {}
        result => result.doing("make", to)?,
    }
    for entry in fs::read_dir(from).doing("list", from)? {
        let entry = entry.doing("list", from)?;
        let metadata = entry.metadata().doing("copy", entry.path())?;
        copy_any(&entry.path(), &metadata, &to.join(entry.file_name()))?;
    }
    fs::set_permissions(to, PermissionsExt::from_mode(0o755)).doing("make writable", to)?;
    fix_time(to)
}

/// Copies what a file or link to one contains, with the given `x` bit.
pub(crate) fn install(from: &Path, to: &Path, executable: bool) -> Outcome<()> {
    make_parent(to)?;
    let source = File::open(from).doing("read", from)?;
    copy_contents(source, to, executable)
}

fn copy_file(from: &Path, to: &Path) -> Outcome<()> {
    let source = File::open(from).doing("read", from)?;
    let executable = source.metadata().doing("read", from)?.permissions().mode() & 0o111 != 0;
    copy_contents(source, to, executable)
}

fn copy_contents(mut source: File, to: &Path, executable: bool) -> Outcome<()> {
    let mut target = create(to, executable)?;
    io::copy(&mut source, &mut target).doing("write", to)?;
    finish(&target, to)
}

/// Writes a file, replacing one that is there.
pub(crate) fn write(path: &Path, contents: &[u8], executable: bool) -> Outcome<()> {
    make_parent(path)?;
    let mut file = create(path, executable)?;
    file.write_all(contents).doing("write", path)?;
    finish(&file, path)
}

/// A new file in place of whatever was there: never the old one written over, which may be linked to an input.
fn create(path: &Path, executable: bool) -> Outcome<File> {
    let mode = if executable { 0o755 } else { 0o644 };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path).doing("replace", path)?;
            options.open(path)
        }
        result => result,
    };
    file.doing("write", path)
}

fn finish(file: &File, path: &Path) -> Outcome<()> {
    futimens(file.as_fd(), &fixed_times()).doing("set the time of", path)
}

/// Makes a symbolic link, replacing a file or link that is there.
pub(crate) fn symlink(path: &Path, target: &Path) -> Outcome<()> {
    make_parent(path)?;
    match std::os::unix::fs::symlink(target, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path).doing("replace", path)?;
            std::os::unix::fs::symlink(target, path)
        }
        result => result,
    }
    .doing("make the link", path)?;
    fix_time(path)
}

/// Renames, or copies and removes across file systems.
pub(crate) fn rename(from: &Path, to: &Path) -> Outcome<()> {
    make_parent(to)?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            copy(from, to)?;
            remove(from)
        }
        result => result.doing("move", from),
    }
}

/// Removes a file, link or tree; absent is fine.
pub(crate) fn remove(path: &Path) -> Outcome<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        result => result.doing("remove", path)?,
    };
    if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.doing("remove", path)
}

/// Gives a file, link or directory the fixed time.
pub(crate) fn fix_time(path: &Path) -> Outcome<()> {
    utimensat(CWD, path, &fixed_times(), AtFlags::SYMLINK_NOFOLLOW).doing("set the time of", path)
}

fn fixed_times() -> Timestamps {
    let time = Timespec { tv_sec: FIXED_MTIME, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
