//! Programs on workers of a Remote Execution engine: those of the target's own kind, say.
//!
//! A worker of another kind cannot run the builder, so nothing of the usual root is there: the root is the directory that the
//! program runs in, with the program in it, and it is started as it is. Hence it must be static, or find what it needs on the worker.
//! What it writes besides its output stays there, and it has no standard input. Not here: the wire (`remote::program`).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use action::digest::DirDigest;

use super::surroundings::{Beside, Kind, at, surroundings};
use super::{Job, RunnerError};
use crate::remote::{Program, Ran, Remote};
use crate::store::Store;

/// Where the program is in its root: beside the files of its directory, whose hidden directories do not go along.
const PLACE: &str = ".bactrian";
/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(3600);
/// What `timeout(1)` says of a program that took too long.
const TIMED_OUT: i32 = 124;
/// What a program has of an environment if nobody says otherwise: some engines give it none.
const ENVIRONMENT: [(&str, &str); 4] =
    [("HOME", "/tmp"), ("LC_ALL", "C.UTF-8"), ("PATH", "/usr/bin:/bin"), ("TMPDIR", "/tmp")];

/// The workers of an engine.
#[derive(Debug, Clone)]
pub struct Farm {
    /// The engine.
    pub remote: Arc<Remote>,
    /// Where what is sent is kept until it is.
    pub store: Arc<Store>,
    /// Platform properties of workers that can run the target's programs, besides or instead of the engine's.
    pub platform: BTreeMap<String, String>,
}

impl Farm {
    pub(super) fn run(&self, mut job: Job) -> Result<ExitStatus, RunnerError> {
        let streams = job.streams.take().map_or_else(own_streams, Ok);
        let [input, output, error] = streams.map_err(at(Path::new("standard streams")))?;
        if says_something(&input) {
            return Err(RunnerError::Input);
        }
        let Ran { code, stdout, stderr } = self.remote.run_program(&self.program(&job)?).map_err(Box::new)?;
        write(&mut File::from(output), &stdout)?;
        let mut error = File::from(error);
        write(&mut error, &stderr)?;
        if code.is_none() {
            write(&mut error, format!("stopped: it ran for longer than {} s\n", LIMIT.as_secs()).as_bytes())?;
        }
        // As wait(2) tells it, which has eight bits for it.
        Ok(ExitStatus::from_raw((code.unwrap_or(TIMED_OUT) & 0xff) << 8))
    }

    fn program(&self, job: &Job) -> Result<Program, RunnerError> {
        let name = job.program.file_name().unwrap_or(OsStr::new("program"));
        let place = Path::new(PLACE).join(name);
        let words = std::iter::once(place.as_os_str().to_owned()).chain(job.arguments.iter().cloned());
        let mut environment: BTreeMap<_, _> =
            ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (name, value) in &job.environment {
            environment.insert(text(name)?, text(value)?);
        }
        Ok(Program {
            arguments: words.map(|word| text(&word)).collect::<Result<_, _>>()?,
            environment,
            platform: self.platform.clone(),
            root: self.root(job, &place)?,
            timeout: LIMIT,
        })
    }

    /// A copy of the directory that the program runs in, with the program, in the store.
    fn root(&self, job: &Job, program: &Path) -> Result<DirDigest, RunnerError> {
        let scratch = self.store.scratch()?;
        let root = scratch.path().join("root");
        let made = |path: &Path| fs::create_dir_all(path).map_err(at(path));
        made(&root.join(PLACE))?;
        surroundings(job, |Beside { path, name, kind }| match kind {
            Kind::Directory => fs::create_dir_all(root.join(name)),
            Kind::File => fs::copy(path, root.join(name)).map(|_| ()),
        })?;
        fs::copy(&job.program, root.join(program)).map_err(at(&job.program))?;
        Ok(self.store.ingest(&root)?)
    }
}

/// The messages of the wire are text.
fn text(word: &OsString) -> Result<String, RunnerError> {
    word.clone().into_string().map_err(RunnerError::Text)
}

/// Whether something waits in `input` to be read. Of a pipe that is written to later it cannot be known.
fn says_something(input: &OwnedFd) -> bool {
    rustix::io::ioctl_fionread(input).is_ok_and(|bytes| bytes > 0)
}

fn write(into: &mut File, bytes: &[u8]) -> Result<(), RunnerError> {
    match into.write_all(bytes) {
        // Who reads has seen enough: a program would be told so by a signal.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(at(Path::new("standard output"))),
    }
}

/// This process's own.
fn own_streams() -> io::Result<[OwnedFd; 3]> {
    Ok([
        io::stdin().as_fd().try_clone_to_owned()?,
        io::stdout().as_fd().try_clone_to_owned()?,
        io::stderr().as_fd().try_clone_to_owned()?,
    ])
}
