//! The role of packages that are not simply linked: a table, [`Tools::standard`], which a caller can extend.
//!
//! Not here: roles of packages that follow from their dependencies alone.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use opam::formula::VersionConstraint;
use opam::name::PackageName;
use opam::version::Version;
use toml_edit::{Document, Item, Table};

use crate::constraint;

/// What is known about packages beyond their opam files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    /// Run while others are built; never on a target unless asked for by name.
    pub host_only: BTreeSet<PackageName>,
    /// Preprocessors and the like: whoever uses one on a target needs it on the host as well.
    pub both: BTreeSet<PackageName>,
    /// Whoever depends on one of these, and not for the build alone, is as those in `both`.
    pub ppx_markers: BTreeSet<PackageName>,
    /// Come with the compiler: names, or with a `*` their beginnings.
    pub provided: BTreeSet<String>,
    /// Programs that builds need though opam files do not say so.
    pub extra_host: Vec<ExtraHost>,
    /// Libraries that packages use though their opam files do not say so.
    pub undeclared: Vec<ExtraHost>,
}

/// Dependencies that an opam file does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraHost {
    /// Whose.
    pub package: PackageName,
    /// In which versions.
    pub versions: VersionConstraint,
    /// What they are.
    pub needs: Vec<PackageName>,
}

/// The table that comes with the program.
const STANDARD: &str = include_str!("../tools.toml");

/// What is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolsError {
    /// The place in the text, in bytes.
    pub span: Option<Range<usize>>,
    /// What it is.
    pub message: String,
}

impl Tools {
    /// The table that comes with the program.
    #[must_use]
    pub fn standard() -> Self {
        // A test reads it; there is nothing a caller could do.
        Self::parse(STANDARD).unwrap_or_default()
    }

    /// The table in `text`, in the form of the standard one.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, ToolsError> {
        let document = Document::parse(text).map_err(|error| ToolsError::new(error.span(), error.message()))?;
        let mut tools = Self::default();
        for (key, item) in document.as_table() {
            match key {
                "host-only" => tools.host_only = names(item)?,
                "both" => tools.both = names(item)?,
                "ppx-markers" => tools.ppx_markers = names(item)?,
                "provided" => {
                    tools.provided = texts(item)?.into_iter().map(|(text, _)| text.to_owned()).collect();
                }
                "extra-host" => tools.extra_host = extra_rows(item)?,
                "undeclared" => tools.undeclared = extra_rows(item)?,
                _ => return Err(ToolsError::new(item.span(), format_args!("no such key: `{key}`"))),
            }
        }
        Ok(tools)
    }

    /// Adds what another table says.
    pub fn extend(&mut self, other: Self) {
        self.host_only.extend(other.host_only);
        self.both.extend(other.both);
        self.ppx_markers.extend(other.ppx_markers);
        self.provided.extend(other.provided);
        self.extra_host.extend(other.extra_host);
        self.undeclared.extend(other.undeclared);
    }

    /// Whether nothing is built for this package, for it comes with the compiler.
    #[must_use]
    pub fn is_provided(&self, name: &PackageName) -> bool {
        self.provided.iter().any(|row| match row.strip_suffix('*') {
            Some(start) => name.as_str().starts_with(start),
            None => name.as_str() == row,
        })
    }

    /// What this version needs on the host beyond its opam file.
    pub fn extra_host<'a>(
        &'a self,
        name: &'a PackageName,
        version: &'a Version,
    ) -> impl Iterator<Item = &'a PackageName> {
        needs(&self.extra_host, name, version)
    }

    /// What this version uses in its own world beyond its opam file.
    pub fn undeclared<'a>(
        &'a self,
        name: &'a PackageName,
        version: &'a Version,
    ) -> impl Iterator<Item = &'a PackageName> {
        needs(&self.undeclared, name, version)
    }
}

fn needs<'a>(
    rows: &'a [ExtraHost],
    name: &'a PackageName,
    version: &'a Version,
) -> impl Iterator<Item = &'a PackageName> {
    let rows = rows.iter().filter(move |row| row.package == *name && row.versions.admits(version));
    rows.flat_map(|row| &row.needs)
}

