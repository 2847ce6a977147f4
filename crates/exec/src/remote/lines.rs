//! Connections to one server: how they are made, which calls go by which, and that a dead one is replaced.
//!
//! A connection may be dead and not look so: what was sent is sent again by TCP for a quarter of an hour. Who calls sees that the server
//! says nothing, and has the next attempt go by another one. Executions may say nothing for hours; whether their connections
//! live is asked by HTTP/2's pings. Not here: how long a call may be silent, headers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::attempts::silent;
use super::config::Config;
use super::fault::Fault;
use super::{RemoteError, locked};

/// Executions that go by one connection. Each holds a stream of it as long as it lasts, and servers allow 100 to 200.
const STREAMS: usize = 50;
/// How long one may take to be made by TCP.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(20);
/// Bytes on the way at once: more than a fast line holds.
const WINDOW: u32 = 8 << 20;

/// The connections to a server.
#[derive(Debug)]
pub(super) struct Lines {
    endpoint: Endpoint,
    /// For calls that are soon over.
    pub(super) calls: Line,
    /// For executions. Whoever has an [`Arc`] of one has a stream on it.
    executions: Mutex<Vec<Arc<Line>>>,
}

/// A connection, or those that came after each other in its place.
#[derive(Debug)]
pub(super) struct Line(Mutex<Numbered>);

/// A connection, and which one it is of those in its place.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) channel: Channel,
}

impl Lines {
    /// Makes the first connection, which may take so long.
    ///
    /// # Errors
    /// If a file of the configuration cannot be read, or nobody answers.
    pub(super) async fn connect(config: &Config, limit: Duration) -> Result<Self, RemoteError> {
        let endpoint = endpoint(config)?;
        let failed =
            |status| RemoteError::Call { call: "Connect", fault: Fault::of(&status), status: Box::new(status) };
        let connected = tokio::time::timeout(limit, endpoint.connect()).await.map_err(|_| failed(silent()))?;
        let channel = connected
            .map_err(|source| RemoteError::Connect { address: config.address.to_string(), source: source.into() })?;
        Ok(Self { endpoint, calls: Line::of(channel), executions: Mutex::default() })
    }

    /// A connection with room for one more execution.
    pub(super) fn for_execution(&self) -> Arc<Line> {
        let mut lines = locked(&self.executions);
        if let Some(line) = lines.iter().find(|line| Arc::strong_count(line) <= STREAMS) {
            return Arc::clone(line);
        }
        let line = Arc::new(Line::of(self.endpoint.connect_lazy()));
        lines.push(Arc::clone(&line));
        line
    }

    /// Has calls from now on go by another connection than `number`, by which nothing came. What still goes by that goes on.
    pub(super) fn replace(&self, line: &Line, number: u64) {
        let mut now = locked(&line.0);
        // Of many calls that saw it the first does it.
        if now.number == number {
            *now = Numbered { number: number + 1, channel: self.endpoint.connect_lazy() };
        }
    }
}

impl Line {
    const fn of(channel: Channel) -> Self {
        Self(Mutex::new(Numbered { number: 0, channel }))
    }

    pub(super) fn now(&self) -> Numbered {
        locked(&self.0).clone()
    }
}

fn endpoint(config: &Config) -> Result<Endpoint, RemoteError> {
    let failed = |source: tonic::transport::Error| RemoteError::Connect {
        address: config.address.to_string(),
        source: source.into(),
    };
    let endpoint = Endpoint::from_shared(config.address.url()).map_err(failed)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(Duration::from_secs(20)))
        .tcp_keepalive_interval(Some(Duration::from_secs(5)))
        .tcp_keepalive_retries(Some(3))
        // While there are streams alone: gRPC's servers take more pings than that amiss.
        .http2_keep_alive_interval(config.ping)
        .keep_alive_timeout(PONG.min(config.silence))
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
