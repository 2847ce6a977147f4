//! The store: everything that outlives a run.
//!
//! # Layout
//! | below the root | what |
//! |---|---|
//! | `format`, `lock` | version of the layout; a lock shared by all users of the store, exclusive for [`Store::gc`] |
//! | `cas/ab/<hash>[.x]` | blobs, also encoded directories; `.x` is the executable variant (`cas`) |
//! | `trees/ab/<hash>` | checkouts: trees on disk, made of hard links (`checkout`) |
//! | `ac/ab/<hash>` | action cache: `ActionResult` messages (`results`) |
//! | `memo/<kind>/ab/<hash>` | small derived facts (`memo`) |
//! | `projects/<hash>` | persistent scratch of user projects (`project`) |
//! | `kept/<id>` | roots of failed actions (`kept`) |
//! | `locks/<kind>-<hash>` | locks on pieces of work (`lock`) |
//! | `tmp/<pid>-<n>` | scratch, gone with its owner (`scratch`) |
//!
//! # Invariants
//! What has a name names what is there. Objects are immutable: complete and durable before they get their name, so a process may be killed at any moment.
//! Names are made bottom-up (blobs, directories, results) and removed top-down. Nothing is removed while somebody else
//! has the store open, so what was found once stays.
//!
//! Many processes and threads may share a store. It is synchronous and never prints. Not here: where blobs come from,
//! how actions are run, and what memos mean.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use action::digest::DirDigest;
use action::tree::Directory;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

mod cas;
mod checkout;
mod disk;
mod error;
mod gc;
mod ingest;
mod intake;
mod kept;
mod known;
mod lock;
mod memo;
pub(crate) mod parallel;
mod project;
mod registered;
mod results;
mod scratch;
mod stats;
mod tree;
mod verify;

#[cfg(test)]
mod tests;

pub use error::{Result, Special, StoreError, Unstorable};
pub use gc::{Freed, Policy};
pub use intake::{Incoming, Intake};
pub use kept::Kept;
pub use known::{Encoded, KnownTree, Origin, directories_of};
pub use lock::Guard;
pub use memo::{LIMIT as MEMO_LIMIT, MemoValue};
pub use project::Project;
pub use scratch::Scratch;
pub use stats::{Area, Usage};
pub use tree::Closure;
pub use verify::{Fault, FaultKind, Verified};

use error::At as _;
use scratch::Base;

/// First and only line of the `format` file.
const FORMAT: &str = "bactrian store 1\n";

/// Directories below the root; fan-out directories in them are made when needed.
const AREAS: [&str; 9] = ["cas", "trees", "ac", "memo", "projects", "kept", "downloads", "locks", "tmp"];

/// An open store.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Holds the shared lock.
    lock: File,
    base: Mutex<Option<Arc<Base>>>,
    directories: Mutex<HashMap<DirDigest, Arc<Directory>>>,
    /// What is known and perhaps not here (`known`).
    known: Mutex<known::Known>,
}

impl Store {
    /// Opens the store in the directory `root`, making it if there is nothing. Waits while somebody collects garbage.
    ///
    /// A store on a read-only file system can be opened, and read.
    ///
    /// # Errors
    /// [`StoreError::Version`], [`StoreError::NotAStore`], or if the store cannot be made or read.
    pub fn open(root: &Path) -> Result<Self> {
        Self::open_telling(root, &mut |_| ())
    }

    /// As [`Store::open`]; before it waits for a collection to end, `on_wait` is told the processes that do it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_telling(root: &Path, on_wait: &mut dyn FnMut(&[u32])) -> Result<Self> {
        let root = std::path::absolute(root).at(root)?;
        check_format(&root)?;
        let path = root.join("lock");
        let lock = File::open(&path).at(&path)?;
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => {
                on_wait(&lock::holders(&lock));
                lock::retry(|| flock(&lock, FlockOperation::LockShared)).at(&path)?;
            }
            result => result.at(&path)?,
        }
        scratch::sweep(&root.join("tmp"));
        Ok(Self { root, lock, base: Mutex::default(), directories: Mutex::default(), known: Mutex::default() })
    }

    /// The directory the store is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A new, empty directory on the store's file system.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn scratch(&self) -> Result<Scratch> {
        self.base()?.scratch()
    }

    /// A directory for broken downloads to be taken up again, and for whatever else fetchers keep between runs; emptied by
    /// a collection of garbage.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn downloads(&self) -> Result<PathBuf> {
        let path = self.area("downloads");
        fs::create_dir_all(&path).at(&path)?;
        Ok(path)
    }

    fn area(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Makes everything written so far durable.
    fn sync(&self) -> Result<()> {
        lock::retry(|| rustix::fs::syncfs(&self.lock)).at(&self.root)
    }
}

/// Checks that there is a store of our format, or makes one.
fn check_format(root: &Path) -> Result<()> {
    let path = root.join("format");
    match fs::read(&path) {
        Ok(bytes) if bytes == FORMAT.as_bytes() => Ok(()),
        Ok(bytes) => {
            let found = String::from_utf8_lossy(bytes.get(..64).unwrap_or(&bytes)).trim_end().to_owned();
            Err(StoreError::Version { path, found })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(root, &path),
        Err(error) => Err(error).at(&path),
    }
}

/// Makes an empty store; several processes may do so at once.
fn make(root: &Path, format: &Path) -> Result<()> {
    fs::create_dir_all(root).at(root)?;
    let ours = |name: &String| AREAS.contains(&name.as_str()) || name == "lock" || name.starts_with("format");
    if !disk::names(root)?.iter().all(ours) {
        return Err(StoreError::NotAStore { path: root.to_owned() });
    }
    for area in AREAS {
        let path = root.join(area);
        fs::create_dir_all(&path).at(&path)?;
    }
    let lock = root.join("lock");
    File::options().create(true).truncate(false).write(true).open(&lock).at(&lock)?;
    // The version comes last: whoever sees it sees a whole store.
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let aside = root.join(format!("format.{}.{attempt}", std::process::id()));
    fs::write(&aside, FORMAT).at(&aside)?;
    disk::rename(&aside, format)
}
