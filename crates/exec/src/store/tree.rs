//! Directories as objects: reading and storing them, and what a tree is made of. Not here: trees on disk, see
//! [`super::checkout`] and [`super::ingest`].

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use action::digest::{BlobDigest, DirDigest};
use action::path::RelPath;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::{Directory, Entry};
use prost::Message as _;

use super::Store;
use super::cas::Batch;
use super::error::{Result, StoreError};

/// The cache of decoded directories is emptied when it has this many.
const CACHED: usize = 1 << 16;

/// Everything a tree is made of, each object once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The directories, parents before children.
    pub directories: Vec<DirDigest>,
    /// Contents of files.
    pub files: Vec<BlobDigest>,
}

impl Store {
    /// A directory, checked against its digest.
    ///
    /// # Errors
    /// If it is missing, corrupt or no directory.
    pub fn directory(&self, digest: DirDigest) -> Result<Directory> {
        Ok(Arc::unwrap_or_clone(self.shared_directory(digest)?))
    }

    /// What is at `path` below `root`; nothing if nothing is. Links are not followed.
    ///
    /// # Errors
    /// If a directory on the way is missing, corrupt or none.
    pub fn entry(&self, root: DirDigest, path: &RelPath) -> Result<Option<Entry>> {
        let mut entry = Entry::Directory(root);
        for name in path.names() {
            let Entry::Directory(directory) = entry else { return Ok(None) };
            let listed = self.shared_directory(directory)?;
            let Some((_, found)) = listed.iter().find(|(known, _)| **known == name) else { return Ok(None) };
            entry = found.clone();
        }
        Ok(Some(entry))
    }

    pub(super) fn shared_directory(&self, digest: DirDigest) -> Result<Arc<Directory>> {
        let cache = || self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = cache().get(&digest) {
            return Ok(directory.clone());
        }
        if let Some(directory) = self.known_directory(digest) {
            return Ok(directory);
        }
        let directory = Arc::new(decode(digest, &self.read(digest.as_blob())?)?);
        let mut cache = cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(digest, directory.clone());
        Ok(directory)
    }

    /// Stores encoded directories. Those they refer to should be stored before or with them.
    ///
    /// # Errors
    /// If bytes are not those of their digest or no directory, or cannot be written. Then none is stored.
    pub fn put_directories(&self, directories: &[(DirDigest, Vec<u8>)]) -> Result<()> {
        let mut batch = Batch::new(self);
        for (digest, bytes) in directories {
            if DirDigest::of(bytes) != *digest {
                let digest = digest.as_blob();
                return Err(StoreError::Corrupt { path: self.variant(digest, false), digest });
            }
            decode(*digest, bytes)?;
            batch.bytes(digest.as_blob(), bytes)?;
        }
        batch.commit()
    }

    /// Everything the tree `root` is made of. Says nothing of whether the files are in the store.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn closure(&self, root: DirDigest) -> Result<Closure> {
        let mut closure = Closure { directories: vec![root], files: Vec::new() };
        let (mut seen, mut files) = (HashSet::from([root]), HashSet::new());
        let mut next = 0;
        while let Some(digest) = closure.directories.get(next).copied() {
            next += 1;
            for (_, entry) in self.shared_directory(digest)?.iter() {
                match entry {
                    Entry::File { digest, .. } if files.insert(*digest) => closure.files.push(*digest),
                    Entry::Directory(digest) if seen.insert(*digest) => closure.directories.push(*digest),
                    Entry::File { .. } | Entry::Directory(_) | Entry::Symlink(_) => {}
                }
            }
        }
        Ok(closure)
    }

    /// Stores the `Tree` message of a tree, by which remote caches name output directories, and returns its digest.
    ///
    /// # Errors
    /// If a directory cannot be read, or the message not be written.
    pub fn tree_message(&self, root: DirDigest) -> Result<BlobDigest> {
        self.put(&self.encode_tree(root)?)
    }

    /// The `Tree` message of a tree.
    pub(super) fn encode_tree(&self, root: DirDigest) -> Result<Vec<u8>> {
        let mut message = wire::Tree { root: Some(self.shared_directory(root)?.to_wire()), children: Vec::new() };
        for digest in self.closure(root)?.directories.iter().skip(1) {
            message.children.push(self.shared_directory(*digest)?.to_wire());
        }
        Ok(message.encode_to_vec())
    }
}

pub(super) fn decode(digest: DirDigest, bytes: &[u8]) -> Result<Directory> {
    Directory::decode(bytes).map_err(|source| StoreError::Directory { digest, source })
}
