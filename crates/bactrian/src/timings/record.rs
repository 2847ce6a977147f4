//! What was done and when, as plain values; and what follows from it.

use std::time::Duration;

use action::critical::critical_path;
use action::graph::{Graph, Node};
use exec::event::{End, Kind};
use exec::remote::{Errand, Totals};

/// What a page and a trace are made of.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The command, as in `bactrian build`.
    pub(super) command: String,
    /// When it ended.
    pub(super) date: String,
    pub(super) wall: Duration,
    /// Processor time of the process and of all it has waited for, if the system tells.
    pub(super) cpu: Option<Duration>,
    pub(super) processors: usize,
    /// Each after those that it needs.
    pub(super) records: Vec<Record>,
    /// What went over the wire to an engine, if there was one.
    pub(super) traffic: Option<Traffic>,
}

/// What went over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Where to.
    pub(super) address: String,
    pub(super) totals: Totals,
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) work: Work,
    pub(super) label: String,
    /// Since the command began.
    pub(super) start: Duration,
    pub(super) wall: Duration,
    pub(super) end: End,
    /// Whether another process was making the same.
    pub(super) waited: bool,
    /// What it cost on a remote engine, if it ran there.
    pub(super) errand: Option<Errand>,
    /// The records it waited for: places before its own.
    pub(super) needs: Vec<usize>,
}

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A node of a graph.
    Node(Kind),
    /// A step of the command itself.
    Step,
}

impl Work {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Node(Kind::Fetch) => "fetch",
            Self::Node(Kind::Unpack) => "unpack",
            Self::Node(Kind::Capture) => "capture",
            Self::Node(Kind::Run) => "action",
            Self::Step => "step",
        }
    }
}

impl Record {
    pub(super) const fn end_word(&self) -> &'static str {
        match self.end {
            End::Cached => "cached",
            End::Made => "made",
            End::Downloaded => "downloaded",
            End::MadeRemotely => "made remotely",
            End::Failed => "failed",
            End::Skipped => "skipped",
        }
    }

    pub(super) fn finish(&self) -> Duration {
        self.start.saturating_add(self.wall)
    }
}

impl Facts {
    /// The places of the records on the critical path, in order, without those that took no time.
    pub(super) fn critical_path(&self) -> Vec<usize> {
        let (weights, needs): (Vec<_>, Vec<_>) =
            self.records.iter().map(|record| (record.wall, record.needs.clone())).unzip();
        let mut path = critical_path(&weights, &needs);
        path.retain(|at| weights.get(*at).is_some_and(|weight| !weight.is_zero()));
        path
    }

    /// When a record could have begun: when the last that it needs was finished.
    pub(super) fn ready(&self, record: &Record) -> Duration {
        let finished = record.needs.iter().filter_map(|need| self.records.get(*need)).map(Record::finish);
        finished.max().unwrap_or_default().min(record.start)
    }

    /// A row for each record so that no two in a row overlap; none for what took no time.
    pub(super) fn rows(&self) -> Vec<Option<usize>> {
        let mut rows = vec![None; self.records.len()];
        let mut by_start: Vec<_> =
            self.records.iter().enumerate().filter(|(_, record)| !record.wall.is_zero()).collect();
        by_start.sort_by_key(|(at, record)| (record.start, *at));
        let mut ends: Vec<Duration> = Vec::new();
        for (at, record) in by_start {
            let free = ends.iter().position(|end| *end <= record.start);
            let row = free.unwrap_or(ends.len());
            match ends.get_mut(row) {
                Some(end) => *end = record.finish(),
                None => ends.push(record.finish()),
            }
            if let Some(slot) = rows.get_mut(at) {
                *slot = Some(row);
            }
        }
        rows
    }
}

/// For each node of a graph the nodes of work that it needs, seen through those that only put files and trees together.
pub(super) fn needs_in(graph: &Graph) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::with_capacity(graph.len());
    for (_, node) in graph.iter() {
        let mut needs = Vec::new();
        for need in node.dependencies() {
            if matches!(graph.get(need), Some(Node::Compose(_) | Node::Literal(_) | Node::Known(_))) {
                needs.extend(all.get(need.index()).into_iter().flatten());
            } else {
                needs.push(need.index());
            }
        }
        needs.sort_unstable();
        needs.dedup();
        all.push(needs);
    }
    all
}
