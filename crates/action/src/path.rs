//! Relative paths that only go forward.
//!
//! # Specification
//! A [`Name`] is one path component: non-empty UTF-8 without `/` and NUL, neither `.` nor `..`, at most 255 bytes (the
//! limit of Linux file systems). A [`RelPath`] is zero or more names joined by `/`; the empty path is the directory it
//! is relative to. So such a path joined to a directory never leaves it, as long as no symbolic link is followed:
//! whoever writes files by these paths must not follow any.
//!
//! Not here: absolute paths and paths of the host, which are `std::path`'s.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// One component of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// A relative path without `.`, `..`, empty components or a leading `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Box<str>);

/// What is wrong with a path, and in which text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path `{path}` {fault}")]
pub struct PathError {
    /// The text that was to be a path.
    pub path: String,
    /// What is wrong with it.
    pub fault: PathFault,
}

/// The ways in which a path can be unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Starts with `/`.
    #[error("is absolute")]
    Absolute,
    /// Has an empty component, as in `a//b` or `a/`.
    #[error("has an empty component")]
    Empty,
    /// Has the component `.` or `..`.
    #[error("has a `.` or `..` component")]
    Dots,
    /// Has a NUL byte, or a `/` in a single name.
    #[error("has a character that no file name can have")]
    Character,
    /// A component is longer than 255 bytes.
    #[error("has a component longer than 255 bytes")]
    TooLong,
    /// The bytes are not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
}

fn fault_of_name(name: &str) -> Option<PathFault> {
    match name {
        "" => Some(PathFault::Empty),
        "." | ".." => Some(PathFault::Dots),
        _ if name.contains(['/', '\0']) => Some(PathFault::Character),
        _ if name.len() > 255 => Some(PathFault::TooLong),
        _ => None,
    }
}

fn error(path: &str, fault: PathFault) -> PathError {
    PathError { path: path.to_owned(), fault }
}

impl Name {
    /// A name, if `text` is a possible one.
    ///
    /// # Errors
    /// See [`PathFault`].
    pub fn new(text: &str) -> Result<Self, PathError> {
        fault_of_name(text).map_or_else(|| Ok(Self(text.into())), |fault| Err(error(text, fault)))
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RelPath {
    /// A path, if `text` is one in the sense of this module.
    ///
    /// # Errors
    /// See [`PathFault`].
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') {
            return Err(error(text, PathFault::Absolute));
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split('/').find_map(fault_of_name).map_or_else(|| Ok(Self(text.into())), |fault| Err(error(text, fault)))
    }

    /// The directory itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the empty path.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path's text; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, first to last.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = Name> + '_ {
        self.0.split('/').filter(|name| !name.is_empty()).map(|name| Name(name.into()))
    }

    /// `self` followed by one name.
    #[must_use]
    pub fn child(&self, name: &Name) -> Self {
        if self.is_root() { Self(name.0.clone()) } else { Self(format!("{}/{}", self.0, name.0).into()) }
    }

    /// `self` followed by `other`.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (self.is_root(), other.is_root()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => Self(format!("{}/{}", self.0, other.0).into()),
        }
    }

    /// The path without its last name, and that name; nothing for the root.
    #[must_use]
    pub fn split_last(&self) -> Option<(Self, Name)> {
        let name = self.names().next_back()?;
        let parent = self.0.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some((Self(parent.into()), name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl FromStr for Name {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl FromStr for RelPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<std::path::Path> for RelPath {
    fn as_ref(&self) -> &std::path::Path {
        std::path::Path::new(&*self.0)
    }
}

impl AsRef<std::path::Path> for Name {
    fn as_ref(&self) -> &std::path::Path {
        std::path::Path::new(&*self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn table() {
        use PathFault::{Absolute, Character, Dots, Empty, TooLong};
        let long = "x".repeat(256);
        for (text, fault) in [
            ("", None),
            ("a", None),
            ("a/b.c/..d", None),
            ("/a", Some(Absolute)),
            ("a/", Some(Empty)),
            ("a//b", Some(Empty)),
            ("..", Some(Dots)),
            ("a/../b", Some(Dots)),
            ("./a", Some(Dots)),
            ("a\0b", Some(Character)),
            (&long, Some(TooLong)),
        ] {
            assert_eq!(RelPath::new(text).err().map(|error| error.fault), fault, "{text:?}");
        }
        assert_eq!(Name::new("a/b").unwrap_err().fault, Character);
    }

    #[test]
    fn joins_and_splits() {
        let path = RelPath::new("a/b/c").unwrap();
        let (parent, name) = path.split_last().unwrap();
        assert_eq!((parent.as_str(), name.as_str()), ("a/b", "c"));
        assert_eq!(parent.child(&name), path);
        assert_eq!(RelPath::root().join(&path), path);
        assert_eq!(path.join(&RelPath::root()), path);
        assert_eq!(RelPath::root().split_last(), None);
        assert_eq!(RelPath::new("a").unwrap().split_last().unwrap().0, RelPath::root());
    }

    proptest! {
        /// The oracle is the standard library: an accepted path has normal components alone, spelt as given.
        #[test]
        fn only_goes_forward(text in r"[a.\/\x00é]{0,12}") {
            if let Ok(path) = RelPath::new(&text) {
                let parts: Vec<_> = Path::new(&text).components().collect();
                prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(parts.len(), path.names().count());
                prop_assert_eq!(path.names().fold(RelPath::root(), |path, name| path.child(&name)), path);
            }
        }
    }
}
