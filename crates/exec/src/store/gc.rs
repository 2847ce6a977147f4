//! Collecting garbage: what was used least recently goes, and then what nothing refers to any more.
//!
//! The roots are results, memos, projects and kept roots; each has a time of last use. They are walked from the most
//! recent on, adding up what they hold that no more recent one does; from where a limit is passed, all older ones go.
//! Names go before the things they name, and directories by a rename, so that a killed collection leaves a sound store.
//!
//! Nobody else may have the store open meanwhile: a build between finding an object and using it could not be told from
//! no build at all.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use action::digest::{BlobDigest, DirDigest, parse_sha256};
use action::tree::Entry;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::{At as _, Result, StoreError};
use super::parallel::{WAITING, in_parallel};
use super::stats::Area;
use super::{MemoValue, Scratch, Store};
use super::{disk, lock, registered, results, scratch};

/// What a collection leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// At most so many bytes on disk, directories and entries not counted.
    pub max_bytes: Option<u64>,
    /// Nothing that was last used longer ago.
    pub max_age: Option<Duration>,
}

/// What a collection removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freed {
    /// Objects per area, those with none left out. Leftovers of killed processes are counted as [`Area::Scratch`].
    pub objects: Vec<(Area, u64)>,
    /// Bytes on disk.
    pub bytes: u64,
}

type Hash = [u8; 32];

/// Something that keeps objects alive.
struct Root {
    area: Area,
    path: PathBuf,
    used: SystemTime,
    /// Whether it stays whatever the policy: nobody but the user can bring it again.
    lasting: bool,
}

/// What one root or several keep alive.
#[derive(Default)]
struct Live {
    /// All blobs, encoded directories too.
    blobs: HashSet<Hash>,
    /// The directories among them.
    trees: HashSet<Hash>,
    /// Bytes on disk: of one root, what it takes besides blobs; of several, all.
    bytes: u64,
}

impl Store {
    /// Removes what the policy does not leave, and whatever nothing refers to. An empty policy removes only the latter.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the store is open elsewhere; or if something cannot be read or removed.
    // Exclusively, so that no other thread of this process is at work either.
    pub fn gc(&mut self, policy: &Policy) -> Result<Freed> {
        let _exclusive = Exclusive::take(&self.lock, &self.root.join("lock"))?;
        let freed = self.collect(policy);
        self.directories.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        freed
    }

    fn collect(&self, policy: &Policy) -> Result<Freed> {
        let mut sweep = Sweep { trash: self.scratch()?, number: 0, counts: HashMap::new(), bytes: 0 };
        for (leftover, _lock) in scratch::leftovers(&self.area("tmp"))? {
            sweep.tree(Area::Scratch, &leftover)?;
        }
        for name in disk::names(&self.downloads()?)? {
            sweep.tree(Area::Scratch, &self.downloads()?.join(name))?;
        }
        lock::remove_unused(&self.area("locks"))?;

        let sizes = self.sizes()?;
        let (live, dead) = self.choose(policy, &sizes)?;
        for area in [Area::Results, Area::Memos] {
            let paths = dead.iter().filter(|root| root.area == area).map(|root| root.path.clone());
            sweep.files(area, &paths.collect::<Vec<_>>())?;
        }
        for root in dead.iter().filter(|root| matches!(root.area, Area::Projects | Area::Kept)) {
            sweep.tree(root.area, &root.path)?;
        }
        // Entries must be gone for good before what they refer to.
        self.sync()?;
        for path in self.objects(Area::Trees)? {
            if hash_in_name(&path).is_some_and(|hash| !live.trees.contains(&hash)) {
                sweep.tree(Area::Trees, &path)?;
            }
        }
        let mut blobs = self.objects(Area::Blobs)?;
        blobs.retain(|path| hash_in_name(path).is_some_and(|hash| !live.blobs.contains(&hash)));
        sweep.files(Area::Blobs, &blobs)?;
        let objects = Area::ALL.into_iter().filter_map(|area| Some((area, *sweep.counts.get(&area)?))).collect();
        Ok(Freed { objects, bytes: sweep.bytes })
    }

