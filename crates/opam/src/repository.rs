//! `repo` files: what a repository says of itself. Not here: its packages, and where such a file is.

use crate::error::Error;
use crate::filter::{Reader, elements};
use crate::syntax::{self, Item};

/// A `repo` file. Of what opam writes there, what is not here (`upstream`, `announce`, `redirect`) concerns other programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// Where archives by checksum are: URLs, or places seen from the repository.
    pub archive_mirrors: Vec<String>,
}

impl Repository {
    /// What is in `text`, and what is wrong with it.
    #[must_use]
    pub fn parse(text: &[u8]) -> (Self, Vec<Error>) {
        let (file, mut errors) = syntax::parse(text);
        let mut repository = Self::default();
        for item in &file.items {
            let Item::Field(field) = item else { continue };
            if field.name == "archive-mirrors" {
                let mut reader = Reader::new(&field.name, &mut errors);
                let urls = elements(&field.value).iter().filter_map(|value| reader.string(value).map(str::to_owned));
                repository.archive_mirrors = urls.collect();
            }
        }
        (repository, errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_one_or_several() {
        for (text, mirrors, errors) in [
            ("opam-version: \"2.0\"\nupstream: \"https://x/tree/\"\narchive-mirrors: \"cache\"\n", &["cache"][..], 0),
            ("archive-mirrors: [\"https://a.test\" \"../b\"]", &["https://a.test", "../b"], 0),
            ("opam-version: \"2.0\"", &[], 0),
            ("archive-mirrors: [true \"b\"]", &["b"], 1),
            ("archive-mirrors: [", &[], 1),
        ] {
            let (repository, wrong) = Repository::parse(text.as_bytes());
            assert_eq!(repository.archive_mirrors, mirrors, "{text}");
            assert_eq!(wrong.len(), errors, "{text}: {wrong:?}");
        }
    }
}
