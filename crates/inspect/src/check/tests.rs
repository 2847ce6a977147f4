use std::borrow::Cow;

use super::*;
use crate::content::{Archive, Member, Slice};
use crate::error::{Part, broken};
use crate::machine::Machine;
use crate::platform::{AppleOs, AppleVersion, Platform, Signature, Subsystem};
use crate::version_need::VersionNeed;

const X86_64: Machine = Machine { arch: Arch::X86_64, bits: Bits::B64, endian: Endian::Little, float_abi: None };
const ARMHF: Machine =
    Machine { arch: Arch::Arm, bits: Bits::B32, endian: Endian::Little, float_abi: Some(FloatAbi::Hard) };

/// A dynamic glibc program that needs 2.34 of libc and 2.29 of libm.
fn program() -> Report<'static> {
    let mut report = Report::new(Format::Elf, Kind::Executable, X86_64);
    report.linkage = Some(Linkage::Dynamic);
    report.interpreter = Some("/lib64/ld-linux-x86-64.so.2".into());
    report.needed = vec!["libm.so.6".into(), "libc.so.6".into()];
    report.platform = Platform::Linux { libc: Some(Libc::Glibc), kernel: None };
    report.version_needs = vec![
        need("libm.so.6", "GLIBC_2.29", false, &["pow"]),
        need("libc.so.6", "GLIBC_2.34", false, &["pthread_create", "__libc_start_main"]),
        need("libc.so.6", "GLIBC_2.99", true, &["only_if_there"]),
    ];
    report
}

