//! Checking the whole store: every byte hashed again, every reference followed.
//!
//! Other processes may go on: entries are listed before objects are looked at, so whatever an entry names was there by
//! then. Faults of a power failure or of the disk can be found here; a killed process leaves none.
//!
//! Repairing removes what is faulty, and so what refers to it, so that it is made again when next wanted; a wrong mode
//! or time is set right. Scratch, projects and kept roots are their owners' and not looked into.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use action::digest::{BlobDigest, DirDigest};
use action::tree::{Entry, TreeError};

use super::error::{At as _, Result, StoreError};
use super::gc::hash_in_name;
use super::parallel::{computing, in_parallel};
use super::stats::Area;
use super::{MemoValue, Store};
use super::{cas, disk, results};

mod checkouts;

/// Something wrong with the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: the object, the entry, or the place in a checkout.
    pub path: PathBuf,
    /// What.
    pub kind: FaultKind,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing of the store has such a name or type.
    Stray,
    /// It cannot be read.
    Unreadable(io::ErrorKind),
    /// The bytes are not those the name or the tree says.
    Content,
    /// The permission bits are wrong.
    Mode {
        /// What they are.
        found: u32,
        /// What they should be.
        wanted: u32,
    },
    /// The modification time is wrong; in seconds since 1970.
    Time {
        /// What it is.
        found: i64,
    },
    /// A result or memo that does not decode.
    Entry,
    /// A result or memo refers to this object, directly or not, and it is missing or damaged.
    Missing {
        /// The object.
        digest: BlobDigest,
    },
    /// A result or memo refers to this object as a directory, directly or not, and it is none.
    Directory {
        /// The object.
        digest: DirDigest,
        /// What is wrong with it.
        error: TreeError,
    },
    /// A checkout whose directory object is missing or damaged.
    Orphan,
    /// A checkout lacks this.
    Lacks,
    /// A checkout has this, its tree has not.
    Extra,
    /// A checkout has something of another type here, or a link to elsewhere.
    Differs,
}

/// The account of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blobs, entries and checkouts looked at.
    pub objects: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// Faults found.
    pub faults: u64,
}

/// What a check knows so far.
struct Check<'a> {
    store: &'a Store,
    repair: bool,
    report: Mutex<Report<'a>>,
    bytes: AtomicU64,
    /// Sound files, by inode, and what they hold.
    sound: HashMap<u64, Held>,
    /// Hashes of which no sound file is there.
    bad: HashSet<[u8; 32]>,
    /// Trees all of whose objects are there.
    whole: HashSet<DirDigest>,
}

/// To whom faults are told, and how many were.
struct Report<'a> {
    tell: &'a mut (dyn FnMut(&Fault) + Send),
    faults: u64,
}

/// What a blob's file holds by its name.
type Held = ([u8; 32], bool);

impl Store {
    /// Checks everything; tells each fault as it is found, and repairs it if `repair`.
    ///
    /// # Errors
    /// If the store cannot be listed, or something not be repaired. What cannot be read is a fault.
    pub fn verify(&self, repair: bool, on_fault: &mut (dyn FnMut(&Fault) + Send)) -> Result<Verified> {
        let entries = [Area::Results, Area::Memos].map(|area| self.objects(area).map(|paths| (area, paths)));
        let checkouts = self.objects(Area::Trees)?;
        let blobs = self.objects(Area::Blobs)?;
        let mut check = Check {
            store: self,
            repair,
            report: Mutex::new(Report { tell: on_fault, faults: 0 }),
            bytes: AtomicU64::new(0),
            sound: HashMap::new(),
            bad: HashSet::new(),
            whole: HashSet::new(),
        };
        let mut objects = blobs.len() + checkouts.len();
        check.blobs(&blobs)?;
        for area in entries {
            let (area, paths) = area?;
            objects += paths.len();
            for path in paths {
                check.entry(area, &path)?;
            }
        }
        for path in checkouts {
            check.checkout(&path)?;
        }
        let faults = check.report.into_inner().unwrap_or_else(PoisonError::into_inner).faults;
        Ok(Verified { objects: objects as u64, bytes: check.bytes.into_inner(), faults })
    }
}

