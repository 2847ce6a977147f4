//! What a cache is told of what was made here, and when again.

use std::sync::Arc;

use action::digest::BlobDigest;
use action::graph::{Graph, NodeId};
use exec::event::End;
use exec::remote::{Config, Mode, Remote};

use super::graphs::{CHAIN, Ends, Machine, all, chain, ends, engine, script};
use super::impatient;
use super::server::Fake;

/// Makes a goal with a cache that knows actions by these platform properties.
fn on_platform(machine: &Machine, fake: &Fake, platform: &[(&str, &str)], (graph, goal): (&Graph, NodeId)) -> Ends {
    fake.forget_calls();
    let store = machine.store();
    let platform = platform.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let config = Config { mode: Mode::Cache, platform, ..impatient(&fake.address()) };
    let remote = Remote::connect(Arc::clone(&store), config, Arc::default()).unwrap();
    let (report, ended) = machine.run(&store, Some(&remote), graph, &[goal]);
    report.unwrap();
    ended
}

#[test]
fn a_cache_is_told_anew_under_other_platform_properties() {
    let (fake, machine) = (Fake::start(), Machine::new());
    let (graph, [.., three]) = chain();
    let (none, linux): (&[_], &[_]) = (&[], &[("OSFamily", "linux")]);
    for (platform, told) in [(none, 3), (none, 0), (linux, 3), (linux, 0), (none, 0)] {
        on_platform(&machine, &fake, platform, (&graph, three));
        assert_eq!(fake.calls("UpdateActionResult"), told, "{platform:?}");
        assert_eq!(fake.state().calls.len() == 1, told == 0, "{platform:?} {:?}", fake.methods());
    }
    // So that a farm's machines find it.
    let next = Machine::new();
    assert_eq!(on_platform(&next, &fake, linux, (&graph, three)), all(End::Downloaded));
    // Which need not tell what they were told.
    assert_eq!(on_platform(&next, &fake, linux, (&graph, three)), all(End::Cached));
    assert_eq!(fake.state().calls.len(), 1, "{:?}", fake.methods());
}

#[test]
fn a_cache_that_was_emptied_is_told_again() {
    let (fake, machine) = (Fake::start(), Machine::new());
    let (mut graph, [.., three]) = chain();
    machine.with(&fake, Mode::Cache, &graph, &[three]).0.unwrap();
    assert_eq!(fake.state().results.len(), CHAIN.len());
    fake.state().results.clear();
    fake.state().blobs.clear();
    // Who makes nothing asks nothing.
    machine.with(&fake, Mode::Cache, &graph, &[three]).0.unwrap();
    assert_eq!(fake.state().calls.len(), 1, "{:?}", fake.methods());
    let last = script(&mut graph, "last", "cat /in/0/three > /out/last", &[three]);
    machine.with(&fake, Mode::Cache, &graph, &[last]).0.unwrap();
    assert_eq!(fake.state().results.len(), 4);
    let (report, ended) = Machine::new().with(&fake, Mode::Cache, &graph, &[last]);
    report.unwrap();
    assert!(ended.values().all(|end| *end == End::Downloaded), "{ended:?}");

    // While it has them, a few are asked for, and nothing is told.
    let after = script(&mut graph, "after", "cat /in/0/last > /out/after", &[last]);
    machine.with(&fake, Mode::Cache, &graph, &[after]).0.unwrap();
    assert_eq!((fake.calls("GetActionResult"), fake.calls("UpdateActionResult")), (5, 1));
}

#[test]
fn a_cache_is_told_of_what_is_found_only_while_the_graph_runs() {
    let (fake, machine) = (Fake::start(), Machine::new());
    let (graph, [.., three]) = chain();
    machine.alone(&graph, &[three]).0.unwrap();
    // As where the machine's own tools have changed: what they are has to be seen again, and then all is there.
    std::fs::remove_dir_all(machine.home.path().join("store/memo/capture")).unwrap();
    let (_, ended) = machine.with(&fake, Mode::Cache, &graph, &[three]);
    assert_eq!((ended, fake.state().results.len()), (all(End::Cached), CHAIN.len()));
    machine.with(&fake, Mode::Cache, &graph, &[three]).0.unwrap();
    assert_eq!(fake.state().calls.len(), 1, "{:?}", fake.methods());
}

#[test]
fn a_cache_that_has_lost_something_is_told_again() {
    let (fake, machine) = (engine(), Machine::new());
    let (mut graph, [one, _, three]) = chain();
    machine.with(&fake, Mode::Execute, &graph, &[three]).0.unwrap();
    let own = script(&mut graph, "own", "printf own > /out/own", &[]);
    machine.with(&fake, Mode::Cache, &graph, &[own]).0.unwrap();
    let told = fake.state().results.len();
    // It is known, and was told of.
    fake.state().results.clear();
    fake.state().blobs.remove(&BlobDigest::of(b"one"));
    let (_, ended) = machine.with(&fake, Mode::Cache, &graph, &[one, own]);
    assert_eq!(ended, ends(&[("one", End::Made), ("own", End::Cached)]));
    assert_eq!((told, fake.state().results.len()), (4, 2));
}
