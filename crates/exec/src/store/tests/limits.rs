//! Full and read-only file systems: typed errors, and a store that is as good as before.
//!
//! Each test runs itself again in a user namespace, where it may mount; without user namespaces it says so and passes.

use std::path::Path;
use std::process::Command;

use action::digest::BlobDigest;

use super::super::{Area, MemoValue, Store, StoreError};
use super::{CHILD, Listing, Thing, build, child, child_dir, faults, ingest, list, sample, temp_dir};

const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// Runs a test as root of its own namespace, with one megabyte of memory mounted as its directory.
fn in_namespace(test: &str) {
    let possible =
        Command::new("unshare").args(["-rm", "true"]).env_clear().env("PATH", PATH).current_dir("/").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        println!("skipped: no user namespaces here");
        return;
    }
    let dir = temp_dir();
    let inner = child(test, dir.path());
    let mut outer = Command::new("unshare");
    outer.args(["-rm", "sh", "-c", "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\""]).arg(dir.path());
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env_clear().env("PATH", PATH).env(CHILD, dir.path()).current_dir("/");
    let output = outer.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn full() {
    in_namespace("limits::full_inside");
}

#[test]
fn full_inside() {
    let Some(dir) = child_dir() else { return };
    let mut store = Store::open(&dir.join("store")).unwrap();
    let small = ingest(&store, &sample());
    let big = vec![1; 2_000_000];
    match store.put(&big) {
        Err(StoreError::NoSpace { path }) => assert!(path.starts_with(store.root().join("tmp"))),
        other => panic!("{other:?}"),
    }
    assert!(!store.has(BlobDigest::of(&big)));
    assert_eq!(faults(&store, false), []);
    // The failed attempt holds no space.
    let scratch = store.stats().unwrap().into_iter().find(|(area, _)| *area == Area::Scratch).unwrap();
    assert_eq!(scratch.1.apparent, 0);
    assert_eq!(list(&store.checkout(small).unwrap()), sample());
    // Fill it up by small trees from elsewhere, until something fails, wherever that is.
    let elsewhere = temp_dir();
    let error = (0_u32..)
        .find_map(|number| {
            let source = elsewhere.path().join(number.to_string());
            build(&source, &Listing::from([("f".to_owned(), Thing::File(number.to_le_bytes().repeat(2000), false))]));
            store.ingest(&source).and_then(|tree| store.checkout(tree)).err()
        })
        .unwrap();
    assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
    assert_eq!(faults(&store, false), []);
    // Collecting needs next to no space, and makes some.
    store.gc(&super::super::Policy::default()).unwrap();
    assert_eq!(list(&store.checkout(ingest(&store, &sample())).unwrap()), sample());
}

#[test]
fn read_only() {
    in_namespace("limits::read_only_inside");
}

#[test]
fn read_only_inside() {
    let Some(dir) = child_dir() else { return };
    let root = dir.join("store");
    let store = Store::open(&root).unwrap();
    let tree = ingest(&store, &sample());
    store.checkout(tree).unwrap();
    store.memo_put("kind", b"key", MemoValue::Tree(tree)).unwrap();
    drop(store);
    remount(&dir);

    // What is there can be used.
    let store = Store::open(&root).unwrap();
    assert_eq!(store.memo_get("kind", b"key").unwrap(), Some(MemoValue::Tree(tree)));
    assert_eq!(list(&store.checkout(tree).unwrap()), sample());
    assert_eq!(faults(&store, false), []);
    // Nothing new can be.
    assert!(matches!(store.put(b"new"), Err(StoreError::ReadOnly { .. })));
    assert!(matches!(store.scratch(), Err(StoreError::ReadOnly { .. })));
    assert!(matches!(store.lock("make", b"key"), Err(StoreError::ReadOnly { .. })));
    assert!(matches!(Store::open(&dir.join("other")), Err(StoreError::ReadOnly { .. })));
}

fn remount(dir: &Path) {
    let mut mount = Command::new("mount");
    mount.args(["-o", "remount,bind,ro"]).arg(dir).env_clear().env("PATH", PATH).current_dir("/");
    assert!(mount.status().unwrap().success());
}
