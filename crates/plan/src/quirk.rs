//! Quirks: what is known of single packages and follows from no rule, as data.
//!
//! The text is in opam's own syntax, one section a quirk, so that whoever can write an opam file can write one:
//!
//! ```text
//! quirk {
//!   package: "ocamlfind" {>= "1.9"}
//!   worlds: "host"                  # or "target"; both, if it is left out
//!   why: "…"                        # what goes wrong without it; required
//!   build: […]                      # instead of the package's own
//!   install: […]                    # likewise
//!   build-env: […]                  # besides the package's own
//!   writes-prefix: true             # commands of `build` write into the prefix
//!   host: ["menhir"]                # needed on the host though the opam file does not say so
//!   available: os != "win32"        # it cannot be built elsewhere, and `why` says so; of `arch` and `os`
//! }
//! ```
//!
//! The embedded table can be extended by users' own; of several that fit, the last one is taken, but for `host` and
//! `available`, where all count. Not here: what is done with them ([`crate::instructions`]).

use std::collections::BTreeMap;

use opam::error::{Error, Fault};
use opam::filter::{self, Filter, Scope};
use opam::formula::{Formula, VersionBound, VersionConstraint};
use opam::name::PackageName;
use opam::package::Package;
use opam::syntax::{self, Field, Item, Section, Value, ValueKind};
use opam::variable::{Owner, Variable};
use opam::version::Version;
use solve::tools::ExtraHost;

use crate::instructions::{arch, os};
use crate::world::World;

const EMBEDDED: &str = include_str!("../data/quirks.opam");

/// A table of quirks.
#[derive(Debug, Clone, Default)]
pub struct Quirks {
    all: Vec<Quirk>,
}

/// What is known of one package.
#[derive(Debug, Clone)]
pub struct Quirk {
    /// The package.
    pub package: PackageName,
    /// In which versions.
    pub versions: VersionConstraint,
    /// In which worlds.
    pub worlds: Worlds,
    /// What goes wrong without it.
    pub why: String,
    /// Fields that replace or extend the package's own.
    pub fields: Package,
    /// Whether building writes into the prefix.
    pub writes_prefix: bool,
    /// Packages that it needs on the host though its file does not say so.
    pub host: Vec<PackageName>,
}

/// Worlds in which a quirk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worlds {
    /// The build machine alone.
    Host,
    /// Targets alone.
    Target,
    /// Everywhere.
    Both,
}

impl Quirks {
    /// The embedded table.
    ///
    /// # Errors
    /// Never, unless the table itself is wrong; a test reads it.
    pub fn embedded() -> Result<Self, Error> {
        let mut quirks = Self::default();
        quirks.add(EMBEDDED.as_bytes())?;
        Ok(quirks)
    }

    /// Adds the quirks of `text`, which go before those that are there.
    ///
    /// # Errors
    /// With the first thing that is wrong and its place; then nothing was added.
    pub fn add(&mut self, text: &[u8]) -> Result<(), Error> {
        let (file, errors) = syntax::parse(text);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        let read = |item: &Item| match item {
            Item::Section(section) if section.kind == SECTION => Quirk::read(section, text),
            Item::Section(Section { kind: name, span, .. }) | Item::Field(Field { name, span, .. }) => {
                Err(Error { span: *span, fault: Fault::Unknown(name.clone()) })
            }
        };
        self.all.extend(file.items.iter().map(read).collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    /// What packages need on the host beyond their opam files.
    #[must_use]
    pub fn needs(&self) -> Vec<ExtraHost> {
        let with_needs = self.all.iter().filter(|quirk| !quirk.host.is_empty());
        let needs = |quirk: &Quirk| ExtraHost {
            package: quirk.package.clone(),
            versions: quirk.versions.clone(),
            needs: quirk.host.clone(),
        };
        with_needs.map(needs).collect()
    }

    /// The quirk of `package` in `world`, if it has one. One that only says where it is available does not count.
    #[must_use]
    pub fn of(&self, package: &Package, world: World) -> Option<&Quirk> {
        self.fitting(package, world).find(|quirk| !quirk.only_limits())
    }

    /// Why `package` cannot be built for `world`, if that is known.
    #[must_use]
    pub fn obstacle(&self, package: &Package, world: World) -> Option<&str> {
        let obstacle = |quirk: &&Quirk| !quirk.fields.available.holds(&Machine(world));
        self.fitting(package, world).find(obstacle).map(|quirk| quirk.why.as_str())
    }

    /// Those of `package` in `world`, the last one first.
    fn fitting<'q>(&'q self, package: &Package, world: World) -> impl Iterator<Item = &'q Quirk> + use<'q> {
        let (name, version) = (package.name.clone(), package.version.clone());
        self.all
            .iter()
            .rev()
            .filter(move |quirk| quirk.package == name && quirk.worlds.hold(world) && quirk.versions.admits(&version))
    }

    /// All of them, in the order of the tables.
    pub fn iter(&self) -> impl Iterator<Item = &Quirk> {
        self.all.iter()
    }
}

impl Worlds {
    fn hold(self, world: World) -> bool {
        match self {
            Self::Both => true,
            Self::Host => world == World::Host,
            Self::Target => world != World::Host,
        }
    }
}

const SECTION: &str = "quirk";

/// Fields of a quirk that no package has.
const OWN: &[&str] = &["package", "worlds", "why", "writes-prefix", "host"];
/// Fields that packages have as well.
const SHARED: &[&str] = &["build", "install", "build-env", "available"];

/// What `available` may ask for: what is true of a machine.
struct Machine(World);

impl Scope for Machine {
    fn lookup(&self, variable: &Variable) -> Option<filter::Value> {
        match (&variable.owner, variable.name.as_str()) {
            (Owner::Global, "arch") => Some(arch(self.0).to_owned().into()),
            (Owner::Global, "os") => Some(os(self.0).to_owned().into()),
            _ => None,
        }
    }
}

impl Quirk {
    /// Whether it says where the package is available, and nothing else.
    #[must_use]
    pub fn only_limits(&self) -> bool {
        let Package { available, build, install, build_env, .. } = &self.fields;
        *available != Filter::TRUE
            && (build.is_empty() && install.is_empty() && build_env.is_empty())
            && (self.host.is_empty() && !self.writes_prefix)
    }

