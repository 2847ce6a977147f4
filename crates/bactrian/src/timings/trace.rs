//! The times as a trace that browsers' and Perfetto's viewers load.
//!
//! # Source
//! "Trace Event Format": complete events (`"ph": "X"`), times in microseconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::record::Facts;

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
            "args": { "end": record.end_word(), "critical": path.contains(&at), "waited": record.waited },
        }))
    };
    let rows = facts.rows().into_iter().enumerate().filter_map(|(at, row)| Some((at, row?)));
    let events: Vec<Value> = rows.filter_map(event).collect();
    let longest: Duration = path.iter().filter_map(|at| facts.records.get(*at)).map(|record| record.wall).sum();
    let about = json!({
        "command": facts.command,
        "date": facts.date,
        "wall": micros(facts.wall),
        "critical path": micros(longest),
        "processor time": facts.cpu.map(micros),
        "processors": facts.processors,
    });
    let all = json!({ "displayTimeUnit": "ms", "otherData": about, "traceEvents": events });
    format!("{all:#}\n")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
