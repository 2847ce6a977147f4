//! Opening, blobs, results, memos, locks, scratch, projects and kept roots.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::outcome::CachedResult;

use super::super::{MEMO_LIMIT, MemoValue, Store, StoreError};
use super::{build, new_store, object, sample, temp_dir};

#[test]
fn blobs_round_trip() {
    let (_dir, store) = new_store();
    for bytes in [&b""[..], b"x", &[9; 200_000]] {
        let digest = store.put(bytes).unwrap();
        assert_eq!(digest, BlobDigest::of(bytes));
        assert!(store.has(digest));
        assert_eq!(store.read(digest).unwrap(), bytes);
        for executable in [false, true, false] {
            let path = store.blob_path(digest, executable).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            let meta = fs::metadata(&path).unwrap();
            assert_eq!(meta.permissions().mode() & 0o7777, if executable { 0o555 } else { 0o444 });
            assert_eq!(meta.mtime(), 1_321_009_871);
        }
    }
    let absent = BlobDigest::of(b"absent");
    assert!(!store.has(absent));
    assert!(matches!(store.read(absent), Err(StoreError::Missing { digest }) if digest == absent));
    assert!(matches!(store.blob_path(absent, true), Err(StoreError::Missing { digest }) if digest == absent));
}

#[test]
fn put_file_copies() {
    let (dir, store) = new_store();
    let file = dir.path().join("file");
    fs::write(&file, b"text").unwrap();
    let digest = store.put_file(&file).unwrap();
    assert_eq!(digest, BlobDigest::of(b"text"));
    fs::write(&file, b"else").unwrap();
    assert_eq!(store.read(digest).unwrap(), b"text");
    assert!(
        matches!(store.put_file(&dir.path().join("none")), Err(StoreError::Io { path, .. }) if path.ends_with("none"))
    );
}

#[test]
fn a_damaged_blob_is_told_and_replaced() {
    let (_dir, store) = new_store();
    let digest = store.put(b"good").unwrap();
    let path = store.blob_path(digest, false).unwrap();
    overwrite(&path, b"evil");
    assert!(matches!(store.read(digest), Err(StoreError::Corrupt { path: found, .. }) if found == path));
    assert!(matches!(store.blob_path(digest, true), Err(StoreError::Corrupt { .. })));
    // What a power failure leaves has the wrong size; that is no blob.
    overwrite(&path, b"");
    assert!(!store.has(digest));
    store.put(b"good").unwrap();
    assert_eq!(store.read(digest).unwrap(), b"good");
}

/// Changes a stored file behind the store's back.
fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn opening_is_picky() {
    let dir = temp_dir();
    let root = dir.path().join("a/b");
    drop(Store::open(&root).unwrap());
    drop(Store::open(&root).unwrap());
    fs::write(root.join("format"), "bactrian store 999\n").unwrap();
    assert!(matches!(Store::open(&root), Err(StoreError::Version { found, .. }) if found == "bactrian store 999"));

    let home = dir.path().join("home");
    fs::create_dir_all(home.join("letters")).unwrap();
    assert!(matches!(Store::open(&home), Err(StoreError::NotAStore { path }) if path == home));
    assert_eq!(fs::read_dir(&home).unwrap().count(), 1, "nothing was put there");

    fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(Store::open(&dir.path().join("file")), Err(StoreError::Io { .. })));
}

#[test]
fn many_may_make_one_store() {
    let dir = temp_dir();
    for round in 0..20 {
        let root = dir.path().join(round.to_string());
        let open = || Store::open(&root).unwrap().put(b"x").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(open);
            }
        });
    }
}

fn result(store: &Store, dir: &std::path::Path) -> CachedResult {
    build(&dir.join("out"), &sample());
    let output = store.ingest(&dir.join("out")).unwrap();
    let tree = store.tree_message(output).unwrap();
    CachedResult { output, tree, stdout: store.put(b"said").unwrap(), stderr: store.put(b"").unwrap() }
}

