//! What an action cost on an engine: where it ran, how long it waited, what went over the wire for it.
//!
//! Engines tell it in the result's metadata, each as much as it likes; what they do not tell is taken from when the stages of the
//! operation changed, as seen from here. Not here: the totals of a connection ([`super::traffic`]).

use std::time::{Duration, Instant};

use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::protobuf::Timestamp;

use super::Stage;

/// What an action cost on an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Errand {
    /// The worker's name, if the engine says it.
    pub worker: Option<String>,
    /// How long it took until its inputs were there.
    pub sending: Duration,
    /// How long it waited for a worker.
    pub queued: Duration,
    /// How long a worker had it: from fetching its inputs to having stored its outputs.
    pub running: Duration,
    /// Bytes that were sent for it.
    pub sent: u64,
}

/// The clock of an action underway.
#[derive(Debug)]
pub(super) struct Watch {
    stage: Stage,
    since: Instant,
    errand: Errand,
}

impl Watch {
    pub(super) fn start() -> Self {
        Self { stage: Stage::Sending, since: Instant::now(), errand: Errand::default() }
    }

    /// Another stage begins.
    pub(super) fn enter(&mut self, stage: Stage) {
        let took = self.since.elapsed();
        self.since += took;
        let sum = match self.stage {
            Stage::Sending => &mut self.errand.sending,
            Stage::Queued | Stage::Requeued => &mut self.errand.queued,
            // Until the engine says otherwise; some never do.
            Stage::Asked | Stage::Running => &mut self.errand.running,
        };
        *sum = sum.saturating_add(took);
        self.stage = stage;
    }

    pub(super) const fn add_sent(&mut self, bytes: u64) {
        self.errand.sent += bytes;
    }

    /// What it cost in all, with what the engine knows better.
    pub(super) fn stop(mut self, metadata: Option<&wire::ExecutedActionMetadata>) -> Errand {
        self.enter(Stage::Sending);
        let Some(metadata) = metadata else { return self.errand };
        let between = |from: &Option<Timestamp>, to: &Option<Timestamp>| between(from.as_ref()?, to.as_ref()?);
        let errand = self.errand;
        Errand {
            worker: Some(metadata.worker.clone()).filter(|worker| !worker.is_empty()),
            queued: between(&metadata.queued_timestamp, &metadata.worker_start_timestamp).unwrap_or(errand.queued),
            running: between(&metadata.worker_start_timestamp, &metadata.worker_completed_timestamp)
                .unwrap_or(errand.running),
            ..errand
        }
    }
}

/// From one time to a later one; none of clocks that go backwards.
fn between(from: &Timestamp, to: &Timestamp) -> Option<Duration> {
    let nanoseconds = |time: &Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let passed = u64::try_from(nanoseconds(to) - nanoseconds(from)).ok()?;
    // Not told at all is the beginning of 1970.
    (from.seconds > 0).then(|| Duration::from_nanos(passed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos })
    }

    fn stopped(metadata: &wire::ExecutedActionMetadata) -> Errand {
        let mut watch = Watch::start();
        watch.enter(Stage::Queued);
        watch.add_sent(3);
        watch.add_sent(4);
        watch.stop(Some(metadata))
    }

    #[test]
    fn what_the_engine_knows_goes_before_what_is_seen_from_here() {
        let errand = stopped(&wire::ExecutedActionMetadata {
            worker: "w1".to_owned(),
            queued_timestamp: at(1_000, 500_000_000),
            worker_start_timestamp: at(1_003, 0),
            worker_completed_timestamp: at(1_010, 250_000_000),
            ..wire::ExecutedActionMetadata::default()
        });
        assert_eq!(errand.worker.as_deref(), Some("w1"));
        let times = (errand.queued, errand.running);
        assert_eq!(times, (Duration::from_millis(2500), Duration::from_millis(7250)));
        assert_eq!(errand.sent, 7);
    }

    #[test]
    fn times_that_make_no_sense_are_not_believed() {
        for (queued, start, completed) in [
            (None, at(1_003, 0), None),
            (at(0, 0), at(1_003, 0), at(1_002, 0)),
            (at(1_004, 0), at(1_003, 0), at(1_002, 999_999_999)),
        ] {
            let errand = stopped(&wire::ExecutedActionMetadata {
                queued_timestamp: queued,
                worker_start_timestamp: start,
                worker_completed_timestamp: completed,
                ..wire::ExecutedActionMetadata::default()
            });
            let most = Duration::from_secs(60);
            assert!(errand.worker.is_none() && errand.queued < most && errand.running < most, "{errand:?}");
        }
    }
}
