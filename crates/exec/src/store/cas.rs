//! Blobs: bytes by digest.
//!
//! A blob lies in up to two files, `cas/ab/<hash>` and the executable variant `cas/ab/<hash>.x`: hard links share one
//! mode, so each mode needs a file of its own. Either is the blob; the other is made when somebody wants it. The empty
//! blob is always there. A file of the wrong size is no blob: it is what a power failure leaves, and gets replaced.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use action::digest::{BlobDigest, to_hex};
use sha2::{Digest as _, Sha256};

use super::Store;
use super::disk;
use super::error::{At as _, Result, StoreError};
use super::parallel::{WAITING, in_parallel};
use super::scratch::Base;

/// Up to this many new files are synced by themselves; more together with whatever else the file system has to write,
/// which may be much, and of no worth: scratch of other builds.
const FEW: usize = 256;

impl Store {
    /// Whether a blob is in the store. Looks at presence and size alone.
    #[must_use]
    pub fn has(&self, digest: BlobDigest) -> bool {
        digest.size() == 0 && digest == BlobDigest::of(b"") || self.find(digest).is_some()
    }

    /// The bytes of a blob, checked against the digest.
    ///
    /// # Errors
    /// [`StoreError::Missing`] or [`StoreError::Corrupt`], or if the file cannot be read.
    pub fn read(&self, digest: BlobDigest) -> Result<Vec<u8>> {
        let Some(path) = self.find(digest) else {
            let empty = digest == BlobDigest::of(b"");
            return if empty { Ok(Vec::new()) } else { Err(StoreError::Missing { digest }) };
        };
        let bytes = fs::read(&path).at(&path)?;
        if BlobDigest::of(&bytes) == digest { Ok(bytes) } else { Err(StoreError::Corrupt { path, digest }) }
    }

    /// A blob as an open file; its size is the digest's, its bytes are not looked at.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or if the file cannot be opened. The empty blob need not be a file.
    pub fn open_blob(&self, digest: BlobDigest) -> Result<File> {
        let path = self.find(digest).ok_or(StoreError::Missing { digest })?;
        File::open(&path).at(&path)
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobDigest> {
        let digest = BlobDigest::of(bytes);
        let mut batch = Batch::new(self);
        batch.bytes(digest, bytes)?;
        batch.commit()?;
        Ok(digest)
    }

    /// Stores a copy of a file, which may lie anywhere.
    ///
    /// # Errors
    /// If it cannot be read, or the copy not be written.
    pub fn put_file(&self, path: &Path) -> Result<BlobDigest> {
        self.put_reader(&mut File::open(path).at(path)?)
    }

    /// Stores what `source` yields, hashing while writing.
    ///
    /// # Errors
    /// If it cannot be read or written; a failure to read names the file that was being written.
    pub fn put_reader(&self, source: &mut dyn Read) -> Result<BlobDigest> {
        let mut batch = Batch::new(self);
        let digest = batch.copy(source, false)?;
        batch.commit()?;
        Ok(digest)
    }

    /// Where a blob lies as a file, with or without executable bits. The file is to be read or hard-linked only.
    ///
    /// # Errors
    /// [`StoreError::Missing`]; or if this variant has to be made of the other one and cannot.
    pub fn blob_path(&self, digest: BlobDigest, executable: bool) -> Result<PathBuf> {
        let path = self.variant(digest, executable);
        if is_sound(&path, digest) {
            return Ok(path);
        }
        let mut batch = Batch::new(self);
        if digest == BlobDigest::of(b"") {
            batch.copy(&mut io::empty(), executable)?;
        } else {
            let other = self.variant(digest, !executable);
            if !is_sound(&other, digest) {
                return Err(StoreError::Missing { digest });
            }
            if batch.copy(&mut File::open(&other).at(&other)?, executable)? != digest {
                return Err(StoreError::Corrupt { path: other, digest });
            }
        }
        batch.commit()?;
        Ok(path)
    }

    /// Puts a new file in the place of one that has got too many hard links.
    pub(super) fn renew(&self, digest: BlobDigest, executable: bool) -> Result<()> {
        let path = self.variant(digest, executable);
        let mut batch = Batch::new(self);
        batch.anew = true;
        if batch.copy(&mut File::open(&path).at(&path)?, executable)? != digest {
            return Err(StoreError::Corrupt { path, digest });
        }
        batch.commit()
    }

    /// A file that has the blob, whatever its mode.
    fn find(&self, digest: BlobDigest) -> Option<PathBuf> {
        [false, true].map(|executable| self.variant(digest, executable)).into_iter().find(|path| is_sound(path, digest))
    }

    pub(super) fn variant(&self, digest: BlobDigest, executable: bool) -> PathBuf {
        self.object("cas", digest.hash(), if executable { ".x" } else { "" })
    }

    /// `<area>/ab/<hash><suffix>`.
    pub(super) fn object(&self, area: &str, hash: &[u8; 32], suffix: &str) -> PathBuf {
        let hex = to_hex(hash);
        let mut path = self.area(area);
        path.push(hex.get(..2).unwrap_or_default());
        path.push(hex + suffix);
        path
    }

    /// The base of this store's scratch files, made when first asked for.
    pub(super) fn base(&self) -> Result<Arc<Base>> {
        let mut slot = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = &*slot {
            return Ok(base.clone());
        }
        let base = Arc::new(Base::create(&self.area("tmp"))?);
        *slot = Some(base.clone());
        Ok(base)
    }
}

fn is_sound(path: &Path, digest: BlobDigest) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == digest.size())
}

