//! Operations that are followed: queues, streams that break, whoever stops. Not here: what answers say (`execution`).

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use action::outcome::Status;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use exec::remote::{Fault, RemoteError};
use tonic::Code;
use wire::execution_stage::Value as At;

use super::server::{Do, Fake, Step};
use super::{Client, fault};

const BROKEN: Step = Step::Break(Code::Unavailable, "Stream removed (Socket closed)");

#[test]
fn who_waits_for_a_worker_that_runs_another_action_waits_rightly() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.queue_timeout = Duration::from_millis(50));
    let long = [Step::At(At::Queued), Step::At(At::Executing), Step::Wait(300), Step::Run];
    let waits = [Step::At(At::Queued), Step::Wait(200), Step::At(At::Executing), Step::Run];
    fake.plan("Execute", [Do::Tell(long.into()), Do::Tell(waits.into())]);
    thread::scope(|scope| {
        for run in [scope.spawn(|| client.run().0), scope.spawn(|| client.run().0)] {
            assert_eq!(run.join().unwrap().unwrap().status, Status::Success);
        }
    });
    assert!(fake.state().cancelled.is_empty());
}

#[test]
fn a_queue_is_looked_at_also_where_the_engine_talks_all_the_time() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.queue_timeout = Duration::from_millis(50));
    let talks = (0..100).flat_map(|_| [Step::At(At::Queued), Step::Wait(10)]);
    fake.plan("Execute", [Do::Tell(talks.collect())]);
    assert!(matches!(client.run().0, Err(RemoteError::Queued { .. })));
    assert_eq!(fake.state().cancelled.len(), 1);
}

#[test]
fn streams_that_all_break_at_once_are_not_opened_for_ever() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let breaks = || Do::Tell(vec![Step::At(At::Executing), BROKEN]);
    fake.plan("Execute", [breaks()]);
    fake.plan("WaitExecution", (0..1000).map(|_| breaks()));
    assert_eq!(fault(client.run().0), Some(Fault::Unreachable));
    assert!(fake.calls("WaitExecution") < 20, "{}", fake.calls("WaitExecution"));
    assert_eq!(fake.calls("Execute"), 1);

    // Also where the engine forgets each operation, and gives the next one another name.
    let (fake, forgets) = (Fake::start(), || Do::Refuse(Code::NotFound, "no such operation"));
    let client = Client::of(&fake);
    fake.plan("Execute", (0..1000).map(|_| breaks()));
    fake.plan("WaitExecution", (0..1000).map(|_| forgets()));
    assert_eq!(fault(client.run().0), Some(Fault::Unreachable));
    assert!(fake.calls("Execute") < 20, "{}", fake.calls("Execute"));
}

#[test]
fn streams_that_a_proxy_ends_now_and_then_do_not_end_an_action() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.patience = Duration::from_millis(200));
    let breaks = || Do::Tell(vec![Step::At(At::Executing), Step::Wait(30), BROKEN]);
    fake.plan("Execute", [breaks()]);
    // For longer than anybody is patient.
    fake.plan("WaitExecution", (0..10).map(|_| breaks()));
    assert_eq!(client.run().0.unwrap().status, Status::Success);
    assert_eq!((fake.calls("Execute"), fake.calls("WaitExecution")), (1, 11));
}

#[test]
fn an_operation_that_ends_when_the_command_may_run_no_longer_is_a_time_limit() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let mut action = client.action(b"input");
    action.timeout = Duration::from_millis(10);
    let late = Step::Error(Code::DeadlineExceeded, "");
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), Step::Wait(100), late.clone()])]);
    assert_eq!(client.remote.execute(&action, &|_| ()).unwrap().status, Status::TimedOut);
    assert_eq!(fake.calls("Execute"), 1);
    // What the engine was too late with says nothing of the command.
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), late.clone()]), Do::Tell(vec![Step::Wait(30), late])]);
    assert_eq!(client.remote.execute(&action, &|_| ()).unwrap().status, Status::Success);
    assert_eq!(fake.calls("Execute"), 4);
}

#[test]
fn whoever_has_stopped_asks_for_nothing() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.forget_calls();
    client.stop.store(true, Ordering::Relaxed);
    assert!(matches!(client.run().0, Err(RemoteError::Stopped)));
    assert!(fake.state().calls.is_empty(), "{:?}", fake.methods());
}

#[test]
fn those_who_wait_to_send_when_everything_stops_submit_nothing() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    // The next ones would be quick.
    fake.plan("FindMissingBlobs", [Do::Hang]);
    thread::scope(|scope| {
        let runs = [(); 8].map(|()| scope.spawn(|| client.run().0));
        while fake.calls("FindMissingBlobs") == 0 {
            thread::yield_now();
        }
        client.stop.store(true, Ordering::Relaxed);
        for run in runs {
            assert!(matches!(run.join().unwrap(), Err(RemoteError::Stopped)));
        }
    });
    assert_eq!((fake.calls("FindMissingBlobs"), fake.calls("Execute")), (1, 0));
}

#[test]
fn an_operation_that_has_no_name_when_everything_stops_is_cancelled_when_it_has() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::Wait(150), Step::Hang])]);
    thread::scope(|scope| {
        let run = scope.spawn(|| client.run().0);
        while fake.calls("Execute") == 0 {
            thread::yield_now();
        }
        client.stop.store(true, Ordering::Relaxed);
        assert!(matches!(run.join().unwrap(), Err(RemoteError::Stopped)));
    });
    assert_eq!(fake.state().cancelled.len(), 1);
}
