//! Whatever is damaged is found, told exactly, and repaired.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::outcome::CachedResult;
use action::tree::TreeError;

use super::super::{FaultKind, MemoValue, Store};
use super::{faults, ingest, list, new_store, object, sample};

const ACTION: &[u8] = b"action";

/// A store with one of everything, and the tree in it.
fn full() -> (tempfile::TempDir, Store, DirDigest) {
    let (dir, store) = new_store();
    let output = ingest(&store, &sample());
    let tree = store.tree_message(output).unwrap();
    let stdout = store.put(b"said").unwrap();
    let result = CachedResult { output, tree, stdout, stderr: BlobDigest::of(b"") };
    store.put_result(ActionDigest::of(ACTION), &result).unwrap();
    store.memo_put("kind", b"tree", MemoValue::Tree(output)).unwrap();
    store.memo_put("kind", b"blob", MemoValue::Blob(stdout)).unwrap();
    store.memo_put("kind", b"bytes", MemoValue::Bytes(b"fact".to_vec())).unwrap();
    store.checkout(output).unwrap();
    (dir, store, output)
}

/// Changes a file whatever its mode, keeping mode and time.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let meta = fs::metadata(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
    fs::File::open(path).unwrap().set_modified(meta.modified().unwrap()).unwrap();
    fs::set_permissions(path, meta.permissions()).unwrap();
}

#[test]
fn a_whole_store_has_no_faults() {
    let (_dir, store, _) = full();
    let mut none = |fault: &super::super::Fault| panic!("{fault:?}");
    let verified = store.verify(false, &mut none).unwrap();
    // Four directories, three files, the tree message and what was said; four entries; one checkout.
    assert_eq!(verified.objects, 9 + 4 + 1);
    assert!(verified.bytes > 100_000);
}

/// Damages a store and checks what is told of it, as `(path ends with, kind)`; then that repairing leaves a store
/// without faults, in which the tree can be made again.
fn check(name: &str, damage: impl FnOnce(&Store, &Path), expected: &[(&str, FaultKind)]) {
    let (_dir, store, output) = full();
    let checkout = store.checkout(output).unwrap();
    damage(&store, &checkout);
    let store = Store::open(store.root()).unwrap();
    let found = faults(&store, false);
    let matches = |(end, kind): &(&str, FaultKind)| {
        found.iter().any(|fault| fault.path.to_str().unwrap().ends_with(end) && fault.kind == *kind)
    };
    assert!(expected.iter().all(matches) && found.len() == expected.len(), "{name}: {found:#?}");
    assert_eq!(faults(&store, false), found, "{name}: looking changes nothing");
    assert_eq!(faults(&store, true), found, "{name}: repairing tells the same");
    assert_eq!(faults(&store, false), [], "{name}: repaired");
    assert_eq!(ingest(&store, &sample()), output);
    assert_eq!(list(&store.checkout(output).unwrap()), sample(), "{name}");
}

fn ac() -> String {
    ActionDigest::of(ACTION).hex()
}

fn memo(key: &str) -> String {
    BlobDigest::of(key.as_bytes()).hex()
}

