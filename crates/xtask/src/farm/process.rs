//! Programs that a farm consists of: each a child of ours, ended by its own id, whatever becomes of us.
//!
//! Not here: what they are (`grid`).

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to answer, or to end when it is asked to.
const LONG: Duration = Duration::from_secs(40);
const TICK: Duration = Duration::from_millis(50);

/// A program that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it says goes to the end of `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("{}: {error}", log.display());
        let file = File::options().create(true).append(true).open(log).map_err(told)?;
        let errors = file.try_clone().map_err(told)?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Waits until it takes connections at `address`.
    pub(super) fn answers(&mut self, address: SocketAddr) -> Result<(), String> {
        let begun = Instant::now();
        while TcpStream::connect_timeout(&address, TICK).is_err() {
            let gone = self.child.try_wait().map_err(|error| error.to_string())?;
            if gone.is_some() || begun.elapsed() > LONG {
                return Err(format!("nobody answers at {address}: {}", self.last_words()));
            }
            thread::sleep(TICK);
        }
        Ok(())
    }

    /// Whether it is there still.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits for that; after a while it is killed.
    pub(super) fn end(&mut self, signal: Signal) {
        if let Some(pid) = to_pid(self.child.id()).filter(|_| self.runs()) {
            let _ = kill_process(pid, signal);
            let begun = Instant::now();
            while self.runs() && begun.elapsed() < LONG {
                thread::sleep(TICK);
            }
        }
        self.kill();
    }

    /// Kills it, with all that it has started and is there still.
    pub(super) fn kill(&mut self) {
        if self.runs() {
            for pid in descendants(self.child.id()) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The first process that it has started, once there is one.
    pub(super) fn first_child(&self) -> Result<Pid, String> {
        for _ in 0..100 {
            if let Some(pid) = children(self.child.id()).first().copied().and_then(to_pid) {
                return Ok(pid);
            }
            thread::sleep(TICK);
        }
        Err(format!("it has started nothing: {}", self.last_words()))
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn to_pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

fn children(id: u32) -> Vec<u32> {
    let told = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    told.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// The processes that one has started, and those that these have, and so on.
fn descendants(id: u32) -> Vec<Pid> {
    let (mut all, mut left) = (Vec::new(), children(id));
    while let Some(id) = left.pop() {
        left.extend(children(id));
        all.extend(to_pid(id));
    }
    all
}

/// Words for `setpriv`, before a program's, that have it killed when the thread that starts it ends, as that does if we are killed
/// ourselves and nothing is dropped.
pub(super) const TIED: [&str; 2] = ["--pdeathsig=KILL", "--"];

/// `program`, tied to us.
pub(super) fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(TIED).arg(program);
    command
}

/// `program`, tied to us, in a process and a mount namespace of its own: when it is killed, all that was started there is, and what
/// was mounted there is unmounted.
pub(super) fn alone(program: &Path) -> Command {
    let mut command = tied(Path::new("unshare"));
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]).arg(program);
    command
}

/// `program` in the namespaces of the process `of`.
pub(super) fn beside(program: &Path, of: Pid) -> Command {
    let mut command = Command::new("nsenter");
    command.args([&format!("--target={}", of.as_raw_nonzero()), "--mount", "--pid", "--"]).arg(program);
    command
}

/// As many free ports of this machine.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], String> {
    let taken: Vec<_> = (0..N)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("no port is free: {error}"))?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&taken) {
        *port = listener.local_addr().map_err(|error| error.to_string())?.port();
    }
    Ok(ports)
}

/// Makes a directory, unless it is there.
pub(super) fn directory(path: PathBuf) -> Result<PathBuf, String> {
    match fs::create_dir(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(format!("{}: {error}", path.display())),
        _ => Ok(path),
    }
}
