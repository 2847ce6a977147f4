//! Trees that the server has and this store perhaps not.
//!
//! Of a result on the server its `Tree` message is fetched, nothing else: with its directories the tree can be composed into
//! inputs of other actions, here and there. The directories are known to this open store alone, none is written; so the
//! store's invariant stays whole, that what it names is there. [`Remote::bring`] fetches the files below a root,
//! writes directories after them, and then the result itself, as if it had been made here.
//!
//! A server may lose what it told of. Then bringing fails with [`RemoteError::Lost`], and from then on results that refer to
//! what was lost are not believed: whoever makes them again makes them really.

use std::collections::{BTreeMap, HashMap, HashSet};

use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::outcome::CachedResult;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::{Directory, Entry};
use prost::Message as _;

use super::download::Wanted;
use super::{Remote, RemoteError, locked};
use crate::store::MemoValue;

/// What is known of trees on the server.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Roots by the digest of their `Tree` messages.
    roots: HashMap<BlobDigest, DirDigest>,
    /// Directories whose files were not looked for yet.
    unsure: HashSet<DirDigest>,
    /// What is to be written down when a tree is here.
    pending: HashMap<DirDigest, Vec<Pending>>,
    /// What the server told of and does not have.
    lost: HashSet<BlobDigest>,
}

/// What is to be written down when a tree is here.
#[derive(Debug, Clone)]
pub(super) enum Pending {
    /// It is the result of an action.
    Result { action: ActionDigest, stdout: BlobDigest, stderr: BlobDigest },
    /// It is what a memo says.
    Memo { kind: String, key: Vec<u8> },
}

impl Remote {
    /// Learns of a tree, named by its `Tree` message; none if the server has not even that, or lost a part of it before.
    ///
    /// The message is another program's: each directory is put into canonical form; the digests inside are then those of
    /// the canonical form, or the tree is refused.
    pub(super) async fn learn(&self, tree: BlobDigest, pending: Pending) -> Result<Option<DirDigest>, RemoteError> {
        let known = locked(&self.known).roots.get(&tree).copied();
        let root = match known {
            Some(root) => root,
            None => match self.learn_directories(tree).await? {
                Some(root) => root,
                None => return Ok(None),
            },
        };
        if self.has_lost(root)? {
            return Ok(None);
        }
        let mut known = locked(&self.known);
        known.roots.insert(tree, root);
        known.pending.entry(root).or_default().push(pending);
        Ok(Some(root))
    }

    async fn learn_directories(&self, tree: BlobDigest) -> Result<Option<DirDigest>, RemoteError> {
        let Some(bytes) = self.read(tree).await? else { return Ok(None) };
        let message = wire::Tree::decode(bytes.as_slice()).map_err(|_| RemoteError::Malformed("Tree"))?;
        let root = Directory::from_wire(&message.root.unwrap_or_default())?;
        let mut directories = vec![(root.digest(), root.encode())];
        for child in &message.children {
            let child = Directory::from_wire(child)?;
            directories.push((child.digest(), child.encode()));
        }
        self.store.know_directories(&directories)?;
        // Walking the whole tree proves that every directory it names came along.
        let closure = self.store.closure(root.digest())?;
        self.note_present(closure.files);
        locked(&self.known).unsure.extend(closure.directories);
        Ok(Some(root.digest()))
    }

    fn has_lost(&self, root: DirDigest) -> Result<bool, RemoteError> {
        if locked(&self.known).lost.is_empty() {
            return Ok(false);
        }
        let files = self.store.closure(root)?.files;
        let known = locked(&self.known);
        Ok(files.iter().any(|file| known.lost.contains(file)))
    }

    /// Takes note that the server does not have what it told of.
    pub fn note_lost(&self, blobs: &[BlobDigest]) {
        locked(&self.known).lost.extend(blobs);
        self.forget_present();
    }

    /// Whether something was lost, so that cached results may not be trusted to be whole.
    pub(super) fn has_lost_any(&self) -> bool {
        !locked(&self.known).lost.is_empty()
    }

