//! The store against what people know: taking over a big tree, and laying it out again, against `cp -r` and `tar`.
//!
//! All on one file system, each several times in turn, the tree warm in memory. What is compared is not the same work:
//! the store hashes every byte and makes all durable before it says a word, `cp` and `tar` do neither; the store lays out
//! hard links.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use exec::store::Store;
use testkit::{command, output};

use super::{median, timed};

/// About what a C compiler with its headers has.
const DIRECTORIES: u64 = 400;
const FILES: u64 = 20_000;
const RUNS: usize = 3;

pub(crate) fn run() -> Result<(), String> {
    // On the file system where stores are.
    let place = testkit::store();
    let place = place.parent().filter(|parent| parent.is_dir()).map_or_else(std::env::temp_dir, Path::to_owned);
    let temp = tempfile::tempdir_in(place).map_err(|error| error.to_string())?;
    let tree = temp.path().join("tree");
    let bytes = plant(&tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    let mut times: [Vec<Duration>; 6] = Default::default();
    for run in 0..RUNS {
        let round = once(temp.path(), &tree, run)?;
        times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
    }
    let [copy, synced, pack, unpack, ingest, checkout] = times.map(median);
    println!("store: {FILES} files in {DIRECTORIES} directories, {} MiB, medians of {RUNS}", bytes >> 20);
    println!("store: cp -r {copy:.2} s, with sync {synced:.2} s, tar c {pack:.2} s, tar x {unpack:.2} s");
    println!(
        "store: ingest {ingest:.2} s: {:.2} of cp -r, {:.2} of cp -r with sync, {:.2} of tar c",
        ingest / copy,
        ingest / synced,
        ingest / pack
    );
    println!("store: checkout {checkout:.2} s: {:.2} of cp -r, {:.2} of tar x", checkout / copy, checkout / unpack);
    Ok(())
}

/// One round: `cp -r`, the same with `sync`, `tar c`, `tar x`, ingest, checkout.
fn once(temp: &Path, tree: &Path, run: usize) -> Result<[Duration; 6], String> {
    let place = |name: &str| temp.join(format!("{name}-{run}"));
    let cp = |to: &Path| {
        let mut line = command("cp");
        line.arg("-r").arg(tree).arg(to);
        line
    };
    let settle = || output(command("sync").arg("-f").arg(temp)).map(drop);
    settle()?;
    let copy = timed(&mut cp(&place("copy")))?;
    settle()?;
    let synced = timed(&mut cp(&place("synced")))? + timed(command("sync").arg("-f").arg(temp))?;
    let archive = place("archive");
    let pack = timed(tar("cf", &archive).arg("-C").arg(tree).arg("."))?;
    let unpacked = place("unpacked");
    fs::create_dir(&unpacked).map_err(|error| error.to_string())?;
    let unpack = timed(tar("xf", &archive).arg("-C").arg(&unpacked))?;
    settle()?;
    let told = |error: exec::store::StoreError| error.to_string();
    let store = Store::open(&place("store")).map_err(told)?;
    let begun = Instant::now();
    let digest = store.ingest(&place("copy")).map_err(told)?;
    let ingest = begun.elapsed();
    let begun = Instant::now();
    let there = store.checkout(digest).map_err(told)?;
    let checkout = begun.elapsed();
    output(command("diff").arg("-r").arg(tree).arg(there))?;
    drop(store);
    for used in ["synced", "unpacked", "store"] {
        fs::remove_dir_all(place(used)).map_err(|error| error.to_string())?;
    }
    fs::remove_file(archive).map_err(|error| error.to_string())?;
    Ok([copy, synced, pack, unpack, ingest, checkout])
}

fn tar(how: &str, archive: &Path) -> Command {
    let mut line = command("tar");
    line.arg(how).arg(archive);
    line
}

/// Makes the tree, always the same; returns how many bytes are in it.
fn plant(tree: &Path) -> std::io::Result<u64> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut bytes = 0;
    for directory in 0..DIRECTORIES {
        let directory = tree.join((directory % 20).to_string()).join(directory.to_string());
        fs::create_dir_all(&directory)?;
        for file in 0..FILES / DIRECTORIES {
            // Many small ones and a few big ones, as in sources and compilers.
            let length = 1 << (next() % 12 + if next() % 100 == 0 { 8 } else { 2 });
            let contents: Vec<u8> = std::iter::repeat_with(|| next().to_le_bytes()).flatten().take(length).collect();
            fs::write(directory.join(file.to_string()), &contents)?;
            bytes += contents.len() as u64;
        }
    }
    Ok(bytes)
}
