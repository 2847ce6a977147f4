//! The times as one HTML page: no script, no other file, and all text escaped.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use exec::event::End;

use super::record::{Facts, Record, Traffic};
use crate::text;

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn page(facts: &Facts) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut page, facts);
    page
}

fn write(page: &mut String, facts: &Facts) -> fmt::Result {
    let (command, date) = (Escaped(&facts.command), Escaped(&facts.date));
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{command}, {date}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{command} <small>{date}</small></h1>\n"
    )?;
    let path = facts.critical_path();
    totals(page, facts, &path)?;
    chart(page, facts, &path)?;
    path_table(page, facts, &path)?;
    errand_table(page, facts)?;
    page.push_str("</body>\n</html>\n");
    Ok(())
}

fn totals(page: &mut String, facts: &Facts, path: &[usize]) -> fmt::Result {
    let time = |records: &mut dyn Iterator<Item = &Record>| -> Duration { records.map(|record| record.wall).sum() };
    let count = |end: End| facts.records.iter().filter(|record| record.end == end).count();
    let longest = time(&mut path.iter().filter_map(|at| facts.records.get(*at)));
    let processors = u32::try_from(facts.processors).unwrap_or(u32::MAX);
    let all = facts.wall.saturating_mul(processors);
    let made = count(End::Made) + count(End::Downloaded) + count(End::MadeRemotely);
    let cpu = facts.cpu.map_or_else(
        || "not known".to_owned(),
        |cpu| format!("{}{} of what the processors had", text::duration(cpu), share(cpu, all)),
    );
    let mut rows = vec![
        ("wall time", text::duration(facts.wall)),
        ("critical path", format!("{}{}", text::duration(longest), share(longest, facts.wall))),
        ("processor time", cpu),
        ("processors", facts.processors.to_string()),
        ("from the store", format!("{} of {}", count(End::Cached), facts.records.len())),
        ("made", made.to_string()),
        ("failed", count(End::Failed).to_string()),
    ];
    rows.extend(wire_rows(facts));
    page.push_str("<table>\n");
    for (name, value) in rows {
        writeln!(page, "<tr><th>{name}</th><td>{}</td></tr>", Escaped(&value))?;
    }
    page.push_str("</table>\n");
    Ok(())
}

/// What an engine did, and what went over the wire for it.
fn wire_rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let errands = || facts.records.iter().filter_map(|record| record.errand.as_ref());
    let workers: BTreeSet<_> = errands().filter_map(|errand| errand.worker.as_deref()).collect();
    let mut rows = Vec::new();
    if errands().next().is_some() {
        let on =
            if workers.is_empty() { String::new() } else { format!(", on {}", text::count(workers.len(), "worker")) };
        let queued = errands().map(|errand| errand.queued).sum();
        rows.push(("made remotely", format!("{}{on}", errands().count())));
        rows.push(("queued there", text::duration(queued)));
    }
    if let Some(Traffic { address, totals }) = &facts.traffic {
        let calls = text::count(usize::try_from(totals.calls).unwrap_or(usize::MAX), "call");
        rows.push(("remote", format!("{address}, {calls}")));
        rows.push(("sent", format!("{} in {}", text::size(totals.sent), text::duration(totals.sending))));
        rows.push(("received", format!("{} in {}", text::size(totals.received), text::duration(totals.receiving))));
    }
    rows
}

fn share(part: Duration, whole: Duration) -> String {
    if whole.is_zero() { String::new() } else { format!(", {:.0} %", part.as_secs_f64() / whole.as_secs_f64() * 100.0) }
}

/// A line for each record, by the time it began.
fn chart(page: &mut String, facts: &Facts, path: &[usize]) -> fmt::Result {
    page.push_str(
        "<p class=\"legend\"><span class=\"fetch\">fetch</span> <span class=\"unpack\">unpack</span> \
         <span class=\"capture\">capture</span> <span class=\"action\">action</span> <span class=\"step\">step</span> \
         <span class=\"failed\">failed</span> <span class=\"critical\">critical path</span> \
         <span class=\"ready\">ready, without a place</span></p>\n\
         <input type=\"checkbox\" id=\"all\"><label for=\"all\">show what was in the store already</label>\n\
         <div class=\"chart\">\n",
    );
    axis(page, facts.wall)?;
    let mut records: Vec<_> = facts.records.iter().enumerate().collect();
    records.sort_by_key(|(at, record)| (record.start, *at));
    for (at, record) in records {
        line(page, facts, record, path.contains(&at))?;
    }
    page.push_str("</div>\n");
    Ok(())
}

