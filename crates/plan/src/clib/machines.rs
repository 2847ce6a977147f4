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
];

/// The variables that the recipe of `library` gets for `target`.
pub(super) fn columns(library: Library, target: Target) -> Result<Vec<(&'static str, &'static str)>, PlanError> {
    let spec = target.spec();
    let row = MACHINES.iter().find(|row| (row.cpu, row.os) == (spec.cpu, spec.os));
    let none = || PlanError::NoLibrary { library: library.facts().name, target: target.to_string() };
    Ok(match library {
        Library::Gmp => vec![("ASSEMBLY", row.ok_or_else(none)?.gmp)],
        Library::Libffi => {
            let (name, sources) = row.ok_or_else(none)?.libffi;
            vec![("MACHINE", name), ("MACHINE_SOURCES", sources)]
        }
        Library::Openssl => vec![("CONFIGURATION", row.ok_or_else(none)?.openssl)],
        Library::Curl | Library::Expat | Library::Libev | Library::Pcre2 | Library::Sqlite3 | Library::Zlib => {
            Vec::new()
        }
    })
}
