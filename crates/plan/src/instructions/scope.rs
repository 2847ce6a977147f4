//! The values of opam's variables while a package is built (`facts/packages.md` §3). Not here: the solver's variables.

use opam::filter::{Scope, Value};
use opam::name::PackageName;
use opam::package::Package;
use opam::variable::{Owner, Variable};

use super::{Installed, Setting};
use crate::ocaml::byte::Code;
use crate::package::{BUILD, given_by, jobs, known_later};
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

/// The other global variables.
const GLOBALS: &[&str] = &[
    "arch",
    "build",
    "jobs",
    "make",
    "opam-version",
    "os",
    "os-distribution",
    "os-family",
    "os-version",
    "prefix",
    "root",
    "switch",
    "with-dev-setup",
    "with-doc",
    "with-test",
    "with-tools",
];

/// A package's own, besides its directories.
const OWN: &[&str] = &["name", "version", "dev", "pinned", "installed", "build"];

/// Another package's.
const OTHERS: &[&str] = &["name", "version", "dev", "pinned", "installed"];

/// Those of `ocaml`.
const OCAML: &[&str] = &[
    "name",
    "version",
    "compiler",
    "native",
    "native-tools",
    "native-dynlink",
    "preinstalled",
    "dev",
    "pinned",
    "installed",
    "stubsdir",
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

    fn decided(&self, variable: &Variable) -> Option<Value> {
        self.lookup(variable).filter(|value| !known_later(&value.to_text()))
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
            "jobs" => jobs(),
            "make" => "make".to_owned(),
            "opam-version" => "2.5.0".to_owned(),
            "arch" => arch(self.setting.world).to_owned(),
            "os" | "os-distribution" => os(self.setting.world).to_owned(),
            "os-family" => os_family(self.setting.world).to_owned(),
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
            _ => return directory(&self.package.name, name, self.setting.world),
        })
    }

    fn other(&self, package: &PackageName, name: &str) -> Option<Value> {
        let installed = self.setting.installed.get(package);
        if name == "installed" {
            return Some(installed.is_some().into());
        }
        if package.as_str() == "ocaml" {
            return self.ocaml(name);
        }
        let Installed { version, world } = installed?;
        match name {
            "name" => Some(package.to_string().into()),
            "version" => Some(version.to_string().into()),
            "dev" | "pinned" => Some(false.into()),
            _ => directory(package, name, *world)
                .or_else(|| Some(given_by(package.as_str(), name, &world.prefix()).into())),
        }
    }

    /// Every variable that is known before anything is built, as `owner:name`; `jobs` is 1, for a file has no other way
    /// to be the same everywhere.
    pub(super) fn table(&self) -> Vec<(String, String)> {
        let directories = || DIRECTORIES.iter().map(|(name, ..)| *name);
        let mut table = Vec::new();
        let mut add = |owner: &str, name: &str, value: Option<Value>| {
            table.extend(value.map(|value| (format!("{owner}:{name}"), value.to_text())));
        };
        for name in GLOBALS.iter().copied().chain(OWN.iter().copied()).chain(directories()) {
            let value = if name == "jobs" { Some("1".into()) } else { self.lookup(&Variable::global(name)) };
            add("", name, value);
        }
        for name in OWN.iter().copied().chain(directories()) {
            for owner in ["_", self.package.name.as_str()] {
                add(owner, name, self.own(name));
            }
        }
        for package in self.setting.installed.keys().filter(|package| **package != self.package.name) {
            let own: &[&str] = if package.as_str() == "ocaml" { OCAML } else { OTHERS };
            for name in own.iter().copied().chain(directories()) {
                add(package.as_str(), name, self.other(package, name));
            }
        }
        table
    }

    /// What the `ocaml` package finds out of the compiler.
    fn ocaml(&self, name: &str) -> Option<Value> {
        let shared = matches!(self.setting.world, World::Host);
        Some(match name {
            "name" => "ocaml".into(),
            "version" | "compiler" => self.setting.release.version().into(),
            "native" => (self.setting.release.code_in(self.setting.world) == Code::Native).into(),
            "native-tools" => true.into(),
            "native-dynlink" => shared.into(),
            "preinstalled" | "dev" | "pinned" => false.into(),
            "stubsdir" => format!("{}/lib/stublibs", self.setting.world.prefix()).into(),
            _ => return None,
        })
    }
}

/// A directory of `package`, which is installed in `world`.
fn directory(package: &PackageName, name: &str, world: World) -> Option<Value> {
    let (_, place, own) = DIRECTORIES.iter().find(|(directory, ..)| *directory == name)?;
    let prefix = world.prefix();
    Some(if *own { format!("{prefix}/{place}/{package}") } else { format!("{prefix}/{place}") }.into())
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
            Cpu::Armv7 => "arm32",
            Cpu::X86 => "x86_32",
            Cpu::Powerpc64le => "ppc64",
            Cpu::S390x => "s390x",
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
            Os::Windows => "win32",
            Os::MacOs => "macos",
            Os::FreeBsd => "freebsd",
        },
    }
}

/// opam's name of the family of systems, which is the system's own where it is alone.
#[must_use]
pub fn os_family(world: World) -> &'static str {
    match os(world) {
        "win32" => "windows",
        "freebsd" => "bsd",
        alone => alone,
    }
}
