//! The few system calls that neither the standard library nor rustix offers, each wrapped so that the rest of the program needs no `unsafe`.
//!
//! The program is linked statically with the C library the standard library uses anyway; these are declarations of that library's
//! functions, not another dependency. Not here: decisions.

use std::ffi::{CStr, c_int, c_long, c_uint, c_ulong, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn sigemptyset(set: *mut SignalSet) -> c_int;
    fn sigaddset(set: *mut SignalSet, signal: c_int) -> c_int;
    fn sigprocmask(how: c_int, set: *const SignalSet, old: *mut SignalSet) -> c_int;
    fn signal(signal: c_int, handler: usize) -> usize;
    fn sigwaitinfo(set: *const SignalSet, info: *mut SignalInfo) -> c_int;
}

#[cfg(target_arch = "x86_64")]
const SYS_CLONE: c_long = 56;
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
const SYS_CLONE: c_long = 220;
// From here on all architectures share their numbers.
const SYS_CLOSE_RANGE: c_long = 436;
const SYS_MOUNT_SETATTR: c_long = 442;

pub(crate) const SIGHUP: c_int = 1;
pub(crate) const SIGINT: c_int = 2;
pub(crate) const SIGQUIT: c_int = 3;
pub(crate) const SIGUSR1: c_int = 10;
pub(crate) const SIGUSR2: c_int = 12;
pub(crate) const SIGTERM: c_int = 15;
pub(crate) const SIGCHLD: c_int = 17;
pub(crate) const SIGTTOU: c_int = 22;
pub(crate) const SIGWINCH: c_int = 28;

/// Clones this process as `fork` does, the child in the new namespaces of `flags` (`CLONE_NEW*`). Returns 0 in the child.
///
/// # Errors
/// What the kernel says; `EPERM`, `ENOSPC`, `EINVAL` and `ENOSYS` mean that such namespaces are not to be had.
pub(crate) fn fork_into(flags: u32) -> io::Result<i32> {
    const NONE: c_ulong = 0;
    let flags = c_ulong::from(flags) | c_ulong::try_from(SIGCHLD).unwrap_or_default();
    // SAFETY: without CLONE_VM and with a null stack `clone` is `fork`: the child has its own copy of everything. This program has one
    // thread, so no lock of the C library can be held by a thread that the child lacks.
    let pid = unsafe { syscall(SYS_CLONE, flags, NONE, NONE, NONE, NONE) };
    if pid < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(pid).map_err(io::Error::other) }
}

/// Ends this process, which is a child made by [`fork_into`]: it must not return into what its parent was doing.
#[expect(clippy::exit, reason = "a forked child has no main to return to")]
pub(crate) fn exit(code: u8) -> ! {
    std::process::exit(code.into())
}

/// Marks every file descriptor from 3 on to be closed when a program is executed, so that no directory of the machine stays open in one.
///
/// # Errors
/// `ENOSYS` before Linux 5.9.
pub(crate) fn close_others_on_exec() -> io::Result<()> {
    const FIRST: c_uint = 3;
    const CLOSE_RANGE_CLOEXEC: c_uint = 4;
    // SAFETY: only sets the close-on-exec flag; closes nothing that a Rust value owns.
    let status = unsafe { syscall(SYS_CLOSE_RANGE, FIRST, c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes the mount at `fd` read-only, with all mounts below it if `recursive`; other attributes stay as they are.
///
/// # Errors
/// `ENOSYS` before Linux 5.12.
pub(crate) fn set_read_only(fd: BorrowedFd<'_>, recursive: bool) -> io::Result<()> {
    #[repr(C)]
    struct MountAttributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const MOUNT_ATTR_RDONLY: u64 = 1;
    const AT_EMPTY_PATH: c_uint = 0x1000;
    const AT_RECURSIVE: c_uint = 0x8000;
    const EMPTY: &CStr = c"";
    let attributes = MountAttributes { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
    let flags = if recursive { AT_EMPTY_PATH | AT_RECURSIVE } else { AT_EMPTY_PATH };
    let address: *const MountAttributes = &raw const attributes;
    // SAFETY: the path is a C string, the attributes outlive the call and their true size is given.
    let status = unsafe {
        syscall(
            SYS_MOUNT_SETATTR,
            fd.as_raw_fd(),
            EMPTY.as_ptr(),
            flags,
            address.cast::<c_void>(),
            size_of::<MountAttributes>(),
        )
    };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The C library's `sigset_t`: 1024 bits on Linux.
#[repr(C)]
struct SignalSet([c_ulong; 1024 / c_ulong::BITS as usize]);

/// The head of the kernel's `siginfo_t`, padded to its 128 bytes.
#[repr(C)]
struct SignalInfo {
    signal: c_int,
    errno: c_int,
    code: c_int,
    rest: [c_int; 29],
}

/// A signal that was waited for.
pub(crate) struct Arrived {
    pub(crate) signal: c_int,
    /// Whether a process sent it; else the kernel did, for instance to the whole foreground group of a terminal.
    pub(crate) sent: bool,
}

/// Signals kept from interrupting the program, to be waited for instead.
pub(crate) struct Blocked(SignalSet);

impl Blocked {
    /// Blocks the signals. Programs executed later are unaffected: the standard library clears the mask for them.
    pub(crate) fn new(signals: &[c_int]) -> io::Result<Self> {
        const SIG_BLOCK: c_int = 0;
        const SIG_DFL: usize = 0;
        // SAFETY: installs no handler. Whoever started us may ignore the deaths of its children, and we would inherit that.
        unsafe { signal(SIGCHLD, SIG_DFL) };
        let mut set = MaybeUninit::<SignalSet>::uninit();
        // SAFETY: `sigemptyset` initialises the set it is given.
        let mut set = unsafe {
            sigemptyset(set.as_mut_ptr());
            set.assume_init()
        };
        for signal in signals {
            // SAFETY: the set is initialised and exclusively ours.
            unsafe { sigaddset(&raw mut set, *signal) };
        }
        // SAFETY: the set is initialised; a null pointer says that the old mask is not wanted.
        let status = unsafe { sigprocmask(SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(Self(set)) }
    }

    /// Lets all signals through again, for a child that is no supervisor.
    pub(crate) fn unblock(&self) -> io::Result<()> {
        const SIG_UNBLOCK: c_int = 1;
        // SAFETY: the set is initialised; a null pointer says that the old mask is not wanted.
        let status = unsafe { sigprocmask(SIG_UNBLOCK, &raw const self.0, std::ptr::null_mut()) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits until one of the signals arrives.
    pub(crate) fn wait(&self) -> Arrived {
        let mut info = SignalInfo { signal: 0, errno: 0, code: 0, rest: [0; 29] };
        loop {
            // SAFETY: the set is initialised, the info has the size of the C library's `siginfo_t`.
            let signal = unsafe { sigwaitinfo(&raw const self.0, &raw mut info) };
            if signal > 0 {
                return Arrived { signal, sent: info.code <= 0 };
            }
        }
    }
}
