//! What a file holds: one object, slices for several processors, members of an archive, or nothing of the kind.
//! NOT here: the facts of one object (`report`).

use std::borrow::Cow;

use crate::archive;
use crate::coff;
use crate::elf;
use crate::error::Error;
use crate::macho;
use crate::pe;
use crate::report::Report;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'d> {
    /// One object file.
    Object(Box<Report<'d>>),
    /// A universal Mach-O file, in file order.
    Universal(Vec<Slice<'d>>),
    /// A static library.
    Archive(Archive<'d>),
    /// None of the formats this crate reads: text, bitcode, WebAssembly, scripts, ...
    NotAnObject,
}

/// One processor's part of a universal Mach-O file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<'d> {
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// An object or an archive. Offsets in errors count from the start of the file.
    pub content: Result<Content<'d>, Error>,
}

/// A static library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive<'d> {
    /// The members' bytes are in files beside it, so that nothing is known of them.
    pub thin: bool,
    /// The members in file order, without symbol and name tables.
    pub members: Vec<Member<'d>>,
    /// Why the list of members ends before the archive does.
    pub damage: Option<Error>,
}

/// A member of a static library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'d> {
    /// Its name; several members can share one.
    pub name: Cow<'d, str>,
    /// Where its bytes begin in the file; 0 in thin archives.
    pub offset: u64,
    /// Their number.
    pub size: u64,
    /// `None` if it is not an object file. Offsets in errors count from the start of the file.
    pub object: Result<Option<Box<Report<'d>>>, Error>,
}

/// One thing in a file that was to be an object, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'c, 'd> {
    /// Which of several.
    pub place: Place<'c>,
    /// Its facts, or why there are none.
    pub report: Result<&'c Report<'d>, Error>,
}

/// Which of several objects in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place<'c> {
    /// The number of the slice of a universal file, from 0.
    pub slice: Option<usize>,
    /// The name of the member of an archive.
    pub member: Option<&'c str>,
}

/// Reads what the file says of itself.
///
/// Damage inside an archive or a universal file is in the [`Content`], beside what could be read; so is a file of
/// another kind. In time linear in the number of headers and names, not in the size of code and data.
///
/// # Errors
///
/// The file begins like an object and then breaks the rules of its format: cut short, or not what it seems.
pub fn inspect(bytes: &[u8]) -> Result<Content<'_>, Error> {
    if let Some(slices) = archive::slices(bytes)? {
        return Ok(Content::Universal(slices));
    }
    inspect_slice(bytes)
}

/// Reads an archive or an object: what can be in a slice of a universal file.
pub(crate) fn inspect_slice(bytes: &[u8]) -> Result<Content<'_>, Error> {
    if let Some(archive) = archive::read(bytes)? {
        return Ok(Content::Archive(archive));
    }
    Ok(inspect_object(bytes)?.map_or(Content::NotAnObject, |report| Content::Object(Box::new(report))))
}

/// Reads an object alone: what can be a member of an archive.
pub(crate) fn inspect_object(bytes: &[u8]) -> Result<Option<Report<'_>>, Error> {
    if bytes.starts_with(elf::MAGIC) {
        elf::read(bytes).map(Some)
    } else if let Some(bits) = macho::recognize(bytes) {
        macho::read(bytes, bits).map(Some)
    } else if pe::is_image(bytes) {
        pe::read(bytes).map(Some)
    } else if let Some(coff) = coff::recognize(bytes) {
        coff::read(bytes, coff).map(Some)
    } else {
        Ok(None)
    }
}

impl<'d> Content<'d> {
    /// Every object in the file, and everything that should have been one; archive members that are no objects
    /// are left out.
    #[must_use]
    pub fn items(&self) -> Vec<Item<'_, 'd>> {
        let mut items = Vec::new();
        self.collect(None, &mut items);
        items
    }

    fn collect<'c>(&'c self, slice: Option<usize>, items: &mut Vec<Item<'c, 'd>>) {
        let place = Place { slice, member: None };
        match self {
            Self::Object(report) => items.push(Item { place, report: Ok(report) }),
            Self::Universal(slices) => {
                for (number, slice) in slices.iter().enumerate() {
                    match &slice.content {
                        Ok(content) => content.collect(Some(number), items),
                        Err(error) => {
                            let place = Place { slice: Some(number), member: None };
                            items.push(Item { place, report: Err(*error) });
                        }
                    }
                }
            }
            Self::Archive(archive) => {
                items.extend(archive.members.iter().filter_map(|member| member.item(slice)));
                items.extend(archive.damage.map(|error| Item { place, report: Err(error) }));
            }
            Self::NotAnObject => {}
        }
    }
}

impl<'d> Member<'d> {
    fn item(&self, slice: Option<usize>) -> Option<Item<'_, 'd>> {
        let place = Place { slice, member: Some(&self.name) };
        match &self.object {
            Ok(report) => report.as_deref().map(|report| Item { place, report: Ok(report) }),
            Err(error) => Some(Item { place, report: Err(*error) }),
        }
    }
}
