//! The engine with everything real but the network: small actions over tools captured from this machine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use action::checksum::{self, Checksum, Checksums};
use action::command::Command;
use action::graph::{Base, Fetch, Graph, Input, Literal, LiteralFile, Node, NodeId, Run, Tool, Unpack};
use action::outcome::Status;
use action::path::RelPath;
use action::source::{Origin, Source};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, NodeError, Report, RunError, Value};
use exec::event::{End, Event, Kind};
use exec::fetch::{FetchConfig, Fetcher};
use exec::store::{MemoValue, Store};

struct World {
    temp: tempfile::TempDir,
    store: Store,
    fetcher: Fetcher,
    stop: AtomicBool,
    events: Mutex<Vec<Event>>,
}

impl World {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(&temp.path().join("store")).unwrap();
        let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), temp.path().join("apt")));
        Self { temp, store, fetcher, stop: AtomicBool::new(false), events: Mutex::default() }
    }

    fn run(&self, graph: &Graph, goal: NodeId) -> Result<Report, RunError> {
        self.with_engine(2, |engine| engine.run(graph, &[goal]))
    }

    fn with_engine<R>(&self, jobs: usize, work: impl FnOnce(&Engine<'_>) -> R) -> R {
        let sink = |event| self.events.lock().unwrap().push(event);
        let engine = Engine::new(&self.store, &self.fetcher, "/usr/bin:/bin".into(), &self.stop).unwrap();
        work(&Engine { jobs, sink: &sink, ..engine })
    }

    /// The labels of actions in the order in which they began, and how many ran at once at most.
    fn actions(&self) -> (Vec<String>, usize) {
        let (mut begun, mut running, mut most) = (Vec::new(), 0, 0);
        for event in std::mem::take(&mut *self.events.lock().unwrap()) {
            match event {
                Event::Started { kind: Kind::Run, label, .. } => {
                    begun.push(label);
                    running += 1;
                    most = most.max(running);
                }
                Event::Finished { kind: Kind::Run, end: End::Made, .. } => running -= 1,
                _ => {}
            }
        }
        (begun, most)
    }

    /// How each node ended, in the order of ending.
    fn ends(&self) -> Vec<End> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events
            .into_iter()
            .filter_map(|event| if let Event::Finished { end, .. } = event { Some(end) } else { None })
            .collect()
    }
}

#[test]
fn a_known_tree_is_taken_as_it_is_or_missed() {
    let world = World::new();
    let dir = world.temp.path().join("tree");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("name"), "world").unwrap();
    let tree = world.store.ingest(&dir).unwrap();
    let mut graph = Graph::default();
    let known = graph.add(Node::Known(tree)).unwrap();
    let all = graph.add(Node::Compose(vec![input("deep", known)])).unwrap();
    let composed = world.run(&graph, all).unwrap().values[0].tree().unwrap();
    let path = world.store.checkout(composed).unwrap();
    assert_eq!(std::fs::read(path.join("deep/name")).unwrap(), b"world");
    let absent = graph.add(Node::Known(action::digest::DirDigest::of(b"no such tree"))).unwrap();
    let error = world.run(&graph, absent).unwrap_err();
    assert!(format!("{:?}", error.cause).contains("Missing"), "{:?}", error.cause);
}

fn at(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn input(path: &str, node: NodeId) -> Input {
    Input { at: at(path), from: node.into() }
}

fn file(path: &str, contents: &[u8], executable: bool) -> LiteralFile {
    LiteralFile { path: at(path), contents: contents.into(), executable }
}

/// Adds an action that runs `script` over `inputs`, to which `sh` and a few tools belong.
fn script(graph: &mut Graph, script: &str, mut inputs: Vec<Input>) -> NodeId {
    let tool = |name: &str| Tool { names: vec![name.to_owned()], required: true, package: "coreutils".to_owned() };
    let tools = ["sh", "cat", "sleep", "mkdir"].map(tool).into();
    let base = graph.add(Node::Base(Base { tools, ..Base::default() })).unwrap();
    let recipe = format!(
        "bactrian-recipe 1\n{}",
        // One step, in the language of the builder crate.
        run_step(script)
    );
    let files = vec![file("bactrian/builder", BUILDER, true), file("bactrian/recipe", recipe.as_bytes(), false)];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() })).unwrap();
    inputs.extend([input("", base), input("", own)]);
    let command = Command {
        arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
        environment: [("PATH".to_owned(), "/usr/bin".to_owned())].into(),
        platform: std::collections::BTreeMap::new(),
    };
    let run = Run { label: script.to_owned(), command, timeout: Duration::from_secs(60), inputs, serves: None };
    graph.add(Node::Run(run)).unwrap()
}

