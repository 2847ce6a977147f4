//! Unpacking of archives into a fresh directory, whatever the archive says.
//!
//! The format is told by the first bytes, never by a name: tar, plain or compressed by gzip, bzip2, xz or zstd; zip; and
//! a Debian package, whose files are its `data.tar`. An archive is input from strangers: no member is ever written
//! outside the directory, nor through a symbolic link, and none takes more room than the limits say. What is refused
//! is refused with the member's name and the cause ([`UnpackError`]), and the directory is then left half filled: it
//! is the caller's to remove.
//!
//! What comes out is what a tree of [`action::tree`] can hold: files (0644, or 0755 where the owner may execute),
//! directories and relative symbolic links that stay inside. Owners, times, set-id bits and extended attributes are
//! dropped, and hard links become files of their own. Of members with the same name the last one counts in a tar, as
//! it does for `tar`; a zip that has any is refused.
//!
//! Not here: fetching and checking of archives (they come with their checksum verified), and hashing of the result.

mod compressed;
mod debian;
mod error;
mod format;
mod links;
mod select;
mod tar;
#[cfg(test)]
mod tests;
mod writer;
mod zip;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use action::graph;
use action::path::RelPath;
use action::pattern::Pattern;

pub use self::error::{Cause, UnpackError};
use self::error::{Fault, at};
use self::format::Format;
use self::writer::Root;

/// What to take of an archive, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    /// How many leading path components to take off; members with no more than these are skipped.
    pub strip: usize,
    /// What to keep, after stripping; everything if empty.
    pub keep: Vec<Pattern>,
    /// What to leave out of that.
    pub leave_out: Vec<Pattern>,
    /// What to make executable whatever the archive says.
    pub executable: Vec<Pattern>,
    /// How much an archive may hold.
    pub limits: Limits,
}

/// How much an archive may hold: protection against archives made to fill a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all members that are read: all of them in a tar, the chosen ones in a zip.
    pub bytes: u64,
    /// Members, chosen or not.
    pub members: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Regular files, hard links among them.
    pub files: u64,
    /// Directories that are members; those made for the sake of their files do not count.
    pub directories: u64,
    /// Symbolic links.
    pub links: u64,
    /// Members that were not chosen.
    pub skipped: u64,
    /// Bytes in the files.
    pub bytes: u64,
}

impl Default for Limits {
    /// 16 GiB in a million members: some forty times the largest archive of use here, a zig for all targets.
    fn default() -> Self {
        Self { bytes: 16 << 30, members: 1_000_000 }
    }
}

impl From<&graph::Unpack> for Spec {
    fn from(node: &graph::Unpack) -> Self {
        Self {
            strip: node.strip,
            keep: node.keep.clone(),
            leave_out: node.leave_out.clone(),
            executable: node.executable.clone(),
            limits: Limits::default(),
        }
    }
}

/// Unpacks the file `archive` into `into`, which must be absent or an empty directory (its parent must exist).
///
/// # Errors
/// [`UnpackError`] names the archive, the member if it is about one, and the cause. `into` may then hold anything
/// that came before it in the archive.
pub fn unpack(archive: &Path, into: &Path, spec: &Spec) -> Result<Summary, UnpackError> {
    let unpacked = unpack_file(archive, into, spec);
    unpacked.map_err(|fault| UnpackError { archive: archive.to_owned(), member: fault.member, cause: fault.cause })
}

/// Shows every regular file of a tar, plain or compressed, to `visit`: its path, its contents, and their length. What of
/// the contents is left unread is skipped; nothing is written anywhere, and links are left out.
///
/// # Errors
/// As [`unpack`]; [`Cause::Corrupt`] also for what `visit` returns.
pub fn read(
    archive: &Path,
    limits: Limits,
    visit: impl FnMut(RelPath, &mut dyn Read, u64) -> io::Result<()>,
) -> Result<(), UnpackError> {
    let read = read_file(archive, limits, visit);
    read.map_err(|fault| UnpackError { archive: archive.to_owned(), member: fault.member, cause: fault.cause })
}

fn read_file(
    archive: &Path,
    limits: Limits,
    visit: impl FnMut(RelPath, &mut dyn Read, u64) -> io::Result<()>,
) -> Result<(), Fault> {
    let file = File::open(archive).map_err(at(archive))?;
    match Format::of(&file).map_err(at(archive))?.ok_or(Cause::Format)? {
        Format::Tar(compression) => {
            compressed::with_contents(&file, compression, |contents| tar::read(contents, limits, visit))
        }
        Format::Zip | Format::Ar => Err(Cause::Unsupported("an archive other than a tar").into()),
    }
}

fn unpack_file(archive: &Path, into: &Path, spec: &Spec) -> Result<Summary, Fault> {
    let file = File::open(archive).map_err(at(archive))?;
    let format = Format::of(&file).map_err(at(archive))?.ok_or(Cause::Format)?;
    let root = Root::open(into)?;
    let unpack_tar = |contents: &mut dyn Read| tar::unpack(contents, &root, spec);
    match format {
        Format::Tar(compression) => compressed::with_contents(&file, compression, unpack_tar),
        Format::Zip => zip::unpack(&file, &root, spec),
        Format::Ar => {
            let (part, compression) = debian::data(&file)?;
            compressed::with_contents(part, compression, unpack_tar)
        }
    }
}
