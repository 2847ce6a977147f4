//! What an opam file says is to be done, for one world: its fields evaluated, its commands turned towards the target.
//!
//! Build classes are told by each command alone (`facts/ocaml-cross.md` §10): `dune` is given its context, everything else
//! finds the target's compilers because findlib and the dispatching tools ([`crate::package`]) are told whom to answer for.
//! What this does not bring across is a [`crate::quirk`], which is data. Not here: choosing versions, making nodes.

mod command;
mod scope;
#[cfg(test)]
mod tests;

pub use scope::{arch, os, os_family};

use std::collections::BTreeMap;

use action::checksum::{Checksum, Checksums};
use action::source::{Origin, Source};
use opam::command::Command;
use opam::name::PackageName;
use opam::package::Package;
use opam::universe::Entry;
use opam::version::Version;

use crate::ocaml::Release;
use crate::package::{self, CommandLine, Instructions};
use crate::project::toolchain_name;
use crate::quirk::{Quirk, Quirks};
use crate::world::World;
use command::{Adapted, adapt};
use scope::PackageScope;

/// What packages' files are evaluated in.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// For which machine.
    pub world: World,
    /// The OCaml.
    pub release: Release,
    /// What is installed before the package is, with what comes with the compiler.
    pub installed: &'a BTreeMap<PackageName, Installed>,
    /// What of that changes the environment.
    pub exporters: &'a [&'a Package],
    /// What is known of packages beyond their files.
    pub quirks: &'a Quirks,
    /// Where the package's repository has archives by checksum: URLs, asked before the package's own.
    pub archive_mirrors: &'a [String],
}

/// A package that another one finds installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: Version,
    /// Where: a tool of a target's package is the build machine's.
    pub world: World,
}

/// Why a package cannot be built from what its file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstructionError {
    /// An archive without a checksum could be anything.
    #[error("{package}.{version}: `{src}` has no checksum")]
    NoChecksum {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// The archive's address.
        src: String,
    },
}

/// What is to be done for the package of `entry`.
///
/// # Errors
/// If something of it cannot be fetched safely.
pub fn instructions(entry: &Entry, setting: &Setting<'_>) -> Result<Instructions, InstructionError> {
    let package = entry.package();
    let quirk = setting.quirks.of(package, setting.world);
    let scope = PackageScope { package, setting };
    let fields = quirk.as_ref().map_or(package, |quirk| &quirk.fields);
    let chosen = |own: &'_ [Command], quirks: &'_ [Command]| -> Vec<Vec<String>> {
        let commands = if quirks.is_empty() { own } else { quirks };
        commands.iter().filter_map(|command| command.eval(&scope)).collect()
    };
    let build = chosen(&package.build, &fields.build);
    let install = chosen(&package.install, &fields.install);
    let uses_dune = build.iter().any(|arguments| arguments.first().is_some_and(|program| program == "dune"));
    let mut wanted = Instructions {
        name: package.name.to_string(),
        version: package.version.to_string(),
        subpath: package.source.as_ref().and_then(|source| source.subpath.clone()),
        files: entry.files().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect(),
        patches: package.patches.iter().filter_map(|patch| patch.eval(&scope).cloned()).collect(),
        substs: package.substs.clone(),
        variables: if package.substs.is_empty() { Vec::new() } else { scope.table() },
        hosts_generators: uses_dune && setting.world != World::Host,
        environment: environment(&scope, quirk),
        ..Instructions::default()
    };
    if let Some(source) = &package.source {
        wanted.source = Some(fetched(package, source, setting.archive_mirrors)?);
    }
    for extra in &package.extra_sources {
        wanted.extra.push((extra.name.clone(), fetched(package, &extra.source, setting.archive_mirrors)?));
    }
    wanted.commands = lines(build, setting.world);
    let install = lines(install, setting.world);
    wanted.emulated = setting.world != World::Host && quirk.as_ref().is_some_and(|quirk| quirk.emulated);
    wanted.writes_prefix = !install.is_empty() || quirk.as_ref().is_some_and(|quirk| quirk.writes_prefix);
    wanted.commands.extend(install);
    (wanted.install_file, wanted.installed_below) = install_file(package, setting.world, uses_dune);
    Ok(wanted)
}

