//! Locks between processes and between threads: so that identical work is done once.
//!
//! A lock is `flock` on a file `locks/<kind>-<hash of the key>`, so the system frees it when its holder dies. Taking is
//! split in [`Store::try_lock`] and [`Store::lock`] (or [`Store::lock_unless`]), so that the caller can tell the user in between. Not here: the lock on the store as a
//! whole, see [`super::Store::open`].

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use action::digest::BlobDigest;
use action::path::Name;
use rustix::fs::{FlockOperation, flock, major, minor};
use rustix::io::Errno;

use super::Store;
use super::disk;
use super::error::{At as _, Result};

/// How soon a lock that somebody else has is tried again: threads of one process hold them for a moment.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// How often at least; and how soon it is noticed that nobody wants it any more.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// A lock held until this is dropped.
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

impl Store {
    /// Takes the lock of this kind and key if nobody has it.
    ///
    /// # Errors
    /// If `kind` is no file name, or the lock's file cannot be made.
    pub fn try_lock(&self, kind: &str, key: &[u8]) -> Result<Option<Guard>> {
        let (file, path) = self.lock_file(kind, key)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Guard { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).at(&path),
        }
    }

    /// Takes the lock of this kind and key, waiting as long as somebody else has it. Not re-entrant: a thread that has
    /// it would wait for itself.
    ///
    /// # Errors
    /// As [`Store::try_lock`].
    pub fn lock(&self, kind: &str, key: &[u8]) -> Result<Guard> {
        let (file, path) = self.lock_file(kind, key)?;
        retry(|| flock(&file, FlockOperation::LockExclusive)).at(&path)?;
        Ok(Guard { _file: file })
    }

    /// As [`Store::lock`], but waits no longer once `given_up` says so; none then.
    ///
    /// # Errors
    /// As [`Store::try_lock`].
    pub fn lock_unless(&self, kind: &str, key: &[u8], given_up: &dyn Fn() -> bool) -> Result<Option<Guard>> {
        let (file, path) = self.lock_file(kind, key)?;
        // Nobody can wait for a lock and for something else: it is looked again and again, less often the longer it takes.
        let mut pause = FIRST_PAUSE;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Guard { _file: file })),
                Err(Errno::WOULDBLOCK) if given_up() => return Ok(None),
                Err(Errno::WOULDBLOCK) => thread::sleep(pause),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error).at(&path),
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    fn lock_file(&self, kind: &str, key: &[u8]) -> Result<(File, PathBuf)> {
        let kind = Name::new(kind)?;
        let path = self.area("locks").join(format!("{kind}-{}", BlobDigest::of(key).hex()));
        let file = disk::with_parent(&path, || File::options().create(true).truncate(false).write(true).open(&path))?;
        Ok((file, path))
    }
}

/// Repeats what a signal interrupted.
pub(super) fn retry(mut act: impl FnMut() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    loop {
        match act() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Who has a `flock` on this file, from `/proc/locks`; ourselves left out.
///
/// Lines are `1: FLOCK  ADVISORY  READ 1234 fe:00:5678 0 EOF` with the device in hexadecimal (proc_locks(5)).
pub(super) fn holders(file: &File) -> Vec<u32> {
    let (Ok(meta), Ok(table)) = (file.metadata(), fs::read_to_string("/proc/locks")) else { return Vec::new() };
    let inode = format!("{:02x}:{:02x}:{}", major(meta.dev()), minor(meta.dev()), meta.ino());
    let mut found: Vec<u32> = table
        .lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        // A process that waits itself has `->` as its second word.
        .filter(|words| words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&inode.as_str()))
        .filter_map(|words| words.get(4)?.parse().ok())
        .filter(|pid| *pid != 0 && *pid != std::process::id())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Removes the files of locks that nobody has; only while the whole store is ours.
pub(super) fn remove_unused(locks: &Path) -> Result<()> {
    for name in disk::names(locks)? {
        let path = locks.join(name);
        let file = File::open(&path).at(&path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            disk::remove_file(&path)?;
        }
    }
    Ok(())
}
