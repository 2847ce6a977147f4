//! The dynamic table: libraries, search paths, and where the version requirements are.
//! NOT here: the requirements themselves (`versions`).

use std::borrow::Cow;

use object::Endianness;
use object::elf::{self, DynamicTag};
use object::read::StringTable;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use super::{Elf, versions};
use crate::error::{At, Error, Part};
use crate::text::Names;
use crate::version_need::VersionNeed;

/// What the dynamic table says.
#[derive(Debug, Default)]
pub(super) struct Dynamic<'d> {
    pub(super) needed: Vec<Cow<'d, str>>,
    pub(super) soname: Option<Cow<'d, str>>,
    pub(super) rpath: Vec<Cow<'d, str>>,
    pub(super) runpath: Vec<Cow<'d, str>>,
    pub(super) version_needs: Vec<VersionNeed<'d>>,
    /// Marked by the linker as a position-independent program.
    pub(super) pie: bool,
}

/// The entries of the table that are numbers, before anything is looked up.
#[derive(Debug, Default)]
pub(super) struct Tags {
    strings: Option<u64>,
    strings_size: u64,
    pub(super) symbols: Option<u64>,
    pub(super) version_needs: Option<u64>,
    pub(super) version_need_count: u64,
    pub(super) version_indices: Option<u64>,
    /// Every address in the table: the tables follow each other, so one ends where the next begins at the latest.
    pub(super) addresses: Vec<u64>,
    pie: bool,
}

/// The string table of the dynamic table, with the place for errors.
#[derive(Clone, Copy)]
pub(super) struct Strings<'d> {
    table: StringTable<'d>,
    offset: u64,
}

impl<'d> Strings<'d> {
    /// The string at an offset into the table.
    pub(super) fn get(&self, at: u64, names: &mut Names) -> Result<Cow<'d, str>, Error> {
        let offset = self.offset.saturating_add(at);
        let name =
            u32::try_from(at).map_err(drop).and_then(|at| self.table.get(at)).at(Part::DynamicStrings, offset)?;
        names.take(name, Part::DynamicStrings, offset)
    }
}

impl<'d> Dynamic<'d> {
    /// `None` if the file has no dynamic table.
    pub(super) fn read<H: FileHeader<Endian = Endianness>>(
        elf: &Elf<'d, H>,
        names: &mut Names,
    ) -> Result<Option<Self>, Error> {
        let Some(segment) = elf.segments.iter().find(|segment| segment.p_type(elf.endian) == elf::PT_DYNAMIC) else {
            return Ok(None);
        };
        let offset = segment.p_offset(elf.endian).into();
        let entries = segment.dynamic(elf.endian, elf.bytes).at(Part::DynamicTable, offset)?.unwrap_or_default();
        let entries = entries
            .iter()
            .map(|entry| (entry.tag(elf.endian), entry.val(elf.endian)))
            .take_while(|(tag, _)| *tag != elf::DT_NULL);

        let tags = Tags::collect(entries.clone());
        let mut dynamic = Self { pie: tags.pie, ..Self::default() };
        // A static position-independent program has a table without strings.
        let Some(address) = tags.strings else { return Ok(Some(dynamic)) };
        let (bytes, offset) = elf.loaded_bytes(address, Part::DynamicStrings)?;
        let size = bytes.len().min(usize::try_from(tags.strings_size).unwrap_or(usize::MAX));
        let strings = Strings { table: StringTable::new(bytes.get(..size).unwrap_or(bytes), 0, size as u64), offset };

        for (tag, value) in entries {
            dynamic.name(tag, value, &strings, names)?;
        }
        dynamic.version_needs = versions::read(elf, &tags, &strings, names)?;
        Ok(Some(dynamic))
    }

    fn name(&mut self, tag: DynamicTag, value: u64, strings: &Strings<'d>, names: &mut Names) -> Result<(), Error> {
        match tag {
            elf::DT_NEEDED => self.needed.push(strings.get(value, names)?),
            elf::DT_SONAME => self.soname = Some(strings.get(value, names)?),
            elf::DT_RPATH => self.rpath.extend(directories(strings.get(value, names)?)),
            elf::DT_RUNPATH => self.runpath.extend(directories(strings.get(value, names)?)),
            _ => {}
        }
        Ok(())
    }
}

impl Tags {
    fn collect(entries: impl Iterator<Item = (DynamicTag, u64)>) -> Self {
        let mut tags = Self::default();
        for (tag, value) in entries {
            match tag {
                elf::DT_STRTAB => tags.strings = Some(value),
                elf::DT_STRSZ => tags.strings_size = value,
                elf::DT_SYMTAB => tags.symbols = Some(value),
                elf::DT_VERNEED => tags.version_needs = Some(value),
                elf::DT_VERNEEDNUM => tags.version_need_count = value,
                elf::DT_VERSYM => tags.version_indices = Some(value),
                elf::DT_FLAGS_1 => tags.pie = value & elf::DF_1_PIE.0 != 0,
                _ => {}
            }
            let is_table = matches!(
                tag,
                elf::DT_STRTAB
                    | elf::DT_VERNEED
                    | elf::DT_VERSYM
                    | elf::DT_VERDEF
                    | elf::DT_HASH
                    | elf::DT_GNU_HASH
                    | elf::DT_RELA
                    | elf::DT_REL
                    | elf::DT_RELR
                    | elf::DT_JMPREL
            );
            if is_table {
                tags.addresses.push(value);
            }
        }
        tags
    }
}

/// The directories of a search path, which `:` separates.
fn directories<'d>(path: Cow<'d, str>) -> Vec<Cow<'d, str>> {
    match path {
        Cow::Borrowed(path) => path.split(':').map(Cow::Borrowed).collect(),
        Cow::Owned(path) => path.split(':').map(|directory| Cow::Owned(directory.to_owned())).collect(),
    }
}
