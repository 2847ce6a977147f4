//! What is known, before anything is built, of whether packages will cross.
//!
//! A package's build class is told by its commands; most classes cross by rule, some are known by a quirk, and of some
//! nothing is known but that they run programs of their own. Not here: building, and words for people.

use opam::command::{ArgKind, Command};
use opam::name::PackageName;
use opam::package::{Package, Source};
use opam::version::Version;
use solve::solution::{Key, Role};

use crate::clib::Library;
use crate::clib::conf::{Conf, Tool};
use crate::closure::{Closure, stands_for_system};
use crate::instructions::checksums;
use crate::world::World;

/// How a package is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing is built: a name, or files that are only copied.
    Nothing,
    /// Stands for something of the system.
    Conf,
    /// dune alone.
    Dune,
    /// dune, after commands of the package's own.
    DuneAndMore,
    /// topkg, which is told its toolchain.
    Topkg,
    /// oasis: a `setup.ml` over ocamlbuild.
    Oasis,
    /// A configure script, then make.
    Configure,
    /// make alone.
    Make,
    /// Anything else.
    Other,
}

/// What is known of a package on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Crosses by rule.
    Crosses,
    /// Crosses with what the table of quirks knows.
    Quirk {
        /// What would go wrong without it.
        why: String,
    },
    /// Is a C library that is built for the target.
    Library(Library),
    /// Its commands are its own: nothing is known but the rules by which compilers are found.
    Unknown,
    /// Wants a program that no root has; it is built all the same, for not everybody who says so runs it.
    Lacks(&'static str),
    /// Cannot be built here.
    Blocked(Obstacle),
}

/// Why a package cannot be built here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It stands for something of the system that is not known here.
    UnknownConf,
    /// An archive of it has no checksum: it could be anything.
    NoChecksum,
    /// It is known that it cannot be.
    Unavailable {
        /// Why not.
        why: String,
    },
}

/// What is known of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// For which machine.
    pub role: Role,
    /// How it is built.
    pub class: Class,
    /// Whether it crosses.
    pub verdict: Verdict,
    /// Whether an archive of it has no better checksum than MD5, so that a forgery would not be told.
    pub weak_checksum: bool,
}

/// What is known of every package of a closure that is built, by name.
#[must_use]
pub fn assess(closure: &Closure<'_>) -> Vec<Assessment> {
    let nodes = closure.solution.nodes.iter().filter(|(_, node)| !node.provided && !node.local);
    let known = nodes.filter_map(|(key, node)| {
        let package = closure.universe.get(&key.name, &node.version)?.package();
        Some(one(closure, key, package))
    });
    known.collect()
}

fn one(closure: &Closure<'_>, key: &Key, package: &Package) -> Assessment {
    let class = class(package);
    let world = match (key.role, closure.targets.first()) {
        (Role::Target, Some(target)) => World::Target(*target),
        _ => World::Host,
    };
    let obstacle = match key.role {
        Role::Host => closure.quirks.obstacle(package, World::Host),
        Role::Target => {
            closure.targets.iter().find_map(|target| closure.quirks.obstacle(package, World::Target(*target)))
        }
    };
    let by_rule = || match class {
        Class::Conf => conf(package),
        _ if archives(package).any(|source| checksums(source).is_none()) => Verdict::Blocked(Obstacle::NoChecksum),
        _ => match closure.quirks.of(package, world) {
            Some(quirk) => Verdict::Quirk { why: quirk.why.clone() },
            None if key.role == Role::Host => Verdict::Crosses,
            None => match class {
                Class::Nothing | Class::Conf | Class::Dune | Class::Topkg => Verdict::Crosses,
                Class::DuneAndMore | Class::Oasis | Class::Configure | Class::Make | Class::Other => Verdict::Unknown,
            },
        },
    };
    let unavailable = |why: &str| Verdict::Blocked(Obstacle::Unavailable { why: why.to_owned() });
    let verdict = obstacle.map_or_else(by_rule, unavailable);
    Assessment {
        name: package.name.clone(),
        version: package.version.clone(),
        role: key.role,
        class,
        verdict,
        weak_checksum: archives(package).any(|source| checksums(source).is_some_and(|known| known.is_weak())),
    }
}

