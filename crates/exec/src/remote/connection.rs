//! The connection itself: TLS, calls that are tried again, stopping. Not here: what is called.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Response, Status};
use wire::capabilities_client::CapabilitiesClient;

use super::config::{Config, Mode};
use super::credentials::Credentials;
use super::error::RemoteError;
use super::fault::Fault;
use super::offers::Offers;
use super::retry::Retry;
use super::traffic::Traffic;
use super::{Present, Remote, locked};
use crate::store::Store;

/// How long a connection may take to be made by TCP.
const CONNECT: Duration = Duration::from_secs(10);
/// How long as a whole, names and TLS with it.
const WHOLE: Duration = Duration::from_secs(30);
/// How soon stopping is noticed.
const TICK: Duration = Duration::from_millis(50);
/// Bytes on the way at once: more than a fast line holds.
const WINDOW: u32 = 8 << 20;
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
        let beginning = Beginning { connecting: WHOLE, patience: config.patience, silence: config.silence };
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
        let channel = match runtime.block_on(open(&config, beginning.connecting)) {
            Ok(channel) => channel,
            Err(error) => {
                // A name may still be looked up, which nobody can stop; nor should anybody wait for it.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let mut remote = Self {
            store,
            config: Config { patience: beginning.patience, silence: beginning.silence, ..config.clone() },
            channel,
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
            moved: Mutex::new(Instant::now()),
            off: OnceLock::new(),
            mute: AtomicBool::new(false),
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

    pub(super) fn wire(&self) -> Wire {
        InterceptedService::new(self.channel.clone(), self.credentials.clone())
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

    /// Waits for `work`, unless somebody stops everything.
    pub(super) fn run<T>(&self, work: impl Future<Output = Result<T, RemoteError>>) -> Result<T, RemoteError> {
        self.runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                match tokio::time::timeout(TICK, &mut work).await {
                    Ok(result) => return result,
                    Err(_) if self.stopped() => return Err(RemoteError::Stopped),
                    Err(_) => {}
                }
            }
        })
    }

    /// As [`Remote::run`], but not to be stopped: for what is done because everything stops.
    pub(super) fn run_to_end<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A call with one answer, tried again as its faults allow.
    pub(super) async fn call<T, F>(&self, name: &'static str, mut attempt: impl FnMut() -> F) -> Result<T, RemoteError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut attempts = Attempts::new(self.config.patience);
        loop {
            self.traffic.add_call();
            let status = match tokio::time::timeout(self.config.silence, attempt()).await {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
                Err(_) => silent(),
            };
            self.pause(&mut attempts, name, status).await?;
        }
    }

    /// Waits before another attempt, or says why there is to be none.
    pub(super) async fn pause(
        &self,
        attempts: &mut Attempts,
        call: &'static str,
        status: Status,
    ) -> Result<(), RemoteError> {
        let fault = Fault::of(&status);
        if fault == Fault::Unauthenticated
            && !std::mem::replace(&mut attempts.renewed, true)
            && self.credentials.renew()?
        {
            return Ok(());
        }
        let since = attempts.since.get_or_insert_with(Instant::now).elapsed();
        match attempts.retry.after(fault, since) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            None => Err(RemoteError::Call { call, fault, status: Box::new(status) }),
        }
    }
}

/// The attempts of one call.
pub(super) struct Attempts {
    retry: Retry,
    patience: Duration,
    /// When it first failed.
    since: Option<Instant>,
    /// Whether the token was read again.
    renewed: bool,
}

impl Attempts {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { retry: Retry::new(patience), patience, since: None, renewed: false }
    }

    /// Something went well: what fails from now on fails for the first time.
    pub(super) fn moved_on(&mut self) {
        *self = Self::new(self.patience);
    }
}

/// The status of a server that says nothing.
pub(super) fn silent() -> Status {
    Status::deadline_exceeded("the server said nothing for too long")
}

async fn open(config: &Config, limit: Duration) -> Result<Channel, RemoteError> {
    let opened = tokio::time::timeout(limit, endpoint(config)?.connect()).await;
    let failed = |status| RemoteError::Call { call: "Connect", fault: Fault::of(&status), status: Box::new(status) };
    opened.map_err(|_| failed(silent()))?.map_err(|source| {
        let address = config.address.to_string();
        RemoteError::Connect { address, source }
    })
}

fn endpoint(config: &Config) -> Result<Endpoint, RemoteError> {
    let address = || config.address.to_string();
    let failed = |source| RemoteError::Connect { address: address(), source };
    let endpoint = Endpoint::from_shared(config.address.url()).map_err(failed)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(20)))
        .tcp_keepalive_interval(Some(Duration::from_secs(5)))
        .tcp_keepalive_retries(Some(3))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW);
    if !config.address.is_secure() {
        return Ok(endpoint);
    }
    let mut tls = match &config.tls.ca {
        Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?)),
        None => ClientTlsConfig::new().with_webpki_roots(),
    };
    if let Some((certificate, key)) = &config.tls.client {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    if let Some(name) = &config.tls.name {
        tls = tls.domain_name(name);
    }
    endpoint.tls_config(tls).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>, RemoteError> {
    std::fs::read(path).map_err(|source| RemoteError::File { path: path.to_owned(), source })
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
