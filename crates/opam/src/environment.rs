//! Changes of an environment, as `setenv` and `build-env` write them, and their effect. Not here: any process's environment.

use std::collections::BTreeMap;

use crate::filter::{Reader, Scope, elements};
use crate::syntax::{EnvOp, RelOp, Value, ValueKind};
use crate::template::Template;

/// `PATH += "%{bin}%"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvUpdate {
    /// The variable.
    pub variable: String,
    /// How it changes.
    pub operator: EnvOp,
    /// By what.
    pub value: Template,
}

impl EnvUpdate {
    /// Changes `environment` as this says, with `:` between parts: the build machine is no Windows.
    pub fn apply(&self, scope: &dyn Scope, environment: &mut BTreeMap<String, String>) {
        let value = self.value.expand(scope);
        let old = environment.get(&self.variable).map_or("", String::as_str);
        let new = match self.operator {
            EnvOp::Set => value,
            EnvOp::Prepend | EnvOp::Append | EnvOp::Replace if old.is_empty() => value,
            EnvOp::Prepend | EnvOp::Replace | EnvOp::PrependColon => format!("{value}:{old}"),
            EnvOp::Append | EnvOp::AppendColon => format!("{old}:{value}"),
        };
        environment.insert(self.variable.clone(), new);
    }

    /// The updates in a field: one, a list of them, or a list of such lists.
    pub(crate) fn read_all(reader: &mut Reader<'_>, value: &Value) -> Vec<Self> {
        elements(value).iter().flat_map(elements).filter_map(|value| Self::read(reader, value)).collect()
    }

    fn read(reader: &mut Reader<'_>, value: &Value) -> Option<Self> {
        let (left, operator, right) = match &value.kind {
            ValueKind::Relation(left, RelOp::Eq, right) => (left, EnvOp::Set, right),
            ValueKind::Update(left, operator, right) => (left, *operator, right),
            _ => return reader.wrong(value, "updates such as `PATH += \"…\"`"),
        };
        let (ValueKind::Ident(variable) | ValueKind::String(variable)) = &left.kind else {
            return reader.wrong(left, "the name of an environment variable");
        };
        let text = reader.string(right)?;
        Some(Self { variable: variable.clone(), operator, value: Template::parse(text) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Value as Defined;
    use crate::variable::Variable;

    #[test]
    fn every_operator_on_unset_empty_and_set() {
        let table = [
            (EnvOp::Set, ["/x/lib", "/x/lib", "/x/lib"]),
            (EnvOp::Prepend, ["/x/lib", "/x/lib", "/x/lib:a:b"]),
            (EnvOp::Append, ["/x/lib", "/x/lib", "a:b:/x/lib"]),
            (EnvOp::Replace, ["/x/lib", "/x/lib", "/x/lib:a:b"]),
            (EnvOp::PrependColon, ["/x/lib:", "/x/lib:", "/x/lib:a:b"]),
            (EnvOp::AppendColon, [":/x/lib", ":/x/lib", "a:b:/x/lib"]),
        ];
        let scope = |variable: &Variable| (variable.to_string() == "prefix").then(|| Defined::from("/x"));
        for (operator, expected) in table {
            let update = EnvUpdate { variable: "V".into(), operator, value: Template::parse("%{prefix}%/lib") };
            for (old, expected) in [None, Some(""), Some("a:b")].into_iter().zip(expected) {
                let mut environment = BTreeMap::new();
                environment.extend(old.map(|old| ("V".to_owned(), old.to_owned())));
                update.apply(&scope, &mut environment);
                assert_eq!(environment["V"], expected, "{operator:?} on {old:?}");
            }
        }
    }
}
