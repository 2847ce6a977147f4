//! What an ELF file needs in order to run: its loader and its shared libraries.
//!
//! # Source
//! The System V ABI, "Dynamic Linking"; read from program headers, since section headers may be stripped.

use std::fs::File;
use std::path::Path;

use object::elf::{DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, FileHeader32, FileHeader64, PT_LOAD};
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _};
use object::read::{ReadCache, ReadRef, StringTable};
use object::{Endianness, FileKind};

use super::error::{CaptureError, at};

/// What matters of a dynamic section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object {
    /// Word size and machine: a library of another kind is not the one that is looked for.
    pub(super) kind: (bool, u16),
    /// The path of the loader; none in libraries and static programs.
    pub(super) interpreter: Option<String>,
    /// File names of shared libraries.
    pub(super) needed: Vec<String>,
    /// Directories in which they are looked for first, `$ORIGIN` not replaced.
    pub(super) search: Vec<String>,
}

/// Reads a file; nothing if it is no ELF file.
pub(super) fn read(path: &Path) -> Result<Option<Object>, CaptureError> {
    let data = ReadCache::new(File::open(path).map_err(at(path))?);
    let object = match FileKind::parse(&data) {
        Ok(FileKind::Elf32) => object::<FileHeader32<Endianness>, _>(&data),
        Ok(FileKind::Elf64) => object::<FileHeader64<Endianness>, _>(&data),
        _ => return Ok(None),
    };
    object.map(Some).map_err(|error| CaptureError::Object { path: path.to_owned(), reason: error.to_string() })
}

fn object<'d, Elf, R>(data: R) -> Result<Object, Box<dyn std::error::Error>>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'d>,
{
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let mut object = Object { kind: (header.is_class_64(), header.e_machine(endian).0), ..Object::default() };
    let segments = header.program_headers(endian, data)?;
    let mut dynamic = None;
    for segment in segments {
        if let Some(interpreter) = segment.interpreter(endian, data)? {
            object.interpreter = Some(String::from_utf8_lossy(interpreter).into_owned());
        }
        dynamic = dynamic.or(segment.dynamic(endian, data)?);
    }
    let entries: Vec<_> =
        dynamic.unwrap_or_default().iter().map(|entry| (entry.tag(endian), entry.val(endian))).collect();
    let entries = entries.split(|(tag, _)| *tag == DT_NULL).next().unwrap_or_default();
    let value = |wanted| entries.iter().find(|(tag, _)| *tag == wanted).map_or(0, |(_, value)| *value);
    let offset = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD).find_map(|segment| {
        let (start, length) = (segment.p_vaddr(endian).into(), segment.p_filesz(endian).into());
        let within = value(DT_STRTAB).checked_sub(start).filter(|within| *within < length)?;
        segment.p_offset(endian).into().checked_add(within)
    });
    let offset = offset.unwrap_or(0);
    let strings = StringTable::new(data, offset, offset.saturating_add(value(DT_STRSZ)));
    let texts = |wanted| entries.iter().filter(move |(tag, _)| *tag == wanted).map(|(_, at)| text(&strings, *at));
    object.needed = texts(DT_NEEDED).collect::<Result<_, _>>()?;
    // A loader ignores DT_RPATH where there is DT_RUNPATH.
    let tag = if texts(DT_RUNPATH).next().is_some() { DT_RUNPATH } else { DT_RPATH };
    let paths: Vec<String> = texts(tag).collect::<Result<_, _>>()?;
    object.search = paths.iter().flat_map(|path| path.split(':')).map(str::to_owned).collect();
    Ok(object)
}

fn text<'d, R: ReadRef<'d>>(strings: &StringTable<'d, R>, at: u64) -> Result<String, &'static str> {
    let text = u32::try_from(at).ok().and_then(|at| strings.get(at).ok());
    let text = text.ok_or("a string outside the file")?;
    Ok(String::from_utf8_lossy(text).into_owned())
}
