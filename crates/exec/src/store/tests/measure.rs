//! How long things take; not a test of anything, so run by hand:
//! `cargo test -p exec --release -- --ignored --nocapture measure`.

use std::fs;
use std::time::{Duration, Instant};

use action::digest::ActionDigest;
use action::outcome::CachedResult;
use tempfile::TempDir;

use super::super::{MemoValue, Policy, Store};

const FILES: usize = 10_000;

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (begun, used) = (Instant::now(), processor_ms());
    let done = work();
    let used = processor_ms() - used;
    println!("{what:40} {:>12.3} ms, processors {used} ms", begun.elapsed().as_secs_f64() * 1000.0);
    done
}

/// What all threads have used of the processors; unlike elapsed time it means something on a busy machine.
fn processor_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // User and system time in hundredths of a second, counted from behind the name (proc_pid_stat(5)).
    let fields = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}

fn each<T>(what: &str, times: u32, mut work: impl FnMut(u32) -> T) {
    let begun = Instant::now();
    (0..times).for_each(|number| drop(work(number)));
    println!("{what:40} {:>12.1} µs each", (begun.elapsed() / times).as_secs_f64() * 1_000_000.0);
}

#[test]
#[ignore = "prints numbers, checks nothing"]
fn measure() {
    for place in ["/dev/shm", "/tmp"] {
        let Ok(dir) = TempDir::new_in(place) else { continue };
        println!("--- {place}: {FILES} files, 100 directories, 8 KiB each");
        let root = dir.path().join("store");
        let store = timed("make a store", || Store::open(&root).unwrap());
        each("open a store", 200, |_| Store::open(&root).unwrap());
        let scratch = store.scratch().unwrap();
        let source = |salt: u8| {
            let source = scratch.path().join("source");
            for number in 0..FILES {
                let path = source.join(format!("{}/{number}", number % 100));
                if number < 100 {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                }
                let mut bytes = number.to_le_bytes().repeat(1024);
                bytes[0] = salt;
                fs::write(path, bytes).unwrap();
            }
            source
        };
        let dir = source(0);
        let tree = timed("ingest", || store.ingest(&dir).unwrap());
        let dir = source(0);
        timed("ingest the same again", || store.ingest(&dir).unwrap());
        let dir = source(1);
        timed("ingest another", || store.ingest(&dir).unwrap());
        timed("checkout", || store.checkout(tree).unwrap());
        each("checkout that is there", 1000, |_| store.checkout(tree).unwrap());
        let message = timed("tree message", || store.tree_message(tree).unwrap());
        each("put 1 KiB", 100, |number| store.put(&number.to_le_bytes().repeat(256)).unwrap());
        let action = |number: u32| ActionDigest::of(&number.to_le_bytes());
        let result = CachedResult { output: tree, tree: message, stdout: message, stderr: message };
        each("put a result", 100, |number| store.put_result(action(number), &result).unwrap());
        each("find a result", 1000, |number| store.result(action(number % 100)).unwrap().unwrap());
        each("find no result", 1000, |number| store.result(action(number + 1000)).unwrap());
        store.memo_put("kind", b"key", MemoValue::Tree(tree)).unwrap();
        each("find a memo", 1000, |_| store.memo_get("kind", b"key").unwrap().unwrap());
        each("lock", 1000, |_| store.lock("make", b"key").unwrap());
        each("scratch", 1000, |_| store.scratch().unwrap());
        let verified = timed("verify", || store.verify(false, &mut |fault| panic!("{fault:?}")).unwrap());
        println!("{verified:?}");
        timed("stats", || store.stats().unwrap());
        drop(scratch);
        drop(store);
        let mut store = Store::open(&root).unwrap();
        println!("{:?}", timed("gc of nearly half", || store.gc(&Policy::default()).unwrap()));
        println!(
            "{:?}",
            timed("gc of all", || { store.gc(&Policy { max_age: Some(Duration::ZERO), max_bytes: Some(0) }).unwrap() })
        );
    }
}
