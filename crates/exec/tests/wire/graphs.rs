//! Graphs made with a server's help, run after run: what is known of it, what is made after all.
//!
//! Where actions run on this machine they run for real; the server's workers make what it is told they make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use action::command::Command;
use action::digest::BlobDigest;
use action::graph::{Base, Graph, Input, Literal, LiteralFile, Node, NodeId, Run, Tool};
use action::path::RelPath;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, Report, RunError};
use exec::event::{End, Event, Kind};
use exec::fetch::{FetchConfig, Fetcher};
use exec::remote::{Config, Mode, Remote};
use exec::store::Store;
use prost::Message as _;

use super::impatient;
use super::server::Fake;

/// A store that is opened anew for each run, as by one process after another.
pub(super) struct Machine {
    pub(super) home: tempfile::TempDir,
}

/// How actions ended, by label.
pub(super) type Ends = BTreeMap<String, End>;

impl Machine {
    pub(super) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(super) fn store(&self) -> Arc<Store> {
        Arc::new(Store::open(&self.home.path().join("store")).unwrap())
    }

    /// Makes goals with a server's help.
    pub(super) fn with(
        &self,
        fake: &Fake,
        mode: Mode,
        graph: &Graph,
        goals: &[NodeId],
    ) -> (Result<Report, RunError>, Ends) {
        fake.forget_calls();
        let store = self.store();
        let config = Config { mode, ..impatient(&fake.address()) };
        let remote = Remote::connect(Arc::clone(&store), config, Arc::default()).unwrap();
        self.run(&store, Some(&remote), graph, goals)
    }

    /// Makes goals without one.
    pub(super) fn alone(&self, graph: &Graph, goals: &[NodeId]) -> (Result<Report, RunError>, Ends) {
        self.run(&self.store(), None, graph, goals)
    }

    pub(super) fn run(
        &self,
        store: &Store,
        remote: Option<&Remote>,
        graph: &Graph,
        goals: &[NodeId],
    ) -> (Result<Report, RunError>, Ends) {
        let ends = Mutex::new(Ends::new());
        let sink = |event: Event| {
            if let Event::Finished { kind: Kind::Run, label, end, .. } = event {
                ends.lock().unwrap().insert(label, end);
            }
        };
        let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), self.home.path().join("apt")));
        let stop = AtomicBool::new(false);
        let engine = Engine::new(store, &fetcher, "/usr/bin:/bin".into(), &stop).unwrap();
        let report = Engine { jobs: 2, sink: &sink, remote, ..engine }.run(graph, goals);
        assert_eq!(store.verify(false, &mut |fault| panic!("{fault:?}")).unwrap().faults, 0);
        (report, ends.into_inner().unwrap())
    }

    /// The contents of a file of the first goal.
    pub(super) fn read(&self, report: &Report, path: impl AsRef<Path>) -> String {
        let tree = report.values[0].tree().unwrap();
        std::fs::read_to_string(self.store().checkout(tree).unwrap().join(path)).unwrap()
    }

    pub(super) fn has(&self, contents: &[u8]) -> bool {
        self.store().has(BlobDigest::of(contents))
    }
}

pub(super) fn ends(ends: &[(&str, End)]) -> Ends {
    ends.iter().map(|(label, end)| ((*label).to_owned(), *end)).collect()
}

