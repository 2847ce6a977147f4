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

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use action::command::Action;
use action::digest::{BlobDigest, DirDigest};
use action::graph::{Graph, Input, Literal, LiteralFile, Node, NodeId, Run};
use action::outcome::{Place, Status};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, NodeError};
use exec::event::{End, Event, Kind};
use exec::fetch::config::registry_environment;
use exec::fetch::{FetchConfig, Fetcher, Mirror};
use exec::local::LocalExecutor;
use exec::remote::{Config, Mode, Remote};
use exec::store::Store;
use plan::planner::Planner;
use tempfile::TempDir;
use testkit::casd::Casd;
use testkit::store;

/// An engine with nothing in it.
struct Engines {
    casd: Casd,
    directory: Option<TempDir>,
}

/// An engine leaves nothing: no mount, and so no directory that cannot be removed.
impl Drop for Engines {
    fn drop(&mut self) {
        self.casd.kill();
        let mounted = self.casd.mounted();
        let removed = self.directory.take().map_or(Ok(()), TempDir::close);
        if !thread::panicking() {
            assert!(mounted.is_empty(), "{mounted:?}");
            removed.unwrap();
        }
    }
}

fn casd() -> Option<Engines> {
    let directory = tempfile::tempdir().unwrap();
    let Some(casd) = Casd::start(directory.path()).unwrap() else {
        println!("skipped: there is no engine on this machine (shared/tools/reapi)");
        return None;
    };
    Some(Engines { casd, directory: Some(directory) })
}

fn literal(files: &[(&str, &[u8], bool)]) -> Node {
    let file = |(path, contents, executable): &(&str, &[u8], bool)| LiteralFile {
        path: RelPath::new(path).unwrap(),
        contents: (*contents).into(),
        executable: *executable,
    };
    Node::Literal(Literal { files: files.iter().map(file).collect(), ..Literal::default() })
}

/// A graph of shell scripts over the base image.
#[derive(Default)]
struct Scripts {
    graph: Graph,
    base: Option<NodeId>,
}

impl Scripts {
    /// An action that runs `script`, with the output of `needs` at `/in`.
    fn add(&mut self, label: &str, script: &str, needs: Option<NodeId>) -> NodeId {
        let base = match self.base {
            Some(base) => base,
            None => *self.base.insert(self.graph.add(Node::Base(plan::base::image())).unwrap()),
        };
        let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", script])] }.encode();
        let own = literal(&[("bactrian/builder", BUILDER, true), ("bactrian/recipe", &recipe, false)]);
        let own = self.graph.add(own).unwrap();
        let mut inputs: Vec<_> = [base, own].map(|node| Input { at: RelPath::root(), from: node.into() }).into();
        inputs.extend(needs.map(|node| Input { at: RelPath::new("in").unwrap(), from: node.into() }));
        let run = Run {
            label: label.to_owned(),
            command: action::command::Command {
                arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
                environment: [("PATH", "/usr/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LC_ALL", "C")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                platform: BTreeMap::new(),
            },
            timeout: Duration::from_secs(600),
            inputs,
            serves: None,
        };
        self.graph.add(Node::Run(run)).unwrap()
    }
}

/// An action that says hello.
fn hello() -> (Graph, NodeId) {
    let mut scripts = Scripts::default();
    let script = "echo hello > /out/greeting; ln -s greeting /out/link; mkdir /out/empty; uname -n; echo to stderr >&2";
    let goal = scripts.add("hello", script, None);
    (scripts.graph, goal)
}

/// What the first of [`chain`] leaves and nobody delivers: larger than a batch, so that it goes as a stream.
const LARGE: &str = "seq 1 900000";

/// Three actions, of which each needs the one before, and the last nothing of the first.
fn chain() -> (Graph, NodeId) {
    let mut scripts = Scripts::default();
    let one = format!("{LARGE} > /out/large; echo one > /out/one");
    let one = scripts.add("one", &one, None);
    let two =
        scripts.add("two", "cat /in/one > /out/two; wc -c < /in/large >> /out/two; tail -n 1 /in/large", Some(one));
    let three = scripts.add("three", "cp /in/two /out/three; chmod +x /out/three; ln -s three /out/link", Some(two));
    (scripts.graph, three)
}

/// The digest of the large file.
fn large() -> BlobDigest {
    BlobDigest::of((1..=900_000).map(|number| format!("{number}\n")).collect::<String>().as_bytes())
}

struct Bench {
    store: Arc<Store>,
    fetcher: Fetcher,
    builder: std::path::PathBuf,
    _apt: TempDir,
}

impl Bench {
    fn open() -> Self {
        Self::at(&store())
    }

