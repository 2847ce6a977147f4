//! The words of progress, for people and machines.

use std::time::Duration;

use exec::event::{End, Event, Kind};
use exec::remote::Stage;

use crate::messages::Message;

/// What is being done with a node: `fetching`.
pub(super) const fn doing(kind: Kind) -> &'static str {
    match kind {
        Kind::Fetch => "fetching",
        Kind::Unpack => "unpacking",
        Kind::Capture => "capturing",
        Kind::Run => "making",
    }
}

/// What was done with a node: `fetched`.
pub(super) const fn done(kind: Kind, end: End) -> &'static str {
    match (end, kind) {
        (End::Cached, _) => "cached",
        (End::Failed, _) => "failed",
        (End::Skipped, _) => "skipped",
        (End::Downloaded, _) => "downloaded",
        (End::MadeRemotely, _) => "made remotely",
        (End::Made, Kind::Fetch) => "fetched",
        (End::Made, Kind::Unpack) => "unpacked",
        (End::Made, Kind::Capture) => "captured",
        (End::Made, Kind::Run) => "made",
    }
}

/// An event as it goes on the wire.
pub(super) fn message(event: &Event) -> Message<'_> {
    match event {
        Event::Planned { nodes } => Message::Planned { nodes: *nodes },
        Event::Started { node, kind, label } => Message::Started { node: node.index(), kind: wire_kind(*kind), label },
        Event::Progress { node, bytes, total } => {
            Message::Progress { node: node.index(), bytes: *bytes, total: *total }
        }
        Event::Waiting { node } => Message::Waiting { node: node.index() },
        Event::Remote { node, stage } => Message::Remote { node: node.index(), stage: wire_stage(*stage) },
        Event::Ran { node, errand } => Message::Ran {
            node: node.index(),
            worker: errand.worker.as_deref(),
            sending_milliseconds: milliseconds(errand.sending),
            queued_milliseconds: milliseconds(errand.queued),
            running_milliseconds: milliseconds(errand.running),
            sent: errand.sent,
        },
        Event::RemoteOff { why } => Message::RemoteOff { why },
        Event::Finished { node, kind, label, end, wall } => Message::Finished {
            node: node.index(),
            kind: wire_kind(*kind),
            label,
            end: wire_end(*end),
            milliseconds: milliseconds(*wall),
        },
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How far an action is on a remote engine: `making OCaml 5.3.0, queued`.
pub(super) const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Sending => "sending its inputs",
        Stage::Asked => "on the engine",
        Stage::Queued => "queued",
        Stage::Running => "on a worker",
        Stage::Requeued => "queued again: its worker was lost",
    }
}

const fn wire_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Sending => "sending",
        Stage::Asked => "asked",
        Stage::Queued => "queued",
        Stage::Running => "running",
        Stage::Requeued => "requeued",
    }
}

const fn wire_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Fetch => "fetch",
        Kind::Unpack => "unpack",
        Kind::Capture => "capture",
        Kind::Run => "run",
    }
}

const fn wire_end(end: End) -> &'static str {
    match end {
        End::Cached => "cached",
        End::Made => "made",
        End::Downloaded => "downloaded",
        End::MadeRemotely => "made-remotely",
        End::Failed => "failed",
        End::Skipped => "skipped",
    }
}
