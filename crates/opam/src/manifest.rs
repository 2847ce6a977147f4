//! What a project says of its own packages: its `*.opam` files and its `dune-project`.
//!
//! Where both name a package, the `*.opam` file is what opam would read, so it is the one to use; dune generates it from the other.
//! Not here: finding these files, and how the project is built.
//!
//! # Specification (dune)
//! dune's manual, "dune-project", `(package …)`. A dependency is `name` or `(name constraint)`; a constraint is `:variable`, `(op version)`,
//! `(op variable value)`, `(and …)`, `(or …)` or `(not …)`. As dune does for the files it generates, every package depends on `dune` of at
//! least the version in `(lang dune …)`.

mod sexp;
#[cfg(test)]
mod tests;

use crate::dependency::{Condition, Dependencies, Dependency, negation};
use crate::error::{Error, Fault, Span};
use crate::filter::Filter;
use crate::formula::Formula;
use crate::name::PackageName;
use crate::package::Package;
use crate::syntax::{RelOp, ValueKind};
use crate::template::Template;
use crate::variable::Reference;
use crate::version::Version;

use sexp::{Kind, Sexp};

/// A `dune-project` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DuneProject {
    /// The version in `(lang dune …)`.
    pub lang: Option<Version>,
    /// The project's name.
    pub name: Option<String>,
    /// Whether dune writes `*.opam` files from it.
    pub generates_opam_files: bool,
    /// Its packages. Names, versions, dependencies and conflicts are filled in, and nothing else.
    pub packages: Vec<Package>,
}

/// The package in a project's file `file_name` (`NAME.opam`), and what is wrong with the file; nothing if it is no such file. Its version is
/// the one in the file, or `dev`.
#[must_use]
pub fn opam_file(file_name: &str, text: &[u8]) -> Option<(Package, Vec<Error>)> {
    let name = PackageName::new(file_name.strip_suffix(".opam")?).ok()?;
    let (mut package, errors) = Package::parse(name, development()?, text);
    if let Some(ValueKind::String(version)) = package.other("version").map(|value| &value.kind)
        && let Ok(version) = Version::new(version)
    {
        package.version = version;
    }
    Some((package, errors))
}

/// The version of what has none.
fn development() -> Option<Version> {
    Version::new("dev").ok()
}

impl DuneProject {
    /// What is in the `dune-project` file `text`, and what is wrong with it. Stanzas that say nothing of packages are passed over.
    #[must_use]
    pub fn parse(text: &[u8]) -> (Self, Vec<Error>) {
        let (stanzas, errors) = sexp::parse(text);
        let mut reader = DuneReader { errors, project: Self::default(), version: None };
        // `(package …)` may stand before `(version …)`.
        for stanza in &stanzas {
            reader.global(stanza);
        }
        for stanza in &stanzas {
            if let Some(("package", fields)) = stanza.stanza() {
                let package = reader.package(stanza, fields);
                reader.project.packages.extend(package);
            }
        }
        reader.errors.sort_by_key(|error| error.span.start);
        (reader.project, reader.errors)
    }
}

struct DuneReader {
    errors: Vec<Error>,
    project: DuneProject,
    version: Option<Version>,
}

impl DuneReader {
    fn wrong<T>(&mut self, span: Span, field: &str, expected: &'static str) -> Option<T> {
        self.errors.push(Error::new(span, Fault::Value { field: field.to_owned(), expected }));
        None
    }

