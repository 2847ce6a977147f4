//! The values of opam's variables while a package is built (`facts/packages.md` §3). Not here: the solver's variables.

use opam::filter::{Scope, Value};
use opam::name::PackageName;
use opam::package::Package;
use opam::variable::{Owner, Variable};

use super::Setting;
use crate::package::{BUILD, JOBS};
use crate::target::{Cpu, Os};
use crate::world::World;

/// The variables that a package's fields may use.
pub(super) struct PackageScope<'a> {
    pub(super) package: &'a Package,
    pub(super) setting: &'a Setting<'a>,
}

/// Directories of a prefix: name, place, whether each package has one of its own in it.
const DIRECTORIES: &[(&str, &str, bool)] = &[
    ("bin", "bin", false),
    ("sbin", "sbin", false),
    ("lib", "lib", true),
    ("libexec", "lib", true),
    ("man", "man", false),
    ("doc", "doc", true),
    ("share", "share", true),
    ("etc", "etc", true),
    ("toplevel", "lib/toplevel", false),
    ("stublibs", "lib/stublibs", false),
];

impl Scope for PackageScope<'_> {
    fn lookup(&self, variable: &Variable) -> Option<Value> {
        match &variable.owner {
            Owner::Global => self.global(&variable.name).or_else(|| self.own(&variable.name)),
            Owner::Own => self.own(&variable.name),
            Owner::Package(name) if *name == self.package.name => self.own(&variable.name),
            Owner::Package(name) => self.other(name, &variable.name),
        }
    }
}

impl PackageScope<'_> {
    fn global(&self, name: &str) -> Option<Value> {
        let prefix = self.setting.world.prefix();
        if let Some((_, place, _)) = DIRECTORIES.iter().find(|(directory, ..)| *directory == name) {
            return Some(format!("{prefix}/{place}").into());
        }
        let text = match name {
            "prefix" | "root" => prefix,
            "switch" => "bactrian".to_owned(),
            "jobs" => JOBS.to_owned(),
            "make" => "make".to_owned(),
            "opam-version" => "2.5.0".to_owned(),
            "arch" => arch(self.setting.world).to_owned(),
            "os" | "os-distribution" | "os-family" => os(self.setting.world).to_owned(),
            "os-version" => String::new(),
            "with-test" | "with-doc" | "with-dev-setup" | "with-tools" => return Some(false.into()),
            "build" => return Some(true.into()),
            _ => return None,
        };
        Some(text.into())
    }

    fn own(&self, name: &str) -> Option<Value> {
        Some(match name {
            "name" => self.package.name.to_string().into(),
            "version" => self.package.version.to_string().into(),
            "dev" | "pinned" => false.into(),
            "installed" => false.into(),
            "build" => BUILD.into(),
            _ => return self.directory(&self.package.name, name),
        })
    }

    fn other(&self, package: &PackageName, name: &str) -> Option<Value> {
        let version = self.setting.installed.get(package);
        if name == "installed" {
            return Some(version.is_some().into());
        }
        if package.as_str() == "ocaml" {
            return self.ocaml(name);
        }
        let version = version?;
        match name {
            "name" => Some(package.to_string().into()),
            "version" => Some(version.to_string().into()),
            "dev" | "pinned" => Some(false.into()),
            _ => self.directory(package, name),
        }
    }

    /// What the `ocaml` package finds out of the compiler.
    fn ocaml(&self, name: &str) -> Option<Value> {
        let shared = matches!(self.setting.world, World::Host);
        Some(match name {
            "name" => "ocaml".into(),
            "version" | "compiler" => self.setting.release.version().into(),
            "native" | "native-tools" => true.into(),
            "native-dynlink" => shared.into(),
            "preinstalled" | "dev" | "pinned" => false.into(),
            "stubsdir" => format!("{}/lib/stublibs", self.setting.world.prefix()).into(),
            _ => return None,
        })
    }

    fn directory(&self, package: &PackageName, name: &str) -> Option<Value> {
        let (_, place, own) = DIRECTORIES.iter().find(|(directory, ..)| *directory == name)?;
        let prefix = self.setting.world.prefix();
        Some(if *own { format!("{prefix}/{place}/{package}") } else { format!("{prefix}/{place}") }.into())
    }
}

/// opam's name of the CPU.
#[must_use]
pub fn arch(world: World) -> &'static str {
    match world {
        World::Host => "x86_64",
        World::Target(target) => match target.spec().cpu {
            Cpu::X86_64 => "x86_64",
            Cpu::Aarch64 => "arm64",
            Cpu::Riscv64 => "riscv64",
        },
    }
}

/// opam's name of the system.
#[must_use]
pub fn os(world: World) -> &'static str {
    match world {
        World::Host => "linux",
        World::Target(target) => match target.spec().os {
            Os::Linux => "linux",
        },
    }
}
