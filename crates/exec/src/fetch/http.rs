//! Downloads over HTTP: retried, resumed where they broke, stopped at once when asked.
//!
//! Bytes are taken as the server keeps them: no content encoding is asked for and none is undone, since the checksum
//! is that of the file. Not here: whether the bytes are the right ones (`partial`).

use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, path::Path};

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, Proxy, RequestBuilder};

use super::config::{HttpConfig, Proxies, without_secrets};
use super::error::Cause;
use super::partial::{CHUNK, Partial, Validator};

/// The longest pause a server's `Retry-After` is granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Who is told how much is there: bytes in hand, and bytes in all if the server said.
pub(super) type Progress<'a> = &'a dyn Fn(u64, Option<u64>);

/// The network, with its connections kept open between downloads.
pub(super) struct Http {
    config: HttpConfig,
    stop: Arc<AtomicBool>,
    /// Made at the first use: reading certificates takes time that a run without downloads need not spend.
    agent: OnceLock<Result<Agent, Cause>>,
}

/// One request that did not bring the rest of the file.
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// How long the server asked us to wait.
    pub(super) pause: Option<Duration>,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, pause: None }
    }
}

impl Http {
    pub(super) fn new(config: HttpConfig, stop: Arc<AtomicBool>) -> Self {
        Self { config, stop, agent: OnceLock::new() }
    }

    /// Brings `partial` to its end, going on from what is in hand.
    pub(super) fn get(&self, url: &str, partial: &mut Partial, progress: Progress<'_>) -> Result<(), Cause> {
        self.watched(|agent| self.get_with_retries(agent, url, partial, progress))
    }

    /// Does `work` with the network; once stopped, its connections are closed.
    pub(super) fn watched<T>(&self, work: impl FnOnce(&Agent) -> Result<T, Cause>) -> Result<T, Cause> {
        let agent = self.agent.get_or_init(|| new_agent(&self.config)).clone()?;
        thread::scope(|scope| {
            // Dropped on the way out, which ends the watch.
            let (_alive, ended) = mpsc::channel::<()>();
            let (watched, stop) = (agent.clone(), &self.stop);
            scope.spawn(move || {
                while ended.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
                    if stop.load(Ordering::Relaxed) {
                        return watched.shutdown();
                    }
                }
            });
            work(&agent)
        })
    }

    fn get_with_retries(
        &self,
        agent: &Agent,
        url: &str,
        partial: &mut Partial,
        progress: Progress<'_>,
    ) -> Result<(), Cause> {
        let mut farthest = partial.len();
        self.with_retries(|| {
            let got = self.get_once(agent, url, partial, progress);
            // Getting farther than ever before is success enough to begin counting anew.
            let farther = partial.len() > farthest;
            farthest = farthest.max(partial.len());
            (got, farther)
        })
    }

    /// Tries until it is done, or fails for good; after a try that got `farther`, failures are counted anew.
    pub(super) fn with_retries<T>(&self, mut once: impl FnMut() -> (Result<T, Failure>, bool)) -> Result<T, Cause> {
        let mut failures = 0;
        loop {
            let (tried, farther) = once();
            let failure = match tried {
                Ok(value) => return Ok(value),
                Err(_) if self.stop.load(Ordering::Relaxed) => return Err(Cause::Stopped),
                Err(failure) if !failure.cause.is_transient() => return Err(failure.cause),
                Err(failure) => failure,
            };
            failures = if farther { 1 } else { failures + 1 };
            if failures > self.config.retries {
                return Err(failure.cause);
            }
            let usual = self.config.pause * 2_u32.pow((failures - 1).min(4));
            self.pause(failure.pause.unwrap_or(usual).min(LONGEST_PAUSE))?;
        }
    }

    fn get_once(&self, agent: &Agent, url: &str, partial: &mut Partial, progress: Progress<'_>) -> Result<(), Failure> {
        let mut request = self.request(agent, url)?;
        if partial.len() > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", partial.len()));
            // Another server's tag says nothing to this one; the checksum of the whole decides in the end.
            if let Some(validator) = partial.validator.as_ref().filter(|validator| validator.url == url) {
                request = request.header(header::IF_RANGE, &validator.tag);
            }
        }
        let response = request.call().map_err(|error| self.cause(error, partial.len(), None))?;
        let total = match response.status() {
            StatusCode::OK => {
                partial.restart(validator(url, response.headers()))?;
                response.body().content_length()
            }
            StatusCode::PARTIAL_CONTENT => match content_range(response.headers()) {
                Some((start, total)) if start == partial.len() => total,
                _ => {
                    let got = partial.len();
                    partial.restart(None)?;
                    return Err(Cause::Truncated { got, expected: None }.into());
                }
            },
            StatusCode::RANGE_NOT_SATISFIABLE if partial.len() > 0 => {
                // What we hold is no beginning of that file: ask for the whole.
                let got = partial.len();
                partial.restart(None)?;
                return Err(Cause::Truncated { got, expected: None }.into());
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Cause::NotFound.into()),
            status => {
                return Err(Failure { cause: Cause::Status(status.as_u16()), pause: retry_after(response.headers()) });
            }
        };
        Ok(self.take_body(response, partial, total, progress)?)
    }

    /// A request for `url`, by way of the proxy that is meant for it.
    pub(super) fn request(&self, agent: &Agent, url: &str) -> Result<RequestBuilder<WithoutBody>, Cause> {
        let proxy = proxy_for(url, &self.config.proxies)?;
        Ok(agent.get(url).config().proxy(proxy).build())
    }

    fn take_body(
        &self,
        response: Response<Body>,
        partial: &mut Partial,
        total: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<(), Cause> {
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; CHUNK];
        progress(partial.len(), total);
        loop {
            // A connection that is shut down may look like the end of the body.
            if self.stop.load(Ordering::Relaxed) {
                return Err(Cause::Stopped);
            }
            match body.read(&mut buffer) {
                Ok(0) if total.is_some_and(|total| partial.len() < total) => {
                    return Err(Cause::Truncated { got: partial.len(), expected: total });
                }
                Ok(0) => return Ok(()),
                Ok(read) => partial.append(buffer.get(..read).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.cause(ureq::Error::from(error), partial.len(), total)),
            }
            progress(partial.len(), total);
        }
    }

    pub(super) fn cause(&self, error: ureq::Error, got: u64, expected: Option<u64>) -> Cause {
        use ureq::{Error, Timeout};
        match error {
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => Cause::Timeout(self.config.connect),
            Error::Timeout(_) => Cause::Timeout(self.config.stall),
            Error::HostNotFound | Error::ConnectionFailed => Cause::Unreachable(error.to_string()),
            Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) | Error::TlsRequired => Cause::Tls(error.to_string()),
            Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => Cause::Proxy(error.to_string()),
            Error::BadUri(_) | Error::Http(_) => Cause::Unusable(without_secrets(&error.to_string())),
            Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => Cause::ConnectionRefused,
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Cause::Timeout(self.config.stall),
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Cause::Truncated { got, expected },
                // rustls hands its refusals on as invalid data.
                io::ErrorKind::InvalidData => Cause::Tls(error.to_string()),
                _ => Cause::Unreachable(error.to_string()),
            },
            other => Cause::Protocol(other.to_string()),
        }
    }

    fn pause(&self, time: Duration) -> Result<(), Cause> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Cause::Stopped);
            }
            thread::sleep(Duration::from_millis(20).min(time));
        }
        Ok(())
    }
}