fn run_step(script: &str) -> String {
    let recipe = builder::Recipe { steps: vec![builder::Step::run("/tmp", ["sh", "-c", script])] };
    let text = String::from_utf8(recipe.encode()).unwrap();
    text.lines().skip(1).map(|line| format!("{line}\n")).collect()
}

#[test]
fn values_flow_from_node_to_node_and_are_made_once() {
    let world = World::new();
    let mut graph = Graph::default();
    let data =
        graph.add(Node::Literal(Literal { files: vec![file("name", b"world", false)], ..Literal::default() })).unwrap();
    let first = script(&mut graph, "read n < /data/name || :; echo hello $n > /out/text", vec![input("data", data)]);
    let goal = script(&mut graph, "cat /first/text /first/text > /out/twice", vec![input("first", first)]);
    let report = world.run(&graph, goal).unwrap();
    let tree = report.values.first().unwrap().tree().unwrap();
    let output = world.store.checkout(tree).unwrap();
    assert_eq!(std::fs::read_to_string(output.join("twice")).unwrap(), "hello world\nhello world\n");
    assert_eq!(world.ends().iter().filter(|end| **end == End::Made).count(), 3, "a base image and two actions");
    let again = world.run(&graph, goal).unwrap();
    assert_eq!(again.values, report.values);
    assert!(world.ends().iter().all(|end| *end == End::Cached));
}

#[test]
fn a_failed_command_is_data_and_its_scratch_is_kept() {
    let world = World::new();
    let mut graph = Graph::default();
    let goal = script(&mut graph, "echo half > /tmp/half; echo sorry >&2; exit 7", Vec::new());
    let error = world.run(&graph, goal).unwrap_err();
    let NodeError::Action { outcome, action, kept } = error.cause else { panic!("{error:?}") };
    assert_eq!(outcome.status, Status::Exit(1));
    let log = String::from_utf8(world.store.read(outcome.stderr).unwrap()).unwrap();
    assert!(log.starts_with("sorry\n") && log.contains("exit 7"), "{log}");
    let kept = world.store.kept(&kept.unwrap()).unwrap().unwrap();
    assert_eq!(kept.action, action);
    assert_eq!(std::fs::read_to_string(kept.root.join("tmp/half")).unwrap(), "half\n");
    // Failures are not remembered as results.
    assert_eq!(world.store.result(action).unwrap(), None);
}

#[test]
fn nothing_in_out_is_a_failure() {
    let world = World::new();
    let mut graph = Graph::default();
    let goal = script(&mut graph, ":", Vec::new());
    let NodeError::Action { outcome, .. } = world.run(&graph, goal).unwrap_err().cause else { panic!("no outcome") };
    assert_eq!(outcome.status, Status::NoOutput);
}

#[test]
fn no_more_actions_at_once_than_jobs() {
    let world = World::new();
    let mut graph = Graph::default();
    let goals: Vec<_> =
        (0..5).map(|number| script(&mut graph, &format!("sleep 0.3; echo > /out/{number}"), Vec::new())).collect();
    world.with_engine(2, |engine| engine.run(&graph, &goals)).unwrap();
    let (begun, most) = world.actions();
    assert_eq!((begun.len(), most), (5, 2));
}

#[test]
fn the_order_is_that_of_the_longest_ways_left_as_the_last_run_knew_them() {
    let world = World::new();
    let mut graph = Graph::default();
    let goals = ["sleep 0.01; echo > /out/a", "sleep 0.3; echo > /out/b", "sleep 0.6; echo > /out/c"]
        .map(|text| script(&mut graph, text, Vec::new()));
    let labels = |order: [usize; 3]| order.map(|at| graph_label(&graph, goals[at]));
    let run = || {
        world.with_engine(1, |engine| engine.run(&graph, &goals)).unwrap();
        world.actions().0
    };
    // Nothing is known yet, and which is ready first depends on who puts their roots together: any order will do.
    assert_eq!(run().len(), 3);
    assert_eq!(world.with_engine(1, |engine| engine.forget(&graph, &goals)).unwrap(), 3);
    assert_eq!(run(), labels([2, 1, 0]));
}

fn graph_label(graph: &Graph, id: NodeId) -> String {
    let Some(Node::Run(run)) = graph.get(id) else { panic!("no action") };
    run.label.clone()
}

