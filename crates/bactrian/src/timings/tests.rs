use action::graph::{Base, Fetch, Graph, Input, Literal, Node, NodeId, Unpack};
use action::path::RelPath;
use exec::event::Kind;

use super::record::{Facts, Record, Traffic, Work, needs_in};
use super::*;

fn record(work: Work, label: &str, (start, wall): (u64, u64), end: End, needs: &[usize]) -> Record {
    let (start, wall) = (Duration::from_millis(start), Duration::from_millis(wall));
    Record { work, label: label.to_owned(), start, wall, end, waited: false, errand: None, needs: needs.to_vec() }
}

/// A small build: something fetched, two packages of which one waited for a place, a failure with an evil name.
fn small() -> Facts {
    let run = Work::Node(Kind::Run);
    let mut records = vec![
        record(Work::Step, "choosing versions", (0, 500), End::Made, &[]),
        record(Work::Node(Kind::Capture), "base image", (500, 0), End::Cached, &[0]),
        record(Work::Node(Kind::Fetch), "zarith 1.14 sources", (500, 1500), End::Made, &[0]),
        record(Work::Node(Kind::Unpack), "zarith 1.14 sources", (2000, 250), End::Made, &[0, 2]),
        record(run, "gmp 6.3.0 for aarch64-linux-musl", (500, 6000), End::Made, &[0, 1]),
        record(run, "zarith 1.14 for aarch64-linux-musl", (6500, 2500), End::Made, &[0, 1, 3, 4]),
        record(run, "</title><script>alert('\"&\u{7}')</script>", (7000, 3000), End::Failed, &[0, 1]),
        record(run, "dune", (600, 400), End::Cached, &[0, 1]),
    ];
    records[7].waited = true;
    Facts {
        command: "bactrian install".to_owned(),
        date: "2026-11-23 10:43:28 UTC".to_owned(),
        wall: Duration::from_secs(10),
        cpu: Some(Duration::from_millis(12_345)),
        processors: 2,
        records,
        traffic: None,
    }
}

/// The same with an engine, which has run the two packages.
fn far() -> Facts {
    let mut facts = small();
    for (at, worker, queued) in [(4, Some("<w1>"), 1500), (5, None, 0)] {
        facts.records[at].end = End::MadeRemotely;
        facts.records[at].errand = Some(Errand {
            worker: worker.map(str::to_owned),
            sending: Duration::from_millis(120),
            queued: Duration::from_millis(queued),
            running: Duration::from_millis(2000),
            sent: 5 << 20,
        });
    }
    let (sending, receiving) = (Duration::from_millis(130), Duration::from_millis(40));
    let totals = Totals { calls: 62, sent: 10 << 20, received: 3 << 20, sending, receiving };
    facts.traffic = Some(Traffic { address: "grpc://farm:8980".to_owned(), totals });
    facts
}

#[test]
fn where_actions_ran_and_what_went_over_the_wire() {
    let page = page::page(&far());
    let (_, body) = page.split_once("</style>").unwrap();
    insta::assert_snapshot!("far_page", body);
    assert!(!page.contains("<w1>"), "what engines say is escaped too");
    insta::assert_snapshot!("far_trace", trace::trace(&far()));
}

#[test]
fn the_page() {
    let page = page::page(&small());
    let (_, body) = page.split_once("</style>").unwrap();
    insta::assert_snapshot!("page", body);
}

