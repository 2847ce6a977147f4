//! Android's NDK: where in its directory which files are.
//!
//! # Source
//! The NDK's guide "Use the NDK with other build systems", for r19 and later: one clang for all, a program for each
//! processor and API level, a sysroot with a directory of libraries for each level. Not here: looking whether they exist.

use crate::target::{Abi, Cpu, Target};

/// The API level if none is said: the first with 64-bit processors, and the oldest of recent NDKs.
pub const DEFAULT_API: u32 = 21;

/// The files of an NDK for a target, seen from its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// What the NDK says of itself.
    pub properties: &'static str,
    /// The directory of the compiler for the build machine.
    pub prebuilt: String,
    /// The compiler.
    pub compiler: String,
    /// The directory that has one directory of libraries for each API level.
    pub levels: String,
}

/// Where an NDK that runs on `host`, such as `linux-x86_64`, has what is needed for `target`; nothing if the target is not
/// Android or the NDK has never had its processor.
#[must_use]
pub fn layout(target: Target, host: &str, api: u32) -> Option<Layout> {
    let spec = target.spec();
    if spec.abi != Abi::Bionic {
        return None;
    }
    // The compiler's name says ARMv7, the libraries' directory does not.
    let (compiler, libraries) = match spec.cpu {
        Cpu::Aarch64 => ("aarch64-linux-android", "aarch64-linux-android"),
        Cpu::X86_64 => ("x86_64-linux-android", "x86_64-linux-android"),
        Cpu::Armv7 => ("armv7a-linux-androideabi", "arm-linux-androideabi"),
        Cpu::X86 => ("i686-linux-android", "i686-linux-android"),
        Cpu::Riscv64 => ("riscv64-linux-android", "riscv64-linux-android"),
        Cpu::Powerpc64le | Cpu::S390x => return None,
    };
    let prebuilt = format!("toolchains/llvm/prebuilt/{host}");
    Some(Layout {
        properties: "source.properties",
        compiler: format!("{prebuilt}/bin/{compiler}{api}-clang"),
        levels: format!("{prebuilt}/sysroot/usr/lib/{libraries}"),
        prebuilt,
    })
}

/// The NDK's version, of its `source.properties`.
#[must_use]
pub fn version(properties: &str) -> Option<&str> {
    let value =
        properties.lines().find_map(|line| line.strip_prefix("Pkg.Revision")?.trim_start().strip_prefix('='))?;
    Some(value.trim()).filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_from_target_and_level() {
        let layout = layout("aarch64-linux-android".parse().unwrap(), "linux-x86_64", 24).unwrap();
        assert_eq!(layout.compiler, "toolchains/llvm/prebuilt/linux-x86_64/bin/aarch64-linux-android24-clang");
        assert_eq!(layout.levels, "toolchains/llvm/prebuilt/linux-x86_64/sysroot/usr/lib/aarch64-linux-android");
        assert_eq!(super::layout("aarch64-linux-musl".parse().unwrap(), "linux-x86_64", 24), None);
    }

    #[test]
    fn versions() {
        assert_eq!(version("Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n"), Some("27.2.12479018"));
        assert_eq!((version("Pkg.Desc = x"), version("Pkg.Revision = none")), (None, None));
    }
}
