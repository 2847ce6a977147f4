//! Processors as the headers name them. NOT here: names of targets, and which of them a compiler supports.

use object::{elf, macho, pe};

/// The instruction set, without width and byte order where one name covers several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// 32-bit x86.
    X86,
    /// x86-64; the x32 ABI is this with 32 bits.
    X86_64,
    /// 32-bit Arm, Thumb included.
    Arm,
    /// 64-bit Arm; ILP32 is this with 32 bits.
    Aarch64,
    /// 32-bit RISC-V.
    Riscv32,
    /// 64-bit RISC-V.
    Riscv64,
    /// 32-bit PowerPC.
    Powerpc,
    /// 64-bit PowerPC; `powerpc64le` is this with [`Endian::Little`].
    Powerpc64,
    /// IBM Z; the 31-bit form is this with 32 bits.
    S390x,
    /// 32-bit MIPS.
    Mips,
    /// 64-bit MIPS; n32 is this with 32 bits.
    Mips64,
    /// LoongArch, 64 or 32 bits.
    LoongArch,
    /// SPARC, 64 or 32 bits.
    Sparc,
    /// WebAssembly, eBPF and every other machine, by its number in the header of its format.
    Other(u32),
}

/// The width of an address in the file's format, which is the class of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bits {
    /// 32-bit.
    B32,
    /// 64-bit.
    B64,
}

/// The byte order of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// How floating-point arguments are passed, where an architecture leaves it open (Arm and RISC-V).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FloatAbi {
    /// In integer registers: `arm-*-gnueabi`, `lp64`.
    Soft,
    /// Single precision alone in floating-point registers: `lp64f`.
    Single,
    /// In floating-point registers: `arm-*-gnueabihf`, `lp64d`.
    Hard,
    /// Up to quadruple precision: `lp64q`.
    Quad,
}

/// What a file was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Machine {
    /// The instruction set.
    pub arch: Arch,
    /// The width of an address.
    pub bits: Bits,
    /// The byte order of data.
    pub endian: Endian,
    /// Where the file says it; a file without such code does not.
    pub float_abi: Option<FloatAbi>,
}

impl Machine {
    /// The usual name, with the byte order in it where that is not the usual one: `powerpc64le`, `aarch64_be`.
    ///
    /// [`Arch::Other`] has none, and two machines can share one: it is for people, not for comparing.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        let little = self.endian == Endian::Little;
        Some(match (self.arch, self.bits) {
            (Arch::X86, _) => "x86",
            (Arch::X86_64, Bits::B64) => "x86_64",
            (Arch::X86_64, Bits::B32) => "x32",
            (Arch::Arm, _) if little => "arm",
            (Arch::Arm, _) => "armeb",
            (Arch::Aarch64, Bits::B32) => "aarch64_ilp32",
            (Arch::Aarch64, Bits::B64) if little => "aarch64",
            (Arch::Aarch64, Bits::B64) => "aarch64_be",
            (Arch::Riscv32, _) => "riscv32",
            (Arch::Riscv64, _) => "riscv64",
            (Arch::Powerpc, _) if little => "powerpcle",
            (Arch::Powerpc, _) => "powerpc",
            (Arch::Powerpc64, _) if little => "powerpc64le",
            (Arch::Powerpc64, _) => "powerpc64",
            (Arch::S390x, Bits::B64) => "s390x",
            (Arch::S390x, Bits::B32) => "s390",
            (Arch::Mips, _) if little => "mipsel",
            (Arch::Mips, _) => "mips",
            (Arch::Mips64, _) if little => "mips64el",
            (Arch::Mips64, _) => "mips64",
            (Arch::LoongArch, Bits::B64) => "loongarch64",
            (Arch::LoongArch, Bits::B32) => "loongarch32",
            (Arch::Sparc, Bits::B64) => "sparc64",
            (Arch::Sparc, Bits::B32) => "sparc",
            (Arch::Other(_), _) => return None,
        })
    }
}