/// Adds an action that runs `script`, with the outputs of `needs` at `/in/0` and so on.
pub(super) fn script(graph: &mut Graph, label: &str, script: &str, needs: &[NodeId]) -> NodeId {
    let tool = |name: &str| Tool { names: vec![name.to_owned()], required: true, package: "coreutils".to_owned() };
    let tools = ["sh", "cat"].map(tool).into();
    let base = graph.add(Node::Base(Base { tools, ..Base::default() })).unwrap();
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", script])] }.encode();
    let file = |path: &str, contents: &[u8], executable| LiteralFile {
        path: RelPath::new(path).unwrap(),
        contents: contents.into(),
        executable,
    };
    let files = vec![file("bactrian/builder", BUILDER, true), file("bactrian/recipe", &recipe, false)];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() })).unwrap();
    let mut inputs: Vec<_> = [base, own].map(|node| Input { at: RelPath::root(), from: node.into() }).into();
    // By way of a tree put together, as real plans do.
    let at = |number: usize| RelPath::new(&number.to_string()).unwrap();
    let parts = needs.iter().enumerate().map(|(number, need)| Input { at: at(number), from: (*need).into() });
    let all = graph.add(Node::Compose(parts.collect())).unwrap();
    inputs.push(Input { at: RelPath::new("in").unwrap(), from: all.into() });
    let command = Command {
        arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
        environment: [("PATH".to_owned(), "/usr/bin".to_owned())].into(),
        platform: BTreeMap::new(),
    };
    let run = Run { label: label.to_owned(), command, timeout: Duration::from_secs(60), inputs, serves: None };
    graph.add(Node::Run(run)).unwrap()
}

/// Three actions, each over the one before; and what a server's workers make of them, which is what they are.
pub(super) fn chain() -> (Graph, [NodeId; 3]) {
    let mut graph = Graph::default();
    let one = script(&mut graph, "one", "printf one > /out/one", &[]);
    let two = script(&mut graph, "two", "cat /in/0/one > /out/two; printf ' two' >> /out/two", &[one]);
    let three = script(&mut graph, "three", "cat /in/0/two > /out/three; printf ' three' >> /out/three", &[two]);
    (graph, [one, two, three])
}

pub(super) fn engine() -> Fake {
    let fake = Fake::start();
    let file = |name, contents: &str| vec![(name, contents.as_bytes().to_vec())];
    fake.state().makes = vec![file("one", "one"), file("two", "one two"), file("three", "one two three")];
    fake
}

pub(super) const CHAIN: [&str; 3] = ["one", "two", "three"];

pub(super) fn all(end: End) -> Ends {
    CHAIN.map(|label| (label.to_owned(), end)).into()
}

#[test]
fn what_an_engine_made_costs_no_call_the_second_time() {
    let (fake, machine) = (engine(), Machine::new());
    let (graph, [one, _, three]) = chain();
    for (mode, expected) in
        [(Mode::Execute, End::MadeRemotely), (Mode::Execute, End::Cached), (Mode::Hybrid, End::Cached)]
    {
        let (report, ended) = machine.with(&fake, mode, &graph, &[three]);
        assert_eq!(machine.read(&report.unwrap(), "three"), "one two three");
        assert_eq!(ended, all(expected));
    }
    assert_eq!(fake.state().calls.len(), 1, "{:?}", fake.methods());
    assert!(machine.has(b"one two three") && !machine.has(b"one two"), "what nobody wanted was not brought");

    // What is known goes into new actions there, and is asked for nowhere but to see that it is still there.
    let mut graph = graph;
    let last = script(&mut graph, "last", "cat /in/0/one > /out/last", &[one]);
    fake.state().makes = vec![vec![("last", b"made there".to_vec())]];
    let (report, ended) = machine.with(&fake, Mode::Execute, &graph, &[last]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "made there");
    assert_eq!(ended, ends(&[("one", End::Cached), ("last", End::MadeRemotely)]));
    assert_eq!((fake.calls("GetActionResult"), fake.calls("Execute"), fake.calls("Read")), (1, 1, 0));
    assert!(!machine.has(b"one"));

    // And what is wanted is brought.
    let (report, ended) = machine.with(&fake, Mode::Cache, &graph, &[one]);
    assert_eq!(machine.read(&report.unwrap(), "one"), "one");
    assert_eq!(ended, ends(&[("one", End::Downloaded)]));
    assert_eq!((fake.calls("GetActionResult"), fake.calls("BatchReadBlobs")), (0, 1));
}

