//! The connection as a whole: what the server offers, stopping. Not here: the lines to it (`lines`), what is called, and calling
//! again (`attempts`).

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use wire::capabilities_client::CapabilitiesClient;

use super::config::{Config, Mode};
use super::credentials::Credentials;
use super::error::RemoteError;
use super::fault::Fault;
use super::lines::Lines;
use super::offers::Offers;
use super::queue::Queue;
use super::traffic::Traffic;
use super::{Present, Remote, locked};
use crate::store::Store;

/// How long a connection may take to be made as a whole, names and TLS with it.
const WHOLE: Duration = Duration::from_secs(30);
/// How soon stopping is noticed.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// The largest message that is taken from a server.
pub(super) const MESSAGE: usize = 32 << 20;

/// The wire with the headers of every call.
pub(super) type Wire = InterceptedService<Channel, Credentials>;

/// How long it may take until a server has said what it offers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    /// To be connected to.
    pub(super) connecting: Duration,
    /// To be asked again while it does not answer.
    pub(super) patience: Duration,
    /// To say nothing.
    pub(super) silence: Duration,
}

impl Remote {
    /// Connects, and asks what the server offers. Calls end with [`RemoteError::Stopped`] soon after `stop` is set.
    ///
    /// # Errors
    /// If a file of the configuration cannot be read, nobody answers, or the server cannot do what its mode wants.
    pub fn connect(store: Arc<Store>, config: Config, stop: Arc<AtomicBool>) -> Result<Self, RemoteError> {
        let beginning =
            Beginning { connecting: WHOLE.min(config.silence), patience: config.patience, silence: config.silence };
        Self::connect_in(beginning, store, config, stop)
    }

    pub(super) fn connect_in(
        beginning: Beginning,
        store: Arc<Store>,
        config: Config,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, RemoteError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(RemoteError::Runtime)?;
        let credentials = Credentials::new(&config)?;
        let lines = match runtime.block_on(Lines::connect(&config, beginning.connecting)) {
            Ok(lines) => lines,
            Err(error) => {
                // A name may still be looked up, which nobody can stop; nor should anybody wait for it.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let mut remote = Self {
            store,
            config: Config { patience: beginning.patience, silence: beginning.silence, ..config.clone() },
            lines,
            credentials,
            runtime,
            offers: Offers::of(&wire::ServerCapabilities::default()),
            stop,
            halted: AtomicBool::new(false),
            present: Mutex::new(Present::default()),
            roots: Mutex::default(),
            names: Mutex::default(),
            sending: Mutex::new(()),
            bringing: Mutex::new(()),
            queue: Queue::new(),
            off: OnceLock::new(),
            mute: AtomicBool::new(false),
            sends_plain: AtomicBool::new(false),
            traffic: Traffic::default(),
        };
        remote.offers = Offers::of(&remote.run(remote.capabilities())?);
        remote.config = config;
        if !remote.offers.sha256 {
            return Err(RemoteError::NoSha256);
        }
        if remote.config.mode != Mode::Cache && !remote.offers.executes {
            return Err(RemoteError::NoExecution);
        }
        remote.mute.store(!remote.offers.updates, Ordering::Relaxed);
        Ok(remote)
    }

    /// From now on an interrupt (Ctrl-C) sets `stop`, so that what runs for this client elsewhere is cancelled; the second one
    /// ends the process as it would have.
    pub fn stop_on_interrupt(&self) {
        let stop = Arc::clone(&self.stop);
        self.runtime.spawn(async move {
            let mut before = false;
            while tokio::signal::ctrl_c().await.is_ok() {
                stop.store(true, Ordering::Relaxed);
                if std::mem::replace(&mut before, true) {
                    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                }
            }
        });
    }

    /// What the server offers.
    #[must_use]
    pub const fn offers(&self) -> &Offers {
        &self.offers
    }

    /// How it was configured.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// How much went over the wire.
    #[must_use]
    pub const fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Why it is not used any more, if so.
    #[must_use]
    pub fn off(&self) -> Option<&str> {
        self.off.get().map(String::as_str)
    }

    /// Stops using it. Says whether that is news.
    pub fn turn_off(&self, why: &RemoteError) -> bool {
        self.off.set(why.to_string()).is_ok()
    }

    async fn capabilities(&self) -> Result<wire::ServerCapabilities, RemoteError> {
        let asked = self.call("GetCapabilities", || async {
            let request = wire::GetCapabilitiesRequest { instance_name: self.instance() };
            CapabilitiesClient::new(self.wire()).get_capabilities(request).await
        });
        match asked.await {
            // Caches that know nothing of capabilities are caches.
            Err(RemoteError::Call { fault: Fault::Unsupported, .. }) if self.config.mode == Mode::Cache => {
                let update = wire::ActionCacheUpdateCapabilities { update_enabled: true };
                let cache = wire::CacheCapabilities {
                    action_cache_update_capabilities: Some(update),
                    ..wire::CacheCapabilities::default()
                };
                Ok(wire::ServerCapabilities { cache_capabilities: Some(cache), ..wire::ServerCapabilities::default() })
            }
            answer => answer,
        }
    }

    pub(super) fn instance(&self) -> String {
        self.config.address.instance().to_owned()
    }

    /// The wire of calls that are soon over.
    pub(super) fn wire(&self) -> Wire {
        self.over(self.lines.calls.now().channel)
    }

    pub(super) fn over(&self, channel: Channel) -> Wire {
        InterceptedService::new(channel, self.credentials.clone())
    }

    /// Has calls end with [`RemoteError::Stopped`] soon, until [`Remote::resume`]: what they are for has failed elsewhere. Says
    /// nothing of whether somebody wants everything to stop.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// Takes back [`Remote::halt`].
    pub fn resume(&self) {
        self.halted.store(false, Ordering::Relaxed);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.halted.load(Ordering::Relaxed)
    }

    /// Waits for `work`, unless somebody stops everything: then it is not even begun.
    pub(super) fn run<T>(&self, work: impl Future<Output = Result<T, RemoteError>>) -> Result<T, RemoteError> {
        self.runtime.block_on(async {
            let mut work = pin!(work);
            while !self.stopped() {
                if let Ok(result) = tokio::time::timeout(TICK, &mut work).await {
                    return result;
                }
            }
            Err(RemoteError::Stopped)
        })
    }

    /// As [`Remote::run`], but not to be stopped: for what is done because everything stops.
    pub(super) fn run_to_end<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Remote {
    /// Takes note that the server has blobs.
    pub(super) fn note_present(&self, blobs: impl IntoIterator<Item = action::digest::BlobDigest>) {
        locked(&self.present).blobs.extend(blobs);
    }

    /// Forgets what the server was found to have: it says that something is missing.
    pub(super) fn forget_present(&self) {
        *locked(&self.present) = Present::default();
    }
}
