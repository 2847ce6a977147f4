//! Actions on an engine to which things happen.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use action::digest::BlobDigest;
use action::outcome::{Place, Status};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use exec::remote::{Fault, RemoteError, Stage, Told};
use tonic::Code;
use wire::execution_stage::Value as At;

use super::server::{Do, Fake, Step, failed};
use super::{Client, fault};

/// The answer that a command ended with `code`, with these words.
fn ended(code: i32, stderr: &str, cached: bool) -> Step {
    let result =
        wire::ActionResult { exit_code: code, stderr_raw: stderr.as_bytes().to_vec(), ..wire::ActionResult::default() };
    Step::Done(Box::new(wire::ExecuteResponse {
        result: Some(result),
        cached_result: cached,
        ..wire::ExecuteResponse::default()
    }))
}

fn no(code: Code, message: &str) -> Step {
    Step::Done(Box::new(failed(code, message)))
}

fn tell(step: Step) -> Do {
    Do::Tell(vec![step])
}

fn success(client: &Client) {
    let (outcome, _) = client.run();
    let outcome = outcome.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(client.read(outcome.output.unwrap(), "made"), b"by a worker");
}

#[test]
fn an_action_runs_once_and_is_then_a_cached_result() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let (outcome, stages) = client.run();
    let outcome = outcome.unwrap();
    assert_eq!((outcome.status, outcome.place), (Status::Success, Place::Remote));
    assert_eq!(stages, [Stage::Sending, Stage::Asked, Stage::Queued, Stage::Running]);
    assert_eq!((fake.calls("FindMissingBlobs"), fake.calls("BatchUpdateBlobs"), fake.calls("Execute")), (1, 1, 1));
    let again = client.run().0.unwrap();
    assert_eq!((again.place, again.output), (Place::RemoteCache, outcome.output));
    // What the server was found to have is not asked for again, but for the action itself.
    assert_eq!((fake.calls("FindMissingBlobs"), fake.calls("BatchUpdateBlobs")), (2, 1));
}

#[test]
fn it_is_told_where_an_action_ran_and_what_that_cost() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Queued), Step::At(At::Executing), Step::Run])]);
    let ran = |told: Vec<Told>| match told.as_slice() {
        [.., Told::At(_), Told::Ran(errand)] => errand.clone(),
        other => panic!("{other:?}"),
    };
    // As seen from here, for the engine says nothing: a stage lasts until the next one is seen, and that is looked for late.
    let look_late = |told: &Told| match told {
        Told::At(Stage::Queued) => thread::sleep(Duration::from_millis(60)),
        Told::At(Stage::Running) => thread::sleep(Duration::from_millis(30)),
        Told::At(_) | Told::Ran(_) => (),
    };
    let errand = ran(client.run_seeing(look_late).1);
    assert!(errand.queued >= Duration::from_millis(60) && errand.running >= Duration::from_millis(30), "{errand:?}");
    assert_eq!((errand.worker, errand.sent), (None, client.remote.traffic().sent()));
    // What is in the cache costs nothing.
    assert!(!client.run_telling().1.iter().any(|told| matches!(told, Told::Ran(_))));

    fake.state().results.clear();
    let mut result = fake.state().result(&[("made", b"by a worker".to_vec())]);
    let at = |seconds| Some(action::remote_apis::google::protobuf::Timestamp { seconds, nanos: 0 });
    result.execution_metadata = Some(wire::ExecutedActionMetadata {
        worker: "w1".to_owned(),
        queued_timestamp: at(1_000),
        worker_start_timestamp: at(1_007),
        worker_completed_timestamp: at(1_012),
        ..Default::default()
    });
    fake.plan(
        "Execute",
        [tell(Step::Done(Box::new(wire::ExecuteResponse { result: Some(result), ..Default::default() })))],
    );
    let told = client.run_telling().1;
    assert_eq!(
        told.get(..2),
        Some(&[Told::At(Stage::Sending), Told::At(Stage::Asked)][..]),
        "the engine tells no stage"
    );
    let errand = ran(told);
    assert_eq!((errand.worker.as_deref(), errand.sent), (Some("w1"), 0));
    assert_eq!((errand.queued, errand.running), (Duration::from_secs(7), Duration::from_secs(5)));
}

