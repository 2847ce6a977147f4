//! A lock from its text. Every key that is not known is refused: a lock that is half understood is none.
//!
//! Not here: whether it fits a request (`check`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use opam::checksum::{Checksum, ChecksumError};
use opam::name::{NameError, PackageName};
use opam::package::{ExtraSource, Source};
use opam::version::{Version, VersionError};
use toml_edit::{Document, Item, TableLike};

use super::write::LISTS;
use super::{Asked, FORMAT, Lock, Pin};
use crate::constraint::{self, ConstraintError};
use crate::request::{COMPILER, Environment, LOCAL_VERSION, Root, Worlds};
use crate::solution::{Dep, Key, Node, On, Role, Solution};

/// What is wrong with a lock, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct LockError {
    /// The place in the text, in bytes; nothing if it is the whole.
    pub span: Option<Range<usize>>,
    /// What.
    #[source]
    pub fault: LockFault,
}

/// The ways in which a lock can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockFault {
    /// It is no TOML.
    #[error("{0}")]
    Toml(String),
    /// It is of another format, likely a newer one.
    #[error("format {0} is not known")]
    Format(i64),
    /// A table has no key that it must have.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A value is not what it must be.
    #[error("this needs to be {0}")]
    Type(&'static str),
    /// A key has no meaning.
    #[error("`{0}` has no meaning here")]
    Unknown(String),
    /// A package is there twice.
    #[error("`{0}` is there twice")]
    Twice(PackageName),
    /// A node depends on one that is not there.
    #[error("`{0}` is not in this lock in that role")]
    Dangling(PackageName),
    /// No target of the lock is called so.
    #[error("`{0}` is not a target of this lock")]
    Target(String),
    /// No name of a package.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// No checksum.
    #[error(transparent)]
    Checksum(#[from] ChecksumError),
    /// No constraint.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
}

/// A text and its place.
type Placed<'t> = (&'t str, Option<Range<usize>>);

type Result<T> = std::result::Result<T, LockError>;

impl Lock {
    /// The lock in `text`, which has one alone.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let document = Document::parse(text)
            .map_err(|error| LockError { span: error.span(), fault: LockFault::Toml(error.message().to_owned()) })?;
        let root = Table { table: document.as_table(), span: None };
        // The format first: what else is there depends on it.
        let version = root.need("version")?;
        let format = version.as_integer().ok_or_else(|| fault(version, LockFault::Type("a number")))?;
        if format != FORMAT {
            return Err(fault(version, LockFault::Format(format)));
        }
        Self::read(&root, &["version"])
    }

    /// The lock in a table, which may have the keys `more` besides a lock's.
    pub(super) fn read(root: &Table<'_>, more: &[&str]) -> Result<Self> {
        let own = ["ocaml", "with-test", "host", "target", "root", "project", "package"];
        root.only(&[&own, more].concat())?;
        let asked = asked(root)?;
        let targets = asked.worlds.targets.iter().map(|(name, _)| name.clone()).collect();
        let mut packages = Packages { targets, nodes: BTreeMap::new(), pins: BTreeMap::new(), deps: Vec::new() };
        for table in root.tables("project")? {
            packages.read(&table, true)?;
        }
        for table in root.tables("package")? {
            packages.read(&table, false)?;
        }
        packages.check()?;
        let Packages { targets, nodes, pins, .. } = packages;
        let roots = roots(&asked, &nodes);
        let mut solution = Solution { targets, roots, nodes };
        solution.sort();
        Ok(Self { request: asked, solution, pins })
    }
}

pub(super) fn fault(item: &Item, fault: impl Into<LockFault>) -> LockError {
    LockError { span: item.span(), fault: fault.into() }
}

fn roots(asked: &Asked, nodes: &BTreeMap<Key, Node>) -> Vec<Key> {
    let wanted = |key: &Key, node: &Node| {
        let root = asked.roots.iter().any(|root| root.name == key.name) && key.role == Role::Target;
        (node.local && key.role == Role::Target) || key.name.as_str() == COMPILER || root
    };
    nodes.iter().filter(|(key, node)| wanted(key, node)).map(|(key, _)| key.clone()).collect()
}