#[test]
fn a_stop_ends_what_runs_at_once() {
    let world = World::new();
    let mut graph = Graph::default();
    let goal = script(&mut graph, "sleep 50", Vec::new());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            world.stop.store(true, Ordering::Relaxed);
        });
        let error = world.run(&graph, goal).unwrap_err();
        assert!(matches!(error.cause, NodeError::Stopped), "{error:?}");
    });
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_archive_is_not_asked_for_once_its_contents_are_known() {
    let bytes = tar();
    let sha256 = *action::digest::BlobDigest::of(&bytes).hash();
    let md5 = Checksum::Md5(md5_of(&bytes));
    for checksums in [sha256.into(), Checksums::new([md5]).unwrap(), Checksums::new([md5, sha(sha256)]).unwrap()] {
        let world = World::new();
        let archive = world.temp.path().join("a.tar");
        std::fs::write(&archive, &bytes).unwrap();
        let origins = vec![Origin::Url(format!("file://{}", archive.display()))];
        let source = Source { name: "a.tar".to_owned(), checksums, origins };
        let mut graph = Graph::default();
        let fetch = Fetch { label: "a".to_owned(), alternatives: vec![source] };
        let fetched = graph.add(Node::Fetch(fetch)).unwrap();
        let unpack =
            Unpack { archive: fetched, strip: 1, keep: Vec::new(), leave_out: Vec::new(), executable: Vec::new() };
        let goal = graph.add(Node::Unpack(unpack)).unwrap();
        let value = world.run(&graph, goal).unwrap().values;
        std::fs::remove_file(&archive).unwrap();
        assert_eq!(world.run(&graph, fetched).unwrap().values.len(), 1, "the file itself is in the store");
        let blob = action::digest::BlobDigest::of(&bytes);
        std::fs::remove_file(world.store.blob_path(blob, false).unwrap()).unwrap();
        assert_eq!(world.run(&graph, goal).unwrap().values, value);
        assert!(world.run(&graph, fetched).is_err(), "it is gone, and its contents alone are known");
    }
}

/// What stores of earlier versions hold must stay valid: a source's SHA-256 and nothing else is the memo's key.
#[test]
fn memos_of_sha256_are_keyed_by_its_bare_bytes() {
    let world = World::new();
    let blob = world.store.put(b"archive").unwrap();
    world.store.memo_put("source", blob.hash(), MemoValue::Blob(blob)).unwrap();
    let checksums = Checksums::new([sha(*blob.hash()), Checksum::Md5([0; 16]), Checksum::Sha512([0; 64])]).unwrap();
    let mut graph = Graph::default();
    let source = Source { name: "a".to_owned(), checksums, origins: Vec::new() };
    let goal = graph.add(Node::Fetch(Fetch { label: "a".to_owned(), alternatives: vec![source] })).unwrap();
    assert_eq!(world.run(&graph, goal).unwrap().values, [Value::File(blob)]);
    assert_eq!(world.ends(), [End::Cached]);
}

fn sha(bytes: [u8; 32]) -> Checksum {
    Checksum::Sha256(bytes)
}

/// The machine's own `md5sum` is the oracle.
fn md5_of(bytes: &[u8]) -> [u8; 16] {
    let temp = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(temp.path(), bytes).unwrap();
    let told = std::process::Command::new("md5sum").arg(temp.path()).output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    let Some(Checksum::Md5(md5)) =
        Checksum::parse(checksum::Kind::Md5, told.split_whitespace().next().unwrap_or_default())
    else {
        panic!("{told}")
    };
    md5
}

fn tar() -> Vec<u8> {
    let temp = tempfile::tempdir().unwrap();
    std::fs::create_dir(temp.path().join("top")).unwrap();
    std::fs::write(temp.path().join("top/file"), "contents").unwrap();
    let made = std::process::Command::new("tar").arg("c").arg("-C").arg(temp.path()).arg("top").output().unwrap();
    assert!(made.status.success());
    made.stdout
}

#[test]
fn who_waits_for_another_process_can_be_stopped() {
    let world = World::new();
    let mut graph = Graph::default();
    let first = script(&mut graph, "echo 1 > /out/number", Vec::new());
    world.run(&graph, first).unwrap();
    let second = script(&mut graph, "echo 2 > /out/number", Vec::new());
    let (action, _) = world.with_engine(1, |engine| engine.action(&graph, second)).unwrap().unwrap();
    // Somebody else is at it.
    let other = Store::open(world.store.root()).unwrap();
    let guard = other.try_lock("make", action.encode().digest.hash()).unwrap().unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| world.run(&graph, second));
        let waits = || world.events.lock().unwrap().iter().any(|event| matches!(event, Event::Waiting { .. }));
        let begun = Instant::now();
        while !waits() && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        world.stop.store(true, Ordering::Relaxed);
        let stopped = Instant::now();
        while !run.is_finished() && stopped.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let heard = run.is_finished();
        drop(guard);
        assert!(heard, "it waits on");
        let error = run.join().unwrap().unwrap_err();
        assert!(matches!(error.cause, NodeError::Stopped), "{:?}", error.cause);
    });
    world.stop.store(false, Ordering::Relaxed);
    world.run(&graph, second).unwrap();
}
