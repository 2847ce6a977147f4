//! Where a remote engine is, and how it wants to be spoken to. Not here: who says so (the command line's settings).

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How many actions are underway at once on an engine if nobody says.
pub const JOBS: usize = 64;
/// How long an unreachable server is tried again if nobody says.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long a server may say nothing in a call that is no execution.
pub const SILENCE: Duration = Duration::from_secs(60);
/// After how long without a word a connection with executions is asked whether it lives. Servers of gRPC end one that asks more often
/// than every five minutes.
pub const PING: Duration = Duration::from_secs(330);
/// How long actions may be queued without any of them being run, if nobody says.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(600);

/// An engine, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub address: Address,
    /// What it is used for.
    pub mode: Mode,
    /// What TLS needs besides the usual authorities.
    pub tls: Tls,
    /// The bearer token, if it wants one.
    pub token: Option<Token>,
    /// Further headers of every call.
    pub headers: BTreeMap<String, String>,
    /// Platform properties of every action. They count in the digest that the engine knows an action by, not in the store's.
    pub platform: BTreeMap<String, String>,
    /// Those of actions that serve a target, besides or instead, by the target's name.
    pub targets: BTreeMap<String, BTreeMap<String, String>>,
    /// Those of a target's own programs, besides or instead of every action's, by the target's name: its kind of worker.
    pub programs: BTreeMap<String, BTreeMap<String, String>>,
    /// How many actions are underway at once.
    pub jobs: usize,
    /// How long it is tried again while nobody answers.
    pub patience: Duration,
    /// How long it may say nothing in a call that is no execution.
    pub silence: Duration,
    /// After how long without a word a connection with executions is asked whether it lives.
    pub ping: Duration,
    /// How long actions may be queued without any of them being run.
    pub queue_timeout: Duration,
}

/// What an engine is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Results are asked for and told; actions run here.
    Cache,
    /// Actions run there.
    #[default]
    Execute,
    /// Actions run here while there is room and their inputs are here, else there.
    Hybrid,
}

/// What TLS needs besides the usual authorities; files in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Authorities that the server's certificate may be of, instead of the usual ones.
    pub ca: Option<PathBuf>,
    /// This client's certificate and its key, for servers that want one.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name in the server's certificate, if it is not that of the address.
    pub name: Option<String>,
}

/// A bearer token.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// In a file, which is read again when the server no longer takes it.
    File(PathBuf),
    /// The token itself.
    Text(String),
}

impl fmt::Debug for Token {
    // A token belongs into no message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
        }
    }
}

/// The address of an engine: `grpc[s]://host[:port][/instance]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    tls: bool,
    authority: String,
    instance: String,
}

/// A text is no address of an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address of the form grpc://host:port or grpcs://host:port, with /instance if the server has several"
)]
pub struct AddressError(pub String);

impl Address {
    /// Whether it is spoken to by TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.tls
    }

    /// The instance of the server; empty if it has one alone.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The URL that is connected to.
    pub(super) fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let tls = match scheme {
            "grpc" | "http" => false,
            "grpcs" | "https" => true,
            _ => return Err(wrong()),
        };
        let (authority, instance) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, if tls { "443" } else { "80" }),
        };
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._[]:%".contains(c));
        if host.is_empty() || !plain(host) || port.parse::<u16>().is_err() || instance.contains("//") {
            return Err(wrong());
        }
        let instance = instance.trim_end_matches('/').to_owned();
        Ok(Self { tls, authority: format!("{host}:{port}"), instance })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "grpc{}://{}", if self.tls { "s" } else { "" }, self.authority)?;
        if self.instance.is_empty() { Ok(()) } else { write!(f, "/{}", self.instance) }
    }
}

impl Config {
    /// An engine of which nothing but the address is said.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            mode: Mode::default(),
            tls: Tls::default(),
            token: None,
            headers: BTreeMap::new(),
            platform: BTreeMap::new(),
            targets: BTreeMap::new(),
            programs: BTreeMap::new(),
            jobs: JOBS,
            patience: PATIENCE,
            silence: SILENCE,
            ping: PING,
            queue_timeout: QUEUE_TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown, url) in [
            ("grpc://farm:8980", "grpc://farm:8980", "http://farm:8980"),
            ("grpcs://farm/main/", "grpcs://farm:443/main", "https://farm:443"),
            ("http://127.0.0.1:1/a/b", "grpc://127.0.0.1:1/a/b", "http://127.0.0.1:1"),
            ("grpc://[::1]:8980", "grpc://[::1]:8980", "http://[::1]:8980"),
            ("grpc://[::1]", "grpc://[::1]:80", "http://[::1]:80"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.url().as_str()), (shown, url));
        }
        for bad in
            ["", "farm:80", "ftp://farm", "grpc://", "grpc://:80", "grpc://farm:x", "grpc://a b:80", "grpc://u@h:80"]
        {
            assert_eq!(bad.parse::<Address>(), Err(AddressError(bad.to_owned())));
        }
    }

    #[test]
    fn a_token_is_in_no_message() {
        assert!(!format!("{:?}", Token::Text("secret".to_owned())).contains("secret"));
    }
}
