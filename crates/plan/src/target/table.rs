//! The rows: which targets there are, and every fact about each.
//!
//! A row stands here only if this release really builds for it. Sources of facts: zig 0.17.1 (`lib/std/zig/target.zig`,
//! `lib/libc/glibc/abilists`), OCaml 5.3.0 (`configure.ac`, `Changes`), the psABI documents for the loaders' paths.
//! Not here: what is done with the facts.

use super::ocaml::{Backend, OcamlVersion};
use super::{Abi, Cpu, CpuFacts, Endian, Floor, Loader, ObjectFormat, Os, Spec};

/// The oldest floor of most CPUs: zig has none older for aarch64, and no distribution still maintained has one.
const OLDEST_FLOOR: Floor = Floor::new(17);
/// The newest glibc whose symbols zig 0.17.1 knows; it takes a newer one for this one, with a warning.
pub const NEWEST_FLOOR: Floor = Floor::new(44);
/// The floor of a glibc target that names none: RHEL 8, Debian 10 and everything since. No CPU came to glibc later.
pub const DEFAULT_FLOOR: Floor = Floor::new(28);

const X86_64: CpuFacts = CpuFacts {
    name: "x86_64",
    bits: 64,
    endian: Endian::Little,
    ocaml: Backend { arch: "amd64", model: "default", releases: &[(OcamlVersion::new(4, 0, 0), None)] },
    debian: "amd64",
    qemu: "qemu-x86_64",
    oldest_glibc: OLDEST_FLOOR,
};

const AARCH64: CpuFacts = CpuFacts {
    name: "aarch64",
    bits: 64,
    endian: Endian::Little,
    ocaml: Backend { arch: "arm64", model: "default", releases: &[(OcamlVersion::new(4, 2, 0), None)] },
    debian: "arm64",
    qemu: "qemu-aarch64",
    oldest_glibc: OLDEST_FLOOR,
};

const RISCV64: CpuFacts = CpuFacts {
    name: "riscv64",
    bits: 64,
    endian: Endian::Little,
    ocaml: Backend {
        arch: "riscv",
        model: "riscv64",
        releases: &[
            (OcamlVersion::new(4, 11, 0), Some(OcamlVersion::new(5, 0, 0))),
            (OcamlVersion::new(5, 1, 0), None),
        ],
    },
    debian: "riscv64",
    qemu: "qemu-riscv64",
    oldest_glibc: Floor::new(27),
};

/// 4.14 is the last release with native code for 32 bits.
const ARMV7: CpuFacts = CpuFacts {
    name: "armv7",
    bits: 32,
    endian: Endian::Little,
    ocaml: Backend {
        arch: "arm",
        model: "armv7",
        releases: &[(OcamlVersion::new(4, 0, 0), Some(OcamlVersion::new(5, 0, 0)))],
    },
    debian: "armhf",
    qemu: "qemu-arm",
    oldest_glibc: OLDEST_FLOOR,
};

const X86: CpuFacts = CpuFacts {
    name: "x86",
    bits: 32,
    endian: Endian::Little,
    ocaml: Backend {
        arch: "i386",
        model: "default",
        releases: &[(OcamlVersion::new(4, 0, 0), Some(OcamlVersion::new(5, 0, 0)))],
    },
    debian: "i386",
    qemu: "qemu-i386",
    oldest_glibc: OLDEST_FLOOR,
};

const POWERPC64LE: CpuFacts = CpuFacts {
    name: "powerpc64le",
    bits: 64,
    endian: Endian::Little,
    ocaml: Backend {
        arch: "power",
        model: "ppc64le",
        releases: &[(OcamlVersion::new(4, 3, 0), Some(OcamlVersion::new(5, 0, 0))), (OcamlVersion::new(5, 2, 0), None)],
    },
    debian: "ppc64el",
    qemu: "qemu-ppc64le",
    oldest_glibc: OLDEST_FLOOR,
};

