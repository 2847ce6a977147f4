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
//! }
//! ```
//!
//! The embedded table can be extended by a user's own; of several that fit, the last one is taken. Not here: what is
//! done with them ([`crate::instructions`]).

use opam::error::Error;
use opam::formula::{Formula, VersionBound, VersionConstraint};
use opam::name::PackageName;
use opam::package::Package;
use opam::syntax::{self, Item, Section, Value, ValueKind};
use opam::version::Version;

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

/// What is wrong with a table of quirks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuirkError {
    /// It is not in opam's syntax.
    #[error("{0}")]
    Syntax(Error),
    /// A quirk without its package.
    #[error("a quirk must say `package: \"name\"`, with versions in braces if it is not about all of them")]
    NoPackage,
    /// A quirk without its reason.
    #[error("the quirk of {0} does not say why")]
    NoWhy(PackageName),
    /// A field with a value it cannot have.
    #[error("the quirk of {package}: `{field}` cannot be that")]
    Field {
        /// Whose.
        package: PackageName,
        /// Which.
        field: &'static str,
    },
}

impl Quirks {
    /// The embedded table.
    ///
    /// # Errors
    /// Never, unless the table itself is wrong; a test reads it.
    pub fn embedded() -> Result<Self, QuirkError> {
        let mut quirks = Self::default();
        quirks.add(EMBEDDED.as_bytes())?;
        Ok(quirks)
    }

    /// Adds the quirks of `text`, which go before those that are there.
    ///
    /// # Errors
    /// If the text is no table of quirks.
    pub fn add(&mut self, text: &[u8]) -> Result<(), QuirkError> {
        let (file, errors) = syntax::parse(text);
        if let Some(error) = errors.into_iter().next() {
            return Err(QuirkError::Syntax(error));
        }
        for item in &file.items {
            if let Item::Section(section) = item {
                self.all.push(Quirk::read(section, text)?);
            }
        }
        Ok(())
    }

    /// The quirk of `package` in `world`, if it has one.
    #[must_use]
    pub fn of(&self, package: &Package, world: World) -> Option<&Quirk> {
        self.all.iter().rev().find(|quirk| {
            quirk.package == package.name && quirk.worlds.hold(world) && quirk.versions.admits(&package.version)
        })
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

impl Quirk {
    fn read(section: &Section, text: &[u8]) -> Result<Self, QuirkError> {
        let field = |name: &str| {
            section.items.iter().find_map(|item| match item {
                Item::Field(field) if field.name == name => Some(&field.value),
                Item::Field(_) | Item::Section(_) => None,
            })
        };
        let (package, versions) = field("package").and_then(package_and_versions).ok_or(QuirkError::NoPackage)?;
        let wrong = |field| QuirkError::Field { package: package.clone(), field };
        let worlds = match field("worlds").map(|value| &value.kind) {
            None => Worlds::Both,
            Some(ValueKind::String(world)) if world == "host" => Worlds::Host,
            Some(ValueKind::String(world)) if world == "target" => Worlds::Target,
            Some(_) => return Err(wrong("worlds")),
        };
        let Some(ValueKind::String(why)) = field("why").map(|value| &value.kind) else {
            return Err(QuirkError::NoWhy(package));
        };
        let host = field("host").map_or(Some(Vec::new()), names).ok_or_else(|| wrong("host"))?;
        let writes_prefix = match field("writes-prefix").map(|value| &value.kind) {
            None => false,
            Some(ValueKind::Bool(value)) => *value,
            Some(_) => return Err(wrong("writes-prefix")),
        };
        // The fields that packages have as well are read as a package's.
        let (fields, errors) = Package::parse(package.clone(), any_version()?, body(section, text));
        if let Some(error) = errors.into_iter().next() {
            return Err(QuirkError::Syntax(error));
        }
        Ok(Self { package, versions, worlds, why: why.clone(), fields, writes_prefix, host })
    }
}

fn any_version() -> Result<Version, QuirkError> {
    Version::new("0").map_err(|_| QuirkError::NoPackage)
}

/// What is between a section's braces.
fn body<'t>(section: &Section, text: &'t [u8]) -> &'t [u8] {
    let offset = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    let whole = text.get(offset(section.span.start)..offset(section.span.end)).unwrap_or_default();
    let open = whole.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    whole.get(open..whole.len().saturating_sub(1)).unwrap_or_default()
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
    fn what_is_no_table_is_refused() {
        let refused = |text: &str| Quirks::default().add(text.as_bytes()).unwrap_err();
        assert_eq!(refused("quirk { why: \"x\" }"), QuirkError::NoPackage);
        assert!(matches!(refused("quirk { package: \"a\" }"), QuirkError::NoWhy(_)));
        assert!(matches!(refused("quirk {"), QuirkError::Syntax(_)));
        let world = refused("quirk { package: \"a\" why: \"x\" worlds: \"moon\" }");
        assert!(matches!(world, QuirkError::Field { field: "worlds", .. }));
    }
}
