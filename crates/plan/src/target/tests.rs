use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Target, TargetError> {
    text.parse()
}

#[test]
fn names_and_aliases_are_unique_and_without_dots() {
    let names: Vec<_> = TARGETS.iter().flat_map(Spec::names).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.iter().all(|name| !name.contains('.')));
}

#[test]
fn rows_agree_with_their_names() {
    for target in Target::all() {
        let spec = target.spec();
        let parts: Vec<_> = spec.name.split('-').collect();
        let (rest, triple): (&[&str], _) = match (spec.os, spec.abi) {
            // 32-bit ARM has several calling conventions.
            (Os::Linux, Abi::Musl) if spec.cpu == Cpu::Armv7 => (&["linux", "musleabihf"], "musleabihf"),
            (Os::Linux, Abi::Musl) => (&["linux", "musl"], "musl"),
            (Os::Linux, Abi::Gnu) => (&["linux", "gnu"], "gnu"),
            (Os::Linux, Abi::Bionic) => (&["linux", "android"], "android"),
            (Os::Windows, Abi::Mingw) => (&["windows", "gnu"], "mingw32"),
            (Os::MacOs, Abi::Darwin) => (&["macos"], "darwin23"),
            (Os::FreeBsd, Abi::FreeBsd) => (&["freebsd"], "freebsd14"),
            other => panic!("{other:?}"),
        };
        assert_eq!(parts, [&[target.cpu().name], rest].concat());
        assert_eq!(target.glibc().is_some(), spec.abi == Abi::Gnu);
        // GNU's tools count generations of x86.
        let cpu = if spec.cpu == Cpu::X86 { "i686" } else { target.cpu().name };
        assert!(spec.gnu_triple.starts_with(cpu) && spec.gnu_triple.ends_with(triple));
    }
}

#[test]
fn accepted() {
    for (given, canonical) in [
        ("aarch64-linux-musl", "aarch64-linux-musl"),
        ("aarch64-unknown-linux-musl", "aarch64-linux-musl"),
        ("riscv64gc-unknown-linux-musl", "riscv64-linux-musl"),
        ("arm64-apple-macos", "aarch64-macos"),
        ("x86_64-apple-darwin", "x86_64-macos"),
        ("amd64-unknown-freebsd", "x86_64-freebsd"),
        ("s390x-ibm-linux-gnu", "s390x-linux-gnu.2.28"),
        ("ppc64le-redhat-linux-gnu.2.17", "powerpc64le-linux-gnu.2.17"),
        ("riscv64-unknown-linux-gnu.2.27", "riscv64-linux-gnu.2.27"),
        ("armv7-unknown-linux-musleabihf", "armv7-linux-musleabihf"),
        ("i686-unknown-linux-musl", "x86-linux-musl"),
        ("x86_64-pc-linux-gnu", "x86_64-linux-gnu.2.28"),
        ("aarch64-linux-gnu", "aarch64-linux-gnu.2.28"),
        ("aarch64-linux-gnu.2.17", "aarch64-linux-gnu.2.17"),
        ("x86_64-unknown-linux-gnu.2.44", "x86_64-linux-gnu.2.44"),
        ("x86_64-w64-mingw32", "x86_64-windows-gnu"),
        ("x86_64-pc-windows-gnu", "x86_64-windows-gnu"),
    ] {
        assert_eq!(parse(given).unwrap().to_string(), canonical);
    }
}

#[test]
fn refused() {
    let unknown = |given: &str, nearest: &[&'static str]| TargetError::Unknown {
        given: given.to_owned(),
        nearest: nearest.to_vec(),
    };
    let form = |given: &str, floor: &str| TargetError::FloorForm { given: given.to_owned(), floor: floor.to_owned() };
    let range = |given: &str, minor, oldest| TargetError::FloorRange {
        given: given.to_owned(),
        floor: Floor::new(minor),
        oldest: Floor::new(oldest),
    };
    for (given, error) in [
        ("aarch64-linux-musk", unknown("aarch64-linux-musk", &["aarch64-linux-musl", "aarch64-linux-gnu"])),
        (
            "arch64-linux-gnu.2.28",
            unknown("arch64-linux-gnu.2.28", &["aarch64-linux-gnu", "x86_64-linux-gnu", "riscv64-linux-gnu"]),
        ),
        ("z80-cpm", unknown("z80-cpm", &[])),
        ("", unknown("", &[])),
        ("AARCH64-LINUX-MUSL", unknown("AARCH64-LINUX-MUSL", &[])),
        ("x86_64-linux-gnu.", form("x86_64-linux-gnu.", "")),
        ("x86_64-linux-gnu.2", form("x86_64-linux-gnu.2", "2")),
        ("x86_64-linux-gnu.2.028", form("x86_64-linux-gnu.2.028", "2.028")),
        ("x86_64-linux-gnu.2.28.1", form("x86_64-linux-gnu.2.28.1", "2.28.1")),
        ("x86_64-linux-gnu.3.0", form("x86_64-linux-gnu.3.0", "3.0")),
        ("x86_64-linux-gnu.2.16", range("x86_64-linux-gnu.2.16", 16, 17)),
        ("x86_64-linux-gnu.2.45", range("x86_64-linux-gnu.2.45", 45, 17)),
        ("riscv64-linux-gnu.2.26", range("riscv64-linux-gnu.2.26", 26, 27)),
        (
            "x86_64-linux-musl.2.28",
            TargetError::FloorWithoutGlibc { given: "x86_64-linux-musl.2.28".to_owned(), name: "x86_64-linux-musl" },
        ),
    ] {
        assert_eq!(parse(given), Err(error), "{given:?}");
    }
}