fn conf(package: &Package) -> Verdict {
    match Conf::named(package.name.as_str()) {
        Some(Conf::Library(library)) => Verdict::Library(library),
        Some(Conf::Tool(Tool::Absent(tool))) => Verdict::Lacks(tool),
        Some(Conf::Tool(_)) => Verdict::Crosses,
        None => Verdict::Blocked(Obstacle::UnknownConf),
    }
}

fn archives(package: &Package) -> impl Iterator<Item = &Source> {
    package.source.iter().chain(package.extra_sources.iter().map(|extra| &extra.source))
}

/// How a package is built, as far as its commands tell.
#[must_use]
pub fn class(package: &Package) -> Class {
    if stands_for_system(package) {
        return Class::Conf;
    }
    let commands: Vec<Vec<String>> = package.build.iter().chain(&package.install).map(words).collect();
    let programs: Vec<&str> = commands.iter().filter_map(|words| Some(words.first()?.as_str())).collect();
    let any = |wanted: &dyn Fn(&str) -> bool| programs.iter().any(|program| wanted(program));
    let has_word = |wanted: &dyn Fn(&str) -> bool| commands.iter().flatten().any(|word| wanted(word));
    if programs.is_empty() {
        Class::Nothing
    } else if any(&|program| program == "dune" || program == "jbuilder") {
        let alone = |program: &&str| matches!(*program, "dune" | "jbuilder" | "rm" | "");
        if programs.iter().all(alone) { Class::Dune } else { Class::DuneAndMore }
    } else if has_word(&|word| word.starts_with("pkg/") && word.ends_with(".ml")) {
        Class::Topkg
    } else if has_word(&|word| word == "setup.ml") {
        Class::Oasis
    } else if has_word(&|word| word.ends_with("/configure")) {
        Class::Configure
    } else if any(&|program| program == "make") {
        Class::Make
    } else {
        Class::Other
    }
}

/// A command's words as written; a variable is its name.
fn words(command: &Command) -> Vec<String> {
    let word = |kind: &ArgKind| match kind {
        ArgKind::Text(template) => template.to_string(),
        ArgKind::Variable(reference) => reference.to_string(),
    };
    command.args.iter().map(|arg| word(&arg.kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(fields: &str) -> Class {
        let (name, version) = (PackageName::new("x").unwrap(), Version::new("1").unwrap());
        let (package, errors) = Package::parse(name, version, fields.as_bytes());
        assert_eq!(errors, [], "{fields}");
        class(&package)
    }

    #[test]
    fn commands_tell_the_class() {
        for (fields, expected) in [
            ("", Class::Nothing),
            ("flags: conf build: [\"pkg-config\" \"gmp\"]", Class::Conf),
            ("flags: conf build: [make] url { src: \"https://x.test/x.tar\" }", Class::Make),
            ("build: [[\"dune\" \"subst\"] {dev} [\"dune\" \"build\" \"-p\" name \"-j\" jobs]]", Class::Dune),
            ("build: [[\"./configure\"] [\"dune\" \"build\" \"-p\" name]]", Class::DuneAndMore),
            ("build: [\"ocaml\" \"pkg/pkg.ml\" \"build\"]", Class::Topkg),
            ("build: [[\"ocaml\" \"setup.ml\" \"-configure\"] [\"ocaml\" \"setup.ml\" \"-build\"]]", Class::Oasis),
            ("build: [[\"./configure\"] [make]] install: [[make \"install\"]]", Class::Configure),
            ("build: [make \"all\"]", Class::Make),
            ("build: [\"sh\" \"build.sh\"]", Class::Other),
        ] {
            assert_eq!(class_of(fields), expected, "{fields}");
        }
    }
}
