//! What others call our targets: CMake's names of systems and processors, and Android's NDK's of its compilers.
//!
//! # Source
//! CMake 3.25, `CMAKE_SYSTEM_NAME` and `CMAKE_SYSTEM_PROCESSOR` (the latter is whatever `uname -m` says on some system, so every
//! processor has several names); the NDK's guide "Use the NDK with other build systems".

use super::{Abi, Cpu, Os, Spec, Target};

impl Os {
    /// The names that CMake knows it by.
    #[must_use]
    pub const fn cmake_names(self) -> &'static [&'static str] {
        match self {
            Self::Linux => &["Linux", "Android"],
            Self::Windows => &["Windows"],
            Self::MacOs => &["Darwin"],
            Self::FreeBsd => &["FreeBSD"],
        }
    }
}

impl Cpu {
    /// What systems call it where CMake asks them, in lower case.
    #[must_use]
    pub const fn cmake_names(self) -> &'static [&'static str] {
        match self {
            Self::X86_64 => &["x86_64", "amd64", "x64", "intel64"],
            Self::Aarch64 => &["aarch64", "arm64", "armv8", "armv8-a", "arm64-v8a", "armv8l"],
            Self::Riscv64 => &["riscv64", "riscv64gc"],
            Self::Armv7 => &["armv7", "armv7-a", "armv7a", "armv7l", "armv7hf", "armhf", "arm", "armeabi-v7a"],
            Self::X86 => &["x86", "i386", "i486", "i586", "i686"],
            Self::Powerpc64le => &["ppc64le", "powerpc64le"],
            Self::S390x => &["s390x"],
        }
    }
}

impl Spec {
    /// Whether CMake's `system` is this target's. Android is a system of its own to CMake, and a C library to us.
    #[must_use]
    pub fn is_cmake_system(&self, system: &str) -> bool {
        (system == "Android") == (self.abi == Abi::Bionic) && self.os.cmake_names().contains(&system)
    }

    /// Whether CMake's `processor` is this target's.
    #[must_use]
    pub fn is_cmake_processor(&self, processor: &str) -> bool {
        self.cpu.cmake_names().contains(&processor.to_ascii_lowercase().as_str())
    }
}

/// The targets that CMake's names may mean; a processor that is not said may be any.
#[must_use]
pub fn of_cmake(system: &str, processor: Option<&str>) -> Vec<Target> {
    let fits = |target: &Target| {
        target.spec().is_cmake_system(system) && processor.is_none_or(|name| target.spec().is_cmake_processor(name))
    };
    Target::all().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cmake() {
        let names = |system, processor| -> Vec<_> {
            of_cmake(system, processor).into_iter().map(|target| target.spec().name).collect()
        };
        assert_eq!(names("Linux", Some("aarch64")), ["aarch64-linux-musl", "aarch64-linux-gnu"]);
        assert_eq!(names("Android", Some("aarch64")), ["aarch64-linux-android"]);
        assert_eq!(names("Linux", Some("AMD64")), ["x86_64-linux-musl", "x86_64-linux-gnu"]);
        assert!(names("Linux", Some("arm64ilp32")).is_empty() && names("Generic", Some("arm")).is_empty());
        assert!(names("Linux", None).len() > names("Linux", Some("riscv64")).len());
    }

    /// What is called in CMake has the same table.
    #[test]
    fn the_cmake_package_knows_the_same_processors() {
        let package = include_str!("../../../../cmake/BactrianConfig.cmake");
        let pairs: Vec<_> = package.split_whitespace().collect();
        for cpu in Cpu::ALL {
            let own = cpu.facts().name;
            for name in cpu.cmake_names().iter().filter(|name| **name != own) {
                let pair = format!("{name}={own}");
                assert!(pairs.iter().any(|word| word.trim_end_matches(')') == pair), "{pair}");
            }
        }
    }

    /// A processor's name means one processor.
    #[test]
    fn processors_are_told_apart() {
        let mut all: Vec<_> = Cpu::ALL.iter().flat_map(|cpu| cpu.cmake_names()).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(Cpu::ALL.iter().all(|cpu| cpu.cmake_names().contains(&cpu.facts().name) || *cpu == Cpu::X86_64));
    }
}
