//! Collections in archives: a tar, plain or compressed.
//!
//! Archives often have everything in one directory named after a version; the collection is looked for there too. Links
//! are no files and left out. Of members with the same name the last one counts.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use action::path::RelPath;

use super::{CollectionError, Member, Shape};
use crate::unpack;

/// Room that is made on the word of a header alone.
const MOST_AT_ONCE: u64 = 1 << 20;

/// The collection in the archive `file`, in the order of paths.
///
/// # Errors
/// If the archive cannot be read, or has too much in it.
pub fn archive(file: &Path, shape: &Shape) -> Result<Vec<Member>, CollectionError> {
    // By how many leading names were taken off: none, or one.
    let (mut plain, mut below) = (BTreeMap::new(), BTreeMap::new());
    unpack::read(file, shape.limits, |path, contents, length| {
        let inner = path.as_str().split_once('/').and_then(|(_, below)| RelPath::new(below).ok());
        let (found, path) = match inner {
            _ if shape.chooses(&path) => (&mut plain, path),
            Some(inner) if shape.chooses(&inner) => (&mut below, inner),
            _ => return Ok(()),
        };
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(MOST_AT_ONCE)).unwrap_or(0));
        if contents.read_to_end(&mut bytes)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        found.insert(path.clone(), Member { path, bytes: bytes.into() });
        Ok(())
    })?;
    let members = if plain.is_empty() { below } else { plain };
    Ok(members.into_values().collect())
}
