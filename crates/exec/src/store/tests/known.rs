//! What is known and not here: remembered, believed or not, never mistaken for what is here.

use std::fs;
use std::path::Path;

use action::digest::{ActionDigest, BlobDigest, DirDigest};

use super::super::{Area, Encoded, MemoValue, Origin, Policy, Store};
use super::{faults, ingest, list, new_store, object, sample};

/// The sample's tree as a server tells of it: the root first.
fn told() -> (DirDigest, Encoded) {
    let (_dir, elsewhere) = new_store();
    let root = ingest(&elsewhere, &sample());
    let directories = elsewhere.closure(root).unwrap().directories;
    let encoded = |digest: DirDigest| (digest, elsewhere.directory(digest).unwrap().encode());
    (root, directories.into_iter().map(encoded).collect())
}

fn action() -> (ActionDigest, Origin) {
    let digest = ActionDigest::of(b"action");
    (digest, Origin::Action(digest))
}

fn fact() -> Origin {
    Origin::Memo { kind: "unpack".to_owned(), key: b"key".to_vec() }
}

const LOGS: fn() -> [BlobDigest; 2] = || [BlobDigest::of(b"said elsewhere"), BlobDigest::of(b"")];

/// Has the store learn of the sample as the result of an action, and as a fact.
fn learn(store: &Store) -> DirDigest {
    let (root, directories) = told();
    store.know_directories(&directories).unwrap();
    assert!(store.learn(root, action().1, LOGS()).unwrap());
    assert!(store.learn(root, fact(), LOGS()).unwrap());
    root
}

fn reopened(store: &Store) -> Store {
    Store::open(store.root()).unwrap()
}

/// Puts the files of the sample into the store, and nothing else.
fn bring_files(store: &Store) {
    let (_dir, elsewhere) = new_store();
    let root = ingest(&elsewhere, &sample());
    for file in elsewhere.closure(root).unwrap().files {
        store.put(&elsewhere.read(file).unwrap()).unwrap();
    }
}

#[test]
fn what_was_learnt_is_known_to_later_processes_and_is_not_taken_for_a_result() {
    let (_dir, store) = new_store();
    let root = learn(&store);
    assert_eq!(reopened(&store).recall(&action().1).unwrap(), None, "nothing was written yet");
    assert_eq!(store.remember().unwrap(), [action().1, fact()]);
    assert_eq!(store.remember().unwrap(), [], "each is told once");

    let store = reopened(&store);
    assert!(!store.knows_more_than_it_has());
    for origin in [action().1, fact()] {
        assert_eq!(store.recall(&origin).unwrap(), Some(root));
    }
    assert_eq!(store.closure(root).unwrap().files.len(), 3);
    // Nothing that has a name names it.
    assert!(!store.has(root.as_blob()));
    assert_eq!(store.result(action().0).unwrap(), None);
    assert_eq!(store.memo_get("unpack", b"key").unwrap(), None);
    assert!(!store.settle_if_whole(root).unwrap());
    assert_eq!(faults(&store, false), []);
    assert_eq!(store.recall(&Origin::Action(ActionDigest::of(b"other"))).unwrap(), None);
}

#[test]
fn what_has_come_is_a_result_as_if_made_here() {
    let (_dir, store) = new_store();
    learn(&store);
    store.remember().unwrap();
    let store = reopened(&store);
    let root = store.recall(&action().1).unwrap().unwrap();
    store.recall(&fact()).unwrap();
    let directories = store.closure(root).unwrap().directories;
    // The empty file is always there.
    assert_eq!(store.lacking(&directories).unwrap().len(), 2);
    assert_eq!(store.lacking_logs(&directories), [LOGS()[0]].into());
    bring_files(&store);
    assert!(store.settle_if_whole(root).unwrap());
    assert!(!store.knows_more_than_it_has());

    let store = reopened(&store);
    let result = store.result(action().0).unwrap().unwrap();
    assert_eq!((result.output, result.stdout), (root, BlobDigest::of(b"")), "the log was not brought");
    assert_eq!(store.memo_get("unpack", b"key").unwrap(), Some(MemoValue::Tree(root)));
    assert_eq!(list(&store.checkout(root).unwrap()), sample());
    assert_eq!(faults(&store, false), []);
}

