//! Strings with `%{…}%` in them. Not here: strings' escapes, which [`crate::syntax`] resolves before.
//!
//! `%%` is `%`; `%{…}%` is a reference's value; a `%{` that its line does not close stands for itself, with the rest of the line.

use std::fmt;

use crate::filter::Scope;
use crate::variable::{Reference, Variable};

/// A text with references in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Piece {
    Text(String),
    Reference(Reference),
    /// What no variable can be called: undefined whatever the scope.
    Nothing(String),
}

impl Template {
    /// What `text` means; there is no wrong one.
    #[must_use]
    pub fn parse(mut text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        while let Some((before, after)) = text.split_once('%') {
            literal.push_str(before);
            if let Some(rest) = after.strip_prefix('%') {
                literal.push('%');
                text = rest;
                continue;
            }
            let Some(inside) = after.strip_prefix('{') else {
                literal.push('%');
                text = after;
                continue;
            };
            let line = inside.split('\n').next().unwrap_or_default();
            if let Some((reference, _)) = line.split_once("}%") {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                let parsed = Reference::from_interpolation(reference);
                pieces.push(parsed.map_or_else(|| Piece::Nothing(reference.to_owned()), Piece::Reference));
                text = inside.split_once("}%").map_or("", |(_, rest)| rest);
            } else {
                literal.push_str("%{");
                literal.push_str(line);
                text = inside.strip_prefix(line).unwrap_or_default();
            }
        }
        literal.push_str(text);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self { pieces }
    }

    /// The text of a template without references.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The variables it uses.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let references = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Text(_) | Piece::Nothing(_) => None,
        });
        references.flat_map(|reference| reference.variables().iter())
    }

    /// The text with every reference replaced; an undefined one by nothing, a list by its elements with blanks between.
    #[must_use]
    pub fn expand(&self, scope: &dyn Scope) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Reference(reference) => {
                    text.push_str(&reference.resolve(scope).map(|value| value.to_text()).unwrap_or_default());
                }
                Piece::Nothing(_) => {}
            }
        }
        text
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('%', "%%")),
            Piece::Reference(reference) => write!(f, "%{{{reference}}}%"),
            Piece::Nothing(text) => write!(f, "%{{{text}}}%"),
        })
    }
}
