//! A file on its way: written piece by piece, hashed as it grows, kept when the connection breaks, and given its name
//! only when its checksum is right.
//!
//! Beside `<identity>.part` stands `<identity>.from`: the URL the bytes came from and the validator (`ETag` or date) that
//! server gave them. The part is locked while it is written, so that threads and processes wait for each other.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use action::checksum::Checksums;
use action::source::Source;

use super::error::Cause;
use super::hash::Hasher;

/// How much is read or written at once.
pub(super) const CHUNK: usize = 128 * 1024;

/// A download under way, or the file it became.
pub(super) enum Claim {
    /// The file is there, with the right checksum: another thread or process, or an earlier run, fetched it.
    Done(PathBuf),
    /// To be written by us alone.
    Ours(Partial),
}

/// A file being written.
pub(super) struct Partial {
    path: PathBuf,
    from: PathBuf,
    file: File,
    /// On the heap, for all of them are long.
    wanted: Box<Checksums>,
    hasher: Hasher,
    /// Where the bytes in hand came from, if that is known.
    pub(super) validator: Option<Validator>,
}

/// What a server said of a file, so that the rest of the very same can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validator {
    pub(super) url: String,
    /// A strong `ETag`, or a `Last-Modified` date.
    pub(super) tag: String,
}

/// Where a source's file will be.
pub(super) fn destination(source: &Source, into: &Path) -> PathBuf {
    into.join(source.hex())
}

impl Partial {
    /// Takes the part of `source` in the directory `into`, with what an earlier attempt left of it.
    pub(super) fn claim(source: &Source, into: &Path, stop: &AtomicBool) -> Result<Claim, Cause> {
        let done = destination(source, into);
        let path = into.join(format!("{}.part", source.hex()));
        let from = into.join(format!("{}.from", source.hex()));
        loop {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|error| Cause::io(&path, &error))?;
            lock(&file, &path, stop)?;
            // While we waited, another may have finished: then the name is gone or means a younger file.
            let ours = file.metadata().map_err(|error| Cause::io(&path, &error))?.ino();
            if !fs::metadata(&path).is_ok_and(|named| named.ino() == ours) {
                continue;
            }
            if has_checksum(&done, source)? {
                remove(&path);
                return Ok(Claim::Done(done));
            }
            let validator = fs::read_to_string(&from).ok().and_then(|text| Validator::parse(&text));
            let (wanted, hasher) = (source.checksums.clone().into(), Hasher::new(&source.checksums));
            let mut partial = Self { path, from, file, wanted, hasher, validator };
            partial.take_up()?;
            return Ok(Claim::Ours(partial));
        }
    }

    /// Bytes in hand.
    pub(super) fn len(&self) -> u64 {
        self.hasher.len()
    }

    /// Throws away what is in hand; what follows comes from `validator`.
    pub(super) fn restart(&mut self, validator: Option<Validator>) -> Result<(), Cause> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(|error| Cause::io(&self.path, &error))?;
        self.hasher = Hasher::new(&self.wanted);
        match &validator {
            Some(validator) => fs::write(&self.from, format!("{}\n{}\n", validator.url, validator.tag))
                .map_err(|error| Cause::io(&self.from, &error))?,
            None => remove(&self.from),
        }
        self.validator = validator;
        Ok(())
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        self.file.write_all(bytes).map_err(|error| Cause::io(&self.path, &error))?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Whether the bytes in hand are the source.
    pub(super) fn check(&self) -> Result<(), Cause> {
        self.hasher.check(&self.wanted)
    }

    /// Gives the file its name if it is the source, and throws it away if not.
    pub(super) fn finish(self, source: &Source, into: &Path) -> Result<PathBuf, Cause> {
        if let Err(cause) = self.check() {
            self.discard();
            return Err(cause);
        }
        let done = destination(source, into);
        fs::rename(&self.path, &done).map_err(|error| Cause::io(&done, &error))?;
        remove(&self.from);
        Ok(done)
    }

    /// Leaves the part for a later attempt, unless there is nothing in it.
    pub(super) fn leave(self) {
        if self.len() == 0 {
            self.discard();
        }
    }

    /// Removes the part.
    pub(super) fn discard(self) {
        remove(&self.from);
        remove(&self.path);
    }

    /// Hashes what is already there and stands at its end.
    fn take_up(&mut self) -> Result<(), Cause> {
        let path = &self.path;
        self.hasher = Hasher::of(&mut self.file, &self.wanted).map_err(|error| Cause::io(path, &error))?;
        self.file.seek(SeekFrom::Start(self.hasher.len())).map_err(|error| Cause::io(path, &error))?;
        Ok(())
    }
}

impl Validator {
    fn parse(text: &str) -> Option<Self> {
        let (url, tag) = text.strip_suffix('\n')?.split_once('\n')?;
        Some(Self { url: url.to_owned(), tag: tag.to_owned() })
    }
}

/// Takes a file that a tool left in a directory of ours, if one has the checksum.
pub(super) fn take_from(directory: &Path, source: &Source, into: &Path) -> Result<PathBuf, Cause> {
    let mut wrong: Option<(u64, Cause)> = None;
    let at = |error| Cause::io(directory, &error);
    for entry in fs::read_dir(directory).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if !fs::symlink_metadata(&path).map_err(at)?.is_file() {
            continue;
        }
        let hasher = hashed(&path, &source.checksums)?;
        let Err(mismatch) = hasher.check(&source.checksums) else {
            let done = destination(source, into);
            fs::rename(&path, &done).map_err(|error| Cause::io(&done, &error))?;
            return Ok(done);
        };
        // Of several wrong files the largest is the likeliest to be the one that was meant.
        if wrong.as_ref().is_none_or(|(largest, _)| *largest < hasher.len()) {
            wrong = Some((hasher.len(), mismatch));
        }
    }
    Err(wrong.map_or(Cause::NotFound, |(_, mismatch)| mismatch))
}

fn has_checksum(path: &Path, source: &Source) -> Result<bool, Cause> {
    match hashed(path, &source.checksums) {
        Ok(hasher) => Ok(hasher.check(&source.checksums).is_ok()),
        Err(Cause::Io { kind: io::ErrorKind::NotFound, .. }) => Ok(false),
        Err(cause) => Err(cause),
    }
}

fn hashed(path: &Path, wanted: &Checksums) -> Result<Hasher, Cause> {
    let hashed = File::open(path).and_then(|mut file| Hasher::of(&mut file, wanted));
    hashed.map_err(|error| Cause::io(path, &error))
}

/// Locks a file, waiting for others until stopped.
pub(super) fn lock(file: &File, path: &Path, stop: &AtomicBool) -> Result<(), Cause> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if stop.load(Ordering::Relaxed) => return Err(Cause::Stopped),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::Error(error)) => return Err(Cause::io(path, &error)),
        }
    }
}

/// Removes a file of ours; one that stays is no harm, for it is checked before it is used.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}