/// A directory that has files of two results is the output of none.
#[test]
fn files_that_were_put_together_in_one_directory_are_brought() {
    let (fake, machine) = (engine(), Machine::new());
    let (mut graph, [one, two, _]) = chain();
    let at_root = |from: NodeId| Input { at: RelPath::root(), from: from.into() };
    let both = graph.add(Node::Compose([one, two].map(at_root).into())).unwrap();
    let report = machine.with(&fake, Mode::Execute, &graph, &[both]).0.unwrap();
    assert_eq!(machine.read(&report, "one") + &machine.read(&report, "two"), "oneone two");

    // The same for what an action here is made of, and nothing is taken to be here that is not.
    let over_both = |graph: &mut Graph, label: &str| {
        script(graph, label, &format!("cat /in/0/one /in/0/two > /out/last # {label}"), &[both])
    };
    let (other, there) = (Machine::new(), over_both(&mut graph, "there"));
    fake.state().makes = vec![vec![("last", b"made there".to_vec())]];
    let (report, ended) = other.with(&fake, Mode::Hybrid, &graph, &[there]);
    assert_eq!((other.read(&report.unwrap(), "last").as_str(), ended["there"]), ("made there", End::MadeRemotely));
    let here = over_both(&mut graph, "here");
    let (report, ended) = other.with(&fake, Mode::Cache, &graph, &[here]);
    assert_eq!((other.read(&report.unwrap(), "last").as_str(), ended["here"]), ("oneone two", End::Made));
}

#[test]
fn without_the_server_nothing_is_made_but_what_is_wanted() {
    let (fake, machine) = (engine(), Machine::new());
    let (mut graph, [one, two, three]) = chain();
    machine.with(&fake, Mode::Execute, &graph, &[three, two]).0.unwrap();
    assert!(machine.has(b"one two") && !machine.has(b"one"));
    let (report, ended) = machine.alone(&graph, &[three]);
    assert_eq!(machine.read(&report.unwrap(), "three"), "one two three");
    assert_eq!(ended, all(End::Cached));

    // What the next one is made of is here; of what that was made the digest is known, and no more is needed.
    let over_two = script(&mut graph, "over two", "cat /in/0/two > /out/last", &[two]);
    let (report, ended) = machine.alone(&graph, &[over_two]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "one two");
    assert_eq!(ended, ends(&[("one", End::Cached), ("two", End::Cached), ("over two", End::Made)]));
    assert!(!machine.has(b"one"));

    let over_both = script(&mut graph, "over both", "cat /in/0/one /in/1/two > /out/last", &[one, two]);
    let (report, ended) = machine.alone(&graph, &[over_both]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "oneone two");
    assert_eq!(ended, ends(&[("one", End::Made), ("two", End::Cached), ("over both", End::Made)]));
    assert_eq!(machine.alone(&graph, &[one]).1, ends(&[("one", End::Cached)]));
}

#[test]
fn another_server_that_lacks_what_is_known_is_no_trouble() {
    let machine = Machine::new();
    let (mut graph, [one, _, three]) = chain();
    machine.with(&engine(), Mode::Execute, &graph, &[three]).0.unwrap();
    let last = script(&mut graph, "last", "cat /in/0/one > /out/last", &[one]);
    let other = Fake::start();
    let (report, ended) = machine.with(&other, Mode::Cache, &graph, &[last]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "one");
    assert_eq!(ended, ends(&[("one", End::Made), ("last", End::Made)]));
    assert_eq!(other.state().results.len(), 2, "it was told of both");
    // So that the next machine need not.
    let next = Machine::new();
    let (report, ended) = next.with(&other, Mode::Cache, &graph, &[last]);
    assert_eq!(next.read(&report.unwrap(), "last"), "one");
    assert_eq!(ended, ends(&[("one", End::Downloaded), ("last", End::Downloaded)]));
}

