//! A build on an engine whose parts are killed at random moments: it must come to its end, with the digests it has here.
//!
//! `--events N` (30) on each engine, in as many builds from nothing as it takes; `--seed S` makes the same choices again. The
//! client is in a network of its own, whose line is cut. Not here: what each failure is to look like to the client, which library
//! tests show.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use action::checksum::Checksum;
use action::digest::to_hex;
use plan::clib::Library;
use plan::ocaml::Release;
use plan::sources;

use super::client::{Client, OCAML, Ran, Running};
use super::corpus::WORKERS;
use super::either::{Either, Kind};
use super::network::Network;
use super::random::Random;
use super::{Asked, compare, place};

/// Seconds between two events: at least, and how many more at most.
const BETWEEN: (u64, u64) = (4, 16);
const TICK: Duration = Duration::from_millis(200);

/// What happens.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A worker is killed, by its place; it is back after so many seconds.
    Worker(usize, u64),
    /// The server is killed; of casd, what it runs as well.
    Server(u64),
    /// PostgreSQL stops at once.
    Postgres(u64),
    /// The client's line is cut.
    Network(u64),
}

impl Event {
    fn any(random: &mut Random, kind: Kind) -> Self {
        let kinds = match kind {
            Kind::Casd => 2,
            Kind::BuildGrid => 4,
        };
        let (which, seconds) = (random.below(kinds), random.below(15));
        match which {
            0 => Self::Server(seconds),
            1 => Self::Network(seconds + 1),
            2 => Self::Postgres(seconds),
            _ => Self::Worker(usize::try_from(random.below(WORKERS as u64)).unwrap_or(0), seconds),
        }
    }

    fn happen(self, engine: &mut Either, network: &Network) -> Result<(), String> {
        let wait = |seconds| move || thread::sleep(Duration::from_secs(seconds));
        match (self, engine) {
            (Self::Network(seconds), _) => network.cut(wait(seconds)),
            (Self::Server(seconds), Either::Casd(casd)) => casd.restart(wait(seconds)),
            (Self::Server(seconds), Either::BuildGrid(grid, _)) => grid.restart_server(wait(seconds)),
            (Self::Postgres(seconds), Either::BuildGrid(grid, _)) => grid.restart_postgres(wait(seconds)),
            (Self::Worker(which, seconds), Either::BuildGrid(grid, _)) => grid.restart_worker(which, wait(seconds)),
            (event, Either::Casd(_)) => Err(format!("casd has no such part: {event}")),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(which, seconds) => write!(f, "worker {} killed, back after {seconds} s", which + 1),
            Self::Server(seconds) => write!(f, "server killed, back after {seconds} s"),
            Self::Postgres(seconds) => write!(f, "PostgreSQL stopped at once, back after {seconds} s"),
            Self::Network(seconds) => write!(f, "network cut for {seconds} s"),
        }
    }
}

pub(super) fn run(asked: &Asked) -> Result<(), String> {
    println!("chaos: {} events, --seed {}", asked.events, asked.seed);
    let temp = place()?;
    let here = asked.client(&temp.path().join("here"))?.run()?;
    let mirror = mirror(&asked.local_store(), &temp.path().join("mirror"))?;
    Kind::ALL.into_iter().try_for_each(|kind| on(asked, kind, (&here, &mirror)))
}

/// As many builds on one engine as have all events happen; each must be as it was made `here`.
fn on(asked: &Asked, kind: Kind, (here, mirror): (&Ran, &Path)) -> Result<(), String> {
    let (temp, mut random) = (place()?, Random::new(asked.seed));
    let (mut happened, mut builds) = (0, 0);
    while happened < asked.events {
        builds += 1;
        let build = temp.path().join(format!("build-{builds}"));
        let network = Network::new()?;
        let mut engine = kind.start_at(network.here())?;
        let store = build.join("store");
        let client = Client {
            store: Some(&store),
            remote: Some((engine.address(), "execute")),
            namespace: Some(network.name()),
            mirror: Some(mirror),
            ..asked.client(&build)?
        };
        let mut running = client.start()?;
        let before = happened;
        disturb(&mut running, (kind, &mut engine, &network), &mut random, (&mut happened, asked.events))?;
        let ran = running.end()?;
        ran.all_ended(&["made-remotely", "downloaded"])?;
        let packages = compare::outputs(&ran.outputs, &here.outputs)?;
        println!(
            "chaos: build {builds} by {kind} took {:.1} s with {} events: {} actions run there, {} times back to the queue, none run \
             here; {packages} packages have the digests they have here",
            ran.wall.as_secs_f64(),
            happened - before,
            ran.ended("made-remotely"),
            ran.requeued,
        );
        fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))?;
    }
    println!("chaos: {happened} events on {kind}, {builds} builds, all came to their end");
    Ok(())
}

/// The sources that come from registries, which the client's network does not lead to: those that the store here has, as a mirror.
fn mirror(store: &Path, mirror: &Path) -> Result<PathBuf, String> {
    let release: Release = OCAML.parse().map_err(|error| format!("{error}"))?;
    let sources = [sources::zig(), sources::ocaml(release), sources::dune(release)].into_iter().flatten();
    for source in sources.chain(Library::ALL.into_iter().flat_map(sources::library)) {
        let Checksum::Sha256(sha256) = source.checksums.identity() else { continue };
        let name = to_hex(sha256);
        let fan = name.get(..2).unwrap_or_default();
        let (from, to) = (store.join("cas").join(fan).join(&name), mirror.join("sha256").join(fan));
        if from.is_file() {
            let told = |error: std::io::Error| format!("{}: {error}", to.display());
            fs::create_dir_all(&to).map_err(told)?;
            std::os::unix::fs::symlink(&from, to.join(&name)).map_err(told)?;
        }
    }
    Ok(mirror.to_owned())
}

/// Has things happen to an engine while a client runs, up to a number in all.
fn disturb(
    running: &mut Running,
    (kind, engine, network): (Kind, &mut Either, &Network),
    random: &mut Random,
    (happened, most): (&mut usize, usize),
) -> Result<(), String> {
    let begun = Instant::now();
    let mut next = Duration::from_secs(BETWEEN.0);
    while running.runs() {
        thread::sleep(TICK);
        engine.supervise()?;
        if *happened < most && begun.elapsed() >= next {
            *happened += 1;
            let event = Event::any(random, kind);
            println!("chaos: {happened:2} at {:4.0} s: {event}", begun.elapsed().as_secs_f64());
            event.happen(engine, network)?;
            next = begun.elapsed() + Duration::from_secs(BETWEEN.0 + random.below(BETWEEN.1));
        }
    }
    Ok(())
}
