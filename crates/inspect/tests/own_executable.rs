//! The running test is a real linked program: what it says has to be what this test was compiled for.

#![expect(clippy::disallowed_methods, reason = "a test is a caller, and callers read the file")]

use inspect::{Arch, Bits, Content, Endian, Expectation, Kind, Os, check, host_paths, inspect, locate};

#[test]
#[cfg(target_os = "linux")]
fn is_what_it_was_compiled_for() {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let content = inspect(&bytes).unwrap();
    let Content::Object(report) = &content else { panic!() };

    let arch = match std::env::consts::ARCH {
        "x86" => Arch::X86,
        "x86_64" => Arch::X86_64,
        "arm" => Arch::Arm,
        "aarch64" => Arch::Aarch64,
        "riscv64" => Arch::Riscv64,
        "powerpc64" => Arch::Powerpc64,
        "s390x" => Arch::S390x,
        "loongarch64" => Arch::LoongArch,
        other => panic!("add {other} to this table"),
    };
    let expected = Expectation {
        kind: Some(Kind::Executable),
        arch: Some(arch),
        bits: Some(if cfg!(target_pointer_width = "64") { Bits::B64 } else { Bits::B32 }),
        endian: Some(if cfg!(target_endian = "little") { Endian::Little } else { Endian::Big }),
        os: Some(Os::Linux),
        ..Expectation::default()
    };
    assert_eq!(check(&content, &expected), []);

    // Rust's standard library on glibc: dynamic, with versions, every one above (0, 0).
    if cfg!(all(target_env = "gnu", not(target_feature = "crt-static"))) {
        assert!(report.needed.iter().any(|library| library == "libc.so.6"));
        let floor = report.glibc().and_then(|glibc| glibc.floor).unwrap();
        assert!(floor >= (2, 2), "{floor:?}");
        let none = Expectation { glibc_ceiling: Some((0, 0)), static_required: true, ..Expectation::default() };
        assert!(check(&content, &none).len() > 1);
    }
}

#[test]
fn paths_in_it_are_found() {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // Put together at run time, so that it is in the program as data of this test alone.
    static PLANTED: &[u8] = b"\0/planted-host/home/ann/project/main.ml\0";
    let planted = std::hint::black_box(PLANTED);
    let prefix = &planted[1..planted.len() - 9];
    let found = host_paths(&bytes, &[prefix]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, &planted[1..planted.len() - 1]);
    if cfg!(target_os = "linux") {
        assert_eq!(locate(&bytes, found[0].offset).section.as_deref(), Some(".rodata"));
    }
}
