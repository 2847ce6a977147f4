//! Why an archive was not unpacked.
//!
//! Inside the module a [`Fault`] is raised where it is found out; the archive's name joins it at the top. Not here: advice.

use std::io;
use std::path::{Path, PathBuf};

use action::path::{PathError, RelPath};

/// An archive that was not unpacked.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {cause}", archive.display(), member.as_ref().map(|member| format!(", member `{member}`")).unwrap_or_default())]
pub struct UnpackError {
    /// The archive.
    pub archive: PathBuf,
    /// The member it is about, as the archive spells it or by the path it would get; none if it is about the archive.
    pub member: Option<String>,
    /// What is the matter.
    #[source]
    pub cause: Cause,
}

/// What is the matter with an archive or a member.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The first bytes are of no known format, or what was compressed is no tar.
    #[error("neither a tar, plain or compressed, nor a zip, nor a Debian package")]
    Format,
    /// The archive breaks its format's rules, or ends too early.
    #[error("corrupt or cut short: {0}")]
    Corrupt(io::Error),
    /// A feature that is deliberately not supported.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The member's name is absolute, goes upwards, has a NUL, is no UTF-8, or has too long a component.
    #[error(transparent)]
    Name(#[from] PathError),
    /// The path is longer or deeper than any honest one.
    #[error("path too long")]
    TooLong,
    /// Neither a file nor a directory nor a link.
    #[error("a {0} is not allowed")]
    Special(&'static str),
    /// A symbolic link's target is absolute, empty, no UTF-8 or has a NUL.
    #[error("symbolic link to `{0}`: its target is not a relative path")]
    Target(String),
    /// A symbolic link leads out of the directory, perhaps by way of other links.
    #[error("symbolic link to `{0}` leads out of the archive")]
    Escape(String),
    /// The member would be written through a symbolic link of the archive.
    #[error("would be written through the symbolic link `{0}`")]
    Through(RelPath),
    /// A hard link to what is no file written before it.
    #[error("hard link to `{0}`, which is no file before it that was chosen")]
    HardLink(String),
    /// A file and a directory, or two members of a zip, want the same name.
    #[error("`{0}` is there already")]
    Conflict(RelPath),
    /// More bytes than allowed.
    #[error("holds more than the allowed {0} bytes")]
    Bytes(u64),
    /// More members than allowed.
    #[error("holds more than the allowed {0} members")]
    Members(u64),
    /// The directory to unpack into has something in it.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A cause, and the member it is about if that is known yet.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) member: Option<String>,
    pub(super) cause: Cause,
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Self { member: None, cause }
    }
}

impl From<PathError> for Fault {
    fn from(error: PathError) -> Self {
        Cause::Name(error).into()
    }
}

impl Fault {
    /// Says which member a cause is about.
    pub(super) fn of(member: &[u8]) -> impl FnOnce(Cause) -> Self {
        move |cause| Self { member: Some(shown(member)), cause }
    }
}

/// A member's name for people: readable, and of bounded length.
pub(super) fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = String::from_utf8_lossy(name);
    if text.chars().count() <= LONGEST {
        text.into_owned()
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}

/// Puts a path to an error of the operating system.
pub(super) fn at<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> Cause {
    move |error| Cause::Io { path: path.to_owned(), source: error.into() }
}

/// What a decoder had to say.
pub(super) fn corrupt(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Cause {
    Cause::Corrupt(io::Error::new(io::ErrorKind::InvalidData, what))
}
