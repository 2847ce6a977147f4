//! Filters: expressions over variables, with three outcomes. Not here: what the variables are, which is the [`Scope`]'s.
//!
//! # Specification
//! opam's manual, "Filters", and opam's `opamFilter.ml`. A comparison with something undefined in it is undefined; `undefined &
//! false` is false and `undefined | true` is true, and `&`, `|` and `!` of anything else undefined, or of a string that is
//! neither `true` nor `false`, are undefined. `?x` says whether `x` is defined. Everything is compared by the order of versions
//! ([`crate::version::compare`]). Where a truth value is needed, what is undefined or no truth value is false.
//!
//! One quirk is left out: opam expands `%{…}%` in *values* of variables as well.

mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::syntax::RelOp;
use crate::template::Template;
use crate::variable::{Reference, Variable};
use crate::version;

pub(crate) use read::{Reader, elements};

/// A variable's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A text.
    String(String),
    /// Several texts.
    List(Vec<String>),
}

/// What variables are.
pub trait Scope {
    /// The variable's value, if it is defined.
    fn lookup(&self, variable: &Variable) -> Option<Value>;

    /// Its value where a choice depends on it: none if [`Scope::lookup`] only says where the value will be found later.
    fn decided(&self, variable: &Variable) -> Option<Value> {
        self.lookup(variable)
    }
}

/// A scope as filters see it.
struct Decided<'a>(&'a dyn Scope);

impl Scope for Decided<'_> {
    fn lookup(&self, variable: &Variable) -> Option<Value> {
        self.0.decided(variable)
    }
}

impl<F: Fn(&Variable) -> Option<Value>> Scope for F {
    fn lookup(&self, variable: &Variable) -> Option<Value> {
        self(variable)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl Value {
    /// As it appears inside a string: elements of a list have blanks between them.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::String(text) => text.clone(),
            Self::List(texts) => texts.join(" "),
        }
    }

    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::String(text) => text.parse().ok(),
            Self::List(texts) => match texts.as_slice() {
                [text] => text.parse().ok(),
                _ => None,
            },
        }
    }
}

impl Reference {
    /// Its value, if it has one; with a choice it always has.
    #[must_use]
    pub fn resolve(&self, scope: &dyn Scope) -> Option<Value> {
        let value = match self.variables() {
            [variable] => scope.lookup(variable),
            variables => conjunction(variables, scope),
        };
        match self.choice() {
            None => value,
            Some((yes, no)) => {
                let chosen = if value.and_then(|value| value.as_bool()) == Some(true) { yes } else { no };
                Some(Value::String(chosen.to_owned()))
            }
        }
    }
}

/// False as soon as one is false; else what the last one that is not `true` makes of it.
fn conjunction(variables: &[Variable], scope: &dyn Scope) -> Option<Value> {
    let mut result = Some(true);
    for variable in variables {
        if result == Some(false) {
            break;
        }
        match scope.lookup(variable) {
            Some(Value::Bool(true)) => {}
            other => result = other.and_then(|value| value.as_bool()),
        }
    }
    result.map(Value::Bool)
}

/// An expression over variables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// `true`, `false`
    Bool(bool),
    /// `"text"`
    Text(Template),
    /// `name`
    Reference(Reference),
    /// `a = b`
    Compare(Box<Self>, RelOp, Box<Self>),
    /// `a & b`
    And(Vec<Self>),
    /// `a | b`
    Or(Vec<Self>),
    /// `!a`
    Not(Box<Self>),
    /// `?a`
    Defined(Box<Self>),
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it needs a variable that has no value.
    Undefined,
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
}

impl Outcome {
    /// Its truth value, if it has one.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Undefined => None,
            Self::Bool(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Undefined => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Text(text) => Some(text),
        }
    }

    fn of(truth: Option<bool>) -> Self {
        truth.map_or(Self::Undefined, Self::Bool)
    }
}

impl Filter {
    /// The filter that is always true, as an absent one is.
    pub const TRUE: Self = Self::Bool(true);

    /// What it comes to in `scope`.
    #[must_use]
    pub fn evaluate(&self, scope: &dyn Scope) -> Outcome {
        match self {
            Self::Bool(value) => Outcome::Bool(*value),
            Self::Text(template) => Outcome::Text(template.expand(scope)),
            Self::Reference(reference) => match reference.resolve(scope) {
                None => Outcome::Undefined,
                Some(Value::Bool(value)) => Outcome::Bool(value),
                Some(value) => Outcome::Text(value.to_text()),
            },
            Self::Compare(left, operator, right) => match (left.evaluate(scope).text(), right.evaluate(scope).text()) {
                (Some(left), Some(right)) => Outcome::Bool(operator.admits(version::compare(&left, &right))),
                _ => Outcome::Undefined,
            },
            Self::And(parts) => fold(parts, scope, false),
            Self::Or(parts) => fold(parts, scope, true),
            Self::Not(operand) => Outcome::of(operand.evaluate(scope).truth().map(|value| !value)),
            Self::Defined(operand) => Outcome::Bool(operand.evaluate(scope) != Outcome::Undefined),
        }
    }

    /// Whether what it guards is there.
    #[must_use]
    pub fn holds(&self, scope: &dyn Scope) -> bool {
        self.evaluate(&Decided(scope)).truth() == Some(true)
    }

    /// The variables it uses, each as often as it is used.
    #[must_use]
    pub fn variables(&self) -> Vec<&Variable> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Variable>) {
        match self {
            Self::Bool(_) => {}
            Self::Text(template) => found.extend(template.variables()),
            Self::Reference(reference) => found.extend(reference.variables()),
            Self::Compare(left, _, right) => {
                left.collect(found);
                right.collect(found);
            }
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect(found)),
            Self::Not(operand) | Self::Defined(operand) => operand.collect(found),
        }
    }
}

/// `&` (absorbing false) or `|` (absorbing true) from left to right.
fn fold(parts: &[Filter], scope: &dyn Scope, absorbing: bool) -> Outcome {
    let mut outcomes = parts.iter().map(|part| part.evaluate(scope));
    let Some(first) = outcomes.next() else { return Outcome::Bool(!absorbing) };
    outcomes.fold(first, |left, right| {
        if left == Outcome::Bool(absorbing) || right == Outcome::Bool(absorbing) {
            return Outcome::Bool(absorbing);
        }
        Outcome::of(left.truth().zip(right.truth()).map(
            |(left, right)| {
                if absorbing { left || right } else { left && right }
            },
        ))
    })
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn joined(f: &mut fmt::Formatter<'_>, parts: &[Filter], operator: &str) -> fmt::Result {
            f.write_str("(")?;
            for (position, part) in parts.iter().enumerate() {
                if position > 0 {
                    write!(f, " {operator} ")?;
                }
                write!(f, "{part}")?;
            }
            f.write_str(")")
        }
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(template) => write!(f, "{:?}", template.to_string()),
            Self::Reference(reference) => write!(f, "{reference}"),
            Self::Compare(left, operator, right) => write!(f, "{left} {} {right}", operator.symbol()),
            Self::And(parts) => joined(f, parts, "&"),
            Self::Or(parts) => joined(f, parts, "|"),
            Self::Not(operand) => write!(f, "!{operand}"),
            Self::Defined(operand) => write!(f, "?{operand}"),
        }
    }
}
