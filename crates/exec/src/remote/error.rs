//! Why something could not be done remotely. Says nothing of a command: one that failed is an outcome.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use action::digest::{ActionDigest, BlobDigest, DigestError};
use action::outcome::ResultError;
use action::tree::TreeError;

use super::fault::Fault;
use crate::store::StoreError;

/// Why something could not be done remotely.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The server cannot be reached.
    #[error("no connection to {address}")]
    Connect {
        /// Where it should be.
        address: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that the connection needs cannot be read: a certificate, a key, a token.
    #[error("cannot read {}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A header or token has characters that no header may have.
    #[error("`{0}` cannot be sent as a header")]
    Header(String),
    /// The runtime of this connection cannot be started.
    #[error("cannot start the connection's runtime")]
    Runtime(#[source] io::Error),
    /// The server has no SHA-256.
    #[error("the server does not know digests of the kind SHA256")]
    NoSha256,
    /// The server is a cache alone.
    #[error("the server runs no actions")]
    NoExecution,
    /// A call failed, and trying again did not help or would not.
    #[error("{call}: {}", .status.message())]
    Call {
        /// Which call.
        call: &'static str,
        /// What that means.
        fault: Fault,
        /// What the server said.
        status: Box<tonic::Status>,
    },
    /// The engine could not run the action.
    #[error("the engine could not run action {action}: status {code}, {message}")]
    Engine {
        /// Which action.
        action: ActionDigest,
        /// What that means.
        fault: Fault,
        /// A code of `google.rpc.Code`.
        code: i32,
        /// The engine's own words.
        message: String,
    },
    /// A worker took the action, and could not even start it: it says nothing of the command.
    #[error("a worker could not start the action: {message}")]
    Worker {
        /// The worker's own words.
        message: String,
    },
    /// No worker took any action for long.
    #[error("actions are queued for {} s, and none is run", .waited.as_secs())]
    Queued {
        /// How long.
        waited: Duration,
    },
    /// The engine ended the stream without an answer.
    #[error("the engine gave no answer")]
    NoAnswer,
    /// Bytes from the server are not those of their digest.
    #[error("the server sent other bytes than those of {0}")]
    Corrupt(BlobDigest),
    /// Blobs of results that the server told of are gone.
    #[error("the server lost {} blobs of results that it told of", .0.len())]
    Lost(Vec<BlobDigest>),
    /// The server says something other than what was asked for, or a digest that is none.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The output is no tree of the portable profile.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A message cannot be decoded.
    #[error("the server sent a malformed {0}")]
    Malformed(&'static str),
    /// The result lacks what every action has.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
}

impl RemoteError {
    /// What it means, if the server said it.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Call { fault, .. } | Self::Engine { fault, .. } => Some(*fault),
            _ => None,
        }
    }

    /// Whether the server or the way to it is at fault, as far as is known; not this machine, or how it was told to use it.
    #[must_use]
    pub const fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Call { .. })
    }
}
