//! Compiled objects, archives and universal files: what they are, which member is foreign, where a byte is.

mod support;

use inspect::{
    Arch, Bits, Content, Endian, Expectation, Fault, Format, Kind, Part, check, host_paths, inspect, locate,
};
use object::{Architecture as A, BinaryFormat, Endianness};
use support::{holders, macho, relocatable};

#[test]
fn relocatable_objects() {
    use Bits::{B32, B64};
    use Endianness::{Big, Little};
    let table = [
        (BinaryFormat::Elf, A::X86_64, Little, Format::Elf, Arch::X86_64, B64),
        (BinaryFormat::Elf, A::I386, Little, Format::Elf, Arch::X86, B32),
        (BinaryFormat::Elf, A::Aarch64, Little, Format::Elf, Arch::Aarch64, B64),
        (BinaryFormat::Elf, A::Arm, Little, Format::Elf, Arch::Arm, B32),
        (BinaryFormat::Elf, A::Riscv64, Little, Format::Elf, Arch::Riscv64, B64),
        (BinaryFormat::Elf, A::PowerPc64, Little, Format::Elf, Arch::Powerpc64, B64),
        (BinaryFormat::Elf, A::PowerPc64, Big, Format::Elf, Arch::Powerpc64, B64),
        (BinaryFormat::Elf, A::S390x, Big, Format::Elf, Arch::S390x, B64),
        (BinaryFormat::Elf, A::LoongArch64, Little, Format::Elf, Arch::LoongArch, B64),
        (BinaryFormat::Elf, A::Mips, Big, Format::Elf, Arch::Mips, B32),
        (BinaryFormat::Coff, A::X86_64, Little, Format::Coff, Arch::X86_64, B64),
        (BinaryFormat::Coff, A::I386, Little, Format::Coff, Arch::X86, B32),
        (BinaryFormat::Coff, A::Aarch64, Little, Format::Coff, Arch::Aarch64, B64),
        (BinaryFormat::MachO, A::X86_64, Little, Format::MachO, Arch::X86_64, B64),
        (BinaryFormat::MachO, A::Aarch64, Little, Format::MachO, Arch::Aarch64, B64),
    ];
    for (binary_format, architecture, endian, format, arch, bits) in table {
        let bytes = relocatable(binary_format, architecture, endian);
        let Content::Object(report) = inspect(&bytes).unwrap() else { panic!("{binary_format:?} {architecture:?}") };
        assert_eq!((report.format, report.kind, report.linkage), (format, Kind::Relocatable, None));
        assert_eq!((report.machine.arch, report.machine.bits), (arch, bits));
        assert_eq!(report.machine.endian == Endian::Big, endian == Big);
    }
}

#[test]
fn import_stubs_name_their_dll() {
    let bytes = holders::import_stub("libfoo.dll", "foo");
    let Content::Object(report) = inspect(&bytes).unwrap() else { panic!() };
    assert_eq!((report.format, report.kind, report.machine.arch), (Format::CoffImport, Kind::ImportStub, Arch::X86_64));
    assert_eq!(report.needed, ["libfoo.dll"]);
}

#[test]
fn other_files_are_not_objects() {
    let files: [&[u8]; 12] = [
        b"",
        b"\x7fEL",
        b"MZ",
        b"#!/bin/sh\n",
        b"MZ but only a DOS program, or a text about Mozambique, which is long enough to have room for a header",
        // A Java class: the magic of universal files, version 65.
        b"\xca\xfe\xba\xbe\0\0\0\x41\0\x10",
        b"\0asm\x01\0\0\0",
        b"BC\xc0\xde",
        // The number of x86-64, but nothing else of an object.
        b"d\x86 is how this text begins, and it is longer than the header of an object file",
        b"L\x01",
        b"!<arch>",
        b"\x1f\x8b\x08\0",
    ];
    for bytes in files {
        assert_eq!(inspect(bytes), Ok(Content::NotAnObject), "{}", bytes.escape_ascii());
    }
}

#[test]
fn members_of_an_archive() {
    let (good, foreign) = (
        relocatable(BinaryFormat::Elf, A::Aarch64, Endianness::Little),
        relocatable(BinaryFormat::Elf, A::X86_64, Endianness::Little),
    );
    let long = "stdlib__a_name_longer_than_fifteen.o";
    // An odd length puts the members behind it at odd addresses of their own.
    let mut cut = good.clone();
    cut.truncate(good.len() - 1);
    let bytes = holders::archive(&[("good.o", &good), ("readme", b"odd"), (long, &foreign), ("cut.o", &cut)]);
    let content = inspect(&bytes).unwrap();
    let Content::Archive(archive) = &content else { panic!() };
    assert!(!archive.thin && archive.damage.is_none());
    let names: Vec<_> = archive.members.iter().map(|member| member.name.as_ref()).collect();
    assert_eq!(names, ["good.o", "readme", long, "cut.o"]);
    assert_eq!(archive.members[1].object, Ok(None));
    for member in &archive.members {
        let end = member.offset + member.size;
        let Err(error) = &member.object else { continue };
        assert_eq!(member.name, "cut.o");
        assert_eq!(error.part, Part::SectionHeaders);
        assert!((member.offset..=end).contains(&error.offset), "{error} counts from the start of the archive");
    }

    let expected = Expectation { arch: Some(Arch::Aarch64), ..Expectation::default() };
    let found: Vec<_> = check(&content, &expected)
        .into_iter()
        .map(|violation| (violation.place.member.unwrap(), matches!(violation.fault, Fault::Arch { .. })))
        .collect();
    assert_eq!(found, [(long, true), ("cut.o", false)]);
}

