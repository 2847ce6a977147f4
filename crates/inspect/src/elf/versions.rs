//! Version requirements (`.gnu.version_r`) and the symbols that make them (`.gnu.version`, `.dynsym`).
//! NOT here: versions a library defines.
//!
//! Walked by hand: `object` reaches these tables by section headers alone, which a program need not have.

use std::mem::size_of;

use object::elf::{self, Vernaux, Verneed, VersionFlags, Versym};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{Endianness, ReadRef};

use super::Elf;
use super::dynamic::{Strings, Tags};
use crate::error::{At, Error, Part, broken};
use crate::text::Names;
use crate::version_need::VersionNeed;

/// Version indices have 15 bits; more requirements than that cannot be referred to.
const MOST_NEEDS: usize = 0x8000;

/// The requirements in file order.
pub(super) fn read<'d, H: FileHeader<Endian = Endianness>>(
    elf: &Elf<'d, H>,
    tags: &Tags,
    strings: &Strings<'d>,
    names: &mut Names,
) -> Result<Vec<VersionNeed<'d>>, Error> {
    let Some(address) = tags.version_needs else { return Ok(Vec::new()) };
    let (table, offset) = elf.loaded_bytes(address, Part::VersionNeeds)?;
    let mut needs = Needs { endian: elf.endian, table, offset, by_index: Vec::new(), list: Vec::new() };
    needs.walk(tags.version_need_count, strings, names)?;
    needs.attach_symbols(elf, tags, strings, names)?;
    Ok(needs.list)
}

struct Needs<'d> {
    endian: Endianness,
    table: &'d [u8],
    /// Of the table, in the file.
    offset: u64,
    /// Position in `list` by version index.
    by_index: Vec<Option<u16>>,
    list: Vec<VersionNeed<'d>>,
}

impl<'d> Needs<'d> {
    /// Two levels of linked lists: libraries, and the versions required of each. Links only go forward, and the
    /// total is limited because lists of a hostile file can share their entries.
    fn walk(&mut self, count: u64, strings: &Strings<'d>, names: &mut Names) -> Result<(), Error> {
        let mut at = 0u64;
        for _ in 0..count {
            let library = self.table.read_at::<Verneed<Endianness>>(at).at(Part::VersionNeeds, self.place(at))?;
            self.walk_versions(at, library, strings, names)?;
            match library.vn_next.get(self.endian) {
                0 => break,
                next => at = at.saturating_add(u64::from(next)),
            }
        }
        Ok(())
    }

    fn walk_versions(
        &mut self,
        library_at: u64,
        library: &Verneed<Endianness>,
        strings: &Strings<'d>,
        names: &mut Names,
    ) -> Result<(), Error> {
        let mut at = library_at.saturating_add(library.vn_aux.get(self.endian).into());
        for _ in 0..library.vn_cnt.get(self.endian) {
            let version = self.table.read_at::<Vernaux<Endianness>>(at).at(Part::VersionNeeds, self.place(at))?;
            self.remember(version.vna_other(self.endian).index().0, at)?;
            self.list.push(VersionNeed {
                library: strings.get(library.vn_file.get(self.endian).into(), names)?,
                version: strings.get(version.vna_name.get(self.endian).into(), names)?,
                weak: version.vna_flags.get(self.endian).contains(VersionFlags(elf::VER_FLG_WEAK.0)),
                symbols: Vec::new(),
            });
            match version.vna_next.get(self.endian) {
                0 => break,
                next => at = at.saturating_add(u64::from(next)),
            }
        }
        Ok(())
    }

    fn remember(&mut self, index: u16, at: u64) -> Result<(), Error> {
        let position = u16::try_from(self.list.len()).ok().filter(|_| self.list.len() < MOST_NEEDS);
        let position =
            position.ok_or_else(|| broken(Part::VersionNeeds, self.place(at), "more versions than indices"))?;
        let index = usize::from(index);
        if self.by_index.len() <= index {
            self.by_index.resize(index.saturating_add(1), None);
        }
        if let Some(slot) = self.by_index.get_mut(index) {
            *slot = Some(position);
        }
        Ok(())
    }

    /// Adds each symbol to the requirement its version index names. Symbols with an address are among them: a
    /// variable copied out of a library (`stdout`) is defined in the program and still has the library's version.
    fn attach_symbols<H: FileHeader<Endian = Endianness>>(
        &mut self,
        elf: &Elf<'d, H>,
        tags: &Tags,
        strings: &Strings<'d>,
        names: &mut Names,
    ) -> Result<(), Error> {
        let (Some(symbols_at), Some(indices_at)) = (tags.symbols, tags.version_indices) else { return Ok(()) };
        let count = symbol_count(elf, symbols_at, &tags.addresses);
        let (symbols, offset) = elf.loaded_bytes(symbols_at, Part::DynamicSymbols)?;
        let symbols = symbols.read_slice_at::<H::Sym>(0, count).at(Part::DynamicSymbols, offset)?;
        let (indices, offset) = elf.loaded_bytes(indices_at, Part::DynamicSymbols)?;
        let indices = indices.read_slice_at::<Versym<Endianness>>(0, count).at(Part::DynamicSymbols, offset)?;
        for (symbol, index) in symbols.iter().zip(indices) {
            let index = usize::from(index.0.get(self.endian).index().0);
            let position = self.by_index.get(index).copied().flatten();
            if let Some(need) = position.and_then(|position| self.list.get_mut(usize::from(position))) {
                need.symbols.push(strings.get(symbol.st_name(self.endian).into(), names)?);
            }
        }
        Ok(())
    }

    fn place(&self, at: u64) -> u64 {
        self.offset.saturating_add(at)
    }
}

/// How many dynamic symbols there are, which the dynamic table does not say: from the section if there is one,
/// else by the distance to the next table.
fn symbol_count<H: FileHeader<Endian = Endianness>>(elf: &Elf<'_, H>, symbols_at: u64, addresses: &[u64]) -> usize {
    let section = elf.sections.iter().find(|section| section.sh_type(elf.endian) == elf::SHT_DYNSYM);
    let size = match section {
        Some(section) => section.sh_size(elf.endian).into(),
        None => {
            addresses.iter().filter_map(|next| next.checked_sub(symbols_at)).filter(|size| *size > 0).min().unwrap_or(0)
        }
    };
    usize::try_from(size).unwrap_or(usize::MAX) / size_of::<H::Sym>()
}
