//! What can be wrong in a text, and where.
//!
//! Not here: sentences for users with the file's name and a picture of the line; those are made of these facts.

use std::fmt;

use crate::checksum::ChecksumError;
use crate::name::NameError;
use crate::version::VersionError;

/// A range of bytes of the text it was found in: `start` is in, `end` is out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The range from `start` to `end`; offsets beyond 4 GiB are cut.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: offset(start), end: offset(end) }
    }

    /// The smallest range with both in it.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A place as people count: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column, in characters (bytes that are no UTF-8 count one each).
    pub column: usize,
}

/// Where byte `offset` of `text` is; an offset past the end is the end.
#[must_use]
pub fn line_column(text: &[u8], offset: u32) -> LineColumn {
    let end = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    let before = text.get(..end).unwrap_or_default();
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
    LineColumn { line, column }
}

/// One thing wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where.
    pub span: Span,
    /// What.
    pub fault: Fault,
}

impl Error {
    pub(crate) fn new(span: Span, fault: Fault) -> Self {
        Self { span, fault }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.fault)
    }
}

/// The ways in which a text can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that start no token.
    #[error("`{0}` means nothing here")]
    Character(String),
    /// A string without its closing quote.
    #[error("this string is not closed")]
    UnclosedString,
    /// A comment without its `*)`.
    #[error("this comment is not closed")]
    UnclosedComment,
    /// A backslash before something that cannot follow it.
    #[error("no such escape in a string")]
    Escape,
    /// A string's bytes are not UTF-8; the value has replacement characters.
    #[error("this string is not UTF-8")]
    NotUtf8,
    /// A number beyond 64 bits.
    #[error("this number is too large")]
    Number,
    /// Something else was needed.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: &'static str,
    },
    /// Parentheses, brackets or prefixes inside each other beyond the limit.
    #[error("nested more than {} deep", crate::syntax::MAX_DEPTH)]
    Depth,
    /// The field is there twice; the first one counts.
    #[error("field `{0}` is there more than once")]
    Twice(String),
    /// The field cannot have a value of this form.
    #[error("`{field}` needs {expected}")]
    Value {
        /// The field.
        field: String,
        /// What its value may be.
        expected: &'static str,
    },
    /// A field or section that does not belong where it is, in a text in which there may be no others.
    #[error("`{0}` is not known here")]
    Unknown(String),
    /// A section has no field that it must have.
    #[error("`{section}` has no `{field}`")]
    Missing {
        /// The section.
        section: String,
        /// The absent field.
        field: &'static str,
    },
    /// A package's name that cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A version that cannot be one.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A checksum that cannot be one.
    #[error(transparent)]
    Checksum(#[from] ChecksumError),
}
