//! The engine or cache elsewhere, as `bactrian.toml` says it in `[remote]`, and as it is meant.
//!
//! Not here: reading the file's syntax ([`file`](super::file)), connecting (`exec::remote`).

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use exec::remote::config::{Tls, Token};
use exec::remote::{Address, Config, Mode};

use super::file;
use super::sources::{Sources, Variables, word, wrong};
use crate::args::{self, RemoteMode};
use crate::env_vars;
use crate::error::CommandError;

/// The word for no engine at all.
const NONE: &str = "none";

/// What the file says of an engine; paths as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RemoteTable {
    pub(crate) url: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) server_name: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) platform: BTreeMap<String, String>,
    /// Platform properties of actions that serve a target, by its name.
    pub(crate) targets: BTreeMap<String, BTreeMap<String, String>>,
    /// Those of workers that run a target's own programs, by its name.
    pub(crate) programs: BTreeMap<String, BTreeMap<String, String>>,
    /// Seconds.
    pub(crate) patience: Option<NonZeroUsize>,
    /// Seconds.
    pub(crate) queue_timeout: Option<NonZeroUsize>,
}

impl Sources<'_> {
    /// The engine or cache elsewhere, if there is to be one.
    pub(super) fn remote(&self, args: &args::Remote) -> Result<Option<Config>, CommandError> {
        let variables = Variables(&self.around.env);
        let table = &self.file.remote;
        let url = match &args.url {
            Some(url) => Some(address(url, "--remote")?),
            None => match variables.parsed(env_vars::BACTRIAN_REMOTE, address)? {
                Some(url) => Some(url),
                None => table.url.as_deref().map(|url| address(url, &place("url"))).transpose()?,
            },
        };
        let Some(address) = url.flatten() else { return Ok(None) };
        let mode = match args.mode {
            Some(mode) => Some(mode),
            None => match variables.parsed(env_vars::BACTRIAN_REMOTE_MODE, word)? {
                Some(mode) => Some(mode),
                None => table.mode.as_deref().map(|mode| word(mode, &place("mode"))).transpose()?,
            },
        };
        let mut config = Config::new(address);
        config.mode = mode.map_or_else(Mode::default, meant);
        config.tls = self.tls()?;
        config.token = self.token();
        config.headers.clone_from(&table.headers);
        config.platform.clone_from(&table.platform);
        config.targets.clone_from(&table.targets);
        config.programs.clone_from(&table.programs);
        let seconds = |said: Option<NonZeroUsize>| said.map(|seconds| Duration::from_secs(seconds.get() as u64));
        config.jobs = table.jobs.map_or(config.jobs, NonZeroUsize::get);
        config.patience = seconds(table.patience).unwrap_or(config.patience);
        config.queue_timeout = seconds(table.queue_timeout).unwrap_or(config.queue_timeout);
        Ok(Some(config))
    }

    fn tls(&self) -> Result<Tls, CommandError> {
        let table = &self.file.remote;
        let path = |path: &PathBuf| self.project.join(path);
        let client = match (&table.certificate, &table.key) {
            (Some(certificate), Some(key)) => Some((path(certificate), path(key))),
            (None, None) => None,
            _ => {
                let place = place("certificate");
                return Err(CommandError::usage(format_args!("{place}: a certificate and its key go together"))
                    .hint("say both, `certificate = \"client.pem\"` and `key = \"client.key\"`"));
            }
        };
        Ok(Tls { ca: table.ca.as_ref().map(path), client, name: table.server_name.clone() })
    }

    fn token(&self) -> Option<Token> {
        let said = self.around.env.get(env_vars::BACTRIAN_REMOTE_TOKEN.name);
        let text = said.map(|token| Token::Text(token.to_string_lossy().into_owned()));
        text.or_else(|| self.file.remote.token_file.as_ref().map(|path| Token::File(self.project.join(path))))
    }
}

const fn meant(mode: RemoteMode) -> Mode {
    match mode {
        RemoteMode::Cache => Mode::Cache,
        RemoteMode::Execute => Mode::Execute,
        RemoteMode::Hybrid => Mode::Hybrid,
    }
}

fn place(key: &str) -> String {
    format!("`remote.{key}` in {}", file::NAME)
}

/// An address, or that there is to be none.
fn address(text: &str, place: &str) -> Result<Option<Address>, CommandError> {
    if text == NONE {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        wrong(place, text, "is no address of an engine").hint("say `grpc://host:8980`, or `grpcs://host:443/instance`")
    })
}