fn need(library: &'static str, version: &'static str, weak: bool, symbols: &[&'static str]) -> VersionNeed<'static> {
    let symbols = symbols.iter().map(|symbol| Cow::Borrowed(*symbol)).collect();
    VersionNeed { library: library.into(), version: version.into(), weak, symbols }
}

fn object(report: Report<'static>) -> Content<'static> {
    Content::Object(Box::new(report))
}

fn found<'c>(content: &'c Content<'_>, expected: &Expectation<'_>) -> Vec<Fault<'c>> {
    check(content, expected).into_iter().map(|violation| violation.fault).collect()
}

fn too_new<'c>(found: (u32, u32), library: &'c str, symbols: &[&'c str]) -> Fault<'c> {
    Fault::GlibcTooNew { found, ceiling: (2, 28), library, symbols: symbols.to_vec() }
}

#[test]
fn one_expectation_at_a_time() {
    let program = object(program());
    let none = Expectation::default;
    let table: Vec<(Expectation<'_>, Vec<Fault<'_>>)> = vec![
        (none(), vec![]),
        (Expectation { format: Some(Format::Elf), ..none() }, vec![]),
        (
            Expectation { format: Some(Format::Pe), ..none() },
            vec![Fault::Format { found: Format::Elf, expected: Format::Pe }],
        ),
        (
            Expectation { kind: Some(Kind::SharedLibrary), ..none() },
            vec![Fault::Kind { found: Kind::Executable, expected: Kind::SharedLibrary }],
        ),
        (Expectation { arch: Some(Arch::X86_64), ..none() }, vec![]),
        (
            Expectation { arch: Some(Arch::Aarch64), ..none() },
            vec![Fault::Arch { found: Arch::X86_64, expected: Arch::Aarch64 }],
        ),
        (Expectation { bits: Some(Bits::B32), ..none() }, vec![Fault::Bits { found: Bits::B64, expected: Bits::B32 }]),
        (
            Expectation { endian: Some(Endian::Big), ..none() },
            vec![Fault::Endian { found: Endian::Little, expected: Endian::Big }],
        ),
        // The file does not say.
        (Expectation { float_abi: Some(FloatAbi::Hard), ..none() }, vec![]),
        (Expectation { os: Some(Os::Linux), libc: Some(Libc::Glibc), ..none() }, vec![]),
        (Expectation { os: Some(Os::FreeBsd), ..none() }, vec![Fault::Os { found: Os::Linux, expected: Os::FreeBsd }]),
        (
            Expectation { libc: Some(Libc::Musl), ..none() },
            vec![Fault::Libc { found: Libc::Glibc, expected: Libc::Musl }],
        ),
        (Expectation { glibc_ceiling: Some((2, 34)), ..none() }, vec![]),
        (
            Expectation { glibc_ceiling: Some((2, 28)), ..none() },
            vec![
                too_new((2, 29), "libm.so.6", &["pow"]),
                too_new((2, 34), "libc.so.6", &["pthread_create", "__libc_start_main"]),
            ],
        ),
        (
            Expectation { static_required: true, ..none() },
            vec![Fault::NotStatic {
                interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
                needed: vec!["libm.so.6", "libc.so.6"],
            }],
        ),
        (Expectation { interpreter: Some("/lib64/ld-linux-x86-64.so.2"), ..none() }, vec![]),
        (
            Expectation { interpreter: Some("/lib/ld-musl-x86_64.so.1"), ..none() },
            vec![Fault::Interpreter { found: "/lib64/ld-linux-x86-64.so.2" }],
        ),
        (Expectation { libraries: Some(&["libc.so.6", "libm.*"]), ..none() }, vec![]),
        (
            Expectation { libraries: Some(&["libc.so"]), ..none() },
            vec![Fault::Library { name: "libm.so.6" }, Fault::Library { name: "libc.so.6" }],
        ),
    ];
    for (expected, faults) in table {
        assert_eq!(found(&program, &expected), faults, "{expected:?}");
    }
}

#[test]
fn what_apple_asks() {
    let program = |signature| {
        let mut report = Report::new(Format::MachO, Kind::Executable, X86_64);
        let (minimum, sdk) = (AppleVersion(13, 1, 0), AppleVersion::default());
        report.platform = Platform::Apple { os: AppleOs::MacOs, minimum, sdk, signature };
        object(report)
    };
    let ceiling =
        |major, minor| Expectation { apple_ceiling: Some(AppleVersion(major, minor, 0)), ..Expectation::default() };
    let signed = Expectation { signature_required: true, ..Expectation::default() };
    let unsigned = program(Signature::None);
    let too_new = Fault::AppleTooNew { found: AppleVersion(13, 1, 0), ceiling: AppleVersion(13, 0, 9) };
    assert_eq!(found(&unsigned, &ceiling(13, 1)), []);
    let between = Expectation { apple_ceiling: Some(AppleVersion(13, 0, 9)), ..Expectation::default() };
    assert_eq!(found(&unsigned, &between), [too_new]);
    assert_eq!(found(&unsigned, &signed), [Fault::NotSigned]);
    assert_eq!(found(&program(Signature::LinkerSigned), &signed), []);
    // Other systems know neither.
    let elf = object(self::program());
    assert_eq!(found(&elf, &Expectation { apple_ceiling: Some(AppleVersion(0, 0, 0)), ..signed }), []);
}

#[test]
fn static_programs() {
    for linkage in [Linkage::Static, Linkage::StaticPie] {
        let mut report = Report::new(Format::Elf, Kind::Executable, X86_64);
        report.linkage = Some(linkage);
        let expected = Expectation {
            static_required: true,
            os: Some(Os::Linux),
            libc: Some(Libc::Musl),
            glibc_ceiling: Some((2, 0)),
            interpreter: Some("/lib/ld-musl-x86_64.so.1"),
            libraries: Some(&[]),
            ..Expectation::default()
        };
        assert_eq!(found(&object(report), &expected), []);
    }
}

#[test]
fn private_glibc_versions_have_no_safe_floor() {
    let mut report = program();
    report.version_needs = vec![need("libc.so.6", "GLIBC_PRIVATE", false, &["__libc_alloca_cutoff"])];
    let expected = Expectation { glibc_ceiling: Some((2, 99)), ..Expectation::default() };
    assert_eq!(
        found(&object(report), &expected),
        [Fault::GlibcUnranked { version: "GLIBC_PRIVATE", library: "libc.so.6" }]
    );
}

#[test]
fn float_abi_of_arm() {
    let content = object(Report::new(Format::Elf, Kind::Relocatable, ARMHF));
    let expect = |float_abi| Expectation { float_abi: Some(float_abi), ..Expectation::default() };
    assert_eq!(found(&content, &expect(FloatAbi::Hard)), []);
    assert_eq!(
        found(&content, &expect(FloatAbi::Soft)),
        [Fault::FloatAbi { found: FloatAbi::Hard, expected: FloatAbi::Soft }]
    );
}

#[test]
fn windows_libraries_have_no_case_and_elf_libraries_do() {
    let libraries: &[&str] = &["kernel32.dll", "api-ms-win-*"];
    let expected = Expectation { libraries: Some(libraries), ..Expectation::default() };
    let mut report = Report::new(Format::Pe, Kind::Executable, X86_64);
    report.platform = Platform::Windows { subsystem: Subsystem::Console, version: (6, 0) };
    report.needed = vec!["KERNEL32.dll".into(), "API-MS-WIN-crt-heap-l1-1-0.dll".into(), "libwinpthread-1.dll".into()];
    let windows = object(report.clone());
    assert_eq!(found(&windows, &expected), [Fault::Library { name: "libwinpthread-1.dll" }]);
    report.format = Format::Elf;
    assert_eq!(found(&object(report), &expected).len(), 3);
}

#[test]
fn not_an_object_is_a_fault_of_its_own() {
    assert_eq!(found(&Content::NotAnObject, &Expectation::default()), [Fault::NotAnObject]);
}

#[test]
fn foreign_members_are_named() {
    let error = broken(Part::FileHeader, 700, "cut");
    let member = |name, object| Member { name: Cow::Borrowed(name), offset: 0, size: 0, object };
    let relocatable = |machine| Ok(Some(Box::new(Report::new(Format::Elf, Kind::Relocatable, machine))));
    let archive = Content::Archive(Archive {
        thin: false,
        members: vec![
            member("good.o", relocatable(X86_64)),
            member("foreign.o", relocatable(ARMHF)),
            member("readme.txt", Ok(None)),
            member("broken.o", Err(error)),
        ],
        damage: None,
    });
    let expected = Expectation { arch: Some(Arch::X86_64), ..Expectation::default() };
    let place = |member| Place { slice: None, member: Some(member) };
    let foreign = Fault::Arch { found: Arch::Arm, expected: Arch::X86_64 };
    assert_eq!(
        check(&archive, &expected),
        [
            Violation { place: place("foreign.o"), fault: foreign },
            Violation { place: place("broken.o"), fault: Fault::Unreadable(error) },
        ]
    );
}

#[test]
fn one_fitting_slice_is_enough() {
    let slice = |arch| {
        let mut report = Report::new(Format::MachO, Kind::Executable, Machine { arch, ..X86_64 });
        report.platform = Platform::Apple {
            os: AppleOs::MacOs,
            minimum: AppleVersion(13, 0, 0),
            sdk: AppleVersion(13, 0, 0),
            signature: Signature::AdHoc,
        };
        Slice { offset: 0, size: 0, content: Ok(object(report)) }
    };
    let universal = Content::Universal(vec![slice(Arch::X86_64), slice(Arch::Aarch64)]);
    let expect = |arch| Expectation { arch: Some(arch), ..Expectation::default() };
    assert_eq!(found(&universal, &expect(Arch::Aarch64)), []);
    assert_eq!(found(&universal, &expect(Arch::Arm)).len(), 2);
    let wrong_os = Expectation { os: Some(Os::Windows), ..expect(Arch::Aarch64) };
    let places: Vec<_> = check(&universal, &wrong_os).iter().map(|violation| violation.place.slice).collect();
    assert_eq!(places, [Some(1)]);
}