#[test]
fn results_come_back_while_their_output_is_there() {
    let (dir, store) = new_store();
    let action = ActionDigest::of(b"action");
    assert_eq!(store.result(action).unwrap(), None);
    let result = result(&store, dir.path());
    store.put_result(action, &result).unwrap();
    assert_eq!(store.result(action).unwrap(), Some(result));
    // Another process sees it too.
    assert_eq!(Store::open(store.root()).unwrap().result(action).unwrap(), Some(result));

    fs::remove_file(store.blob_path(result.output.as_blob(), false).unwrap()).unwrap();
    assert_eq!(store.result(action).unwrap(), None);
    assert!(store.remove_result(action).unwrap());
    assert!(!store.remove_result(action).unwrap());
}

#[test]
fn use_is_noted() {
    let (dir, store) = new_store();
    let action = ActionDigest::of(b"action");
    store.put_result(action, &result(&store, dir.path())).unwrap();
    let entry = object(&store, "ac", b"action");
    let old = SystemTime::now() - Duration::from_secs(100_000);
    fs::File::open(&entry).unwrap().set_modified(old).unwrap();
    store.result(action).unwrap().unwrap();
    assert!(fs::metadata(&entry).unwrap().modified().unwrap() > old + Duration::from_secs(90_000));
}

#[test]
fn memos_round_trip() {
    let (_dir, store) = new_store();
    let (blob, tree) = (store.put(b"blob").unwrap(), DirDigest::of(b""));
    let values = [
        MemoValue::Bytes(Vec::new()),
        MemoValue::Bytes(vec![b'T'; MEMO_LIMIT]),
        MemoValue::Blob(blob),
        MemoValue::Tree(tree),
    ];
    assert_eq!(store.memo_get("kind", b"key").unwrap(), None);
    for value in values {
        store.memo_put("kind", b"key", value.clone()).unwrap();
        assert_eq!(store.memo_get("kind", b"key").unwrap(), Some(value));
        assert_eq!(store.memo_get("kind", b"other").unwrap(), None);
        assert_eq!(store.memo_get("other", b"key").unwrap(), None);
    }
    store.memo_put("kind", b"gone", MemoValue::Blob(BlobDigest::of(b"never put"))).unwrap();
    assert_eq!(store.memo_get("kind", b"gone").unwrap(), None);
    let long = MemoValue::Bytes(vec![0; MEMO_LIMIT + 1]);
    assert!(matches!(store.memo_put("kind", b"key", long), Err(StoreError::TooLong { bytes: 4097 })));
    assert!(matches!(store.memo_get("../ac", b"key"), Err(StoreError::Kind(_))));
}

#[test]
fn any_changed_byte_makes_a_memo_no_memo() {
    let (_dir, store) = new_store();
    store.memo_put("kind", b"key", MemoValue::Bytes(b"value".to_vec())).unwrap();
    let path = object(&store, "memo/kind", b"key");
    let good = fs::read(&path).unwrap();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert_eq!(store.memo_get("kind", b"key").unwrap(), None, "byte {index}");
        fs::write(&path, &good[..index]).unwrap();
        assert_eq!(store.memo_get("kind", b"key").unwrap(), None, "cut at {index}");
    }
}

#[test]
fn locks_exclude() {
    let (_dir, store) = new_store();
    let other = Store::open(store.root()).unwrap();
    let guard = store.try_lock("make", b"key").unwrap().unwrap();
    assert!(other.try_lock("make", b"key").unwrap().is_none());
    assert!(store.try_lock("make", b"key").unwrap().is_none(), "threads of one process exclude each other too");
    assert!(other.try_lock("make", b"other").unwrap().is_some());
    assert!(other.try_lock("else", b"key").unwrap().is_some());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| other.lock("make", b"key").unwrap());
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waiter.is_finished());
        drop(guard);
        drop(waiter.join().unwrap());
    });
    assert!(matches!(store.lock("a/b", b""), Err(StoreError::Kind(_))));
}

