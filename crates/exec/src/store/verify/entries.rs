//! Checking results and memos: that they decode, and that everything they refer to is there.

use std::fs;
use std::io;
use std::path::Path;

use action::digest::{BlobDigest, DirDigest};
use action::tree::Entry;

use super::super::error::{Result, StoreError};
use super::super::gc::hash_in_name;
use super::super::stats::Area;
use super::super::{MemoValue, results};
use super::{Check, FaultKind, is_executable, is_in_its_fan};

impl Check<'_> {
    /// Checks one entry.
    pub(super) fn entry(&mut self, area: Area, path: &Path) -> Result<()> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.fault(path, FaultKind::Unreadable(error.kind()));
                return self.remove(path);
            }
            Ok(bytes) => bytes,
        };
        let kind = if hash_in_name(path).is_none() || !is_in_its_fan(path) || is_executable(path) {
            Some(FaultKind::Stray)
        } else if area == Area::Results {
            results::decode(&bytes).map_or(Some(FaultKind::Entry), |result| {
                let blobs = [result.tree, result.stdout, result.stderr].map(|blob| self.reachable(blob));
                blobs.into_iter().flatten().next().or_else(|| self.tree(result.output))
            })
        } else {
            match MemoValue::decode(&bytes) {
                None => Some(FaultKind::Entry),
                Some(MemoValue::Bytes(_)) => None,
                Some(MemoValue::Blob(blob)) => self.reachable(blob),
                Some(MemoValue::Tree(tree)) => self.tree(tree),
                Some(MemoValue::Known(tree)) => self.reachable(tree.message).or_else(|| {
                    let says_so = self.store.remembered_directories(&tree).is_some();
                    (!says_so).then_some(FaultKind::Entry)
                }),
            }
        };
        let Some(kind) = kind else { return Ok(()) };
        self.fault(path, kind);
        self.remove(path)
    }

    /// What is wrong with a reference to a blob.
    fn reachable(&self, digest: BlobDigest) -> Option<FaultKind> {
        let there = self.store.has(digest) && !self.bad.contains(digest.hash());
        (!there).then_some(FaultKind::Missing { digest })
    }

    /// What is wrong with a tree: the first thing found.
    fn tree(&mut self, digest: DirDigest) -> Option<FaultKind> {
        if self.whole.contains(&digest) {
            return None;
        }
        if let Some(fault) = self.reachable(digest.as_blob()) {
            return Some(fault);
        }
        let directory = match self.store.shared_directory(digest) {
            Err(StoreError::Directory { digest, source }) => {
                return Some(FaultKind::Directory { digest, error: source });
            }
            Err(_) => return Some(FaultKind::Missing { digest: digest.as_blob() }),
            Ok(directory) => directory,
        };
        let fault = directory.iter().find_map(|(_, entry)| match entry {
            Entry::File { digest, .. } => self.reachable(*digest),
            Entry::Directory(digest) => self.tree(*digest),
            Entry::Symlink(_) => None,
        });
        if fault.is_none() {
            self.whole.insert(digest);
        }
        fault
    }
}
