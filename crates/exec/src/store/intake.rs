//! Blobs whose digests are known beforehand, and whose bytes come from somebody else.
//!
//! Bytes are hashed while they are written; what is not what was announced never gets a name. What was taken becomes visible
//! together ([`Intake::commit`]). Not here: where the bytes come from.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use action::digest::{BlobDigest, DirDigest};
use action::tree::Directory;
use sha2::{Digest as _, Sha256};

use super::Store;
use super::cas::Batch;
use super::disk;
use super::error::{At as _, Result, StoreError};

/// New blobs that become visible together.
pub struct Intake<'a> {
    store: &'a Store,
    batch: Batch<'a>,
}

/// A blob that arrives in parts.
#[derive(Debug)]
pub struct Incoming {
    digest: BlobDigest,
    executable: bool,
    path: PathBuf,
    file: File,
    hasher: Sha256,
    size: u64,
}

impl Store {
    /// Begins to take blobs over.
    #[must_use]
    pub fn intake(&self) -> Intake<'_> {
        Intake { store: self, batch: Batch::new(self) }
    }

    /// A blob that will arrive in parts; nobody sees it before it is taken by an [`Intake`].
    ///
    /// # Errors
    /// If no file can be made.
    pub fn incoming(&self, digest: BlobDigest, executable: bool) -> Result<Incoming> {
        let path = self.base()?.fresh();
        let file = File::create_new(&path).at(&path)?;
        Ok(Incoming { digest, executable, path, file, hasher: Sha256::new(), size: 0 })
    }
}

impl Incoming {
    /// Adds what comes next.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).at(&self.path)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes have arrived.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl Intake<'_> {
    /// Takes a blob whose bytes are at hand.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they are not those of `digest`; or if they cannot be written.
    pub fn bytes(&mut self, digest: BlobDigest, executable: bool, bytes: &[u8]) -> Result<()> {
        if BlobDigest::of(bytes) != digest {
            return Err(StoreError::Corrupt { path: self.store.variant(digest, executable), digest });
        }
        self.batch.copy(&mut &*bytes, executable).map(|_| ())
    }

    /// Takes a blob that has arrived.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not what was announced.
    pub fn take(&mut self, incoming: Incoming) -> Result<()> {
        let Incoming { digest, executable, path, file, hasher, size } = incoming;
        if BlobDigest::new(hasher.finalize().into(), size) != digest {
            disk::remove_file(&path)?;
            return Err(StoreError::Corrupt { path: self.store.variant(digest, executable), digest });
        }
        disk::seal_file(&file, executable).at(&path)?;
        self.batch.adopt(path, digest, executable);
        Ok(())
    }

    /// Takes a directory. What it refers to is to be taken before it, or to be there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn directory(&mut self, digest: DirDigest, directory: &Directory) -> Result<()> {
        self.batch.bytes(digest.as_blob(), &directory.encode())
    }

    /// Makes everything durable, then visible.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn commit(self) -> Result<()> {
        self.batch.commit()
    }
}
