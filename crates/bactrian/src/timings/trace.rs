//! The times as a trace that browsers' and Perfetto's viewers load.
//!
//! # Source
//! "Trace Event Format": complete events (`"ph": "X"`), times in microseconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::record::{Facts, Record};

pub(super) fn trace(facts: &Facts) -> String {
    let path = facts.critical_path();
    let event = |(at, row): (usize, usize)| {
        let record = facts.records.get(at)?;
        Some(json!({
            "name": record.label,
            "cat": record.work.word(),
            "ph": "X",
            "ts": micros(record.start),
            "dur": micros(record.wall),
            "pid": 1,
            "tid": row + 1,
            "args": arguments(record, path.contains(&at)),
        }))
    };
    let rows = facts.rows().into_iter().enumerate().filter_map(|(at, row)| Some((at, row?)));
    let events: Vec<Value> = rows.filter_map(event).collect();
    let longest: Duration = path.iter().filter_map(|at| facts.records.get(*at)).map(|record| record.wall).sum();
    let mut about = json!({
        "command": facts.command,
        "date": facts.date,
        "wall": micros(facts.wall),
        "critical path": micros(longest),
        "processor time": facts.cpu.map(micros),
        "processors": facts.processors,
    });
    if let (Some(traffic), Some(about)) = (&facts.traffic, about.as_object_mut()) {
        let totals = traffic.totals;
        let remote = json!({
            "address": traffic.address,
            "calls": totals.calls,
            "bytes sent": totals.sent,
            "sending": micros(totals.sending),
            "bytes received": totals.received,
            "receiving": micros(totals.receiving),
        });
        about.insert("remote".to_owned(), remote);
    }
    let all = json!({ "displayTimeUnit": "ms", "otherData": about, "traceEvents": events });
    format!("{all:#}\n")
}

/// What a viewer shows beside an event's times.
fn arguments(record: &Record, critical: bool) -> Value {
    let mut arguments = json!({ "end": record.end_word(), "critical": critical, "waited": record.waited });
    if let (Some(errand), Some(arguments)) = (&record.errand, arguments.as_object_mut()) {
        let remote = json!({
            "worker": errand.worker,
            "sending": micros(errand.sending),
            "queued": micros(errand.queued),
            "running": micros(errand.running),
            "bytes sent": errand.sent,
        });
        arguments.insert("remote".to_owned(), remote);
    }
    arguments
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
