//! Collecting garbage: what is reachable stays, what is not goes, the oldest first.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::outcome::CachedResult;
use proptest::prelude::*;

use super::super::{Area, MemoValue, Policy, Store, StoreError};
use super::{Listing, Thing, child, child_dir, faults, ingest, list, new_store, object, sample};

const ALL: Policy = Policy { max_bytes: Some(0), max_age: None };

fn one_file(text: &str) -> Listing {
    Listing::from([("file".to_owned(), Thing::File(text.as_bytes().to_vec(), false))])
}

fn put_result(store: &Store, action: &[u8], output: DirDigest) -> CachedResult {
    let tree = store.tree_message(output).unwrap();
    let (stdout, stderr) = (store.put(b"out").unwrap(), store.put(b"err").unwrap());
    let result = CachedResult { output, tree, stdout, stderr };
    store.put_result(ActionDigest::of(action), &result).unwrap();
    result
}

/// Sets the time of last use.
fn age(path: &Path, seconds: u64) {
    fs::File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

fn memo_path(store: &Store, key: &[u8]) -> PathBuf {
    object(store, "memo/kind", key)
}

#[test]
fn what_a_user_registered_stays_until_it_is_taken_back() {
    let (_dir, mut store) = new_store();
    let home = super::temp_dir();
    let sdk = home.path().join("sdk");
    super::build(&sdk, &sample());
    assert_eq!(store.registered("sdk").unwrap(), None);
    let tree = store.register("sdk", home.path(), &["sdk"]).unwrap();
    assert_eq!(list(&sdk), sample(), "the user's files are as they were");
    assert_eq!(list(&store.checkout(tree).unwrap().join("sdk")), sample());
    age(&object(&store, "memo/registered", b"sdk"), 9999);
    let other = put_result(&store, b"recent", ingest(&store, &one_file("recent")));
    let freed = store.gc(&Policy { max_bytes: Some(1), max_age: Some(Duration::from_secs(9)) }).unwrap();
    assert!(freed.bytes > 0 && !store.has(other.output.as_blob()));
    assert_eq!(store.registered("sdk").unwrap(), Some(tree));
    assert_eq!((store.unregister("sdk").unwrap(), store.unregister("sdk").unwrap()), (true, false));
    store.gc(&Policy::default()).unwrap();
    assert!(!store.has(tree.as_blob()));
}

#[test]
fn reachable_things_stay() {
    let (_dir, mut store) = new_store();
    let (kept, memo) = (ingest(&store, &sample()), ingest(&store, &one_file("memo")));
    let result = put_result(&store, b"action", kept);
    store.memo_put("kind", b"tree", MemoValue::Tree(memo)).unwrap();
    let blob = store.put(b"blob").unwrap();
    store.memo_put("kind", b"blob", MemoValue::Blob(blob)).unwrap();
    let garbage = ingest(&store, &one_file("garbage"));
    for tree in [kept, memo, garbage] {
        store.checkout(tree).unwrap();
    }
    store.project(Path::new("/p")).unwrap();
    store.keep(store.scratch().unwrap(), ActionDigest::of(b"failed")).unwrap();

    let freed = store.gc(&Policy::default()).unwrap();
    // The garbage's file and its directory.
    assert_eq!(freed.objects, [(Area::Blobs, 2), (Area::Trees, 1)]);
    assert!(freed.bytes > 0);
    assert!(!store.has(garbage.as_blob()) && !store.has(BlobDigest::of(b"garbage")));
    assert_eq!(store.result(ActionDigest::of(b"action")).unwrap(), Some(result));
    assert_eq!(store.read(result.stdout).unwrap(), b"out");
    assert_eq!(store.read(blob).unwrap(), b"blob");
    assert_eq!(list(&store.checkout(kept).unwrap()), sample());
    assert_eq!(list(&store.checkout(memo).unwrap()), one_file("memo"));
    assert_eq!(store.list_kept().unwrap().len(), 1);
    assert_eq!(faults(&store, false), []);
    assert_eq!(store.gc(&Policy::default()).unwrap().objects, []);
}

#[test]
fn nothing_stays_without_room() {
    let (_dir, mut store) = new_store();
    let tree = ingest(&store, &sample());
    put_result(&store, b"action", tree);
    store.checkout(tree).unwrap();
    store.project(Path::new("/p")).unwrap();
    store.keep(store.scratch().unwrap(), ActionDigest::of(b"failed")).unwrap();
    drop(store.lock("make", b"x").unwrap());
    store.gc(&ALL).unwrap();
    for area in ["cas", "trees", "ac", "kept", "projects", "locks"] {
        let mut files = 0;
        super::super::disk::walk(&store.root().join(area), &mut |_, meta| files += u32::from(!meta.is_dir())).unwrap();
        assert_eq!(files, 0, "{area}");
    }
    // And goes on working.
    assert_eq!(list(&store.checkout(ingest(&store, &sample())).unwrap()), sample());
}

#[test]
fn a_removed_result_frees_its_tree() {
    let (_dir, mut store) = new_store();
    let (one, two) = (ingest(&store, &one_file("one")), ingest(&store, &one_file("two")));
    put_result(&store, b"one", one);
    put_result(&store, b"two", two);
    store.remove_result(ActionDigest::of(b"one")).unwrap();
    store.gc(&Policy::default()).unwrap();
    assert!(!store.has(BlobDigest::of(b"one")) && store.has(BlobDigest::of(b"two")));
}

#[test]
fn old_things_go() {
    let (_dir, mut store) = new_store();
    for key in ["old", "new"] {
        let tree = ingest(&store, &one_file(key));
        store.memo_put("kind", key.as_bytes(), MemoValue::Tree(tree)).unwrap();
    }
    age(&memo_path(&store, b"old"), 1000);
    store.gc(&Policy { max_age: Some(Duration::from_secs(500)), max_bytes: None }).unwrap();
    assert_eq!(store.memo_get("kind", b"old").unwrap(), None);
    assert!(store.memo_get("kind", b"new").unwrap().is_some());
    assert!(!store.has(BlobDigest::of(b"old")) && store.has(BlobDigest::of(b"new")));
}

/// The trees of a store as sets of files: each file is a number, its contents that many kilobytes.
fn tree_of(files: &BTreeSet<u8>) -> Listing {
    let file = |number: &u8| (number.to_string(), Thing::File(vec![*number; 1000 * usize::from(*number)], false));
    files.iter().map(file).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// The oracle adds up, from the most recent root on, what the files of the union take on disk.
    #[test]
    fn the_least_recently_used_go_first(
        roots in prop::collection::vec(prop::collection::btree_set(1_u8..40, 0..6), 1..8),
        max_bytes in 0_u64..400_000,
    ) {
        let (_dir, mut store) = new_store();
        let mut digests = Vec::new();
        for (index, files) in roots.iter().enumerate() {
            let tree = ingest(&store, &tree_of(files));
            let key = [u8::try_from(index).unwrap()];
            store.memo_put("kind", &key, MemoValue::Tree(tree)).unwrap();
            // The first is the most recent.
            age(&memo_path(&store, &key), 10 * (index as u64 + 1));
            digests.push(tree);
        }
        let mut inodes = BTreeSet::new();
        let mut survivors = 0;
        for tree in &digests {
            let closure = store.closure(*tree).unwrap();
            let blobs = closure.files.iter().copied().chain(closure.directories.iter().map(DirDigest::as_blob));
            inodes.extend(blobs.map(|blob| store.blob_path(blob, false).unwrap()));
            let bytes: u64 = inodes.iter().map(|path| fs::metadata(path).unwrap().blocks() * 512).sum();
            if bytes > max_bytes {
                break;
            }
            survivors += 1;
        }
        store.gc(&Policy { max_bytes: Some(max_bytes), max_age: None }).unwrap();
        for (index, files) in roots.iter().enumerate() {
            let found = store.memo_get("kind", &[u8::try_from(index).unwrap()]).unwrap();
            prop_assert_eq!(found.is_some(), index < survivors, "root {}", index);
            if index < survivors {
                prop_assert_eq!(list(&store.checkout(digests[index]).unwrap()), tree_of(files));
            }
        }
        prop_assert!(store.stats().unwrap()[0].1.unique <= max_bytes);
        prop_assert_eq!(faults(&store, false), []);
    }
}

#[test]
fn not_while_others_are_here() {
    let (_dir, mut store) = new_store();
    let other = Store::open(store.root()).unwrap();
    assert!(matches!(store.gc(&ALL), Err(StoreError::Busy { .. })));
    drop(other);

    let mut process = child("gc::stay", store.root()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (input, mut output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("open\n") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut output, &mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    match store.gc(&ALL) {
        Err(StoreError::Busy { holders, .. }) => assert_eq!(holders, [process.id()]),
        other => panic!("{other:?}"),
    }
    // The failed attempt left us our own hold on the store.
    let mut third = Store::open(store.root()).unwrap();
    drop(input);
    assert!(process.wait().unwrap().success());
    assert!(matches!(third.gc(&ALL), Err(StoreError::Busy { .. })));
    drop(third);
    store.gc(&ALL).unwrap();
}

/// Child of the test above: opens the store and stays until its standard input ends.
#[test]
fn stay() {
    let Some(dir) = child_dir() else { return };
    let _store = Store::open(&dir).unwrap();
    println!("open");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

/// What killed processes left goes, whether the background gets at it first or not.
#[test]
fn leftovers_go() {
    let (_dir, store) = new_store();
    let (root, tmp) = (store.root().to_owned(), store.root().join("tmp"));
    drop(store);
    for round in 0..50 {
        for dead in [1, 2, 3] {
            // Another name each time, as processes have: the last round's background may still be at work.
            let dead = tmp.join(format!("{dead}-{round}"));
            fs::create_dir_all(dead.join("0/sub")).unwrap();
            fs::write(dead.join("0/sub/file"), [0; 10_000]).unwrap();
        }
        fs::write(tmp.join("stray"), "").unwrap();
        let mut store = Store::open(&root).unwrap();
        // Somewhere in the middle of the background's work.
        std::thread::sleep(Duration::from_micros(round * 10));
        store.gc(&Policy::default()).unwrap();
    }
}

#[test]
fn whoever_opens_waits_for_the_collection() {
    let (_dir, store) = new_store();
    let file = fs::File::open(store.root().join("lock")).unwrap();
    let root = store.root().to_owned();
    drop(store);
    file.lock().unwrap();
    std::thread::scope(|scope| {
        let (told, was_told) = std::sync::mpsc::channel();
        let opener = scope.spawn(move || Store::open_telling(&root, &mut |_| told.send(()).unwrap()).unwrap());
        was_told.recv().unwrap();
        assert!(!opener.is_finished());
        file.unlock().unwrap();
        drop(opener.join().unwrap());
    });
}