impl Check<'_> {
    fn fault(&self, path: &Path, kind: FaultKind) {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        report.faults += 1;
        (report.tell)(&Fault { path: path.to_owned(), kind });
    }

    fn blobs(&mut self, paths: &[PathBuf]) -> Result<()> {
        let found = in_parallel(computing(), paths, |path| self.blob(path))?;
        for (path, inode) in paths.iter().zip(found) {
            let Some(hash) = hash_in_name(path) else { continue };
            match inode {
                Some(inode) => drop(self.sound.insert(inode, (hash, is_executable(path)))),
                None => drop(self.bad.insert(hash)),
            }
        }
        for (hash, _) in self.sound.values() {
            self.bad.remove(hash);
        }
        Ok(())
    }

    /// Checks one blob; its inode if it is sound, or was made so.
    fn blob(&self, path: &Path) -> Result<Option<u64>> {
        let meta = match fs::symlink_metadata(path) {
            // Somebody else repaired it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            meta => meta.at(path)?,
        };
        let (Some(hash), true) = (hash_in_name(path), meta.is_file() && is_in_its_fan(path)) else {
            self.fault(path, FaultKind::Stray);
            return self.remove(path).map(|()| None);
        };
        let faults = seal_faults(&meta, disk::mode(is_executable(path)));
        // Before reading, which a wrong mode could prevent.
        if !faults.is_empty() && self.repair {
            disk::seal(path, is_executable(path))?;
        }
        let sound = match self.hash(path) {
            Ok(digest) if *digest.hash() == hash => true,
            Ok(_) => {
                self.fault(path, FaultKind::Content);
                false
            }
            Err(kind) => {
                self.fault(path, FaultKind::Unreadable(kind));
                false
            }
        };
        if !sound {
            return self.remove(path).map(|()| None);
        }
        for kind in faults {
            self.fault(path, kind);
        }
        Ok(Some(meta.ino()))
    }

    fn hash(&self, path: &Path) -> std::result::Result<BlobDigest, io::ErrorKind> {
        let digest = fs::File::open(path).and_then(|mut file| cas::hash_into(&mut file, &mut io::sink()));
        let digest = digest.map_err(|error| error.kind())?;
        self.bytes.fetch_add(digest.size(), Ordering::Relaxed);
        Ok(digest)
    }

    fn entry(&mut self, area: Area, path: &Path) -> Result<()> {
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

    /// Removes what is faulty, if that is wanted; directories by a rename, so that half of one is never found.
    fn remove(&self, path: &Path) -> Result<()> {
        if !self.repair {
            return Ok(());
        }
        if !fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
            return disk::remove_file(path);
        }
        let trash = self.store.scratch()?;
        disk::rename(path, &trash.path().join("trash"))
    }
}

/// Whether the name is that of the executable variant.
fn is_executable(path: &Path) -> bool {
    path.extension().is_some()
}

/// Whether the directory is named as the first two digits.
fn is_in_its_fan(path: &Path) -> bool {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let fan = path.parent().and_then(name);
    fan.is_some_and(|fan| fan.len() == 2 && name(path).is_some_and(|name| name.starts_with(&fan)))
}

/// What is wrong with a mode and a time.
fn seal_faults(meta: &fs::Metadata, wanted: u32) -> Vec<FaultKind> {
    let (found, time) = (meta.mode() & 0o7777, meta.mtime());
    let mode = (found != wanted).then_some(FaultKind::Mode { found, wanted });
    let time = (time != disk::MTIME).then_some(FaultKind::Time { found: time });
    mode.into_iter().chain(time).collect()
}
