//! What is written in a file of opam's format: fields and sections, values, and where each of them stands.
//!
//! Specification: opam's manual, "Common file format"; where that is silent, opam-file-format's lexer and grammar. `&` binds
//! tighter than `|`, a `{…}` after a value tighter than both, and comparisons stand between single atoms. `=` is always a
//! comparison here: in `setenv` it is the field's meaning that makes it an assignment.
//!
//! [`parse`] takes any bytes, ends in linear time, never panics, and reports all it finds: after an error it goes on at
//! the next field. Chains of `&` and `|` are flat, so no value is deeper than [`MAX_DEPTH`] allows.
//!
//! Not here: what fields mean ([`crate::package`]).

mod lexer;
mod parser;
mod print;
#[cfg(test)]
mod tests;

use crate::error::{Error, Span};

/// How deep values may nest. No real file comes near it, and the stack holds it.
pub const MAX_DEPTH: usize = 100;

/// A file: its fields and sections in the order they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// The fields and sections.
    pub items: Vec<Item>,
}

/// One entry of a file or section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `name: value`
    Field(Field),
    /// `kind { … }` or `kind "name" { … }`
    Section(Section),
}

/// `name: value`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// From the name's first byte to the value's last.
    pub span: Span,
}

/// `kind { … }` or `kind "name" { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is, `url` for one.
    pub kind: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What is in it.
    pub items: Vec<Item>,
    /// From the kind's first byte to the closing brace.
    pub span: Span,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// Where it is.
    pub span: Span,
}

/// The forms of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind {
    /// `true`, `false`
    Bool(bool),
    /// `12`, `-3`
    Int(i64),
    /// `"text"`, `"""text"""`, with its escapes resolved and its `%{…}%` not.
    String(String),
    /// `name`, `pkg:name`, `a+b:name`, `_:name`
    Ident(String),
    /// `[a b]`
    List(Vec<Value>),
    /// `(a b)`
    Group(Vec<Value>),
    /// `value {a b}`
    Option(Box<Value>, Vec<Value>),
    /// `a = b`; both are atoms.
    Relation(Box<Value>, RelOp, Box<Value>),
    /// `>= a`; an atom.
    PrefixRelation(RelOp, Box<Value>),
    /// `a += b`; both are atoms. `a = b` is a [`ValueKind::Relation`].
    Update(Box<Value>, EnvOp, Box<Value>),
    /// `a & b & c`; at least two.
    And(Vec<Value>),
    /// `a | b | c`; at least two.
    Or(Vec<Value>),
    /// `!a`
    Not(Box<Value>),
    /// `?a`
    Defined(Box<Value>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RelOp {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `>=`, and `~` as older files write it.
    Ge,
    /// `>`
    Gt,
    /// `<=`
    Le,
    /// `<`
    Lt,
}

/// How a variable of the environment changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EnvOp {
    /// `=`: replaced.
    Set,
    /// `+=`: put before, without an empty part when it was unset or empty.
    Prepend,
    /// `=+`: put after, likewise.
    Append,
    /// `=+=`: takes the place of an earlier value of the same origin, else is put before.
    Replace,
    /// `:=`: put before, leaving an empty part when it was unset or empty.
    PrependColon,
    /// `=:`: put after, likewise.
    AppendColon,
}

impl RelOp {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Ge => ">=",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Lt => "<",
        }
    }

    /// Whether it holds of two things that compare as `ordering`.
    #[must_use]
    pub fn admits(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Ge => ordering.is_ge(),
            Self::Gt => ordering.is_gt(),
            Self::Le => ordering.is_le(),
            Self::Lt => ordering.is_lt(),
        }
    }

    /// The one that holds exactly when this does not.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Ge => Self::Lt,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::Lt => Self::Ge,
        }
    }
}

impl EnvOp {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Set => "=",
            Self::Prepend => "+=",
            Self::Append => "=+",
            Self::Replace => "=+=",
            Self::PrependColon => ":=",
            Self::AppendColon => "=:",
        }
    }
}

/// The fields and sections in `text`, and everything that is wrong with it.
#[must_use]
pub fn parse(text: &[u8]) -> (File, Vec<Error>) {
    parser::parse(text)
}

impl File {
    /// The same file with every place forgotten, to compare what is written and not where.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        self.items.iter_mut().for_each(Item::forget_span);
        self
    }
}

impl Item {
    fn forget_span(&mut self) {
        match self {
            Self::Field(field) => {
                field.span = Span::default();
                field.value.forget_span();
            }
            Self::Section(section) => {
                section.span = Span::default();
                section.items.iter_mut().for_each(Self::forget_span);
            }
        }
    }
}

impl Value {
    fn forget_span(&mut self) {
        self.span = Span::default();
        match &mut self.kind {
            ValueKind::Bool(_) | ValueKind::Int(_) | ValueKind::String(_) | ValueKind::Ident(_) => {}
            ValueKind::List(values) | ValueKind::Group(values) | ValueKind::And(values) | ValueKind::Or(values) => {
                values.iter_mut().for_each(Self::forget_span);
            }
            ValueKind::Option(value, options) => {
                value.forget_span();
                options.iter_mut().for_each(Self::forget_span);
            }
            ValueKind::Relation(left, _, right) | ValueKind::Update(left, _, right) => {
                left.forget_span();
                right.forget_span();
            }
            ValueKind::PrefixRelation(_, value) | ValueKind::Not(value) | ValueKind::Defined(value) => {
                value.forget_span();
            }
        }
    }
}
