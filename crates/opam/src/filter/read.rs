//! Values to filters, and the reader of fields that all readers here share. Not here: which fields there are.

use super::Filter;
use crate::error::{Error, Fault};
use crate::syntax::{Value, ValueKind};
use crate::template::Template;
use crate::variable::Reference;

/// Reads a field's value and notes what is wrong with it.
pub(crate) struct Reader<'e> {
    field: String,
    errors: &'e mut Vec<Error>,
}

impl<'e> Reader<'e> {
    /// A reader of `field`'s value that adds to `errors`.
    pub(crate) fn new(field: &str, errors: &'e mut Vec<Error>) -> Self {
        Self { field: field.to_owned(), errors }
    }

    pub(crate) fn fault(&mut self, value: &Value, fault: Fault) {
        self.errors.push(Error::new(value.span, fault));
    }

    /// Notes that `value` should have been `expected`.
    pub(crate) fn wrong<T>(&mut self, value: &Value, expected: &'static str) -> Option<T> {
        let field = self.field.clone();
        self.fault(value, Fault::Value { field, expected });
        None
    }

    /// The result of reading `value` as something that has an error type.
    pub(crate) fn noting<T, E: Into<Fault>>(&mut self, value: &Value, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.fault(value, error.into())).ok()
    }

    pub(crate) fn string<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        match &value.kind {
            ValueKind::String(text) => Some(text),
            _ => self.wrong(value, "a string"),
        }
    }

    /// One string, or a list of them.
    pub(crate) fn strings(&mut self, value: &Value) -> Vec<String> {
        let values = elements(value);
        values.iter().filter_map(|value| self.string(value)).map(str::to_owned).collect()
    }

    /// `value {filter}`, or a value without one.
    pub(crate) fn filtered<'v>(&mut self, value: &'v Value) -> (&'v Value, Option<Filter>) {
        match &value.kind {
            ValueKind::Option(value, options) => {
                let (value, inner) = self.filtered(value);
                let filter = self.conjunction(options);
                (value, Some(inner.map_or(filter.clone(), |inner| Filter::And(vec![inner, filter]))))
            }
            _ => (value, None),
        }
    }

    /// All of `values`.
    pub(crate) fn conjunction(&mut self, values: &[Value]) -> Filter {
        match values {
            [] => Filter::TRUE,
            [value] => self.filter(value),
            values => Filter::And(values.iter().map(|value| self.filter(value)).collect()),
        }
    }

    /// The filter that `value` is; what is no filter counts as false, so nothing is done by mistake.
    pub(crate) fn filter(&mut self, value: &Value) -> Filter {
        match &value.kind {
            ValueKind::Bool(value) => Filter::Bool(*value),
            ValueKind::Int(number) => Filter::Text(Template::parse(&number.to_string())),
            ValueKind::String(text) => Filter::Text(Template::parse(text)),
            ValueKind::Ident(name) => self.reference(value, name).map_or(Filter::Bool(false), Filter::Reference),
            ValueKind::Group(values) => self.conjunction(values),
            ValueKind::Relation(left, operator, right) => {
                Filter::Compare(Box::new(self.filter(left)), *operator, Box::new(self.filter(right)))
            }
            ValueKind::And(parts) => Filter::And(parts.iter().map(|part| self.filter(part)).collect()),
            ValueKind::Or(parts) => Filter::Or(parts.iter().map(|part| self.filter(part)).collect()),
            ValueKind::Not(operand) => Filter::Not(Box::new(self.filter(operand))),
            ValueKind::Defined(operand) => Filter::Defined(Box::new(self.filter(operand))),
            ValueKind::List(_) | ValueKind::Option(..) | ValueKind::PrefixRelation(..) | ValueKind::Update(..) => {
                self.wrong::<()>(value, "a filter");
                Filter::Bool(false)
            }
        }
    }

    pub(crate) fn reference(&mut self, value: &Value, name: &str) -> Option<Reference> {
        Reference::from_ident(name).or_else(|| self.wrong(value, "a variable of packages that can be"))
    }
}

/// The elements of a list; anything else is a list of one.
pub(crate) fn elements(value: &Value) -> &[Value] {
    match &value.kind {
        ValueKind::List(values) => values,
        _ => std::slice::from_ref(value),
    }
}
