//! The corpus's packages on an engine, from nothing: no action runs here; then once more from its cache alone, where none runs at
//! all; and all digests are those of this machine. BuildGrid has two workers; casd is one program that runs actions itself.

use std::time::Instant;

use super::client::{Client, Ran};
use super::compare;
use super::either::{Either, Kind};
use super::{Asked, place};

pub(super) const WORKERS: usize = 2;

pub(super) fn run(asked: &Asked) -> Result<(), String> {
    let temp = place()?;
    println!("corpus: {} packages for {}, here", asked.roots.len(), asked.targets);
    let here = asked.client(&temp.path().join("here"))?.run()?;
    println!("corpus: here, with what the store has, {:.1} s", here.wall.as_secs_f64());
    Kind::ALL.into_iter().try_for_each(|kind| there(asked, kind, &here))
}

/// The same by one engine, compared with what was made `here`.
fn there(asked: &Asked, kind: Kind, here: &Ran) -> Result<(), String> {
    let temp = place()?;
    let [execute, cache] = ["execute", "cache"].map(|name| temp.path().join(name));
    let begun = Instant::now();
    let engine = kind.start()?;
    println!("corpus: {kind} is up after {:.1} s", begun.elapsed().as_secs_f64());
    let there = on(&engine, &asked.client(&execute)?, "execute")?;
    there.all_ended(&["made-remotely", "downloaded"])?;
    println!(
        "corpus: by {kind} {:.1} s: {} actions run there, {} found in its cache, none run here",
        there.wall.as_secs_f64(),
        there.ended("made-remotely"),
        there.ended("downloaded"),
    );
    println!("corpus: {}", there.traffic);
    let cached = on(&engine, &asked.client(&cache)?, "cache")?;
    cached.all_ended(&["downloaded"])?;
    println!(
        "corpus: from its cache into an empty store {:.1} s: {} results, no action run",
        cached.wall.as_secs_f64(),
        cached.ended("downloaded")
    );
    println!("corpus: {}", cached.traffic);
    for ran in [&there, &cached] {
        compare::outputs(&ran.outputs, &here.outputs)?;
    }
    let same = compare::caches(&asked.local_store(), &temp.path().join("asked"), &engine.address())?;
    let made = there.ended("made-remotely");
    println!("corpus: {} packages and {same} results of actions have the digests they have here", here.outputs.len());
    if same < made {
        return Err(format!("of {made} actions that {kind} ran, this machine knows {same} alone"));
    }
    Ok(())
}

/// A build on an engine with an empty store.
fn on(engine: &Either, client: &Client<'_>, mode: &'static str) -> Result<Ran, String> {
    let store = client.place.join("store");
    Client { store: Some(&store), remote: Some((engine.address(), mode)), ..client.clone() }.run()
}