    fn at(store: &Path) -> Self {
        let store = Arc::new(Store::open(store).unwrap());
        let apt = tempfile::tempdir().unwrap();
        let mut config = FetchConfig::new(registry_environment(std::env::vars_os()), apt.path().to_owned());
        config.mirrors = std::env::var("BACTRIAN_MIRROR").iter().map(|mirror| Mirror::parse(mirror)).collect();
        let digest = store.put(BUILDER).unwrap();
        let builder = store.blob_path(digest, true).unwrap();
        Self { store, fetcher: Fetcher::new(config), builder, _apt: apt }
    }

    fn engine<'e>(&'e self, stop: &'e AtomicBool) -> Engine<'e> {
        let engine = Engine::new(&self.store, &self.fetcher, std::env::var_os("PATH").unwrap(), stop).unwrap();
        Engine { jobs: 2, ..engine }
    }

    /// Makes a goal's inputs and says which action makes the goal itself.
    fn action(&self, graph: &Graph, goal: NodeId) -> (Action, HashSet<DirDigest>) {
        let stop = AtomicBool::new(false);
        let engine = self.engine(&stop);
        let inputs: Vec<_> = graph.get(goal).unwrap().dependencies().collect();
        engine.run(graph, &inputs).unwrap_or_else(|error| panic!("{error}: {:?}", error.cause));
        engine.action(graph, goal).unwrap().unwrap()
    }

    fn same_on(&self, engine: &str, graph: &Graph, goal: NodeId) {
        let (action, composed) = self.action(graph, goal);
        let encoded = action.encode();
        let stop = AtomicBool::new(false);
        let local = LocalExecutor { store: &self.store, builder: &self.builder, jobs: 2, stop: &stop };
        let here = local.execute(&action, &encoded, &composed).unwrap();
        assert_eq!(here.outcome.status, Status::Success, "{}", self.log(&here.outcome));
        let remote = self.connect(engine, Mode::Execute);
        let there = remote.execute(&action, &|_| ()).unwrap();
        assert_eq!(there.status, Status::Success);
        assert_eq!(there.place, Place::Remote);
        assert_eq!(there.output, here.outcome.output);
        let again = remote.execute(&action, &|_| ()).unwrap();
        assert_eq!((again.place, again.output), (Place::RemoteCache, here.outcome.output));
    }

    fn connect(&self, engine: &str, mode: Mode) -> Remote {
        let config = Config { mode, ..Config::new(engine.parse().unwrap()) };
        Remote::connect(Arc::clone(&self.store), config, Arc::default()).unwrap()
    }

    /// Makes a goal with the help of an engine; its tree, and how each action ended.
    fn make(&self, remote: &Remote, graph: &Graph, goal: NodeId) -> (DirDigest, BTreeMap<String, End>) {
        self.make_with(Some(remote), graph, goal)
    }

    /// Makes a goal on this machine alone.
    fn alone(&self, graph: &Graph, goal: NodeId) -> (DirDigest, BTreeMap<String, End>) {
        self.make_with(None, graph, goal)
    }

    fn make_with(&self, remote: Option<&Remote>, graph: &Graph, goal: NodeId) -> (DirDigest, BTreeMap<String, End>) {
        let ends = Mutex::new(BTreeMap::new());
        let sink = |event: Event| {
            if let Event::Finished { kind: Kind::Run, label, end, .. } = event {
                ends.lock().unwrap().insert(label, end);
            }
        };
        let stop = AtomicBool::new(false);
        let engine = Engine { sink: &sink, remote, ..self.engine(&stop) };
        let report = engine.run(graph, &[goal]).unwrap_or_else(|error| panic!("{error}: {:?}", error.cause));
        (report.values[0].tree().unwrap(), ends.into_inner().unwrap())
    }

    /// Has an action fail; the id by which its root is kept.
    fn fail(&self, remote: &Remote, graph: &Graph, goal: NodeId) -> String {
        let stop = AtomicBool::new(false);
        let engine = Engine { remote: Some(remote), ..self.engine(&stop) };
        match engine.run(graph, &[goal]).unwrap_err().cause {
            NodeError::Action { kept: Some(id), .. } => id,
            other => panic!("{other:?}"),
        }
    }

