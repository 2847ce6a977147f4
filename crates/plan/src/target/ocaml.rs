//! What OCaml knows of a CPU: names and native back ends, as its `configure.ac` and `Changes` say.
//!
//! Not here: how a compiler is built.

use std::fmt;
use std::str::FromStr;

/// A released version of OCaml, such as 5.3.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OcamlVersion {
    /// 5 in 5.3.0.
    pub major: u16,
    /// 3 in 5.3.0.
    pub minor: u16,
    /// 0 in 5.3.0.
    pub patch: u16,
}

/// A text that is not a released version of OCaml.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of OCaml of the form 5.3.0")]
pub struct OcamlVersionError(pub String);

/// OCaml's native-code back end for a CPU.
#[derive(Debug, PartialEq, Eq)]
pub struct Backend {
    /// `architecture` in `ocamlopt -config`, and the directory below `asmcomp`.
    pub arch: &'static str,
    /// `model` in `ocamlopt -config`.
    pub model: &'static str,
    /// The releases that have it: from the first, and up to but without the second. Ascending.
    pub releases: &'static [(OcamlVersion, Option<OcamlVersion>)],
}

impl OcamlVersion {
    /// A version by its three numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl Backend {
    /// Whether `version` compiles to native code for this CPU.
    #[must_use]
    pub fn is_in(&self, version: OcamlVersion) -> bool {
        self.releases.iter().any(|(from, until)| *from <= version && until.is_none_or(|until| version < until))
    }
}

impl fmt::Display for OcamlVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for OcamlVersion {
    type Err = OcamlVersionError;

    fn from_str(text: &str) -> Result<Self, OcamlVersionError> {
        let number = |part: Option<&str>| part.and_then(decimal);
        let mut parts = text.split('.');
        match (number(parts.next()), number(parts.next()), number(parts.next()), parts.next()) {
            (Some(major), Some(minor), Some(patch), None) => Ok(Self { major, minor, patch }),
            _ => Err(OcamlVersionError(text.to_owned())),
        }
    }
}

/// A decimal number without sign; leading zeros as OCaml writes them (`4.02.3`).
pub(super) fn decimal(text: &str) -> Option<u16> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_and_print() {
        for text in ["5.3.0", "4.14.2", "5.10.11"] {
            assert_eq!(text.parse::<OcamlVersion>().unwrap().to_string(), text);
        }
        for text in ["", "5", "5.3", "5.3.0.1", "5.3.+1", "5.3.0~rc1", "5.3.99999", " 5.3.0"] {
            assert_eq!(text.parse::<OcamlVersion>(), Err(OcamlVersionError(text.to_owned())));
        }
    }

    #[test]
    fn back_ends_come_and_go() {
        const RELEASES: &[(OcamlVersion, Option<OcamlVersion>)] =
            &[(OcamlVersion::new(4, 11, 0), Some(OcamlVersion::new(5, 0, 0))), (OcamlVersion::new(5, 1, 0), None)];
        let backend = Backend { arch: "x", model: "default", releases: RELEASES };
        let native: Vec<_> = [(4, 10, 2), (4, 11, 0), (4, 14, 2), (5, 0, 0), (5, 1, 0), (6, 0, 0)]
            .map(|(major, minor, patch)| backend.is_in(OcamlVersion::new(major, minor, patch)))
            .into();
        assert_eq!(native, [false, true, true, false, true, true]);
    }
}