#[test]
fn the_page_has_nothing_of_elsewhere_and_escapes_all() {
    let page = page::page(&small());
    assert!(page.starts_with("<!DOCTYPE html>"));
    for foreign in ["<script", "src=", "href=", "url(", "@import", "http:", "https:", "\u{7}"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    // Every tag that is opened is closed, and none came out of a label.
    for tag in ["div", "span", "table", "tr", "td", "th", "b", "i", "em", "title", "body", "html"] {
        let (opened, closed) = (format!("<{tag}"), format!("</{tag}>"));
        let opened = page
            .match_indices(&opened)
            .filter(|(at, text)| page.get(at + text.len()..).is_some_and(|rest| rest.starts_with([' ', '>'])));
        assert_eq!(opened.count(), page.matches(&closed).count(), "{tag}");
    }
}

#[test]
fn an_empty_run_is_a_page_too() {
    let nothing = Facts { wall: Duration::ZERO, cpu: None, records: Vec::new(), ..small() };
    let page = page::page(&nothing);
    assert!(page.contains("not known") && !page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn the_trace() {
    insta::assert_snapshot!("trace", trace::trace(&small()));
}

#[test]
fn what_follows_from_records() {
    let facts = small();
    assert_eq!(facts.critical_path(), [0, 4, 5]);
    assert_eq!(facts.ready(&facts.records[5]), Duration::from_millis(6500));
    assert_eq!(facts.ready(&facts.records[6]), Duration::from_millis(500));
    assert_eq!(facts.rows(), [Some(0), None, Some(0), Some(0), Some(1), Some(0), Some(1), Some(2)]);
}

fn input(node: NodeId) -> Input {
    Input { at: RelPath::root(), from: node.into() }
}

#[test]
fn needs_are_seen_through_what_is_no_work() {
    let mut graph = Graph::default();
    let base = graph.add(Node::Base(Base::default())).unwrap();
    let fetch = graph.add(Node::Fetch(Fetch { label: "a".to_owned(), alternatives: Vec::new() })).unwrap();
    let files = graph.add(Node::Literal(Literal::default())).unwrap();
    let inner = graph.add(Node::Compose(vec![input(base), input(files)])).unwrap();
    graph.add(Node::Compose(vec![input(inner), input(fetch), input(base)])).unwrap();
    let none: [usize; 0] = [];
    assert_eq!(needs_in(&graph), [&none[..], &none, &none, &[0], &[0, 1]]);
}

#[test]
fn events_become_records_in_the_order_of_the_graph() {
    let mut graph = Graph::default();
    let fetch = graph.add(Node::Fetch(Fetch { label: "a".to_owned(), alternatives: Vec::new() })).unwrap();
    let (strip, keep) = (0, Vec::new());
    let unpack = Unpack { archive: fetch, strip, keep: keep.clone(), leave_out: keep.clone(), executable: keep };
    let unpack = graph.add(Node::Unpack(unpack)).unwrap();
    let unused = graph.add(Node::Base(Base::default())).unwrap();
    let recorder = Recorder::default();
    let told = Mutex::new(0);
    recorder.step::<(), ()>("before", || Ok(())).unwrap();
    recorder.graph(&graph, &|_| *told.lock().unwrap() += 1, |sink| {
        sink.event(Event::Planned { nodes: 2 });
        for (node, kind) in [(fetch, Kind::Fetch), (unpack, Kind::Unpack)] {
            sink.event(Event::Started { node, kind, label: "a".to_owned() });
            sink.event(Event::Waiting { node });
            let errand = Errand { sent: 7, ..Errand::default() };
            sink.event(Event::Ran { node, errand });
            let (end, wall) = (End::Made, Duration::from_millis(7));
            sink.event(Event::Finished { node, kind, label: "a".to_owned(), end, wall });
        }
        sink.event(Event::Started { node: unused, kind: Kind::Capture, label: "never ended".to_owned() });
    });
    assert!(recorder.step::<(), ()>("after", || Err(())).is_err());
    assert_eq!(*told.lock().unwrap(), 10);
    let records = recorder.with_records(|records| records.clone());
    let short: Vec<_> =
        records.iter().map(|record| (record.work.word(), record.end_word(), record.needs.clone())).collect();
    assert_eq!(
        short,
        [
            ("step", "made", vec![]),
            ("fetch", "made", vec![0]),
            ("unpack", "made", vec![1, 0]),
            ("step", "failed", vec![0, 1, 2])
        ]
    );
    assert!(records[1].errand.as_ref().is_some_and(|errand| errand.sent == 7) && records[0].errand.is_none());
    assert!(records[1].waited && !records[0].waited);
    assert!(records.windows(2).all(|pair| pair[0].start <= pair[1].start));
}
