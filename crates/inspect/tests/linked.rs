//! Linked files of every format, and the facts in them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what every test calls is not in a test itself")]

mod support;

use inspect::{
    AppleOs, AppleVersion, Arch, Bits, Content, Endian, FloatAbi, Format, Kind, Libc, Linkage, Machine, Platform,
    Report, Signature, Subsystem, inspect,
};
use object::pe;
use support::elf::Image;
use support::macho::Program;

fn report(bytes: &[u8]) -> Report<'_> {
    match inspect(bytes).unwrap() {
        Content::Object(report) => *report,
        other => panic!("not one object: {other:?}"),
    }
}

const LINUX_GLIBC: Platform = Platform::Linux { libc: Some(Libc::Glibc), kernel: None };

#[test]
fn a_glibc_program_in_every_shape() {
    for (wide, big, sections) in [(true, false, true), (true, true, true), (false, false, true), (false, true, false)]
        .into_iter()
        .chain([(true, false, false), (true, true, false), (false, false, false)])
    {
        let bytes = Image { wide, big, sections, ..Image::glibc_program() }.build();
        let report = report(&bytes);
        let context = format!("wide {wide}, big {big}, sections {sections}");
        assert_eq!((report.format, report.kind), (Format::Elf, Kind::Executable), "{context}");
        assert_eq!(report.linkage, Some(Linkage::Dynamic), "{context}");
        assert_eq!(report.interpreter.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"), "{context}");
        assert_eq!(report.needed, ["libm.so.6", "libc.so.6"], "{context}");
        assert_eq!(report.platform, LINUX_GLIBC, "{context}");
        let needs: Vec<_> = report
            .version_needs
            .iter()
            .map(|need| format!("{} {} {} {:?}", need.library, need.version, need.weak, need.symbols))
            .collect();
        assert_eq!(
            needs,
            [
                r#"libm.so.6 GLIBC_2.29 false ["pow"]"#,
                r#"libc.so.6 GLIBC_2.2.5 false ["puts", "stdout"]"#,
                r#"libc.so.6 GLIBC_2.34 false ["pthread_create", "__libc_start_main"]"#,
                r#"libc.so.6 GLIBC_2.38 true ["fancy"]"#,
            ],
            "{context}"
        );
        let glibc = report.glibc().unwrap();
        assert_eq!(glibc.floor, Some((2, 34)), "{context}");
        assert_eq!(glibc.decided_by[0].symbols, ["pthread_create", "__libc_start_main"], "{context}");
    }
}

#[test]
fn elf_machines() {
    use Bits::{B32, B64};
    use Endian::{Big, Little};
    let row = |arch, bits, endian, float_abi| Machine { arch, bits, endian, float_abi };
    let table = [
        (3, false, false, 0, row(Arch::X86, B32, Little, None), Some("x86")),
        (62, true, false, 0, row(Arch::X86_64, B64, Little, None), Some("x86_64")),
        (62, false, false, 0, row(Arch::X86_64, B32, Little, None), Some("x32")),
        (183, true, false, 0, row(Arch::Aarch64, B64, Little, None), Some("aarch64")),
        (183, true, true, 0, row(Arch::Aarch64, B64, Big, None), Some("aarch64_be")),
        (40, false, false, 0x0500_0400, row(Arch::Arm, B32, Little, Some(FloatAbi::Hard)), Some("arm")),
        (40, false, false, 0x0500_0200, row(Arch::Arm, B32, Little, Some(FloatAbi::Soft)), Some("arm")),
        (40, false, true, 0x0500_0000, row(Arch::Arm, B32, Big, None), Some("armeb")),
        (243, true, false, 5, row(Arch::Riscv64, B64, Little, Some(FloatAbi::Hard)), Some("riscv64")),
        (243, false, false, 0, row(Arch::Riscv32, B32, Little, Some(FloatAbi::Soft)), Some("riscv32")),
        (21, true, false, 2, row(Arch::Powerpc64, B64, Little, None), Some("powerpc64le")),
        (21, true, true, 1, row(Arch::Powerpc64, B64, Big, None), Some("powerpc64")),
        (20, false, true, 0, row(Arch::Powerpc, B32, Big, None), Some("powerpc")),
        (22, true, true, 0, row(Arch::S390x, B64, Big, None), Some("s390x")),
        (8, false, true, 0, row(Arch::Mips, B32, Big, None), Some("mips")),
        (8, false, false, 0x20, row(Arch::Mips64, B32, Little, None), Some("mips64el")),
        (258, true, false, 0, row(Arch::LoongArch, B64, Little, None), Some("loongarch64")),
        (43, true, true, 0, row(Arch::Sparc, B64, Big, None), Some("sparc64")),
        (247, true, false, 0, row(Arch::Other(247), B64, Little, None), None),
    ];
    for (machine, wide, big, flags, expected, name) in table {
        let bytes = Image { machine, wide, big, flags, ..Image::static_program() }.build();
        let found = report(&bytes).machine;
        assert_eq!(found, expected);
        assert_eq!(found.name(), name);
    }
}

#[test]
fn float_abi_of_arm_objects_is_in_their_attributes() {
    for (value, expected) in [(0, Some(FloatAbi::Soft)), (1, Some(FloatAbi::Hard)), (3, None)] {
        for big in [false, true] {
            let image = Image { machine: 40, wide: false, big, kind: 1, ..Image::static_program() };
            let bytes = Image { attributes: Some(value), ..image }.build();
            assert_eq!(report(&bytes).machine.float_abi, expected, "Tag_ABI_VFP_args {value}, big {big}");
        }
    }
}

#[test]
fn elf_kinds_and_linkage() {
    let program = Image::glibc_program;
    let bare = Image { interpreter: None, needed: &[], versions: &[], pie: false, ..program() };
    let table = [
        (program(), Kind::Executable, Some(Linkage::Dynamic)),
        (Image { kind: 2, pie: false, ..program() }, Kind::Executable, Some(Linkage::Dynamic)),
        (Image::static_program(), Kind::Executable, Some(Linkage::Static)),
        (Image { pie: true, ..bare.clone() }, Kind::Executable, Some(Linkage::StaticPie)),
        (Image { soname: Some("libz.so.1"), ..bare.clone() }, Kind::SharedLibrary, Some(Linkage::Dynamic)),
        // A plug-in has no name of its own.
        (bare.clone(), Kind::SharedLibrary, Some(Linkage::Dynamic)),
        // A linker that does not mark its programs.
        (Image { pie: false, ..program() }, Kind::Executable, Some(Linkage::Dynamic)),
        // glibc's own library can be run.
        (Image { pie: false, soname: Some("libc.so.6"), ..program() }, Kind::SharedLibrary, Some(Linkage::Dynamic)),
        (Image { kind: 1, ..Image::static_program() }, Kind::Relocatable, None),
        (Image { emptied: true, ..program() }, Kind::DebugCompanion, None),
        (Image { kind: 4, ..Image::static_program() }, Kind::Core, None),
        (Image { kind: 0xfe00, ..Image::static_program() }, Kind::Other(0xfe00), None),
    ];
    for (image, kind, linkage) in table {
        let bytes = image.build();
        let report = report(&bytes);
        assert_eq!((report.kind, report.linkage), (kind, linkage), "soname {:?}", image.soname);
    }
}

#[test]
fn elf_systems() {
    let program = || Image { interpreter: None, needed: &[], versions: &[], ..Image::glibc_program() };
    let linux = |libc, kernel| Platform::Linux { libc, kernel };
    let table = [
        (program(), Platform::Unknown),
        (Image { os_abi: 3, ..program() }, linux(None, None)),
        (Image { os_abi: 9, ..program() }, Platform::FreeBsd { version: None }),
        (Image { os_abi: 12, ..program() }, Platform::OpenBsd),
        (Image { os_abi: 6, ..program() }, Platform::OtherElf(6)),
        // Statically linked with glibc: its start file leaves a note.
        (Image { notes: &[("GNU", &[0, 3, 2, 0])], ..program() }, linux(Some(Libc::Glibc), Some((3, 2, 0)))),
        // A note of another system under GNU's name decides nothing.
        (Image { notes: &[("GNU", &[1, 0, 0, 0])], ..program() }, Platform::Unknown),
        (
            Image { notes: &[("stapsdt", &[1]), ("FreeBSD", &[1_400_097])], ..program() },
            Platform::FreeBsd { version: Some(1_400_097) },
        ),
        (
            Image { notes: &[("NetBSD", &[1_000_000_000])], ..program() },
            Platform::NetBsd { version: Some(1_000_000_000) },
        ),
        (Image { notes: &[("Android", &[24])], ..program() }, Platform::Android { api: Some(24) }),
        (Image { interpreter: Some("/lib/ld-musl-x86_64.so.1"), ..program() }, linux(Some(Libc::Musl), None)),
        // A library has no loader, but says what it needs.
        (Image { needed: &["libc.so.6"], soname: Some("libx.so"), ..program() }, linux(Some(Libc::Glibc), None)),
        (Image { needed: &["libc.musl-x86_64.so.1"], ..program() }, linux(Some(Libc::Musl), None)),
    ];
    for (image, platform) in table {
        assert_eq!(report(&image.build()).platform, platform, "{:?} {:?}", image.notes, image.interpreter);
    }
}

#[test]
fn search_paths_and_compressed_sections() {
    let image = Image { runpath: Some("$ORIGIN/../lib:/opt/x/lib"), compressed: true, ..Image::glibc_program() };
    let bytes = image.build();
    let report = report(&bytes);
    assert_eq!(report.runpath, ["$ORIGIN/../lib", "/opt/x/lib"]);
    assert!(report.rpath.is_empty());
    assert_eq!(report.compressed_sections, [".debug_info"]);
}

#[test]
fn windows_programs() {
    let table = [
        (pe::IMAGE_FILE_MACHINE_AMD64, true, Arch::X86_64, Bits::B64),
        (pe::IMAGE_FILE_MACHINE_ARM64, true, Arch::Aarch64, Bits::B64),
        (pe::IMAGE_FILE_MACHINE_I386, false, Arch::X86, Bits::B32),
    ];
    for (machine, wide, arch, bits) in table {
        let bytes = support::windows_program(&["KERNEL32.dll", "ucrtbase.dll"], machine, wide);
        let report = report(&bytes);
        assert_eq!((report.format, report.kind), (Format::Pe, Kind::Executable));
        assert_eq!((report.machine.arch, report.machine.bits, report.machine.endian), (arch, bits, Endian::Little));
        assert_eq!(report.linkage, Some(Linkage::Dynamic));
        assert_eq!(report.needed, ["KERNEL32.dll", "ucrtbase.dll"]);
        assert_eq!(report.platform, Platform::Windows { subsystem: Subsystem::Console, version: (6, 2) });
        assert!(report.glibc().is_none());
    }
}

#[test]
fn apple_programs() {
    let bytes =
        Program { weak: vec!["/usr/lib/libz.dylib"], rpaths: vec!["@loader_path"], ..Program::default() }.build();
    let first = report(&bytes);
    assert_eq!((first.format, first.kind, first.linkage), (Format::MachO, Kind::Executable, Some(Linkage::Dynamic)));
    assert_eq!((first.machine.arch, first.machine.bits), (Arch::Aarch64, Bits::B64));
    assert_eq!(first.interpreter.as_deref(), Some("/usr/lib/dyld"));
    assert_eq!(first.needed, ["/usr/lib/libSystem.B.dylib"]);
    assert_eq!(first.optional, ["/usr/lib/libz.dylib"]);
    assert_eq!(first.runpath, ["@loader_path"]);

    let thirteen = (AppleOs::MacOs, AppleVersion(13, 0, 0), AppleVersion(14, 2, 0));
    let old = (AppleOs::MacOs, AppleVersion(10, 9, 0), AppleVersion(0, 0, 0));
    let unknown = (AppleOs::Unknown, AppleVersion(0, 0, 0), AppleVersion(0, 0, 0));
    let program = Program::default;
    let table = [
        (program(), thirteen, Signature::AdHoc),
        (Program { signature_flags: Some(0x20002), ..program() }, thirteen, Signature::LinkerSigned),
        (Program { signature_flags: Some(0x10000), ..program() }, thirteen, Signature::Certificate),
        (Program { signature_flags: None, ..program() }, thirteen, Signature::None),
        (Program { build: None, version_min: Some(0x000a_0900), ..program() }, old, Signature::AdHoc),
        (Program { build: None, ..program() }, unknown, Signature::AdHoc),
    ];
    for (program, (os, minimum, sdk), signature) in table {
        let bytes = program.build();
        assert_eq!(report(&bytes).platform, Platform::Apple { os, minimum, sdk, signature });
    }
}
