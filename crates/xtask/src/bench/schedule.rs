//! A graph of small actions that each keep one processor busy, against what no order of work could beat: the longest
//! way through the graph, and the processors' time shared among them.
//!
//! The graph is unkind to who takes what comes first: many short actions without followers are planned before a long
//! chain. It is run twice: with guesses, and with what the first run taught.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use action::command::Command;
use action::critical::critical_path;
use action::graph::{Base, Graph, Input, Literal, LiteralFile, Node, NodeId, Run, Tool};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::Engine;
use exec::event::{Event, Kind};
use exec::fetch::{FetchConfig, Fetcher};
use exec::process::cpu_time;
use exec::store::Store;

/// Turns of a shell's empty loop in the smallest action.
const UNIT: u64 = 100_000;
const SHORT: usize = 20;
const CHAIN: usize = 6;

pub(crate) fn run() -> Result<(), String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let store = Store::open(&temp.path().join("store")).map_err(|error| error.to_string())?;
    let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), temp.path().join("apt")));
    let (graph, base, goals) = plan().map_err(|error| error.to_string())?;
    for name in ["by guesses", "by the last run"] {
        let measured = once(&Bench { store: &store, fetcher: &fetcher, cores }, &graph, base, &goals)?;
        let bound = measured.longest.max(measured.cpu / u32::try_from(cores).unwrap_or(1));
        println!(
            "schedule: {name}: {:.2} s; longest way {:.2} s, processors {:.2} s / {cores}: {:.2} of the bound",
            measured.wall.as_secs_f64(),
            measured.longest.as_secs_f64(),
            measured.cpu.as_secs_f64(),
            measured.wall.as_secs_f64() / bound.as_secs_f64()
        );
    }
    Ok(())
}

struct Bench<'b> {
    store: &'b Store,
    fetcher: &'b Fetcher,
    cores: usize,
}

struct Measured {
    wall: Duration,
    cpu: Duration,
    longest: Duration,
}

/// Makes all actions, whatever the store knows, once the base image is there.
fn once(bench: &Bench<'_>, graph: &Graph, base: NodeId, goals: &[NodeId]) -> Result<Measured, String> {
    let stop = AtomicBool::new(false);
    let times = Mutex::new(vec![Duration::ZERO; graph.len()]);
    let sink = |event| {
        if let Event::Finished { node, kind: Kind::Run, wall, .. } = event
            && let Some(time) = times.lock().ok().as_mut().and_then(|times| times.get_mut(node.index()))
        {
            *time = wall;
        }
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let engine = Engine::new(bench.store, bench.fetcher, path, &stop).map_err(|error| error.to_string())?;
    let engine = Engine { jobs: bench.cores, sink: &sink, ..engine };
    let told = |error: exec::engine::RunError| format!("{error}: {}", error.cause);
    engine.run(graph, &[base]).map_err(told)?;
    let runs: Vec<_> = graph.iter().filter(|(_, node)| matches!(node, Node::Run(_))).map(|(id, _)| id).collect();
    engine.forget(graph, &runs).map_err(told)?;
    let (begun, before) = (Instant::now(), cpu_time().unwrap_or_default());
    engine.run(graph, goals).map_err(told)?;
    let (wall, cpu) = (begun.elapsed(), cpu_time().unwrap_or_default().saturating_sub(before));
    let times = times.lock().map_err(|error| error.to_string())?;
    let needs: Vec<Vec<usize>> =
        graph.iter().map(|(_, node)| node.dependencies().map(NodeId::index).collect()).collect();
    let longest = critical_path(&times, &needs).into_iter().filter_map(|node| times.get(node)).sum();
    Ok(Measured { wall, cpu, longest })
}

/// The graph, its base image and its goals.
fn plan() -> Result<(Graph, NodeId, Vec<NodeId>), Box<dyn std::error::Error>> {
    let mut graph = Graph::default();
    let sh = Tool { names: vec!["sh".to_owned()], required: true, package: "dash".to_owned() };
    let base = graph.add(Node::Base(Base { tools: vec![sh], ..Base::default() }))?;
    let mut goals = Vec::new();
    for number in 0..SHORT {
        goals.push(busy(&mut graph, base, (&format!("short {number}"), 2), None)?);
    }
    let mut last = None;
    for number in 0..CHAIN {
        last = Some(busy(&mut graph, base, (&format!("link {number}"), 4), last)?);
    }
    goals.extend(last);
    Ok((graph, base, goals))
}

/// An action that turns so many units of an empty loop.
fn busy(
    graph: &mut Graph,
    base: NodeId,
    (label, units): (&str, u64),
    after: Option<NodeId>,
) -> Result<NodeId, Box<dyn std::error::Error>> {
    let turns = units * UNIT;
    let text = format!("i=0; while [ $i -lt {turns} ]; do i=$((i + 1)); done; echo {label} > /out/done");
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", &text])] }.encode();
    let file = |path: &str, contents: &[u8], executable| -> Result<LiteralFile, action::path::PathError> {
        Ok(LiteralFile { path: RelPath::new(path)?, contents: contents.into(), executable })
    };
    let files = vec![file("bactrian/builder", BUILDER, true)?, file("bactrian/recipe", &recipe, false)?];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() }))?;
    let mut inputs =
        vec![Input { at: RelPath::root(), from: base.into() }, Input { at: RelPath::root(), from: own.into() }];
    inputs.extend(after.map(|node| RelPath::new("after").map(|at| Input { at, from: node.into() })).transpose()?);
    let command = Command {
        arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
        environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]),
        platform: BTreeMap::new(),
    };
    Ok(graph.add(Node::Run(Run {
        label: label.to_owned(),
        command,
        timeout: Duration::from_secs(300),
        inputs,
        serves: None,
    }))?)
}
