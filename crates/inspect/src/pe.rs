//! Linked Windows images. NOT here: Windows objects and import libraries (`coff`), resources, exports, signatures.

use std::borrow::Cow;

use object::endian::LittleEndian as LE;
use object::pe;
use object::read::pe::{DataDirectories, ImageNtHeaders, ImageOptionalHeader, SectionTable};

use crate::error::{At, Error, Part, broken};
use crate::machine::{Bits, coff_machine};
use crate::platform::{Platform, Subsystem};
use crate::report::{Format, Kind, Linkage, Report};
use crate::text::{Names, until_nul};

/// Far above any real program, low enough that a hostile one ends.
const MOST_IMPORTS: usize = 4096;

/// Whether these bytes are a Windows image rather than a DOS program or anything else that begins with `MZ`.
pub(crate) fn is_image(bytes: &[u8]) -> bool {
    let Ok(dos) = pe::ImageDosHeader::parse(bytes) else { return false };
    let Ok(offset) = usize::try_from(dos.nt_headers_offset()) else { return false };
    bytes.get(offset..).is_some_and(|headers| headers.starts_with(b"PE\0\0"))
}

/// Reads an image of either width.
pub(crate) fn read(bytes: &[u8]) -> Result<Report<'_>, Error> {
    match object::read::pe::optional_header_magic(bytes).at(Part::FileHeader, 0)? {
        pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => read_width::<pe::ImageNtHeaders32>(bytes, Bits::B32),
        pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => read_width::<pe::ImageNtHeaders64>(bytes, Bits::B64),
        _ => Err(broken(Part::FileHeader, 0, "neither PE32 nor PE32+")),
    }
}

fn read_width<Pe: ImageNtHeaders>(bytes: &[u8], bits: Bits) -> Result<Report<'_>, Error> {
    let dos = pe::ImageDosHeader::parse(bytes).at(Part::FileHeader, 0)?;
    let mut offset = u64::from(dos.nt_headers_offset());
    let (headers, directories) = Pe::parse(bytes, &mut offset).at(Part::FileHeader, offset)?;
    let sections = headers.sections(bytes, offset).at(Part::SectionHeaders, offset)?;

    let file = headers.file_header();
    let is_dll = file.characteristics.get(LE).contains(pe::IMAGE_FILE_DLL);
    let kind = if is_dll { Kind::SharedLibrary } else { Kind::Executable };
    let mut machine = coff_machine(file.machine.get(LE));
    // The width of a PE file is that of its optional header; the processor agrees in all but unknown ones.
    machine.bits = bits;

    let mut names = Names::of(bytes);
    let mut report = Report::new(Format::Pe, kind, machine);
    let image = Image { bytes, directories, sections };
    report.needed = image.imports(&mut names)?;
    report.optional = image.delayed_imports(&mut names)?;
    let alone = !is_dll && report.needed.is_empty() && report.optional.is_empty();
    report.linkage = Some(if alone { Linkage::Static } else { Linkage::Dynamic });
    report.platform = platform(headers.optional_header());
    Ok(report)
}

fn platform(header: &impl ImageOptionalHeader) -> Platform {
    let subsystem = match header.subsystem() {
        pe::IMAGE_SUBSYSTEM_WINDOWS_CUI => Subsystem::Console,
        pe::IMAGE_SUBSYSTEM_WINDOWS_GUI => Subsystem::Gui,
        other => Subsystem::Other(other.0),
    };
    Platform::Windows { subsystem, version: (header.major_subsystem_version(), header.minor_subsystem_version()) }
}

struct Image<'d> {
    bytes: &'d [u8],
    directories: DataDirectories<'d>,
    sections: SectionTable<'d>,
}

impl<'d> Image<'d> {
    fn imports(&self, names: &mut Names) -> Result<Vec<Cow<'d, str>>, Error> {
        let offset = self.directory_offset(pe::IMAGE_DIRECTORY_ENTRY_IMPORT);
        let table = self.directories.import_table(self.bytes, &self.sections).at(Part::ImportTable, offset)?;
        let Some(table) = table else { return Ok(Vec::new()) };
        let descriptors = table.descriptors().at(Part::ImportTable, offset)?;
        self.libraries(descriptors.map(|entry| entry.map(|entry| entry.name.get(LE))), offset, names)
    }

    fn delayed_imports(&self, names: &mut Names) -> Result<Vec<Cow<'d, str>>, Error> {
        let offset = self.directory_offset(pe::IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT);
        let table =
            self.directories.delay_load_import_table(self.bytes, &self.sections).at(Part::ImportTable, offset)?;
        let Some(table) = table else { return Ok(Vec::new()) };
        let descriptors = table.descriptors().at(Part::ImportTable, offset)?;
        self.libraries(descriptors.map(|entry| entry.map(|entry| entry.dll_name_rva.get(LE))), offset, names)
    }

    /// The names at these addresses, each looked up in its own section: linkers differ in where they put them.
    fn libraries(
        &self,
        addresses: impl Iterator<Item = Result<u32, object::read::Error>>,
        offset: u64,
        names: &mut Names,
    ) -> Result<Vec<Cow<'d, str>>, Error> {
        let mut libraries = Vec::new();
        for address in addresses {
            if libraries.len() >= MOST_IMPORTS {
                return Err(broken(Part::ImportTable, offset, "more imports than any program has"));
            }
            let address = address.at(Part::ImportTable, offset)?;
            let name = self.sections.pe_data_at(self.bytes, address).at(Part::ImportTable, offset)?;
            libraries.push(names.take(until_nul(name), Part::ImportTable, offset)?);
        }
        Ok(libraries)
    }

    fn directory_offset(&self, index: usize) -> u64 {
        let range = self.directories.get(index).and_then(|directory| directory.file_range(&self.sections).ok());
        range.map_or(0, |(offset, _)| offset.into())
    }
}