fn asked(root: &Table<'_>) -> Result<Asked> {
    let ocaml = root.parsed("ocaml", Version::new)?;
    let flag = root.need("with-test")?;
    let with_test = flag.as_bool().ok_or_else(|| fault(flag, LockFault::Type("true or false")))?;
    let host = environment(&root.table("host")?)?;
    let mut targets = Vec::new();
    if let Some(item) = root.table.get("target") {
        for (name, _) in Table::of(item)?.table.iter() {
            targets.push((name.to_owned(), environment(&Table::of(item)?.table(name)?)?));
        }
    }
    targets.sort_by(|a, b| a.0.cmp(&b.0));
    let mut roots = Vec::new();
    for table in root.tables("root")? {
        table.only(&["name", "constraint"])?;
        let name = table.parsed("name", PackageName::new)?;
        roots.push(Root { name, versions: table.parsed("constraint", constraint::parse)? });
    }
    Ok(Asked { ocaml, with_test, worlds: Worlds { host, targets }, roots })
}

fn environment(table: &Table<'_>) -> Result<Environment> {
    let value = |(name, item): (&str, &Item)| match item.as_str() {
        Some(value) => Ok((name.to_owned(), value.to_owned())),
        None => Err(fault(item, LockFault::Type("a text"))),
    };
    Ok(Environment(table.table.iter().map(value).collect::<Result<_>>()?))
}

struct Packages {
    targets: Vec<String>,
    nodes: BTreeMap<Key, Node>,
    pins: BTreeMap<PackageName, Pin>,
    /// Where each dependency is written, to be looked up when all nodes are known.
    deps: Vec<(Key, Option<Range<usize>>)>,
}

impl Packages {
    fn read(&mut self, table: &Table<'_>, local: bool) -> Result<()> {
        let mut known = vec!["name", "flags", "host", "target"];
        if !local {
            known.extend(["version", "opam", "src", "mirrors", "subpath", "checksums", "extra-source"]);
        }
        table.only(&known)?;
        let name = table.parsed("name", PackageName::new)?;
        let version = if local {
            Version::new(LOCAL_VERSION).map_err(|error| fault(table.need("name").unwrap_or(&Item::None), error))?
        } else {
            table.parsed("version", Version::new)?
        };
        let flags: BTreeSet<String> = table.texts("flags")?.into_iter().map(|(flag, _)| flag.to_owned()).collect();
        if let Some(unknown) = flags.iter().find(|flag| !["provided", "conf", "ppx"].contains(&flag.as_str())) {
            return Err(fault(table.need("flags")?, LockFault::Unknown(unknown.clone())));
        }
        for (key, role) in [("host", Role::Host), ("target", Role::Target)] {
            if table.table.get(key).is_none() {
                continue;
            }
            let (on, deps) = self.node(&table.table(key)?, role)?;
            let has = |flag: &str| flags.contains(flag);
            let (provided, conf, ppx) = (has("provided"), has("conf"), has("ppx"));
            let node = Node { version: version.clone(), local, provided, conf, ppx, on, deps };
            if self.nodes.insert(Key { name: name.clone(), role }, node).is_some() {
                return Err(fault(table.need("name")?, LockFault::Twice(name)));
            }
        }
        if !local {
            let pin = pin(table)?;
            if self.pins.insert(name.clone(), pin).is_some() {
                return Err(fault(table.need("name")?, LockFault::Twice(name)));
            }
        }
        Ok(())
    }

    fn node(&mut self, table: &Table<'_>, role: Role) -> Result<(On, Vec<Dep>)> {
        let lists = LISTS.iter().filter_map(|(key, kind, other)| Some((*key, *kind, other.of(role)?)));
        let lists: Vec<_> = lists.collect();
        let mut known: Vec<&str> = lists.iter().map(|(key, ..)| *key).collect();
        known.push("on");
        table.only(&known)?;
        let mut on = On::All;
        if table.table.get("on").is_some() {
            let targets = table.texts("on")?;
            on = On::Only(targets.iter().map(|(name, span)| self.target(name, span)).collect::<Result<_>>()?);
        }
        let mut deps = Vec::new();
        for (key, kind, other) in lists {
            for (text, span) in table.texts(key)? {
                let (name, on) = match text.split_once(" @ ") {
                    None => (text, On::All),
                    Some((name, targets)) => {
                        let targets = targets.split(' ').map(|target| self.target(target, &span));
                        (name, On::Only(targets.collect::<Result<_>>()?))
                    }
                };
                let name =
                    PackageName::new(name).map_err(|error| LockError { span: span.clone(), fault: error.into() })?;
                let key = Key { name, role: other };
                self.deps.push((key.clone(), span));
                deps.push(Dep { key, kind, on });
            }
        }
        deps.sort_by(|a, b| a.key.cmp(&b.key));
        Ok((on, deps))
    }