#[test]
fn native_ocaml() {
    let native = |name: &str, version: &str| parse(name).unwrap().has_native_ocaml(version.parse().unwrap());
    for (name, version, expected) in [
        ("aarch64-linux-musl", "5.3.0", true),
        ("x86_64-linux-gnu", "4.14.2", true),
        ("riscv64-linux-musl", "4.14.2", true),
        ("riscv64-linux-musl", "5.0.0", false),
        ("riscv64-linux-musl", "5.1.0", true),
        ("riscv64-linux-musl", "4.10.2", false),
        ("powerpc64le-linux-musl", "5.1.0", false),
        ("powerpc64le-linux-gnu", "5.2.0", true),
        ("s390x-linux-musl", "5.0.0", false),
        ("s390x-linux-gnu", "5.3.0", true),
        ("armv7-linux-musleabihf", "4.14.1", true),
        ("armv7-linux-musleabihf", "5.0.0", false),
        ("x86-linux-musl", "4.14.1", true),
        ("x86-linux-musl", "5.4.1", false),
    ] {
        assert_eq!(native(name, version), expected, "{name} {version}");
    }
}

#[test]
fn runners() {
    let laptop = Machine::of_rust("x86_64", "linux");
    let mac = Machine::of_rust("aarch64", "macos");
    let exotic = Machine::of_rust("loongarch64", "linux");
    let runner = |name: &str, machine| parse(name).unwrap().runner_on(machine);
    assert_eq!(runner("x86_64-linux-musl", laptop), Runner::Native);
    assert_eq!(runner("riscv64-linux-musl", laptop), Runner::Qemu("qemu-riscv64"));
    assert_eq!(runner("aarch64-linux-musl", mac), Runner::None);
    assert_eq!(runner("x86_64-windows-gnu", laptop), Runner::Wine);
    assert_eq!(runner("x86_64-windows-gnu", exotic), Runner::None);
    assert_eq!(runner("aarch64-linux-musl", exotic), Runner::Qemu("qemu-aarch64"));
}

proptest! {
    /// What is printed is parsed back, and every floor between the bounds is accepted, no other.
    #[test]
    fn round_trip(row in 0..TARGETS.len(), alias in 0_usize..5, minor in 0_u16..99) {
        let spec = &TARGETS[row];
        let name = spec.names().nth(alias).unwrap_or(spec.name);
        let given = if spec.abi == Abi::Gnu { format!("{name}.2.{minor}") } else { name.to_owned() };
        let floors = spec.cpu.facts().oldest_glibc.minor..=NEWEST_FLOOR.minor;
        match parse(&given) {
            Ok(target) => {
                prop_assert!(std::ptr::eq(target.spec(), spec));
                prop_assert_eq!(parse(&target.to_string()), Ok(target));
                prop_assert!(spec.abi != Abi::Gnu || floors.contains(&minor));
            }
            Err(error) => {
                let out_of_range = matches!(error, TargetError::FloorRange { .. });
                prop_assert!(out_of_range && !floors.contains(&minor));
            }
        }
    }

    /// Whatever is given, there is an answer, and what is suggested exists.
    #[test]
    fn any_text(given in r"[a-z0-9_.-]{0,40}|(x86_64|aarch64|riscv64)?-?linux-(gnu|musl)?[.0-9]{0,6}") {
        match parse(&given) {
            Ok(target) => prop_assert_eq!(parse(&target.to_string()), Ok(target)),
            Err(TargetError::Unknown { nearest, .. }) => {
                for name in nearest {
                    prop_assert!(parse(name).is_ok());
                }
            }
            Err(error) => prop_assert!(error.to_string().contains(&given)),
        }
    }

    /// A name with one mistyped letter is among the suggestions.
    #[test]
    fn typing_errors(row in 0..TARGETS.len(), at in 0_usize..15) {
        let name = TARGETS[row].name;
        let at = at % name.len();
        let mut typed = name.to_owned();
        typed.replace_range(at..=at, "z");
        if let Err(TargetError::Unknown { nearest, .. }) = parse(&typed) {
            prop_assert!(nearest.contains(&name), "{} -> {:?}", typed, nearest);
        }
    }
}
