//! Having actions run: inputs there, the operation followed (`operation`), the answer understood.
//!
//! The answer is an [`Outcome`] if it says something of the command, else a [`RemoteError`]: a worker that cannot start the
//! builder, or is killed, has said nothing of the command. The output is known, not here.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use action::command::{Action, EncodedAction};
use action::digest::BlobDigest;
use action::outcome::{Outcome, Place, Status as Ended};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::Directory;
use prost::Message as _;
use tonic::Code;

use super::attempts::Attempts;
use super::download::Wanted;
use super::errand::{Errand, Watch};
use super::fault::Fault;
use super::operation::Way;
use super::{Asked, Remote, RemoteError, locked};
use crate::sandbox::{EXIT_IO, EXIT_NO_ROOT};

/// The exit code of a command that is not there.
const NOT_FOUND: i32 = 127;
/// Exit codes of what was killed, as shells and others tell it.
const KILLED: [i32; 4] = [9, 15, 128 + 9, 128 + 15];

/// How far an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its inputs are being sent.
    Sending,
    /// They are there, and it is asked for. Some engines tell nothing more before its end.
    Asked,
    /// It waits for a worker.
    Queued,
    /// A worker runs it.
    Running,
    /// Its worker was lost; it waits for another.
    Requeued,
}

/// What is told of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is so far.
    At(Stage),
    /// It has been run, at this cost. What was in the cache costs nothing and is not told of.
    Ran(Errand),
}

impl Remote {
    /// Runs `action`, whose inputs are in the store or known, unless the engine has its result.
    ///
    /// # Errors
    /// If the engine or the way to it failed. A command that failed is an outcome.
    pub fn execute<'a>(&self, asked: impl Into<Asked<'a>>, told: &dyn Fn(Told)) -> Result<Outcome, RemoteError> {
        let asked = asked.into();
        let (action, encoded) = (asked.action, self.encode(asked));
        let mut way = Way {
            encoded: &encoded,
            fresh: self.store.has_lost_any(),
            limit: action.timeout,
            operation: Mutex::default(),
            told,
            watch: Mutex::new(Watch::start()),
        };
        let mut attempts = Attempts::new(self.config.patience);
        loop {
            if self.stopped() {
                return Err(RemoteError::Stopped);
            }
            way.enter(Stage::Sending);
            let sent = self.send_tree(action.input_root, &[&encoded.action, &encoded.command])?;
            locked(&way.watch).add_sent(sent);
            let begun = Instant::now();
            way.enter(Stage::Asked);
            let answer = self.follow_or_cancel(&way).and_then(|response| {
                let place = if response.cached_result { Place::RemoteCache } else { Place::Remote };
                let metadata = response.result.as_ref().and_then(|result| result.execution_metadata.clone());
                Ok((place, metadata, self.understand(response, action, &encoded)?))
            });
            match answer {
                // Failures may have been cached that were the worker's; a cached success may have lost its output.
                Ok((Place::RemoteCache, _, outcome)) if !way.fresh && outcome.status != Ended::Success => {
                    way.fresh = true;
                }
                Err(RemoteError::Lost(_)) if !way.fresh => way.fresh = true,
                Ok((Place::RemoteCache, _, outcome)) => {
                    return Ok(Outcome { place: Place::RemoteCache, wall: Duration::ZERO, ..outcome });
                }
                Ok((place, metadata, outcome)) => {
                    let watch = way.watch.into_inner().unwrap_or_else(PoisonError::into_inner);
                    told(Told::Ran(watch.stop(metadata.as_ref())));
                    return Ok(Outcome { place, wall: begun.elapsed(), ..outcome });
                }
                Err(error) => self.pause_after(&mut attempts, error)?,
            }
            way.operation = Mutex::default();
        }
    }

    fn understand(
        &self,
        response: wire::ExecuteResponse,
        action: &Action,
        encoded: &EncodedAction,
    ) -> Result<Outcome, RemoteError> {
        let status = response.status.unwrap_or_default();
        let result = response.result.unwrap_or_default();
        let stdout = self.log(&result.stdout_raw, result.stdout_digest.as_ref())?;
        let stderr = self.log(&result.stderr_raw, result.stderr_digest.as_ref())?;
        let outcome = |status, output, stdout, stderr| Outcome {
            status,
            place: Place::Remote,
            output,
            stdout,
            stderr,
            wall: Duration::ZERO,
        };
        let failed = |ended| -> Result<Outcome, RemoteError> {
            let (stdout, stderr) = (self.bring_log(stdout)?, self.bring_log(stderr)?);
            Ok(outcome(ended, None, stdout, stderr))
        };
        match Code::from(status.code) {
            Code::Ok => {}
            Code::DeadlineExceeded => return failed(Ended::TimedOut),
            _ if result.exit_code == NOT_FOUND => return Err(RemoteError::Worker { message: status.message }),
            _ => return Err(engine(encoded, &status)),
        }
        if result.exit_code != 0 {
            let log = self.store.read(self.bring_log(stderr)?)?;
            if let Some(message) = workers_fault(result.exit_code, &String::from_utf8_lossy(&log)) {
                return Err(RemoteError::Worker { message });
            }
            return failed(Ended::Exit(result.exit_code));
        }
        let Some(tree) = super::cache::tree_of(&result)? else { return failed(Ended::NoOutput) };
        // What a worker has made just now is there, whatever of it the server had lost before.
        if !response.cached_result
            && let Some(root) = self.run(self.learn_directories(tree))?
        {
            self.store.note_found(root)?;
        }
        let learnt = self.run(self.learn_result(&result, action.encode().digest))?;
        match learnt {
            Some(output) if output == Directory::default().digest() => failed(Ended::NoOutput),
            Some(output) => Ok(outcome(Ended::Success, Some(output), stdout, stderr)),
            None => Err(RemoteError::Lost(Vec::new())),
        }
    }

    /// A log that is in the store; an empty one, if the server has lost it.
    fn bring_log(&self, log: BlobDigest) -> Result<BlobDigest, RemoteError> {
        if self.store.has(log) {
            return Ok(log);
        }
        let mut intake = self.store.intake();
        let missing = self.run(self.fetch(vec![Wanted { digest: log, executable: false }], &mut intake))?;
        intake.commit()?;
        Ok(if missing.is_empty() { log } else { self.store.put(b"")? })
    }
}

