//! Tar archives: members one after the other, the later in place of the earlier.
//!
//! # Source
//! pax(1) for ustar and pax headers, GNU tar's manual ("Standard Format", "Extensions") for long names.
//! The crate `tar` is used for single headers only: what it does by itself with long names holds them in memory
//! whatever their size. Sparse and multi-volume members are not supported: nobody publishes sources so.

use std::io::{self, Read};

use ::tar::{Archive, Entry, EntryType, PaxExtensions};
use action::path::RelPath;

use super::error::{Cause, Fault, at, corrupt, shown};
use super::format::{BLOCK, is_tar};
use super::links::Links;
use super::writer::{Budget, Root, Writer};
use super::{Limits, Spec, Summary};

/// Honest headers are far shorter.
const LONGEST_HEADER: u64 = 1 << 20;

/// Names and targets that a header before the member's own gave.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
}

struct Unpacking<'a> {
    spec: &'a Spec,
    writer: Writer<'a>,
    budget: Budget,
    links: Links,
    summary: Summary,
}

/// Unpacks a tar.
pub(super) fn unpack(tar: &mut dyn Read, root: &Root, spec: &Spec) -> Result<Summary, Fault> {
    let budget = Budget::new(spec.limits.bytes);
    let mut unpacking =
        Unpacking { spec, writer: root.writer(), budget, links: Links::default(), summary: Summary::default() };
    each_member(tar, spec.limits.members, |entry, ahead| unpacking.member(entry, ahead))?;
    unpacking.finish()
}

/// Shows every regular file of a tar to `visit`: its path, its contents, and their length. What is not read is skipped.
pub(super) fn read(
    tar: &mut dyn Read,
    limits: Limits,
    mut visit: impl FnMut(RelPath, &mut dyn Read, u64) -> io::Result<()>,
) -> Result<(), Fault> {
    let (budget, everything) = (Budget::new(limits.bytes), Spec::default());
    each_member(tar, limits.members, |entry, ahead| {
        let name = ahead.name.unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let mut look = || {
            budget.take(entry.size())?;
            let kind = entry.header().entry_type();
            let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous) && !name.ends_with(b"/");
            match everything.path(&name)?.filter(|_| is_file) {
                Some(path) => {
                    let size = entry.size();
                    visit(path, entry, size).map_err(Cause::Corrupt)
                }
                None => Ok(()),
            }
        };
        look().map_err(Fault::of(&name))
    })
}

/// Goes through the members of a tar, each with what the headers before it say of it.
fn each_member<'t>(
    tar: &'t mut dyn Read,
    limit: u64,
    mut visit: impl FnMut(&mut Entry<'_, io::Chain<&[u8], &'t mut dyn Read>>, Ahead) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut start = Vec::with_capacity(BLOCK);
    tar.take(BLOCK as u64).read_to_end(&mut start).map_err(Cause::Corrupt)?;
    if !is_tar(&start) {
        return Err(Cause::Format.into());
    }
    let mut archive = Archive::new(start.as_slice().chain(tar));
    let mut ahead = Ahead::default();
    let mut count = 0;
    for entry in archive.entries().map_err(Cause::Corrupt)?.raw(true) {
        count += 1;
        if count > limit {
            return Err(Cause::Members(limit).into());
        }
        let mut entry = entry.map_err(Cause::Corrupt)?;
        if !ahead.read(&mut entry)? {
            visit(&mut entry, std::mem::take(&mut ahead))?;
        }
    }
    if ahead.any() {
        return Err(corrupt("ends between a member's name and the member").into());
    }
    Ok(())
}

impl Ahead {
    fn any(&self) -> bool {
        self.name.is_some() || self.target.is_some() || self.size.is_some()
    }

