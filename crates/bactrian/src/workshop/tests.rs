use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::*;
use crate::args::MessageFormat;
use crate::surroundings::Surroundings;
use crate::timings::Recorder;
use crate::ui::{Look, captured};

/// What becomes of a connection to where nobody listens, and what is printed.
fn unreachable(mode: Mode, look: Look, check: impl FnOnce(&Workshop<'_>)) -> (String, String) {
    let home = tempfile::tempdir().unwrap();
    let (ui, out, err) = captured::ui(look);
    let around = Surroundings::for_test([]);
    let ctx = Context { ui: &ui, around: &around, timings: Recorder::default() };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("grpc://127.0.0.1:{port}").parse().unwrap();
    let remote = Config { mode, patience: Duration::from_millis(300), ..Config::new(address) };
    let means = Means { remote: Some(remote), ..Means::for_test(home.path().join("store")) };
    check(&Workshop::open(&ctx, &means).unwrap());
    (out.text(), err.text())
}

#[test]
fn a_cache_that_cannot_be_reached_is_done_without() {
    for mode in [Mode::Cache, Mode::Hybrid] {
        let (_, told) = unreachable(mode, Look::DEFAULT, |workshop| {
            assert!(workshop.remote().unwrap().is_none() && workshop.remote().unwrap().is_none());
            // Who can do nothing without it says so.
            assert_eq!(workshop.connection().unwrap_err().exit().code(), 5);
        });
        assert_eq!(told.matches("warning: ").count(), 1, "{told}");
        assert!(told.contains("no connection to grpc://127.0.0.1:"), "{told}");
    }
    let look = Look { format: MessageFormat::Json, ..Look::DEFAULT };
    let (messages, _) = unreachable(Mode::Cache, look, |workshop| assert!(workshop.remote().unwrap().is_none()));
    assert_eq!(messages.matches("\"remote-off\"").count(), 1, "{messages}");
}

#[test]
fn an_engine_that_cannot_be_reached_is_waited_for() {
    let (_, told) = unreachable(Mode::Execute, Look::DEFAULT, |workshop| {
        let begun = Instant::now();
        assert_eq!(workshop.remote().unwrap_err().exit().code(), 5);
        assert!(begun.elapsed() > Duration::from_millis(100), "{:?}", begun.elapsed());
    });
    assert_eq!(told.matches("waiting for the remote engine").count(), 1, "{told}");
}
