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
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use action::digest::{BlobDigest, DirDigest};
use action::tree::TreeError;

use super::Store;
use super::disk;
use super::error::Result;
use super::stats::Area;

mod blobs;
mod checkouts;
mod entries;

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
