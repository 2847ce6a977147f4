//! Graphs of many small actions, and a client that makes one: a process of its own, so that its memory and time are its own.
//!
//! An action writes one file and needs one of those before it, so that none is known before that is. Not here: bounds (`scale`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use action::command::Command;
use action::digest::BlobDigest;
use action::graph::{Graph, Input, Literal, LiteralFile, Node, NodeId, Run};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::Engine;
use exec::event::{End, Event, Kind};
use exec::fetch::{FetchConfig, Fetcher};
use exec::process::cpu_time;
use exec::remote::{Config, Mode, Remote};
use exec::store::Store;
use testkit::{bactrian, command};

/// How many actions need the same one.
pub(super) const FOLLOWERS: usize = 10;

/// What a client is to do.
#[derive(Debug, Clone)]
pub(super) struct Task<'t> {
    /// How many actions.
    pub(super) actions: usize,
    /// Graphs with other names share no action.
    pub(super) name: &'t str,
    pub(super) address: &'t str,
    /// As `--remote-mode` takes it.
    pub(super) mode: &'t str,
    pub(super) store: &'t Path,
}

/// What it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) wall: Duration,
    /// Processor time.
    pub(super) cpu: Duration,
    pub(super) here: usize,
    pub(super) there: usize,
    pub(super) found: usize,
    pub(super) calls: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
    /// The last action's output, and by it that of all before it.
    pub(super) output: String,
}

impl Task<'_> {
    /// The client as a command; it writes a [`Told`]. It is the optimised `xtask` beside the optimised `bactrian`: what is measured is
    /// what users run.
    pub(super) fn command(&self) -> Result<std::process::Command, String> {
        let program = bactrian()?.with_file_name("xtask");
        if !program.is_file() {
            return Err(format!("{} is not there: `cargo build --release -p xtask` makes it", program.display()));
        }
        let mut line = command(program);
        line.args(["farm", "client", &self.actions.to_string(), self.name, self.address, self.mode]).arg(self.store);
        Ok(line)
    }
}

/// The other side of [`Task::command`].
pub(super) fn client(words: &[&str]) -> Result<(), String> {
    let [actions, name, address, mode, store] = words else { return Err("client wants five words".to_owned()) };
    let task = Task { actions: super::number(actions)?, name, address, mode, store: Path::new(store) };
    println!("{}", make(&task)?);
    Ok(())
}

fn make(task: &Task<'_>) -> Result<Told, String> {
    let told = |error: &dyn fmt::Display| error.to_string();
    let store = Arc::new(Store::open(task.store).map_err(|error| told(&error))?);
    let mode = match task.mode {
        "cache" => Mode::Cache,
        "execute" => Mode::Execute,
        "hybrid" => Mode::Hybrid,
        other => return Err(format!("{other} is no mode")),
    };
    let config = Config { mode, ..Config::new(task.address.parse().map_err(|error| told(&error))?) };
    let (graph, goals) = graph(task.name, task.actions).map_err(|error| told(&error))?;
    let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), task.store.join("apt")));
    let ends = [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)];
    let sink = |event: Event| {
        let Event::Finished { kind: Kind::Run, end, .. } = event else { return };
        let [here, there, found] = &ends;
        let count = match end {
            End::Made => here,
            End::MadeRemotely => there,
            _ => found,
        };
        count.fetch_add(1, Ordering::Relaxed);
    };
    let (begun, before) = (Instant::now(), cpu_time().unwrap_or_default());
    let remote = Remote::connect(Arc::clone(&store), config, Arc::default()).map_err(|error| told(&error))?;
    let (path, stop) = (std::env::var_os("PATH").unwrap_or_default(), AtomicBool::new(false));
    let engine = Engine::new(&store, &fetcher, path, &stop).map_err(|error| told(&error))?;
    let engine = Engine { jobs: 2, sink: &sink, remote: Some(&remote), ..engine };
    let report = engine.run(&graph, &goals).map_err(|error| format!("{error}: {}", error.cause))?;
    let (wall, cpu) = (begun.elapsed(), cpu_time().unwrap_or_default().saturating_sub(before));
    let traffic = remote.traffic();
    let [here, there, found] = ends.map(AtomicUsize::into_inner);
    let outputs = format!("{:?}", report.values);
    Ok(Told {
        wall,
        cpu,
        here,
        there,
        found,
        calls: traffic.calls(),
        sent: traffic.sent(),
        received: traffic.received(),
        output: BlobDigest::of(outputs.as_bytes()).hex(),
    })
}

