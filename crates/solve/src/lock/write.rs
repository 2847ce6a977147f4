//! A lock as text. Not here: reading it (`read`), which says what is allowed.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use opam::name::PackageName;
use opam::package::Source;
use toml_edit::{Key as TomlKey, Value};

use super::{FORMAT, Lock, Pin};
use crate::constraint;
use crate::problem::Kind;
use crate::request::Environment;
use crate::solution::{Dep, Node, On, Role};

pub(super) const HEAD: &str = "# Made by `bactrian lock`, renewed by `bactrian update`: not to be edited.\n";

/// The text, of which [`Lock::parse`] makes the same lock again.
impl Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}version = {FORMAT}")?;
        body(f, self, "")
    }
}

/// All but the format; names of tables begin with `at`.
pub(super) fn body(f: &mut fmt::Formatter<'_>, lock: &Lock, at: &str) -> fmt::Result {
    let asked = &lock.request;
    text(f, "ocaml", asked.ocaml.as_str())?;
    writeln!(f, "with-test = {}", asked.with_test)?;
    environment(f, &format!("{at}host"), &asked.worlds.host)?;
    for (target, variables) in &asked.worlds.targets {
        environment(f, &format!("{at}target.{}", TomlKey::new(target)), variables)?;
    }
    for root in &asked.roots {
        write!(f, "\n[[{at}root]]\n")?;
        text(f, "name", root.name.as_str())?;
        text(f, "constraint", &constraint::to_text(&root.versions))?;
    }
    let mut packages: BTreeMap<(bool, &PackageName), Vec<(Role, &Node)>> = BTreeMap::new();
    for (key, node) in &lock.solution.nodes {
        packages.entry((!node.local, &key.name)).or_default().push((key.role, node));
    }
    for ((published, name), nodes) in packages {
        let table = format!("{at}{}", if published { "package" } else { "project" });
        write!(f, "\n[[{table}]]\n")?;
        text(f, "name", name.as_str())?;
        package(f, &table, &nodes, lock.pins.get(name))?;
    }
    Ok(())
}

fn text(f: &mut fmt::Formatter<'_>, key: &str, value: &str) -> fmt::Result {
    writeln!(f, "{key} = {}", Value::from(value))
}

fn list(f: &mut fmt::Formatter<'_>, key: &str, values: &[String]) -> fmt::Result {
    if values.is_empty() {
        return Ok(());
    }
    writeln!(f, "{key} = [")?;
    for value in values {
        writeln!(f, "  {},", Value::from(value))?;
    }
    writeln!(f, "]")
}

fn environment(f: &mut fmt::Formatter<'_>, table: &str, environment: &Environment) -> fmt::Result {
    write!(f, "\n[{table}]\n")?;
    for (variable, value) in &environment.0 {
        text(f, &TomlKey::new(variable).to_string(), value)?;
    }
    Ok(())
}

fn package(f: &mut fmt::Formatter<'_>, table: &str, nodes: &[(Role, &Node)], pin: Option<&Pin>) -> fmt::Result {
    let Some((_, any)) = nodes.first() else { return Ok(()) };
    if !any.local {
        text(f, "version", any.version.as_str())?;
    }
    let flags = [("provided", any.provided), ("conf", any.conf), ("ppx", any.ppx)];
    let flags: Vec<Value> = flags.into_iter().filter(|(_, is)| *is).map(|(flag, _)| flag.into()).collect();
    if !flags.is_empty() {
        writeln!(f, "flags = {}", Value::from_iter(flags))?;
    }
    if let Some(pin) = pin {
        text(f, "opam", &format!("sha256={}", hex(&pin.opam)))?;
        if let Some(from) = &pin.source {
            source(f, from)?;
        }
        for extra in &pin.extra_sources {
            write!(f, "\n[[{table}.extra-source]]\n")?;
            text(f, "name", &extra.name)?;
            source(f, &extra.source)?;
        }
    }
    for (role, node) in nodes {
        let name = match role {
            Role::Host => "host",
            Role::Target => "target",
        };
        write!(f, "\n[{table}.{name}]\n")?;
        if let On::Only(targets) = &node.on {
            list(f, "on", targets)?;
        }
        for (key, kind, other) in LISTS {
            let chosen = node.deps.iter().filter(|dep| dep.kind == *kind && Some(dep.key.role) == other.of(*role));
            list(f, key, &chosen.map(reference).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// Which nodes have a list, and the role of what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// All; their own role.
    Same,
    /// All; the host.
    Host,
    /// Those of targets; the host.
    Across,
}

impl Other {
    /// The role of what the list names in a node of `role`, if that has one.
    pub(super) fn of(self, role: Role) -> Option<Role> {
        match self {
            Self::Same => Some(role),
            Self::Host => Some(Role::Host),
            Self::Across => (role == Role::Target).then_some(Role::Host),
        }
    }
}

/// The lists of a node.
pub(super) const LISTS: &[(&str, Kind, Other)] = &[
    ("build", Kind::Build, Other::Host),
    ("link", Kind::Link, Other::Same),
    ("link-host", Kind::Link, Other::Across),
    ("order", Kind::Order, Other::Same),
    ("order-host", Kind::Order, Other::Across),
    ("post", Kind::Post, Other::Same),
    ("post-host", Kind::Post, Other::Across),
];

/// `name`, or `name @ target target` for some targets alone.
fn reference(dep: &Dep) -> String {
    match &dep.on {
        On::All => dep.key.name.to_string(),
        On::Only(targets) => format!("{} @ {}", dep.key.name, targets.join(" ")),
    }
}

fn source(f: &mut fmt::Formatter<'_>, source: &Source) -> fmt::Result {
    text(f, "src", &source.src)?;
    list(f, "mirrors", &source.mirrors)?;
    if let Some(subpath) = &source.subpath {
        text(f, "subpath", subpath)?;
    }
    list(f, "checksums", &source.checksums.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