    fn log(&self, outcome: &action::outcome::Outcome) -> String {
        [outcome.stdout, outcome.stderr]
            .map(|log| String::from_utf8_lossy(&self.store.read(log).unwrap()).into_owned())
            .concat()
    }
}

#[test]
fn hello_and_a_compiler_are_the_same_here_and_there() {
    let Some(engine) = casd() else { return };
    let bench = Bench::open();
    let (graph, goal) = hello();
    bench.same_on(&engine.casd.address(), &graph, goal);
    // clang and lld at work: start files, compiler-rt, the stubs of a glibc.
    let mut planner = Planner::new(BUILDER);
    let goal = planner.c_toolchain("x86_64-linux-gnu.2.28".parse().unwrap()).unwrap();
    bench.same_on(&engine.casd.address(), &planner.finish(), goal);
}

#[test]
fn a_command_that_fails_is_an_outcome_there_too() {
    let Some(engine) = casd() else { return };
    let bench = Bench::open();
    let mut scripts = Scripts::default();
    let goal = scripts.add("fails", "echo no >&2; exit 3", None);
    let graph = scripts.graph;
    let (action, _) = bench.action(&graph, goal);
    let outcome = bench.connect(&engine.casd.address(), Mode::Execute).execute(&action, &|_| ()).unwrap();
    assert_eq!(outcome.status, Status::Exit(1));
    assert!(bench.log(&outcome).contains("exit 3"), "{}", bench.log(&outcome));
    assert!(!Path::new("/out").exists());
}

fn all(end: End) -> BTreeMap<String, End> {
    ["one", "two", "three"].map(|label| named((label, end))).into()
}

fn named((label, end): (&str, End)) -> (String, End) {
    (label.to_owned(), end)
}

/// The action with this label.
fn node(graph: &Graph, label: &str) -> Option<NodeId> {
    graph.iter().find_map(|(id, node)| matches!(node, Node::Run(run) if run.label == label).then_some(id))
}

/// What one store has made, another takes from the cache, and only what it delivers.
#[test]
fn a_cache_serves_an_empty_store_and_what_it_loses_is_made_again() {
    let Some(mut engine) = casd() else { return };
    let (graph, goal) = chain();
    let stores: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let benches: Vec<_> = stores.iter().map(|store| Bench::at(&store.path().join("store"))).collect();
    let address = engine.casd.address();
    let make = |bench: usize| benches[bench].make(&benches[bench].connect(&address, Mode::Cache), &graph, goal);
    let (made, ends) = make(0);
    assert_eq!(ends, all(End::Made));
    let (found, ends) = make(1);
    assert_eq!((found, ends), (made, all(End::Downloaded)));
    assert!(benches[0].store.has(large()) && !benches[1].store.has(large()), "nobody wanted the large file");
    for bench in &benches[..2] {
        let file = bench.store.checkout(made).unwrap().join("three");
        assert_eq!(fs::read_to_string(file).unwrap(), format!("one\n{}\n", large().size()));
        assert_eq!(bench.store.verify(false, &mut |_| ()).unwrap().faults, 0);
    }
    // What was delivered is here, and the rest is known: nothing but the capabilities is asked.
    let again = Bench::at(benches[1].store.root());
    let remote = again.connect(&address, Mode::Cache);
    assert_eq!(again.make(&remote, &graph, goal), (made, all(End::Cached)));
    assert_eq!(remote.traffic().calls(), 1);
    // Without the server: what is wanted is made, and nothing else.
    assert_eq!(again.alone(&graph, goal), (made, all(End::Cached)));
    let mut scripts = Scripts { graph: graph.clone(), base: None };
    let after = scripts.add("after", "tail -n 1 /in/large > /out/last", node(&graph, "one"));
    let (_, ends) = Bench::at(benches[1].store.root()).alone(&scripts.graph, after);
    assert_eq!(ends, [("one", End::Made), ("after", End::Made)].map(named).into());
    assert_eq!(again.store.verify(false, &mut |_| ()).unwrap().faults, 0);

    // The server forgets a file of a result that it tells of, while a client is at work: what is known is made again.
    let remote = benches[2].connect(&address, Mode::Cache);
    lose(&mut engine.casd, large());
    let mut scripts = Scripts { graph: graph.clone(), base: None };
    let last = scripts.add("last", "wc -c < /in/large > /out/bytes", node(&graph, "one"));
    let (last, ends) = benches[2].make(&remote, &scripts.graph, last);
    assert_eq!(ends["last"], End::Made);
    let bytes = benches[2].store.checkout(last).unwrap().join("bytes");
    assert_eq!(fs::read_to_string(bytes).unwrap(), format!("{}\n", large().size()));

    // A cache that is gone for good is done without.
    let config =
        Config { patience: Duration::from_secs(1), ..benches[3].connect(&address, Mode::Cache).config().clone() };
    let remote = Remote::connect(Arc::clone(&benches[3].store), config, Arc::default()).unwrap();
    engine.casd.kill();
    assert_eq!(benches[3].make(&remote, &graph, goal), (made, all(End::Made)));
    assert!(remote.off().is_some());
}

/// Has a server lose a blob.
fn lose(casd: &mut Casd, blob: BlobDigest) {
    casd.kill();
    let hex = blob.hex();
    let mut found = 0;
    let mut directories = vec![casd.directory().join("cas")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.to_string_lossy().replace('/', "").contains(&hex) {
                fs::remove_file(&path).unwrap();
                found += 1;
            }
        }
    }
    assert!(found > 0, "the server keeps its blobs elsewhere");
    casd.begin().unwrap();
}

