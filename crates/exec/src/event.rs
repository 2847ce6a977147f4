//! What happens while a graph runs, as a closed set of events.
//!
//! The engine tells; it does not speak. Words, colours and JSON are the command line's. Events of one node come in
//! order: [`Event::Started`], any number of the ones in between, [`Event::Finished`].

use std::time::Duration;

use action::graph::NodeId;

use crate::remote::{Errand, Stage};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// How many nodes the goals need; the first event of a run. Trees that are only put together of others are no work, and
    /// neither counted nor told of.
    Planned {
        /// Nodes to be made or found.
        nodes: usize,
    },
    /// Work on a node began. Nodes whose value is in the store already are only reported as finished.
    Started {
        /// Which.
        node: NodeId,
        /// What kind of work it is.
        kind: Kind,
        /// What it is, for people.
        label: String,
    },
    /// Some of a download is here.
    Progress {
        /// Which.
        node: NodeId,
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all, if the server said.
        total: Option<u64>,
    },
    /// An action is on its way on a remote engine.
    Remote {
        /// Which.
        node: NodeId,
        /// How far it is.
        stage: Stage,
    },
    /// An action has been run by a remote engine; told before it is finished.
    Ran {
        /// Which.
        node: NodeId,
        /// Where, and at what cost.
        errand: Errand,
    },
    /// The remote cache failed, and is done without from now on.
    RemoteOff {
        /// How.
        why: String,
    },
    /// Another process is making the same thing; this one waits for it.
    Waiting {
        /// Which.
        node: NodeId,
    },
    /// A node is done.
    Finished {
        /// Which.
        node: NodeId,
        /// What kind of work it was.
        kind: Kind,
        /// What it is, for people.
        label: String,
        /// How it ended.
        end: End,
        /// How long it took.
        wall: Duration,
    },
}

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Fetching a source.
    Fetch,
    /// Unpacking an archive.
    Unpack,
    /// Capturing tools of this machine.
    Capture,
    /// Running an action.
    Run,
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was in the store.
    Cached,
    /// It was made here.
    Made,
    /// It came from a remote cache.
    Downloaded,
    /// It was made by a remote engine.
    MadeRemotely,
    /// It failed; the run's result says why.
    Failed,
    /// It was not begun, because something else had failed.
    Skipped,
}

/// Who is told of events; called from several threads.
pub trait Sink: Sync {
    /// Takes note of `event`; must not block for long.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Sync> Sink for F {
    fn event(&self, event: Event) {
        self(event);
    }
}
