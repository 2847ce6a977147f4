//! Scratch space that is gone when its owner is.
//!
//! Each open store has at most one base `tmp/<pid>-<n>`, made when first needed, in which it holds a lock on the file
//! `lock`. Whoever finds a base whose lock is free removes it: its owner was killed. So the process number in the name is
//! for people; nothing trusts it.
//!
//! ext4 gives no inode to a new file for minutes after another file lost it, and finds a free one by trying those of the
//! directory's block group in turn: builds that removed what the steps before them had left spent 5 % of their time there.
//! So scratch directories lie in block groups of their own ([`spread`]), and what is no longer wanted is removed with the
//! base, not at once, as long as the disk has room.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::fs::{FlockOperation, IFlags, flock, ioctl_getflags, ioctl_setflags, statvfs};

use super::disk;
use super::error::{At as _, Result};

/// A directory of one's own on the store's file system, removed some time after it is dropped, at the latest with the
/// open store.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Kept, and so the lock, as long as this lives.
    base: Arc<Base>,
}

impl Scratch {
    /// The directory; it exists and is empty at first.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.base.discard(self.path.clone());
    }
}

/// The base of one open store.
#[derive(Debug)]
pub(super) struct Base {
    dir: PathBuf,
    next: AtomicU64,
    reaper: Mutex<Option<Reaper>>,
    _lock: File,
}

/// Removes in the background what nobody wants any more and there is no room for: that can take longer than a build step.
#[derive(Debug)]
struct Reaper {
    queue: Sender<PathBuf>,
    thread: JoinHandle<()>,
}

/// The part of a file system that must be free for rubbish to stay: a quarter. The largest steps leave a few hundred
/// megabytes, so that this is no hindrance on any disk on which one builds.
const ROOMY: u64 = 4;

impl Reaper {
    fn start() -> io::Result<Self> {
        let (queue, orders) = mpsc::channel::<PathBuf>();
        let thread = thread::Builder::new().name("reaper".to_owned()).spawn(move || {
            for path in orders {
                // Nobody can be told; what stays is removed with the base, or by whoever opens the store next.
                let _ = disk::remove_tree(&path);
            }
        })?;
        Ok(Self { queue, thread })
    }
}

impl Base {
    /// Makes a base in the store's `tmp`.
    pub(super) fn create(tmp: &Path) -> Result<Self> {
        let mut n = 0_u64;
        loop {
            let dir = tmp.join(format!("{}-{n}", std::process::id()));
            n += 1;
            match fs::create_dir(&dir) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                result => result.at(&dir)?,
            }
            spread(&dir);
            if let Some(lock) = lock_base(&dir)? {
                return Ok(Self { dir, next: AtomicU64::new(0), reaper: Mutex::default(), _lock: lock });
            }
        }
    }

    /// A path in the base that nothing has used.
    pub(super) fn fresh(&self) -> PathBuf {
        self.dir.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Whether `path` lies in this base.
    pub(super) fn owns(&self, path: &Path) -> bool {
        path.starts_with(&self.dir)
    }

    /// Removes a path in this base: with the base, or some time soon if the disk is not roomy.
    pub(super) fn discard(&self, path: PathBuf) {
        if !roomy(&self.dir) {
            self.remove_soon(path);
        }
    }

    fn remove_soon(&self, path: PathBuf) {
        let mut reaper = self.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if reaper.is_none() {
            *reaper = Reaper::start().ok();
        }
        let refused = match &*reaper {
            Some(reaper) => reaper.queue.send(path).err().map(|error| error.0),
            None => Some(path),
        };
        if let Some(path) = refused {
            let _ = disk::remove_tree(&path);
        }
    }

    /// A new scratch directory.
    pub(super) fn scratch(self: Arc<Self>) -> Result<Scratch> {
        let path = self.fresh();
        fs::create_dir(&path).at(&path)?;
        Ok(Scratch { path, base: self })
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        if let Some(Reaper { queue, thread }) = self.reaper.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            drop(queue);
            let _ = thread.join();
        }
        remove_parts(&self.dir);
        let _ = disk::remove_tree(&self.dir);
    }
}

/// Has directories made in `dir` lie far from each other, where the file system knows how to.
fn spread(dir: &Path) {
    // A matter of speed alone: other file systems refuse.
    let Ok(open) = File::open(dir) else { return };
    let _ = ioctl_getflags(&open).and_then(|flags| ioctl_setflags(&open, flags | IFlags::TOPDIR));
}

/// Whether a good part of the file system is free.
fn roomy(dir: &Path) -> bool {
    statvfs(dir).is_ok_and(|is| is.f_bavail >= is.f_blocks / ROOMY && is.f_favail >= is.f_files / ROOMY)
}

/// Removes what is in `dir` by as many threads as there are processors. What stays is the next one's to remove.
fn remove_parts(dir: &Path) {
    let Ok(names) = disk::names(dir) else { return };
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(names.len());
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            // The lock goes last: with the directory.
            if name != "lock" {
                let _ = disk::remove_tree(&dir.join(name));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

/// Takes the lock of a base; `None` if somebody else has it, or the base vanished meanwhile.
///
/// Between making the directory and locking the file another process may take it for a leftover. Then either the lock is
/// theirs, or the file is not there any more, or the one locked is no longer the one at the path.
fn lock_base(dir: &Path) -> Result<Option<File>> {
    let path = dir.join("lock");
    let file = match File::options().create(true).truncate(false).write(true).open(&path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        file => file.at(&path)?,
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        result => result.at(&path)?,
    }
    let same = |there: fs::Metadata| file.metadata().is_ok_and(|here| here.ino() == there.ino());
    Ok(fs::metadata(&path).is_ok_and(same).then_some(file))
}

/// Bases in `tmp` whose owners are dead, with their locks, so that nobody else removes them too.
pub(super) fn leftovers(tmp: &Path) -> Result<Vec<(PathBuf, File)>> {
    let mut found = Vec::new();
    for name in disk::names(tmp)? {
        let dir = tmp.join(name);
        if let Some(lock) = lock_base(&dir)? {
            found.push((dir, lock));
        }
    }
    Ok(found)
}

/// Removes leftovers in the background, if there are any. It does not matter whether that comes to its end.
pub(super) fn sweep(tmp: &Path) {
    // A store that cannot be written to is left as it is.
    let Ok(found) = leftovers(tmp) else { return };
    if !found.is_empty() {
        thread::spawn(move || {
            for (dir, _lock) in found {
                let _ = disk::remove_tree(&dir);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_there_is_no_room_for_goes_before_its_base() {
        let tmp = tempfile::tempdir().unwrap();
        let base = Arc::new(Base::create(tmp.path()).unwrap());
        let path = base.fresh();
        fs::create_dir(&path).unwrap();
        base.remove_soon(path.clone());
        let begun = Instant::now();
        while path.exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
            thread::sleep(Duration::from_millis(1));
        }
        drop(base);
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }
}