/// Hashes what `source` yields, and writes it to `sink`.
pub(super) fn hash_into(source: &mut dyn Read, sink: &mut dyn Write) -> io::Result<BlobDigest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) => return Ok(BlobDigest::new(hasher.finalize().into(), size)),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..length).unwrap_or_default();
        hasher.update(part);
        sink.write_all(part)?;
        size += length as u64;
    }
}

/// A finished file.
struct Staged {
    from: PathBuf,
    digest: BlobDigest,
    executable: bool,
}

/// New blobs that become visible together, once they are durable, in the order given.
pub(super) struct Batch<'a> {
    store: &'a Store,
    staged: Vec<Staged>,
    /// Replace files that are there already.
    anew: bool,
}

impl<'a> Batch<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, staged: Vec::new(), anew: false }
    }

    /// Adds bytes whose digest is known, unless they are there.
    pub(super) fn bytes(&mut self, digest: BlobDigest, bytes: &[u8]) -> Result<()> {
        if self.store.find(digest).is_some() {
            return Ok(());
        }
        let found = self.copy(&mut &*bytes, false)?;
        debug_assert_eq!(found, digest, "the caller hashed other bytes");
        Ok(())
    }

    /// Adds a copy of what `source` yields.
    pub(super) fn copy(&mut self, source: &mut dyn Read, executable: bool) -> Result<BlobDigest> {
        let from = self.store.base()?.fresh();
        let mut file = File::create_new(&from).at(&from)?;
        let written = hash_into(source, &mut file).and_then(|digest| {
            disk::seal_file(&file, executable)?;
            Ok(digest)
        });
        match written.at(&from) {
            Ok(digest) if self.anew || !is_sound(&self.store.variant(digest, executable), digest) => {
                self.staged.push(Staged { from, digest, executable });
                Ok(digest)
            }
            not_needed => {
                disk::remove_file(&from)?;
                not_needed
            }
        }
    }

    /// Adds a sealed file on the store's file system, which will be moved.
    pub(super) fn adopt(&mut self, from: PathBuf, digest: BlobDigest, executable: bool) {
        self.staged.push(Staged { from, digest, executable });
    }

    /// Makes everything durable, then visible.
    pub(super) fn commit(self) -> Result<()> {
        if self.staged.len() > FEW {
            self.store.sync()?;
        } else {
            in_parallel(WAITING, &self.staged, |Staged { from, .. }| {
                File::open(from).and_then(|file| file.sync_data()).at(from)
            })?;
        }
        for Staged { from, digest, executable } in &self.staged {
            let to = self.store.variant(*digest, *executable);
            // The first writer wins: a file somebody is about to link must not be replaced by its like. Only one that is
            // no blob must.
            if self.anew || !disk::rename_new(from, &to)? && !is_sound(&to, *digest) {
                disk::rename(from, &to)?;
            }
        }
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        // What was not needed, or came too far.
        let Ok(base) = self.store.base() else { return };
        for Staged { from, .. } in self.staged.iter().filter(|staged| base.owns(&staged.from)) {
            let _ = disk::remove_file(from);
        }
    }
}