    /// What each blob takes on disk, both variants together.
    fn sizes(&self) -> Result<HashMap<Hash, u64>> {
        let mut sizes = HashMap::new();
        for path in self.objects(Area::Blobs)? {
            if let Some(hash) = hash_in_name(&path) {
                *sizes.entry(hash).or_default() += disk::allocated(&fs::symlink_metadata(&path).at(&path)?);
            }
        }
        Ok(sizes)
    }

    /// Divides the roots.
    fn choose(&self, policy: &Policy, sizes: &HashMap<Hash, u64>) -> Result<(Live, Vec<Root>)> {
        let (mut live, mut dead, mut full) = (Live::default(), Vec::new(), false);
        let oldest = policy.max_age.and_then(|age| SystemTime::now().checked_sub(age));
        for root in self.roots()? {
            let expired = oldest.is_some_and(|oldest| root.used < oldest);
            let given_up = (full || expired) && !root.lasting;
            let held = if given_up { None } else { self.held_by(&root, &live)? };
            let Some(held) = held else {
                dead.push(root);
                continue;
            };
            let more = held.bytes + held.blobs.iter().filter_map(|hash| sizes.get(hash)).sum::<u64>();
            full = full || policy.max_bytes.is_some_and(|most| live.bytes + more > most);
            if full && !root.lasting {
                dead.push(root);
            } else {
                live.bytes += more;
                live.blobs.extend(held.blobs);
                live.trees.extend(held.trees);
            }
        }
        Ok((live, dead))
    }

    /// All roots, those that stay first, then the most recently used.
    fn roots(&self) -> Result<Vec<Root>> {
        let mut roots = Vec::new();
        let registered = self.area("memo").join(registered::KIND);
        for area in [Area::Results, Area::Memos, Area::Projects, Area::Kept] {
            for path in self.objects(area)? {
                let dated = match area {
                    Area::Projects => path.join("path"),
                    Area::Kept => path.join("action"),
                    _ => path.clone(),
                };
                // One without a date was never finished.
                let used = fs::metadata(dated).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                let lasting = path.starts_with(&registered);
                roots.push(Root { area, path, used, lasting });
            }
        }
        roots.sort_by(|one, other| (other.lasting, other.used, &one.path).cmp(&(one.lasting, one.used, &other.path)));
        Ok(roots)
    }

    /// What a root keeps alive that is not so already; `None` if it is of no use any more.
    fn held_by(&self, root: &Root, live: &Live) -> Result<Option<Live>> {
        let (tree, blobs) = match root.area {
            Area::Results => match results::decode(&fs::read(&root.path).at(&root.path)?) {
                Some(result) => (Some(result.output), vec![result.tree, result.stdout, result.stderr]),
                None => return Ok(None),
            },
            Area::Memos => match MemoValue::decode(&fs::read(&root.path).at(&root.path)?) {
                Some(MemoValue::Tree(tree)) => (Some(tree), Vec::new()),
                Some(MemoValue::Blob(blob)) if self.has(blob) => (None, vec![blob]),
                // Of a tree that is known the message is held, not the tree.
                Some(MemoValue::Known(tree)) if self.has(tree.message) => (None, vec![tree.message]),
                Some(MemoValue::Bytes(_)) => (None, Vec::new()),
                Some(MemoValue::Blob(_) | MemoValue::Known(_)) | None => return Ok(None),
            },
            _ => {
                let mut own = Live::default();
                disk::walk(&root.path, &mut |_, meta| own.bytes += disk::allocated(meta))?;
                return Ok(Some(own));
            }
        };
        let mut new = Live::default();
        new.blobs.extend(blobs.iter().map(BlobDigest::hash).filter(|hash| !live.blobs.contains(*hash)));
        match tree.map_or(Ok(()), |tree| self.reach(tree, live, &mut new)) {
            Err(StoreError::Missing { .. } | StoreError::Corrupt { .. } | StoreError::Directory { .. }) => Ok(None),
            reached => reached.map(|()| Some(new)),
        }
    }