    /// Reads a header that is about the next member; false if the entry is a member itself.
    fn read<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<bool, Cause> {
        let kind = entry.header().entry_type();
        if !matches!(kind.as_byte(), b'L' | b'K' | b'x' | b'g') {
            return Ok(false);
        }
        if entry.size() > LONGEST_HEADER {
            return Err(Cause::TooLong);
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(Cause::Corrupt)?;
        if (text.len() as u64) < entry.size() {
            return Err(corrupt("header cut short"));
        }
        let until_nul = |text: &[u8]| text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        match kind {
            EntryType::GNULongName => self.name = Some(until_nul(&text)),
            EntryType::GNULongLink => self.target = Some(until_nul(&text)),
            _ => self.read_pax(&text, kind == EntryType::XGlobalHeader)?,
        }
        Ok(true)
    }

    fn read_pax(&mut self, text: &[u8], global: bool) -> Result<(), Cause> {
        for record in PaxExtensions::new(text) {
            let record = record.map_err(Cause::Corrupt)?;
            match record.key_bytes() {
                b"path" | b"linkpath" | b"size" if global => return Err(Cause::Unsupported("a path for all members")),
                b"path" => self.name = Some(record.value_bytes().to_vec()),
                b"linkpath" => self.target = Some(record.value_bytes().to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(record.value_bytes()).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(|| corrupt("pax size that is no number"))?);
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(Cause::Unsupported("a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Unpacking<'_> {
    fn member<R: Read>(&mut self, entry: &mut Entry<'_, R>, ahead: Ahead) -> Result<(), Fault> {
        let name = ahead.name.unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let written = self.member_named(entry, &name, ahead.target, ahead.size);
        written.map_err(Fault::of(&name))
    }

    fn member_named<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        name: &[u8],
        target: Option<Vec<u8>>,
        size: Option<u64>,
    ) -> Result<(), Cause> {
        if size.is_some_and(|size| size != entry.size()) {
            return Err(Cause::Unsupported("a member of 8 GiB or more"));
        }
        let kind = entry.header().entry_type();
        if kind.as_byte() == b'V' {
            return Ok(()); // A label of the whole archive, under no path.
        }
        let Some(path) = self.spec.path(name)? else {
            self.summary.skipped += 1;
            return self.budget.take(entry.size());
        };
        let target = || target.or_else(|| entry.header().link_name_bytes().map(Into::into)).unwrap_or_default();
        match kind {
            EntryType::Directory => self.directory(&path),
            EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => self.directory(&path),
            EntryType::Regular | EntryType::Continuous => {
                let executable = entry.header().mode().map_err(Cause::Corrupt)? & 0o100 != 0;
                self.file(&path, executable, entry)
            }
            EntryType::Symlink => self.link(path, &target()),
            EntryType::Link => self.hard_link(&path, &target()),
            EntryType::Char | EntryType::Block => Err(Cause::Special("device")),
            EntryType::Fifo => Err(Cause::Special("named pipe")),
            EntryType::GNUSparse => Err(Cause::Unsupported("a sparse file")),
            _ => Err(Cause::Unsupported("this kind of member")),
        }
    }

    fn directory(&mut self, path: &RelPath) -> Result<(), Cause> {
        self.links.check(path)?;
        self.writer.directory(path)?;
        self.summary.directories += 1;
        Ok(())
    }

    fn file<R: Read>(&mut self, path: &RelPath, executable: bool, entry: &mut Entry<'_, R>) -> Result<(), Cause> {
        self.links.check_parents(path)?;
        self.links.remove(path);
        let size = entry.size();
        let executable = self.spec.executable(path, executable);
        let written = self.writer.file(path, executable, entry, &self.budget)?;
        if written != size {
            return Err(Cause::Corrupt(io::ErrorKind::UnexpectedEof.into()));
        }
        self.summary.files += 1;
        self.summary.bytes += written;
        Ok(())
    }

    fn link(&mut self, path: RelPath, target: &[u8]) -> Result<(), Cause> {
        self.links.check_parents(&path)?;
        self.writer.clear(&path)?;
        self.links.add(path, target)
    }

    /// A hard link becomes a copy: in a tree there are no others, and one may then be changed alone.
    fn hard_link(&mut self, path: &RelPath, target: &[u8]) -> Result<(), Cause> {
        self.links.check_parents(path)?;
        let missing = || Cause::HardLink(shown(target));
        let from = self.spec.path(target)?.ok_or_else(missing)?;
        self.links.check_parents(&from)?;
        if let Some(link) = self.links.get(&from).cloned() {
            return self.link(path.clone(), link.as_str().as_bytes());
        }
        let mut file = self.writer.reopen(&from)?.ok_or_else(missing)?;
        let metadata = file.metadata().map_err(at(from.as_ref()))?;
        let executable = self.spec.executable(path, is_executable(&metadata));
        self.links.remove(path);
        self.summary.bytes += self.writer.file(path, executable, &mut file, &self.budget)?;
        self.summary.files += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Summary, Fault> {
        let links = self.links.finish()?;
        self.summary.links = self.writer.links(&links)?;
        Ok(self.summary)
    }
}

fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}
