//! Joining directories of the machine to one tree, and making that tree `/`.
//!
//! Not here: which directories; device files (`devices`). Mount points are looked up inside the tree, whatever symbolic links say.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, open, openat, openat2};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind_recursive,
    mount_change, mount_move, move_mount, open_tree, unmount,
};
use rustix::process::{chdir, chroot, fchdir, pivot_root};

use crate::failure::{Doing, Failure, Outcome};
use crate::{old_mounts, sys};

/// Cuts the ties between our mounts and the machine's: nothing mounted from here on is seen outside.
pub(crate) fn make_private() -> Outcome<()> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .doing("make private the mounts of", "/")
}

/// The root to be.
pub(crate) struct Tree {
    root: OwnedFd,
    /// Whether to do without the system calls of newer kernels even where they are to be had.
    old: bool,
}

impl Tree {
    /// Binds a directory onto itself, so that it can become the root.
    pub(crate) fn new(root: &Path, old: bool) -> Outcome<Self> {
        mount_bind_recursive(root, root).doing("bind", root)?;
        Self::open(root, old)
    }

    /// A directory as it is, to become the root by `chroot`.
    pub(crate) fn open(root: &Path, old: bool) -> Outcome<Self> {
        let root = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).doing("open", root)?;
        Ok(Self { root, old })
    }

    /// Joins a file or directory of the machine, with everything mounted below it.
    pub(crate) fn bind(&self, from: &Path, to: &Path, writable: bool) -> Outcome<()> {
        let flags = OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE;
        let opened = if self.old { Err(Errno::NOSYS) } else { open_tree(CWD, from, flags) };
        let source = match opened {
            Err(Errno::NOSYS) => return old_mounts::bind(self, from, to, writable),
            source => source.doing("bind", from)?,
        };
        let is_directory = is_directory(&source).doing("examine", from)?;
        let target = if is_directory { self.directory(to)? } else { self.file(to)? };
        let mut late = false;
        if !writable {
            match sys::set_read_only(source.as_fd(), true) {
                Err(error) if is_unknown_call(&error) => late = true,
                result => result.doing("make read-only", from)?,
            }
        }
        let whole = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(&source, "", &target, "", whole).doing("mount on", to)?;
        if late { old_mounts::remount_read_only(source.as_fd()).doing("make read-only", to) } else { Ok(()) }
    }

    /// Mounts an empty directory in memory.
    pub(crate) fn tmpfs(&self, to: &Path, options: &str) -> Outcome<()> {
        self.mount_new(to, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)
    }

    /// Mounts a file system of the kernel's own.
    pub(crate) fn mount_new(&self, to: &Path, kind: &str, flags: MountFlags, options: &str) -> Outcome<()> {
        let target = self.directory(to)?;
        // The working directory is free for use until the root is made, and needs no /proc to be named.
        fchdir(&target).doing("enter", to)?;
        let options = std::ffi::CString::new(options).map_err(io::Error::other).doing("mount on", to)?;
        mount(kind, ".", kind, flags, options.as_c_str()).doing("mount on", to)
    }

    /// Makes everything mounted at a place read-only.
    pub(crate) fn set_read_only(&self, at: &Path) -> Outcome<()> {
        let target = self.directory(at)?;
        let result = if self.old { Err(Errno::NOSYS.into()) } else { sys::set_read_only(target.as_fd(), false) };
        match result {
            Err(error) if is_unknown_call(&error) => old_mounts::remount_one_read_only(target.as_fd()),
            result => result,
        }
        .doing("make read-only", at)
    }

    /// The directory at a path inside the tree, made if it is missing.
    pub(crate) fn directory(&self, path: &Path) -> Outcome<OwnedFd> {
        match self.look_up(path) {
            Err(Errno::NOENT) => {}
            found => return found.doing("open the mount point", path),
        }
        let (parent, name) = self.parent(path)?;
        match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).doing("make the mount point", path),
        }
        self.look_up(path).doing("open the mount point", path)
    }

    /// The file at a path inside the tree, made if it is missing.
    pub(crate) fn file(&self, path: &Path) -> Outcome<OwnedFd> {
        match self.look_up(path) {
            Err(Errno::NOENT) => {}
            found => return found.doing("open the mount point", path),
        }
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat(&parent, name, flags, Mode::from_raw_mode(0o644)).doing("make the mount point", path)?;
        self.look_up(path).doing("open the mount point", path)
    }

    fn parent<'a>(&self, path: &'a Path) -> Outcome<(OwnedFd, &'a std::ffi::OsStr)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Failure::Usage(format!("{} cannot be a mount point", path.display())));
        };
        Ok((self.directory(parent)?, name))
    }

    /// Opens what a path names inside the tree: a link to `/x` leads to the tree's `x`, and `..` never out of it.
    pub(crate) fn look_up(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let inside = path.strip_prefix("/").unwrap_or(path);
        let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
        if self.old {
            return self.walk(inside);
        }
        match openat2(&self.root, inside, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT) {
            Err(Errno::NOSYS) => self.walk(inside),
            result => result,
        }
    }

    /// The same before Linux 5.6, refusing symbolic links altogether.
    fn walk(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut here = openat(&self.root, ".", flags, Mode::empty())?;
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            here = openat(&here, name, flags, Mode::empty())?;
            if FileType::from_raw_mode(fstat(&here)?.st_mode) == FileType::Symlink {
                return Err(Errno::LOOP);
            }
        }
        Ok(here)
    }

    /// Makes the tree `/` and forgets the old one.
    pub(crate) fn become_root(self, writable: bool) -> Outcome<()> {
        fchdir(&self.root).doing("enter", "the new root")?;
        if !writable {
            self.set_read_only("/".as_ref())?;
        }
        match pivot_root(".", ".") {
            Ok(()) => unmount(".", UnmountFlags::DETACH).doing("unmount", "the old root")?,
            // The machine runs from its initial ramdisk, which cannot be pivoted away: cover it instead.
            Err(Errno::INVAL) => {
                mount_move(".", "/").doing("move to /", "the new root")?;
                chroot(".").doing("change root to", "the new root")?;
            }
            Err(error) => return Err(error).doing("change root to", "the new root"),
        }
        chdir("/").doing("enter", "/")
    }
}

pub(crate) fn is_directory(fd: impl AsFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode) == FileType::Directory)
}

fn is_unknown_call(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NOSYS.raw_os_error())
}

/// The path by which this process can name an open file.
pub(crate) fn name_of(fd: BorrowedFd<'_>) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
