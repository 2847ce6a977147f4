//! Trees that are known and perhaps not here: somebody else has their files.
//!
//! Directories that are known can be read as if they were stored, by this open store alone; so a tree can be composed of
//! trees whose files are elsewhere, and the digests of actions computed. None of them has a name in the store, and so the
//! invariant stands: what has a name names what is there. When the files have come, [`Store::settle`] writes the
//! directories, and then what the tree is the value of, as if it had been made here.
//!
//! What is known outlives the process as a memo of its own kind ([`Store::remember`], [`Store::recall`]): it names the
//! `Tree` message, which is in the store, and by that the tree, which need not be. A collection of garbage keeps the
//! message as long as the memo, and nothing of the tree.
//!
//! Not here: who has the files, and fetching them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};

use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::outcome::CachedResult;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::{Directory, Entry};
use prost::Message as _;

use super::cas::Batch;
use super::error::{Result, StoreError};
use super::parallel::{WAITING, in_parallel};
use super::tree::decode;
use super::{Intake, MemoValue, Store};

/// The kind of memos of what is known.
const KIND: &str = "known";

/// What a tree is the value of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An action.
    Action(ActionDigest),
    /// A memo.
    Memo {
        /// Its kind.
        kind: String,
        /// Its key.
        key: Vec<u8>,
    },
}

/// A tree that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownTree {
    /// Its root.
    pub root: DirDigest,
    /// Its `Tree` message, which is in the store.
    pub message: BlobDigest,
    /// What the action wrote to standard output; perhaps not here.
    pub stdout: BlobDigest,
    /// What it wrote to standard error; perhaps not here.
    pub stderr: BlobDigest,
}

/// What an origin's value is, and what was logged meanwhile.
#[derive(Debug, Clone)]
struct Told {
    origin: Origin,
    stdout: BlobDigest,
    stderr: BlobDigest,
}

/// What one open store knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    directories: HashMap<DirDigest, Arc<Directory>>,
    /// Directories whose files were not looked for yet.
    unsure: HashSet<DirDigest>,
    /// What trees are the values of, to be written down when they are here.
    told: HashMap<DirDigest, Vec<Told>>,
    /// What was learnt and not recalled, in order.
    learnt: Vec<Origin>,
    /// What others told of and do not have.
    lost: HashSet<BlobDigest>,
    /// Whether what was remembered is not to be believed.
    doubted: bool,
}

impl Origin {
    fn key(&self) -> Vec<u8> {
        match self {
            Self::Action(action) => format!("action {action}").into_bytes(),
            Self::Memo { kind, key } => [b"memo ", kind.as_bytes(), b"\n", key].concat(),
        }
    }
}

/// Directories, as they are encoded, by digest.
pub type Encoded = Vec<(DirDigest, Vec<u8>)>;

/// The directories of a `Tree` message in canonical form, the root first.
///
/// # Errors
/// If a directory is none of ours.
pub fn directories_of(message: &wire::Tree) -> std::result::Result<Encoded, action::tree::TreeError> {
    let root = Directory::from_wire(&message.root.clone().unwrap_or_default())?;
    let mut directories = vec![(root.digest(), root.encode())];
    for child in &message.children {
        let child = Directory::from_wire(child)?;
        directories.push((child.digest(), child.encode()));
    }
    Ok(directories)
}

impl Store {
    fn all_known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known_directory(&self, digest: DirDigest) -> Option<Arc<Directory>> {
        self.all_known().directories.get(&digest).cloned()
    }

    /// Takes note of directories without storing them: this open store can read them as if they were there, and nobody
    /// else sees them. What they refer to need not be in the store: also of one that was put together of several, whose files
    /// are in no tree that somebody told of.
    ///
    /// # Errors
    /// If bytes are not those of their digest, or no directory. Then none is known.
    pub fn know_directories(&self, directories: &[(DirDigest, Vec<u8>)]) -> Result<()> {
        let mut decoded = Vec::with_capacity(directories.len());
        for (digest, bytes) in directories {
            if DirDigest::of(bytes) != *digest {
                let digest = digest.as_blob();
                return Err(StoreError::Corrupt { path: self.variant(digest, false), digest });
            }
            decoded.push((*digest, Arc::new(decode(*digest, bytes)?)));
        }
        let mut known = self.all_known();
        known.unsure.extend(decoded.iter().map(|(digest, _)| *digest));
        known.directories.extend(decoded);
        Ok(())
    }

    /// Whether directories are known that perhaps are not stored.
    #[must_use]
    pub fn knows_more_than_it_has(&self) -> bool {
        !self.all_known().directories.is_empty()
    }

