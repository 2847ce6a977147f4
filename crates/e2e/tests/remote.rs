//! The same actions on a real Remote Execution engine: same digests, same outputs.
//!
//! The engine is buildbox-casd, brought up by a script of the workplace; where that is not, these tests say so and end.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::collections::HashSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use action::command::Action;
use action::digest::DirDigest;
use action::graph::{Graph, Input, Literal, LiteralFile, Node, Run};
use action::outcome::{Place, Status};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::Engine;
use exec::fetch::config::registry_environment;
use exec::fetch::{FetchConfig, Fetcher, Mirror};
use exec::local::LocalExecutor;
use exec::remote::Remote;
use exec::store::Store;
use plan::planner::Planner;
use testkit::{shared, store};

/// A running engine; ended, by its pid, when dropped.
struct Casd {
    address: String,
    pid: String,
    _directory: tempfile::TempDir,
}

impl Casd {
    fn start() -> Option<Self> {
        let Some(script) = shared("tools/reapi/casd-up") else {
            println!("skipped: there is no engine on this machine (shared/tools/reapi)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let status = Command::new("bash").arg(script).arg(directory.path()).arg(port.to_string()).status().unwrap();
        assert!(status.success(), "casd-up: {status}");
        let pid = fs::read_to_string(directory.path().join("casd.pid")).unwrap().trim().to_owned();
        Some(Self { address: format!("http://127.0.0.1:{port}"), pid, _directory: directory })
    }
}

impl Drop for Casd {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(&self.pid).status();
    }
}

fn literal(files: &[(&str, &[u8], bool)]) -> Node {
    let file = |(path, contents, executable): &(&str, &[u8], bool)| LiteralFile {
        path: RelPath::new(path).unwrap(),
        contents: (*contents).into(),
        executable: *executable,
    };
    Node::Literal(Literal { files: files.iter().map(file).collect(), ..Literal::default() })
}

/// An action that says hello, over the base image.
fn hello() -> (Graph, action::graph::NodeId) {
    let mut graph = Graph::default();
    let base = graph.add(Node::Base(plan::base::image())).unwrap();
    let script = "echo hello > /out/greeting; ln -s greeting /out/link; mkdir /out/empty; uname -n; echo to stderr >&2";
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", script])] }.encode();
    let own = literal(&[("bactrian/builder", BUILDER, true), ("bactrian/recipe", &recipe, false)]);
    let own = graph.add(own).unwrap();
    let input = |node: action::graph::NodeId| Input { at: RelPath::root(), from: node.into() };
    let goal = graph.add(Node::Run(Run {
        label: "hello".to_owned(),
        command: action::command::Command {
            arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
            environment: [("PATH", "/usr/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LC_ALL", "C")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            platform: std::collections::BTreeMap::new(),
        },
        timeout: std::time::Duration::from_secs(600),
        inputs: vec![input(base), input(own)],
    }));
    (graph, goal.unwrap())
}

struct Bench {
    store: Store,
    fetcher: Fetcher,
    builder: std::path::PathBuf,
    _apt: tempfile::TempDir,
}

impl Bench {
    fn open() -> Self {
        let store = Store::open(&store()).unwrap();
        let apt = tempfile::tempdir().unwrap();
        let mut config = FetchConfig::new(registry_environment(std::env::vars_os()), apt.path().to_owned());
        config.mirrors = std::env::var("BACTRIAN_MIRROR").iter().map(|mirror| Mirror::parse(mirror)).collect();
        let digest = store.put(BUILDER).unwrap();
        let builder = store.blob_path(digest, true).unwrap();
        Self { store, fetcher: Fetcher::new(config), builder, _apt: apt }
    }

    /// Makes a goal's inputs and says which action makes the goal itself.
    fn action(&self, graph: &Graph, goal: action::graph::NodeId) -> (Action, HashSet<DirDigest>) {
        let stop = AtomicBool::new(false);
        let engine = Engine {
            store: &self.store,
            fetcher: &self.fetcher,
            builder: self.builder.clone(),
            path: std::env::var_os("PATH").unwrap(),
            jobs: 2,
            sink: &|_| (),
            stop: &stop,
            inspector: None,
        };
        let inputs: Vec<_> = graph.get(goal).unwrap().dependencies().collect();
        engine.run(graph, &inputs).unwrap_or_else(|error| panic!("{error}: {:?}", error.cause));
        engine.action(graph, goal).unwrap().unwrap()
    }

    fn same_on(&self, engine: &str, graph: &Graph, goal: action::graph::NodeId) {
        let (action, composed) = self.action(graph, goal);
        let encoded = action.encode();
        let stop = AtomicBool::new(false);
        let local = LocalExecutor { store: &self.store, builder: &self.builder, jobs: 2, stop: &stop };
        let here = local.execute(&action, &encoded, &composed).unwrap();
        assert_eq!(here.outcome.status, Status::Success, "{}", self.log(&here.outcome));
        let remote = Remote::connect(&self.store, engine, "").unwrap();
        let there = remote.execute(&action, &encoded).unwrap();
        assert_eq!(there.status, Status::Success, "{}", self.log(&there));
        assert_eq!(there.place, Place::Remote);
        assert_eq!(there.output, here.outcome.output);
        let again = remote.execute(&action, &encoded).unwrap();
        assert_eq!((again.place, again.output), (Place::RemoteCache, here.outcome.output));
    }

    fn log(&self, outcome: &action::outcome::Outcome) -> String {
        [outcome.stdout, outcome.stderr]
            .map(|log| String::from_utf8_lossy(&self.store.read(log).unwrap()).into_owned())
            .concat()
    }
}

#[test]
fn hello_and_a_compiler_are_the_same_here_and_there() {
    let Some(casd) = Casd::start() else { return };
    let bench = Bench::open();
    let (graph, goal) = hello();
    bench.same_on(&casd.address, &graph, goal);
    // clang and lld at work: start files, compiler-rt, the stubs of a glibc.
    let mut planner = Planner::new(BUILDER);
    let goal = planner.c_toolchain("x86_64-linux-gnu.2.28".parse().unwrap()).unwrap();
    bench.same_on(&casd.address, &planner.finish(), goal);
}

#[test]
fn a_command_that_fails_is_an_outcome_there_too() {
    let Some(casd) = Casd::start() else { return };
    let bench = Bench::open();
    let (mut graph, _) = hello();
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", "echo no >&2; exit 3"])] }.encode();
    let own = literal(&[("bactrian/builder", BUILDER, true), ("bactrian/recipe", &recipe, false)]);
    let own = graph.add(own).unwrap();
    let Some((_, Node::Run(mut run))) =
        graph.iter().last().map(|_| graph.iter().nth(2).unwrap()).map(|(id, node)| (id, node.clone()))
    else {
        panic!("the third node is the action")
    };
    run.inputs.truncate(1);
    run.inputs.push(Input { at: RelPath::root(), from: own.into() });
    let goal = graph.add(Node::Run(run)).unwrap();
    let (action, _) = bench.action(&graph, goal);
    let outcome = Remote::connect(&bench.store, &casd.address, "").unwrap().execute(&action, &action.encode()).unwrap();
    assert_eq!(outcome.status, Status::Exit(1));
    assert!(bench.log(&outcome).contains("exit 3"), "{}", bench.log(&outcome));
    assert!(!Path::new("/out").exists());
}