#[test]
fn an_engine_that_lacks_what_is_known_makes_it_again() {
    let machine = Machine::new();
    let (mut graph, [one, _, three]) = chain();
    machine.with(&engine(), Mode::Execute, &graph, &[three]).0.unwrap();
    let last = script(&mut graph, "last", "cat /in/0/one > /out/last", &[one]);
    let other = engine();
    other.state().makes = vec![vec![("one", b"one".to_vec())], vec![("last", b"made there".to_vec())]];
    let (report, ended) = machine.with(&other, Mode::Execute, &graph, &[last]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "made there");
    assert_eq!(ended, ends(&[("one", End::MadeRemotely), ("last", End::MadeRemotely)]));
}

#[test]
fn outputs_that_an_engine_has_lost_it_makes_again() {
    let fake = engine();
    let (graph, [.., three]) = chain();
    Machine::new().with(&fake, Mode::Execute, &graph, &[three]).0.unwrap();
    // It still tells of all results.
    for lost in [&b"one two three"[..], b"one two", b"one"] {
        fake.state().blobs.remove(&BlobDigest::of(lost));
    }
    fake.state().executed.clear();
    let machine = Machine::new();
    let (report, _) = machine.with(&fake, Mode::Execute, &graph, &[three]);
    assert_eq!(machine.read(&report.unwrap(), "three"), "one two three");
    assert!(fake.state().executed.iter().all(|(_, fresh)| *fresh), "{:?}", fake.state().executed);
}

#[test]
fn what_comes_out_otherwise_than_it_was_known_is_what_all_else_is_made_of() {
    let (fake, machine) = (engine(), Machine::new());
    fake.state().makes[0] = vec![("one", b"made elsewhere".to_vec())];
    let (mut graph, [one, two, _]) = chain();
    machine.with(&fake, Mode::Execute, &graph, &[two]).0.unwrap();
    let last = script(&mut graph, "last", "cat /in/0/one /in/1/two > /out/last", &[one, two]);
    let (report, ended) = machine.alone(&graph, &[last]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "oneone two");
    // The second time it is found: the run had begun anew.
    assert_eq!(ended, ends(&[("one", End::Cached), ("two", End::Made), ("last", End::Made)]));
}

#[test]
fn a_cache_is_told_once_of_what_was_made_here() {
    let (fake, machine) = (Fake::start(), Machine::new());
    let (graph, [.., three]) = chain();
    let (_, ended) = machine.with(&fake, Mode::Cache, &graph, &[three]);
    assert_eq!(ended, all(End::Made));
    assert_eq!(fake.calls("UpdateActionResult"), 3);
    let (_, ended) = machine.with(&fake, Mode::Cache, &graph, &[three]);
    assert_eq!(ended, all(End::Cached));
    assert_eq!(fake.state().calls.len(), 1, "{:?}", fake.methods());
    // What was made before there was a server is told when a run finds it.
    let machine = Machine::new();
    machine.alone(&graph, &[three]).0.unwrap();
    let fake = Fake::start();
    machine.with(&fake, Mode::Cache, &graph, &[three]).0.unwrap();
    assert_eq!(fake.calls("UpdateActionResult"), 3);
}

#[test]
fn a_cache_that_goes_away_is_done_without() {
    let (mut fake, machine) = (engine(), Machine::new());
    let (mut graph, [one, _, three]) = chain();
    machine.with(&fake, Mode::Execute, &graph, &[three]).0.unwrap();
    let last = script(&mut graph, "last", "cat /in/0/one > /out/last", &[one]);
    let store = machine.store();
    let config = Config { mode: Mode::Cache, ..impatient(&fake.address()) };
    let remote = Remote::connect(Arc::clone(&store), config, Arc::default()).unwrap();
    fake.kill();
    let (report, ended) = machine.run(&store, Some(&remote), &graph, &[last]);
    assert_eq!(machine.read(&report.unwrap(), "last"), "one");
    assert_eq!(ended, ends(&[("one", End::Made), ("last", End::Made)]));
    assert!(remote.off().is_some());
}

