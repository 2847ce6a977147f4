//! The child that makes the root: it is the first process in the new namespaces, and stays as their `init`.
//!
//! Not here: which way was chosen and why (`root`), and the parent's waiting.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode as FileMode, OFlags, open};
use rustix::process::{Pid, Signal, chdir, chroot, getpid, set_child_subreaper, set_parent_process_death_signal};

use crate::args::{Join, Mode};
use crate::failure::{Doing, Failure, Outcome};
use crate::mounts::{self, Tree};
use crate::sys::Blocked;
use crate::terminal::Terminal;
use crate::{devices, privileges, report, steps, supervise, sys};

/// Everything the child needs to know.
pub(crate) struct Job {
    pub(crate) root: PathBuf,
    pub(crate) joins: Vec<Join>,
    pub(crate) writable_root: bool,
    pub(crate) cwd: PathBuf,
    pub(crate) host_name: Vec<u8>,
    pub(crate) terminal: bool,
    pub(crate) old_mounts: bool,
    pub(crate) work: Work,
}

/// What runs in the root.
pub(crate) enum Work {
    Program(Vec<OsString>),
    Recipe,
}

/// Who we are outside: unknown inside until it has been mapped.
pub(crate) struct Identity {
    user: u32,
    group: u32,
}

impl Identity {
    pub(crate) fn current() -> Self {
        Self { user: rustix::process::geteuid().as_raw(), group: rustix::process::getegid().as_raw() }
    }
}

/// A root that has been made, with no privilege left.
pub(crate) struct Ready {
    /// The machine's `/proc`, where there is no pid namespace to end all processes with.
    proc: Option<OwnedFd>,
}

/// Makes `job.root` the root of this process and gives up all privileges.
///
/// # Errors
/// [`Failure::NoRoot`] if the way is forbidden here; others if it is allowed and went wrong.
pub(crate) fn make_root(job: &Job, way: Mode, identity: &Identity, parent: &OwnedFd) -> Outcome<Ready> {
    // What is made here has the mode it is given; the program gets back the mask of its user.
    let mask = rustix::process::umask(FileMode::empty());
    let proc = match way {
        Mode::UserNamespace => {
            map_identity(identity).map_err(forbidden)?;
            make_mounted_root(job, true)?;
            None
        }
        Mode::Namespaces => {
            make_mounted_root(job, false)?;
            None
        }
        Mode::Chroot => Some(make_plain_root(job)?),
    };
    rustix::process::umask(mask);
    chdir(&job.cwd).doing("enter", &job.cwd)?;
    privileges::drop_all()?;
    die_with_parent(way, parent)?;
    Ok(Ready { proc })
}

/// What the kernel forbids at the first use of a namespace is a way that is closed, not a failure.
fn forbidden(failure: Failure) -> Failure {
    match failure {
        Failure::Io { ref source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            Failure::NoRoot(failure.to_string())
        }
        other => other,
    }
}

/// Root inside is who we are outside, and nobody else exists.
fn map_identity(identity: &Identity) -> Outcome<()> {
    let write =
        |path: &str, text: String| std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    for (path, text) in [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {} 1\n", identity.user)),
        ("/proc/self/gid_map", format!("0 {} 1\n", identity.group)),
    ] {
        write(path, text).doing("write", path)?;
    }
    Ok(())
}

fn make_mounted_root(job: &Job, in_user_namespace: bool) -> Outcome<()> {
    mounts::make_private().map_err(forbidden)?;
    rustix::system::sethostname(&job.host_name)
        .doing("set the host name to", String::from_utf8_lossy(&job.host_name).as_ref())?;
    // Programs that talk to themselves expect 127.0.0.1. Nothing depends on it where it cannot be had.
    let _ = devices::loopback_up();
    let tree = Tree::new(&job.root, job.old_mounts)?;
    devices::mount_proc(&tree, in_user_namespace)?;
    devices::mount_dev(&tree, job.terminal)?;
    for join in &job.joins {
        match join {
            Join::Bind { from, to, writable } => tree.bind(from, to, *writable)?,
            Join::Tmpfs { to } => tree.tmpfs(to, "mode=755")?,
        }
    }
    if !job.joins.iter().any(|join| join.to() == "/tmp") {
        make_tmp(&tree, job.writable_root)?;
    }
    tree.become_root(job.writable_root)
}

fn make_tmp(tree: &Tree, in_root: bool) -> Outcome<()> {
    if !in_root {
        return tree.tmpfs("/tmp".as_ref(), "mode=1777");
    }
    tree.directory("/tmp".as_ref()).map(drop)
}

/// Without namespaces: the network, the host name and the processes of the machine stay visible to system calls; its files do not.
fn make_plain_root(job: &Job) -> Outcome<OwnedFd> {
    let tree = Tree::open(&job.root, job.old_mounts)?;
    let proc = open("/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, FileMode::empty())
        .doing("open", "/proc")?;
    devices::make_nodes(&tree).map_err(forbidden)?;
    for join in &job.joins {
        tree.directory(join.to())?;
    }
    make_tmp(&tree, true)?;
    drop(tree);
    chroot(&job.root).doing("change root to", &job.root).map_err(forbidden)?;
    chdir("/").doing("enter", "/")?;
    set_child_subreaper(Some(getpid())).doing("adopt the orphans of", "this process")?;
    Ok(proc)
}

/// From here on the parent's death is ours, also if it happened a moment ago.
fn die_with_parent(way: Mode, parent: &OwnedFd) -> Outcome<()> {
    // The death of the first process of a pid namespace ends all others. Without one they must be killed, so it must be told.
    let signal = if way == Mode::Chroot { Signal::TERM } else { Signal::KILL };
    set_parent_process_death_signal(Some(signal)).doing("tie to its parent", "this process")?;
    let mut ends = [PollFd::new(parent, PollFlags::OUT)];
    poll(&mut ends, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).doing("poll", "the parent")?;
    let [end] = ends;
    if end.revents().contains(PollFlags::ERR) {
        sys::exit(255);
    }
    Ok(())
}

impl Ready {
    /// Starts the work in a child and waits for it as `init` does; everything else still running is killed with the namespace
    /// when this process ends, or one by one where there is none.
    pub(crate) fn run(self, job: &Job, blocked: &Blocked) -> u8 {
        let main = match sys::fork_into(0).doing("start", "a child") {
            Ok(0) => {
                drop(self.proc);
                // With the signals still blocked the work would be deaf, which is better than not done.
                let _ = blocked.unblock();
                if job.terminal {
                    Terminal::take_as_group();
                }
                sys::exit(perform(&job.work));
            }
            Ok(pid) => Pid::from_raw(pid),
            Err(failure) => {
                report(&failure);
                return failure.exit_code();
            }
        };
        let code = main.map_or(255, |main| supervise::until_exit(main, blocked));
        if let Some(proc) = &self.proc {
            supervise::kill_descendants(proc);
        }
        code
    }
}

fn perform(work: &Work) -> u8 {
    match work {
        Work::Recipe => match steps::run_recipe() {
            Ok(()) => 0,
            Err(failure) => {
                report(&failure);
                failure.exit_code()
            }
        },
        Work::Program(argv) => {
            let Some((program, arguments)) = argv.split_first() else { return 91 };
            // Before Linux 5.9 descriptors that our parent leaked stay open.
            let _ = sys::close_others_on_exec();
            let error = std::process::Command::new(program).args(arguments).exec();
            let code = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
            report(&Failure::Io { doing: "run", path: program.into(), source: error });
            code
        }
    }
}
