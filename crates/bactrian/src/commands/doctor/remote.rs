//! The checks of a remote engine: what it says it can, what it is seen to do.
//!
//! The same probe runs here and there; where its outputs are equal, roots, environment, network and links are. Not here: the
//! wire (`exec::remote`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use action::command::{Action, Command};
use action::digest::DirDigest;
use action::graph::{Graph, Input, Literal, LiteralFile, Node, NodeId, Run};
use action::outcome::Status as Ended;
use action::path::RelPath;
use action::tree::Entry;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::Engine;
use exec::fetch::config::registry_environment;
use exec::fetch::{FetchConfig, Fetcher};
use exec::remote::{Config, Mode, Remote, RemoteError, Trip};
use exec::store::Store;

use super::{Check, Place, Status};
use crate::error::CommandError;
use crate::failure;
use crate::text;

/// How long the probe may wait for a worker.
const QUEUE: Duration = Duration::from_secs(60);
/// The time limit that actions have (`plan::planner`).
const LIMIT: Duration = Duration::from_secs(3600);
/// What the probe looks at; each file of its output is one thing.
const SCRIPT: &str = "ls -1 / | sort > /out/root
env | grep -v -e ^BACTRIAN_JOBS= -e ^_= -e ^SHLVL= | sort > /out/environment
{ tail -n +3 /proc/net/dev 2>/dev/null || true; } | cut -d: -f1 | tr -d ' ' | sort > /out/network
mkdir /out/directory; echo x > /out/directory/program; chmod +x /out/directory/program; ln -s program /out/directory/link";

/// All checks of one engine.
pub(super) fn checks(place: &Place<'_>, store: Store, config: &Config) -> Vec<Check> {
    let store = Arc::new(store);
    // As a cache at first: what it is not can be told then.
    let lenient = Config { mode: Mode::Cache, queue_timeout: QUEUE, ..config.clone() };
    let stop = Arc::new(AtomicBool::new(false));
    let remote = match Remote::connect(Arc::clone(&store), lenient, Arc::clone(&stop)) {
        Ok(remote) => remote,
        Err(error) => return vec![failed("remote", &error)],
    };
    // A probe on a worker is to end with this.
    remote.stop_on_interrupt();
    let mut checks = vec![offers(&remote, config)];
    let nonce = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    checks.push(match remote.try_storage(nonce) {
        Ok(trip) => Check::new(Status::Ok, "remote storage", words(&trip)),
        Err(error) => failed("remote storage", &error),
    });
    checks.push(match remote.try_cache(nonce) {
        Ok(true) => Check::new(Status::Ok, "remote cache", "takes results, and has them"),
        Ok(false) if config.mode == Mode::Execute => {
            Check::new(Status::Ok, "remote cache", "takes no results of clients; its own workers tell it theirs")
        }
        Ok(false) => Check::new(Status::Warn, "remote cache", "takes no results: what is made here serves nobody else")
            .fix("allow this client to update the action cache (BuildGrid: `allow-updates: true`)"),
        Err(error) => failed("remote cache", &error),
    });
    if remote.offers().executes {
        let seen = workers((place, &stop), &store, &remote, nonce);
        checks.extend(seen.unwrap_or_else(|error| vec![Check::new(Status::Fail, "remote workers", error.message)]));
    }
    checks
}

fn offers(remote: &Remote, config: &Config) -> Check {
    let offers = remote.offers();
    let mut found = vec![if offers.executes { "runs actions" } else { "runs no actions" }.to_owned()];
    found.push(match offers.said_batch_bytes {
        Some(bytes) => format!("batches up to {}", text::size(bytes)),
        None => "batches of any size, as it says".to_owned(),
    });
    found.push(if offers.zstd { "compresses" } else { "does not compress" }.to_owned());
    let found = format!("{}: {}", config.address, found.join(", "));
    if config.mode != Mode::Cache && !offers.executes {
        return Check::new(Status::Fail, "remote", found).fix("say `--remote-mode cache`");
    }
    Check::new(Status::Ok, "remote", found)
}

fn words(trip: &Trip) -> String {
    let rate = |time: Duration| {
        let bytes = u128::from(trip.bytes) * 1000 / time.as_millis().max(1);
        text::size(u64::try_from(bytes).unwrap_or(u64::MAX))
    };
    format!("{} there and back, {}/s and {}/s", text::size(trip.bytes), rate(trip.sent), rate(trip.received))
}

fn failed(name: &str, error: &RemoteError) -> Check {
    let told = failure::remote::failed(None, error);
    let found = std::iter::once(told.message).chain(told.causes).collect::<Vec<_>>().join(": ");
    told.hints.into_iter().fold(Check::new(Status::Fail, name, found), Check::fix)
}

