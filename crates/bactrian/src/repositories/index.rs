//! Indexes: a repository as one blob of the store, with what it was made of.
//!
//! ```text
//! magic      "bactrian index 1\n"
//! length     8 bytes, little-endian
//! identity   as many bytes: a directory's listing, a server's validator, or a commit
//! universe   as `opam` encodes it
//! ```
//! A memo of the kind `repository` names the blob, under the repository's name, so there is one index of each. Identity and
//! universe cannot come apart, whoever writes at the same time. Only damage to the universe is found out, by its own check:
//! hashing the blob would take longer than all else.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::iter;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use exec::store::{MemoValue, Store, StoreError};
use opam::universe::Universe;

const MAGIC: &[u8; 17] = b"bactrian index 1\n";
/// The longest identity: a listing of some millions of files.
const LONGEST: u64 = 1 << 30;

/// A repository's index that is in the store.
pub(super) struct Index {
    /// What it was made of.
    pub(super) identity: Vec<u8>,
    pub(super) encoded: Encoded,
}

/// A universe that was not read yet.
pub(super) struct Encoded {
    /// At its first byte.
    file: File,
}

/// Where a repository's index is kept.
pub(super) struct Slot<'a> {
    pub(super) store: &'a Store,
    /// The repository's name.
    pub(super) key: String,
}

impl Slot<'_> {
    /// The index, if there is one of this version. What cannot be read is none.
    pub(super) fn find(&self) -> Option<Index> {
        let Ok(Some(MemoValue::Blob(blob))) = self.store.memo_get("repository", self.key.as_bytes()) else {
            return None;
        };
        let mut file = File::open(self.store.blob_path(blob, false).ok()?).ok()?;
        let mut head = [0; MAGIC.len() + 8];
        file.read_exact(&mut head).ok()?;
        let length = u64::from_le_bytes(*head.strip_prefix(MAGIC)?.first_chunk()?);
        let mut identity = Vec::new();
        file.by_ref().take(length.min(LONGEST)).read_to_end(&mut identity).ok()?;
        (identity.len() as u64 == length).then_some(Index { identity, encoded: Encoded { file } })
    }

    /// Keeps `universe` as made of `identity`, in place of what was kept.
    pub(super) fn keep(&self, identity: &[u8], universe: &Universe) -> Result<(), StoreError> {
        let head = [MAGIC, &(identity.len() as u64).to_le_bytes()[..], identity].concat();
        let encoded = universe.encode();
        let blob = self.store.put_reader(&mut head.chain(encoded.as_slice()))?;
        self.store.memo_put("repository", self.key.as_bytes(), MemoValue::Blob(blob))
    }

    /// How long ago it was made sure that nothing is newer; nothing if never, or in the future.
    pub(super) fn checked_ago(&self) -> Option<Duration> {
        let Ok(Some(MemoValue::Bytes(bytes))) = self.store.memo_get("repository-checked", self.key.as_bytes()) else {
            return None;
        };
        let seconds = u64::from_le_bytes(bytes.try_into().ok()?);
        SystemTime::now().duration_since(UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?).ok()
    }

    /// Notes that nothing is newer now.
    pub(super) fn note_checked(&self) -> Result<(), StoreError> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let value = MemoValue::Bytes(seconds.to_le_bytes().to_vec());
        self.store.memo_put("repository-checked", self.key.as_bytes(), value)
    }
}

impl Encoded {
    /// The packages; nothing if the index is damaged or of another version.
    pub(super) fn universe(self) -> Option<Universe> {
        Universe::decode(&rest(self.file).ok()?).ok()
    }
}

/// What is left of a file, read into its place once: it is tens of megabytes.
fn rest(mut file: File) -> io::Result<Arc<[u8]>> {
    let left = file.metadata()?.len().saturating_sub(file.stream_position()?);
    let left = usize::try_from(left).map_err(io::Error::other)?;
    let mut bytes: Arc<[u8]> = iter::repeat_n(0, left).collect();
    if let Some(bytes) = Arc::get_mut(&mut bytes) {
        file.read_exact(bytes)?;
    }
    Ok(bytes)
}
