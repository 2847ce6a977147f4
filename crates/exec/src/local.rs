//! Running actions on this machine.
//!
//! An action's input root is entered ([`crate::sandbox`]), its command run without network under a time limit, its
//! output directory taken into the store. How it ended is an [`Outcome`], also when it failed; a failed action's scratch
//! directory, in which its logs are [`STDOUT`] and [`STDERR`], is kept, so that somebody can enter it and look.
//!
//! Not here: whether an action must be run at all (that is the engine's), and where its inputs come from.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use action::command::{Action, EncodedAction, OUTPUT};
use action::digest::DirDigest;
use action::outcome::{CachedResult, Outcome, Place, Status};
use action::path::RelPath;

use crate::sandbox::{self, EXIT_IO, EXIT_NO_ROOT, Join, Room, StageError};
use crate::store::{Store, StoreError};

/// The file in a kept scratch directory with what the command wrote to standard output.
pub const STDOUT: &str = "stdout";
/// The file with what it wrote to standard error.
pub const STDERR: &str = "stderr";

/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Runs actions in roots of their own on this machine.
#[derive(Debug)]
pub struct LocalExecutor<'a> {
    /// Where inputs come from and outputs go.
    pub store: &'a Store,
    /// The builder program on this machine.
    pub builder: &'a Path,
    /// How many jobs a command may run at once; no part of the action.
    pub jobs: usize,
    /// Set by whoever wants everything to stop.
    pub stop: &'a AtomicBool,
}

/// What an executor made of an action.
#[derive(Debug)]
pub struct Execution {
    /// How it ended.
    pub outcome: Outcome,
    /// The name under which the store keeps the scratch directory of a failed action.
    pub kept: Option<String>,
}

/// Why an action could not be run here; says nothing of its command.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The root could not be made.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine offers no way to make a directory the root of a process.
    #[error("no way to make a root: {message}")]
    NoRoot {
        /// The builder's own words.
        message: String,
    },
    /// A file of the scratch directory could not be written or read, or the builder not started.
    #[error("{}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> LocalError + '_ {
    |source| LocalError::Io { path: path.to_owned(), source }
}

impl LocalExecutor<'_> {
    /// Runs `action`, whose inputs are in the store; `composed` are the directories made for its root.
    ///
    /// # Errors
    /// If the machinery failed. A command that failed is an outcome.
    pub fn execute(
        &self,
        action: &Action,
        encoded: &EncodedAction,
        composed: &HashSet<DirDigest>,
    ) -> Result<Execution, LocalError> {
        let scratch = self.store.scratch()?;
        let place = |name: &str| -> Result<PathBuf, LocalError> {
            let path = scratch.path().join(name);
            fs::create_dir(&path).map_err(io_error(&path))?;
            Ok(path)
        };
        let (root, tmp, out) = (place("root")?, place("tmp")?, place(OUTPUT)?);
        let join = |from: &Path, at: &str| -> Join {
            Join { from: from.to_owned(), at: RelPath::new(at).unwrap_or_default(), writable: true }
        };
        let mut environment = action.command.environment.clone();
        environment.insert("BACTRIAN_JOBS".to_owned(), self.jobs.to_string());
        let room = Room {
            root: action.input_root,
            composed,
            joined: vec![join(&tmp, "tmp"), join(&out, OUTPUT)],
            cwd: "/".to_owned(),
            environment,
            terminal: false,
            arguments: action.command.arguments.iter().map(Into::into).collect(),
        };
        let mut staged = sandbox::stage(self.store, self.builder, &root, &room)?;
        let logs = [scratch.path().join(STDOUT), scratch.path().join(STDERR)];
        let log = |path: &Path| File::create(path).map_err(io_error(path));
        staged.command.stdin(Stdio::null()).stdout(log(&logs[0])?).stderr(log(&logs[1])?);
        let begun = Instant::now();
        let child = staged.command.spawn().map_err(io_error(self.builder))?;
        let status = self.wait(child, action.timeout)?;
        let wall = begun.elapsed();
        staged.leave()?;
        let stdout = self.store.put_file(&logs[0])?;
        let stderr = self.store.put_file(&logs[1])?;
        let outcome = |status, output| Outcome { status, place: Place::Local, output, stdout, stderr, wall };
        match status {
            Status::Success if fs::read_dir(&out).map_err(io_error(&out))?.next().is_none() => {
                let kept = self.store.keep(scratch, encoded.digest)?;
                Ok(Execution { outcome: outcome(Status::NoOutput, None), kept: Some(kept) })
            }
            Status::Success => {
                let output = self.store.ingest(&out)?;
                let result = CachedResult { output, tree: self.store.tree_message(output)?, stdout, stderr };
                self.store.put_result(encoded.digest, &result)?;
                Ok(Execution { outcome: outcome(Status::Success, Some(output)), kept: None })
            }
            Status::Exit(code @ (EXIT_NO_ROOT | EXIT_IO)) => {
                let message = String::from_utf8_lossy(&self.store.read(stderr)?).trim_end().to_owned();
                match code {
                    EXIT_NO_ROOT => Err(LocalError::NoRoot { message }),
                    _ => Ok(Execution { outcome: outcome(Status::Infrastructure(message), None), kept: None }),
                }
            }
            Status::Cancelled => Ok(Execution { outcome: outcome(Status::Cancelled, None), kept: None }),
            failed => {
                let kept = self.store.keep(scratch, encoded.digest)?;
                Ok(Execution { outcome: outcome(failed, None), kept: Some(kept) })
            }
        }
    }

    /// Waits for the builder; ends it when the time is over or somebody wants to stop.
    fn wait(&self, mut child: Child, limit: Duration) -> Result<Status, LocalError> {
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(io_error(self.builder))? {
                return Ok(match status.code() {
                    Some(0) => Status::Success,
                    Some(code) => Status::Exit(code),
                    None => Status::Infrastructure(format!("the builder ended by itself: {status}")),
                });
            }
            let verdict = if self.stop.load(Ordering::Relaxed) {
                Status::Cancelled
            } else if begun.elapsed() > limit {
                Status::TimedOut
            } else {
                thread::sleep(TICK);
                continue;
            };
            // The namespaces die with the builder, and everything inside with them.
            child.kill().and_then(|()| child.wait()).map_err(io_error(self.builder))?;
            return Ok(verdict);
        }
    }
}
