//! `--remote-mode hybrid`: who makes what. Here while a place is free and the inputs are here, else there, and nothing twice.
//!
//! Not here: the whole corpus, which `corpus` builds.

use super::corpus::WORKERS;
use super::grid::Grid;
use super::scale::done;
use super::tiny::{FOLLOWERS, Task, Told};
use super::{Asked, place};

/// How many small actions: more than have places here.
const ACTIONS: usize = 60;

pub(super) fn run(_asked: &Asked) -> Result<(), String> {
    let farm = Grid::start(WORKERS, &[])?;
    let (address, temp) = (farm.address(), place()?);
    let make = |name: &str, actions: usize, (mode, store): (&str, &str)| -> Result<(Told, usize), String> {
        let before = farm.executions();
        let store = temp.path().join(store);
        let (told, _) = done(&Task { actions, name, address: &address, mode, store: &store })?;
        Ok((told, farm.executions() - before))
    };
    let expect = |what: &str, told: &Told, right: bool| if right { Ok(()) } else { Err(format!("{what}: {told:?}")) };

    let (one, ran) = make("one", 1, ("hybrid", "one"))?;
    expect("a place is free and all inputs are here", &one, (one.here, one.there, ran) == (1, 0, 0))?;

    let (many, ran) = make("many", ACTIONS, ("hybrid", "many"))?;
    println!("hybrid: of {ACTIONS} actions {} were made here and {} there; the farm ran {ran}", many.here, many.there);
    let all = many.here + many.there == ACTIONS && many.there == ran;
    expect("each is made once, here or there", &many, all && many.here > 0 && many.there > 0)?;
    let (there, _) = make("many", ACTIONS, ("cache", "again"))?;
    expect("the farm has the results of both", &there, there.found == ACTIONS && there.output == many.output)?;

    // What the next one needs is known, and its files are there: it goes where they are.
    make("next", FOLLOWERS + 1, ("execute", "first"))?;
    let (next, ran) = make("next", FOLLOWERS + 2, ("hybrid", "second"))?;
    println!("hybrid: one whose inputs are there was made there, though there was a place here");
    expect("inputs are there", &next, (next.here, next.there, ran) == (0, 1, 1))
}