/// What failed there can be looked at here: its inputs are brought, and its root is as it was.
#[test]
fn the_root_of_what_failed_there_is_entered_here() {
    let Some(engine) = casd() else { return };
    let temp = tempfile::tempdir().unwrap();
    let bench = Bench::at(&temp.path().join("store"));
    let mut scripts = Scripts::default();
    let one = scripts.add("one", "echo precious > /out/one", None);
    let fails = scripts.add("fails", "cat /in/one /in/one; echo half > /out/half; exit 3", Some(one));
    let remote = bench.connect(&engine.casd.address(), Mode::Execute);
    let id = bench.fail(&remote, &scripts.graph, fails);
    assert!(!bench.store.has(BlobDigest::of(b"precious\n")), "nobody here wanted it");
    let shell = |engine: &str| {
        let mut line = testkit::command(testkit::bactrian().unwrap());
        line.args(["shell", "--failed", &id, "--remote", engine, "--store"]).arg(bench.store.root());
        line.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = line.spawn().unwrap();
        let script = b"cat /in/one\ncd / && bactrian/builder build; echo ended with $?; cat /out/half\nexit 0\n";
        // Who refuses to begin does not read.
        let _ = child.stdin.take().unwrap().write_all(script);
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), text)
    };
    let (code, [_, told]) = shell("none");
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("--remote URL"), "{told}");
    let (code, [printed, told]) = shell(&engine.casd.address());
    assert_eq!(code, Some(0), "{printed}{told}");
    assert_eq!(printed.lines().filter(|line| line.ends_with("precious")).count(), 3, "{printed}{told}");
    assert!(printed.contains("ended with 1\nhalf\n"), "{printed}{told}");
}

/// Everything runs on the engine, many actions at once; a server that is killed meanwhile delays them, no more.
#[test]
fn an_engine_makes_everything_though_it_is_killed_meanwhile() {
    let Some(mut engine) = casd() else { return };
    let (graph, goal) = chain();
    let temp = tempfile::tempdir().unwrap();
    let local = Bench::at(&temp.path().join("local"));
    let (action, composed) = local.action(&graph, goal);
    let stop = AtomicBool::new(false);
    let executor = LocalExecutor { store: &local.store, builder: &local.builder, jobs: 2, stop: &stop };
    let here = executor.execute(&action, &action.encode(), &composed).unwrap().outcome.output;
    let far = Bench::at(&temp.path().join("far"));
    let remote = far.connect(&engine.casd.address(), Mode::Execute);
    let (there, ends) = far.make(&remote, &graph, goal);
    assert_eq!((Some(there), ends), (here, all(End::MadeRemotely)));
    assert!(!far.store.has(large()), "nobody here wanted the large file");

    let mut scripts = Scripts::default();
    let slow = scripts.add("slow", "sleep 3; echo slept > /out/slept", None);
    let (tree, ends) = thread::scope(|scope| {
        let made = scope.spawn(|| far.make(&remote, &scripts.graph, slow));
        thread::sleep(Duration::from_millis(1500));
        engine.casd.kill();
        thread::sleep(Duration::from_millis(500));
        engine.casd.begin().unwrap();
        made.join().unwrap()
    });
    assert_eq!(ends["slow"], End::MadeRemotely);
    assert_eq!(fs::read_to_string(far.store.checkout(tree).unwrap().join("slept")).unwrap(), "slept\n");
}
