//! Running a program on an engine: its exit code and what it printed are what is wanted, whatever they are.
//!
//! Not here: actions that make something ([`super::execution`]), whose failures of certain kinds are the builder's and hence the
//! worker's; a program may end as it likes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use action::command::{Action, Command};
use action::digest::{BlobDigest, DirDigest};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use tonic::Code;

use super::attempts::Attempts;
use super::errand::Watch;
use super::execution::engine;
use super::operation::Way;
use super::{Remote, RemoteError};

/// What is run. Nothing of its result is kept for others: who runs a program wants it to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its path in the root, and its arguments.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Platform properties besides or instead of the configuration's.
    pub platform: BTreeMap<String, String>,
    /// The tree that it runs in, which is in the store.
    pub root: DirDigest,
    /// After this long it is stopped.
    pub timeout: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code, as the engine tells it: of what a signal ended mostly 128 and the signal's number. None, if it took longer
    /// than it may.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Remote {
    /// Runs a program on a worker, to its end.
    ///
    /// # Errors
    /// If the engine or the way to it failed. However the program ends is no error.
    pub fn run_program(&self, program: &Program) -> Result<Ran, RemoteError> {
        if !self.offers.executes {
            return Err(RemoteError::NoExecution);
        }
        let Program { arguments, environment, root, timeout, .. } = program.clone();
        let mut platform = self.config.platform.clone();
        platform.extend(program.platform.clone());
        let command = Command { arguments, environment, platform };
        let encoded = Action { command, input_root: root, timeout }.encode_uncached();
        let mut attempts = Attempts::new(self.config.patience);
        loop {
            if self.stopped() {
                return Err(RemoteError::Stopped);
            }
            let way = Way {
                encoded: &encoded,
                fresh: true,
                limit: program.timeout,
                operation: Mutex::default(),
                told: &|_| (),
                watch: Mutex::new(Watch::start()),
            };
            self.send_tree(root, &[&encoded.action, &encoded.command])?;
            let answer = self.follow_or_cancel(&way).and_then(|response| {
                let result = self.run(self.ran(&response))?;
                result.ok_or_else(|| engine(&encoded, &response.status.unwrap_or_default()))
            });
            match answer {
                Ok(ran) => return Ok(ran),
                Err(error) => self.pause_after(&mut attempts, error)?,
            }
        }
    }

    /// How it ended; nothing, if the engine could not run it.
    async fn ran(&self, response: &wire::ExecuteResponse) -> Result<Option<Ran>, RemoteError> {
        let status = Code::from(response.status.as_ref().map_or(0, |status| status.code));
        let result = response.result.clone().unwrap_or_default();
        if !matches!(status, Code::Ok | Code::DeadlineExceeded) {
            return Ok(None);
        }
        let stdout = self.printed(&result.stdout_raw, result.stdout_digest.as_ref()).await?;
        let stderr = self.printed(&result.stderr_raw, result.stderr_digest.as_ref()).await?;
        let code = (status == Code::Ok).then_some(result.exit_code);
        // A worker that makes the root by bubblewrap says so if the program is none that it can start.
        if code.is_some_and(|code| code != 0) && stdout.is_empty() && stderr.starts_with(b"bwrap: ") {
            let message = String::from_utf8_lossy(&stderr).trim().to_owned();
            return Err(RemoteError::Worker { message });
        }
        Ok(Some(Ran { code, stdout, stderr }))
    }

    async fn printed(&self, raw: &[u8], digest: Option<&wire::Digest>) -> Result<Vec<u8>, RemoteError> {
        match digest {
            Some(digest) if raw.is_empty() => {
                let digest = BlobDigest::from_wire(digest)?;
                self.read(digest).await?.ok_or_else(|| RemoteError::Lost(vec![digest]))
            }
            _ => Ok(raw.to_vec()),
        }
    }
}
