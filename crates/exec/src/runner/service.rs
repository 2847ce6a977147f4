//! Programs that are started inside a root and run outside of it, because their runner is there.
//!
//! A program of the root (`plan`'s `recipes/run/client.c`, where the messages are described) connects to a socket in a
//! directory that is joined to the root. What is a path inside is made one outside. Not here: who calls it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::{Job, Runner, RunnerError};

/// What shells answer if a program cannot be started.
const NOT_STARTED: u8 = 126;
/// More than a command line can be long.
const LONGEST: usize = 16 << 20;
/// How long the end waits for programs that still run: whoever asked for them is gone, and what runs elsewhere is cancelled.
const LAST: Duration = Duration::from_secs(3);

/// A directory of this machine, and where it is in the root.
#[derive(Debug, Clone)]
pub struct Place {
    /// An absolute path in the root.
    pub inside: PathBuf,
    /// The directory here.
    pub outside: PathBuf,
}

/// Runs programs for a root as long as it lives.
#[derive(Debug)]
pub struct Service {
    stop: Arc<AtomicBool>,
    socket: PathBuf,
    thread: Option<JoinHandle<()>>,
    /// The socket's directory: its path may be longer than a socket's can be.
    directory: File,
    common: Arc<Common>,
}

/// What every call has in common.
#[derive(Debug)]
struct Common {
    runner: Runner,
    places: Vec<Place>,
    environment: BTreeMap<String, String>,
    words: fn(&RunnerError) -> String,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many programs run.
    running: usize,
    /// The first thing that went wrong.
    failed: Option<RunnerError>,
}

impl Service {
    /// Listens at `socket`, whose directory is joined to the root. Variables are passed on if `environment`, the root's, says
    /// something else of them. What goes wrong is told by `words` on the standard error of whoever asked.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn start(
        socket: &Path,
        runner: Runner,
        places: Vec<Place>,
        environment: BTreeMap<String, String>,
        words: fn(&RunnerError) -> String,
    ) -> io::Result<Self> {
        let directory = File::open(socket.parent().unwrap_or(Path::new("/")))?;
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(short(&directory, socket))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (state, ended) = (Mutex::default(), Condvar::new());
        let common = Arc::new(Common { runner, places, environment, words, state, ended });
        let (stopped, asked) = (Arc::clone(&stop), Arc::clone(&common));
        let thread = thread::Builder::new().name("runner".to_owned()).spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(connection), common) = (connection, Arc::clone(&asked)) else { continue };
                // A thread that cannot be made answers nothing, and the client says so.
                let _ = thread::Builder::new().name("run".to_owned()).spawn(move || common.answer(connection));
            }
        })?;
        Ok(Self { stop, socket: socket.to_owned(), thread: Some(thread), directory, common })
    }

    /// Listens no more. The first reason why a program could not be run, if any could not: whoever asked for it took that for a
    /// program that failed.
    #[must_use]
    pub fn end(self) -> Option<RunnerError> {
        let common = Arc::clone(&self.common);
        drop(self);
        common.state().failed.take()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        if UnixStream::connect(short(&self.directory, &self.socket)).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.socket);
        let _ = self.common.ended.wait_timeout_while(self.common.state(), LAST, |state| state.running > 0);
    }
}

/// A path of `socket` that is short enough: 108 bytes, unix(7).
fn short(directory: &File, socket: &Path) -> PathBuf {
    let name = socket.file_name().unwrap_or_default();
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name)
}

impl Common {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, connection: UnixStream) {
        self.state().running += 1;
        let failed = self.run(connection);
        let mut state = self.state();
        state.running -= 1;
        state.failed = state.failed.take().or(failed);
        self.ended.notify_all();
    }

    /// Runs what is asked for and answers; why it could not be, if so.
    fn run(&self, mut connection: UnixStream) -> Option<RunnerError> {
        // One that breaks off its sentence is answered nothing.
        let Ok(Some(mut job)) = receive(&mut connection) else { return None };
        self.translate(&mut job);
        let told = job.streams.as_ref().and_then(|streams| streams[2].try_clone().ok());
        let (code, failed) = match self.runner.run(job) {
            Ok(status) => (code(status), None),
            Err(error) => {
                if let Some(told) = told {
                    let _ = writeln!(File::from(told), "bactrian: {}", (self.words)(&error));
                }
                (NOT_STARTED, Some(error))
            }
        };
        let _ = connection.write_all(&[code]);
        failed
    }

    /// Makes what is said inside true outside.
    fn translate(&self, job: &mut Job) {
        // Each path is translated once: what is outside may look like a place inside, as all of /tmp does.
        let here = job.directory.clone().unwrap_or_default();
        job.program = self.outside(&here.join(&job.program));
        job.directory = job.directory.as_deref().map(|path| self.outside(path));
        for argument in &mut job.arguments {
            if argument.as_bytes().starts_with(b"/") {
                *argument = self.outside(Path::new(argument)).into_os_string();
            }
        }
        job.environment.retain(|(name, value)| {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { return true };
            // The library is the root's; the others are this machine's to say.
            !matches!(name, "LD_PRELOAD" | "PATH" | "PWD" | "OLDPWD" | "HOME" | "SHLVL" | "_")
                && self.environment.get(name).is_none_or(|of_root| of_root != value)
        });
    }

    /// Where something of the root is on this machine: below the place that says most; elsewhere the paths are the same.
    fn outside(&self, path: &Path) -> PathBuf {
        let found = self.places.iter().filter_map(|place| Some((place, path.strip_prefix(&place.inside).ok()?)));
        let nearest = found.min_by_key(|(_, rest)| rest.as_os_str().len());
        nearest.map_or_else(
            || path.to_owned(),
            |(place, rest)| if rest.as_os_str().is_empty() { place.outside.clone() } else { place.outside.join(rest) },
        )
    }
}

/// The exit code as shells tell it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// A call; none if the other side closes the connection without one.
fn receive(connection: &mut UnixStream) -> io::Result<Option<Job>> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(&*connection, &mut [IoSliceMut::new(&mut length)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes < length.len() {
        return Ok(None);
    }
    let files: Vec<OwnedFd> = control
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => files.collect::<Vec<_>>(),
            _ => Vec::new(),
        })
        .collect();
    let length = u32::from_ne_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    connection.read_exact(&mut text)?;
    let streams = <[OwnedFd; 3]>::try_from(files).map_err(|_| io::ErrorKind::InvalidData)?;
    parse(&text, streams).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(text: &[u8], streams: [OwnedFd; 3]) -> Option<Job> {
    let (arguments, text) = text.split_first_chunk::<4>()?;
    let (variables, text) = text.split_first_chunk::<4>()?;
    let arguments = u32::from_ne_bytes(*arguments) as usize;
    let variables = u32::from_ne_bytes(*variables) as usize;
    let mut words = text.split(|byte| *byte == 0).map(|word| OsStr::from_bytes(word).to_owned());
    let directory = words.next()?.into();
    let program = words.next()?.into();
    let arguments: Vec<OsString> = words.by_ref().take(arguments.checked_sub(1)?).collect();
    let variable = |word: OsString| {
        let at = word.as_bytes().iter().position(|byte| *byte == b'=')?;
        let (name, value) = (word.as_bytes().get(..at)?, word.as_bytes().get(at + 1..)?);
        Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
    };
    let environment = words.take(variables).filter_map(variable).collect();
    let (directory, streams) = (Some(directory), Some(streams));
    Some(Job { program, arguments, directory, environment, streams, foreground: false })
}
