//! Running actions on a Remote Execution engine: the same messages, the same digests.
//!
//! A [`Remote`] is a connection to one engine. It uploads what an action needs and the engine lacks, has it run, and takes
//! the output into the store. The wire is asynchronous, this interface is not: each call drives a small runtime of its
//! own thread.
//!
//! Not here: choosing between local and remote, retries beyond one call, authentication. See `facts` of issue 5.

mod blobs;
mod execution;

use std::time::Duration;

use action::digest::{ActionDigest, BlobDigest, DigestError};
use action::outcome::ResultError;
use action::tree::TreeError;
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

use crate::store::{Store, StoreError};

/// A connection to a Remote Execution engine.
#[derive(Debug)]
pub struct Remote<'a> {
    store: &'a Store,
    channel: Channel,
    runtime: Runtime,
    instance: String,
}

/// Why an action could not be run remotely; says nothing of its command.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is no `http://host:port`.
    #[error("`{0}` is not the address of a server")]
    Address(String),
    /// The server cannot be reached.
    #[error("no connection to {address}")]
    Connect {
        /// Where it should be.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The runtime of this connection cannot be started.
    #[error("cannot start the connection's runtime")]
    Runtime(#[source] std::io::Error),
    /// A call failed.
    #[error("{call}: {}", .status.message())]
    Call {
        /// Which call.
        call: &'static str,
        /// What the server said.
        status: Box<tonic::Status>,
    },
    /// The engine could not run the action.
    #[error("the engine could not run action {action}: status {code}, {message}")]
    Engine {
        /// Which action.
        action: ActionDigest,
        /// A code of `google.rpc.Code`.
        code: i32,
        /// The engine's own words.
        message: String,
    },
    /// The engine ended the stream without an answer.
    #[error("the engine gave no answer")]
    NoAnswer,
    /// Bytes from the server are not those of their digest.
    #[error("the server sent other bytes than those of {0}")]
    Corrupt(BlobDigest),
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
}

impl<'a> Remote<'a> {
    /// Connects to the engine at `address`, such as `http://127.0.0.1:50071`.
    ///
    /// # Errors
    /// If the address is none, or nobody answers there within ten seconds.
    pub fn connect(store: &'a Store, address: &str, instance: &str) -> Result<Self, RemoteError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RemoteError::Runtime)?;
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|_| RemoteError::Address(address.to_owned()))?
            .connect_timeout(Duration::from_secs(10));
        let channel = runtime
            .block_on(endpoint.connect())
            .map_err(|source| RemoteError::Connect { address: address.to_owned(), source })?;
        Ok(Self { store, channel, runtime, instance: instance.to_owned() })
    }
}

fn failed(call: &'static str) -> impl FnOnce(tonic::Status) -> RemoteError {
    move |status| RemoteError::Call { call, status: Box::new(status) }
}
