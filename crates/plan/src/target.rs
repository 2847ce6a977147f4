//! Targets: the machines that programs are made for, as values.
//!
//! A [`Target`] is a row of the table ([`table`]) and, for glibc, a floor: the oldest glibc its programs start with.
//! Facts are fields of the row; nobody finds them out by looking into names. Names are zig's
//! (`aarch64-linux-musl`, `aarch64-linux-gnu.2.28`); GNU and Rust triples are accepted as aliases.
//!
//! Not here: how a toolchain for a target is made, nor what the machine we run on can do (it is a parameter).

pub mod foreign;
mod goal;
mod ocaml;
pub mod table;

use std::fmt;
use std::str::FromStr;

pub use goal::{Goal, Universal};
use ocaml::decimal;
pub use ocaml::{Backend, OcamlVersion, OcamlVersionError};
use table::{DEFAULT_FLOOR, NEWEST_FLOOR, TARGETS};

/// A machine that programs are made for. Displayed as zig names it, with the glibc floor if there is one.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    spec: &'static Spec,
    floor: Option<Floor>,
}

/// A row of the table: everything that is known of a target but its glibc floor.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// zig's name, without a glibc floor. Unique.
    pub name: &'static str,
    /// GNU and Rust triples by which it is also known. Unique among all names and aliases.
    pub aliases: &'static [&'static str],
    /// Its CPU.
    pub cpu: Cpu,
    /// Its operating system.
    pub os: Os,
    /// Its C library and calling convention.
    pub abi: Abi,
    /// What `configure --host` is given, and the prefix of its tools' names.
    pub gnu_triple: &'static str,
    /// `system` in `ocamlopt -config`.
    pub ocaml_system: &'static str,
    /// Who starts its dynamically linked programs, where a program names it.
    pub loader: Option<Loader>,
    /// The format of its objects and programs.
    pub object_format: ObjectFormat,
}

/// Who starts dynamically linked programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loader {
    /// Absolute path on the target, as in `PT_INTERP`.
    pub path: &'static str,
}

/// What is known of a CPU whatever the system.
#[derive(Debug, PartialEq, Eq)]
pub struct CpuFacts {
    /// zig's and the Linux kernel's name, the first part of targets' names.
    pub name: &'static str,
    /// Size of a word.
    pub bits: u8,
    /// Order of bytes in a word.
    pub endian: Endian,
    /// OCaml's back end.
    pub ocaml: Backend,
    /// Debian's name of the architecture, as in `libc6-arm64-cross`.
    pub debian: &'static str,
    /// The program of qemu's user mode that emulates it on Linux.
    pub qemu: &'static str,
    /// The oldest glibc that programs can be made for: the first there was for the CPU, if it is not older than others'.
    pub oldest_glibc: Floor,
}

/// CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cpu {
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM, little-endian.
    Aarch64,
    /// 64-bit RISC-V with the extensions of `rv64gc`.
    Riscv64,
    /// 32-bit ARM, version 7 with hardware floating point, little-endian.
    Armv7,
    /// 32-bit x86.
    X86,
    /// 64-bit POWER, little-endian.
    Powerpc64le,
    /// IBM Z, big-endian.
    S390x,
}

/// Operating systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// Linux.
    Linux,
    /// Windows 10 and later.
    Windows,
    /// macOS.
    MacOs,
    /// FreeBSD.
    FreeBsd,
}

/// C libraries and their calling conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abi {
    /// musl; programs are linked statically.
    Musl,
    /// glibc; programs are linked dynamically against a floor.
    Gnu,
    /// mingw-w64 over the Universal C Runtime; only the system's own libraries are linked dynamically.
    Mingw,
    /// macOS's libSystem, which is always linked dynamically.
    Darwin,
    /// FreeBSD's own; programs are linked dynamically.
    FreeBsd,
    /// Android's bionic, which comes with Android's NDK alone; programs are linked dynamically.
    Bionic,
}

/// Orders of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endian {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
}

/// Formats of objects and programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectFormat {
    /// ELF.
    Elf,
    /// PE/COFF.
    Pe,
    /// Mach-O.
    MachO,
}

/// A version 2.`minor` of glibc: programs made for it start with it and all later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Floor {
    minor: u16,
}

/// A machine programs run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Its CPU, if it is one of ours.
    pub cpu: Option<Cpu>,
    /// Its operating system, if it is one of ours.
    pub os: Option<Os>,
}

/// How a target's programs are run on some machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// As they are.
    Native,
    /// Under an emulator of this name.
    Qemu(&'static str),
    /// Under wine.
    Wine,
    /// Not at all.
    None,
}

/// Why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No row has this name or alias.
    #[error("there is no target `{given}`")]
    Unknown {
        /// What was given.
        given: String,
        /// Names of targets that look like it, the likeliest first; may be empty.
        nearest: Vec<&'static str>,
    },
    /// What follows the name is no version of glibc.
    #[error("`{floor}` in `{given}` is not a version of glibc of the form {DEFAULT_FLOOR}")]
    FloorForm {
        /// What was given.
        given: String,
        /// The part that was to be the floor.
        floor: String,
    },
    /// A floor that cannot be built for.
    #[error("`{given}`: glibc {floor} is not among those that can be built for, {oldest} to {NEWEST_FLOOR}")]
    FloorRange {
        /// What was given.
        given: String,
        /// Its floor.
        floor: Floor,
        /// The oldest that can be built for on that CPU.
        oldest: Floor,
    },
    /// A floor for a target without glibc.
    #[error("`{given}`: `{name}` has no glibc, so no floor of it")]
    FloorWithoutGlibc {
        /// What was given.
        given: String,
        /// The target's name.
        name: &'static str,
    },
}

