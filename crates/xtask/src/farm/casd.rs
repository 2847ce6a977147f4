//! casd as an engine: one program that keeps, caches and runs actions itself, in a directory of its own.
//!
//! It can be killed with all that it has started, and started again with what it has kept. Not here: casd as the end-to-end tests
//! have it (`testkit::casd`), which bring it without the rest of a farm.

use std::net::{IpAddr, SocketAddr};

use tempfile::TempDir;

use super::engines::Engines;
use super::process::{Process, alone, directory, free_ports};

/// How many actions it runs at once: as a farm of two workers does.
const JOBS: usize = super::corpus::WORKERS;
/// Bytes that it keeps.
const QUOTA: &str = "4G";

/// An engine that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Casd {
    casd: Option<Process>,
    engines: Engines,
    address: SocketAddr,
    place: TempDir,
}

impl Casd {
    /// Starts one that answers at `at`, and nowhere else.
    pub(super) fn start(at: IpAddr) -> Result<Self, String> {
        let engines = Engines::bring()?;
        let [port] = free_ports()?;
        let place = tempfile::Builder::new().prefix("bactrian-farm-").tempdir().map_err(|error| error.to_string())?;
        let mut casd = Self { casd: None, engines, address: SocketAddr::new(at, port), place };
        casd.begin()?;
        Ok(casd)
    }

    /// Where it answers, as `--remote` takes it.
    pub(super) fn address(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// Kills it in the midst of what it does, and starts it again after `between`.
    pub(super) fn restart(&mut self, between: impl FnOnce()) -> Result<(), String> {
        self.casd = None;
        between();
        self.begin()
    }

    /// An error if it has ended by itself.
    pub(super) fn supervise(&mut self) -> Result<(), String> {
        let Some(casd) = &mut self.casd else { return Ok(()) };
        if casd.runs() { Ok(()) } else { Err(format!("casd ended: {}", casd.last_words())) }
    }

    fn begin(&mut self) -> Result<(), String> {
        let mut start = self.engines.hermetic(alone(&self.engines.worker("buildbox-casd")));
        start.arg(format!("--bind={}", self.address)).arg(format!("--jobs={JOBS}"));
        start.arg(format!("--buildbox-run={}", self.engines.worker("buildbox-run-bubblewrap").display()));
        start.args([&format!("--quota-high={QUOTA}"), "--reserved=1G", "--log-level=warning"]);
        start.arg(directory(self.place.path().join("cas"))?);
        let mut casd = Process::start(&mut start, &self.place.path().join("casd.log"))?;
        casd.answers(self.address)?;
        self.casd = Some(casd);
        Ok(())
    }
}
