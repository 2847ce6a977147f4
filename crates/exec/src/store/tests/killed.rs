//! Killing a process at any moment leaves a store without faults, in which the next one just goes on.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use action::digest::ActionDigest;
use action::outcome::CachedResult;

use super::super::{MemoValue, Policy, Store, StoreError};
use super::{Listing, Thing, build, child, child_dir, faults, new_store};

/// A tree that is different for every number, and shares much with its neighbours.
fn tree(number: u32) -> Listing {
    let mut listing = Listing::new();
    for dir in ["a", "b"] {
        listing.insert(dir.to_owned(), Thing::Dir);
        for file in 0..10 {
            let text = format!("{dir} {file} {}", (number + file) / 10).repeat(200);
            listing.insert(format!("{dir}/{file}"), Thing::File(text.into_bytes(), file % 3 == 0));
        }
    }
    listing.insert("link".to_owned(), Thing::Link(format!("a/{number}")));
    listing
}

/// Does one of everything a build does.
fn work(store: &Store, number: u32) -> Result<(), StoreError> {
    let scratch = store.scratch()?;
    let source = scratch.path().join("source");
    build(&source, &tree(number));
    let output = store.ingest(&source)?;
    store.checkout(output)?;
    let action = ActionDigest::of(&number.to_le_bytes());
    let stdout = store.put(format!("said {number}").as_bytes())?;
    let result = CachedResult { output, tree: store.tree_message(output)?, stdout, stderr: stdout };
    store.put_result(action, &result)?;
    assert_eq!(store.result(action)?, Some(result));
    let _guard = store.lock("work", &[0])?;
    store.memo_put("tree", &number.to_le_bytes(), MemoValue::Tree(output))?;
    fs::write(store.project(Path::new("/project"))?.dir().join("log"), "x").unwrap();
    if number.is_multiple_of(3) {
        store.keep(scratch, action)?;
        store.remove_result(ActionDigest::of(&(number / 3).to_le_bytes()))?;
    }
    Ok(())
}

/// Child: works until it is killed.
#[test]
fn worker() {
    let Some(dir) = child_dir() else { return };
    let store = Store::open(&dir).unwrap();
    let start = std::process::id() % 100;
    for number in start.. {
        work(&store, number).unwrap();
    }
}

/// Child: works and collects in turns, until it is killed.
#[test]
fn collector() {
    let Some(dir) = child_dir() else { return };
    for number in 0.. {
        let mut store = Store::open(&dir).unwrap();
        work(&store, number % 50).unwrap();
        match store.gc(&Policy { max_bytes: Some(u64::from(number % 5) * 100_000), max_age: None }) {
            Ok(_) | Err(StoreError::Busy { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself; then the log tells why.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many scratch bases there are.
fn scratches(root: &Path) -> usize {
    fs::read_dir(root.join("tmp")).unwrap().count()
}

/// Kills children at different moments; after each, opens and checks the store and works in it.
fn kill_often(test: &str, rounds: std::ops::Range<u32>, children: usize) {
    let (dir, store) = new_store();
    let root = store.root().to_owned();
    drop(store);
    let log = dir.path().join("log");
    for round in rounds {
        let spawn = || {
            let log = fs::File::options().create(true).append(true).open(&log).unwrap();
            Killed(child(test, &root).stdout(Stdio::null()).stderr(log).spawn().unwrap())
        };
        let mut running: Vec<_> = (0..children).map(|_| spawn()).collect();
        // From the moment they are all at work, spread over some tens of milliseconds.
        let begun = Instant::now();
        while scratches(&root) < children {
            assert!(begun.elapsed() < Duration::from_secs(60), "the children do nothing");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(u64::from(round * 7919 % 40_000)));
        for child in &mut running {
            let ended = child.0.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(&log).unwrap());
        }
        drop(running);
        let store = Store::open(&root).unwrap();
        assert_eq!(faults(&store, false), [], "round {round}");
        work(&store, round).unwrap();
    }
    let mut store = Store::open(&root).unwrap();
    assert!(fs::read_to_string(&log).unwrap().is_empty());
    // No leftovers but our own, once the background has had its time or a collection its way.
    store.gc(&Policy::default()).unwrap();
    drop(store);
    let store = Store::open(&root).unwrap();
    let begun = Instant::now();
    while scratches(&root) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "leftovers of the dead remain");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(faults(&store, false), []);
}

#[test]
fn killed_while_working() {
    for begin in [0, 10, 20, 30, 40] {
        kill_often("killed::worker", begin..begin + 10, 1);
    }
}

#[test]
fn killed_while_two_work() {
    kill_often("killed::worker", 0..10, 2);
}

#[test]
fn killed_while_collecting() {
    kill_often("killed::collector", 0..50, 1);
}

/// Two processes at full speed in one store, until they are done: both find what they want, and nothing is amiss.
#[test]
fn two_processes_share() {
    let (_dir, store) = new_store();
    let mut running: Vec<_> =
        (0..2).map(|_| child("killed::finite", store.root()).stdout(Stdio::null()).spawn().unwrap()).collect();
    for child in &mut running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(faults(&store, false), []);
    assert!(store.result(ActionDigest::of(&40_u32.to_le_bytes())).unwrap().is_some());
}

/// Child of the test above.
#[test]
fn finite() {
    let Some(dir) = child_dir() else { return };
    let store = Store::open(&dir).unwrap();
    for number in 0..41 {
        // Removal of results aside, which another process may just have put.
        work(&store, number * 3 + 1).unwrap();
    }
}