fn new_agent(config: &HttpConfig) -> Result<Agent, Cause> {
    let roots = match &config.certificates {
        Some(path) => certificates(path)?,
        None => RootCerts::WebPki,
    };
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(&config.user_agent)
        .accept_encoding("identity")
        .timeout_connect(Some(config.connect))
        .timeout_resolve(Some(config.connect))
        .timeout_per_read(Some(config.stall))
        .timeout_per_write(Some(config.stall))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .proxy(None)
        .build();
    Ok(agent.into())
}

fn certificates(path: &Path) -> Result<RootCerts, Cause> {
    let pem = fs::read(path).map_err(|error| Cause::io(path, &error))?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(Cause::Tls(format!("{}: {error}", path.display()))),
        }
    }
    if found.is_empty() {
        return Err(Cause::Tls(format!("{}: no certificates", path.display())));
    }
    Ok(RootCerts::from(found))
}

fn proxy_for(url: &str, proxies: &Proxies) -> Result<Option<Proxy>, Cause> {
    let secure = url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let Some(address) = (if secure { &proxies.https } else { &proxies.http }) else { return Ok(None) };
    let wrong = |error: ureq::Error| Cause::Proxy(without_secrets(&format!("{address}: {error}")));
    let plain = Proxy::new(address).map_err(wrong)?;
    let Some(none) = &proxies.none else { return Ok(Some(plain)) };
    let mut builder = Proxy::builder(plain.protocol()).host(plain.host()).port(plain.port());
    if let Some(name) = plain.username() {
        builder = builder.username(name);
    }
    if let Some(password) = plain.password() {
        builder = builder.password(password);
    }
    for host in none.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        builder = builder.no_proxy(host);
    }
    builder.build().map(Some).map_err(wrong)
}

/// The strongest word the server gave on which version of the file this is.
fn validator(url: &str, headers: &HeaderMap) -> Option<Validator> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    // `If-Range` takes strong tags only (RFC 9110, 13.1.5).
    let strong = text(header::ETAG).filter(|tag| !tag.starts_with("W/"));
    let tag = strong.or_else(|| text(header::LAST_MODIFIED))?;
    Some(Validator { url: url.to_owned(), tag: tag.to_owned() })
}

/// First byte and total length from `Content-Range: bytes 5-9/10`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _end) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