    /// Learns that the tree `root`, all of whose directories are known or stored, is the value of `origin`, and which logs
    /// there are. `true` unless a file of it is known to be lost.
    ///
    /// # Errors
    /// If a directory is neither known nor stored.
    pub fn learn(&self, root: DirDigest, origin: Origin, logs: [BlobDigest; 2]) -> Result<bool> {
        let believed = self.believe(root, origin.clone(), logs)?;
        if believed {
            self.all_known().learnt.push(origin);
        }
        Ok(believed)
    }

    fn believe(&self, root: DirDigest, origin: Origin, [stdout, stderr]: [BlobDigest; 2]) -> Result<bool> {
        let closure = self.closure(root)?;
        let mut known = self.all_known();
        if closure.files.iter().any(|file| known.lost.contains(file) && !self.has(*file)) {
            return Ok(false);
        }
        known.unsure.extend(closure.directories);
        let told = known.told.entry(root).or_default();
        if !told.iter().any(|told| told.origin == origin) {
            told.push(Told { origin, stdout, stderr });
        }
        Ok(true)
    }

    /// Takes note that others do not have what they told of. From now on nothing that was remembered is believed, and
    /// nothing that refers to what was lost.
    pub fn note_lost(&self, blobs: &[BlobDigest]) {
        let mut known = self.all_known();
        known.lost.extend(blobs);
        known.doubted = true;
    }