    /// Adds a tree to `new`, but for what is in `live`: of a live directory everything below is live.
    fn reach(&self, tree: DirDigest, live: &Live, new: &mut Live) -> Result<()> {
        let mut todo = vec![tree];
        while let Some(digest) = todo.pop() {
            if live.trees.contains(digest.hash()) || !new.trees.insert(*digest.hash()) {
                continue;
            }
            let directory = self.shared_directory(digest)?;
            let files = directory.iter().filter_map(|(_, entry)| match entry {
                Entry::File { digest, .. } => Some(*digest.hash()),
                Entry::Directory(_) | Entry::Symlink(_) => None,
            });
            new.blobs.extend(files.chain([*digest.hash()]).filter(|hash| !live.blobs.contains(hash)));
            todo.extend(directory.iter().filter_map(|(_, entry)| match entry {
                Entry::Directory(digest) => Some(*digest),
                Entry::File { .. } | Entry::Symlink(_) => None,
            }));
        }
        Ok(())
    }
}

/// The hash in the name `<hash>` or `<hash>.x` of an object.
pub(super) fn hash_in_name(path: &Path) -> Option<Hash> {
    let name = path.file_name()?.to_str()?;
    parse_sha256(name.strip_suffix(".x").unwrap_or(name)).ok()
}

/// Removing, and the account of it.
struct Sweep {
    trash: Scratch,
    number: u64,
    counts: HashMap<Area, u64>,
    bytes: u64,
}

impl Sweep {
    fn files(&mut self, area: Area, paths: &[PathBuf]) -> Result<()> {
        let freed = in_parallel(WAITING, paths, |path| -> Result<u64> {
            let meta = fs::symlink_metadata(path).at(path)?;
            disk::remove_file(path)?;
            Ok(disk::allocated(&meta))
        })?;
        if !freed.is_empty() {
            *self.counts.entry(area).or_default() += freed.len() as u64;
        }
        self.bytes += freed.iter().sum::<u64>();
        Ok(())
    }

    /// Removes a directory: first its name, so that nobody ever finds half of it.
    fn tree(&mut self, area: Area, path: &Path) -> Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        disk::walk(path, &mut |_, meta| {
            if meta.is_dir() || meta.nlink() == 1 {
                self.bytes += disk::allocated(meta);
            }
        })?;
        let aside = self.trash.path().join(self.number.to_string());
        self.number += 1;
        match fs::rename(path, &aside) {
            // Leftovers are removed in the background, too, by whoever opened the store: perhaps ourselves.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed.at(path)?,
        }
        *self.counts.entry(area).or_default() += 1;
        disk::remove_tree(&aside)
    }
}

/// How long a program of ours may take to start, at most, while it has our locks.
const BETWEEN_FORK_AND_EXEC: Duration = Duration::from_secs(1);

/// The store to oneself, until dropped.
struct Exclusive<'a> {
    lock: &'a File,
}

impl<'a> Exclusive<'a> {
    fn take(lock: &'a File, path: &Path) -> Result<Self> {
        let until = Instant::now() + BETWEEN_FORK_AND_EXEC;
        loop {
            match flock(lock, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => {}
                result => return result.at(path).map(|()| Self { lock }),
            }
            let holders = lock::holders(lock);
            // A child of ours has it until it has become another program: that is no other process's doing.
            if !holders.is_empty() || Instant::now() > until {
                // The attempt cost us the shared lock (flock(2), NOTES).
                lock::retry(|| flock(lock, FlockOperation::LockShared)).at(path)?;
                return Err(StoreError::Busy { path: path.to_owned(), holders });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        // Giving up a part of a lock never waits.
        let _ = flock(self.lock, FlockOperation::LockShared);
    }
}