#[test]
fn a_lost_worker_is_waited_for() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let steps = [At::Queued, At::Executing, At::Queued, At::Executing].map(Step::At).into_iter().chain([Step::Run]);
    fake.plan("Execute", [Do::Tell(steps.collect())]);
    let (outcome, stages) = client.run();
    assert_eq!(outcome.unwrap().status, Status::Success);
    let queued = [Stage::Queued, Stage::Running, Stage::Requeued, Stage::Running];
    assert_eq!(stages, [&[Stage::Sending, Stage::Asked], &queued[..]].concat());
    assert_eq!(fake.calls("Execute"), 1);
}

#[test]
fn workers_lost_again_and_again_are_the_engines_failure() {
    let retried = || tell(no(Code::Aborted, "Job was retried 5 unsuccessfully. Aborting."));
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [retried(), retried()]);
    success(&client);
    assert_eq!(fake.calls("Execute"), 3);
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [retried(), retried(), retried()]);
    assert_eq!(fault(client.run().0), Some(Fault::Abandoned));
    assert_eq!(fake.calls("Execute"), 3);
}

#[test]
fn an_engine_that_answers_that_it_has_no_time_is_waited_for() {
    for (code, message) in
        [(Code::Unavailable, "the scheduler is starting"), (Code::ResourceExhausted, "too many actions")]
    {
        let fake = Fake::start();
        let client = Client::of(&fake);
        fake.plan("Execute", (0..4).map(|_| tell(no(code, message))));
        success(&client);
        assert_eq!(fake.calls("Execute"), 5);
    }
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", (0..100).map(|_| tell(no(Code::Unavailable, "the scheduler is starting"))));
    assert_eq!(fault(client.run().0), Some(Fault::Unreachable));
    assert!(fake.calls("Execute") < 20);
}

#[test]
fn between_the_tries_of_an_action_there_is_time() {
    for failure in [ended(127, "", false), no(Code::Internal, "oops")] {
        let fake = Fake::start();
        let client = Client::with(&fake, |config| config.patience = Duration::from_secs(5));
        fake.plan("Execute", [tell(failure.clone()), tell(failure)]);
        let begun = std::time::Instant::now();
        success(&client);
        assert!(begun.elapsed() >= Duration::from_millis(50 + 100));
    }
}

#[test]
fn a_broken_stream_is_taken_up_again() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let broken = vec![Step::At(At::Executing), Step::Break(Code::Unavailable, "Stream removed (Socket closed)")];
    fake.plan("Execute", [Do::Tell(broken)]);
    success(&client);
    assert_eq!((fake.calls("Execute"), fake.calls("WaitExecution")), (1, 1));
    let state = fake.state();
    assert!(state.waited[0].starts_with(&state.executed[0].0), "it was the operation's name");
}

#[test]
fn an_operation_that_the_engine_has_forgotten_is_asked_for_anew() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Queued), Step::Break(Code::Unavailable, "restarting")])]);
    fake.plan("WaitExecution", [Do::Refuse(Code::NotFound, "no such operation")]);
    success(&client);
    assert_eq!((fake.calls("Execute"), fake.calls("WaitExecution")), (2, 1));
}

#[test]
fn a_server_that_is_killed_and_comes_back_delays_an_action() {
    let mut fake = Fake::start();
    let client = Client::with(&fake, |config| config.patience = Duration::from_secs(30));
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), Step::Hang])]);
    thread::scope(|scope| {
        let run = scope.spawn(|| success(&client));
        while fake.calls("Execute") == 0 {
            thread::yield_now();
        }
        fake.kill();
        fake.begin();
        run.join().unwrap();
    });
    assert_eq!(fake.calls("WaitExecution") + fake.calls("Execute"), 2);
}

#[test]
fn a_server_that_stays_away_is_given_up() {
    let mut fake = Fake::start();
    let client = Client::of(&fake);
    fake.kill();
    assert_eq!(fault(client.run().0), Some(Fault::Unreachable));
}

#[test]
fn a_silent_server_is_one_that_does_not_answer() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.silence = Duration::from_millis(50));
    fake.plan("FindMissingBlobs", [Do::Hang]);
    fake.plan("Execute", [Do::Hang]);
    success(&client);
    assert_eq!((fake.calls("FindMissingBlobs"), fake.calls("Execute")), (2, 2));
}

