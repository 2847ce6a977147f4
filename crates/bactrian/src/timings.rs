//! Where the time of a command went: what `--timings` writes.
//!
//! A [`Recorder`] takes note of the events of every graph that is run and of steps beside them, in any command: it costs
//! next to nothing. [`page`] and [`trace`] are pure functions from what it has to two files. Not here: telling what
//! happens while it happens (`progress`).

mod date;
mod page;
mod record;
mod trace;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use action::graph::Graph;
use exec::event::{End, Event, Sink};
use exec::process::cpu_time;

use exec::remote::{Address, Errand, Totals};

use record::{Facts, Record, Traffic, Work, needs_in};

use crate::commands::Context;

/// Takes note of what is done, and when.
#[derive(Debug)]
pub(crate) struct Recorder {
    begun: Instant,
    /// Processor time that was gone before.
    cpu: Option<Duration>,
    records: Mutex<Vec<Record>>,
    /// What went over the wire to an engine, if there is one, and where that is.
    traffic: Mutex<Option<Traffic>>,
}

/// What is known of one node while its graph runs.
#[derive(Debug, Clone, Default)]
struct Noted {
    start: Option<Duration>,
    waited: bool,
    errand: Option<Errand>,
    finished: Option<Record>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { begun: Instant::now(), cpu: cpu_time(), records: Mutex::default(), traffic: Mutex::default() }
    }
}

impl Recorder {
    /// Does a step of a command that is no node of a graph; it waits for all before it, and all after it for it.
    pub(crate) fn step<R, E>(&self, label: &str, work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        let start = self.begun.elapsed();
        let result = work();
        let wall = self.begun.elapsed().saturating_sub(start);
        self.with_records(|records| {
            let needs = (0..records.len()).collect();
            let end = if result.is_ok() { End::Made } else { End::Failed };
            let label = label.to_owned();
            records.push(Record { work: Work::Step, label, start, wall, end, waited: false, errand: None, needs });
        });
        result
    }

    /// Takes note of what has gone over the wire so far.
    pub(crate) fn traffic(&self, address: &Address, totals: Totals) {
        let traffic = Traffic { address: address.to_string(), totals };
        *self.traffic.lock().unwrap_or_else(PoisonError::into_inner) = Some(traffic);
    }

    /// Runs `work`, which runs `graph` and tells the sink it is given, and takes note of what it tells to `told`.
    pub(crate) fn graph<R>(&self, graph: &Graph, told: &dyn Sink, work: impl FnOnce(&dyn Sink) -> R) -> R {
        let noted = Mutex::new(vec![Noted::default(); graph.len()]);
        let result = work(&|event: Event| {
            self.note(&event, &mut noted.lock().unwrap_or_else(PoisonError::into_inner));
            told.event(event);
        });
        self.take(graph, noted.into_inner().unwrap_or_else(PoisonError::into_inner));
        result
    }

    fn note(&self, event: &Event, noted: &mut [Noted]) {
        let now = self.begun.elapsed();
        match event {
            Event::Planned { .. } | Event::Progress { .. } | Event::Remote { .. } | Event::RemoteOff { .. } => {}
            Event::Started { node, .. } => {
                if let Some(noted) = noted.get_mut(node.index()) {
                    noted.start = Some(now);
                }
            }
            Event::Ran { node, errand } => {
                if let Some(noted) = noted.get_mut(node.index()) {
                    noted.errand = Some(errand.clone());
                }
            }
            Event::Waiting { node } => {
                if let Some(noted) = noted.get_mut(node.index()) {
                    noted.waited = true;
                }
            }
            Event::Finished { node, kind, label, end, wall } => {
                let Some(noted) = noted.get_mut(node.index()) else { return };
                noted.finished = Some(Record {
                    work: Work::Node(*kind),
                    label: label.clone(),
                    start: noted.start.unwrap_or(now),
                    wall: *wall,
                    end: *end,
                    waited: noted.waited,
                    errand: noted.errand.take(),
                    needs: Vec::new(),
                });
            }
        }
    }

    /// Adds the nodes of a graph that has run.
    fn take(&self, graph: &Graph, noted: Vec<Noted>) {
        self.with_records(|records| {
            let before = records.iter().rposition(|record| record.work == Work::Step);
            let mut places = vec![None; graph.len()];
            let finished = noted.into_iter().map(|noted| noted.finished);
            for ((node, needs), record) in needs_in(graph).into_iter().enumerate().zip(finished) {
                let Some(record) = record else { continue };
                let needs = needs.into_iter().filter_map(|need| places.get(need).copied().flatten());
                let needs = needs.chain(before).collect();
                if let Some(place) = places.get_mut(node) {
                    *place = Some(records.len());
                }
                records.push(Record { needs, ..record });
            }
        });
    }

    fn with_records<R>(&self, work: impl FnOnce(&mut Vec<Record>) -> R) -> R {
        work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does `work`; afterwards, also if it failed, writes where the time went into `directory`, if that is wanted.
pub(crate) fn written_to<R>(ctx: &Context<'_>, directory: Option<&Path>, command: &str, work: impl FnOnce() -> R) -> R {
    let result = work();
    let Some(directory) = directory else { return result };
    let recorder = &ctx.timings;
    let facts = Facts {
        command: command.to_owned(),
        date: date::utc(SystemTime::now()),
        wall: recorder.begun.elapsed(),
        cpu: cpu_time().zip(recorder.cpu).map(|(now, before)| now.saturating_sub(before)),
        processors: ctx.around.processors.get(),
        records: recorder.with_records(|records| records.clone()),
        traffic: recorder.traffic.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    };
    let file = |ending: &str| directory.join(format!("bactrian-timings-{}.{ending}", date::compact(&facts.date)));
    let (html, json) = (file("html"), file("json"));
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&html, page::page(&facts)))
        .and_then(|()| std::fs::write(&json, trace::trace(&facts)));
    match written {
        Ok(()) => ctx.ui.note(format_args!("where the time went: {} and {}", html.display(), json.display())),
        Err(error) => ctx.ui.warning(format_args!("cannot write timings into {}: {error}", directory.display())),
    }
    result
}

#[cfg(test)]
mod tests;