#[test]
fn who_waits_for_a_lock_may_give_up() {
    let (_dir, store) = new_store();
    let guard = store.try_lock("make", b"key").unwrap().unwrap();
    let looks = std::cell::Cell::new(0);
    let third_time = || looks.replace(looks.get() + 1) == 2;
    assert!(store.lock_unless("make", b"key", &third_time).unwrap().is_none());
    assert_eq!(looks.get(), 3);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| store.lock_unless("make", b"key", &|| false).unwrap());
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waiter.is_finished());
        drop(guard);
        assert!(waiter.join().unwrap().is_some());
    });
    // Of what is free nobody asks.
    assert!(store.lock_unless("make", b"key", &|| true).unwrap().is_some());
}

/// Counts under a lock in many threads: without exclusion some counts would be lost.
#[test]
fn locks_exclude_under_load() {
    let (dir, store) = new_store();
    let count = dir.path().join("count");
    fs::write(&count, "0").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let _guard = store.lock("count", b"").unwrap();
                    let now: u32 = fs::read_to_string(&count).unwrap().parse().unwrap();
                    fs::write(&count, (now + 1).to_string()).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read_to_string(&count).unwrap(), "200");
}

#[test]
fn scratch_is_gone_with_its_owner() {
    let (_dir, store) = new_store();
    let (one, two) = (store.scratch().unwrap(), store.scratch().unwrap());
    let (first, second) = (one.path().to_owned(), two.path().to_owned());
    assert_ne!(first, second);
    // Also what its owner may not write to.
    fs::create_dir(first.join("sub")).unwrap();
    fs::write(first.join("sub/file"), "").unwrap();
    fs::set_permissions(first.join("sub"), fs::Permissions::from_mode(0o500)).unwrap();
    drop(one);
    drop(Store::open(store.root()).unwrap());
    assert!(second.exists(), "others leave it alone");
    assert!(super::super::scratch::leftovers(&store.root().join("tmp")).unwrap().is_empty(), "its owner lives");
    let root = store.root().to_owned();
    drop(store);
    assert!(second.exists(), "scratch outlives the store it came from");
    drop(two);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
}

#[test]
fn projects_persist() {
    let (_dir, store) = new_store();
    let place = std::path::Path::new("/home/me/project");
    let project = store.project(place).unwrap();
    fs::write(project.dir().join("log"), "1").unwrap();
    let guard = project.try_lock().unwrap().unwrap();
    let again = Store::open(store.root()).unwrap();
    let again = again.project(place).unwrap();
    assert_eq!(fs::read_to_string(again.dir().join("log")).unwrap(), "1");
    assert!(again.try_lock().unwrap().is_none());
    drop(guard);
    drop(again.lock().unwrap());
    assert_ne!(store.project(std::path::Path::new("/home/me/other")).unwrap().dir(), project.dir());
    assert_eq!(fs::read(project.dir().parent().unwrap().join("path")).unwrap(), b"/home/me/project");
}

#[test]
fn kept_roots_are_listed_and_replaced() {
    let (_dir, store) = new_store();
    let action = ActionDigest::of(b"fails");
    for attempt in ["1", "2"] {
        let scratch = store.scratch().unwrap();
        fs::write(scratch.path().join("log"), attempt).unwrap();
        let id = store.keep(scratch, action).unwrap();
        assert!(action.hex().starts_with(&id));
        let kept = store.kept(&id).unwrap().unwrap();
        assert_eq!((kept.action, fs::read_to_string(kept.root.join("log")).unwrap().as_str()), (action, attempt));
        assert_eq!(store.list_kept().unwrap(), [kept]);
    }
    store.remove_kept(&store.list_kept().unwrap()[0].id).unwrap();
    assert_eq!(store.list_kept().unwrap(), []);
    assert_eq!(store.kept("nothing").unwrap(), None);
    assert!(matches!(store.kept(".."), Err(StoreError::Kind(_))));
}
