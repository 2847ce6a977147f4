//! What a CPU and an operating system change about a library's build: columns of a table, given to the recipe as variables.
//!
//! Not here: what every library's recipe is told (prefix, triple, version), which is [`super`]'s.

use super::Library;
use crate::planner::PlanError;
use crate::target::{Cpu, Os, Target};

/// A row: what libraries call this machine.
struct Machine {
    cpu: Cpu,
    os: Os,
    /// OpenSSL's name of the configuration: `Configurations/10-main.conf`.
    openssl: &'static str,
    /// libffi's macro and sources: its `configure.host`.
    libffi: (&'static str, &'static str),
    /// What gmp's `configure` is told: whether clang's assembler takes its code for this CPU.
    gmp: &'static str,
}

/// With what it would ask nm, which reads ELF alone: facts of Mach-O and of clang's assembler for it.
macro_rules! macho_gmp {
    ($more:literal) => {
        concat!(
            "--enable-assembly gmp_cv_asm_underscore=yes gmp_cv_asm_w32=.long gmp_cv_asm_lsym_prefix=L gmp_cv_asm_align_log=yes",
            $more
        )
    };
}

const MACHINES: &[Machine] = &[
    Machine {
        cpu: Cpu::X86_64,
        os: Os::Linux,
        openssl: "linux-x86_64",
        libffi: ("X86_64", "src/x86/ffi64.c src/x86/unix64.S src/x86/ffiw64.c src/x86/win64.S"),
        gmp: "--enable-assembly --enable-fat",
    },
    Machine {
        cpu: Cpu::Aarch64,
        os: Os::Linux,
        openssl: "linux-aarch64",
        libffi: ("AARCH64", "src/aarch64/ffi.c src/aarch64/sysv.S"),
        gmp: "--enable-assembly",
    },
    Machine {
        cpu: Cpu::Riscv64,
        os: Os::Linux,
        openssl: "linux64-riscv64",
        libffi: ("RISCV", "src/riscv/ffi.c src/riscv/sysv.S"),
        gmp: "--enable-assembly",
    },
    Machine {
        cpu: Cpu::Powerpc64le,
        os: Os::Linux,
        openssl: "linux-ppc64le",
        libffi: (
            "POWERPC",
            "src/powerpc/ffi.c src/powerpc/ffi_linux64.c src/powerpc/linux64.S src/powerpc/linux64_closure.S",
        ),
        gmp: "--enable-assembly",
    },
    Machine {
        cpu: Cpu::S390x,
        os: Os::Linux,
        openssl: "linux64-s390x",
        libffi: ("S390", "src/s390/ffi.c src/s390/sysv.S"),
        gmp: "--enable-assembly",
    },
    Machine {
        cpu: Cpu::Armv7,
        os: Os::Linux,
        openssl: "linux-armv4",
        libffi: ("ARM", "src/arm/ffi.c src/arm/sysv.S"),
        gmp: "--enable-assembly",
    },
    Machine {
        cpu: Cpu::X86,
        os: Os::Linux,
        openssl: "linux-x86",
        libffi: ("X86", "src/x86/ffi.c src/x86/sysv.S"),
        gmp: "--enable-assembly",
    },
    Machine {
        cpu: Cpu::X86_64,
        os: Os::Windows,
        openssl: "mingw64",
        libffi: ("X86_WIN64", "src/x86/ffiw64.c src/x86/win64.S"),
        // What it would ask nm, which reads ELF alone.
        gmp: "--enable-assembly --enable-fat gmp_cv_asm_underscore=no gmp_cv_asm_w32=.long gmp_cv_asm_lsym_prefix=.L",
    },
    Machine {
        cpu: Cpu::Aarch64,
        os: Os::MacOs,
        openssl: "darwin64-arm64-cc",
        libffi: ("AARCH64", "src/aarch64/ffi.c src/aarch64/sysv.S"),
        gmp: macho_gmp!(""),
    },
    Machine {
        cpu: Cpu::X86_64,
        os: Os::MacOs,
        openssl: "darwin64-x86_64-cc",
        libffi: ("X86_64", "src/x86/ffi64.c src/x86/unix64.S src/x86/ffiw64.c src/x86/win64.S"),
        // Code for Core 2, which every Mac that runs macOS 13 has: that for any x86_64 jumps from one function into another by a
        // displacement of a byte, which zig's linker does not take.
        gmp: macho_gmp!(" --host=core2-apple-darwin23"),
    },
    Machine {
        cpu: Cpu::X86_64,
        os: Os::FreeBsd,
        openssl: "BSD-x86_64",
        libffi: ("X86_64", "src/x86/ffi64.c src/x86/unix64.S src/x86/ffiw64.c src/x86/win64.S"),
        gmp: "--enable-assembly --enable-fat",
    },
];

/// The variables that the recipe of `library` gets for `target`.
pub(super) fn columns(library: Library, target: Target) -> Result<Vec<(&'static str, &'static str)>, PlanError> {
    let spec = target.spec();
    let row = MACHINES.iter().find(|row| (row.cpu, row.os) == (spec.cpu, spec.os));
    let none = || PlanError::NoLibrary { library: library.facts().name, target: target.to_string() };
    let mut columns = match library {
        Library::Gmp => vec![("ASSEMBLY", row.ok_or_else(none)?.gmp)],
        Library::Libffi => {
            let (name, sources) = row.ok_or_else(none)?.libffi;
            vec![("MACHINE", name), ("MACHINE_SOURCES", sources)]
        }
        Library::Openssl => vec![("CONFIGURATION", row.ok_or_else(none)?.openssl)],
        Library::Curl | Library::Expat | Library::Libev | Library::Pcre2 | Library::Sqlite3 | Library::Zlib => {
            Vec::new()
        }
    };
    // Recipes that make by hand what a configure script would have found out, elsewhere than on Linux.
    match spec.os {
        Os::Linux => {}
        Os::Windows => columns.push(("SYSTEM", "windows")),
        Os::MacOs => columns.push(("SYSTEM", "macos")),
        Os::FreeBsd => columns.push(("SYSTEM", "freebsd")),
    }
    Ok(columns)
}
