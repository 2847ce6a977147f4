//! Who wants everything to stop is heard, also while a run begins anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use action::digest::BlobDigest;
use exec::engine::{Engine, NodeError};
use exec::event::{End, Event};
use exec::fetch::{FetchConfig, Fetcher};
use exec::remote::{Config, Mode, Remote};

use super::graphs::{Machine, chain, engine, script};
use super::impatient;

#[test]
fn an_interrupt_is_not_lost_when_a_run_begins_anew() {
    for interrupted in [false, true] {
        let (fake, machine) = (engine(), Machine::new());
        let (mut graph, [one, _, three]) = chain();
        machine.with(&fake, Mode::Execute, &graph, &[three]).0.unwrap();
        // What is known is gone when it is wanted.
        let last = script(&mut graph, "last", "cat /in/0/one > /out/last", &[one]);
        fake.state().blobs.remove(&BlobDigest::of(b"one"));

        let store = machine.store();
        let stop = Arc::new(AtomicBool::new(false));
        let config = Config { mode: Mode::Cache, ..impatient(&fake.address()) };
        let remote = Remote::connect(Arc::clone(&store), config, Arc::clone(&stop)).unwrap();
        let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), machine.home.path().join("apt")));
        // Just before the failure is taken note of.
        let sink = |event: Event| {
            if interrupted && matches!(event, Event::Finished { end: End::Failed, .. }) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let engine = Engine::new(&store, &fetcher, "/usr/bin:/bin".into(), &stop).unwrap();
        match (Engine { jobs: 2, sink: &sink, remote: Some(&remote), ..engine }).run(&graph, &[last]) {
            Ok(_) => assert!(!interrupted),
            Err(error) => assert!(interrupted && matches!(error.cause, NodeError::Stopped), "{:?}", error.cause),
        }
        // A failure that passes is nobody's wish.
        assert_eq!(stop.load(Ordering::Relaxed), interrupted);
    }
}
