//! The same mounts with the system calls of kernels before Linux 5.12 (`mount` instead of `open_tree` and `mount_setattr`).
//!
//! Not here: anything a newer kernel needs. `/proc` of the machine must be mounted, because these calls take names, not descriptors.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::mount::{MountFlags, mount_bind_recursive, mount_remount};

use crate::failure::{Doing, Outcome};
use crate::mounts::{Tree, name_of};

/// [`Tree::bind`] without `open_tree`.
pub(crate) fn bind(tree: &Tree, from: &Path, to: &Path, writable: bool) -> Outcome<()> {
    let is_directory = std::fs::metadata(from).doing("bind", from)?.is_dir();
    let point = |tree: &Tree| if is_directory { tree.directory(to) } else { tree.file(to) };
    mount_bind_recursive(from, name_of(point(tree)?.as_fd())).doing("mount on", to)?;
    if writable {
        return Ok(());
    }
    // Looked up anew: the first descriptor names what is now covered.
    remount_read_only(point(tree)?.as_fd()).doing("make read-only", to)
}

/// Makes the mount at `fd` read-only, and leaves those below it alone.
pub(crate) fn remount_one_read_only(fd: BorrowedFd<'_>) -> io::Result<()> {
    remount(&std::fs::read_link(name_of(fd))?)
}

/// Makes the mount at `fd` and every mount below it read-only.
pub(crate) fn remount_read_only(fd: BorrowedFd<'_>) -> io::Result<()> {
    let top = std::fs::read_link(name_of(fd))?;
    remount(&top)?;
    for point in mount_points(&std::fs::read("/proc/self/mountinfo")?) {
        if point != top && point.starts_with(&top) {
            remount(&point)?;
        }
    }
    Ok(())
}

/// A remount must repeat the flags the mount has: those of a more privileged namespace may not be cleared.
fn remount(path: &Path) -> io::Result<()> {
    const KEPT: [(StatVfsMountFlags, MountFlags); 5] = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let has = statvfs(path)?.f_flag;
    let kept =
        KEPT.iter().filter(|(flag, _)| has.contains(*flag)).fold(MountFlags::empty(), |all, (_, flag)| all | *flag);
    Ok(mount_remount(path, MountFlags::BIND | MountFlags::RDONLY | kept, "")?)
}

/// The mount points of `/proc/self/mountinfo`: the fifth field, with spaces and the like written in octal.
fn mount_points(text: &[u8]) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let fifth = |line: &[u8]| line.split(|byte| *byte == b' ').nth(4).map(unescape);
    let points = text.split(|byte| *byte == b'\n').filter_map(fifth);
    points.map(|point| PathBuf::from(std::ffi::OsString::from_vec(point))).collect()
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    loop {
        match rest {
            [] => return out,
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        let text = b"22 27 0:21 / /proc rw - proc proc rw\n23 27 0:22 / /a\\040b\\134 rw - x y z\n";
        assert_eq!(mount_points(text), [PathBuf::from("/proc"), PathBuf::from("/a b\\")]);
    }
}
