//! Choosing how a directory becomes `/` on this machine, and starting the one child that makes it so.
//!
//! The ways are tried from the strongest to the weakest; each in a child of its own, because a process that has entered a user namespace
//! cannot leave it again when the kernel then forbids to mount (AppArmor on Ubuntu does exactly that). A child that finds its way forbidden
//! says so through a pipe before it has run anything, and the next way is tried.
//!
//! Not here: what happens in the child (`inside`).

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as FileMode, OFlags, open};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, getpid, set_child_subreaper, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use crate::args::{Enter, Join, Mode};
use crate::failure::{Doing, Failure, Outcome};
use crate::inside::{self, Job, Work};
use crate::sys::Blocked;
use crate::terminal::Terminal;
use crate::{steps, supervise, sys};

/// `enter`: joins the root, runs the program in it, and returns its exit code.
pub(crate) fn enter(enter: Enter) -> Outcome<u8> {
    // Whoever started us may be killed without warning; everything we start must then end.
    set_parent_process_death_signal(Some(Signal::KILL)).doing("tie to its parent", "this process")?;
    let job = Job {
        root: absolute(&enter.root)?,
        joins: enter.joins,
        writable_root: enter.writable_root,
        cwd: enter.cwd,
        host_name: enter.host_name,
        terminal: enter.terminal && Terminal::is_ours(),
        old_mounts: enter.old_mounts,
        work: Work::Program(enter.argv),
    };
    start(&job, enter.mode)
}

/// `build`: makes the current directory `/` unless it is already, and runs the recipe.
pub(crate) fn build(mode: Option<Mode>) -> Outcome<u8> {
    if mode.is_none() && already_root() {
        return run_in_place().map(|()| 0);
    }
    let job = Job {
        root: absolute(".".as_ref())?,
        joins: Vec::new(),
        writable_root: true,
        cwd: PathBuf::from("/"),
        host_name: b"bactrian".to_vec(),
        terminal: false,
        old_mounts: false,
        work: Work::Recipe,
    };
    start(&job, mode)
}

/// A name that still means the same directory after something has been mounted on it.
fn absolute(root: &Path) -> Outcome<PathBuf> {
    std::fs::canonicalize(root).doing("find", root)
}

/// Runs the recipe where a worker has made the root, leaving no process behind.
fn run_in_place() -> Outcome<()> {
    set_child_subreaper(Some(getpid())).doing("adopt the orphans of", "this process")?;
    let outcome = steps::run_recipe();
    // Without /proc there is no telling who they are; the worker will have to.
    if let Ok(proc) = open("/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, FileMode::empty()) {
        supervise::kill_descendants(&proc);
    }
    outcome
}

/// Whether `/` is the input root already, as under a worker that changes root itself: then the builder in `/` and the one in the
/// current directory are one file.
fn already_root() -> bool {
    let identity = |path: String| std::fs::metadata(path).map(|data| (data.dev(), data.ino())).ok();
    let root = identity(format!("/{}", builder::BUILDER_PATH));
    root.is_some() && root == identity(builder::BUILDER_PATH.to_owned())
}

/// Tries the ways to make the root until one is not forbidden.
fn start(job: &Job, mode: Option<Mode>) -> Outcome<u8> {
    let blocked = supervise::block_signals().doing("block the signals of", "this process")?;
    let ways = mode.map_or(vec![Mode::UserNamespace, Mode::Namespaces, Mode::Chroot], |mode| vec![mode]);
    let mut reasons = Vec::new();
    for way in ways {
        match attempt(job, way, &blocked)? {
            Attempt::Ended(code) => return Ok(code),
            Attempt::Forbidden(reason) => reasons.push(reason),
        }
    }
    reasons.push(advice());
    Err(Failure::NoRoot(reasons.join("; ")))
}

enum Attempt {
    Ended(u8),
    Forbidden(String),
}

fn attempt(job: &Job, way: Mode, blocked: &Blocked) -> Outcome<Attempt> {
    if let Some(reason) = impossible(job, way) {
        return Ok(Attempt::Forbidden(reason));
    }
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).doing("open a pipe for", "this process")?;
    let identity = inside::Identity::current();
    let pid = match sys::fork_into(namespaces(way).bits()) {
        Ok(0) => {
            drop(reader);
            sys::exit(child(job, way, &identity, writer, blocked));
        }
        Ok(pid) => Pid::from_raw(pid),
        Err(error) => return Ok(Attempt::Forbidden(format!("{}: {error}", name(way)))),
    };
    drop(writer);
    let mut message = Vec::new();
    std::fs::File::from(reader).read_to_end(&mut message).doing("read from", "the child")?;
    let code = pid.map_or(255, |pid| supervise::until_exit(pid, blocked));
    if job.terminal {
        Terminal::take();
    }
    Ok(match message.split_first() {
        None => Attempt::Ended(code),
        Some((90, text)) => Attempt::Forbidden(format!("{}: {}", name(way), String::from_utf8_lossy(text))),
        Some((code, text)) => {
            return Err(Failure::Reported { code: *code, text: String::from_utf8_lossy(text).into_owned() });
        }
    })
}

/// Why a way need not even be tried.
fn impossible(job: &Job, way: Mode) -> Option<String> {
    let root = rustix::process::geteuid().is_root();
    match way {
        Mode::UserNamespace => None,
        Mode::Namespaces | Mode::Chroot if !root => Some(format!("{}: not root", name(way))),
        Mode::Chroot if job.joins.iter().any(|join| matches!(join, Join::Bind { .. })) => {
            Some(format!("{}: cannot join directories without mounting, stage them in the root", name(way)))
        }
        Mode::Namespaces | Mode::Chroot => None,
    }
}

/// The child: makes the root, then stays as the first process in it. Failures before that go through the pipe.
fn child(job: &Job, way: Mode, identity: &inside::Identity, writer: OwnedFd, blocked: &Blocked) -> u8 {
    match inside::make_root(job, way, identity, &writer) {
        Ok(ready) => {
            drop(writer);
            ready.run(job, blocked)
        }
        Err(failure) => {
            let text = match &failure {
                Failure::NoRoot(why) => why.clone(),
                other => other.to_string(),
            };
            let message = [&[failure.exit_code()], text.as_bytes()].concat();
            // If the parent is gone nobody wants to know.
            let _ = std::fs::File::from(writer).write_all(&message);
            failure.exit_code()
        }
    }
}

fn namespaces(way: Mode) -> UnshareFlags {
    let common =
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWNET | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC;
    match way {
        Mode::UserNamespace => common | UnshareFlags::NEWUSER,
        Mode::Namespaces => common,
        Mode::Chroot => UnshareFlags::empty(),
    }
}

fn name(way: Mode) -> &'static str {
    match way {
        Mode::UserNamespace => "user namespaces",
        Mode::Namespaces => "namespaces as root",
        Mode::Chroot => "chroot as root",
    }
}

/// Which kernel settings forbid user namespaces, as far as they can be read.
fn advice() -> String {
    const SETTINGS: [(&str, &str, &str); 3] = [
        ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ];
    let forbids =
        |(path, bad, _): &&(&str, &str, &str)| std::fs::read_to_string(path).is_ok_and(|value| value.trim() == *bad);
    let wanted: Vec<&str> = SETTINGS.iter().filter(forbids).map(|(_, _, wanted)| *wanted).collect();
    if wanted.is_empty() {
        let all =
            "user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns";
        return format!(
            "allow user namespaces (sysctl {all}, or the container's seccomp profile) or run as root with CAP_SYS_ADMIN"
        );
    }
    format!("allow user namespaces with `sysctl {}`", wanted.join(" "))
}
