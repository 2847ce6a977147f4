//! Where in a file a byte is, in words a developer knows. NOT here: lines or symbols.

use std::borrow::Cow;

use object::{Object, ObjectSection};

use crate::archive;
use crate::content::{Content, Slice, inspect_slice};

/// Where in a file a byte is; all `None` if it is in no section of an object that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location<'d> {
    /// The number of the slice of a universal Mach-O file, from 0.
    pub slice: Option<usize>,
    /// The name of the archive member.
    pub member: Option<Cow<'d, str>>,
    /// The name of the section, `segment,section` in Mach-O.
    pub section: Option<Cow<'d, str>>,
}

/// Names the place of a byte, for example of [`HostPath::offset`](crate::HostPath::offset).
///
/// Reads the headers anew each time: for the few findings of a report, not for a scan.
#[must_use]
pub fn locate(bytes: &[u8], offset: u64) -> Location<'_> {
    let slices = archive::slices(bytes).ok().flatten().unwrap_or_default();
    let within = |slice: &Slice<'_>| offset >= slice.offset && offset.wrapping_sub(slice.offset) < slice.size;
    match slices.iter().enumerate().find(|(_, slice)| within(slice)) {
        Some((number, slice)) => {
            let location = range(bytes, slice.offset, slice.size)
                .map(|inner| locate_in_slice(inner, offset.saturating_sub(slice.offset)));
            Location { slice: Some(number), ..location.unwrap_or_default() }
        }
        None => locate_in_slice(bytes, offset),
    }
}

fn locate_in_slice(bytes: &[u8], offset: u64) -> Location<'_> {
    if !archive::is_archive(bytes) {
        return Location { section: section(bytes, offset), ..Location::default() };
    }
    let Ok(Content::Archive(archive)) = inspect_slice(bytes) else { return Location::default() };
    let member = archive
        .members
        .into_iter()
        .find(|member| offset >= member.offset && offset.wrapping_sub(member.offset) < member.size);
    member.map_or_else(Location::default, |member| Location {
        slice: None,
        section: range(bytes, member.offset, member.size)
            .and_then(|inner| section(inner, offset.saturating_sub(member.offset))),
        member: Some(member.name),
    })
}

fn section(bytes: &[u8], offset: u64) -> Option<Cow<'_, str>> {
    let file = object::File::parse(bytes).ok()?;
    let section = file.sections().find(|section| {
        section.file_range().is_some_and(|(start, size)| offset >= start && offset.wrapping_sub(start) < size)
    })?;
    // The section borrows from `file`, so its names have to be copied: two short strings.
    let name = String::from_utf8_lossy(section.name_bytes().ok()?).into_owned();
    match section.segment_name_bytes().ok().flatten() {
        Some(segment) => Some(Cow::Owned(format!("{},{name}", String::from_utf8_lossy(segment)))),
        None => Some(Cow::Owned(name)),
    }
}

fn range(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}
