//! C libraries, built by the engine, and for each a small program that uses it, linked and run.
//!
//! `cargo xtask clib [--target TARGET|host]… [--twice] [NAME…]`: all libraries for `aarch64-linux-musl` unless told otherwise.
//! `--twice` forgets each and builds it once more, with another number of jobs, and compares the results.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use action::graph::{Graph, Input, Literal, LiteralFile, Node, NodeId, Run};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, NodeError, RunError, Value};
use exec::event::{End, Event, Kind};
use exec::fetch::config::registry_environment;
use exec::fetch::{FetchConfig, Fetcher, Mirror};
use exec::store::Store;
use plan::clib::Library;
use plan::planner::Planner;
use plan::target::{Machine, Runner, Target};
use plan::world::World;
use testkit::output;

/// What each library's program is, and what it must print.
const PROGRAMS: &[(Library, &str, &str)] = &[
    (Library::Curl, include_str!("../data/clib/curl.c"), include_str!("../data/clib/curl.txt")),
    (Library::Expat, include_str!("../data/clib/expat.c"), include_str!("../data/clib/expat.txt")),
    (Library::Gmp, include_str!("../data/clib/gmp.c"), include_str!("../data/clib/gmp.txt")),
    (Library::Libev, include_str!("../data/clib/libev.c"), "timer 3, pipe x\n"),
    (Library::Libffi, include_str!("../data/clib/libffi.c"), "call 42.5, closure 49\n"),
    (
        Library::Openssl,
        include_str!("../data/clib/openssl.c"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\nTLS_method ok\n",
    ),
    (Library::Pcre2, include_str!("../data/clib/pcre2.c"), "matches 2: 2026-11 2026 11\n"),
    (Library::Sqlite3, include_str!("../data/clib/sqlite3.c"), include_str!("../data/clib/sqlite3.txt")),
    (Library::Zlib, include_str!("../data/clib/zlib.c"), "1.3.1: 100000 bytes, smaller, the same again\n"),
];

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let mut worlds = Vec::new();
    let mut libraries = Vec::new();
    let mut twice = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "--target" => worlds.push(world(words.next().ok_or("--target wants a name")?)?),
            "--twice" => twice = true,
            name => libraries.push(Library::named(name).ok_or_else(|| format!("no C library is called {name}"))?),
        }
    }
    if worlds.is_empty() {
        worlds.push(world("aarch64-linux-musl")?);
    }
    if libraries.is_empty() {
        libraries.extend(Library::ALL);
    }
    let bench = Bench::open(&testkit::store())?;
    for world in worlds {
        for library in &libraries {
            bench.check(*library, world)?;
            if twice {
                bench.check_twice(*library, world)?;
            }
        }
    }
    Ok(())
}

fn world(name: &str) -> Result<World, String> {
    match name {
        "host" => Ok(World::Host),
        name => name.parse().map(World::Target).map_err(|error| format!("{error}")),
    }
}

/// A store, and what making something in it takes.
pub(crate) struct Bench {
    store: Store,
    fetcher: Fetcher,
    _apt: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn open(place: &Path) -> Result<Self, String> {
        let store = Store::open(place).map_err(|error| error.to_string())?;
        let apt = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut config = FetchConfig::new(registry_environment(std::env::vars_os()), apt.path().to_owned());
        let mirrors = std::env::var("BACTRIAN_MIRROR").unwrap_or_default();
        config.mirrors = mirrors.split_whitespace().map(Mirror::parse).collect();
        Ok(Self { store, fetcher: Fetcher::new(config), _apt: apt })
    }

    /// Builds the library and its program, runs the program and compares what it prints.
    fn check(&self, library: Library, world: World) -> Result<(), String> {
        let name = library.facts().name;
        let target = world.c_target().map_err(|error| error.to_string())?;
        let (_, source, expected) =
            PROGRAMS.iter().find(|(of, ..)| *of == library).ok_or_else(|| format!("{name} has no program"))?;
        let mut planner = Planner::new(BUILDER);
        let inputs = program_inputs(&mut planner, library, world)?;
        let mut graph = planner.finish();
        let goal = program(&mut graph, inputs, source, (target, world)).map_err(|error| error.to_string())?;
        let made = self.make(&graph, goal, jobs())?;
        let path = made.join(format!("program{}", target.spec().os.exe_suffix()));
        let printed = match target.runner_on(here()) {
            Runner::Native => output(Command::new(&path).env_clear()),
            Runner::Qemu(emulator) => output(Command::new(emulator).env_clear().arg(&path)),
            Runner::Wine => self.under_wine(&path),
            Runner::None => Err(format!("{target}: there is no way to run its programs here")),
        }?;
        if printed != *expected {
            return Err(format!("{name} for {target}: the program printed {printed:?}, not {expected:?}"));
        }
        println!("{name} for {target}: its program says what it should");
        Ok(())
    }