#[test]
fn what_was_lost_is_not_believed_until_it_was_found() {
    let (_dir, store) = new_store();
    let root = learn(&store);
    store.remember().unwrap();
    let lost = BlobDigest::of(&[7; 100_000]);
    store.note_lost(&[lost]);
    assert!(store.has_lost_any());
    assert_eq!(store.recall(&action().1).unwrap(), None, "nothing that was remembered is");
    assert!(!store.learn(root, action().1, LOGS()).unwrap());
    let (_, directories) = told();
    store.know_directories(&directories[1..2]).unwrap();
    let whole = directories[1].0;
    assert!(store.learn(whole, action().1, LOGS()).unwrap(), "what is whole is");
    store.note_found(root).unwrap();
    assert!(!store.has_lost_any());
    assert!(store.learn(root, action().1, LOGS()).unwrap());
    // What was lost elsewhere, and is here, is not missed.
    store.note_lost(&[lost]);
    store.put(&[7; 100_000]).unwrap();
    assert!(store.learn(root, action().1, LOGS()).unwrap());
}

#[test]
fn a_collection_keeps_what_is_known_and_nothing_of_the_tree() {
    let (dir, mut store) = new_store();
    learn(&store);
    store.remember().unwrap();
    bring_files(&store);
    store.gc(&Policy::default()).unwrap();
    assert!(!store.has(BlobDigest::of(&[7; 100_000])), "nothing refers to the files");
    store.recall(&action().1).unwrap().expect("the message was kept");
    drop(store);
    let mut store = Store::open(&dir.path().join("store")).unwrap();
    store.recall(&action().1).unwrap().expect("known to later processes too");
    store.gc(&Policy { max_bytes: Some(0), max_age: None }).unwrap();
    assert_eq!(store.recall(&action().1).unwrap(), None);
    let stats = store.stats().unwrap();
    let kept = stats.iter().filter(|(area, _)| matches!(area, Area::Blobs | Area::Memos));
    assert_eq!(kept.map(|(_, usage)| usage.objects).sum::<u64>(), 0);
}

#[test]
fn a_forgotten_or_damaged_memo_is_none() {
    let damage = |damage: &dyn Fn(&Store, &Path)| {
        let (_dir, store) = new_store();
        learn(&store);
        store.remember().unwrap();
        let store = reopened(&store);
        let message = match store.memo_get("known", &known_key()).unwrap() {
            Some(MemoValue::Known(tree)) => tree.message,
            other => panic!("{other:?}"),
        };
        let hex = message.hex();
        damage(&store, &store.root().join("cas").join(hex.split_at(2).0).join(&hex));
        assert_eq!(store.recall(&action().1).unwrap(), None);
        let verified = faults(&store, false).len();
        faults(&store, true);
        assert_eq!(faults(&store, false), []);
        verified
    };
    assert_eq!(damage(&|store, _| assert!(store.forget_known(&action().1).unwrap())), 0);
    assert!(damage(&|_, message| fs::remove_file(message).unwrap()) > 0);
    let other = |store: &Store, message: &Path| {
        // As long, and another: the digest says so.
        let length = fs::metadata(message).unwrap().len();
        fs::remove_file(message).unwrap();
        fs::write(message, vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
        assert!(store.root().exists());
    };
    assert!(damage(&other) > 0);
    let memo = |store: &Store, _: &Path| fs::write(object(store, "memo/known", &known_key()), "K").unwrap();
    assert_eq!(damage(&memo), 1);
}

fn known_key() -> Vec<u8> {
    format!("action {}", action().0).into_bytes()
}

#[test]
fn what_is_no_whole_tree_is_not_known() {
    let (_dir, store) = new_store();
    let (root, directories) = told();
    store.know_directories(&directories[..1]).unwrap();
    store.learn(root, action().1, LOGS()).unwrap_err();
    assert!(store.know_directories(&[(root, b"other bytes".to_vec())]).is_err());
}