    fn target(&self, name: &str, span: &Option<Range<usize>>) -> Result<String> {
        if self.targets.iter().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        Err(LockError { span: span.clone(), fault: LockFault::Target(name.to_owned()) })
    }

    fn check(&self) -> Result<()> {
        match self.deps.iter().find(|(key, _)| !self.nodes.contains_key(key)) {
            None => Ok(()),
            Some((key, span)) => Err(LockError { span: span.clone(), fault: LockFault::Dangling(key.name.clone()) }),
        }
    }
}

fn pin(table: &Table<'_>) -> Result<Pin> {
    let item = table.need("opam")?;
    let Checksum::Sha256(opam) = table.parsed("opam", str::parse::<Checksum>)? else {
        return Err(fault(item, LockFault::Type("a SHA-256")));
    };
    let main = if table.table.get("src").is_some() { Some(source(table)?) } else { None };
    let mut extra_sources = Vec::new();
    for extra in table.tables("extra-source")? {
        extra.only(&["name", "src", "mirrors", "subpath", "checksums"])?;
        extra_sources.push(ExtraSource { name: extra.text("name")?.to_owned(), source: source(&extra)? });
    }
    Ok(Pin { opam, source: main, extra_sources })
}

fn source(table: &Table<'_>) -> Result<Source> {
    let mut checksums = Vec::new();
    for (text, span) in table.texts("checksums")? {
        checksums.push(text.parse::<Checksum>().map_err(|error| LockError { span, fault: error.into() })?);
    }
    Ok(Source {
        src: table.text("src")?.to_owned(),
        mirrors: table.texts("mirrors")?.into_iter().map(|(text, _)| text.to_owned()).collect(),
        checksums,
        subpath: if table.table.get("subpath").is_some() { Some(table.text("subpath")?.to_owned()) } else { None },
    })
}

/// A table and where it stands.
pub(super) struct Table<'t> {
    pub(super) table: &'t dyn TableLike,
    pub(super) span: Option<Range<usize>>,
}

impl<'t> Table<'t> {
    fn of(item: &'t Item) -> Result<Self> {
        let table = item.as_table_like().ok_or_else(|| fault(item, LockFault::Type("a table")))?;
        Ok(Self { table, span: item.span() })
    }

    pub(super) fn need(&self, key: &str) -> Result<&'t Item> {
        let missing = || LockError { span: self.span.clone(), fault: LockFault::Missing(key.to_owned()) };
        self.table.get(key).ok_or_else(missing)
    }

    fn only(&self, keys: &[&str]) -> Result<()> {
        match self.table.iter().find(|(key, _)| !keys.contains(key)) {
            None => Ok(()),
            Some((key, item)) => Err(fault(item, LockFault::Unknown(key.to_owned()))),
        }
    }

    fn table(&self, key: &str) -> Result<Self> {
        Self::of(self.need(key)?)
    }

    pub(super) fn tables(&self, key: &str) -> Result<Vec<Self>> {
        let Some(item) = self.table.get(key) else { return Ok(Vec::new()) };
        let tables = item.as_array_of_tables().ok_or_else(|| fault(item, LockFault::Type("several tables")))?;
        Ok(tables.iter().map(|table| Self { table, span: table.span() }).collect())
    }

    fn text(&self, key: &str) -> Result<&'t str> {
        let item = self.need(key)?;
        item.as_str().ok_or_else(|| fault(item, LockFault::Type("a text")))
    }

    fn parsed<T, E: Into<LockFault>>(&self, key: &str, parse: impl Fn(&str) -> std::result::Result<T, E>) -> Result<T> {
        let item = self.need(key)?;
        parse(self.text(key)?).map_err(|error| fault(item, error))
    }

    /// The texts of a list with their places; none if it is not there.
    fn texts(&self, key: &str) -> Result<Vec<Placed<'t>>> {
        let Some(item) = self.table.get(key) else { return Ok(Vec::new()) };
        let array = item.as_array().ok_or_else(|| fault(item, LockFault::Type("a list")))?;
        let text = |value: &'t toml_edit::Value| match value.as_str() {
            Some(text) => Ok((text, value.span())),
            None => Err(LockError { span: value.span(), fault: LockFault::Type("a text") }),
        };
        array.iter().map(text).collect()
    }
}
