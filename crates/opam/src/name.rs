//! Names of packages. Not here: which packages exist.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A package's name: ASCII letters, digits, `_`, `-` and `+`, with at least one letter. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(Arc<str>);

/// A text that is no package's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no package name: letters, digits, `_`, `-` and `+`, and at least one letter")]
pub struct NameError(pub String);

impl PackageName {
    /// The name, if `text` is a possible one.
    ///
    /// # Errors
    /// It is not.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
        if text.bytes().all(allowed) && text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            Ok(Self(text.into()))
        } else {
            Err(NameError(text.to_owned()))
        }
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for PackageName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_name() {
        for good in ["a", "ocaml-base-compiler", "0install", "conf-g++", "ppx_deriving", "A"] {
            assert_eq!(PackageName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "_", "1", "a.b", "a b", "a:b", "é", "../x"] {
            assert_eq!(PackageName::new(bad), Err(NameError(bad.to_owned())));
        }
    }
}