pub(super) fn engine(encoded: &EncodedAction, status: &action::remote_apis::google::rpc::Status) -> RemoteError {
    let fault = Fault::of_parts(Code::from(status.code), &status.message, &status.encode_to_vec());
    RemoteError::Engine { action: encoded.digest, fault, code: status.code, message: status.message.clone() }
}

/// Why an exit code is the worker's and not the command's, if so: the builder says itself that it could not make a root or
/// write; what started it, that it could not; and a builder that was killed was not by what it runs.
fn workers_fault(code: i32, stderr: &str) -> Option<String> {
    let last = stderr.trim_end().lines().next_back().unwrap_or_default();
    match code {
        EXIT_NO_ROOT | EXIT_IO => Some(last.to_owned()),
        NOT_FOUND => Some(format!("the builder cannot be started (exit code {code}) {last}").trim_end().to_owned()),
        code if KILLED.contains(&code) => Some(format!("the builder was killed (exit code {code})")),
        _ if stderr.starts_with("bwrap: ") => Some(last.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault() {
        for (code, stderr, workers) in [
            (1, "bactrian-builder: step 1 (make): exit 2\n", false),
            (2, "", false),
            (1, "bwrap: execvp bactrian/builder: No such file or directory\n", true),
            (EXIT_NO_ROOT, "no way to make a root\n", true),
            (EXIT_IO, "/out: No space left on device\n", true),
            (127, "", true),
            (137, "", true),
            (9, "", true),
        ] {
            assert_eq!(workers_fault(code, stderr).is_some(), workers, "{code} {stderr}");
        }
    }
}
