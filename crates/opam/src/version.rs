//! Versions and their order. Not here: which versions exist, and formulas over them ([`crate::formula`]).
//!
//! # Specification
//! opam's order is Debian's with one change. A version is split at its *last* `-`; the parts before are compared, then
//! the parts after (absent counts as empty). A part is read as runs without digits and runs of digits in turns. In a run
//! without digits `~` is before everything, even the end; then the end; then letters; then all else, by byte. Runs of
//! digits compare as numbers of any length; an absent one is 0.
//!
//! So texts that differ can be equal in order, as `1.0`, `1.00` and `1.0-0` are. [`Version::order`] is opam's order and what
//! constraints are about. `Eq`, `Hash` and `Ord` are of the text (opam's order first, bytes where that is equal), so maps keep
//! apart what a repository keeps apart, and `Ord` agrees with `Eq`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A version. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version: letters, digits, and `-`, `_`, `+`, `.`, `~`")]
pub struct VersionError(pub String);

impl Version {
    /// The version, if `text` is a possible one.
    ///
    /// # Errors
    /// It is not.
    pub fn new(text: &str) -> Result<Self, VersionError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+.~".contains(&byte);
        if !text.is_empty() && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(VersionError(text.to_owned()))
        }
    }

    /// The version's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// opam's order, in which different texts can be equal; constraints are evaluated by it.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other).then_with(|| self.0.cmp(&other.0))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::new(text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// opam's order of any two texts; filters compare all values by it, numbers too.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    fn split(text: &str) -> (&[u8], &[u8]) {
        let bytes = text.as_bytes();
        let at = bytes.iter().rposition(|&byte| byte == b'-').unwrap_or(bytes.len());
        (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default())
    }
    if left == right {
        return Ordering::Equal;
    }
    let ((left_main, left_last), (right_main, right_last)) = (split(left), split(right));
    compare_part(left_main, right_main).then_with(|| compare_part(left_last, right_last))
}

/// The longest prefix of which every byte `is`, and what follows it.
fn span(bytes: &[u8], is: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = bytes.iter().take_while(|byte| is(**byte)).count();
    bytes.split_at(length)
}

fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !(left.is_empty() && right.is_empty()) {
        let (left_text, left_rest) = span(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = span(right, |byte| !byte.is_ascii_digit());
        let text = compare_text(left_text, right_text);
        let (left_number, left_rest) = span(left_rest, |byte| byte.is_ascii_digit());
        let (right_number, right_rest) = span(right_rest, |byte| byte.is_ascii_digit());
        let order = text.then_with(|| compare_number(left_number, right_number));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    /// `~`, the end, letters, all else.
    fn rank(byte: Option<&u8>) -> (u8, u8) {
        match byte {
            Some(b'~') => (0, 0),
            None => (1, 0),
            Some(byte) if byte.is_ascii_alphabetic() => (2, *byte),
            Some(byte) => (3, *byte),
        }
    }
    let longest = left.len().max(right.len());
    (0..longest)
        .map(|at| rank(left.get(at)).cmp(&rank(right.get(at))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_number(left: &[u8], right: &[u8]) -> Ordering {
    let (_, left) = span(left, |byte| byte == b'0');
    let (_, right) = span(right, |byte| byte == b'0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests;