impl Target {
    /// All targets, those of glibc with the default floor.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TARGETS.iter().map(|spec| Self { spec, floor: (spec.abi == Abi::Gnu).then_some(DEFAULT_FLOOR) })
    }

    /// The target's row.
    #[must_use]
    pub const fn spec(self) -> &'static Spec {
        self.spec
    }

    /// What is known of the target's CPU.
    #[must_use]
    pub const fn cpu(self) -> &'static CpuFacts {
        self.spec.cpu.facts()
    }

    /// The oldest glibc its programs start with; none if it has another C library.
    #[must_use]
    pub const fn glibc(self) -> Option<Floor> {
        self.floor
    }

    /// Whether Bactrian makes its C toolchain; else the user brings one.
    #[must_use]
    pub fn has_own_cc(self) -> bool {
        !matches!(self.spec.abi, Abi::Bionic)
    }

    /// What `zig cc -target` is given: the same as the target's name.
    #[must_use]
    pub fn zig(self) -> String {
        self.to_string()
    }

    /// Whether `version` of OCaml compiles to native code for it.
    #[must_use]
    pub fn has_native_ocaml(self, version: OcamlVersion) -> bool {
        self.cpu().ocaml.is_in(version)
    }

    /// How its programs are run on `machine`.
    #[must_use]
    pub fn runner_on(self, machine: Machine) -> Runner {
        match (self.spec.os, machine.os) {
            (own, Some(os)) if own == os && machine.cpu == Some(self.spec.cpu) && self.spec.abi != Abi::Bionic => {
                Runner::Native
            }
            // Only Android has the loader of its programs.
            (Os::Linux, _) if self.spec.abi == Abi::Bionic => Runner::None,
            (Os::Linux, Some(Os::Linux)) => Runner::Qemu(self.cpu().qemu),
            // wine translates system calls, not instructions.
            (Os::Windows, Some(Os::Linux)) if machine.cpu == Some(self.spec.cpu) => Runner::Wine,
            _ => Runner::None,
        }
    }
}

impl Os {
    /// What names of programs end in.
    #[must_use]
    pub const fn exe_suffix(self) -> &'static str {
        match self {
            Self::Windows => ".exe",
            Self::Linux | Self::MacOs | Self::FreeBsd => "",
        }
    }
}

impl Machine {
    /// The machine of Rust's `std::env::consts::{ARCH, OS}`, which are the kernel's names for our CPUs.
    #[must_use]
    pub fn of_rust(arch: &str, os: &str) -> Self {
        Self {
            cpu: Cpu::ALL.iter().copied().find(|cpu| cpu.facts().name == arch),
            os: (os == "linux").then_some(Os::Linux),
        }
    }
}

impl Floor {
    /// glibc 2.`minor`.
    #[must_use]
    pub const fn new(minor: u16) -> Self {
        Self { minor }
    }

    /// The version's numbers, as in the symbol version `GLIBC_2.28`.
    #[must_use]
    pub const fn numbers(self) -> (u16, u16) {
        (2, self.minor)
    }

    fn parse(text: &str) -> Option<Self> {
        let minor = text.strip_prefix("2.")?;
        decimal(minor).filter(|_| minor == "0" || !minor.starts_with('0')).map(Self::new)
    }
}

impl Spec {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// Names of targets at a small edit distance from `given` in their own name or an alias, the nearest first.
fn nearest(given: &str) -> Vec<&'static str> {
    let distance = |spec: &Spec| spec.names().map(|name| strsim::damerau_levenshtein(given, name)).min();
    let mut near: Vec<_> = TARGETS
        .iter()
        .filter_map(|spec| distance(spec).map(|distance| (distance, spec.name)))
        .filter(|(distance, name)| *distance * 4 <= name.len())
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().map(|(_, name)| name).take(3).collect()
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(given: &str) -> Result<Self, TargetError> {
        // No name has a dot, so what follows the first one is the floor.
        let (name, floor) = given.split_once('.').map_or((given, None), |(name, floor)| (name, Some(floor)));
        let Some(spec) = TARGETS.iter().find(|spec| spec.names().any(|known| known == name)) else {
            return Err(TargetError::Unknown { given: given.to_owned(), nearest: nearest(name) });
        };
        let given = || given.to_owned();
        let floor = match (spec.abi, floor) {
            (Abi::Musl | Abi::Mingw | Abi::Darwin | Abi::FreeBsd | Abi::Bionic, None) => None,
            (Abi::Musl | Abi::Mingw | Abi::Darwin | Abi::FreeBsd | Abi::Bionic, Some(_)) => {
                return Err(TargetError::FloorWithoutGlibc { given: given(), name: spec.name });
            }
            (Abi::Gnu, None) => Some(DEFAULT_FLOOR),
            (Abi::Gnu, Some(text)) => {
                let floor = Floor::parse(text)
                    .ok_or_else(|| TargetError::FloorForm { given: given(), floor: text.to_owned() })?;
                let oldest = spec.cpu.facts().oldest_glibc;
                if !(oldest..=NEWEST_FLOOR).contains(&floor) {
                    return Err(TargetError::FloorRange { given: given(), floor, oldest });
                }
                Some(floor)
            }
        };
        Ok(Self { spec, floor })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec.name)?;
        self.floor.map_or(Ok(()), |floor| write!(f, ".{floor}"))
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2.{}", self.minor)
    }
}

/// Rows are told apart by their names, which are unique.
impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        (self.spec.name, self.floor) == (other.spec.name, other.floor)
    }
}

impl Eq for Target {}

impl PartialOrd for Target {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Target {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.spec.name, self.floor).cmp(&(other.spec.name, other.floor))
    }
}

impl std::hash::Hash for Target {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.spec.name, self.floor).hash(state);
    }
}

#[cfg(test)]
mod tests;
