//! The page of the docs that tells which of the corpus's packages are built for which target, and why the others are not.
//!
//! It is a table by targets and one by packages; a run replaces the lines of its own targets. Not here: how that is found out.

use std::collections::BTreeMap;
use std::fmt;

const HEAD: &str = "<!-- Made by `cargo xtask corpus --target T,… --write`, which replaces the lines of its targets. -->\n\
    # The corpus, target by target\n\n\
    Each package of the corpus's list (`ci-roots.txt`) was asked for by itself, unmodified, and built with all that it needs. *Not\n\
    possible*: the versions that the corpus has cannot be, for a reason below. What cannot be built though its versions fit would be\n\
    told in [exceptions](exceptions.md).\n\n";
const TARGETS: &str = "| target | OCaml | packages | built | not possible | failed |\n|---|---|---|---|---|---|\n";
const REASONS: &str = "\n## Why not\n\n| target | package | why |\n|---|---|---|\n";

/// What came of a list for a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) target: String,
    pub(super) ocaml: String,
    pub(super) asked: usize,
    pub(super) built: usize,
    /// Packages and why.
    pub(super) impossible: Vec<(String, String)>,
    /// Packages, and nothing: a failure is ours to explain.
    pub(super) failed: Vec<(String, String)>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, ocaml, asked, built, impossible, failed } = self;
        write!(f, "| `{target}` | {ocaml} | {asked} | {built} | {} | {} |", impossible.len(), failed.len())
    }
}

/// The page's lines, by target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    targets: BTreeMap<String, String>,
    reasons: BTreeMap<String, Vec<String>>,
}

impl Page {
    /// The lines that an earlier run has written.
    pub(super) fn parse(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            let Some((target, rest)) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) else { continue };
            if rest.matches(" | ").count() == 2 {
                page.reasons.entry(target.to_owned()).or_default().push(line.to_owned());
            } else {
                page.targets.insert(target.to_owned(), line.to_owned());
            }
        }
        page
    }

    /// Puts what came of a target in the place of what was there.
    pub(super) fn insert(&mut self, row: &Row) {
        self.targets.insert(row.target.clone(), row.to_string());
        let line = |(package, why): &(String, String)| {
            let why = if why.is_empty() { "**it failed**" } else { why };
            format!("| `{}` | {package} | {} |", row.target, why.replace('|', "\\|"))
        };
        let lines = row.impossible.iter().chain(&row.failed).map(line).collect();
        self.reasons.insert(row.target.clone(), lines);
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD}{TARGETS}")?;
        self.targets.values().try_for_each(|line| writeln!(f, "{line}"))?;
        if self.reasons.values().any(|lines| !lines.is_empty()) {
            f.write_str(REASONS)?;
        }
        self.reasons.values().flatten().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_the_lines_of_its_targets() {
        let row = |target: &str, built: usize, why: &str| Row {
            target: target.to_owned(),
            ocaml: "4.14.1".to_owned(),
            asked: 2,
            built,
            impossible: vec![("eio".to_owned(), why.to_owned())],
            failed: Vec::new(),
        };
        let mut page = Page::default();
        page.insert(&row("b", 1, "it requires ocaml >= 5"));
        page.insert(&row("a", 0, "x | y"));
        assert_eq!(Page::parse(&page.to_string()), page);
        page.insert(&Row { impossible: Vec::new(), ..row("b", 2, "") });
        let text = page.to_string();
        assert!(text.contains("| `b` | 4.14.1 | 2 | 2 | 0 | 0 |\n"), "{text}");
        assert!(text.ends_with("| `a` | eio | x \\| y |\n"), "{text}");
    }
}
