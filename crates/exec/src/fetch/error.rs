//! Why a source could not be had: every place that was asked, and what each answered.
//!
//! Facts only; the command line makes sentences and hints of them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use action::checksum::Checksum;
use action::source::{DebianFile, Origin};

use super::config::{Mirror, Suite, without_secrets};

/// No place had the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// What was wanted: a source's name, or the label of its forms.
    pub what: String,
    /// Every place asked, in order. The last one ended the search if its cause is final ([`Cause::is_final`]).
    pub attempts: Vec<Attempt>,
}

/// One place that was asked in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The name of the source asked for.
    pub source: String,
    /// Where.
    pub place: Place,
    /// Why it did not serve.
    pub cause: Cause,
}

/// Where a source is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The directory the file is to be put into.
    Scratch(PathBuf),
    /// An archive mirror.
    Mirror(Mirror),
    /// One of the source's own origins.
    Origin(Origin),
    /// A Debian origin, in one suite.
    Debian {
        /// The origin.
        origin: Origin,
        /// The suite.
        suite: Suite,
    },
}

/// Why a place did not serve a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The place does not have it.
    #[error("not found")]
    NotFound,
    /// The place has other bytes under that name.
    #[error("checksum mismatch: expected {} {}, got {} ({size} bytes)", .both.0.kind().name(), .both.0.hex(), .both.1.hex())]
    Mismatch {
        /// The checksum asked for, and that of what was served. On the heap, for they are long and rarely looked at.
        both: Box<(Checksum, Checksum)>,
        /// How many bytes were served; 0 if the tool that saw them did not say.
        size: u64,
    },
    /// Nobody listens at the server's address.
    #[error("connection refused")]
    ConnectionRefused,
    /// The server's name or network is not known here, or no way leads there.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The proxy could not be used.
    #[error("proxy: {0}")]
    Proxy(String),
    /// No secure connection could be made.
    #[error("TLS: {0}")]
    Tls(String),
    /// The server answered with an HTTP status other than success.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The server answered in no way that HTTP knows, or with too many redirects.
    #[error("HTTP: {0}")]
    Protocol(String),
    /// Nothing came for too long.
    #[error("timed out after {0:?}")]
    Timeout(Duration),
    /// The connection broke before the end, again and again.
    #[error("truncated after {got} bytes{}", expected.map(|all| format!(" of {all}")).unwrap_or_default())]
    Truncated {
        /// How many bytes had come.
        got: u64,
        /// How many there should be, if the server said.
        expected: Option<u64>,
    },
    /// A program of the machine is needed and is not in `PATH`.
    #[error("`{tool}` is not installed")]
    ToolMissing {
        /// The program.
        tool: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// A program of the machine failed.
    #[error("`{tool}` failed: {}", exit.map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit status {code}")))]
    ToolFailed {
        /// The program.
        tool: &'static str,
        /// Its exit status; none if a signal ended it.
        exit: Option<i32>,
        /// The last lines of its standard error.
        stderr: Vec<String>,
    },
    /// The disk is full, or the user's share of it.
    #[error("{path}: no space left on the disk")]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// More came than is allowed.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// The network was not to be used.
    #[error("offline")]
    Offline,
    /// The caller was stopped.
    #[error("stopped")]
    Stopped,
    /// The origin cannot be used as it is written.
    #[error("unusable: {0}")]
    Unusable(String),
    /// The machine's apt is not set up with a Debian archive, so no other suite of it can be derived.
    #[error("no Debian archive is configured")]
    NoDebianArchive,
    /// A file could not be read or written.
    #[error("{path}: {message}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What kind of failure.
        kind: io::ErrorKind,
        /// What the system said.
        message: String,
    },
}

impl FetchError {
    /// Whether the search ended because the caller was stopped.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.cause == Cause::Stopped)
    }
}

impl Cause {
    /// Whether asking elsewhere is of no use: stopped, or this machine's own disk.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Stopped | Self::DiskFull { .. })
    }

    /// Whether the same place may serve when asked again.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Truncated { .. } => true,
            Self::Status(code) => matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Bytes that have another checksum than the expected one.
    pub(super) fn mismatch(expected: Checksum, found: Checksum, size: u64) -> Self {
        Self::Mismatch { both: Box::new((expected, found)), size }
    }

    /// A failure of the file system at `path`.
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            kind => Self::Io { path, kind, message: error.to_string() },
        }
    }
}

impl std::error::Error for FetchError {}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be had from any of {} places", self.what, self.attempts.len())
    }
}

/// The notation of places, without passwords: a path, a URL, `npm:ocaml@5.3.0`, `pypi:ziglang@0.17.1`, `debian:menhir@20240715+ds-1 (sid)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scratch(path) => write!(f, "{}", path.display()),
            Self::Mirror(mirror) => fmt::Display::fmt(mirror, f),
            Self::Origin(origin) => origin_text(origin, f),
            Self::Debian { origin, suite } => {
                origin_text(origin, f)?;
                match suite {
                    Suite::Own => f.write_str(" (this machine's own suite)"),
                    Suite::Named(name) => write!(f, " ({name})"),
                }
            }
        }
    }
}

fn origin_text(origin: &Origin, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match origin {
        Origin::Url(url) => f.write_str(&without_secrets(url)),
        Origin::Npm { package, version } => write!(f, "npm:{package}@{version}"),
        Origin::Pypi { package, version, .. } => write!(f, "pypi:{package}@{version}"),
        Origin::Debian { package, version, file: DebianFile::Orig } => write!(f, "debian-source:{package}@{version}"),
        Origin::Debian { package, version, .. } => write!(f, "debian:{package}@{version}"),
    }
}
