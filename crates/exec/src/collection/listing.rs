//! What reading a directory looked at, as stats: so that it can be told, without opening anything, that nothing changed.
//!
//! Every directory on the way and every chosen file, with size, inode, and times of last modification and change. Not
//! a digest of contents: a file that is changed without any of these changing has been tampered with on purpose.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, statat};

use crate::store::parallel::in_parallel;

/// Version of the encoding; bytes of another are as good as none.
const MAGIC: &[u8] = b"bactrian listing 1\n";
/// Type and mode, size, inode, and the two times, each in seconds and nanoseconds.
const NUMBERS: usize = 7;
/// What one thread looks at in one go.
const PORTION: usize = 512;
/// A file that was modified so recently can be modified again without its times telling: file systems count in steps of
/// up to two seconds.
const TICK: Duration = Duration::from_secs(2);

pub(super) type Stamp = [i64; NUMBERS];

/// What reading a directory looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Paths seen from the directory, and what was there.
    pub(super) stamps: Vec<(String, Stamp)>,
}

impl Listing {
    /// Whether everything was left alone for long enough before `now`, which is to be a time before the directory was
    /// read: only then a later change cannot be missed, and only then the listing is worth keeping.
    #[must_use]
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let latest = self.stamps.iter().map(|(_, stamp)| (stamp[3], stamp[4])).max().unwrap_or_default();
        let seconds = u64::try_from(latest.0).unwrap_or(0);
        UNIX_EPOCH + Duration::new(seconds, 0) + TICK <= now
    }

    /// Bytes to be kept: the number of paths, and for each the numbers, the path, and a NUL. Numbers are little-endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [MAGIC, &(self.stamps.len() as u64).to_le_bytes()].concat();
        for (path, stamp) in &self.stamps {
            bytes.extend(stamp.iter().flat_map(|number| number.to_le_bytes()));
            bytes.extend(path.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    /// Whether the directory `root` is as it was when the listing with these bytes was made. Anything unexpected means
    /// that it is not.
    #[must_use]
    pub fn holds(encoded: &[u8], root: &Path) -> bool {
        let Some(stamps) = decode(encoded) else { return false };
        // Seen from an open directory, paths are short: looking names up is most of the time.
        let Ok(root) = openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) else {
            return false;
        };
        let portions: Vec<_> = stamps.chunks(PORTION).collect();
        let same = |portion: &&[(&str, Stamp)]| {
            let unchanged = |(at, expected): &(&str, Stamp)| {
                let at = if at.is_empty() { "." } else { at };
                statat(&root, at, AtFlags::empty()).is_ok_and(|found| stamp(&found) == *expected)
            };
            if portion.iter().all(unchanged) { Ok(()) } else { Err(()) }
        };
        in_parallel(super::directory::threads(), &portions, same).is_ok()
    }
}

fn decode(bytes: &[u8]) -> Option<Vec<(&str, Stamp)>> {
    let (count, mut left) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
    let mut stamps = Vec::new();
    while !left.is_empty() {
        let mut stamp = [0; NUMBERS];
        for number in &mut stamp {
            let (first, rest) = left.split_first_chunk()?;
            (*number, left) = (i64::from_le_bytes(*first), rest);
        }
        let end = left.iter().position(|byte| *byte == 0)?;
        let (path, rest) = left.split_at_checked(end)?;
        left = rest.get(1..)?;
        stamps.push((std::str::from_utf8(path).ok()?, stamp));
    }
    (stamps.len() as u64 == u64::from_le_bytes(*count)).then_some(stamps)
}

/// What `stat` says; numbers beyond the signed range come out the same at each look, which is all that matters.
pub(super) fn stamp(is: &Stat) -> Stamp {
    let wide = |number: u64| number.cast_signed();
    [
        is.st_mode.into(),
        is.st_size,
        wide(is.st_ino),
        is.st_mtime,
        wide(is.st_mtime_nsec),
        is.st_ctime,
        wide(is.st_ctime_nsec),
    ]
}