#[test]
fn a_blob_that_the_engine_lacks_is_sent_again() {
    let input = BlobDigest::of(b"input");
    let words = || tell(no(Code::Internal, "At least one blob is missing: 12ab"));
    for refusal in [Do::Violation(input), words(), Do::Refuse(Code::FailedPrecondition, "not found in CAS")] {
        let fake = Fake::start();
        let client = Client::of(&fake);
        client.run().0.unwrap();
        fake.state().results.clear();
        fake.forget_calls();
        fake.plan("Execute", [refusal.clone()]);
        fake.state().blobs.remove(&input);
        success(&client);
        assert_eq!((fake.calls("Execute"), fake.calls("BatchUpdateBlobs")), (2, 1), "{refusal:?}");
        assert!(fake.state().blobs.contains_key(&input));
    }
}

#[test]
fn a_blob_that_nobody_has_is_lost() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let outcome = client.run().0.unwrap();
    let mut action = client.action(b"input");
    // Known on the server, never brought.
    action.input_root = outcome.output.unwrap();
    let made = BlobDigest::of(b"by a worker");
    fake.plan("Execute", [Do::Violation(made)]);
    fake.state().blobs.remove(&made);
    match client.remote.execute(&action, &|_| ()).unwrap_err() {
        RemoteError::Lost(lost) => assert_eq!(lost, [made]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cached_failure_is_not_believed_and_a_fresh_one_is() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [tell(ended(2, "", true))]);
    success(&client);
    let fresh: Vec<_> = fake.state().executed.iter().map(|(_, fresh)| *fresh).collect();
    assert_eq!(fresh, [false, true], "the second time without the cache");

    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [tell(ended(2, "cached", true)), tell(ended(2, "no such file\n", false))]);
    let outcome = client.run().0.unwrap();
    assert_eq!(outcome.status, Status::Exit(2));
    assert_eq!(client.store.read(outcome.stderr).unwrap(), b"no such file\n");
}

#[test]
fn an_action_that_leaves_nothing_has_failed() {
    let empty = |fake: &Fake| {
        let result = fake.state().result(&[]);
        Step::Done(Box::new(wire::ExecuteResponse { result: Some(result), ..Default::default() }))
    };
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [tell(ended(0, "", false)), tell(empty(&fake))]);
    assert_eq!(client.run().0.unwrap().status, Status::NoOutput);
    assert_eq!(client.run().0.unwrap().status, Status::NoOutput);
}

#[test]
fn a_time_limit_is_the_actions_failure() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [tell(no(Code::DeadlineExceeded, "Action timeout reached"))]);
    assert_eq!(client.run().0.unwrap().status, Status::TimedOut);
    assert_eq!(fake.calls("Execute"), 1);
}

#[test]
fn a_worker_that_cannot_start_the_builder_is_not_the_commands_failure() {
    for (code, stderr) in [(127, ""), (90, "no way to make a root"), (92, "no space left"), (137, "")] {
        let broken = || tell(ended(code, stderr, false));
        let fake = Fake::start();
        let client = Client::of(&fake);
        fake.plan("Execute", [broken(), broken()]);
        success(&client);
        assert_eq!(fake.calls("Execute"), 3, "{code}");
        fake.plan("Execute", [broken(), broken(), broken()]);
        fake.state().results.clear();
        match client.run().0.unwrap_err() {
            RemoteError::Worker { .. } => {}
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_queue_that_does_not_move_is_left_and_the_action_cancelled() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.queue_timeout = Duration::from_millis(50));
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Queued), Step::Hang])]);
    match client.run().0.unwrap_err() {
        RemoteError::Queued { waited } => assert!(waited >= Duration::from_millis(50)),
        other => panic!("{other:?}"),
    }
    let state = fake.state();
    assert!(state.cancelled.len() == 1 && state.cancelled[0].starts_with(&state.executed[0].0));
}

#[test]
fn an_action_that_runs_for_long_is_not_queued() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.queue_timeout = Duration::from_millis(20));
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Queued), Step::At(At::Executing), Step::Wait(100), Step::Run])]);
    success(&client);
}

