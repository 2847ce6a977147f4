//! Remote Execution engines and caches: the same messages, the same digests.
//!
//! A [`Remote`] is a connection to one. It asks for results and tells of them ([`cache`]), has actions run ([`execution`]),
//! and moves blobs in both directions. What it learns of is *known*, not here: trees can be read and composed, and their
//! files are brought when something on this machine wants them ([`known`]).
//!
//! The wire is asynchronous, this interface is not: any number of threads may call, each waits for its own answer.
//!
//! Not here: choosing between here and there, which is the engine's; whose fault a failure is for people, the command
//! line's. The design is in `docs/design/remote.md`.

mod attempts;
mod cache;
pub mod config;
mod connection;
mod credentials;
mod download;
mod errand;
mod error;
mod execution;
mod fault;
mod known;
mod lines;
mod offers;
mod operation;
mod packed;
mod probe;
mod program;
mod queue;
mod reach;
mod retry;
mod traffic;
mod upload;
mod write;

pub use cache::Asked;
pub use config::{Address, Config, Mode};
pub use errand::Errand;
pub use error::RemoteError;
pub use execution::{Stage, Told};
pub use fault::Fault;
pub use offers::Offers;
pub use probe::Trip;
pub use program::{Program, Ran};
pub use traffic::{Totals, Traffic};

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use action::digest::{ActionDigest, BlobDigest, DirDigest};
use tokio::runtime::Runtime;

use crate::store::Store;
use credentials::Credentials;
use lines::Lines;
use queue::Queue;

/// A connection to a Remote Execution engine or cache.
#[derive(Debug)]
pub struct Remote {
    store: Arc<Store>,
    config: Config,
    lines: Lines,
    credentials: Credentials,
    runtime: Runtime,
    offers: Offers,
    /// Set by whoever wants everything to stop.
    stop: Arc<AtomicBool>,
    /// Set while nobody wants what is underway ([`Remote::halt`]).
    halted: AtomicBool,
    /// What the server was found to have.
    present: Mutex<Present>,
    /// Roots of trees that the server told of, by the digest of their `Tree` messages.
    roots: Mutex<HashMap<BlobDigest, DirDigest>>,
    /// What the server knows actions by, by the store's digests, where these differ.
    names: Mutex<HashMap<ActionDigest, ActionDigest>>,
    /// One thread at a time sends, so that nothing is sent twice; one at a time brings.
    sending: Mutex<()>,
    bringing: Mutex<()>,
    queue: Queue,
    /// Why it is not used any more, if so.
    off: OnceLock<String>,
    /// Whether results may not be told.
    mute: AtomicBool,
    /// Whether it turned out to send streams as they are alone, whatever it offers.
    sends_plain: AtomicBool,
    traffic: Traffic,
}

/// What a server was found to have.
#[derive(Debug, Default)]
struct Present {
    blobs: HashSet<BlobDigest>,
    /// Directories with all below them.
    trees: HashSet<DirDigest>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
