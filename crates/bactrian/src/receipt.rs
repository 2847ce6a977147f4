//! Receipts: what `install` has delivered of a package, so that the same delivery again costs a look at each file.
//!
//! A receipt is `TARGET/.bactrian/PACKAGE` in the output directory: the tree's digest, then a line for each file with what
//! the file system says of it. A file that is gone or was touched makes the receipt void. Not here: the delivery.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use action::digest::DirDigest;

/// What was delivered of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    tree: DirDigest,
    files: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Size, time of the last change in nanoseconds, and mode: what changes when somebody writes.
    stat: String,
    /// Whether it is a program, which is told of.
    program: bool,
    path: PathBuf,
}

impl Receipt {
    /// An empty one for `tree`.
    pub(crate) const fn new(tree: DirDigest) -> Self {
        Self { tree, files: Vec::new() }
    }

    /// Notes a file that lies at `path` below `directory` now.
    pub(crate) fn note(&mut self, directory: &Path, path: PathBuf, program: bool) -> io::Result<()> {
        let stat = stat(&directory.join(&path))?;
        self.files.push(Line { stat, program, path });
        Ok(())
    }

    /// The receipt of `package` below `directory`, if there is one and everything is as it says.
    pub(crate) fn valid(directory: &Path, package: &str, tree: DirDigest) -> Option<Self> {
        let receipt = Self::parse(&fs::read_to_string(place(directory, package)).ok()?)?;
        let same = |line: &Line| stat(&directory.join(&line.path)).is_ok_and(|stat| stat == line.stat);
        (receipt.tree == tree && receipt.files.iter().all(same)).then_some(receipt)
    }

    /// The programs, below the directory.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter(|line| line.program).map(|line| line.path.as_path())
    }

    /// Writes it down for the next time.
    pub(crate) fn write(&self, directory: &Path, package: &str) -> io::Result<()> {
        let place = place(directory, package);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(place, self.text())
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.tree);
        for line in &self.files {
            let kind = if line.program { 'p' } else { '-' };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {kind} {}", line.stat, line.path.display());
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let tree = lines.next()?.parse().ok()?;
        let line = |line: &str| {
            let (stat, rest) = line.split_once(' ')?;
            let (kind, path) = rest.split_once(' ')?;
            Some(Line { stat: stat.to_owned(), program: kind == "p", path: path.into() })
        };
        Some(Self { tree, files: lines.map(line).collect::<Option<_>>()? })
    }
}

fn place(directory: &Path, package: &str) -> PathBuf {
    directory.join(".bactrian").join(package)
}

fn stat(file: &Path) -> io::Result<String> {
    let data = fs::symlink_metadata(file)?;
    Ok(format!("{}:{}.{}:{:o}", data.len(), data.mtime(), data.mtime_nsec(), data.mode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_holds_until_somebody_writes() {
        let temp = tempfile::tempdir().unwrap();
        let (here, tree) = (temp.path(), DirDigest::of(b"tree"));
        fs::create_dir(here.join("bin")).unwrap();
        fs::write(here.join("bin/a b"), "one").unwrap();
        let mut receipt = Receipt::new(tree);
        receipt.note(here, "bin/a b".into(), true).unwrap();
        receipt.write(here, "x").unwrap();
        let found = Receipt::valid(here, "x", tree).unwrap();
        assert_eq!(found, receipt);
        assert_eq!(found.programs().collect::<Vec<_>>(), [Path::new("bin/a b")]);
        assert_eq!(Receipt::valid(here, "x", DirDigest::of(b"other")), None);
        assert_eq!(Receipt::valid(here, "y", tree), None);
        fs::write(here.join("bin/a b"), "two!").unwrap();
        assert_eq!(Receipt::valid(here, "x", tree), None);
        fs::write(here.join(".bactrian/x"), "damaged").unwrap();
        assert_eq!(Receipt::valid(here, "x", tree), None);
    }
}
