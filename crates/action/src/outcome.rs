//! What became of an action: a value, also when it failed.
//!
//! A failed build is data. Whoever runs actions returns an [`Outcome`] for each, and never mistakes a command that
//! failed for machinery that broke ([`Status::Exit`] against [`Status::Infrastructure`]).

use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as wire;

use crate::command::OUTPUT;
use crate::digest::{BlobDigest, DigestError, DirDigest};

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// Where the answer came from.
    pub place: Place,
    /// The output directory, if the action succeeded.
    pub output: Option<DirDigest>,
    /// What it wrote to standard output.
    pub stdout: BlobDigest,
    /// What it wrote to standard error.
    pub stderr: BlobDigest,
    /// How long the command ran; zero if the answer was cached.
    pub wall: Duration,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The command ended with 0 and its output is there.
    Success,
    /// The command ended with another exit code: a failed build.
    Exit(i32),
    /// The command ran longer than the action allows.
    TimedOut,
    /// Somebody stopped it.
    Cancelled,
    /// The command ended with 0 but left no output directory.
    NoOutput,
    /// Whoever was to run it could not; says nothing of the command. The text is the executor's own.
    Infrastructure(String),
}

/// Where an outcome came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The store's action cache.
    LocalCache,
    /// A run on this machine.
    Local,
    /// A remote engine's action cache.
    RemoteCache,
    /// A run on a remote engine.
    Remote,
}

/// A successful action as the action cache keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachedResult {
    /// The output directory.
    pub output: DirDigest,
    /// Digest of the output's `Tree` message, which remote caches name it by.
    pub tree: BlobDigest,
    /// What the command wrote to standard output.
    pub stdout: BlobDigest,
    /// What it wrote to standard error.
    pub stderr: BlobDigest,
}

/// Why an `ActionResult` message is not that of a successful action of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// The command failed; some servers cache that too.
    #[error("the action ended with exit code {0}")]
    Exit(i32),
    /// There is no output directory `out`.
    #[error("the result has no output directory")]
    NoOutput,
    /// A digest is unusable.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl CachedResult {
    /// The `ActionResult` message, as uploaded to a remote cache and kept in the store.
    #[must_use]
    pub fn to_wire(&self) -> wire::ActionResult {
        wire::ActionResult {
            output_directories: vec![wire::OutputDirectory {
                path: OUTPUT.to_owned(),
                tree_digest: Some(self.tree.to_wire()),
                is_topologically_sorted: false,
                root_directory_digest: Some(self.output.to_wire()),
            }],
            stdout_digest: Some(self.stdout.to_wire()),
            stderr_digest: Some(self.stderr.to_wire()),
            ..wire::ActionResult::default()
        }
    }

    /// Reads a message that has a root directory digest, as the store's own have.
    ///
    /// # Errors
    /// If the action failed, or its output is missing or unusable.
    pub fn from_wire(message: &wire::ActionResult) -> Result<Self, ResultError> {
        if message.exit_code != 0 {
            return Err(ResultError::Exit(message.exit_code));
        }
        let directory = message
            .output_directories
            .iter()
            .find(|directory| directory.path == OUTPUT)
            .ok_or(ResultError::NoOutput)?;
        let of = |digest: &Option<wire::Digest>| {
            digest.as_ref().map_or_else(|| Ok(BlobDigest::of(b"")), BlobDigest::from_wire)
        };
        Ok(Self {
            output: DirDigest::from_wire(directory.root_directory_digest.as_ref().ok_or(ResultError::NoOutput)?)?,
            tree: BlobDigest::from_wire(directory.tree_digest.as_ref().ok_or(ResultError::NoOutput)?)?,
            stdout: of(&message.stdout_digest)?,
            stderr: of(&message.stderr_digest)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> CachedResult {
        CachedResult {
            output: DirDigest::of(b"dir"),
            tree: BlobDigest::of(b"tree"),
            stdout: BlobDigest::of(b"out"),
            stderr: BlobDigest::of(b""),
        }
    }

    #[test]
    fn round_trips() {
        assert_eq!(CachedResult::from_wire(&result().to_wire()), Ok(result()));
    }

    #[test]
    fn a_failure_is_no_result() {
        let mut message = result().to_wire();
        message.exit_code = 2;
        assert_eq!(CachedResult::from_wire(&message), Err(ResultError::Exit(2)));
        message.exit_code = 0;
        message.output_directories.clear();
        assert_eq!(CachedResult::from_wire(&message), Err(ResultError::NoOutput));
    }
}
