//! What every root has besides its files: `/proc`, a minimal `/dev`, and the loopback interface.
//!
//! Not here: `/sys`, disks, or any device of the machine that a build could depend on.

use std::path::Path;

use rustix::fs::{FileType, Mode, makedev, mknodat, symlinkat};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::failure::{Doing, Outcome};
use crate::mounts::Tree;

/// Device files and their numbers, the same on every Linux.
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Mounts a `/proc` that shows the new pid namespace only, its settings read-only. Where the kernel forbids that (a `/proc`
/// partly covered, as in containers), the machine's own is bound: then the numbers and command lines of the machine's
/// processes can be read, but not their environment, files or memory.
pub(crate) fn mount_proc(tree: &Tree, in_user_namespace: bool) -> Outcome<()> {
    let proc = Path::new("/proc");
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if tree.mount_new(proc, "proc", flags, "").is_err() {
        tree.bind(proc, proc, true)?;
    }
    if in_user_namespace {
        forbid_user_namespaces(tree);
    }
    // Root without capabilities still owns these files, and some of them check nothing else.
    rustix::process::fchdir(tree.look_up(proc).doing("open", proc)?).doing("enter", proc)?;
    for name in ["sys", "sysrq-trigger", "irq", "bus"] {
        match tree.look_up(&proc.join(name)) {
            Ok(_) => tree.bind(Path::new(name), &proc.join(name), false)?,
            // Not every kernel has them all.
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error).doing("open", proc.join(name)),
        }
    }
    Ok(())
}

/// A user namespace inside ours would give back the right to mount. The limit written is our namespace's own; of root without one it would be
/// the machine's.
fn forbid_user_namespaces(tree: &Tree) {
    use rustix::fs::{OFlags, openat};
    let Ok(proc) = tree.look_up("/proc".as_ref()) else { return };
    if let Ok(file) = openat(&proc, "sys/user/max_user_namespaces", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        let _ = rustix::io::write(&file, b"0");
    }
}

/// Mounts a `/dev` with the few devices every program may expect.
///
/// With `terminal`, that of standard input is `/dev/console`, where `ttyname` finds it.
pub(crate) fn mount_dev(tree: &Tree, terminal: bool) -> Outcome<()> {
    let dev = Path::new("/dev");
    tree.tmpfs(dev, "mode=755")?;
    for (name, _, _) in NODES {
        match tree.bind(&dev.join(name), &dev.join(name), true) {
            // A machine without terminals.
            Err(_) if name == "tty" => {}
            result => result?,
        }
    }
    if terminal {
        // Its own name, in the machine's /dev/pts, does not exist in the root.
        let name = std::fs::read_link("/proc/self/fd/0").doing("find", "the terminal")?;
        tree.bind(&name, &dev.join("console"), true)?;
    }
    let directory = tree.directory(dev)?;
    for (name, target) in LINKS {
        symlinkat(target, &directory, name).doing("make", dev.join(name))?;
    }
    // Kernels without pseudo-terminals exist; builds do not miss them.
    let _ = tree.mount_new(
        &dev.join("pts"),
        "devpts",
        MountFlags::NOSUID | MountFlags::NOEXEC,
        "newinstance,ptmxmode=0666,mode=0620",
    );
    tree.tmpfs(&dev.join("shm"), "mode=1777")?;
    tree.set_read_only(dev)
}

/// Makes the device files themselves, where nothing can be mounted.
pub(crate) fn make_nodes(tree: &Tree) -> Outcome<()> {
    let directory = tree.directory("/dev".as_ref())?;
    for (name, major, minor) in NODES {
        let mode = Mode::from_raw_mode(0o666);
        match mknodat(&directory, name, FileType::CharacterDevice, mode, makedev(major, minor)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).doing("make", Path::new("/dev").join(name)),
        }
    }
    Ok(())
}

/// Brings `lo` up in the new network namespace; the kernel then gives it 127.0.0.1 by itself.
pub(crate) fn loopback_up() -> Result<(), Errno> {
    const SIOCSIFFLAGS: rustix::ioctl::Opcode = 0x8914;
    const IFF_UP_RUNNING: i16 = 0x1 | 0x40;
    /// The kernel's `struct ifreq`, with the member of its union that this call reads.
    #[repr(C)]
    struct InterfaceFlags {
        name: [u8; 16],
        flags: i16,
        rest: [u8; 22],
    }
    let mut name = [0; 16];
    name[..2].copy_from_slice(b"lo");
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let request = InterfaceFlags { name, flags: IFF_UP_RUNNING, rest: [0; 22] };
    // SAFETY: SIOCSIFFLAGS reads a `struct ifreq`, of which this is one, and writes nothing.
    unsafe { rustix::ioctl::ioctl(socket, rustix::ioctl::Setter::<SIOCSIFFLAGS, _>::new(request)) }
}
