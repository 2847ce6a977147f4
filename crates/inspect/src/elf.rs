//! ELF files: the facts a loader acts on, from the program headers and the dynamic table, so that a file without
//! section headers says as much. Sections serve for what only they know: attributes, compression, symbol counts.
//!
//! NOT here: symbols other than those with a required version, relocations, code.

mod attributes;
mod dynamic;
mod notes;
mod versions;

use std::borrow::Cow;

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};
use object::{Endianness, ReadRef};

use crate::error::{At, Error, Part, broken};
use crate::machine::{Bits, Endian, Machine, elf_arch, elf_float_abi};
use crate::report::{Format, Kind, Linkage, Report};
use crate::text::{Names, until_nul};
use dynamic::Dynamic;

pub(crate) const MAGIC: &[u8] = b"\x7fELF";

/// Reads an ELF file of either class.
pub(crate) fn read(bytes: &[u8]) -> Result<Report<'_>, Error> {
    match bytes.get(4) {
        Some(1) => read_class::<elf::FileHeader32<Endianness>>(bytes, Bits::B32),
        Some(2) => read_class::<elf::FileHeader64<Endianness>>(bytes, Bits::B64),
        Some(_) => Err(broken(Part::FileHeader, 4, "neither 32-bit nor 64-bit")),
        None => Err(broken(Part::FileHeader, 4, "outside the file")),
    }
}

/// The parsed headers of one file.
struct Elf<'d, H: FileHeader<Endian = Endianness>> {
    bytes: &'d [u8],
    endian: Endianness,
    header: &'d H,
    segments: &'d [H::ProgramHeader],
    sections: SectionTable<'d, H>,
}

fn read_class<H: FileHeader<Endian = Endianness>>(bytes: &[u8], bits: Bits) -> Result<Report<'_>, Error> {
    let elf = Elf::<H>::parse(bytes)?;
    let mut names = Names::of(bytes);
    if elf.is_debug_companion() {
        return Ok(Report::new(Format::Elf, Kind::DebugCompanion, elf.machine(bits)?));
    }
    let interpreter = elf.interpreter(&mut names)?;
    let dynamic = Dynamic::read(&elf, &mut names)?.unwrap_or_default();

    let mut report = Report::new(Format::Elf, elf.kind(&dynamic, interpreter.is_some()), elf.machine(bits)?);
    report.linkage = elf.linkage(report.kind, &dynamic, interpreter.is_some());
    report.platform = notes::platform(&elf, interpreter.as_deref(), &dynamic.needed);
    report.compressed_sections = elf.compressed_sections(&mut names)?;
    report.interpreter = interpreter;
    report.own_name = dynamic.soname;
    report.needed = dynamic.needed;
    report.rpath = dynamic.rpath;
    report.runpath = dynamic.runpath;
    report.version_needs = dynamic.version_needs;
    Ok(report)
}

impl<'d, H: FileHeader<Endian = Endianness>> Elf<'d, H> {
    fn parse(bytes: &'d [u8]) -> Result<Self, Error> {
        let header = H::parse(bytes).at(Part::FileHeader, 0)?;
        let endian = header.endian().at(Part::FileHeader, 5)?;
        let segments = header.program_headers(endian, bytes).at(Part::ProgramHeaders, header.e_phoff(endian).into())?;
        let sections = header.sections(endian, bytes).at(Part::SectionHeaders, header.e_shoff(endian).into())?;
        Ok(Self { bytes, endian, header, segments, sections })
    }

    fn machine(&self, bits: Bits) -> Result<Machine, Error> {
        let machine = self.header.e_machine(self.endian);
        let flags = self.header.e_flags(self.endian).0;
        let float_abi = match elf_float_abi(machine, flags) {
            None if machine == elf::EM_ARM => attributes::arm_float_abi(self)?,
            said => said,
        };
        Ok(Machine {
            arch: elf_arch(machine, bits, flags),
            bits,
            endian: if self.header.is_little_endian() { Endian::Little } else { Endian::Big },
            float_abi,
        })
    }

    /// Debugging information kept apart repeats the headers of its program, but not the bytes they point to: code
    /// without bytes is in no other file.
    fn is_debug_companion(&self) -> bool {
        self.sections.iter().any(|section| {
            section.sh_type(self.endian) == elf::SHT_NOBITS
                && section.sh_flags(self.endian).contains(elf::SHF_EXECINSTR)
        })
    }

    /// Position-independent programs and shared libraries have the same type in the header. Linkers mark the
    /// former; without the mark, a name of its own makes a library (glibc's has a loader too), a loader a program.
    fn kind(&self, dynamic: &Dynamic<'_>, has_interpreter: bool) -> Kind {
        match self.header.e_type(self.endian) {
            elf::ET_REL => Kind::Relocatable,
            elf::ET_EXEC => Kind::Executable,
            elf::ET_DYN if dynamic.pie || (has_interpreter && dynamic.soname.is_none()) => Kind::Executable,
            elf::ET_DYN => Kind::SharedLibrary,
            elf::ET_CORE => Kind::Core,
            other => Kind::Other(u32::from(other.0)),
        }
    }

    fn linkage(&self, kind: Kind, dynamic: &Dynamic<'_>, has_interpreter: bool) -> Option<Linkage> {
        match kind {
            Kind::SharedLibrary => Some(Linkage::Dynamic),
            Kind::Executable if has_interpreter || !dynamic.needed.is_empty() => Some(Linkage::Dynamic),
            Kind::Executable if self.header.e_type(self.endian) == elf::ET_DYN => Some(Linkage::StaticPie),
            Kind::Executable => Some(Linkage::Static),
            _ => None,
        }
    }

    fn interpreter(&self, names: &mut Names) -> Result<Option<Cow<'d, str>>, Error> {
        let Some(segment) = self.segments.iter().find(|segment| segment.p_type(self.endian) == elf::PT_INTERP) else {
            return Ok(None);
        };
        let offset = segment.p_offset(self.endian).into();
        let path = segment.data(self.endian, self.bytes).at(Part::Interpreter, offset)?;
        names.take(until_nul(path), Part::Interpreter, offset).map(Some)
    }

    /// The file offset of a loaded address, and how much of its segment follows it.
    fn loaded_at(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().filter(|segment| segment.p_type(self.endian) == elf::PT_LOAD).find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr(self.endian).into())?;
            let size: u64 = segment.p_filesz(self.endian).into();
            let left = size.checked_sub(inside).filter(|left| *left > 0)?;
            let offset: u64 = segment.p_offset(self.endian).into();
            Some((offset.checked_add(inside)?, left))
        })
    }

    /// The bytes from a loaded address to the end of its segment, and their offset in the file.
    fn loaded_bytes(&self, address: u64, part: Part) -> Result<(&'d [u8], u64), Error> {
        let (offset, left) = self.loaded_at(address).at(part, address)?;
        let bytes = self.bytes.read_bytes_at(offset, left).at(part, offset)?;
        Ok((bytes, offset))
    }

    fn compressed_sections(&self, names: &mut Names) -> Result<Vec<Cow<'d, str>>, Error> {
        let mut compressed = Vec::new();
        for section in self.sections.iter() {
            let offset = section.sh_offset(self.endian).into();
            let name = self.sections.section_name(self.endian, section).at(Part::SectionHeaders, offset)?;
            let name = names.take(name, Part::SectionHeaders, offset)?;
            if section.sh_flags(self.endian).contains(elf::SHF_COMPRESSED) || name.starts_with(".zdebug") {
                compressed.push(name);
            }
        }
        Ok(compressed)
    }
}