#[test]
fn an_unknown_platform_property_is_said_at_once() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| {
        config.platform.insert("pool".to_owned(), "large".to_owned());
    });
    let words = "Unregistered platform property 'pool'. Known properties are: OSFamily";
    fake.plan("Execute", [Do::Refuse(Code::FailedPrecondition, words)]);
    assert_eq!(fault(client.run().0), Some(Fault::Platform));
    assert_eq!(fake.calls("Execute"), 1);
}

#[test]
fn whoever_stops_cancels_what_runs_for_nobody() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), Step::Hang])]);
    let error = thread::scope(|scope| {
        let run = scope.spawn(|| client.run().0.unwrap_err());
        while fake.calls("Execute") == 0 {
            thread::yield_now();
        }
        client.stop.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert!(matches!(error, RemoteError::Stopped), "{error:?}");
    let state = fake.state();
    assert!(
        state.cancelled.len() == 1 && state.cancelled[0].starts_with(&state.executed[0].0),
        "{:?}",
        state.cancelled
    );
}

#[test]
fn what_may_not_be_done_is_not_tried_again() {
    for (code, meant) in [
        (Code::PermissionDenied, Fault::Forbidden),
        (Code::Unimplemented, Fault::Unsupported),
        (Code::InvalidArgument, Fault::Refused),
    ] {
        let fake = Fake::start();
        let client = Client::of(&fake);
        fake.plan("Execute", [Do::Refuse(code, "no")]);
        assert_eq!(fault(client.run().0), Some(meant));
        assert_eq!(fake.calls("Execute"), 1);
    }
}

#[test]
fn a_database_that_is_away_for_a_moment_is_waited_for() {
    let away = Do::Refuse(Code::Unavailable, "Database connection was temporarily interrupted, please retry");
    let fake = Fake::start();
    let client = Client::of(&fake);
    for method in ["FindMissingBlobs", "BatchUpdateBlobs", "Execute", "BatchReadBlobs"] {
        fake.plan(method, vec![away.clone(); 2]);
    }
    success(&client);
    assert_eq!((fake.calls("FindMissingBlobs"), fake.calls("BatchUpdateBlobs"), fake.calls("Execute")), (3, 3, 3));
}

#[test]
fn what_somebody_else_cancelled_is_asked_for_again_and_no_failed_build() {
    let cancelled = || tell(no(Code::Cancelled, "Execution cancelled"));
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [cancelled()]);
    success(&client);
    fake.state().results.clear();
    fake.plan("Execute", [cancelled(), cancelled(), cancelled()]);
    assert_eq!(fault(client.run().0), Some(Fault::Cancelled));
    assert_eq!(fake.calls("Execute"), 5);
}

#[test]
fn an_operation_that_ends_without_a_result_is_the_engines_failure() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::Nothing]), Do::Tell(vec![Step::Error(Code::Internal, "oops")])]);
    success(&client);
    assert_eq!(fake.calls("Execute"), 3);
}

#[test]
fn a_full_disk_is_waited_for_a_little() {
    let full = Do::Refuse(Code::ResourceExhausted, "no space left on device");
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("BatchUpdateBlobs", vec![full.clone(); 2]);
    fake.plan("Execute", vec![full.clone(); 2]);
    success(&client);
    assert_eq!((fake.calls("BatchUpdateBlobs"), fake.calls("Execute")), (3, 3));
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("BatchUpdateBlobs", vec![full; 5]);
    assert_eq!(fault(client.run().0), Some(Fault::Full));
    assert_eq!((fake.calls("BatchUpdateBlobs"), fake.calls("Execute")), (5, 0));
}

#[test]
fn a_stream_that_ends_without_an_answer_is_taken_up_again() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing)])]);
    success(&client);
    assert_eq!((fake.calls("Execute"), fake.calls("WaitExecution")), (1, 1));
}

#[test]
fn what_was_lost_and_made_again_there_is_no_longer_lost() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let outcome = client.run().0.unwrap();
    let made = BlobDigest::of(b"by a worker");
    fake.state().blobs.remove(&made);
    match client.remote.bring(outcome.output.unwrap()).unwrap_err() {
        RemoteError::Lost(lost) => assert_eq!(lost, [made]),
        other => panic!("{other:?}"),
    }
    // The engine has the result and would say so; it is not believed.
    success(&client);
    assert!(fake.state().executed.last().unwrap().1, "without the cache");
}