#[test]
fn damaged_blobs() {
    let big = vec![7; 100_000];
    let (hex, missing) = (BlobDigest::of(&big).hex(), FaultKind::Missing { digest: BlobDigest::of(&big) });
    let (ac, memo) = (ac(), memo("tree"));
    let everywhere = [
        (&*hex, FaultKind::Content),
        (&*ac, missing.clone()),
        (&*memo, missing.clone()),
        ("lib/x", FaultKind::Content),
    ];
    check("a flipped bit", |store, _| edit(&object(store, "cas", &big), |bytes| bytes[500] ^= 4), &everywhere);
    check("a truncated file", |store, _| edit(&object(store, "cas", &big), |bytes| bytes.truncate(9)), &everywhere);
    // The checkout still has the bytes, by its own name.
    let gone = |store: &Store, _: &Path| fs::remove_file(object(store, "cas", &big)).unwrap();
    check("a deleted file", gone, &everywhere[1..3]);
    let mode = |store: &Store, _: &Path| {
        fs::set_permissions(object(store, "cas", &big), Permissions::from_mode(0o644)).unwrap();
    };
    check("a mode", mode, &[(&hex, FaultKind::Mode { found: 0o644, wanted: 0o444 })]);
    let time = |store: &Store, _: &Path| {
        fs::File::open(object(store, "cas", &big)).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    check("a time", time, &[(&hex, FaultKind::Time { found: 0 })]);
}

#[test]
fn damaged_directories() {
    let (_dir, store, output) = full();
    let lib = {
        let root = store.directory(output).unwrap();
        let Some(action::tree::Entry::Directory(lib)) = root.get("lib") else { panic!() };
        *lib
    };
    let missing = FaultKind::Missing { digest: lib.as_blob() };
    let (ac, memo, hex) = (ac(), memo("tree"), lib.hex());
    let path = |store: &Store| store.blob_path(lib.as_blob(), false).unwrap();
    let gone = |store: &Store, _: &Path| fs::remove_file(path(store)).unwrap();
    check("a deleted directory", gone, &[(&ac, missing.clone()), (&memo, missing.clone()), ("lib", FaultKind::Orphan)]);
    check(
        "a changed directory",
        |store, _| edit(&path(store), |bytes| bytes[0] ^= 1),
        &[(&hex, FaultKind::Content), (&ac, missing.clone()), (&memo, missing), ("lib", FaultKind::Orphan)],
    );
    let root = |store: &Store, _: &Path| fs::remove_file(store.blob_path(output.as_blob(), false).unwrap()).unwrap();
    let missing = FaultKind::Missing { digest: output.as_blob() };
    check("a deleted root", root, &[(&ac, missing.clone()), (&memo, missing), (&output.hex(), FaultKind::Orphan)]);
}

#[test]
fn damaged_entries() {
    let (ac, bytes, blob) = (ac(), memo("bytes"), memo("blob"));
    let cut = |area: &'static str, key: &'static [u8]| {
        move |store: &Store, _: &Path| edit(&object(store, area, key), |bytes| bytes.truncate(20))
    };
    check("a cut result", cut("ac", ACTION), &[(&ac, FaultKind::Entry)]);
    check("a cut memo", cut("memo/kind", b"bytes"), &[(&bytes, FaultKind::Entry)]);
    let said = FaultKind::Missing { digest: BlobDigest::of(b"said") };
    let gone = |store: &Store, _: &Path| fs::remove_file(object(store, "cas", b"said")).unwrap();
    check("what was said", gone, &[(&ac, said.clone()), (&blob, said)]);

    let no_tree = |store: &Store, _: &Path| {
        let digest = store.put(b"no directory").unwrap();
        store.memo_put("kind", b"wrong", MemoValue::Tree(DirDigest::new(*digest.hash(), digest.size()))).unwrap();
    };
    let (_dir, store, _) = full();
    no_tree(&store, store.root());
    let found = faults(&store, true);
    assert!(matches!(&*found, [fault] if matches!(&fault.kind,
        FaultKind::Directory { digest, error: TreeError::Message(_) } if *digest == DirDigest::of(b"no directory"))));
    assert_eq!(faults(&store, false), []);
}

#[test]
fn damaged_checkouts() {
    type Damage = fn(&Path);
    let table: [(&str, Damage, &str, FaultKind); 8] = [
        ("lack", |tree| fs::remove_file(tree.join("lib/link")).unwrap(), "lib/link", FaultKind::Lacks),
        ("extra", |tree| symlink("x", tree.join("y")).unwrap(), "/y", FaultKind::Extra),
        (
            "type",
            |tree| replace(&tree.join("bin/run"), &|path| symlink("x", path).unwrap()),
            "bin/run",
            FaultKind::Differs,
        ),
        (
            "link",
            |tree| replace(&tree.join("lib/link"), &|path| symlink("x", path).unwrap()),
            "lib/link",
            FaultKind::Differs,
        ),
        ("contents", |tree| replace(&tree.join("lib/x"), &|path| seal(path, b"y", 0o444)), "lib/x", FaultKind::Content),
        (
            "file mode",
            |tree| replace(&tree.join("bin/run"), &|path| seal(path, b"#!/bin/sh\n", 0o444)),
            "bin/run",
            FaultKind::Mode { found: 0o444, wanted: 0o555 },
        ),
        (
            "directory mode",
            |tree| fs::set_permissions(tree.join("empty"), Permissions::from_mode(0o700)).unwrap(),
            "empty",
            FaultKind::Mode { found: 0o700, wanted: 0o755 },
        ),
        ("time", |tree| touch(&tree.join("empty"), std::time::UNIX_EPOCH), "empty", FaultKind::Time { found: 0 }),
    ];
    for (name, damage, end, kind) in table {
        let dated = |_: &Store, tree: &Path| {
            damage(tree);
            // Only the damage itself is to be seen.
            for dir in ["", "bin", "lib"] {
                touch(&tree.join(dir), stamp());
            }
            if fs::symlink_metadata(tree.join("lib/link")).is_ok() {
                super::super::disk::stamp(&tree.join("lib/link")).unwrap();
            }
        };
        check(name, dated, &[(end, kind)]);
    }
}

fn stamp() -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_321_009_871)
}

fn touch(path: &Path, time: std::time::SystemTime) {
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

fn replace(path: &Path, make: &dyn Fn(&Path)) {
    fs::remove_file(path).unwrap();
    make(path);
}

fn seal(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).unwrap();
    touch(path, stamp());
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn strays() {
    for place in
        ["cas/file", "cas/ab/file", "trees/file", "trees/ab/dir/", "ac/zz/file", "memo/file", "memo/kind/ab/file"]
    {
        let make = |store: &Store, _: &Path| {
            let path = store.root().join(place.trim_end_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if place.ends_with('/') {
                fs::create_dir(&path).unwrap();
            } else {
                fs::write(&path, "").unwrap();
            }
        };
        check(place, make, &[(place.trim_end_matches('/'), FaultKind::Stray)]);
    }
}
