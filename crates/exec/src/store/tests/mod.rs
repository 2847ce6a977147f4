//! The store's tests: what they share. Each file is one subject.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::Store;

mod basics;
mod trees;

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
