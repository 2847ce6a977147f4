//! Debian packages: an `ar` of `debian-binary`, `control.tar.*` and `data.tar.*`.
//!
//! # Source
//! deb(5). Members are found by position, so nothing but their 60-byte headers is read here. Not here: other uses of `ar`.

use std::fs::File;
use std::io::{self, Read};

use super::error::{Cause, corrupt};
use super::format::{BLOCK, Compression, read_at};

const GLOBAL_HEADER: u64 = 8;
const HEADER: usize = 60;

/// The part of a file that is one member.
pub(super) struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
        let length = read_at(self.file, into.get_mut(..most).unwrap_or_default(), self.at)?;
        if length < most {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += length as u64;
        Ok(length)
    }
}

/// The package's files: the member `data.tar`, `data.tar.gz`, ….
pub(super) fn data(file: &File) -> Result<(Part<'_>, Compression), Cause> {
    let mut at = GLOBAL_HEADER;
    loop {
        let mut header = [0; HEADER];
        match read_at(file, &mut header, at).map_err(Cause::Corrupt)? {
            0 => return Err(Cause::Format),
            HEADER => {}
            _ => return Err(corrupt("ar header cut short")),
        }
        let (name, size) = parse(&header)?;
        at += HEADER as u64;
        let end = at.checked_add(size).ok_or_else(|| corrupt("ar member too large"))?;
        if name == "data.tar" || name.starts_with("data.tar.") {
            let mut start = [0; BLOCK];
            let length = read_at(file, &mut start, at).map_err(Cause::Corrupt)?;
            let compression = Compression::of(start.get(..length).unwrap_or_default()).ok_or(Cause::Format)?;
            return Ok((Part { file, at, end }, compression));
        }
        // Members start at even positions.
        at = end.checked_add(size % 2).ok_or_else(|| corrupt("ar member too large"))?;
    }
}

fn parse(header: &[u8; HEADER]) -> Result<(&str, u64), Cause> {
    let text = std::str::from_utf8(header).map_err(corrupt)?;
    let field = |from, to| text.get(from..to).map(str::trim_end).unwrap_or_default();
    if field(58, 60) != "`" {
        return Err(corrupt("ar header without its end mark"));
    }
    let size = field(48, 58).parse().map_err(corrupt)?;
    Ok((field(0, 16).trim_end_matches('/'), size))
}
