//! The farm: real Remote Execution engines on this machine, and what Bactrian must do with them.
//!
//! `cargo xtask farm [STEP…] [--roots A,B] [--targets T,U] [--events N] [--seed S]`; all steps if none is named.
//!
//! - `corpus`: the corpus's packages for two targets on each engine, from nothing; then from its cache alone; digests compared.
//! - `hybrid`: who makes what where both may.
//! - `kinds`: tests for arm64 on workers that run arm64 programs, and on those that do not.
//! - `scale`: what a client costs in time, memory, calls and bytes; clients that want the same at once.
//! - `chaos`: such a build on each engine while its parts and the network fail at random moments.
//!
//! `cargo xtask farm up` starts a farm, says where it answers, and ends it when its standard input ends (Ctrl-D).
//!
//! Each step starts its own engines in a directory of its own and ends them. It must be run as root (PostgreSQL and the
//! workers' namespaces want it), on a machine with the workplace's `shared` folder. Not here: what casd alone can show, which is in
//! the end-to-end tests.

mod casd;
mod chaos;
mod client;
mod compare;
mod corpus;
mod either;
mod engines;
mod grid;
mod hybrid;
mod kinds;
mod network;
mod process;
mod random;
mod scale;
mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use client::Client;

const TARGETS: &str = "x86_64-linux-musl,aarch64-linux-musl";
/// How often something happens in the midst of a build.
const EVENTS: usize = 30;
/// How many actions the largest graph has.
const ACTIONS: usize = 10_000;
/// How many clients begin together.
const CLIENTS: usize = 10;

/// What is asked for.
struct Asked {
    steps: Vec<String>,
    roots: Vec<String>,
    targets: String,
    events: usize,
    seed: u64,
    actions: usize,
    clients: usize,
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    if let ["client", rest @ ..] = arguments {
        return tiny::client(rest);
    }
    if arguments == ["up"] {
        return up();
    }
    let asked = asked(arguments)?;
    let all = asked.steps.is_empty();
    type Step = fn(&Asked) -> Result<(), String>;
    let steps: [(&str, Step); 5] = [
        ("corpus", corpus::run),
        ("hybrid", hybrid::run),
        ("kinds", kinds::run),
        ("scale", scale::run),
        ("chaos", chaos::run),
    ];
    if let Some(unknown) = asked.steps.iter().find(|step| !steps.iter().any(|(name, _)| name == step)) {
        return Err(format!("farm knows no `{unknown}`"));
    }
    for (name, step) in steps {
        if all || asked.steps.iter().any(|step| step == name) {
            step(&asked).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

/// A farm for whoever wants to try something.
fn up() -> Result<(), String> {
    let mut farm = grid::Grid::start(corpus::WORKERS, &[])?;
    println!("{}", farm.address());
    let input = std::thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    while !input.is_finished() {
        std::thread::sleep(std::time::Duration::from_millis(200));
        farm.supervise()?;
    }
    Ok(())
}

fn asked(arguments: &[&str]) -> Result<Asked, String> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut asked = Asked {
        steps: Vec::new(),
        roots: Vec::new(),
        targets: TARGETS.to_owned(),
        events: EVENTS,
        seed,
        actions: ACTIONS,
        clients: CLIENTS,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| format!("{word} wants a value"));
        match *word {
            "--roots" => asked.roots = value()?.split(',').map(str::to_owned).collect(),
            "--targets" => value()?.clone_into(&mut asked.targets),
            "--events" => asked.events = number(value()?)?,
            "--actions" => asked.actions = number(value()?)?,
            "--clients" => asked.clients = number(value()?)?,
            "--seed" => asked.seed = number(value()?)?,
            step if !step.starts_with('-') => asked.steps.push(step.to_owned()),
            other => return Err(format!("farm knows no `{other}`")),
        }
    }
    if asked.roots.is_empty() {
        let corpus = testkit::shared("corpus/ci-roots.txt").ok_or("there is no ../shared/corpus")?;
        let text = fs::read_to_string(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
        asked.roots = text.split_whitespace().map(str::to_owned).collect();
    }
    Ok(asked)
}

fn number<N: FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

impl Asked {
    /// A client with the user's own store and no engine, which keeps what it makes and tells in `place`.
    fn client<'c>(&'c self, place: &'c Path) -> Result<Client<'c>, String> {
        fs::create_dir_all(place).map_err(|error| format!("{}: {error}", place.display()))?;
        Ok(Client {
            roots: &self.roots,
            targets: &self.targets,
            store: None,
            remote: None,
            namespace: None,
            mirror: None,
            place,
        })
    }

    /// The store of this machine, in which everything is made here.
    fn local_store(&self) -> PathBuf {
        testkit::store()
    }
}

/// An empty directory that goes away at the end.
fn place() -> Result<TempDir, String> {
    tempfile::Builder::new().prefix("bactrian-farm-client-").tempdir().map_err(|error| error.to_string())
}
