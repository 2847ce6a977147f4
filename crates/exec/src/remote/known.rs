//! Trees that the server has and this store perhaps not.
//!
//! Of a result on the server its `Tree` message is fetched, nothing else: with its directories the tree can be composed into
//! inputs of other actions, here and there. What is known, and how it is written down when it is here, is the store's; here
//! the files are fetched ([`Remote::bring`]).
//!
//! A server may lose what it told of. Then bringing fails with [`RemoteError::Lost`], and from then on results that refer to
//! what was lost are not believed: whoever makes them again makes them really.

use std::collections::{BTreeMap, HashSet};

use action::digest::{BlobDigest, DirDigest};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use prost::Message as _;

use super::download::Wanted;
use super::{Remote, RemoteError, locked};
use crate::store::{Origin, StoreError, directories_of};

/// Bytes after which what was brought is made visible.
const LOAD: u64 = 64 << 20;

/// What is brought at once.
#[derive(Debug, Default)]
struct Load {
    directories: Vec<DirDigest>,
    lacking: BTreeMap<BlobDigest, bool>,
}

impl Load {
    fn bytes(&self) -> u64 {
        self.lacking.keys().map(BlobDigest::size).sum()
    }
}

/// Directories of several trees, each once and before those it names.
fn in_order(directories: Vec<DirDigest>) -> Vec<DirDigest> {
    // In each tree it is so; the last time that one is named, all that it names come after.
    let mut seen = HashSet::new();
    let mut ordered: Vec<_> = directories.into_iter().rev().filter(|directory| seen.insert(*directory)).collect();
    ordered.reverse();
    ordered
}

impl Remote {
    /// Learns of a tree, named by its `Tree` message; none if the server has not even that or a message that is no whole tree, or
    /// lost a part of it before: whoever wants the result makes it again.
    pub(super) async fn learn(
        &self,
        tree: BlobDigest,
        origin: Origin,
        logs: [BlobDigest; 2],
    ) -> Result<Option<DirDigest>, RemoteError> {
        let root = match self.learn_directories(tree).await {
            Ok(Some(root)) => root,
            Ok(None) | Err(RemoteError::Malformed(_) | RemoteError::Tree(_) | RemoteError::Digest(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let believed = self.store.learn(root, origin, logs)?;
        Ok(believed.then_some(root))
    }

    /// The root of a tree, named by its `Tree` message, all of whose directories are known then; none if the server does not
    /// have the message, or other bytes in its place.
    ///
    /// The message is another program's: each directory is put into canonical form; the digests inside are then those of
    /// the canonical form, or the tree is refused.
    pub(super) async fn learn_directories(&self, tree: BlobDigest) -> Result<Option<DirDigest>, RemoteError> {
        let known = locked(&self.roots).get(&tree).copied();
        if known.is_some() {
            return Ok(known);
        }
        let malformed = || RemoteError::Malformed("Tree");
        let Some(bytes) = self.read(tree).await? else { return Ok(None) };
        let message = wire::Tree::decode(bytes.as_slice()).map_err(|_| malformed())?;
        let directories = directories_of(&message)?;
        self.store.know_directories(&directories)?;
        let Some((root, _)) = directories.first() else { return Ok(None) };
        // Walking the whole tree proves that every directory it names came along.
        let closure = match self.store.closure(*root) {
            // The message names what it does not hold: that says nothing of the store.
            Err(StoreError::Missing { .. } | StoreError::Directory { .. }) => return Err(malformed()),
            closure => closure?,
        };
        self.note_present(closure.files);
        locked(&self.roots).insert(tree, *root);
        Ok(Some(*root))
    }

    /// Takes note that the server does not have what it told of.
    pub(super) fn note_lost(&self, blobs: &[BlobDigest]) {
        self.store.note_lost(blobs);
        self.forget_present();
    }

    /// Whether all of a tree is in the store.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn is_here(&self, root: DirDigest) -> Result<bool, RemoteError> {
        Ok(self.store.lacking(&self.store.closure(root)?.directories)?.is_empty())
    }

    /// Brings all of a tree into the store, with the results that it is.
    ///
    /// # Errors
    /// [`RemoteError::Lost`] if the server does not have something that it told of; or if a call failed.
    pub fn bring(&self, root: DirDigest) -> Result<(), RemoteError> {
        self.bring_together(&[root])
    }

    /// As [`Remote::bring`] of each of `roots`, with as few calls as their files need together.
    ///
    /// # Errors
    /// As [`Remote::bring`].
    pub fn bring_together(&self, roots: &[DirDigest]) -> Result<(), RemoteError> {
        let _alone = locked(&self.bringing);
        let mut load = Load::default();
        for root in roots {
            let directories = self.store.closure(*root)?.directories;
            load.lacking.extend(self.store.lacking(&directories)?);
            load.directories.extend(directories);
            // What has been brought is kept should something fail later.
            if load.bytes() > LOAD {
                let Load { directories, lacking } = std::mem::take(&mut load);
                self.take(&in_order(directories), &lacking)?;
            }
        }
        self.take(&in_order(load.directories), &load.lacking)
    }

    /// As [`Remote::bring`], but nothing is believed to be here: for trees that another process knew of.
    ///
    /// # Errors
    /// As [`Remote::bring`].
    pub fn bring_all(&self, root: DirDigest) -> Result<(), RemoteError> {
        let _alone = locked(&self.bringing);
        let directories = self.store.closure(root)?.directories;
        let lacking = self.store.absent(&directories)?;
        self.take(&directories, &lacking)
    }

    fn take(&self, directories: &[DirDigest], lacking: &BTreeMap<BlobDigest, bool>) -> Result<(), RemoteError> {
        let wanted = lacking.iter().map(|(digest, executable)| Wanted { digest: *digest, executable: *executable });
        let mut intake = self.store.intake();
        let missing = self.run(self.fetch(wanted.collect(), &mut intake))?;
        if !missing.is_empty() {
            self.note_lost(&missing);
            return Err(RemoteError::Lost(missing));
        }
        // Logs are for people; a server that has lost them has lost nothing that a build needs.
        let logs = self.store.lacking_logs(directories).into_iter();
        let logs = logs.map(|digest| Wanted { digest, executable: false }).collect();
        self.run(self.fetch(logs, &mut intake))?;
        Ok(self.store.settle(directories, intake)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_before_children_in_several_trees() {
        let [one, two, shared, leaf] = [b"1", b"2", b"3", b"4"].map(|bytes| DirDigest::of(bytes));
        assert_eq!(in_order(vec![one, shared, leaf, two, shared, leaf, leaf]), [one, two, shared, leaf]);
    }
}
