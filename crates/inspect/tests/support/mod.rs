//! Small files of every format, made on the spot.
//! Linked files are written byte by byte from the specifications, so that reader and writer share no code.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "files of a few hundred bytes; a mistake should end the test"
)]

pub(crate) mod elf;
pub(crate) mod holders;
pub(crate) mod macho;

use object::write::{Object, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};

/// A relocatable object with one function, as a compiler would make it.
pub(crate) fn relocatable(format: BinaryFormat, arch: Architecture, endian: Endianness) -> Vec<u8> {
    let mut object = Object::new(format, arch, endian);
    let text = object.section_id(object::write::StandardSection::Text);
    object.append_section_data(text, &[0; 32], 16);
    object.add_symbol(Symbol {
        name: b"caml_startup".to_vec(),
        value: 0,
        size: 32,
        kind: SymbolKind::Text,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Section(text),
        flags: SymbolFlags::None,
    });
    object.write().unwrap()
}

/// A Windows program that imports these libraries, 64-bit or 32-bit.
pub(crate) fn windows_program(libraries: &[&str], machine: object::pe::Machine, wide: bool) -> Vec<u8> {
    use object::pe;
    use object::write::pe::{NtHeaders, Writer};

    let mut names = Vec::new();
    let names_at = 20 * (libraries.len() + 1);
    let mut descriptors = Vec::new();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(wide, 0x1000, 0x200, &mut bytes);
    writer.reserve_dos_header_and_stub();
    writer.reserve_nt_headers(16);
    writer.reserve_section_headers(1);
    let size = names_at + libraries.iter().map(|name| name.len() + 1).sum::<usize>();
    let section = writer.reserve_idata_section(size as u32);
    for library in libraries {
        let name_address = section.virtual_address + (names_at + names.len()) as u32;
        for field in [0, 0, 0, name_address, section.virtual_address] {
            descriptors.extend_from_slice(&u32::to_le_bytes(field));
        }
        names.extend_from_slice(library.as_bytes());
        names.push(0);
    }
    descriptors.extend_from_slice(&[0; 20]);
    descriptors.extend_from_slice(&names);

    writer.write_dos_header_and_stub().unwrap();
    writer.write_nt_headers(NtHeaders {
        machine,
        time_date_stamp: 0,
        characteristics: pe::IMAGE_FILE_EXECUTABLE_IMAGE,
        major_linker_version: 0,
        minor_linker_version: 0,
        address_of_entry_point: 0x1000,
        image_base: 0x0040_0000,
        major_operating_system_version: 6,
        minor_operating_system_version: 0,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: 6,
        minor_subsystem_version: 2,
        subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_CUI,
        dll_characteristics: pe::DllFlags(0),
        size_of_stack_reserve: 0,
        size_of_stack_commit: 0,
        size_of_heap_reserve: 0,
        size_of_heap_commit: 0,
    });
    writer.write_section_headers();
    writer.write_section(section.file_offset, &descriptors);
    bytes
}

/// One of each: for tests of what holds for all files.
pub(crate) fn one_of_each() -> Vec<Vec<u8>> {
    use Architecture as A;
    let little = Endianness::Little;
    let elf_object = relocatable(BinaryFormat::Elf, A::X86_64, little);
    let coff_object = relocatable(BinaryFormat::Coff, A::X86_64, little);
    let macho_object = relocatable(BinaryFormat::MachO, A::Aarch64, little);
    let arm_object = relocatable(BinaryFormat::Elf, A::Arm, little);
    let archive = holders::archive(&[("a.o", &elf_object), ("a-rather-long-name.o", &arm_object)]);
    let program = macho::Program::default();
    vec![
        elf::Image::glibc_program().build(),
        elf::Image { wide: false, big: true, machine: 20, sections: false, ..elf::Image::glibc_program() }.build(),
        elf::Image { machine: 40, wide: false, attributes: Some(1), ..elf::Image::glibc_program() }.build(),
        windows_program(&["KERNEL32.dll", "ucrtbase.dll"], object::pe::IMAGE_FILE_MACHINE_AMD64, true),
        windows_program(&["KERNEL32.dll"], object::pe::IMAGE_FILE_MACHINE_I386, false),
        program.build(),
        holders::universal(&[&program.build(), &macho_object, &archive]),
        archive,
        elf_object,
        coff_object,
        holders::import_stub("libfoo.dll", "foo"),
    ]
}
