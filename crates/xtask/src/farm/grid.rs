//! BuildGrid with PostgreSQL and buildbox workers, on this machine, in a directory of its own.
//!
//! Each part can be killed and started again by itself. All are children of this process and end with it, even if it is killed. A
//! worker is in the namespaces of its cache, which stages what actions read by FUSE: nothing that they start or mount outlives the
//! cache.
//! Not here: who kills what when (`chaos`).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;
use testkit::output;

use super::engines::{Engines, postgres};
use super::process::{Process, TIED, alone, beside, directory, free_ports, tied};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// BuildGrid's configuration, which is also the docs' example.
const CONFIGURATION: &str = include_str!("../../data/farm/buildgrid.yml");
/// Seconds after which a worker that says nothing is given up.
const KEEPALIVE: u32 = 10;
/// Bytes that a worker keeps of what it was sent.
const QUOTA: &str = "3G";

/// What a worker says of each action that it ran.
const RAN: &str = "Runner exited with code";

/// A farm.
#[derive(Debug)]
pub(crate) struct Grid {
    workers: Vec<Worker>,
    server: Option<Process>,
    postgres: Option<Process>,
    engines: Engines,
    programs: PathBuf,
    /// Where the server answers, besides this machine's own address.
    listens: Vec<IpAddr>,
    server_port: u16,
    postgres_port: u16,
    place: TempDir,
}

/// A worker and the cache it has its inputs from.
#[derive(Debug)]
struct Worker {
    number: usize,
    cache_port: u16,
    cache: Process,
    worker: Process,
}

impl Grid {
    /// Starts a farm of as many workers, which answers at 127.0.0.1 and at `listens`.
    pub(crate) fn start(workers: usize, listens: &[IpAddr]) -> Result<Self, String> {
        let engines = Engines::bring()?;
        let [server_port, postgres_port] = free_ports()?;
        let place = tempfile::Builder::new().prefix("bactrian-farm-").tempdir().map_err(|error| error.to_string())?;
        // PostgreSQL does not run as root and has to come through.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
        let mut grid = Self {
            workers: Vec::new(),
            server: None,
            postgres: None,
            engines,
            programs: postgres()?,
            listens: listens.to_vec(),
            server_port,
            postgres_port,
            place,
        };
        grid.found()?;
        grid.start_server()?;
        for number in 1..=workers {
            let worker = grid.new_worker(number)?;
            grid.workers.push(worker);
        }
        Ok(grid)
    }

    /// Where it answers, as `--remote` takes it.
    pub(crate) fn address(&self) -> String {
        self.address_at(LOCAL)
    }

    /// Where it answers at one of its addresses.
    pub(crate) fn address_at(&self, at: IpAddr) -> String {
        format!("grpc://{}", SocketAddr::new(at, self.server_port))
    }

    /// How many actions its workers have run to their end.
    pub(crate) fn executions(&self) -> usize {
        let of = |worker: &Worker| {
            let log = fs::read(self.log(&format!("worker-{}", worker.number))).unwrap_or_default();
            String::from_utf8_lossy(&log).matches(RAN).count()
        };
        self.workers.iter().map(of).sum()
    }

    /// Makes the database and the configuration.
    fn found(&mut self) -> Result<(), String> {
        let data = directory(self.place.path().join("postgres"))?;
        let nobody = output(Command::new("chown").arg("nobody").arg(&data));
        nobody.map_err(|error| format!("PostgreSQL does not run as root, and this is to be root: {error}"))?;
        let mut init = as_nobody(&self.programs.join("initdb"));
        output(init.arg("-D").arg(data.join("data")).args(["-U", "bgd", "--auth=trust", "--no-sync"]))?;
        self.start_postgres()?;
        let mut create = Command::new(self.programs.join("createdb"));
        output(create.args(["-h", "127.0.0.1", "-p", &self.postgres_port.to_string(), "-U", "bgd", "bgd"]))?;
        let database = format!("postgresql+psycopg://bgd@127.0.0.1:{}/bgd", self.postgres_port);
        output(Command::new(self.engines.server()).args(["migrate", "apply", &database]))?;
        let channel = |at: IpAddr| {
            let address = SocketAddr::new(at, self.server_port);
            format!("  - !channel {{ address: \"{address}\", insecure-mode: true }}")
        };
        let channels: Vec<_> = std::iter::once(LOCAL).chain(self.listens.iter().copied()).map(channel).collect();
        let text = CONFIGURATION
            .replace("{channels}", &channels.join("\n"))
            .replace("{postgres}", &self.postgres_port.to_string())
            .replace("{place}", &self.place.path().display().to_string())
            .replace("{keepalive}", &KEEPALIVE.to_string());
        let file = self.place.path().join("buildgrid.yml");
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Stops the database as a crash would, and starts it again after `between`.
    pub(crate) fn restart_postgres(&mut self, between: impl FnOnce()) -> Result<(), String> {
        if let Some(mut postgres) = self.postgres.take() {
            // What `pg_ctl stop -m immediate` does.
            postgres.end(Signal::QUIT);
        }
        between();
        self.start_postgres()
    }

    fn start_postgres(&mut self) -> Result<(), String> {
        let place = self.place.path().join("postgres");
        let mut start = as_nobody(&self.programs.join("postgres"));
        start.arg("-D").arg(place.join("data")).args(["-p", &self.postgres_port.to_string()]);
        start.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c"]);
        start.arg(format!("unix_socket_directories={}", place.display()));
        let mut postgres = Process::start(&mut start, &self.log("postgres"))?;
        postgres.answers(SocketAddr::new(LOCAL, self.postgres_port))?;
        self.postgres = Some(postgres);
        let ready = || {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.postgres_port.to_string()]);
            ready.status().is_ok_and(|status| status.success())
        };
        // It takes connections before it has recovered.
        for _ in 0..400 {
            if ready() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err("PostgreSQL does not come up".to_owned())
    }

