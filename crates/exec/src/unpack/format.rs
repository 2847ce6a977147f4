//! Which format a file is in, by its first bytes.
//!
//! Not here: what is inside a compressed file; that it is a tar is found out when it is read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// The size of a tar's records, and how much is looked at.
pub(super) const BLOCK: usize = 512;

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Tar(Compression),
    Zip,
    Ar,
}

/// How a tar is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Compression {
    /// The compression that starts with these bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        const MAGIC: [(&[u8], Compression); 4] = [
            (b"\x1f\x8b", Compression::Gzip),
            (b"BZh", Compression::Bzip2),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
        ];
        let known = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, compression)| *compression);
        known.or_else(|| is_tar(start).then_some(Self::None))
    }
}

impl Format {
    /// The format of a file; nothing if unknown.
    pub(super) fn of(file: &File) -> io::Result<Option<Self>> {
        let mut start = [0; BLOCK];
        let length = read_at(file, &mut start, 0)?;
        let start = start.get(..length).unwrap_or_default();
        if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            return Ok(Some(Self::Zip));
        }
        if start.starts_with(b"!<arch>\n") {
            return Ok(Some(Self::Ar));
        }
        Ok(Compression::of(start).map(Self::Tar))
    }
}

/// Whether a tar can start like this: a header with the right checksum, or the block of zeros of an empty one.
pub(super) fn is_tar(start: &[u8]) -> bool {
    let Some(block) = start.get(..BLOCK) else { return false };
    let header = ::tar::Header::from_byte_slice(block);
    let (before, after) = (block.get(..148).unwrap_or_default(), block.get(156..).unwrap_or_default());
    let sum = before.iter().chain(b"        ").chain(after).map(|byte| u32::from(*byte)).sum();
    block.iter().all(|byte| *byte == 0) || header.cksum().is_ok_and(|expected| expected == sum)
}

/// Reads as much as there is, at a position.
pub(super) fn read_at(file: &File, mut into: &mut [u8], mut position: u64) -> io::Result<usize> {
    let all = into.len();
    while !into.is_empty() {
        match file.read_at(into, position) {
            Ok(0) => break,
            Ok(length) => {
                into = into.get_mut(length..).unwrap_or_default();
                position += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all - into.len())
}
