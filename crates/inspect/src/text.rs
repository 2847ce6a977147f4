//! Names read out of a file, under a limit. NOT here: which names exist.
//!
//! A hostile file can make thousands of entries point at one long string; honest string tables are read about once.
//! The limit keeps time and memory linear in the size of the file.

use std::borrow::Cow;

use crate::error::{Error, Part, broken};

/// How often the whole file may be read as names. Suffix sharing makes honest files exceed one, barely.
const READS_OF_FILE: usize = 16;

/// What is left of the names that may be read from one file.
#[derive(Debug)]
pub(crate) struct Names {
    left: usize,
}

impl Names {
    /// For a file of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { left: bytes.len().saturating_mul(READS_OF_FILE).saturating_add(4096) }
    }

    /// A name as text; what is not UTF-8 in it appears as U+FFFD. `part` and `offset` say what was being read.
    pub(crate) fn take<'d>(&mut self, name: &'d [u8], part: Part, offset: u64) -> Result<Cow<'d, str>, Error> {
        // One more than the length, so that countless empty names end too.
        self.left = self
            .left
            .checked_sub(name.len().saturating_add(1))
            .ok_or_else(|| broken(part, offset, "more names than the file can hold"))?;
        Ok(String::from_utf8_lossy(name))
    }
}

/// The bytes up to the first NUL; all of them if there is none.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}
