//! Programs on another machine: copied there into a directory of their own, run, and removed.
//!
//! The other machine needs a POSIX shell, `mktemp` and `tar`. Files that a program writes stay there and are removed with
//! its directory. Not here: keys, ports, names of hosts beyond what the user's own `ssh` knows.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::surroundings::{Beside, Kind, at, surroundings};
use super::{Job, RunnerError, status};

/// Makes a directory, unpacks into it, and says where it is.
const TAKE: &str =
    "umask 077; d=$(mktemp -d \"${TMPDIR:-/tmp}/bactrian.XXXXXXXX\") && tar -xf - -C \"$d\" && printf %s \"$d\"";
/// Where the program and what is beside it are in that directory.
const PROGRAM: &str = "program";
const WORK: &str = "work";

/// A machine that runs programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The program `ssh`, or one that is called like it.
    pub program: PathBuf,
    /// `host` or `user@host`.
    pub destination: String,
    /// Another port than ssh's own.
    pub port: Option<u16>,
}

impl Ssh {
    pub(super) fn run(&self, job: Job) -> Result<ExitStatus, RunnerError> {
        let place = self.take(&job)?;
        let name = job.program.file_name().unwrap_or(OsStr::new("program"));
        let mut line = OsString::from("d=");
        line.push(quoted(OsStr::from_bytes(&place)));
        line.push("; trap 'cd /; rm -rf \"$d\"' EXIT; trap 'exit 129' HUP INT TERM; cd \"$d/");
        line.push(WORK);
        line.push("\" && env");
        for (name, value) in &job.environment {
            let mut assignment = name.clone();
            assignment.push("=");
            assignment.push(value);
            line.push(" ");
            line.push(quoted(&assignment));
        }
        line.push(" \"$d/");
        line.push(PROGRAM);
        line.push("/\"");
        line.push(quoted(name));
        for argument in &job.arguments {
            line.push(" ");
            line.push(quoted(argument));
        }
        status(self.command(&line), job)
    }

    /// Copies the program and its directory; returns where they are.
    fn take(&self, job: &Job) -> Result<Vec<u8>, RunnerError> {
        let mut command = self.command(OsStr::new(TAKE));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = |source| RunnerError::Start { program: self.program.clone(), source };
        let mut child = command.spawn().map_err(started)?;
        // One that cannot be reached closes its input: how it ended says more than that it did.
        let packed = child.stdin.take().map_or(Ok(()), |input| pack(job, input));
        let output = child.wait_with_output().map_err(started)?;
        if !output.status.success() {
            return Err(RunnerError::Refused { destination: self.destination.clone(), status: output.status });
        }
        packed?;
        Ok(output.stdout)
    }

    /// What has `line` run there by `sh`: the user's own shell there may be another.
    fn command(&self, line: &OsStr) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
        let mut by_sh = OsString::from("exec sh -c ");
        by_sh.push(quoted(line));
        command.arg("--").arg(&self.destination).arg(by_sh);
        command
    }
}

fn pack(job: &Job, into: impl Write) -> Result<(), RunnerError> {
    let mut archive = tar::Builder::new(into);
    archive.follow_symlinks(true);
    let program = Path::new(PROGRAM).join(job.program.file_name().unwrap_or(OsStr::new("program")));
    archive.append_path_with_name(&job.program, program).map_err(at(&job.program))?;
    let here = job.directory.as_deref().unwrap_or(&job.program);
    if job.directory.is_none() {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        header.set_mode(0o700);
        archive.append_data(&mut header, WORK, io::empty()).map_err(at(here))?;
    }
    surroundings(job, |Beside { path, name, kind }| {
        let name = Path::new(WORK).join(name);
        match kind {
            Kind::Directory => archive.append_dir(name, path),
            Kind::File => archive.append_path_with_name(path, name),
        }
    })?;
    archive.into_inner().and_then(|mut inner| inner.flush()).map_err(at(here))
}

/// A word as a POSIX shell reads it again.
#[must_use]
pub fn quoted(word: &OsStr) -> OsString {
    let mut quoted = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    OsStr::from_bytes(&quoted).to_owned()
}
