//! Archives, kind and evil, made here byte by byte where no honest program would make them.

mod archives;
mod evil_tar;
mod evil_zip;
mod kind;
mod random;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::{Cause, Spec, Summary, UnpackError, unpack};

/// What is at a path: comparable, and readable when a test fails.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File(Vec<u8>),
    Program(Vec<u8>),
    Directory,
    Link(String),
}

type Tree = BTreeMap<String, Node>;

/// All that is below a directory. Modes other than the two allowed ones fail the test.
fn tree(directory: &Path) -> Tree {
    let mut found = Tree::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(here) = ahead.pop() {
        for entry in fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let node = if metadata.is_symlink() {
                Node::Link(fs::read_link(&path).unwrap().to_str().unwrap().to_owned())
            } else if metadata.is_dir() {
                assert_eq!(mode, 0o755, "{}", path.display());
                ahead.push(path.clone());
                Node::Directory
            } else {
                let bytes = fs::read(&path).unwrap();
                match mode {
                    0o644 => Node::File(bytes),
                    0o755 => Node::Program(bytes),
                    mode => panic!("{}: mode {mode:o}", path.display()),
                }
            };
            found.insert(path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned(), node);
        }
    }
    found
}

fn file(text: &str) -> Node {
    Node::File(text.into())
}

/// A place with something beside the directory to unpack into that an archive may be after.
struct Place(TempDir);

const VICTIM: &str = "precious";

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::write(place.0.path().join("victim"), VICTIM).unwrap();
        place
    }

    fn unpack(&self, archive: &[u8], spec: &Spec) -> Result<(Summary, Tree), UnpackError> {
        let (archive_path, into) = (self.0.path().join("archive"), self.0.path().join("into"));
        fs::write(&archive_path, archive).unwrap();
        let unpacked = unpack(&archive_path, &into, spec);
        self.check_outside(archive);
        let found = unpacked.map(|summary| (summary, tree(&into)));
        if let Ok((_, tree)) = &found {
            check_links(&into, tree);
        }
        if into.exists() {
            fs::remove_dir_all(into).unwrap();
        }
        found
    }

    /// Nothing but the archive, the victim and the directory is there, and they are as they were.
    fn check_outside(&self, archive: &[u8]) {
        let mut names: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name != "into");
        names.sort();
        assert_eq!(names, ["archive", "victim"]);
        assert_eq!(fs::read_to_string(self.0.path().join("victim")).unwrap(), VICTIM);
        assert_eq!(fs::read(self.0.path().join("archive")).unwrap(), archive);
    }
}

/// The kernel as the judge: no link ends outside.
fn check_links(root: &Path, tree: &Tree) {
    let root = root.canonicalize().unwrap();
    for path in tree.iter().filter(|(_, node)| matches!(node, Node::Link(_))).map(|(path, _)| path) {
        if let Ok(end) = root.join(path).canonicalize() {
            assert!(end.starts_with(&root), "{path} leads to {}", end.display());
        }
    }
}

/// What an archive unpacks to.
fn unpacked(archive: &[u8], spec: &Spec) -> Result<Tree, UnpackError> {
    Place::new().unpack(archive, spec).map(|(_, tree)| tree)
}

/// What an archive is refused for, and because of which member.
fn refused(archive: &[u8], spec: &Spec) -> (Cause, Option<String>) {
    let error = unpacked(archive, spec).unwrap_err();
    assert!(error.archive.ends_with("archive"));
    (error.cause, error.member)
}