    fn read(section: &Section, text: &[u8]) -> Result<Self, Error> {
        let mut own = BTreeMap::new();
        for item in &section.items {
            match item {
                Item::Field(field) if OWN.contains(&field.name.as_str()) => {
                    own.insert(field.name.as_str(), &field.value);
                }
                Item::Field(field) if SHARED.contains(&field.name.as_str()) => {}
                Item::Section(Section { kind: name, span, .. }) | Item::Field(Field { name, span, .. }) => {
                    return Err(Error { span: *span, fault: Fault::Unknown(name.clone()) });
                }
            }
        }
        let required = |field: &'static str| {
            let fault = Fault::Missing { section: SECTION.to_owned(), field };
            own.get(field).copied().ok_or(Error { span: section.span, fault })
        };
        let package = required("package")?;
        let why = required("why")?;
        let (package, versions) = package_and_versions(package)
            .ok_or_else(|| wrong("package", package, "a name, with versions in braces"))?;
        let worlds = match own.get("worlds") {
            None => Worlds::Both,
            Some(value) => match &value.kind {
                ValueKind::String(world) if world == "host" => Worlds::Host,
                ValueKind::String(world) if world == "target" => Worlds::Target,
                _ => return Err(wrong("worlds", value, "\"host\" or \"target\"")),
            },
        };
        let ValueKind::String(why) = &why.kind else { return Err(wrong("why", why, "a text")) };
        let host = match own.get("host") {
            None => Vec::new(),
            Some(value) => names(value).ok_or_else(|| wrong("host", value, "names of packages"))?,
        };
        let writes_prefix = match own.get("writes-prefix") {
            None => false,
            Some(value) => match value.kind {
                ValueKind::Bool(value) => value,
                _ => return Err(wrong("writes-prefix", value, "true or false")),
            },
        };
        let fields = shared(section, text, &package)?;
        Ok(Self { package, versions, worlds, why: why.clone(), fields, writes_prefix, host })
    }
}

fn wrong(field: &str, value: &Value, expected: &'static str) -> Error {
    Error { span: value.span, fault: Fault::Value { field: field.to_owned(), expected } }
}

/// The fields that packages have as well, read as a package's.
fn shared(section: &Section, text: &[u8], package: &PackageName) -> Result<Package, Error> {
    // Everything else in front and in between is blanked, so that places stay what they are.
    let mut blank: Vec<u8> = text.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }).collect();
    for item in &section.items {
        let Item::Field(field) = item else { continue };
        if SHARED.contains(&field.name.as_str()) {
            let range = offset(field.span.start)..offset(field.span.end);
            if let (Some(to), Some(from)) = (blank.get_mut(range.clone()), text.get(range)) {
                to.copy_from_slice(from);
            }
        }
    }
    let version = Version::new("0").map_err(|error| Error { span: section.span, fault: error.into() })?;
    let (fields, errors) = Package::parse(package.clone(), version, &blank);
    errors.into_iter().next().map_or(Ok(fields), Err)
}

