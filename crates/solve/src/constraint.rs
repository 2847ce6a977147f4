//! Constraints on versions as text, in lock files and tables: `>= "1.0" & (< "2" | = "3")`, and `*` for no constraint.
//!
//! Versions have quotes as in opam files; `&` binds tighter than `|`. Not here: what a constraint means.

use std::fmt::Write;

use opam::formula::{Formula, VersionBound, VersionConstraint};
use opam::syntax::RelOp;
use opam::version::Version;

/// A text that is no constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no constraint on versions")]
pub struct ConstraintError(pub String);

/// As [`parse`] reads it.
#[must_use]
pub fn to_text(constraint: &VersionConstraint) -> String {
    let mut text = String::new();
    write(constraint, false, &mut text);
    text
}

fn write(constraint: &VersionConstraint, inner: bool, text: &mut String) {
    let (parts, join) = match constraint {
        Formula::True => return text.push('*'),
        Formula::False => return text.push('!'),
        Formula::Atom(bound) => {
            // Writing to a string cannot fail.
            let _ = write!(text, "{} \"{}\"", bound.operator.symbol(), bound.version);
            return;
        }
        Formula::And(parts) => (parts, " & "),
        Formula::Or(parts) => (parts, " | "),
    };
    text.push_str(if inner { "(" } else { "" });
    for (index, part) in parts.iter().enumerate() {
        text.push_str(if index > 0 { join } else { "" });
        write(part, true, text);
    }
    text.push_str(if inner { ")" } else { "" });
}

/// The constraint that `text` is.
///
/// # Errors
/// It is none.
pub fn parse(text: &str) -> Result<VersionConstraint, ConstraintError> {
    let mut reader = Reader { rest: text, depth: 0 };
    let found = reader.either().filter(|_| reader.rest.trim_start().is_empty());
    found.ok_or_else(|| ConstraintError(text.to_owned()))
}

/// Deeper parentheses are no constraint that anybody wrote.
const DEPTH: usize = 50;

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn either(&mut self) -> Option<VersionConstraint> {
        let mut parts = vec![self.both()?];
        while self.eat("|") {
            parts.push(self.both()?);
        }
        Some(Formula::or(parts))
    }

    fn both(&mut self) -> Option<VersionConstraint> {
        let mut parts = vec![self.one()?];
        while self.eat("&") {
            parts.push(self.one()?);
        }
        Some(Formula::and(parts))
    }

    fn one(&mut self) -> Option<VersionConstraint> {
        if self.eat("*") {
            return Some(Formula::True);
        }
        if self.eat("(") {
            self.depth += 1;
            let found = if self.depth < DEPTH { self.either() } else { None };
            self.depth -= 1;
            return found.filter(|_| self.eat(")"));
        }
        // Longer ones first: `>` begins `>=`, and `!` alone is what never holds.
        let operators = [RelOp::Ge, RelOp::Le, RelOp::Ne, RelOp::Gt, RelOp::Lt, RelOp::Eq];
        let Some(operator) = operators.into_iter().find(|operator| self.eat(operator.symbol())) else {
            return self.eat("!").then_some(Formula::False);
        };
        let (version, rest) = self.rest.trim_start().strip_prefix('"')?.split_once('"')?;
        self.rest = rest;
        Some(Formula::Atom(VersionBound { operator, version: Version::new(version).ok()? }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts() {
        for text in ["*", "!", ">= \"1\"", "= \"1\" | > \"2\" & < \"3~\"", "(= \"1\" | = \"2\") & != \"3\""] {
            let constraint = parse(text).unwrap();
            assert_eq!(parse(&to_text(&constraint)), Ok(constraint), "{text}");
        }
        assert_eq!(parse(" >=\"1\"&<\"2\" "), parse(">= \"1\" & < \"2\""));
        for bad in ["", "1", ">= 1", ">= \"\"", ">= \"1\" <", "(= \"1\"", "= \"a b\"", "= \"1\" = \"2\"", "&"] {
            assert_eq!(parse(bad), Err(ConstraintError(bad.to_owned())));
        }
        let deep = format!("{}*{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(parse(&deep).is_err());
    }

    fn constraints() -> impl Strategy<Value = VersionConstraint> {
        let operators = vec![RelOp::Ge, RelOp::Le, RelOp::Ne, RelOp::Gt, RelOp::Lt, RelOp::Eq];
        let bound = (proptest::sample::select(operators), "[a-z0-9.~+_-]{1,6}");
        let atom = bound.prop_map(|(operator, version)| {
            Formula::Atom(VersionBound { operator, version: Version::new(&version).unwrap() })
        });
        let leaf = prop_oneof![8 => atom, 1 => Just(Formula::True), 1 => Just(Formula::False)];
        leaf.prop_recursive(4, 20, 4, |inner| {
            let parts = proptest::collection::vec(inner, 1..4);
            prop_oneof![parts.clone().prop_map(Formula::and), parts.prop_map(Formula::or)]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(constraint in constraints()) {
            prop_assert_eq!(parse(&to_text(&constraint)), Ok(constraint));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[()&|<>=!* \"a1.]{0,40}") {
            let _ = parse(&text);
        }
    }
}
