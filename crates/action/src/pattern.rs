//! Patterns that choose files of an archive by path.
//!
//! # Specification
//! A pattern is a relative path whose components may contain `*`, which stands for any characters but `/`. It matches a
//! path if its components match the path's first ones: a pattern that names a directory chooses everything below it.
//! There is no `**`, no `?`, no escape. Not here: opam's or dune's globs, which are other languages.

use crate::path::{PathError, RelPath};

/// A pattern over relative paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(RelPath);

impl Pattern {
    /// A pattern from its text.
    ///
    /// # Errors
    /// If the text is not a relative path.
    pub fn new(text: &str) -> Result<Self, PathError> {
        RelPath::new(text).map(Self)
    }

    /// The pattern's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the pattern chooses `path`: matches it or a directory above it.
    #[must_use]
    pub fn matches(&self, path: &RelPath) -> bool {
        let mut names = path.names();
        self.0.names().all(|pattern| names.next().is_some_and(|name| matches_name(pattern.as_str(), name.as_str())))
    }

    /// Whether the pattern may choose something below the directory `path`.
    #[must_use]
    pub fn leads_through(&self, path: &RelPath) -> bool {
        self.0.names().zip(path.names()).all(|(pattern, name)| matches_name(pattern.as_str(), name.as_str()))
    }
}

fn matches_name(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    let mut suffixes = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    suffixes.any(|at| name.get(at..).is_some_and(|suffix| matches_name(rest, suffix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (pattern, path, expected) in [
            ("lib/include", "lib/include/stdio.h", true),
            ("lib/include", "lib/include", true),
            ("lib/include", "lib/included", false),
            ("lib/include", "lib", false),
            ("*/zig", "ziglang/zig", true),
            ("*/zig", "ziglang/lib/zig", false),
            ("lib/*-musl/bits", "lib/aarch64-linux-musl/bits/x.h", true),
            ("lib/*-musl", "lib/aarch64-linux-gnu", false),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXcb", false),
            ("", "anything/at/all", true),
        ] {
            let path = RelPath::new(path).unwrap();
            assert_eq!(Pattern::new(pattern).unwrap().matches(&path), expected, "{pattern} over {path}");
        }
    }
    #[test]
    fn directories_on_the_way() {
        for (path, expected) in [
            ("", true),
            ("packages", true),
            ("packages/x", true),
            ("packages/x/y.1", true),
            ("packages/x/y.1/files", true),
            ("packages/x/y.1/files/deep", true),
            ("packages/x/y.1/other", false),
            ("other", false),
        ] {
            let path = RelPath::new(path).unwrap();
            assert_eq!(Pattern::new("packages/*/y*/files").unwrap().leads_through(&path), expected, "{path}");
        }
    }
}