    /// Whether all of a tree is in the store.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn is_here(&self, root: DirDigest) -> Result<bool, RemoteError> {
        Ok(self.lacking(&self.store.closure(root)?.directories)?.is_empty())
    }

    /// The files directly in those of `directories` that nobody looked at yet, which the store lacks.
    fn lacking(&self, directories: &[DirDigest]) -> Result<BTreeMap<BlobDigest, bool>, RemoteError> {
        let unsure: Vec<_> = {
            let known = locked(&self.known);
            directories.iter().filter(|directory| known.unsure.contains(directory)).copied().collect()
        };
        self.absent(&unsure)
    }

    fn absent(&self, directories: &[DirDigest]) -> Result<BTreeMap<BlobDigest, bool>, RemoteError> {
        let mut lacking = BTreeMap::new();
        for directory in directories {
            for (_, entry) in self.store.directory(*directory)?.iter() {
                let Entry::File { digest, executable } = entry else { continue };
                if !lacking.contains_key(digest) && !self.store.has(*digest) {
                    lacking.insert(*digest, *executable);
                }
            }
        }
        Ok(lacking)
    }

    /// Brings all of a tree into the store, with the results that it is.
    ///
    /// # Errors
    /// [`RemoteError::Lost`] if the server does not have something that it told of; or if a call failed.
    pub fn bring(&self, root: DirDigest) -> Result<(), RemoteError> {
        let _alone = locked(&self.bringing);
        let directories = self.store.closure(root)?.directories;
        let lacking = self.lacking(&directories)?;
        self.take(&directories, &lacking)
    }

    /// As [`Remote::bring`], but nothing is believed to be here: for trees that another process knew of.
    ///
    /// # Errors
    /// As [`Remote::bring`].
    pub fn bring_all(&self, root: DirDigest) -> Result<(), RemoteError> {
        let _alone = locked(&self.bringing);
        let directories = self.store.closure(root)?.directories;
        let lacking = self.absent(&directories)?;
        self.take(&directories, &lacking)
    }

    /// Writes the directories of a tree into the store, and nothing else: for people who want to look at it later.
    ///
    /// # Errors
    /// If a directory cannot be read or written.
    pub fn write_directories(&self, root: DirDigest) -> Result<(), RemoteError> {
        let mut intake = self.store.intake();
        for directory in self.store.closure(root)?.directories.iter().rev() {
            intake.directory(*directory, &self.store.directory(*directory)?)?;
        }
        Ok(intake.commit()?)
    }

    fn take(&self, directories: &[DirDigest], lacking: &BTreeMap<BlobDigest, bool>) -> Result<(), RemoteError> {
        let mut pending = Vec::new();
        {
            let mut known = locked(&self.known);
            for directory in directories {
                pending.extend(known.pending.remove(directory).into_iter().flatten().map(|one| (*directory, one)));
            }
        }
        let taken = self.take_files(directories, lacking, &pending);
        if taken.is_err() {
            let mut known = locked(&self.known);
            pending.into_iter().for_each(|(root, one)| known.pending.entry(root).or_default().push(one));
            return taken;
        }
        self.store.no_longer_only_known(directories);
        let mut known = locked(&self.known);
        directories.iter().for_each(|directory| {
            known.unsure.remove(directory);
        });
        Ok(())
    }

    fn take_files(
        &self,
        directories: &[DirDigest],
        lacking: &BTreeMap<BlobDigest, bool>,
        pending: &[(DirDigest, Pending)],
    ) -> Result<(), RemoteError> {
        let wanted = lacking.iter().map(|(digest, executable)| Wanted { digest: *digest, executable: *executable });
        let mut intake = self.store.intake();
        let missing = self.run(self.fetch(wanted.collect(), &mut intake))?;
        if !missing.is_empty() {
            self.note_lost(&missing);
            return Err(RemoteError::Lost(missing));
        }
        for directory in directories.iter().rev().filter(|directory| self.store.is_only_known(**directory)) {
            intake.directory(*directory, &self.store.directory(*directory)?)?;
        }
        // Logs are for people; a server that has lost them has lost nothing that a build needs.
        let logs = pending.iter().flat_map(|(_, pending)| match pending {
            Pending::Result { stdout, stderr, .. } => vec![*stdout, *stderr],
            Pending::Memo { .. } => Vec::new(),
        });
        let logs: HashSet<_> = logs.filter(|log| !self.store.has(*log)).collect();
        let logs = logs.into_iter().map(|digest| Wanted { digest, executable: false }).collect();
        self.run(self.fetch(logs, &mut intake))?;
        intake.commit()?;
        pending.iter().try_for_each(|(root, pending)| self.settle(*root, pending))
    }

    fn settle(&self, root: DirDigest, pending: &Pending) -> Result<(), RemoteError> {
        let here = |log: BlobDigest| if self.store.has(log) { log } else { BlobDigest::of(b"") };
        match pending {
            Pending::Result { action, stdout, stderr } => {
                let tree = self.store.tree_message(root)?;
                let result = CachedResult { output: root, tree, stdout: here(*stdout), stderr: here(*stderr) };
                self.store.put_result(*action, &result)?;
            }
            Pending::Memo { kind, key } => self.store.memo_put(kind, key, MemoValue::Tree(root))?,
        }
        Ok(())
    }
}
