//! Where a run stands, and the lines that say so. Pure: time comes from outside.
//!
//! A line is told for what took work; what was in the store, or is only unpacked, is told to `--verbose` alone and
//! counted in the summary.

use std::collections::BTreeMap;
use std::time::Duration;

use action::graph::NodeId;
use exec::event::{End, Event, Kind};
use exec::remote::Stage;

use super::words;
use crate::text;
use crate::ui::{Role, Ui};

/// After how long, and then how often, a log is told that something still runs.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Who waited less for a worker has not waited.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Where a run stands.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    planned: usize,
    finished: usize,
    running: BTreeMap<NodeId, Running>,
    /// Of all runs, by how they ended.
    ends: BTreeMap<Outcome, usize>,
}

#[derive(Debug)]
struct Running {
    kind: Kind,
    label: String,
    since: Duration,
    told: Duration,
    waiting: bool,
    bytes: Option<(u64, Option<u64>)>,
    /// How far it is on a remote engine.
    stage: Option<Stage>,
    /// How long it was queued there.
    queued: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Made,
    MadeRemotely,
    Downloaded,
    Cached,
    Failed,
    Skipped,
}

/// A line about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// It is done.
    Finished {
        counter: String,
        verb: &'static str,
        label: String,
        wall: Duration,
        /// How long of that it waited for a worker elsewhere.
        queued: Duration,
        end: End,
        detail: bool,
    },
    /// It began; for those who look closely.
    Started { counter: String, verb: &'static str, label: String },
    /// It takes long.
    Still { counter: String, text: String },
}

impl Ledger {
    /// Takes note of an event; a line about it, if there is something to say.
    pub(super) fn event(&mut self, event: &Event, now: Duration) -> Option<Line> {
        match event {
            Event::Planned { nodes } => {
                (self.planned, self.finished) = (*nodes, 0);
                self.running.clear();
                None
            }
            Event::Started { node, kind, label } => {
                let (kind, label) = (*kind, label.clone());
                let running = Running {
                    kind,
                    label: label.clone(),
                    since: now,
                    told: now,
                    waiting: false,
                    bytes: None,
                    stage: None,
                    queued: Duration::ZERO,
                };
                self.running.insert(*node, running);
                Some(Line::Started { counter: self.counter(), verb: words::doing(kind), label })
            }
            Event::Progress { node, bytes, total } => {
                if let Some(running) = self.running.get_mut(node) {
                    running.bytes = Some((*bytes, *total));
                }
                None
            }
            Event::Remote { node, stage } => {
                let running = self.running.get_mut(node)?;
                running.stage = Some(*stage);
                let text = running.what();
                (*stage == Stage::Requeued).then(|| Line::Still { counter: self.counter(), text })
            }
            Event::Ran { node, errand } => {
                self.running.get_mut(node)?.queued = errand.queued;
                None
            }
            Event::RemoteOff { .. } => None,
            Event::Waiting { node } => {
                let running = self.running.get_mut(node)?;
                running.waiting = true;
                let text = running.what();
                Some(Line::Still { counter: self.counter(), text })
            }
            Event::Finished { node, kind, label, end, wall } => {
                let queued = self.running.remove(node).map_or(Duration::ZERO, |running| running.queued);
                self.finished += 1;
                *self.ends.entry(Outcome::of(*end)).or_default() += 1;
                Some(Line::Finished {
                    counter: self.counter(),
                    verb: words::done(*kind, *end),
                    label: label.clone(),
                    wall: *wall,
                    queued,
                    end: *end,
                    detail: is_detail(*kind, *end),
                })
            }
        }
    }

