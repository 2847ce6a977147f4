//! What is wrong with a file, and where.

use std::ops::Range;

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file, as it was named to [`World`](crate::evaluate::World).
    pub file: String,
    /// Bytes of the file.
    pub span: Range<usize>,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An argument in quotes or brackets does not end.
    #[error("this does not end")]
    Unterminated,
    /// Something else than a command stands where one begins.
    #[error("expected a command such as `set(…)`")]
    NotACommand,
    /// A command's arguments do not end, or a parenthesis closes nothing.
    #[error("unbalanced parenthesis")]
    Parenthesis,
    /// `if()` without `endif()`, or the other way round.
    #[error("`{0}` without its other half")]
    Unbalanced(String),
    /// `${` without `}`.
    #[error("a reference to a variable does not end")]
    Reference,
    /// Something of the language that is not evaluated here; CMake itself would have to be asked.
    #[error("`{0}` needs CMake itself")]
    Beyond(String),
    /// A generator expression that is not evaluated here, nor by CMake before it generates.
    #[error("the generator expression `{0}` is not understood")]
    Generator(String),
    /// The file refuses to go on.
    #[error("the file says: {0}")]
    Fatal(String),
    /// An included file that is not there.
    #[error("there is no file {0}")]
    Absent(String),
    /// References in references, or parentheses in parentheses.
    #[error("this is nested too deeply")]
    Nested,
    /// Files that include each other.
    #[error("files include each other too deeply")]
    TooDeep,
}

/// Line and column of a byte, both from 1; columns are characters.
#[must_use]
pub fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}
