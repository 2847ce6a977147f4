//! Trying a server out: what its capabilities do not say. Not here: running an action, which is as any other; words.

use std::time::{Duration, Instant};

use action::digest::{BlobDigest, DirDigest};
use action::tree::Directory;

use super::download::Wanted;
use super::upload::Parcel;
use super::{Remote, RemoteError};

/// Bytes of the larger of the blobs that go there and back.
const LARGE: usize = 16 << 20;
/// Bytes of the smaller.
const SMALL: usize = 10_000;

/// How blobs went there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// How many bytes.
    pub bytes: u64,
    /// How long they took to be sent.
    pub sent: Duration,
    /// How long they took to come back.
    pub received: Duration,
}

impl Remote {
    /// Sends blobs that nobody has, one in a batch and one as a stream, and fetches them again.
    ///
    /// # Errors
    /// If a call fails, or other bytes come back.
    pub fn try_storage(&self, nonce: u64) -> Result<Trip, RemoteError> {
        let blobs = [SMALL, LARGE].map(|length| noise(nonce, length));
        let parcels = blobs.each_ref().map(|blob| Parcel::bytes(blob));
        let wanted = parcels.each_ref().map(|parcel| Wanted { digest: parcel.digest, executable: false });
        let begun = Instant::now();
        let bytes = self.run(self.send(parcels.into()))?;
        let sent = begun.elapsed();
        let digests = wanted.map(|wanted| wanted.digest);
        let absent = self.run(self.missing(&digests))?;
        // Never made visible: the store has no use for noise.
        let mut intake = self.store.intake();
        let begun = Instant::now();
        let mut missing = self.run(self.fetch(wanted.into(), &mut intake))?;
        missing.extend(absent);
        match missing.first() {
            Some(blob) => Err(RemoteError::Corrupt(*blob)),
            None => Ok(Trip { bytes, sent, received: begun.elapsed() }),
        }
    }

    /// Tells the server of a fact that nobody needs, and asks for it; says whether it took it.
    ///
    /// # Errors
    /// If a call fails for another reason than that this client may not.
    pub fn try_cache(&self, nonce: u64) -> Result<bool, RemoteError> {
        let empty = Directory::default();
        self.store.put_directories(&[(empty.digest(), empty.encode())])?;
        let (kind, key) = ("probe", nonce.to_le_bytes());
        self.publish_fact(kind, &key, empty.digest())?;
        let found: Option<DirDigest> = self.look_up_fact(kind, &key)?;
        Ok(found == Some(empty.digest()))
    }
}

/// Bytes that do not compress, and differ by `nonce`.
fn noise(nonce: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut last = *BlobDigest::of(format!("{nonce} {length}").as_bytes()).hash();
    while bytes.len() < length {
        last = *BlobDigest::of(&last).hash();
        bytes.extend(last);
    }
    bytes.truncate(length);
    bytes
}