fn offset(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// `"name"` or `"name" {constraint}`
fn package_and_versions(value: &Value) -> Option<(PackageName, VersionConstraint)> {
    let (name, options) = match &value.kind {
        ValueKind::Option(name, options) => (&name.kind, options.as_slice()),
        kind => (kind, [].as_slice()),
    };
    let ValueKind::String(name) = name else { return None };
    let versions = options.iter().map(constraint).collect::<Option<Vec<_>>>()?;
    Some((PackageName::new(name).ok()?, Formula::and(versions)))
}

fn constraint(value: &Value) -> Option<VersionConstraint> {
    let all = |values: &[Value]| values.iter().map(constraint).collect::<Option<Vec<_>>>();
    match &value.kind {
        ValueKind::PrefixRelation(operator, version) => {
            let ValueKind::String(version) = &version.kind else { return None };
            Some(Formula::Atom(VersionBound { operator: *operator, version: Version::new(version).ok()? }))
        }
        ValueKind::And(values) | ValueKind::Group(values) => all(values).map(Formula::and),
        ValueKind::Or(values) => all(values).map(Formula::or),
        _ => None,
    }
}

fn names(value: &Value) -> Option<Vec<PackageName>> {
    let one = |value: &Value| match &value.kind {
        ValueKind::String(name) => PackageName::new(name).ok(),
        _ => None,
    };
    match &value.kind {
        ValueKind::List(values) => values.iter().map(one).collect(),
        _ => one(value).map(|name| vec![name]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package::empty(PackageName::new(name).unwrap(), Version::new(version).unwrap())
    }

    #[test]
    fn the_embedded_table_is_well_formed() {
        let quirks = Quirks::embedded().unwrap();
        assert!(quirks.iter().count() > 0);
        for quirk in quirks.iter() {
            assert!(!quirk.why.is_empty(), "{}", quirk.package);
        }
    }

    #[test]
    fn the_last_fitting_quirk_is_taken() {
        let mut quirks = Quirks::default();
        quirks.add(b"quirk { package: \"a\" {>= \"1\" & < \"2\"} why: \"one\" build: [\"make\" \"x\"] }").unwrap();
        quirks.add(b"quirk { package: \"a\" {>= \"1.5\"} worlds: \"host\" why: \"two\" host: [\"m\"] }").unwrap();
        let why = |version, world| quirks.of(&package("a", version), world).map(|quirk| quirk.why.as_str());
        let target = World::Target("aarch64-linux-musl".parse().unwrap());
        assert_eq!(why("0.9", World::Host), None);
        assert_eq!(why("1.0", World::Host), Some("one"));
        assert_eq!(why("1.7", World::Host), Some("two"));
        assert_eq!(why("1.7", target), Some("one"));
        assert_eq!(why("2.0", target), None);
        assert_eq!(quirks.of(&package("a", "1.0"), target).unwrap().fields.build.len(), 1);
    }

    #[test]
    fn what_cannot_be_built_somewhere_is_told() {
        let mut quirks = Quirks::default();
        quirks.add(b"quirk { package: \"a\" why: \"commands\" build: [make] }").unwrap();
        quirks
            .add(b"quirk { package: \"a\" {< \"2\"} worlds: \"target\" why: \"64\" available: arch != \"arm64\" }")
            .unwrap();
        let (arm, intel) =
            ["aarch64-linux-musl", "x86_64-linux-musl"].map(|name| World::Target(name.parse().unwrap())).into();
        assert_eq!(quirks.obstacle(&package("a", "1"), arm), Some("64"));
        for (version, world) in [("1", intel), ("2", arm), ("1", World::Host)] {
            assert_eq!(quirks.obstacle(&package("a", version), world), None);
        }
        assert_eq!(quirks.of(&package("a", "1"), arm).unwrap().why, "commands");
    }

    #[test]
    fn needs_of_the_host_are_a_table_for_the_solver() {
        let mut quirks = Quirks::default();
        quirks.add(b"quirk { package: \"a\" {< \"2\"} why: \"w\" host: [\"m\" \"n\"] } quirk { package: \"b\" why: \"w\" }").unwrap();
        let needs = quirks.needs();
        assert_eq!(needs.len(), 1);
        assert_eq!(needs[0].needs, [PackageName::new("m").unwrap(), PackageName::new("n").unwrap()]);
        assert!(!needs[0].versions.admits(&Version::new("2").unwrap()));
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_place() {
        for (text, place, why) in [
            ("quirk { why: \"x\" }", "quirk { why: \"x\" }", "`quirk` has no `package`"),
            ("quirk { package: \"a\" }", "quirk { package: \"a\" }", "`quirk` has no `why`"),
            ("quirk {", "", "expected"),
            (
                "quirk { package: \"a\" why: \"x\" worlds: \"moon\" }",
                "\"moon\"",
                "`worlds` needs \"host\" or \"target\"",
            ),
            ("quirk { package: \"a\" why: \"x\" builds: [] }", "builds: []", "`builds` is not known here"),
            ("quirks { }", "quirks { }", "`quirks` is not known here"),
            ("build: []", "build: []", "`build` is not known here"),
            ("# é\nquirk { package: \"a\" why: \"x\" build: 3 }", "3", "`build` needs"),
            ("quirk { package: \"a\" why: \"x\" host: 3 }", "3", "`host` needs names of packages"),
            ("quirk { package: 3 why: \"x\" }", "3", "`package` needs a name"),
        ] {
            let mut quirks = Quirks::default();
            let error = quirks.add(text.as_bytes()).unwrap_err();
            let found = text.get(offset(error.span.start)..offset(error.span.end)).unwrap();
            assert!(error.to_string().contains(why), "{text}: {error}");
            assert_eq!(found, place, "{text}: {error}");
            assert_eq!(quirks.iter().count(), 0);
        }
    }
}