    /// Takes note that others have made all of a tree just now, whatever of it was lost before.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn note_found(&self, root: DirDigest) -> Result<()> {
        if self.has_lost_any() {
            let files = self.closure(root)?.files;
            let mut known = self.all_known();
            files.iter().for_each(|file| {
                known.lost.remove(file);
            });
        }
        Ok(())
    }

    /// Whether something was found to be lost.
    #[must_use]
    pub fn has_lost_any(&self) -> bool {
        !self.all_known().lost.is_empty()
    }

    /// The files of a tree that the store lacks, as far as nobody has looked yet; and whether each is a program's.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn lacking(&self, directories: &[DirDigest]) -> Result<BTreeMap<BlobDigest, bool>> {
        let unsure: Vec<_> = {
            let known = self.all_known();
            directories.iter().filter(|directory| known.unsure.contains(directory)).copied().collect()
        };
        self.absent(&unsure)
    }

    /// The files directly in `directories` that the store lacks.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn absent(&self, directories: &[DirDigest]) -> Result<BTreeMap<BlobDigest, bool>> {
        let mut absent = BTreeMap::new();
        for directory in directories {
            for (_, entry) in self.shared_directory(*directory)?.iter() {
                let Entry::File { digest, executable } = entry else { continue };
                if !absent.contains_key(digest) && !self.has(*digest) {
                    absent.insert(*digest, *executable);
                }
            }
        }
        Ok(absent)
    }

    /// The logs of what is to be written down with `directories` that the store lacks.
    #[must_use]
    pub fn lacking_logs(&self, directories: &[DirDigest]) -> HashSet<BlobDigest> {
        let known = self.all_known();
        let told = directories.iter().filter_map(|directory| known.told.get(directory)).flatten();
        told.flat_map(|told| [told.stdout, told.stderr]).filter(|log| !self.has(*log)).collect()
    }

    /// All files of a tree are in the store or in `intake`: stores its directories, parents after children, and then what
    /// they are the values of.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn settle(&self, directories: &[DirDigest], mut intake: Intake<'_>) -> Result<()> {
        for directory in directories.iter().rev() {
            if let Some(known) = self.known_directory(*directory) {
                intake.directory(*directory, &known)?;
            }
        }
        intake.commit()?;
        for root in directories {
            let told = self.all_known().told.get(root).cloned().unwrap_or_default();
            told.iter().try_for_each(|told| self.write_down(*root, told))?;
            if let Some(left) = self.all_known().told.get_mut(root) {
                left.retain(|left| !told.iter().any(|told| told.origin == left.origin));
            }
        }
        let mut known = self.all_known();
        known.told.retain(|_, told| !told.is_empty());
        for directory in directories {
            known.directories.remove(directory);
            known.unsure.remove(directory);
        }
        Ok(())
    }

    /// Settles a tree if all its files are in the store; says whether they are.
    ///
    /// # Errors
    /// If a directory cannot be read, or something not be written.
    pub fn settle_if_whole(&self, root: DirDigest) -> Result<bool> {
        if !self.knows_more_than_it_has() {
            return Ok(true);
        }
        let directories = self.closure(root)?.directories;
        if !self.lacking(&directories)?.is_empty() {
            return Ok(false);
        }
        self.settle(&directories, self.intake())?;
        Ok(true)
    }

    fn write_down(&self, root: DirDigest, told: &Told) -> Result<()> {
        let here = |log: BlobDigest| if self.has(log) { log } else { BlobDigest::of(b"") };
        match &told.origin {
            Origin::Action(action) => {
                let tree = self.tree_message(root)?;
                let result = CachedResult { output: root, tree, stdout: here(told.stdout), stderr: here(told.stderr) };
                self.put_result(*action, &result)
            }
            Origin::Memo { kind, key } => self.memo_put(kind, key, MemoValue::Tree(root)),
        }
    }

    /// What was remembered of an origin, in this process or before. The tree is known then, and perhaps not here.
    ///
    /// # Errors
    /// If the memo cannot be read.
    pub fn recall(&self, origin: &Origin) -> Result<Option<DirDigest>> {
        if self.all_known().doubted {
            return Ok(None);
        }
        let Some(MemoValue::Known(tree)) = self.memo_get(KIND, &origin.key())? else { return Ok(None) };
        let Some(directories) = self.remembered_directories(&tree) else { return Ok(None) };
        self.know_directories(&directories)?;
        let believed = self.believe(tree.root, origin.clone(), [tree.stdout, tree.stderr])?;
        Ok(believed.then_some(tree.root))
    }

    /// The directories of a known tree, if its message is whole and says what it should.
    pub(super) fn remembered_directories(&self, tree: &KnownTree) -> Option<Encoded> {
        let message = wire::Tree::decode(self.read(tree.message).ok()?.as_slice()).ok()?;
        let directories = directories_of(&message).ok()?;
        let names: HashSet<_> = directories.iter().map(|(digest, _)| *digest).collect();
        let is_whole = directories.iter().all(|(digest, bytes)| {
            let named = decode(*digest, bytes).map(|directory| {
                let mut below = directory.iter().filter_map(|(_, entry)| match entry {
                    Entry::Directory(digest) => Some(*digest),
                    Entry::File { .. } | Entry::Symlink(_) => None,
                });
                below.all(|digest| names.contains(&digest))
            });
            named.unwrap_or(false)
        });
        (is_whole && directories.first().is_some_and(|(root, _)| *root == tree.root)).then_some(directories)
    }

    /// Writes down what was learnt since the last time, for processes to come, but for what has been settled meanwhile;
    /// returns all that was learnt.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn remember(&self) -> Result<Vec<Origin>> {
        let (learnt, open) = {
            let mut known = self.all_known();
            let learnt = std::mem::take(&mut known.learnt);
            let wanted: HashSet<_> = learnt.iter().collect();
            let all = known.told.iter().flat_map(|(root, told)| told.iter().map(|told| (*root, told)));
            let open: Vec<_> = all
                .filter(|(_, told)| wanted.contains(&told.origin))
                .map(|(root, told)| (root, told.clone()))
                .collect();
            (learnt, open)
        };
        let mut batch = Batch::new(self);
        let mut memos = Vec::with_capacity(open.len());
        for (root, told) in open {
            let message = self.encode_tree(root)?;
            let digest = BlobDigest::of(&message);
            batch.bytes(digest, &message)?;
            let value = KnownTree { root, message: digest, stdout: told.stdout, stderr: told.stderr };
            memos.push((told.origin.key(), MemoValue::Known(value)));
        }
        batch.commit()?;
        self.memo_put_all(KIND, &memos)?;
        Ok(learnt)
    }

    /// Forgets what is remembered of an origin; says whether there was something.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn forget_known(&self, origin: &Origin) -> Result<bool> {
        self.memo_remove(KIND, &origin.key())
    }

    /// Writes the directories of a tree into the store, and nothing else: for people who want to look at it later, when
    /// its files have been brought.
    ///
    /// # Errors
    /// If a directory cannot be read or written.
    pub fn write_directories(&self, root: DirDigest) -> Result<()> {
        let mut intake = self.intake();
        for directory in self.closure(root)?.directories.iter().rev() {
            intake.directory(*directory, &*self.shared_directory(*directory)?)?;
        }
        intake.commit()
    }

    /// Memoises values under keys, as [`Store::memo_put`] does; many at once wait for the disk together.
    ///
    /// # Errors
    /// If `kind` is no file name, or something cannot be written.
    pub fn memo_put_all(&self, kind: &str, memos: &[(Vec<u8>, MemoValue)]) -> Result<()> {
        in_parallel(WAITING, memos, |(key, value)| self.memo_put(kind, key, value.clone())).map(drop)
    }
}