/// A graph of as many actions; the goals are those that nobody needs.
fn graph(name: &str, actions: usize) -> Result<(Graph, Vec<NodeId>), Box<dyn std::error::Error>> {
    let mut graph = Graph::default();
    let file = |path: &str, contents: &[u8], executable| -> Result<LiteralFile, action::path::PathError> {
        Ok(LiteralFile { path: RelPath::new(path)?, contents: contents.into(), executable })
    };
    let program = vec![file("bactrian/builder", BUILDER, true)?];
    let program = graph.add(Node::Literal(Literal { files: program, ..Literal::default() }))?;
    let mut runs: Vec<NodeId> = Vec::with_capacity(actions);
    for number in 0..actions {
        let label = format!("{name} {number}");
        let write =
            Step::Write { path: "/out/done".into(), contents: label.clone().into_bytes().into(), executable: false };
        let recipe = vec![file("bactrian/recipe", &Recipe { steps: vec![write] }.encode(), false)?];
        let recipe = graph.add(Node::Literal(Literal { files: recipe, ..Literal::default() }))?;
        let mut inputs: Vec<_> = [program, recipe].map(|from| Input { at: RelPath::root(), from: from.into() }).into();
        if let Some(before) = number.checked_sub(1).and_then(|before| runs.get(before / FOLLOWERS)) {
            inputs.push(Input { at: RelPath::new("in")?, from: (*before).into() });
        }
        let command = Command {
            arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]),
            platform: BTreeMap::new(),
        };
        runs.push(graph.add(Node::Run(Run {
            label,
            command,
            timeout: Duration::from_secs(300),
            inputs,
            serves: None,
        }))?);
    }
    let needed = actions.saturating_sub(2) / FOLLOWERS;
    Ok((graph, runs.split_off((needed + 1).min(actions.saturating_sub(1)))))
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall, cpu, here, there, found, calls, sent, received, output } = self;
        let (wall, cpu) = (wall.as_micros(), cpu.as_micros());
        write!(f, "{wall} {cpu} {here} {there} {found} {calls} {sent} {received} {output}")
    }
}

impl Told {
    /// What a client wrote.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [wall, cpu, here, there, found, calls, sent, received, output] = words.as_slice() else {
            return Err(format!("a client told {text:?}"));
        };
        let number = super::number::<u64>;
        let count = super::number::<usize>;
        Ok(Self {
            wall: Duration::from_micros(number(wall)?),
            cpu: Duration::from_micros(number(cpu)?),
            here: count(here)?,
            there: count(there)?,
            found: count(found)?,
            calls: number(calls)?,
            sent: number(sent)?,
            received: number(received)?,
            output: (*output).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_a_goal_or_needed_by_one() {
        for actions in [1, 2, 11, 12, 100, 1000] {
            let (graph, goals) = graph("x", actions).unwrap();
            let mut wanted = vec![false; graph.len()];
            let mut left = goals.clone();
            while let Some(node) = left.pop() {
                wanted[node.index()] = true;
                left.extend(graph.get(node).unwrap().dependencies());
            }
            assert!(wanted.iter().all(|wanted| *wanted), "{actions}");
            let needed = graph.iter().flat_map(|(_, node)| node.dependencies()).any(|node| goals.contains(&node));
            assert!(!needed, "{actions}");
        }
    }

    #[test]
    fn told_and_understood() {
        let told = Told {
            wall: Duration::from_millis(5),
            cpu: Duration::from_micros(7),
            there: 3,
            calls: 9,
            output: "ab".to_owned(),
            ..Told::default()
        };
        assert_eq!(Told::parse(&told.to_string()), Ok(told));
        assert!(Told::parse("1 2").is_err());
    }
}
