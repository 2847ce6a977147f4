use std::sync::atomic::{AtomicU64, Ordering};

use action::graph::{Fetch, Graph, Node, NodeId};
use exec::event::{End, Kind};
use exec::remote::{Errand, Stage};
use indicatif::{InMemoryTerm, MultiProgress, ProgressDrawTarget};

use super::*;
use crate::args::MessageFormat;
use crate::surroundings::Surroundings;
use crate::ui::captured::{self, Captured};
use crate::ui::{Look, Verbosity};

/// A run told at fixed times: seconds, and what happens then (nothing: a tick).
fn script() -> Vec<(u64, Option<Event>)> {
    let [archive, sources, base, compiler, rest] = nodes();
    let started = |node, kind, label: &str| Some(Event::Started { node, kind, label: label.to_owned() });
    let finished = |node, kind, label: &str, end, millis| {
        let wall = Duration::from_millis(millis);
        Some(Event::Finished { node, kind, label: label.to_owned(), end, wall })
    };
    vec![
        (0, Some(Event::Planned { nodes: 5 })),
        (0, finished(base, Kind::Capture, "base image", End::Cached, 0)),
        (0, started(archive, Kind::Fetch, "OCaml 5.3.0 sources")),
        (1, Some(Event::Progress { node: archive, bytes: 1 << 20, total: Some(5 << 20) })),
        (31, None),
        (32, finished(archive, Kind::Fetch, "OCaml 5.3.0 sources", End::Made, 32_100)),
        (32, started(sources, Kind::Unpack, "OCaml 5.3.0 sources")),
        (33, finished(sources, Kind::Unpack, "OCaml 5.3.0 sources", End::Made, 600)),
        (33, started(compiler, Kind::Run, "OCaml 5.3.0 for aarch64-linux-musl")),
        (34, Some(Event::Waiting { node: compiler })),
        (62, None),
        (64, None),
        (65, finished(compiler, Kind::Run, "OCaml 5.3.0 for aarch64-linux-musl", End::Failed, 41_200)),
        (65, finished(rest, Kind::Run, "hello for aarch64-linux-musl", End::Skipped, 0)),
    ]
}

fn nodes() -> [NodeId; 5] {
    let mut graph = Graph::default();
    [(); 5].map(|()| graph.add(Node::Fetch(Fetch { label: String::new(), alternatives: Vec::new() })).unwrap())
}

fn play(ui: &Ui, until: usize) {
    play_script(ui, script(), until);
}

fn play_script(ui: &Ui, script: Vec<(u64, Option<Event>)>, until: usize) {
    let now = AtomicU64::new(0);
    let clock = || Duration::from_secs(now.load(Ordering::Relaxed));
    let reporter = Reporter::new(ui, &clock);
    for (seconds, event) in script.into_iter().take(until) {
        now.store(seconds, Ordering::Relaxed);
        match event {
            Some(event) => reporter.event(event),
            None => reporter.tick(),
        }
    }
    if until == usize::MAX {
        reporter.finish();
    } else {
        // A process that stops here leaves its bars on the screen.
        std::mem::forget(reporter);
    }
}

fn captured(look: Look) -> (String, String) {
    let (ui, out, err) = captured::ui(look);
    play(&ui, usize::MAX);
    (out.text(), err.text())
}