const S390X: CpuFacts = CpuFacts {
    name: "s390x",
    bits: 64,
    endian: Endian::Big,
    ocaml: Backend {
        arch: "s390x",
        model: "z10",
        releases: &[(OcamlVersion::new(4, 3, 0), Some(OcamlVersion::new(5, 0, 0))), (OcamlVersion::new(5, 1, 0), None)],
    },
    debian: "s390x",
    qemu: "qemu-s390x",
    oldest_glibc: OLDEST_FLOOR,
};

impl Cpu {
    /// Every CPU.
    pub const ALL: &[Self] =
        &[Self::X86_64, Self::Aarch64, Self::Riscv64, Self::Armv7, Self::X86, Self::Powerpc64le, Self::S390x];

    /// What is known of it.
    #[must_use]
    pub const fn facts(self) -> &'static CpuFacts {
        match self {
            Self::X86_64 => &X86_64,
            Self::Aarch64 => &AARCH64,
            Self::Riscv64 => &RISCV64,
            Self::Armv7 => &ARMV7,
            Self::X86 => &X86,
            Self::Powerpc64le => &POWERPC64LE,
            Self::S390x => &S390X,
        }
    }
}

/// The targets, in the order in which they are shown.
pub(super) static TARGETS: &[Spec] = &[
    Spec {
        name: "x86_64-linux-musl",
        aliases: &["x86_64-unknown-linux-musl", "x86_64-pc-linux-musl", "x86_64-alpine-linux-musl"],
        cpu: Cpu::X86_64,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "x86_64-linux-musl",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-musl-x86_64.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "aarch64-linux-musl",
        aliases: &["aarch64-unknown-linux-musl", "aarch64-alpine-linux-musl"],
        cpu: Cpu::Aarch64,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "aarch64-linux-musl",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-musl-aarch64.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "riscv64-linux-musl",
        aliases: &["riscv64-unknown-linux-musl", "riscv64gc-unknown-linux-musl", "riscv64-alpine-linux-musl"],
        cpu: Cpu::Riscv64,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "riscv64-linux-musl",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-musl-riscv64.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "powerpc64le-linux-musl",
        aliases: &["powerpc64le-unknown-linux-musl", "powerpc64le-alpine-linux-musl"],
        cpu: Cpu::Powerpc64le,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "powerpc64le-linux-musl",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-musl-powerpc64le.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "s390x-linux-musl",
        aliases: &["s390x-unknown-linux-musl", "s390x-alpine-linux-musl"],
        cpu: Cpu::S390x,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "s390x-linux-musl",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-musl-s390x.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "armv7-linux-musleabihf",
        aliases: &[
            "armv7-unknown-linux-musleabihf",
            "armv7-alpine-linux-musleabihf",
            "armv7l-unknown-linux-musleabihf",
            "arm-linux-musleabihf",
        ],
        cpu: Cpu::Armv7,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "armv7-linux-musleabihf",
        ocaml_system: "linux_eabihf",
        loader: Some(Loader { path: "/lib/ld-musl-armhf.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "x86-linux-musl",
        aliases: &["i686-unknown-linux-musl", "i686-pc-linux-musl", "i686-linux-musl", "i586-alpine-linux-musl"],
        cpu: Cpu::X86,
        os: Os::Linux,
        abi: Abi::Musl,
        gnu_triple: "i686-linux-musl",
        ocaml_system: "linux_elf",
        loader: Some(Loader { path: "/lib/ld-musl-i386.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "x86_64-linux-gnu",
        aliases: &["x86_64-unknown-linux-gnu", "x86_64-pc-linux-gnu", "x86_64-redhat-linux-gnu"],
        cpu: Cpu::X86_64,
        os: Os::Linux,
        abi: Abi::Gnu,
        gnu_triple: "x86_64-linux-gnu",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib64/ld-linux-x86-64.so.2" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "aarch64-linux-gnu",
        aliases: &["aarch64-unknown-linux-gnu", "aarch64-redhat-linux-gnu"],
        cpu: Cpu::Aarch64,
        os: Os::Linux,
        abi: Abi::Gnu,
        gnu_triple: "aarch64-linux-gnu",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-linux-aarch64.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "riscv64-linux-gnu",
        aliases: &["riscv64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu", "riscv64-redhat-linux-gnu"],
        cpu: Cpu::Riscv64,
        os: Os::Linux,
        abi: Abi::Gnu,
        gnu_triple: "riscv64-linux-gnu",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld-linux-riscv64-lp64d.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "powerpc64le-linux-gnu",
        aliases: &["powerpc64le-unknown-linux-gnu", "powerpc64le-redhat-linux-gnu", "ppc64le-redhat-linux-gnu"],
        cpu: Cpu::Powerpc64le,
        os: Os::Linux,
        abi: Abi::Gnu,
        gnu_triple: "powerpc64le-linux-gnu",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib64/ld64.so.2" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "s390x-linux-gnu",
        aliases: &["s390x-unknown-linux-gnu", "s390x-ibm-linux-gnu", "s390x-redhat-linux-gnu"],
        cpu: Cpu::S390x,
        os: Os::Linux,
        abi: Abi::Gnu,
        gnu_triple: "s390x-linux-gnu",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/lib/ld64.so.1" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "aarch64-linux-android",
        aliases: &["aarch64-none-linux-android", "aarch64-unknown-linux-android"],
        cpu: Cpu::Aarch64,
        os: Os::Linux,
        abi: Abi::Bionic,
        gnu_triple: "aarch64-linux-android",
        ocaml_system: "linux",
        loader: Some(Loader { path: "/system/bin/linker64" }),
        object_format: ObjectFormat::Elf,
    },
    Spec {
        name: "x86_64-windows-gnu",
        aliases: &["x86_64-w64-mingw32", "x86_64-pc-windows-gnu", "x86_64-w64-windows-gnu", "x86_64-w64-mingw32ucrt"],
        cpu: Cpu::X86_64,
        os: Os::Windows,
        abi: Abi::Mingw,
        gnu_triple: "x86_64-w64-mingw32",
        ocaml_system: "mingw64",
        loader: None,
        object_format: ObjectFormat::Pe,
    },
    Spec {
        name: "aarch64-macos",
        aliases: &["aarch64-apple-darwin", "arm64-apple-macos", "arm64-apple-darwin", "aarch64-macos-none"],
        cpu: Cpu::Aarch64,
        os: Os::MacOs,
        abi: Abi::Darwin,
        gnu_triple: "aarch64-apple-darwin23",
        ocaml_system: "macosx",
        loader: Some(Loader { path: "/usr/lib/dyld" }),
        object_format: ObjectFormat::MachO,
    },
    Spec {
        name: "x86_64-macos",
        aliases: &["x86_64-apple-darwin", "x86_64-apple-macos", "x86_64-macos-none"],
        cpu: Cpu::X86_64,
        os: Os::MacOs,
        abi: Abi::Darwin,
        gnu_triple: "x86_64-apple-darwin23",
        ocaml_system: "macosx",
        loader: Some(Loader { path: "/usr/lib/dyld" }),
        object_format: ObjectFormat::MachO,
    },
    Spec {
        name: "x86_64-freebsd",
        aliases: &[
            "x86_64-unknown-freebsd",
            "x86_64-unknown-freebsd14",
            "amd64-unknown-freebsd",
            "x86_64-freebsd-none",
        ],
        cpu: Cpu::X86_64,
        os: Os::FreeBsd,
        abi: Abi::FreeBsd,
        gnu_triple: "x86_64-unknown-freebsd14",
        ocaml_system: "freebsd",
        loader: Some(Loader { path: "/libexec/ld-elf.so.1" }),
        object_format: ObjectFormat::Elf,
    },
];