/// Runs the probe here and there, and compares.
fn workers(
    (place, stop): (&Place<'_>, &AtomicBool),
    store: &Arc<Store>,
    remote: &Remote,
    nonce: u64,
) -> Result<Vec<Check>, CommandError> {
    let name = "remote workers";
    let (action, here) = here((place, stop), store, nonce)?;
    let outcome = match remote.execute(&action, &|_| ()) {
        Ok(outcome) => outcome,
        Err(error) => return Ok(vec![failed(name, &error)]),
    };
    let (Ended::Success, Some(there)) = (&outcome.status, outcome.output) else {
        let log = store.read(outcome.stderr).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).trim().to_owned();
        return Ok(vec![Check::new(Status::Fail, name, format!("the probe failed: {:?} {log}", outcome.status))]);
    };
    if let Err(error) = remote.bring(there) {
        return Ok(vec![failed(name, &error)]);
    }
    let time = text::duration(outcome.wall);
    if there == here {
        let found = format!("a probe ran in {time}: root, environment, network and links are as here");
        return Ok(vec![Check::new(Status::Ok, name, found)]);
    }
    Ok(differences(store, here, there)
        .into_iter()
        .map(|check| Check { found: format!("a probe ran in {time}; {}", check.found), ..check })
        .collect())
}

/// What is other in the output of a worker than in that of this machine, which is something.
pub(super) fn differences(store: &Store, here: DirDigest, there: DirDigest) -> Vec<Check> {
    let name = "remote workers";
    let [here, there] = [here, there].map(|tree| {
        let mut all = BTreeMap::new();
        contents(store, tree, "", &mut all);
        all
    });
    let names: std::collections::BTreeSet<_> = here.keys().chain(there.keys()).collect();
    let differ = names.into_iter().filter(|name| here.get(*name) != there.get(*name));
    let check = |what: &String| {
        let of =
            |all: &BTreeMap<String, String>| all.get(what).map_or("absent".to_owned(), |text| text.replace('\n', " "));
        let found = format!("{what} differs: `{}` here, `{}` there", of(&here), of(&there));
        Check::new(Status::Fail, name, found).fix(fix(what))
    };
    let mut checks: Vec<Check> = differ.map(check).collect();
    if checks.is_empty() {
        // Digests know better.
        checks.push(Check::new(Status::Fail, name, "its output differs from what it is here").fix(fix("")));
    }
    checks
}

/// What mends a difference.
fn fix(what: &str) -> &'static str {
    match what {
        "network" => "give workers a runner without network (buildbox: `--buildbox-run=buildbox-run-bubblewrap`)",
        "root" => "have workers make the input root `/`, or allow user namespaces on them",
        "environment" => "have workers pass on what the command says and nothing else",
        _ => "see docs/design/remote.md for what actions expect of workers",
    }
}

/// The probe as an action, and its output on this machine.
fn here(
    (place, stop): (&Place<'_>, &AtomicBool),
    store: &Arc<Store>,
    nonce: u64,
) -> Result<(Action, DirDigest), CommandError> {
    let bug = |error: &dyn std::error::Error| CommandError::bug("the probe is wrong").caused_by(error);
    let (graph, goal) = probe(nonce).map_err(|error| bug(&error))?;
    let variables = place.ctx.around.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let fetcher = Fetcher::new(FetchConfig::new(registry_environment(variables), place.store.join("downloads/apt")));
    let path = place.ctx.around.env.get("PATH").unwrap_or_default().to_owned();
    let engine = Engine::new(store, &fetcher, path, stop).map_err(|error| failure::store(&error))?;
    let report = engine.run(&graph, &[goal]).map_err(|error| failure::run(&error, store))?;
    let output = report.values.first().and_then(|value| value.tree().ok());
    let action = engine.action(&graph, goal).map_err(|error| failure::run(&error, store))?;
    match (action, output) {
        (Some((action, _)), Some(output)) => Ok((action, output)),
        _ => Err(CommandError::bug("the probe is no action")),
    }
}

fn probe(nonce: u64) -> Result<(Graph, NodeId), action::graph::Forward> {
    let mut graph = Graph::default();
    let base = graph.add(Node::Base(plan::base::image()))?;
    let file = |path: &str, contents: &[u8], executable| LiteralFile {
        path: RelPath::new(path).unwrap_or_default(),
        contents: contents.into(),
        executable,
    };
    let script = format!("{SCRIPT}\n# {nonce}");
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", &script])] }.encode();
    let files = vec![file("bactrian/builder", BUILDER, true), file("bactrian/recipe", &recipe, false)];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() }))?;
    let environment = [("PATH", "/usr/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LC_ALL", "C")];
    let command = Command {
        arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        platform: BTreeMap::new(),
    };
    let inputs = [base, own].map(|node| Input { at: RelPath::root(), from: node.into() }).into();
    let goal =
        graph.add(Node::Run(Run { label: "probe".to_owned(), command, timeout: LIMIT, inputs, serves: None }))?;
    Ok((graph, goal))
}

/// The files of a tree as text, by path, with whether they are programs.
fn contents(store: &Store, tree: DirDigest, below: &str, all: &mut BTreeMap<String, String>) {
    let Ok(directory) = store.directory(tree) else { return };
    for (name, entry) in directory.iter() {
        let path = format!("{below}{name}");
        let text = match entry {
            Entry::File { digest, executable } => {
                let text = store.read(*digest).unwrap_or_default();
                let program = if *executable { "(executable) " } else { "" };
                format!("{program}{}", String::from_utf8_lossy(&text).trim())
            }
            Entry::Directory(digest) => {
                contents(store, *digest, &format!("{path}/"), all);
                continue;
            }
            Entry::Symlink(target) => format!("-> {}", target.as_str()),
        };
        all.insert(path, text);
    }
}
