//! Trees that the server has and this store perhaps not.
//!
//! Of a result on the server its `Tree` message is fetched, nothing else: with its directories the tree can be composed into
//! inputs of other actions, here and there. What is known, and how it is written down when it is here, is the store's; here
//! the files are fetched ([`Remote::bring`]).
//!
//! A server may lose what it told of. Then bringing fails with [`RemoteError::Lost`], and from then on results that refer to
//! what was lost are not believed: whoever makes them again makes them really.

use std::collections::BTreeMap;

use action::digest::{BlobDigest, DirDigest};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use prost::Message as _;

use super::download::Wanted;
use super::{Remote, RemoteError, locked};
use crate::store::{Origin, directories_of};

impl Remote {
    /// Learns of a tree, named by its `Tree` message; none if the server has not even that, or lost a part of it before.
    pub(super) async fn learn(
        &self,
        tree: BlobDigest,
        origin: Origin,
        logs: [BlobDigest; 2],
    ) -> Result<Option<DirDigest>, RemoteError> {
        let Some(root) = self.learn_directories(tree).await? else { return Ok(None) };
        let believed = self.store.learn(root, origin, logs)?;
        Ok(believed.then_some(root))
    }

    /// The root of a tree, named by its `Tree` message, all of whose directories are known then; none if the server does not
    /// have the message.
    ///
    /// The message is another program's: each directory is put into canonical form; the digests inside are then those of
    /// the canonical form, or the tree is refused.
    pub(super) async fn learn_directories(&self, tree: BlobDigest) -> Result<Option<DirDigest>, RemoteError> {
        let known = locked(&self.roots).get(&tree).copied();
        if known.is_some() {
            return Ok(known);
        }
        let Some(bytes) = self.read(tree).await? else { return Ok(None) };
        let message = wire::Tree::decode(bytes.as_slice()).map_err(|_| RemoteError::Malformed("Tree"))?;
        let directories = directories_of(&message)?;
        self.store.know_directories(&directories)?;
        let Some((root, _)) = directories.first() else { return Ok(None) };
        // Walking the whole tree proves that every directory it names came along.
        self.note_present(self.store.closure(*root)?.files);
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
        let _alone = locked(&self.bringing);
        let directories = self.store.closure(root)?.directories;
        let lacking = self.store.lacking(&directories)?;
        self.take(&directories, &lacking)
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