    /// What the program prints under wine, whose directory is the store's. Windows ends lines in its own way.
    fn under_wine(&self, program: &Path) -> Result<String, String> {
        let wine = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"].map(Path::new);
        let wine = wine.into_iter().find(|file| file.is_file()).ok_or("there is no wine here")?;
        let prefix = exec::runner::prepare_wine(&self.store, wine, || ()).map_err(|error| error.to_string())?;
        let mut line = Command::new(wine);
        line.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &prefix).env("WINEDEBUG", "-all");
        line.env("WINEPREFIX", &prefix).arg(program);
        Ok(output(&mut line)?.replace("\r\n", "\n"))
    }

    /// Builds the library, which is there already, once more.
    fn check_twice(&self, library: Library, world: World) -> Result<(), String> {
        let mut planner = Planner::new(BUILDER);
        let made = planner.library(library, world).map_err(|error| error.to_string())?;
        let graph = planner.finish();
        let first = self.make(&graph, made.node, jobs())?;
        let stop = AtomicBool::new(false);
        let own = own_action(&graph, library);
        let forgotten = self.engine(1, &stop)?.forget(&graph, &own).map_err(|error| self.why(&error))?;
        let second = self.make(&graph, made.node, 1)?;
        let name = library.facts().name;
        if forgotten != 1 || first != second {
            return Err(format!("{name}: {} and {} differ", first.display(), second.display()));
        }
        println!("{name}: built twice, the same");
        Ok(())
    }

    fn engine<'e>(&'e self, jobs: usize, stop: &'e AtomicBool) -> Result<Engine<'e>, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let engine = Engine::new(&self.store, &self.fetcher, path, stop).map_err(|error| error.to_string())?;
        Ok(Engine { jobs, sink: &tell, ..engine })
    }

    /// Makes `goal`; where its tree lies.
    pub(crate) fn make(&self, graph: &Graph, goal: NodeId, jobs: usize) -> Result<PathBuf, String> {
        let stop = AtomicBool::new(false);
        let report = self.engine(jobs, &stop)?.run(graph, &[goal]).map_err(|error| self.why(&error))?;
        match report.values.as_slice() {
            [Value::Tree(tree)] => self.store.checkout(*tree).map_err(|error| error.to_string()),
            _ => Err("what was made is no tree".to_owned()),
        }
    }

    /// A failure, with what the action wrote.
    fn why(&self, error: &RunError) -> String {
        let NodeError::Action { outcome, kept, .. } = &error.cause else { return format!("{error}: {}", error.cause) };
        let logs = [outcome.stdout, outcome.stderr].map(|log| {
            let bytes = self.store.read(log).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let lines: Vec<_> = text.lines().collect();
            lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
        });
        format!("{error}: {:?}, kept as {kept:?}\n{}", outcome.status, logs.join("\n"))
    }
}

/// The action that makes the library, not what it uses.
fn own_action(graph: &Graph, library: Library) -> Vec<NodeId> {
    let start = format!("{} {} for ", library.facts().name, library.facts().version);
    let is_own = |node: &Node| matches!(node, Node::Run(run) if run.label.starts_with(&start));
    graph.iter().filter(|(_, node)| is_own(node)).map(|(id, _)| id).collect()
}

fn tell(event: Event) {
    if let Event::Finished { kind: Kind::Run, label, end: End::Made, wall, .. } = event {
        println!("{label}: {:.1} s", wall.as_secs_f64());
    }
}

fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn here() -> Machine {
    Machine::of_rust(std::env::consts::ARCH, std::env::consts::OS)
}

/// What linking the program needs of its root.
fn program_inputs(planner: &mut Planner, library: Library, world: World) -> Result<Vec<Input>, String> {
    let made = planner.library(library, world).map_err(|error| error.to_string())?;
    let mut inputs = planner.c_inputs(world).map_err(|error| error.to_string())?;
    inputs.push(Input { at: RelPath::new(&world.place()).map_err(|error| error.to_string())?, from: made });
    Ok(inputs)
}

/// The node of a program that is linked as `pkg-config` says.
fn program(
    graph: &mut Graph,
    mut inputs: Vec<Input>,
    source: &str,
    (target, world): (Target, World),
) -> Result<NodeId, Box<dyn std::error::Error>> {
    let prefix = world.place();
    let script = format!(
        "set -e; modules=$(cd /{prefix}/lib/pkgconfig && ls | sed 's/\\.pc$//'); \
         flags=$(sh /bactrian/pkg-config --cflags --libs $modules); mkdir -p /out; \
         /opt/cc/{target}/bin/cc -O1 -o /out/program /bactrian/program.c $flags"
    );
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", script.as_str()])] }.encode();
    let pkg_config = plan::pkg_config::script(&format!("/{prefix}"));
    let mut literal = Literal::default();
    for (path, contents, executable) in [
        (builder::BUILDER_PATH, BUILDER, true),
        (builder::RECIPE_PATH.trim_start_matches('/'), recipe.as_slice(), false),
        ("bactrian/program.c", source.as_bytes(), false),
        ("bactrian/pkg-config", pkg_config.as_bytes(), true),
    ] {
        literal.files.push(LiteralFile { path: RelPath::new(path)?, contents: contents.into(), executable });
    }
    let own = graph.add(Node::Literal(literal))?;
    inputs.push(Input { at: RelPath::root(), from: own.into() });
    let environment = [("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LC_ALL", "C")];
    Ok(graph.add(Node::Run(Run {
        label: format!("a program for {target}"),
        command: action::command::Command {
            arguments: vec![builder::BUILDER_PATH.to_owned(), "build".to_owned()],
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            platform: std::collections::BTreeMap::new(),
        },
        timeout: Duration::from_secs(300),
        inputs,
        serves: None,
    }))?)
}