#[test]
fn in_a_log() {
    let (out, err) = captured(Look::DEFAULT);
    assert_eq!(out, "");
    insta::assert_snapshot!(err, @"
    [1/5] still fetching OCaml 5.3.0 sources (1.0 MiB of 5.0 MiB, 31 s)
    [2/5] fetched  OCaml 5.3.0 sources (32.1 s)
    [3/5] waiting for another process that is making OCaml 5.3.0 for aarch64-linux-musl
    [3/5] still waiting for another process that is making OCaml 5.3.0 for aarch64-linux-musl (31 s)
    [4/5] failed   OCaml 5.3.0 for aarch64-linux-musl (41.2 s)
    5 steps: 2 made, 1 from the store, 1 failed, 1 skipped
    ");
}

#[test]
fn in_a_log_for_those_who_look_closely() {
    let (_, err) = captured(Look { verbosity: Verbosity::Verbose, ..Look::DEFAULT });
    insta::assert_snapshot!(err, @"
    [1/5] cached   base image
    [1/5] fetching OCaml 5.3.0 sources
    [1/5] still fetching OCaml 5.3.0 sources (1.0 MiB of 5.0 MiB, 31 s)
    [2/5] fetched  OCaml 5.3.0 sources (32.1 s)
    [2/5] unpacking OCaml 5.3.0 sources
    [3/5] unpacked OCaml 5.3.0 sources (0.6 s)
    [3/5] making OCaml 5.3.0 for aarch64-linux-musl
    [3/5] waiting for another process that is making OCaml 5.3.0 for aarch64-linux-musl
    [3/5] still waiting for another process that is making OCaml 5.3.0 for aarch64-linux-musl (31 s)
    [4/5] failed   OCaml 5.3.0 for aarch64-linux-musl (41.2 s)
    [5/5] skipped  hello for aarch64-linux-musl
    5 steps: 2 made, 1 from the store, 1 failed, 1 skipped
    ");
}

/// An action on an engine whose worker is lost.
fn far_script() -> Vec<(u64, Option<Event>)> {
    let [node, ..] = nodes();
    let (kind, label) = (Kind::Run, "zarith 1.14".to_owned());
    let errand = Errand { worker: Some("w1".to_owned()), queued: Duration::from_secs(35), ..Errand::default() };
    let wall = Duration::from_secs(40);
    let stage = |stage| Some(Event::Remote { node, stage });
    vec![
        (0, Some(Event::Planned { nodes: 1 })),
        (0, Some(Event::Started { node, kind, label: label.clone() })),
        (0, stage(Stage::Sending)),
        (1, stage(Stage::Asked)),
        (1, stage(Stage::Queued)),
        (31, None),
        (32, stage(Stage::Running)),
        (33, stage(Stage::Requeued)),
        (38, stage(Stage::Running)),
        (40, Some(Event::Ran { node, errand })),
        (40, Some(Event::Finished { node, kind, label, end: End::MadeRemotely, wall })),
    ]
}

#[test]
fn on_an_engine() {
    let (ui, _, err) = captured::ui(Look::DEFAULT);
    play_script(&ui, far_script(), usize::MAX);
    insta::assert_snapshot!(err.text(), @"
    [0/1] still making zarith 1.14, queued (31 s)
    [0/1] making zarith 1.14, queued again: its worker was lost
    [1/1] made remotely zarith 1.14 (40 s, 35 s of it queued)
    1 step: 1 made remotely
    ");
    let (ui, out, _) = captured::ui(Look { format: MessageFormat::Json, ..Look::DEFAULT });
    play_script(&ui, far_script(), usize::MAX);
    let ran = out.text().lines().find(|line| line.contains("\"ran\"")).unwrap().to_owned();
    assert_eq!(
        ran,
        r#"{"schema":1,"reason":"ran","node":0,"worker":"w1","sending_milliseconds":0,"queued_milliseconds":35000,"running_milliseconds":0,"sent":0}"#
    );
}

#[test]
fn quiet() {
    assert_eq!(captured(Look { verbosity: Verbosity::Quiet, ..Look::DEFAULT }), (String::new(), String::new()));
}

#[test]
fn for_machines() {
    let (out, err) = captured(Look { format: MessageFormat::Json, ..Look::DEFAULT });
    assert_eq!(err, "");
    insta::assert_snapshot!(out, @r#"
    {"schema":1,"reason":"planned","nodes":5}
    {"schema":1,"reason":"finished","node":2,"kind":"capture","label":"base image","end":"cached","milliseconds":0}
    {"schema":1,"reason":"started","node":0,"kind":"fetch","label":"OCaml 5.3.0 sources"}
    {"schema":1,"reason":"progress","node":0,"bytes":1048576,"total":5242880}
    {"schema":1,"reason":"finished","node":0,"kind":"fetch","label":"OCaml 5.3.0 sources","end":"made","milliseconds":32100}
    {"schema":1,"reason":"started","node":1,"kind":"unpack","label":"OCaml 5.3.0 sources"}
    {"schema":1,"reason":"finished","node":1,"kind":"unpack","label":"OCaml 5.3.0 sources","end":"made","milliseconds":600}
    {"schema":1,"reason":"started","node":3,"kind":"run","label":"OCaml 5.3.0 for aarch64-linux-musl"}
    {"schema":1,"reason":"waiting","node":3}
    {"schema":1,"reason":"finished","node":3,"kind":"run","label":"OCaml 5.3.0 for aarch64-linux-musl","end":"failed","milliseconds":41200}
    {"schema":1,"reason":"finished","node":4,"kind":"run","label":"hello for aarch64-linux-musl","end":"skipped","milliseconds":0}
    "#);
}

/// What a terminal shows after the first `until` events.
fn screen(until: usize) -> String {
    let terminal = InMemoryTerm::new(10, 72);
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
    let lines = Captured::default();
    let ui = captured::ui_on(
        Look::DEFAULT,
        &Surroundings::for_test([]),
        [Box::new(Captured::default()), Box::new(lines.clone())],
        Some(bars),
    );
    play(&ui, until);
    terminal.contents()
}

#[test]
fn on_a_terminal() {
    insta::assert_snapshot!(screen(4), @"
      ⠁ fetching OCaml 5.3.0 sources                 1.0 MiB of 5.0 MiB, 1 s
    [====>                   ] 1/5
    ");
    insta::assert_snapshot!(screen(10), @"
      ⠁ waiting for another process that is making OCaml 5.3.0 for aarch 1 s
    [==============>         ] 3/5
    ");
    assert_eq!(screen(usize::MAX), "");
}

#[test]
fn the_result_comes_back_and_the_ticking_ends() {
    let (ui, _, err) = captured::ui(Look::DEFAULT);
    let answer = watch(&ui, |sink| {
        sink.event(Event::Planned { nodes: 0 });
        42
    });
    assert_eq!((answer, err.text().as_str()), (42, ""));
}
