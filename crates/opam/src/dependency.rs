//! Dependency formulas: packages, constraints on their versions, and filters in between, as one expression.
//!
//! Not here: choosing versions. Which role a dependency plays is asked by evaluating twice: what `build` alone keeps is there with
//! `build` true and gone with `build` false; `post`, `with-test` and the others likewise.
//!
//! # Specification
//! opam's manual, "Filtered package formulas". `{c}` after a package is a formula over constraints and filters. An atom whose
//! formula comes to false is removed, not failed ([`Formula::filter_map`]). A filter that is undefined is false. A constraint whose
//! version is an undefined variable is no constraint.

use crate::error::Span;
use crate::filter::{Filter, Outcome, Reader, Scope, elements};
use crate::formula::{Formula, VersionBound, VersionConstraint};
use crate::name::PackageName;
use crate::syntax::{RelOp, Value, ValueKind};
use crate::template::Template;
use crate::version::Version;

/// A package and under which conditions it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package.
    pub name: PackageName,
    /// Conditions and acceptable versions.
    pub condition: Formula<Condition>,
    /// Where it is written.
    pub span: Span,
}

/// An atom of what is written in `{…}` after a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `>= "1.0"` or `= version`.
    Version(RelOp, Filter),
    /// `with-test`, `os = "linux"`.
    Filter(Filter),
}

/// `depends`, `depopts` or `conflicts` as written.
pub type Dependencies = Formula<Dependency>;

/// A package and its acceptable versions, in one scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The package.
    pub name: PackageName,
    /// Its acceptable versions.
    pub versions: VersionConstraint,
}

impl Dependency {
    /// The acceptable versions in `scope`; nothing if the package is not needed there.
    #[must_use]
    pub fn reduce(&self, scope: &dyn Scope) -> Option<Requirement> {
        let versions = self.condition.substitute(&mut |condition| condition.reduce(scope));
        // `{< "1" & > "2"}` is no `False`: only filters come to a constant.
        (versions != Formula::False).then(|| Requirement { name: self.name.clone(), versions })
    }
}

impl Dependencies {
    /// The formula with filters evaluated in `scope`; [`Formula::True`] if nothing is left of it.
    #[must_use]
    pub fn reduce(&self, scope: &dyn Scope) -> Formula<Requirement> {
        let mut reduce = |dependency: &Dependency| dependency.reduce(scope).map(Formula::Atom);
        self.filter_map(&mut reduce).unwrap_or(Formula::True)
    }
}

impl Condition {
    fn reduce(&self, scope: &dyn Scope) -> Formula<VersionBound> {
        match self {
            Self::Filter(filter) => {
                if filter.holds(scope) {
                    Formula::True
                } else {
                    Formula::False
                }
            }
            Self::Version(operator, version) => {
                let text = match version.evaluate(scope) {
                    Outcome::Undefined => return Formula::True,
                    Outcome::Bool(value) => value.to_string(),
                    Outcome::Text(text) => text,
                };
                let bound = |version| Formula::Atom(VersionBound { operator: *operator, version });
                Version::new(&text).map_or(Formula::True, bound)
            }
        }
    }
}

/// How the elements of a list are joined.
#[derive(Clone, Copy)]
pub(crate) enum Join {
    All,
    Any,
}

impl Join {
    fn join<A>(self, parts: Vec<Formula<A>>) -> Formula<A> {
        match self {
            Self::All => Formula::and(parts),
            // No packages at all are no condition.
            Self::Any if parts.is_empty() => Formula::True,
            Self::Any => Formula::or(parts),
        }
    }
}

/// The formula in a field whose elements are joined as `join` says. What cannot be read is left out, and noted.
pub(crate) fn read(reader: &mut Reader<'_>, value: &Value, join: Join) -> Dependencies {
    join.join(elements(value).iter().filter_map(|value| formula(reader, value, join)).collect())
}

fn formula(reader: &mut Reader<'_>, value: &Value, join: Join) -> Option<Dependencies> {
    let mut all = |values: &[Value]| values.iter().filter_map(|value| formula(reader, value, join)).collect::<Vec<_>>();
    match &value.kind {
        ValueKind::String(name) => package(reader, value, name, &[]),
        ValueKind::Option(inner, options) => match &inner.kind {
            ValueKind::String(name) => package(reader, value, name, options),
            _ => reader.wrong(inner, "a package"),
        },
        ValueKind::Group(values) => Some(join.join(all(values))),
        ValueKind::And(values) => Some(Formula::and(all(values))),
        ValueKind::Or(values) => Some(Formula::or(all(values))),
        _ => reader.wrong(value, "packages, their constraints, `&` and `|`"),
    }
}

fn package(reader: &mut Reader<'_>, value: &Value, name: &str, options: &[Value]) -> Option<Dependencies> {
    let name = reader.noting(value, PackageName::new(name))?;
    let condition = Formula::and(options.iter().map(|option| condition(reader, option)).collect::<Vec<_>>());
    Some(Formula::Atom(Dependency { name, condition, span: value.span }))
}

fn condition(reader: &mut Reader<'_>, value: &Value) -> Formula<Condition> {
    let mut all = |values: &[Value]| values.iter().map(|value| condition(reader, value)).collect::<Vec<_>>();
    match &value.kind {
        ValueKind::PrefixRelation(operator, version) => {
            bound(reader, version).map_or(Formula::True, |bound| Formula::Atom(Condition::Version(*operator, bound)))
        }
        ValueKind::Group(values) | ValueKind::And(values) => Formula::and(all(values)),
        ValueKind::Or(values) => Formula::or(all(values)),
        ValueKind::Not(operand) => negation(condition(reader, operand)),
        _ => Formula::Atom(Condition::Filter(reader.filter(value))),
    }
}

pub(crate) fn negation(formula: Formula<Condition>) -> Formula<Condition> {
    match formula {
        Formula::True => Formula::False,
        Formula::False => Formula::True,
        Formula::Atom(Condition::Version(operator, version)) => {
            Formula::Atom(Condition::Version(operator.negated(), version))
        }
        Formula::Atom(Condition::Filter(filter)) => Formula::Atom(Condition::Filter(Filter::Not(Box::new(filter)))),
        Formula::And(parts) => Formula::or(parts.into_iter().map(negation)),
        Formula::Or(parts) => Formula::and(parts.into_iter().map(negation)),
    }
}

/// The version in a constraint: text, or a variable.
fn bound(reader: &mut Reader<'_>, value: &Value) -> Option<Filter> {
    match &value.kind {
        ValueKind::String(text) => {
            let template = Template::parse(text);
            if let Some(literal) = template.literal() {
                reader.noting(value, Version::new(literal))?;
            }
            Some(Filter::Text(template))
        }
        ValueKind::Ident(name) => reader.reference(value, name).map(Filter::Reference),
        _ => reader.wrong(value, "a version"),
    }
}
