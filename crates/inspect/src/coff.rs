//! Windows objects, plain and big, and members of import libraries. NOT here: linked images (`pe`).

use object::endian::LittleEndian as LE;
use object::read::coff::{CoffHeader, ImportFile};
use object::{ReadRef, pe};

use crate::error::{At, Error, Part};
use crate::machine::coff_machine;
use crate::report::{Format, Kind, Report};
use crate::text::Names;

/// What begins like one of the kinds of COFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coff {
    Object,
    BigObject,
    Import,
}

/// Tells COFF from other files.
///
/// A plain object begins with nothing but the number of its processor, so the rest of the header has to make sense
/// too: no optional header, not an image, tables inside the file.
pub(crate) fn recognize(bytes: &[u8]) -> Option<Coff> {
    match bytes.get(..6)? {
        [0, 0, 0xff, 0xff, 0 | 1, 0] => Some(Coff::Import),
        [0, 0, 0xff, 0xff, _, _] => {
            let header = bytes.read_at::<pe::AnonObjectHeaderBigobj>(0).ok()?;
            (header.class_id == pe::ANON_OBJECT_HEADER_BIGOBJ_CLASS_ID).then_some(Coff::BigObject)
        }
        _ => is_plain(bytes).then_some(Coff::Object),
    }
}

fn is_plain(bytes: &[u8]) -> bool {
    let Ok(header) = bytes.read_at::<pe::ImageFileHeader>(0) else { return false };
    let known = matches!(
        header.machine.get(LE),
        pe::IMAGE_FILE_MACHINE_I386
            | pe::IMAGE_FILE_MACHINE_AMD64
            | pe::IMAGE_FILE_MACHINE_ARMNT
            | pe::IMAGE_FILE_MACHINE_ARM64
            | pe::IMAGE_FILE_MACHINE_ARM64EC
    );
    known
        && header.size_of_optional_header.get(LE) == 0
        && !header.characteristics.get(LE).contains(pe::IMAGE_FILE_EXECUTABLE_IMAGE)
        && tables_end(header) <= bytes.len() as u64
}

fn tables_end(header: &pe::ImageFileHeader) -> u64 {
    let sections = 20 + 40 * u64::from(header.number_of_sections.get(LE));
    let symbols = match header.pointer_to_symbol_table.get(LE) {
        0 => 0,
        start => u64::from(start) + 18 * u64::from(header.number_of_symbols.get(LE)),
    };
    sections.max(symbols)
}

/// Reads what [`recognize`] found.
pub(crate) fn read(bytes: &[u8], coff: Coff) -> Result<Report<'_>, Error> {
    match coff {
        Coff::Object => read_object::<pe::ImageFileHeader>(bytes),
        Coff::BigObject => read_object::<pe::AnonObjectHeaderBigobj>(bytes),
        Coff::Import => read_import(bytes),
    }
}

fn read_object<H: CoffHeader>(bytes: &[u8]) -> Result<Report<'_>, Error> {
    let mut offset = 0;
    let header = H::parse(bytes, &mut offset).at(Part::FileHeader, 0)?;
    header.sections(bytes, offset).at(Part::SectionHeaders, offset)?;
    Ok(Report::new(Format::Coff, Kind::Relocatable, coff_machine(header.machine())))
}

fn read_import(bytes: &[u8]) -> Result<Report<'_>, Error> {
    let header = bytes.read_at::<pe::ImportObjectHeader>(0).at(Part::ImportStub, 0)?;
    let import = ImportFile::parse(bytes).at(Part::ImportStub, 0)?;
    let mut report = Report::new(Format::CoffImport, Kind::ImportStub, coff_machine(header.machine.get(LE)));
    report.needed = vec![Names::of(bytes).take(import.dll(), Part::ImportStub, 20)?];
    Ok(report)
}