impl ToolsError {
    fn new(span: Option<Range<usize>>, message: impl fmt::Display) -> Self {
        Self { span, message: message.to_string() }
    }
}

/// A text and its place.
type Placed<'t> = (&'t str, Option<Range<usize>>);

fn texts(item: &Item) -> Result<Vec<Placed<'_>>, ToolsError> {
    let array = item.as_array().ok_or_else(|| ToolsError::new(item.span(), "needs a list of names"))?;
    array
        .iter()
        .map(|value| match value.as_str() {
            Some(found) => Ok((found, value.span())),
            None => Err(ToolsError::new(value.span(), "needs a name")),
        })
        .collect()
}

fn names<C: FromIterator<PackageName>>(item: &Item) -> Result<C, ToolsError> {
    let name = |(text, span)| PackageName::new(text).map_err(|error| ToolsError::new(span, error));
    texts(item)?.into_iter().map(name).collect()
}

fn extra_rows(item: &Item) -> Result<Vec<ExtraHost>, ToolsError> {
    let rows = item.as_array_of_tables().ok_or_else(|| ToolsError::new(item.span(), "needs `[[…]]` tables"))?;
    rows.iter().map(extra_host).collect()
}

fn extra_host(row: &Table) -> Result<ExtraHost, ToolsError> {
    if let Some((key, item)) = row.iter().find(|(key, _)| !["package", "versions", "needs"].contains(key)) {
        return Err(ToolsError::new(item.span(), format_args!("no such key: `{key}`")));
    }
    let text = |key: &str| row.get(key).and_then(Item::as_str);
    let package = text("package").ok_or_else(|| ToolsError::new(row.span(), "needs `package`"))?;
    let package = PackageName::new(package).map_err(|error| ToolsError::new(row.span(), error))?;
    let versions = match text("versions") {
        None => VersionConstraint::True,
        Some(text) => constraint::parse(text).map_err(|error| ToolsError::new(row.span(), error))?,
    };
    let needs = names(row.get("needs").ok_or_else(|| ToolsError::new(row.span(), "needs `needs`"))?)?;
    Ok(ExtraHost { package, versions, needs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_table_can_be_read() {
        let tools = Tools::parse(STANDARD).unwrap();
        let has = |names: &BTreeSet<PackageName>, name: &str| names.iter().any(|known| known.as_str() == name);
        assert!(has(&tools.host_only, "dune") && has(&tools.ppx_markers, "ppxlib"));
        assert!(tools.host_only.is_disjoint(&tools.both));
        let provided = |name| tools.is_provided(&PackageName::new(name).unwrap());
        assert!(provided("base-unix") && provided("ocaml-option-flambda") && !provided("base"));
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, at, message) in [
            ("host-only = 3", "3", "needs a list of names"),
            ("both = [\"a\", 1]", "1", "needs a name"),
            ("ppx-markers = [\"a b\"]", "\"a b\"", "`a b` is no package name"),
            ("bot = []", "[]", "no such key: `bot`"),
            ("[[extra-host]]\npackage = \"a\"\nneeds = [\"b\"]\nversion = \"1\"", "\"1\"", "no such key: `version`"),
        ] {
            let error = Tools::parse(text).unwrap_err();
            assert_eq!(text.get(error.span.clone().unwrap()), Some(at), "{error:?}");
            assert!(error.message.starts_with(message), "{error:?}");
        }
    }

    #[test]
    fn extra_rows_are_for_versions() {
        let text = "[[extra-host]]\npackage = \"a\"\nversions = '>= \"2\"'\nneeds = [\"b\"]";
        let mut tools = Tools::default();
        tools.extend(Tools::parse(text).unwrap());
        let needs = |version| {
            let (name, version) = (PackageName::new("a").unwrap(), Version::new(version).unwrap());
            tools.extra_host(&name, &version).map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(needs("1"), Vec::<String>::new());
        assert_eq!(needs("2"), ["b"]);
    }
}
