//! What a client costs: time for each cached action, memory, calls and bytes; and clients that want the same at once.
//!
//! `--actions N` for the size of the largest graph (10 000; of BuildGrid's a tenth), `--clients N` for the largest crowd (10). Bounds
//! are the issue's, the same for both engines.
//! Not here: how fast engines are.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use super::client::Client;
use super::corpus::WORKERS;
use super::either::Kind;
use super::grid::Grid;
use super::tiny::{Task, Told};
use super::{Asked, place};
use crate::bench::with_peak;

/// Actions that are found in a cache, and how long that may take.
const CACHED: usize = 1000;
const CACHED_WALL: Duration = Duration::from_secs(3);
/// Client time for each.
const CACHED_EACH: Duration = Duration::from_millis(5);
/// A file system in memory. ext4 does not use an inode again for minutes, and looks at each of those whenever it makes a file
/// (`recently_deleted` in fs/ext4/ialloc.c): what this machine has just built, and removed the scratch of, would be measured with what
/// another machine finds.
const MEMORY_DISK: &str = "/dev/shm";
/// How long an empty store may take to have everything.
const RESTORE: Duration = Duration::from_secs(30);
/// Bytes of memory that a client may have.
const MEMORY: u64 = 300 << 20;
/// Actions that clients want at the same time.
const SHARED: usize = 40;
/// Blobs that each action has that no other has: action, command, recipe and the root with it; its output, two logs of nothing, and
/// the output's tree.
const BLOBS: u64 = 4;
/// Calls for each action that an engine makes, at most: a look-up, what the engine lacks, a batch of that, the action, its output's tree;
/// and one more, for large inputs and goals. None is for one blob.
const CALLS: u64 = 6;

pub(super) fn run(asked: &Asked) -> Result<(), String> {
    for kind in Kind::ALL {
        restore(asked, kind)?;
        cached(kind)?;
        many(kind, kind.actions(asked.actions))?;
    }
    together(asked.clients)
}

/// A cache that has what this machine's store has, and an empty store that takes it from there.
fn restore(asked: &Asked, kind: Kind) -> Result<(), String> {
    let temp = place()?;
    let cache = kind.start()?;
    let [told, taken] = ["told", "taken"].map(|name| temp.path().join(name));
    let remote = || Some((cache.address(), "cache"));
    let ran = Client { remote: remote(), ..asked.client(&told)? }.run()?;
    println!(
        "scale: telling {kind} of {} packages {:.1} s: {}",
        ran.outputs.len(),
        ran.wall.as_secs_f64(),
        ran.traffic
    );
    let store = taken.join("store");
    let ran = Client { remote: remote(), store: Some(&store), ..asked.client(&taken)? }.run()?;
    ran.all_ended(&["downloaded"])?;
    println!(
        "scale: restored toolchains and {} packages, {} results, from {kind} in {:.1} s: {}",
        ran.outputs.len(),
        ran.ended("downloaded"),
        ran.wall.as_secs_f64(),
        ran.traffic
    );
    within(&format!("restoring from {kind}"), ran.wall, RESTORE)
}

/// Actions that a cache has, for an empty store.
fn cached(kind: Kind) -> Result<(), String> {
    let temp = place()?;
    let cache = kind.start()?;
    let made = temp.path().join("made");
    let (actions, address) = (kind.actions(CACHED), cache.address());
    let task = Task { actions, name: "cached", address: &address, mode: "cache", store: &made };
    let (here, _) = done(&task)?;
    let memory = tempfile::tempdir_in(MEMORY_DISK).map_err(|error| format!("{MEMORY_DISK}: {error}"))?;
    let empty = memory.path().join("empty");
    let (found, peak) = done(&Task { store: &empty, ..task.clone() })?;
    if found.found != actions || found.output != here.output {
        return Err(format!("of {actions} actions {} were found in {kind}", found.found));
    }
    let each = found.cpu / u32::try_from(actions).unwrap_or(1);
    println!(
        "scale: {actions} cached actions of {kind} {:.2} s, {:.2} ms of the client's processor time each; {} calls, {} KiB received, \
         {} MiB of memory",
        found.wall.as_secs_f64(),
        each.as_secs_f64() * 1e3,
        found.calls,
        found.received >> 10,
        peak >> 20
    );
    let (disk, _) = done(&Task { store: &temp.path().join("empty"), ..task })?;
    println!("scale: with the store beside the one that made them {:.2} s", disk.wall.as_secs_f64());
    within(&format!("{actions} cached actions of {kind}"), found.wall, CACHED_WALL)?;
    within(&format!("a cached action of {kind}"), each, CACHED_EACH)
}

