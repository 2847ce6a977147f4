//! Waiting for a child while passing signals on. Not here: starting it.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};

use crate::sys::{self, Blocked};

/// The signals a supervisor waits for instead of dying of them.
const SIGNALS: [i32; 8] =
    [sys::SIGHUP, sys::SIGINT, sys::SIGQUIT, sys::SIGUSR1, sys::SIGUSR2, sys::SIGTERM, sys::SIGWINCH, sys::SIGCHLD];

/// Blocks the signals that [`until_exit`] passes on; from then on none is lost.
pub(crate) fn block_signals() -> std::io::Result<Blocked> {
    Blocked::new(&SIGNALS)
}

/// Reaps every child until `main` has ended and returns its exit code: 128 + n if signal n ended it. Signals that a process sent
/// are passed on to `main`. Those of the terminal are not: the terminal has sent them to `main` too.
pub(crate) fn until_exit(main: Pid, blocked: &Blocked) -> u8 {
    loop {
        if let Some(code) = reap(main) {
            return code;
        }
        let arrived = blocked.wait();
        let passed_on =
            Signal::from_named_raw(arrived.signal).filter(|signal| arrived.sent && *signal != Signal::CHILD);
        if let Some(signal) = passed_on {
            // It may have ended meanwhile.
            let _ = kill_process(main, signal);
        }
    }
}

/// Reaps what has ended; the exit code of `main` if it was among it.
fn reap(main: Pid) -> Option<u8> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == main => return Some(exit_code(status)),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return None,
            // No child at all: somebody else has reaped it. It cannot be waited for any more.
            Err(_) => return Some(255),
        }
    }
}

fn exit_code(status: WaitStatus) -> u8 {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}

/// Kills and reaps all descendants that are left. Without a pid namespace this is how nothing stays behind: this process is their
/// subreaper, so whatever its parent was, each becomes a child of this process in the end.
pub(crate) fn kill_descendants(proc: &OwnedFd) {
    loop {
        let children = children(proc);
        if children.is_empty() {
            return;
        }
        for child in children {
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// The processes whose parent is this one, read from the `/proc` of the machine.
fn children(proc: &OwnedFd) -> Vec<Pid> {
    let me = rustix::process::getpid();
    let Ok(entries) = rustix::fs::Dir::read_from(proc) else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str().ok()?.parse::<i32>().ok());
    numbers.filter_map(Pid::from_raw).filter(|pid| parent(proc, *pid) == Some(me)).collect()
}

fn parent(proc: &OwnedFd, pid: Pid) -> Option<Pid> {
    use rustix::fs::{Mode, OFlags, openat};
    let file =
        openat(proc, format!("{}/stat", pid.as_raw_nonzero()), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; 512];
    let length = rustix::io::read(&file, &mut text).ok()?;
    // `pid (name) state ppid …`: the name may contain anything, so count from its closing parenthesis.
    let text = String::from_utf8_lossy(text.get(..length)?).into_owned();
    let (_, fields) = text.rsplit_once(')')?;
    Pid::from_raw(fields.split_whitespace().nth(1)?.parse().ok()?)
}