fn axis(page: &mut String, wall: Duration) -> fmt::Result {
    page.push_str("<div class=\"line axis\"><span class=\"label\"></span><span class=\"lane\">");
    for tenth in (0..10_u32).step_by(2) {
        let time = wall.mul_f64(f64::from(tenth) / 10.0);
        write!(page, "<i style=\"left:{}%\">{}</i>", tenth * 10, Escaped(&text::duration(time)))?;
    }
    page.push_str("</span></div>\n");
    Ok(())
}

fn line(page: &mut String, facts: &Facts, record: &Record, critical: bool) -> fmt::Result {
    let percent = |time: Duration| {
        if facts.wall.is_zero() { 0.0 } else { (time.as_secs_f64() / facts.wall.as_secs_f64() * 100.0).min(100.0) }
    };
    let ready = facts.ready(record);
    let mut classes = vec![record.work.word()];
    let marks = [
        (record.end == End::Failed, "failed"),
        (record.end == End::Cached && !record.waited, "cached"),
        (record.waited, "waited"),
        (critical, "critical"),
    ];
    classes.extend(marks.into_iter().filter_map(|(is, class)| is.then_some(class)));
    let took = text::duration(record.wall);
    let waited = if record.waited { ", waited for another process" } else { "" };
    let there = record.errand.as_ref().map_or_else(String::new, |errand| {
        let worker = errand.worker.as_deref().map_or_else(String::new, |worker| format!(" on {worker}"));
        format!("{worker}, queued {}, sent {}", text::duration(errand.queued), text::size(errand.sent))
    });
    let about = format!("{} {}: {}{there}, {took}{waited}", record.work.word(), record.label, record.end_word());
    write!(
        page,
        "<div class=\"line {}\" title=\"{}\"><span class=\"label\">{}</span><span class=\"lane\">",
        classes.join(" "),
        Escaped(&about),
        Escaped(&record.label)
    )?;
    if ready < record.start && record.end != End::Cached {
        let (left, width) = (percent(ready), percent(record.start.saturating_sub(ready)));
        write!(page, "<i class=\"ready\" style=\"left:{left:.2}%;width:{width:.2}%\"></i>")?;
    }
    let (left, width) = (percent(record.start), percent(record.wall));
    writeln!(page, "<b style=\"left:{left:.2}%;width:{width:.2}%\"></b><em>{}</em></span></div>", Escaped(&took))
}

fn path_table(page: &mut String, facts: &Facts, path: &[usize]) -> fmt::Result {
    page.push_str("<h2>Critical path</h2>\n<table>\n<tr><th>what</th><th>kind</th><th>begun</th><th>took</th></tr>\n");
    for record in path.iter().filter_map(|at| facts.records.get(*at)) {
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&record.label),
            record.work.word(),
            Escaped(&text::duration(record.start)),
            Escaped(&text::duration(record.wall))
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

/// What ran elsewhere: where, and at what cost.
fn errand_table(page: &mut String, facts: &Facts) -> fmt::Result {
    let errands = || facts.records.iter().filter_map(|record| Some((record, record.errand.as_ref()?)));
    if errands().next().is_none() {
        return Ok(());
    }
    page.push_str(
        "<h2>On workers</h2>\n<table>\n<tr><th>what</th><th>worker</th><th>sending</th><th>queued</th><th>running</th>\
         <th>sent</th></tr>\n",
    );
    for (record, errand) in errands() {
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&record.label),
            Escaped(errand.worker.as_deref().unwrap_or("not known")),
            Escaped(&text::duration(errand.sending)),
            Escaped(&text::duration(errand.queued)),
            Escaped(&text::duration(errand.running)),
            Escaped(&text::size(errand.sent))
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

/// Text as it may stand between tags and in quoted attributes.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            // Not allowed in HTML at all.
            control if control.is_control() => f.write_char('\u{fffd}'),
            plain => f.write_char(plain),
        })
    }
}