    /// Lines about what has been running for long and was not told of lately.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Line> {
        let counter = self.counter();
        let silent = |running: &&mut Running| now.saturating_sub(running.told) >= HEARTBEAT;
        let line = |running: &mut Running| {
            running.told = now;
            let text = format!("still {} ({})", running.what(), running.how_far(now));
            Line::Still { counter: counter.clone(), text }
        };
        self.running.values_mut().filter(silent).map(line).collect()
    }

    /// What was done in all; nothing if there was nothing to do.
    pub(super) fn summary(&self) -> Option<String> {
        let part = |(outcome, number): (&Outcome, &usize)| format!("{number} {}", outcome.word());
        let parts: Vec<String> = self.ends.iter().map(part).collect();
        let all = self.ends.values().sum();
        (all > 0).then(|| format!("{}: {}", text::count(all, "step"), parts.join(", ")))
    }

    /// What is done with a running node, and how far it is.
    pub(super) fn running(&self, node: NodeId, now: Duration) -> Option<(String, String)> {
        self.running.get(&node).map(|running| (running.what(), running.how_far(now)))
    }

    /// How many of how many are finished, for a bar.
    pub(super) const fn position(&self) -> (usize, usize) {
        (self.finished, self.planned)
    }

    fn counter(&self) -> String {
        let width = self.planned.to_string().len();
        format!("[{:width$}/{}]", self.finished, self.planned)
    }
}

impl Running {
    /// `making OCaml 5.3.0`.
    fn what(&self) -> String {
        let what = format!("{} {}", words::doing(self.kind), self.label);
        match self.stage {
            _ if self.waiting => format!("waiting for another process that is {what}"),
            Some(stage) => format!("{what}, {}", words::stage(stage)),
            None => what,
        }
    }

    /// `1.0 MiB of 5.0 MiB, 31 s`.
    fn how_far(&self, now: Duration) -> String {
        let time = text::duration(Duration::from_secs(now.saturating_sub(self.since).as_secs()));
        match self.bytes {
            None => time,
            Some((bytes, None)) => format!("{}, {time}", text::size(bytes)),
            Some((bytes, Some(total))) => format!("{} of {}, {time}", text::size(bytes), text::size(total)),
        }
    }
}

impl Outcome {
    const fn of(end: End) -> Self {
        match end {
            End::Cached => Self::Cached,
            End::Made => Self::Made,
            End::MadeRemotely => Self::MadeRemotely,
            End::Downloaded => Self::Downloaded,
            End::Failed => Self::Failed,
            End::Skipped => Self::Skipped,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::MadeRemotely => "made remotely",
            Self::Downloaded => "downloaded",
            Self::Cached => "from the store",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Whether only `--verbose` is told.
const fn is_detail(kind: Kind, end: End) -> bool {
    match end {
        End::Failed => false,
        End::Cached | End::Skipped => true,
        End::Made | End::Downloaded | End::MadeRemotely => matches!(kind, Kind::Unpack),
    }
}

impl Line {
    pub(super) const fn is_detail(&self) -> bool {
        match self {
            Self::Finished { detail, .. } => *detail,
            Self::Started { .. } => true,
            Self::Still { .. } => false,
        }
    }

    /// The line as people see it.
    pub(super) fn render(&self, ui: &Ui) -> String {
        let faint = |counter| ui.paint(Role::Faint, counter);
        match self {
            Self::Finished { counter, verb, label, wall, queued, end, .. } => {
                let role = match end {
                    End::Failed => Role::Error,
                    End::Cached | End::Skipped => Role::Faint,
                    End::Made | End::Downloaded | End::MadeRemotely => Role::Success,
                };
                let time = match end {
                    End::Cached | End::Skipped => String::new(),
                    _ if *queued < WORTH_TELLING => format!(" ({})", text::duration(*wall)),
                    _ => format!(" ({}, {} of it queued)", text::duration(*wall), text::duration(*queued)),
                };
                format!("{} {:8} {label}{time}", faint(counter), ui.paint(role, verb))
            }
            Self::Started { counter, verb, label } => {
                format!("{} {verb} {label}", faint(counter))
            }
            Self::Still { counter, text } => format!("{} {text}", faint(counter)),
        }
    }
}
