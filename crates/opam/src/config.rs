//! `NAME.config` files: variables that an installed package gives to others. Not here: where such a file is.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::filter::{Reader, Value, elements};
use crate::syntax::{self, Item, ValueKind};

/// A `.config` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// What `NAME:variable` is.
    pub variables: BTreeMap<String, Value>,
}

impl Config {
    /// What is in `text`, and what is wrong with it.
    #[must_use]
    pub fn parse(text: &[u8]) -> (Self, Vec<Error>) {
        let (file, mut errors) = syntax::parse(text);
        let mut config = Self::default();
        for item in &file.items {
            let Item::Section(section) = item else { continue };
            if section.kind != "variables" {
                continue;
            }
            for item in &section.items {
                let Item::Field(field) = item else { continue };
                if let Some(value) = read(&mut Reader::new(&field.name, &mut errors), &field.value) {
                    config.variables.insert(field.name.clone(), value);
                }
            }
        }
        (config, errors)
    }
}

fn read(reader: &mut Reader<'_>, value: &syntax::Value) -> Option<Value> {
    match &value.kind {
        ValueKind::Bool(truth) => Some(Value::Bool(*truth)),
        ValueKind::String(text) => Some(Value::String(text.clone())),
        ValueKind::List(_) => {
            let texts: Option<_> =
                elements(value).iter().map(|value| reader.string(value).map(str::to_owned)).collect();
            texts.map(Value::List)
        }
        _ => reader.wrong(value, "a truth value, a string or a list of strings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_every_kind() {
        let text = b"opam-version: \"2.0\"\nfile-depends: [\"/usr/bin/ocaml\" \"md5=0\"]\nvariables {\n native: true\n\
            version: \"5.3.0\"\n flags: [\"-a\" \"-b\"]\n bad: 3 }\n";
        let (config, errors) = Config::parse(text);
        let expected = [
            ("native", Value::Bool(true)),
            ("version", Value::from("5.3.0")),
            ("flags", Value::List(vec!["-a".into(), "-b".into()])),
        ];
        assert_eq!(config.variables, expected.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(errors.len(), 1);
    }
}
