//! A universe as bytes. Not here: where they are kept, and the key under which.
//!
//! # Specification
//! ```text
//! magic      "opam-u2\n"
//! check      8 bytes, little-endian: the mixed words of all that follows
//! length     8 bytes, little-endian: how long the index is
//! index      archive mirrors: count, then each: priority, count of URLs, URLs
//!            packages: count, then each: name, count of versions, then each:
//!              version, priority, length of text, count of files, then each: path, length
//! contents   texts and files in the order of the index, with nothing between
//! ```
//! Numbers of the index are LEB128, texts a length and bytes. Names ascend, and versions of each name; no name is without
//! versions. The check is no defence against malice, only against damage: whoever can write the cache can write the universe.

use std::sync::{Arc, OnceLock};

use super::{Entry, Named, Part, Universe};
use crate::name::PackageName;
use crate::version::Version;

const MAGIC: &[u8; 8] = b"opam-u2\n";
const CHECK: usize = 8;
const HEADER: usize = 24;

/// Bytes that are no encoded universe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They do not start as one, or as one of another version.
    #[error("not an encoded universe of this version")]
    Magic,
    /// They are not what was written.
    #[error("the encoded universe is damaged")]
    Damaged,
    /// They are what was written, but no encoder of this version writes so.
    #[error("the encoded universe is malformed")]
    Malformed,
}

fn put(number: usize, out: &mut Vec<u8>) {
    let mut number = number as u64;
    while number >= 0x80 {
        out.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    out.push(low_byte(number));
}

fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn encode(universe: &Universe) -> Vec<u8> {
    let (mut index, mut length) = (Vec::new(), 0);
    put(universe.archive_mirrors.len(), &mut index);
    for (priority, urls) in &universe.archive_mirrors {
        put(*priority as usize, &mut index);
        put(urls.len(), &mut index);
        urls.iter().for_each(|url| put_text(url, &mut index));
    }
    put(universe.packages.len(), &mut index);
    for named in &universe.packages {
        put_text(named.name.as_str(), &mut index);
        put(named.entries.len(), &mut index);
        for entry in &named.entries {
            put_text(entry.version.as_str(), &mut index);
            put(entry.priority as usize, &mut index);
            put(entry.text().len(), &mut index);
            put(entry.files.len(), &mut index);
            for (path, bytes) in entry.files() {
                put_text(path, &mut index);
                put(bytes.len(), &mut index);
            }
            length += contents(entry).map(<[u8]>::len).sum::<usize>();
        }
    }
    // All of it once: a universe is tens of megabytes.
    let mut out = Vec::with_capacity(HEADER + index.len() + length);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[0; CHECK]);
    out.extend_from_slice(&(index.len() as u64).to_le_bytes());
    out.append(&mut index);
    universe.entries().flat_map(contents).for_each(|bytes| out.extend_from_slice(bytes));
    if let Some((start, body)) = out.split_at_mut_checked(MAGIC.len() + CHECK)
        && let Some(check) = start.last_chunk_mut::<CHECK>()
    {
        *check = mix(body).to_le_bytes();
    }
    out
}

/// Its text and files, in the order of the encoded contents.
fn contents(entry: &Entry) -> impl Iterator<Item = &[u8]> {
    std::iter::once(entry.text()).chain(entry.files().map(|(_, bytes)| bytes))
}

/// A 64-bit sum in which every byte and its place count; four lanes, for the sake of speed.
pub(super) fn mix(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    };
    let mut lanes = [1_u64, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        lanes.iter_mut().zip(words).for_each(|(lane, word)| *lane = step(*lane, u64::from_le_bytes(*word)));
    }
    let mut sum = lanes.into_iter().fold(bytes.len() as u64, step);
    for part in rest.chunks(8) {
        sum = step(sum, word(part));
    }
    step(sum, FACTOR)
}

/// Reads the index, and gives away the contents from the front.
struct Decoder<'a> {
    bytes: &'a Arc<[u8]>,
    index: &'a [u8],
    contents: usize,
}

impl Decoder<'_> {
    fn number(&mut self) -> Result<usize, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.index.split_first().ok_or(DecodeError::Malformed)?;
            self.index = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).map_err(|_| DecodeError::Malformed);
            }
        }
        Err(DecodeError::Malformed)
    }

    fn text(&mut self) -> Result<&str, DecodeError> {
        let length = self.number()?;
        let (text, rest) = self.index.split_at_checked(length).ok_or(DecodeError::Malformed)?;
        self.index = rest;
        std::str::from_utf8(text).map_err(|_| DecodeError::Malformed)
    }

    fn part(&mut self) -> Result<Part, DecodeError> {
        let end = self.contents.checked_add(self.number()?).filter(|end| *end <= self.bytes.len());
        let range = self.contents..end.ok_or(DecodeError::Malformed)?;
        self.contents = range.end;
        Ok(Part { whole: Arc::clone(self.bytes), range })
    }

    /// As many of `read` as the count that is next. No space is set aside for what may be a lie.
    fn several<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        let count = self.number()?;
        let mut found = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            found.push(read(self)?);
        }
        Ok(found)
    }

    fn entry(&mut self, name: &PackageName) -> Result<Entry, DecodeError> {
        let version = Version::new(self.text()?).map_err(|_| DecodeError::Malformed)?;
        let priority = u32::try_from(self.number()?).map_err(|_| DecodeError::Malformed)?;
        let text = self.part()?;
        let files = self.several(|decoder| Ok((decoder.text()?.to_owned(), decoder.part()?)))?;
        Ok(Entry { name: name.clone(), version, priority, text, files, parsed: OnceLock::new() })
    }

    fn mirrors(&mut self) -> Result<(u32, Vec<String>), DecodeError> {
        let priority = u32::try_from(self.number()?).map_err(|_| DecodeError::Malformed)?;
        Ok((priority, self.several(|decoder| decoder.text().map(str::to_owned))?))
    }

    fn named(&mut self) -> Result<Named, DecodeError> {
        let name = PackageName::new(self.text()?).map_err(|_| DecodeError::Malformed)?;
        let entries = self.several(|decoder| decoder.entry(&name))?;
        if entries.is_empty() || !entries.is_sorted_by(|a, b| a.version < b.version) {
            return Err(DecodeError::Malformed);
        }
        Ok(Named { name, entries })
    }
}

pub(super) fn decode(bytes: &Arc<[u8]>) -> Result<Universe, DecodeError> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len()).ok_or(DecodeError::Magic)?;
    if magic != MAGIC {
        return Err(DecodeError::Magic);
    }
    let (check, body) = rest.split_first_chunk::<8>().ok_or(DecodeError::Damaged)?;
    if mix(body) != u64::from_le_bytes(*check) {
        return Err(DecodeError::Damaged);
    }
    let (length, rest) = body.split_first_chunk::<8>().ok_or(DecodeError::Malformed)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| DecodeError::Malformed)?;
    let (index, _) = rest.split_at_checked(length).ok_or(DecodeError::Malformed)?;
    let mut decoder = Decoder { bytes, index, contents: HEADER + length };
    let archive_mirrors = decoder.several(Decoder::mirrors)?.into_iter().collect();
    let packages = decoder.several(Decoder::named)?;
    let complete = decoder.index.is_empty() && decoder.contents == bytes.len();
    if !complete || !packages.is_sorted_by(|a, b| a.name < b.name) {
        return Err(DecodeError::Malformed);
    }
    Ok(Universe { packages, archive_mirrors })
}