/// `e_machine` of an ELF file of this class.
pub(crate) fn elf_arch(machine: elf::Machine, bits: Bits, flags: u32) -> Arch {
    match machine {
        elf::EM_386 => Arch::X86,
        elf::EM_X86_64 => Arch::X86_64,
        elf::EM_ARM => Arch::Arm,
        elf::EM_AARCH64 => Arch::Aarch64,
        elf::EM_RISCV if bits == Bits::B32 => Arch::Riscv32,
        elf::EM_RISCV => Arch::Riscv64,
        elf::EM_PPC => Arch::Powerpc,
        elf::EM_PPC64 => Arch::Powerpc64,
        elf::EM_S390 => Arch::S390x,
        elf::EM_MIPS if bits == Bits::B64 || flags & elf::EF_MIPS_ABI2.0 != 0 => Arch::Mips64,
        elf::EM_MIPS => Arch::Mips,
        elf::EM_LOONGARCH => Arch::LoongArch,
        elf::EM_SPARC | elf::EM_SPARC32PLUS | elf::EM_SPARCV9 => Arch::Sparc,
        other => Arch::Other(u32::from(other.0)),
    }
}

/// What the flags in an ELF header say of floating-point arguments.
///
/// Linked Arm files carry it there, Arm objects only in their attributes section.
pub(crate) fn elf_float_abi(machine: elf::Machine, flags: u32) -> Option<FloatAbi> {
    match machine {
        elf::EM_ARM if flags & elf::EF_ARM_ABI_FLOAT_HARD != 0 => Some(FloatAbi::Hard),
        elf::EM_ARM if flags & elf::EF_ARM_ABI_FLOAT_SOFT != 0 => Some(FloatAbi::Soft),
        elf::EM_RISCV => Some(match flags & elf::EF_RISCV_FLOAT_ABI {
            0 => FloatAbi::Soft,
            2 => FloatAbi::Single,
            4 => FloatAbi::Hard,
            _ => FloatAbi::Quad,
        }),
        _ => None,
    }
}

/// The machine of a PE or COFF header, which is little-endian and has no class of its own.
pub(crate) fn coff_machine(machine: pe::Machine) -> Machine {
    let (arch, bits) = match machine {
        pe::IMAGE_FILE_MACHINE_I386 => (Arch::X86, Bits::B32),
        pe::IMAGE_FILE_MACHINE_AMD64 => (Arch::X86_64, Bits::B64),
        pe::IMAGE_FILE_MACHINE_ARM | pe::IMAGE_FILE_MACHINE_THUMB | pe::IMAGE_FILE_MACHINE_ARMNT => {
            (Arch::Arm, Bits::B32)
        }
        pe::IMAGE_FILE_MACHINE_ARM64 | pe::IMAGE_FILE_MACHINE_ARM64EC | pe::IMAGE_FILE_MACHINE_ARM64X => {
            (Arch::Aarch64, Bits::B64)
        }
        pe::IMAGE_FILE_MACHINE_RISCV32 => (Arch::Riscv32, Bits::B32),
        pe::IMAGE_FILE_MACHINE_RISCV64 => (Arch::Riscv64, Bits::B64),
        other => (Arch::Other(u32::from(other.0)), Bits::B32),
    };
    // Windows on Arm has one ABI, with floating-point registers.
    let float_abi = (machine == pe::IMAGE_FILE_MACHINE_ARMNT).then_some(FloatAbi::Hard);
    Machine { arch, bits, endian: Endian::Little, float_abi }
}

/// `cputype` of a Mach-O header.
pub(crate) fn macho_arch(cpu: macho::CpuType) -> Arch {
    match cpu {
        macho::CPU_TYPE_X86 => Arch::X86,
        macho::CPU_TYPE_X86_64 => Arch::X86_64,
        macho::CPU_TYPE_ARM => Arch::Arm,
        macho::CPU_TYPE_ARM64 | macho::CPU_TYPE_ARM64_32 => Arch::Aarch64,
        macho::CPU_TYPE_POWERPC => Arch::Powerpc,
        macho::CPU_TYPE_POWERPC64 => Arch::Powerpc64,
        other => Arch::Other(other.0),
    }
}