    /// Kills the server, and starts it again after `between`.
    pub(crate) fn restart_server(&mut self, between: impl FnOnce()) -> Result<(), String> {
        self.server = None;
        between();
        self.start_server()
    }

    fn start_server(&mut self) -> Result<(), String> {
        let mut start = tied(&self.engines.server());
        start.args(["server", "start"]).arg(self.place.path().join("buildgrid.yml"));
        let mut server = Process::start(&mut start, &self.log("server"))?;
        server.answers(SocketAddr::new(LOCAL, self.server_port))?;
        self.server = Some(server);
        Ok(())
    }

    fn new_worker(&self, number: usize) -> Result<Worker, String> {
        let [cache_port] = free_ports()?;
        let mut cache = self.engines.hermetic(alone(&self.engines.worker("buildbox-casd")));
        cache.arg(format!("--cas-remote=http://127.0.0.1:{}", self.server_port));
        cache.arg(format!("--bind=127.0.0.1:{cache_port}"));
        cache.args([&format!("--quota-high={QUOTA}"), "--reserved=1G", "--log-level=warning"]);
        cache.arg(directory(self.place.path().join(format!("cache-{number}")))?);
        let mut cache = Process::start(&mut cache, &self.log(&format!("cache-{number}")))?;
        cache.answers(SocketAddr::new(LOCAL, cache_port))?;
        let worker = self.start_worker(number, cache_port, &cache)?;
        Ok(Worker { number, cache_port, cache, worker })
    }

    fn start_worker(&self, number: usize, cache_port: u16, cache: &Process) -> Result<Process, String> {
        let mut worker = self.engines.hermetic(beside(&self.engines.worker("buildbox-worker"), cache.first_child()?));
        worker.arg(format!("--bots-remote=http://127.0.0.1:{}", self.server_port));
        worker.arg(format!("--cas-remote=http://127.0.0.1:{cache_port}"));
        worker.args(["--bots-retry-limit=20", "--concurrent-jobs=1", "--max-wait-time=5", "--request-timeout=60"]);
        worker.arg(format!("--buildbox-run={}", self.engines.worker("buildbox-run-bubblewrap").display()));
        worker.args(["--platform", "OSFamily=linux", "--platform", "ISA=x86-64", "--log-level=info"]);
        worker.arg(format!("worker-{number}"));
        Process::start(&mut worker, &self.log(&format!("worker-{number}")))
    }

    /// Kills a worker in the midst of what it does, and starts it again after `between`.
    pub(crate) fn restart_worker(&mut self, which: usize, between: impl FnOnce()) -> Result<(), String> {
        let Some(worker) = self.workers.get_mut(which) else { return Ok(()) };
        worker.worker.kill();
        between();
        let Some(worker) = self.workers.get(which) else { return Ok(()) };
        let started = self.start_worker(worker.number, worker.cache_port, &worker.cache)?;
        if let Some(worker) = self.workers.get_mut(which) {
            worker.worker = started;
        }
        Ok(())
    }

    /// Starts what has ended by itself: workers do when the server was away for long, by design.
    pub(crate) fn supervise(&mut self) -> Result<(), String> {
        for which in 0..self.workers.len() {
            let Some(worker) = self.workers.get_mut(which) else { continue };
            if !worker.cache.runs() {
                return Err(format!("the cache of worker {} ended: {}", worker.number, worker.cache.last_words()));
            }
            if !worker.worker.runs() {
                self.restart_worker(which, || ())?;
            }
        }
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.place.path().join(format!("{name}.log"))
    }
}

impl Drop for Grid {
    fn drop(&mut self) {
        // Workers before what they talk to.
        self.workers.clear();
        self.server = None;
        if let Some(mut postgres) = self.postgres.take() {
            postgres.end(Signal::INT);
        }
    }
}

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).args(TIED).arg(program);
    command.current_dir("/");
    command
}