/// A large graph made by an engine.
fn many(kind: Kind, actions: usize) -> Result<(), String> {
    let temp = place()?;
    let engine = kind.start()?;
    let (address, store) = (engine.address(), temp.path().join("store"));
    let (told, peak) = done(&Task { actions, name: "many", address: &address, mode: "execute", store: &store })?;
    let blobs = actions as u64 * BLOBS;
    println!(
        "scale: {actions} small actions made by {kind} in {:.1} s, {:.1} s of the client's processor time; {} calls for {blobs} blobs of \
         theirs alone, {} KiB sent, {} KiB received, {} MiB of memory",
        told.wall.as_secs_f64(),
        told.cpu.as_secs_f64(),
        told.calls,
        told.sent >> 10,
        told.received >> 10,
        peak >> 20
    );
    if told.there != actions {
        return Err(format!("of {actions} actions {} ran on {kind}", told.there));
    }
    let calls = actions as u64 * CALLS;
    if told.calls > calls {
        return Err(format!("{actions} actions on {kind} took {} calls, bound {calls}", told.calls));
    }
    if peak > MEMORY {
        return Err(format!("a client had {} MiB of memory, bound {} MiB", peak >> 20, MEMORY >> 20));
    }
    Ok(())
}

/// Clients that want the same at the same time, each with an empty store.
fn together(most: usize) -> Result<(), String> {
    let mut farm = Grid::start(WORKERS, &[])?;
    let address = farm.address();
    let mut alone = None;
    for clients in [1, 2, most] {
        let temp = place()?;
        let name = format!("together {clients}");
        let before = farm.executions();
        let start = |number: usize| -> Result<(Child, PathBuf), String> {
            let store = temp.path().join(number.to_string());
            let task = Task { actions: SHARED, name: &name, address: &address, mode: "execute", store: &store };
            let mut line = task.command()?;
            let child = line.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            Ok((child.map_err(|error| format!("{line:?}: {error}"))?, store))
        };
        let mut started = (0..clients).map(start).collect::<Result<Vec<_>, _>>()?;
        while started.iter_mut().any(|(child, _)| matches!(child.try_wait(), Ok(None))) {
            thread::sleep(Duration::from_millis(50));
            farm.supervise()?;
        }
        let told = started.into_iter().map(|(child, store)| ended(child, &store)).collect::<Result<Vec<_>, _>>()?;
        let executions = farm.executions() - before;
        let wall = told.iter().map(|told| told.wall).max().unwrap_or_default();
        println!(
            "scale: {clients} client(s) at once, {SHARED} actions: {executions} executions, {:.1} s",
            wall.as_secs_f64()
        );
        if told.iter().any(|one| Some(&one.output) != told.first().map(|told| &told.output)) {
            return Err("clients that made the same have different outputs".to_owned());
        }
        // Each asks for an action once; what the engine does with equal questions at one instant is its own affair.
        let asked: usize = told.iter().map(|told| told.there + told.found).sum();
        if asked != clients * SHARED || executions > told.iter().map(|told| told.there).sum() {
            return Err(format!(
                "{executions} executions, and clients know of {:?}",
                told.iter().map(|told| told.there).collect::<Vec<_>>()
            ));
        }
        if *alone.get_or_insert(executions) != SHARED {
            return Err(format!("one client had {executions} executions of {SHARED} actions"));
        }
    }
    Ok(())
}

fn ended(child: Child, store: &Path) -> Result<Told, String> {
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Told::parse(&text(&output.stdout));
    }
    Err(format!(
        "the client with {}: {} {}{}",
        store.display(),
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    ))
}

/// Has a client of its own do a task; its memory at the most, in bytes.
pub(super) fn done(task: &Task<'_>) -> Result<(Told, u64), String> {
    let (printed, peak) = with_peak(&mut task.command()?)?;
    Ok((Told::parse(&printed)?, peak))
}

fn within(what: &str, time: Duration, bound: Duration) -> Result<(), String> {
    if time <= bound {
        return Ok(());
    }
    Err(format!("{what} took {:.3} s, bound {:.3} s", time.as_secs_f64(), bound.as_secs_f64()))
}