    fn noting<T, E: Into<Fault>>(&mut self, span: Span, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.errors.push(Error::new(span, error.into()))).ok()
    }

    fn global(&mut self, stanza: &Sexp) {
        match stanza.stanza() {
            Some(("lang", [dune, version])) if dune.text() == Some("dune") => {
                let version = version.text().unwrap_or_default();
                self.project.lang = self.noting(stanza.span, Version::new(version));
            }
            Some(("name", [name])) => self.project.name = name.text().map(str::to_owned),
            Some(("version", [version])) => {
                self.version = self.noting(version.span, Version::new(version.text().unwrap_or_default()));
            }
            Some(("generate_opam_files", value)) => {
                self.project.generates_opam_files = value.first().is_none_or(|value| value.text() == Some("true"));
            }
            _ => {}
        }
    }

    fn package(&mut self, stanza: &Sexp, fields: &[Sexp]) -> Option<Package> {
        let field = |name: &str| fields.iter().find_map(|field| field.stanza().filter(|(found, _)| *found == name));
        let name = match field("name") {
            Some((_, [name])) => self.noting(name.span, PackageName::new(name.text().unwrap_or_default()))?,
            _ => return self.missing_name(stanza.span),
        };
        let version = match field("version") {
            Some((_, [version])) => self.noting(version.span, Version::new(version.text().unwrap_or_default())),
            _ => self.version.clone(),
        };
        let mut package = Package::empty(name, version.or_else(development)?);
        let mut list = |name: &str| {
            let written = field(name).map(|(_, list)| list).unwrap_or_default();
            written.iter().filter_map(|dependency| self.dependency(dependency)).map(Formula::Atom).collect::<Vec<_>>()
        };
        let (depends, depopts, conflicts) = (list("depends"), list("depopts"), list("conflicts"));
        package.depends = Formula::and(depends.into_iter().chain(self.implied_dune(stanza.span)));
        package.depopts = if depopts.is_empty() { Formula::True } else { Formula::or(depopts) };
        package.conflicts = Formula::or(conflicts);
        Some(package)
    }

    fn missing_name<T>(&mut self, span: Span) -> Option<T> {
        self.errors.push(Error::new(span, Fault::Missing { section: "package".to_owned(), field: "name" }));
        None
    }

    /// `"dune" {>= LANG}`, which dune adds to what it generates.
    fn implied_dune(&self, span: Span) -> Option<Dependencies> {
        let lang = self.project.lang.as_ref()?;
        let bound = Filter::Text(Template::parse(lang.as_str()));
        let condition = Formula::Atom(Condition::Version(RelOp::Ge, bound));
        Some(Formula::Atom(Dependency { name: PackageName::new("dune").ok()?, condition, span }))
    }

    fn dependency(&mut self, written: &Sexp) -> Option<Dependency> {
        let (name, conditions) = match &written.kind {
            Kind::Atom(name) => (name.as_str(), [].as_slice()),
            Kind::List(parts) => match parts.split_first().and_then(|(first, rest)| Some((first.text()?, rest))) {
                Some(found) => found,
                None => return self.wrong(written.span, "depends", "packages and constraints"),
            },
        };
        let name = self.noting(written.span, PackageName::new(name))?;
        let conditions: Vec<_> = conditions.iter().filter_map(|written| self.condition(written)).collect();
        Some(Dependency { name, condition: Formula::and(conditions), span: written.span })
    }

    fn condition(&mut self, written: &Sexp) -> Option<Formula<Condition>> {
        if written.text().is_some() {
            return Some(Formula::Atom(Condition::Filter(self.operand(written)?)));
        }
        let Some((operator, operands)) = written.stanza() else {
            return self.wrong(written.span, "depends", "a constraint");
        };
        let mut all = || operands.iter().filter_map(|operand| self.condition(operand)).collect::<Vec<_>>();
        match operator {
            "and" => return Some(Formula::and(all())),
            "or" => return Some(Formula::or(all())),
            "not" => return all().into_iter().next().map(negation),
            _ => {}
        }
        let Some(relation) = relation(operator) else {
            return self.wrong(written.span, "depends", "`and`, `or`, `not` or a comparison");
        };
        match operands {
            [version] => Some(Formula::Atom(Condition::Version(relation, self.operand(version)?))),
            [left, right] => {
                let (left, right) = (Box::new(self.operand(left)?), Box::new(self.operand(right)?));
                Some(Formula::Atom(Condition::Filter(Filter::Compare(left, relation, right))))
            }
            _ => self.wrong(written.span, "depends", "a comparison with one or two operands"),
        }
    }

    /// `:variable`, or a text.
    fn operand(&mut self, written: &Sexp) -> Option<Filter> {
        let Some(text) = written.text() else { return self.wrong(written.span, "depends", "a variable or a text") };
        match text.strip_prefix(':') {
            None => Some(Filter::Text(Template::parse(text))),
            Some(variable) => match Reference::from_ident(variable) {
                Some(reference) => Some(Filter::Reference(reference)),
                None => self.wrong(written.span, "depends", "a variable"),
            },
        }
    }
}

fn relation(operator: &str) -> Option<RelOp> {
    Some(match operator {
        "=" => RelOp::Eq,
        "<>" => RelOp::Ne,
        ">=" => RelOp::Ge,
        ">" => RelOp::Gt,
        "<=" => RelOp::Le,
        "<" => RelOp::Lt,
        _ => return None,
    })
}
