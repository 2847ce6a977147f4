//! The store's tests: what they share. Each file is one subject.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use std::process::Command;

use action::digest::DirDigest;
use tempfile::TempDir;

use super::{Fault, Store};

mod basics;
mod gc;
mod killed;
mod known;
mod limits;
mod trees;
mod verify;

/// A fresh store; in memory if possible, where syncing costs nothing.
pub(super) fn new_store() -> (TempDir, Store) {
    let dir = temp_dir();
    let store = Store::open(&dir.path().join("store")).unwrap();
    (dir, store)
}

pub(super) fn temp_dir() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// What one path is: the model against which trees on disk are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    File(Vec<u8>, bool),
    Dir,
    Link(String),
}

/// A tree as a list: parents come before children, as paths sort.
pub(super) type Listing = BTreeMap<String, Thing>;

/// The plain recursive listing of a directory, written without the store's code.
pub(super) fn list(dir: &Path) -> Listing {
    let mut found = Listing::new();
    let mut todo = vec![String::new()];
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(dir.join(&at)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = if at.is_empty() { name } else { format!("{at}/{name}") };
            let full = dir.join(&path);
            let meta = fs::symlink_metadata(&full).unwrap();
            let thing = if meta.is_dir() {
                todo.push(path.clone());
                Thing::Dir
            } else if meta.is_symlink() {
                Thing::Link(fs::read_link(&full).unwrap().into_os_string().into_string().unwrap())
            } else {
                Thing::File(fs::read(&full).unwrap(), meta.permissions().mode() & 0o100 != 0)
            };
            found.insert(path, thing);
        }
    }
    found
}

/// Makes the directory `dir` with the things of a listing.
pub(super) fn build(dir: &Path, listing: &Listing) {
    fs::create_dir(dir).unwrap();
    for (path, thing) in listing {
        let path = dir.join(path);
        match thing {
            Thing::Dir => fs::create_dir(&path).unwrap(),
            Thing::Link(target) => symlink(target, &path).unwrap(),
            Thing::File(bytes, executable) => {
                fs::write(&path, bytes).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(if *executable { 0o755 } else { 0o644 })).unwrap();
            }
        }
    }
}

/// A small tree with one of everything.
pub(super) fn sample() -> Listing {
    Listing::from([
        ("bin".to_owned(), Thing::Dir),
        ("bin/run".to_owned(), Thing::File(b"#!/bin/sh\n".to_vec(), true)),
        ("bin/same".to_owned(), Thing::File(b"#!/bin/sh\n".to_vec(), false)),
        ("empty".to_owned(), Thing::Dir),
        ("lib".to_owned(), Thing::Dir),
        ("lib/a".to_owned(), Thing::File(Vec::new(), false)),
        ("lib/link".to_owned(), Thing::Link("../bin/run".to_owned())),
        ("lib/x".to_owned(), Thing::File(vec![7; 100_000], false)),
    ])
}

/// Stores a tree.
pub(super) fn ingest(store: &Store, listing: &Listing) -> DirDigest {
    let scratch = store.scratch().unwrap();
    let source = scratch.path().join("source");
    build(&source, listing);
    store.ingest(&source).unwrap()
}

/// All faults of a store.
pub(super) fn faults(store: &Store, repair: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let verified = store.verify(repair, &mut |fault| faults.push(fault.clone())).unwrap();
    assert_eq!(verified.faults, faults.len() as u64);
    faults
}

/// Names the directory a child process is to work in.
const CHILD: &str = "BACTRIAN_STORE_CHILD";

/// This very test program, to run the one test `test` in another process, on the directory `dir`.
///
/// Such a test does nothing when run as an ordinary one: see [`child_dir`].
pub(super) fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("{}::{test}", module_path!().split_once("::").unwrap().1), "--nocapture"]);
    command.env_clear().env(CHILD, dir).current_dir("/");
    command
}

/// The directory to work in, if this process is the child of another test.
pub(super) fn child_dir() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// Where the object of these bytes, or with this key, lies.
pub(super) fn object(store: &Store, area: &str, bytes: &[u8]) -> std::path::PathBuf {
    let hex = action::digest::BlobDigest::of(bytes).hex();
    store.root().join(area).join(hex.split_at(2).0).join(hex)
}
