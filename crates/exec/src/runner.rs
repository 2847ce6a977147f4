//! Running programs of other machines: as they are, under an emulator or wine, on another machine over ssh, by workers of a
//! Remote Execution engine, or by a command of the user's.
//!
//! A runner is a value; whoever has one need not know which it is. Not here: which runner a target has (`plan::target`,
//! and what users say), and how programs run inside a root, where none of this can be seen (`plan::runner`).

mod farm;
mod service;
mod signals;
mod ssh;
mod surroundings;
#[cfg(test)]
mod tests;
mod wine;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

pub use farm::Farm;
pub use service::{Place, Service};
pub use ssh::{Ssh, quoted};
pub use wine::prepare as prepare_wine;

use crate::remote::RemoteError;

/// Who runs programs.
#[derive(Debug, Clone)]
pub enum Runner {
    /// The machine itself.
    Native,
    /// A command that is given the program and its arguments as further arguments; not empty.
    Under(Vec<OsString>),
    /// wine: the program, and the directory that it takes for a Windows machine ([`prepare_wine`]).
    Wine {
        /// The program `wine64`.
        program: PathBuf,
        /// `WINEPREFIX`.
        prefix: PathBuf,
    },
    /// Another machine.
    Ssh(Ssh),
    /// Workers of an engine.
    Farm(Farm),
}

/// What is run.
#[derive(Debug)]
pub struct Job {
    /// The program's file on this machine.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it runs; this process's own directory if nothing is said. Another machine is given a copy.
    pub directory: Option<PathBuf>,
    /// Added to the environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its standard input, output and error; this process's own if nothing is said.
    pub streams: Option<[OwnedFd; 3]>,
    /// Whether it is what the user wants to see run: signals are the program's then, not this process's.
    pub foreground: bool,
}

impl Job {
    /// A program with this process's own surroundings.
    #[must_use]
    pub fn new(program: &Path, arguments: &[OsString]) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            directory: None,
            environment: Vec::new(),
            streams: None,
            foreground: false,
        }
    }
}

/// Why a program could not be run. That it ran and failed is no error.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The runner's own program does not start.
    #[error("cannot start {}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program or what is beside it cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The other machine did not take the program; it or `ssh` has said why on standard error.
    #[error("{destination} did not take the program ({status})")]
    Refused {
        /// The other machine, as the user named it.
        destination: String,
        /// How `ssh` ended.
        status: ExitStatus,
    },
    /// wine cannot make the directory that it takes for a Windows machine.
    #[error("wine could not make {} ({status})", .prefix.display())]
    Prefix {
        /// The directory.
        prefix: PathBuf,
        /// How wine ended.
        status: ExitStatus,
    },
    /// The engine could not run it.
    #[error(transparent)]
    Remote(#[from] Box<RemoteError>),
    /// Something is to be read by a program that has no standard input.
    #[error("programs on an engine's workers have no standard input")]
    Input,
    /// An argument or variable is no UTF-8, which an engine's messages are.
    #[error("{0:?} is not UTF-8")]
    Text(OsString),
    /// The store cannot be written to.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl Runner {
    /// Runs a program to its end.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&self, job: Job) -> Result<ExitStatus, RunnerError> {
        match self {
            Self::Native => directly(Command::new(&job.program), job),
            Self::Under(line) => {
                let (first, rest) = line
                    .split_first()
                    .map_or((job.program.clone().into(), &[][..]), |(first, rest)| (first.clone(), rest));
                let mut command = Command::new(first);
                command.args(rest).arg(&job.program);
                directly(command, job)
            }
            Self::Wine { program, prefix } => {
                let mut command = wine::command(program, prefix);
                command.arg(&job.program);
                let given = |name: &str| job.environment.iter().rev().find(|(known, _)| known == name);
                let variable = |name: &str| given(name).map(|(_, text)| text.into()).or_else(|| std::env::var_os(name));
                let locale = wine::locale(variable).map(|(name, text)| (name.into(), text.into()));
                let environment = job.environment.iter().cloned().chain(locale).collect();
                directly(command, Job { environment, ..job })
            }
            Self::Ssh(ssh) => ssh.run(job),
            Self::Farm(farm) => farm.run(job),
        }
    }
}

/// Runs `command`, which lacks the job's own arguments and surroundings.
fn directly(mut command: Command, job: Job) -> Result<ExitStatus, RunnerError> {
    command.args(&job.arguments).envs(job.environment.iter().cloned());
    if let Some(directory) = &job.directory {
        command.current_dir(directory);
    }
    status(command, job)
}

/// Runs `command`, which lacks the job's streams.
fn status(mut command: Command, job: Job) -> Result<ExitStatus, RunnerError> {
    if let Some([input, output, error]) = job.streams {
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::from(error));
    }
    let program = PathBuf::from(command.get_program());
    let ended = if job.foreground { signals::attend(&mut command) } else { command.status() };
    ended.map_err(|source| RunnerError::Start { program, source })
}