/// The environment of all commands: what packages that are there give to others, then the package's own and its quirk's.
fn environment(scope: &PackageScope<'_>, quirk: Option<&Quirk>) -> BTreeMap<String, String> {
    let PackageScope { package, setting } = scope;
    let mut environment = package::environment(
        package.name.as_str(),
        package.version.as_str(),
        setting.world,
        setting.release.code_in(setting.world),
    );
    // What is added to it comes behind: nothing may hide the tools that know for which machine they are called.
    let path = environment.remove(package::PATH).unwrap_or_default();
    for exporter in setting.exporters {
        let world = setting.installed.get(&exporter.name).map_or(setting.world, |installed| installed.world);
        let scope = PackageScope { package: exporter, setting: &Setting { world, ..**setting } };
        exporter.setenv.iter().for_each(|update| update.apply(&scope, &mut environment));
    }
    for update in package.build_env.iter().chain(quirk.iter().flat_map(|quirk| &quirk.fields.build_env)) {
        update.apply(scope, &mut environment);
    }
    let more = environment.remove(package::PATH).map(|more| format!(":{more}")).unwrap_or_default();
    environment.insert(package::PATH.to_owned(), path + &more);
    environment
}

fn lines(commands: Vec<Vec<String>>, world: World) -> Vec<CommandLine> {
    let adapted = commands.into_iter().map(|arguments| adapt(arguments, world));
    adapted
        .filter_map(|adapted| match adapted {
            Adapted::Run(line) => Some(line),
            Adapted::Skip => None,
        })
        .collect()
}

/// Where the list of what to install is, and below what it installs. dune's is taken from its build directory.
fn install_file(package: &Package, world: World, uses_dune: bool) -> (String, Option<String>) {
    let name = &package.name;
    match world {
        _ if !uses_dune => (format!("{name}.install"), None),
        World::Host => (format!("_build/default/{name}.install"), None),
        World::Target(target) => {
            let toolchain = toolchain_name(target);
            (format!("_build/default.{toolchain}/{name}-{toolchain}.install"), Some(format!("{toolchain}-sysroot")))
        }
    }
}

/// What an archive must match; none if its package does not say.
pub(crate) fn checksums(source: &opam::package::Source) -> Option<Checksums> {
    Checksums::new(source.checksums.iter().map(|checksum| match checksum {
        opam::checksum::Checksum::Sha256(bytes) => Checksum::Sha256(*bytes),
        opam::checksum::Checksum::Sha512(bytes) => Checksum::Sha512(*bytes),
        opam::checksum::Checksum::Md5(bytes) => Checksum::Md5(*bytes),
    }))
}

/// The archive by its checksums, and where it may be had, in this order: the repository's mirrors, its address, its mirrors.
fn fetched(package: &Package, source: &opam::package::Source, mirrors: &[String]) -> Result<Source, InstructionError> {
    let checksums = checksums(source).ok_or_else(|| InstructionError::NoChecksum {
        package: package.name.clone(),
        version: package.version.clone(),
        src: source.src.clone(),
    })?;
    let by_checksum = mirrors.iter().flat_map(|mirror| {
        checksums.iter().map(move |checksum| format!("{}/{}", mirror.trim_end_matches('/'), checksum.cache_path()))
    });
    let own = std::iter::once(&source.src).chain(&source.mirrors).cloned();
    let origins = by_checksum.chain(own).map(Origin::Url).collect();
    let name = source.src.rsplit('/').next().unwrap_or(&source.src).to_owned();
    Ok(Source { name, checksums, origins })
}
