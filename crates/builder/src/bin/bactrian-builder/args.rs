//! The command line: what was asked for. Not here: whether it can be done.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// What to do.
pub(crate) enum Command {
    Build { mode: Option<Mode> },
    Enter(Box<Enter>),
}

/// A way to make a directory `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// User, mount, pid, net, uts and ipc namespaces.
    UserNamespace,
    /// The same without the user namespace: we are root already.
    Namespaces,
    /// Root without namespaces: chroot, and every descendant killed at the end.
    Chroot,
}

/// One thing joined to the root.
#[derive(Debug)]
pub(crate) enum Join {
    /// A file or directory of the machine, with everything mounted below it.
    Bind { from: PathBuf, to: PathBuf, writable: bool },
    /// An empty directory in memory.
    Tmpfs { to: PathBuf },
}

impl Join {
    pub(crate) fn to(&self) -> &Path {
        match self {
            Self::Bind { to, .. } | Self::Tmpfs { to } => to,
        }
    }
}

/// `enter`: a program in a root joined from directories.
pub(crate) struct Enter {
    pub(crate) root: PathBuf,
    pub(crate) joins: Vec<Join>,
    pub(crate) writable_root: bool,
    pub(crate) cwd: PathBuf,
    pub(crate) host_name: Vec<u8>,
    pub(crate) mode: Option<Mode>,
    /// Whether the program is an interactive shell on the terminal of standard input.
    pub(crate) terminal: bool,
    /// Whether to mount as kernels before Linux 5.2 must: for tests of that path on newer ones.
    pub(crate) old_mounts: bool,
    pub(crate) argv: Vec<OsString>,
}

const USAGE: &str = "usage: bactrian-builder build [--mode MODE] | enter ROOT [--ro SRC DST | --rw SRC DST | --tmpfs DST | --rw-root \
                     | --cwd DIR | --uts-name NAME | --mode userns|ns|chroot | --terminal | --old-mounts]... -- ARGV...";

/// Reads the arguments after the program's own name.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Outcome<Command> {
    let mut args = Args(args);
    let command = args.value("a command")?;
    match command.as_bytes() {
        b"build" => parse_build(args),
        b"enter" => parse_enter(args).map(|enter| Command::Enter(Box::new(enter))),
        _ => Err(usage(&format!("unknown command {}", command.display()))),
    }
}

fn parse_build(mut args: Args<impl Iterator<Item = OsString>>) -> Outcome<Command> {
    let mut mode = None;
    while let Some(option) = args.0.next() {
        match option.as_bytes() {
            b"--mode" => mode = Some(args.mode()?),
            _ => return Err(unknown(&option)),
        }
    }
    Ok(Command::Build { mode })
}

fn parse_enter(mut args: Args<impl Iterator<Item = OsString>>) -> Outcome<Enter> {
    let mut enter = Enter {
        root: args.value("ROOT")?.into(),
        joins: Vec::new(),
        writable_root: false,
        cwd: PathBuf::from("/"),
        host_name: b"bactrian".to_vec(),
        mode: None,
        terminal: false,
        old_mounts: false,
        argv: Vec::new(),
    };
    while let Some(option) = args.0.next() {
        match option.as_bytes() {
            b"--ro" | b"--rw" => {
                let from = args.value("SRC")?.into();
                let to = args.inside("DST")?;
                enter.joins.push(Join::Bind { from, to, writable: option == "--rw" });
            }
            b"--tmpfs" => enter.joins.push(Join::Tmpfs { to: args.inside("DST")? }),
            b"--rw-root" => enter.writable_root = true,
            b"--cwd" => enter.cwd = args.inside("DIR")?,
            b"--uts-name" => enter.host_name = args.value("NAME")?.as_bytes().to_vec(),
            b"--mode" => enter.mode = Some(args.mode()?),
            b"--terminal" => enter.terminal = true,
            b"--old-mounts" => enter.old_mounts = true,
            b"--" => {
                enter.argv = args.0.collect();
                break;
            }
            _ => return Err(unknown(&option)),
        }
    }
    if enter.argv.is_empty() { Err(usage("nothing to run")) } else { Ok(enter) }
}

struct Args<I>(I);

impl<I: Iterator<Item = OsString>> Args<I> {
    fn value(&mut self, what: &str) -> Outcome<OsString> {
        self.0.next().ok_or_else(|| usage(&format!("{what} is missing")))
    }

    /// A path inside the root: absolute, and never leading out of it.
    fn inside(&mut self, what: &str) -> Outcome<PathBuf> {
        let path = PathBuf::from(self.value(what)?);
        let dots = |part: &[u8]| part == b".." || part == b".";
        if path.is_absolute() && !path.as_os_str().as_bytes().split(|byte| *byte == b'/').any(dots) {
            return Ok(path);
        }
        Err(usage(&format!("{what} {} is not an absolute path inside the root", path.display())))
    }

    fn mode(&mut self) -> Outcome<Mode> {
        let mode = self.value("MODE")?;
        match mode.as_bytes() {
            b"userns" => Ok(Mode::UserNamespace),
            b"ns" => Ok(Mode::Namespaces),
            b"chroot" => Ok(Mode::Chroot),
            _ => Err(usage(&format!("unknown mode {}", mode.display()))),
        }
    }
}

fn unknown(option: &OsString) -> Failure {
    usage(&format!("unknown option {}", option.display()))
}

fn usage(problem: &str) -> Failure {
    Failure::Usage(format!("{problem}; {USAGE}"))
}
