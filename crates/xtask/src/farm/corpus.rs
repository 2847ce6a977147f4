//! The corpus's packages on a farm of two workers, from nothing: no action runs here; then once more from the cache alone, where
//! none runs at all; and all digests are those of this machine.

use std::time::Instant;

use super::client::{Client, Ran};
use super::compare;
use super::grid::Grid;
use super::{Asked, place};

pub(super) const WORKERS: usize = 2;

pub(super) fn run(asked: &Asked) -> Result<(), String> {
    let temp = place()?;
    let [here, execute, cache] = ["here", "execute", "cache"].map(|name| temp.path().join(name));
    println!("corpus: {} packages for {}, here", asked.roots.len(), asked.targets);
    let here = asked.client(&here)?.run()?;
    println!("corpus: here, with what the store has, {:.1} s", here.wall.as_secs_f64());
    let begun = Instant::now();
    let farm = Grid::start(WORKERS, &[])?;
    println!("corpus: a farm of {} workers is up after {:.1} s", farm.workers(), begun.elapsed().as_secs_f64());
    let there = on(&farm, &asked.client(&execute)?, "execute")?;
    there.all_ended(&["made-remotely", "downloaded"])?;
    println!(
        "corpus: on the farm {:.1} s: {} actions run there, {} found in its cache, none run here",
        there.wall.as_secs_f64(),
        there.ended("made-remotely"),
        there.ended("downloaded"),
    );
    println!("corpus: {}", there.traffic);
    let cached = on(&farm, &asked.client(&cache)?, "cache")?;
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
    let same = compare::caches(&asked.local_store(), &temp.path().join("asked"), &farm.address())?;
    let made = there.ended("made-remotely");
    println!("corpus: {} packages and {same} results of actions have the digests they have here", here.outputs.len());
    if same < made {
        return Err(format!("of {made} actions that the farm ran, this machine knows {same} alone"));
    }
    Ok(())
}

/// A build on a farm with an empty store.
pub(super) fn on(farm: &Grid, client: &Client<'_>, mode: &'static str) -> Result<Ran, String> {
    let store = client.place.join("store");
    Client { store: Some(&store), remote: Some((farm.address(), mode)), ..client.clone() }.run()
}