#[test]
fn an_engine_that_goes_away_is_told_and_no_build_has_failed() {
    let (mut fake, machine) = (engine(), Machine::new());
    let (graph, [.., three]) = chain();
    let store = machine.store();
    let remote = Remote::connect(Arc::clone(&store), impatient(&fake.address()), Arc::default()).unwrap();
    fake.kill();
    let error = machine.run(&store, Some(&remote), &graph, &[three]).0.unwrap_err();
    assert!(matches!(error.cause, exec::engine::NodeError::Remote(_)), "{error:?}");
}

#[test]
fn forgetting_a_result_forgets_that_it_is_known() {
    let (fake, machine) = (engine(), Machine::new());
    let (graph, [one, _, three]) = chain();
    machine.with(&fake, Mode::Execute, &graph, &[three]).0.unwrap();
    let store = machine.store();
    let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), machine.home.path().join("apt")));
    let stop = AtomicBool::new(false);
    let engine = Engine::new(&store, &fetcher, "/usr/bin:/bin".into(), &stop).unwrap();
    // A look needs the digests alone: the goal is found though what it is made of is elsewhere.
    let found = engine.look_up(&graph, &[one, three]).unwrap();
    assert!(found[0].is_none() && found[1].is_some());
    assert_eq!(engine.forget(&graph, &[one]).unwrap(), 1);
    assert_eq!(engine.forget(&graph, &[one]).unwrap(), 0);
    drop(store);
    // It is made again, and what was made of it stays, for it came out as before.
    assert_eq!(
        machine.alone(&graph, &[three]).1,
        ends(&[("one", End::Made), ("two", End::Made), ("three", End::Cached)])
    );
}

/// What the server's workers were asked to be, for each action that it was to run.
fn asked_of_workers(fake: &Fake) -> BTreeSet<Vec<(String, String)>> {
    let state = fake.state();
    let executed =
        |digest: &BlobDigest| state.executed.iter().any(|(action, _)| digest.to_string().starts_with(action));
    let actions = state.blobs.iter().filter(|(digest, _)| executed(digest));
    let properties = |(_, blob): (&BlobDigest, &Vec<u8>)| {
        let all = wire::Action::decode(blob.as_slice()).unwrap().platform.unwrap_or_default().properties;
        all.into_iter().map(|property| (property.name, property.value)).collect()
    };
    actions.map(properties).collect()
}

#[test]
fn actions_that_serve_a_target_go_to_its_workers() {
    let (fake, machine) = (engine(), Machine::new());
    let mut graph = Graph::default();
    let serves = |graph: &mut Graph, label: &str, target: Option<&str>| {
        let id = script(graph, label, &format!("printf {label} > /out/one"), &[]);
        let Some(Node::Run(run)) = graph.get(id).cloned() else { panic!("an action") };
        graph.add(Node::Run(Run { serves: target.map(str::to_owned), ..run })).unwrap()
    };
    let nobody = serves(&mut graph, "nobody", None);
    let arm = serves(&mut graph, "arm", Some("aarch64-linux-musl"));
    let big = serves(&mut graph, "big", Some("s390x-linux-musl"));
    let texts =
        |all: &[(&str, &str)]| all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let config = Config {
        platform: texts(&[("OSFamily", "linux"), ("pool", "small")]),
        targets: [("aarch64-linux-musl".to_owned(), texts(&[("pool", "large")]))].into(),
        ..impatient(&fake.address())
    };
    let store = machine.store();
    let remote = Remote::connect(Arc::clone(&store), config, Arc::default()).unwrap();
    machine.run(&store, Some(&remote), &graph, &[nobody, arm, big]).0.unwrap();
    let asked = |pool: &str| vec![("OSFamily".to_owned(), "linux".to_owned()), ("pool".to_owned(), pool.to_owned())];
    assert_eq!(asked_of_workers(&fake), [asked("large"), asked("small")].into());
    // What is here does not depend on who made it: the same is found without a server.
    let (_, ended) = machine.alone(&graph, &[arm]);
    assert_eq!(ended, ends(&[("arm", End::Cached)]));
}