#[test]
fn damaged_archives_keep_the_members_before_the_damage() {
    let object = relocatable(BinaryFormat::Elf, A::X86_64, Endianness::Little);
    let mut bytes = holders::archive(&[("a.o", &object), ("b.o", &object)]);
    bytes.truncate(bytes.len() - 10);
    let content = inspect(&bytes).unwrap();
    let Content::Archive(archive) = &content else { panic!() };
    assert_eq!(archive.members.len(), 1);
    assert_eq!(archive.damage.map(|error| error.part), Some(Part::ArchiveMember));
    let faults = check(&content, &Expectation::default());
    assert!(matches!(faults.as_slice(), [violation] if matches!(violation.fault, Fault::Unreadable(_))), "{faults:?}");
}

#[test]
fn thin_archives_hold_nothing() {
    let mut bytes = holders::archive(&[("a.o", b""), ("b.o", b"")]);
    bytes[..8].copy_from_slice(b"!<thin>\n");
    let Content::Archive(archive) = inspect(&bytes).unwrap() else { panic!() };
    assert!(archive.thin);
    assert_eq!(archive.members.len(), 2);
    assert!(archive.members.iter().all(|member| member.object == Ok(None)));
}

#[test]
fn slices_of_a_universal_file() {
    let intel = macho::Program { cpu: 0x0100_0007, ..macho::Program::default() }.build();
    let arm = macho::Program::default().build();
    let object = relocatable(BinaryFormat::MachO, A::Aarch64, Endianness::Little);
    let library = holders::archive(&[("x.o", &object)]);
    let bytes = holders::universal(&[&intel, &arm, &library, &arm[..100]]);
    let content = inspect(&bytes).unwrap();
    let items: Vec<_> = content
        .items()
        .iter()
        .map(|item| (item.place.slice, item.place.member, item.report.map(|report| report.machine.arch).ok()))
        .collect();
    assert_eq!(
        items,
        [
            (Some(0), None, Some(Arch::X86_64)),
            (Some(1), None, Some(Arch::Aarch64)),
            (Some(2), Some("x.o"), Some(Arch::Aarch64)),
            (Some(3), None, None),
        ]
    );
    let mut outside = holders::universal(&[&intel]);
    outside.truncate(outside.len() - 1);
    let Content::Universal(slices) = inspect(&outside).unwrap() else { panic!() };
    assert_eq!(slices[0].content.as_ref().unwrap_err().part, Part::Slice);
}

#[test]
fn findings_have_a_place() {
    let object = |format, architecture| {
        let mut object = object::write::Object::new(format, architecture, Endianness::Little);
        let data = object.section_id(object::write::StandardSection::ReadOnlyData);
        object.append_section_data(data, b"\0/home/ann/proj/x.ml\0", 1);
        object.write().unwrap()
    };
    let elf = object(BinaryFormat::Elf, A::X86_64);
    let mach = object(BinaryFormat::MachO, A::Aarch64);
    let archive = holders::archive(&[("empty", b""), ("x.o", &elf)]);
    let universal = holders::universal(&[&mach, &archive]);
    let path = b"/home/ann/proj/x.ml".as_slice();
    let rodata = Some(".rodata");
    let mach_section = Some("__TEXT,__const");
    let table = [
        (&elf, vec![(None, None, rodata)]),
        (&object(BinaryFormat::Coff, A::X86_64), vec![(None, None, Some(".rdata"))]),
        (&mach, vec![(None, None, mach_section)]),
        (&archive, vec![(None, Some("x.o"), rodata)]),
        // The same path in both slices: one finding, at its first place.
        (&universal, vec![(Some(0), None, mach_section)]),
    ];
    for (bytes, expected) in table {
        let findings = host_paths(bytes, &[b"/home/ann"]);
        assert!(findings.iter().all(|finding| finding.path == path));
        let places: Vec<_> = findings.iter().map(|finding| locate(bytes, finding.offset)).collect();
        let places: Vec<_> =
            places.iter().map(|place| (place.slice, place.member.as_deref(), place.section.as_deref())).collect();
        assert_eq!(places, expected);
    }
    assert_eq!(host_paths(&universal, &[b"/home/ann"])[0].count, 2);
    assert_eq!(locate(b"text", 2), inspect::Location::default());
    assert_eq!(locate(&elf, u64::MAX), inspect::Location::default());
}
