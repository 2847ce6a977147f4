//! A build on a farm whose parts are killed at random moments: it must come to its end, with the digests it has here.
//!
//! `--events N` (30) in all, in as many builds from nothing as it takes; `--seed S` makes the same choices again. The client is in a
//! network of its own, whose line is cut. Not here: what each failure is to look like to the client, which library tests show.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, Running};
use super::corpus::WORKERS;
use super::grid::Grid;
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
    /// The server is killed.
    Server(u64),
    /// PostgreSQL stops at once.
    Postgres(u64),
    /// The client's line is cut.
    Network(u64),
}

impl Event {
    fn any(random: &mut Random) -> Self {
        let (which, seconds) = (random.below(4), random.below(15));
        match which {
            0 => Self::Worker(usize::try_from(random.below(WORKERS as u64)).unwrap_or(0), seconds),
            1 => Self::Server(seconds),
            2 => Self::Postgres(seconds),
            _ => Self::Network(seconds + 1),
        }
    }

    fn happen(self, farm: &mut Grid, network: &Network) -> Result<(), String> {
        let wait = |seconds| move || thread::sleep(Duration::from_secs(seconds));
        match self {
            Self::Worker(which, seconds) => farm.restart_worker(which, wait(seconds)),
            Self::Server(seconds) => farm.restart_server(wait(seconds)),
            Self::Postgres(seconds) => farm.restart_postgres(wait(seconds)),
            Self::Network(seconds) => network.cut(wait(seconds)),
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
    let mut random = Random::new(asked.seed);
    println!("chaos: {} events, --seed {}", asked.events, asked.seed);
    let temp = place()?;
    let here = asked.client(&temp.path().join("here"))?.run()?;
    let (mut happened, mut builds) = (0, 0);
    while happened < asked.events {
        builds += 1;
        let build = temp.path().join(format!("build-{builds}"));
        let network = Network::new()?;
        let mut farm = Grid::start(WORKERS, &[network.here()])?;
        let store = build.join("store");
        let remote = Some((farm.address_at(network.here()), "execute"));
        let client = Client { store: Some(&store), remote, namespace: Some(network.name()), ..asked.client(&build)? };
        let mut running = client.start()?;
        let before = happened;
        disturb(&mut running, &mut farm, &network, (&mut random, &mut happened, asked.events))?;
        let ran = running.end()?;
        ran.all_ended(&["made-remotely", "downloaded"])?;
        let packages = compare::outputs(&ran.outputs, &here.outputs)?;
        println!(
            "chaos: build {builds} took {:.1} s with {} events: {} actions run on the farm, {} times back to the queue, none run here; \
             {packages} packages have the digests they have here",
            ran.wall.as_secs_f64(),
            happened - before,
            ran.ended("made-remotely"),
            ran.requeued,
        );
        std::fs::remove_dir_all(&build).map_err(|error| format!("{}: {error}", build.display()))?;
    }
    println!("chaos: {happened} events, {builds} builds, all came to their end");
    Ok(())
}

/// Has things happen while a client runs, up to a number in all.
fn disturb(
    running: &mut Running,
    farm: &mut Grid,
    network: &Network,
    (random, happened, most): (&mut Random, &mut usize, usize),
) -> Result<(), String> {
    let begun = Instant::now();
    let mut next = Duration::from_secs(BETWEEN.0);
    while running.runs() {
        thread::sleep(TICK);
        farm.supervise()?;
        if *happened < most && begun.elapsed() >= next {
            *happened += 1;
            let event = Event::any(random);
            println!("chaos: {happened:2} at {:4.0} s: {event}", begun.elapsed().as_secs_f64());
            event.happen(farm, network)?;
            next = begun.elapsed() + Duration::from_secs(BETWEEN.0 + random.below(BETWEEN.1));
        }
    }
    Ok(())
}
