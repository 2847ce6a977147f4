//! What a survey looked at, so that it can be told whether it would see the same again.
//!
//! Every file and symbolic link that was looked at, every directory that was listed, and every path where something was
//! looked for in vain, with what `lstat` says: mode, size, inode, times of last modification and change. Contents are
//! not read: a file that is changed without any of these changing has been tampered with on purpose. A difference means
//! no more than that the survey must be made again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Version of the encoding; bytes of another are as good as none.
const MAGIC: &[u8] = b"bactrian capture 1\n";
/// Mode, size, inode, and the two times, each in seconds and nanoseconds.
const NUMBERS: usize = 7;

/// What was at a path; nothing if nothing was.
type Stamp = Option<[i64; NUMBERS]>;

/// The paths looked at, and what was there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    stamps: BTreeMap<PathBuf, Stamp>,
}

impl Fingerprint {
    /// Looks at a path without following a link, and notes what is there. That it is a directory is not noted: its
    /// times change with each of its files, and it was only passed through.
    pub(super) fn look(&mut self, path: &Path) -> io::Result<Option<Metadata>> {
        let metadata = lstat(path)?;
        if !metadata.as_ref().is_some_and(Metadata::is_dir) {
            self.stamps.insert(path.to_owned(), metadata.as_ref().map(stamp));
        }
        Ok(metadata)
    }

    /// Notes a directory whose names matter.
    pub(super) fn list(&mut self, path: &Path) -> io::Result<()> {
        self.stamps.insert(path.to_owned(), lstat(path)?.as_ref().map(stamp));
        Ok(())
    }

    /// Whether everything is still as it was. Stops at the first difference; an error is one.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.stamps.iter().all(|(path, expected)| lstat(path).is_ok_and(|is| is.as_ref().map(stamp) == *expected))
    }

    /// How many paths it is about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stamps.len()
    }

    /// Whether it is about no path, and thus always holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stamps.is_empty()
    }

    /// Bytes to be kept until the next start: the number of paths, and for each a byte for whether something is there,
    /// the numbers if so, the path, and a NUL. Numbers are little-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [MAGIC, &(self.stamps.len() as u64).to_le_bytes()].concat();
        for (path, stamp) in &self.stamps {
            bytes.push(stamp.is_some().into());
            bytes.extend(stamp.iter().flatten().flat_map(|number| number.to_le_bytes()));
            bytes.extend(path.as_os_str().as_bytes());
            bytes.push(0);
        }
        bytes
    }

    /// The fingerprint from its bytes; nothing if they are no whole one of this version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, mut left) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        let mut stamps = Vec::new();
        while let Some((present, rest)) = left.split_first() {
            left = rest;
            let mut stamp = [0; NUMBERS];
            for number in stamp.iter_mut().filter(|_| *present == 1) {
                let (first, rest) = left.split_first_chunk()?;
                (*number, left) = (i64::from_le_bytes(*first), rest);
            }
            let end = left.iter().position(|byte| *byte == 0)?;
            let (path, rest) = left.split_at_checked(end)?;
            left = rest.get(1..)?;
            stamps.push((PathBuf::from(OsStr::from_bytes(path)), (*present == 1).then_some(stamp)));
        }
        (stamps.len() as u64 == u64::from_le_bytes(*count)).then(|| Self { stamps: stamps.into_iter().collect() })
    }
}

/// What is at a path; nothing if nothing is.
fn lstat(path: &Path) -> io::Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn stamp(is: &Metadata) -> [i64; NUMBERS] {
    let (size, inode) = (is.size().cast_signed(), is.ino().cast_signed());
    [is.mode().into(), size, inode, is.mtime(), is.mtime_nsec(), is.ctime(), is.ctime_nsec()]
}
