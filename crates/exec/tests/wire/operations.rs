//! Operations that are followed: queues, streams that break, whoever stops. Not here: what answers say (`execution`).

use std::thread;
use std::time::Duration;

use action::outcome::Status;
use wire::execution_stage::Value as At;

use super::Client;
use super::server::{Do, Fake, Step};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;

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
