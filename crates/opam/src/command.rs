//! Commands of packages and what they come to. Not here: running them.

use crate::filter::{Filter, Reader, Scope, Value, elements};
use crate::syntax::{Value as Written, ValueKind};
use crate::template::Template;
use crate::variable::{Reference, Variable};

/// `["make" "-j" jobs] {os != "win32"}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub args: Vec<Arg>,
    /// When it is run at all; none is always.
    pub filter: Option<Filter>,
}

/// One element of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// What it is.
    pub kind: ArgKind,
    /// When it is there at all; none is always.
    pub filter: Option<Filter>,
}

/// The forms of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgKind {
    /// `"text"`
    Text(Template),
    /// `jobs`: a list is as many arguments, something undefined is one empty argument.
    Variable(Reference),
}

impl Command {
    /// The program and its arguments in `scope`; nothing if its filter does not hold or nothing is left of it.
    #[must_use]
    pub fn eval(&self, scope: &dyn Scope) -> Option<Vec<String>> {
        if !holds(self.filter.as_ref(), scope) {
            return None;
        }
        let args: Vec<_> = self.args.iter().flat_map(|arg| arg.eval(scope)).collect();
        (!args.is_empty()).then_some(args)
    }

    /// The variables it uses, each as often as it is used.
    #[must_use]
    pub fn variables(&self) -> Vec<&Variable> {
        let filters = self.args.iter().map(|arg| &arg.filter).chain([&self.filter]);
        let mut found: Vec<_> = filters.flatten().flat_map(Filter::variables).collect();
        for arg in &self.args {
            match &arg.kind {
                ArgKind::Text(template) => found.extend(template.variables()),
                ArgKind::Variable(reference) => found.extend(reference.variables()),
            }
        }
        found
    }

    /// The commands in a field: one, or a list of them.
    pub(crate) fn read_all(reader: &mut Reader<'_>, value: &Written) -> Vec<Self> {
        let is_command = |value: &Written| match &value.kind {
            ValueKind::List(_) => true,
            ValueKind::Option(inner, _) => matches!(inner.kind, ValueKind::List(_)),
            _ => false,
        };
        match &value.kind {
            ValueKind::List(values) if values.iter().all(is_command) => {
                values.iter().map(|value| Self::read(reader, value)).collect()
            }
            _ => vec![Self::read(reader, value)],
        }
    }

    fn read(reader: &mut Reader<'_>, value: &Written) -> Self {
        // `"make" {filter}` is one command with a filtered argument, `["make"] {filter}` a filtered command: alike.
        let (value, filter) = reader.filtered(value);
        Self { args: elements(value).iter().filter_map(|value| Arg::read(reader, value)).collect(), filter }
    }
}

impl Arg {
    fn eval(&self, scope: &dyn Scope) -> Vec<String> {
        if !holds(self.filter.as_ref(), scope) {
            return Vec::new();
        }
        match &self.kind {
            ArgKind::Text(template) => vec![template.expand(scope)],
            ArgKind::Variable(reference) => match reference.resolve(scope) {
                None => vec![String::new()],
                Some(Value::List(texts)) => texts,
                Some(value) => vec![value.to_text()],
            },
        }
    }

    fn read(reader: &mut Reader<'_>, value: &Written) -> Option<Self> {
        let (value, filter) = reader.filtered(value);
        let kind = match &value.kind {
            ValueKind::String(text) => ArgKind::Text(Template::parse(text)),
            ValueKind::Ident(name) => ArgKind::Variable(reader.reference(value, name)?),
            _ => return reader.wrong(value, "strings and variables as arguments"),
        };
        Some(Self { kind, filter })
    }
}

fn holds(filter: Option<&Filter>, scope: &dyn Scope) -> bool {
    filter.is_none_or(|filter| filter.holds(scope))
}
