//! How to fetch: mirrors, network, the machine's tools. Everything the library may know of its surroundings is here;
//! it reads neither environment nor configuration files itself.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::process::Environment;

/// How sources are fetched.
#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// Archive mirrors, asked first and in this order.
    pub mirrors: Vec<Mirror>,
    /// Never to use the network; directories and `file:` URLs are still read.
    pub offline: bool,
    /// The network.
    pub http: HttpConfig,
    /// The machine's own package tools.
    pub tools: ToolConfig,
    /// Debian's archive.
    pub debian: DebianConfig,
    /// Stops everything under way when true, and for good: connections are closed, children killed.
    pub stop: Arc<AtomicBool>,
}

/// A place with files by checksum, in the layout of opam's download cache: `sha256/ab/abcd…`, `sha512/…`, `md5/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A directory.
    Directory(PathBuf),
    /// An `http:`, `https:` or `file:` URL of such a directory.
    Url(String),
}

/// The network.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Proxies.
    pub proxies: Proxies,
    /// A PEM file of certificates to trust, in place of the ones compiled in (Mozilla's): a machine behind an
    /// inspecting proxy has its own.
    pub certificates: Option<PathBuf>,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long nothing may come before the connection counts as broken.
    pub stall: Duration,
    /// How often a broken or refused-for-now download is tried again without getting any farther.
    pub retries: u32,
    /// The pause before the first retry; it doubles each time, up to sixteen times itself.
    pub pause: Duration,
    /// What to call ourselves.
    pub user_agent: String,
}

/// Proxies by the scheme of the URL, as the variables `http_proxy`, `https_proxy` and `no_proxy` name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http:` URLs.
    pub http: Option<String>,
    /// For `https:` URLs.
    pub https: Option<String>,
    /// Hosts to be reached directly, comma-separated.
    pub none: Option<String>,
}

/// The machine's own `npm`, `pip` and `apt-get`.
#[derive(Debug, Clone)]
pub struct ToolConfig {
    /// Their whole environment; see [`registry_environment`].
    pub environment: Environment,
    /// How long one of them may run.
    pub time: Duration,
}

/// Debian's archive.
#[derive(Debug, Clone)]
pub struct DebianConfig {
    /// Where private apt directories are kept from one run to the next, one per suite; several processes share it.
    pub directory: PathBuf,
    /// The suites to ask, in this order.
    pub suites: Vec<Suite>,
    /// The archive's URL; none to take the one this machine's apt is set up with.
    pub archive: Option<String>,
    /// The keyring the archive is signed with; left out if there is no such file, for apt's own default.
    pub keyring: PathBuf,
    /// How old package lists may be. They are renewed all the same before a package counts as absent.
    pub max_age: Duration,
}

/// A suite of Debian's archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Whatever this machine's apt is set up with.
    Own,
    /// A suite or code name, such as `sid`.
    Named(String),
}

impl FetchConfig {
    /// The usual configuration, without mirrors.
    ///
    /// `tools` is the environment of the machine's package tools, which proxies and certificates are taken from too;
    /// `apt` is the directory of private apt directories.
    #[must_use]
    pub fn new(tools: Environment, apt: PathBuf) -> Self {
        Self {
            mirrors: Vec::new(),
            offline: false,
            http: HttpConfig {
                proxies: Proxies::from_variables(&tools),
                certificates: HttpConfig::machine_certificates(&tools),
                ..HttpConfig::default()
            },
            tools: ToolConfig { environment: tools, time: Duration::from_secs(30 * 60) },
            debian: DebianConfig::new(apt),
            stop: Arc::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            proxies: Proxies::default(),
            certificates: None,
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            retries: 4,
            pause: Duration::from_millis(500),
            user_agent: concat!("bactrian/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Where systems keep the certificates that they trust, as one PEM file.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl HttpConfig {
    /// The file of certificates that this machine trusts: the one `SSL_CERT_FILE` names, else the system's if it has
    /// one. For [`Self::certificates`].
    #[must_use]
    pub fn machine_certificates(environment: &Environment) -> Option<PathBuf> {
        let named = environment.get("SSL_CERT_FILE").filter(|name| !name.is_empty()).map(PathBuf::from);
        named.or_else(|| BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file()))
    }
}

impl DebianConfig {
    /// The usual configuration: this machine's suite, then stable, testing and sid; lists of up to a day.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        let named = ["stable", "testing", "unstable"].map(|name| Suite::Named(name.to_owned()));
        Self {
            directory,
            suites: [Suite::Own].into_iter().chain(named).collect(),
            archive: None,
            keyring: PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg"),
            max_age: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Proxies {
    /// The proxies that an environment asks for, in curl's manner: lower case before upper case, `all_proxy` last.
    #[must_use]
    pub fn from_variables(environment: &Environment) -> Self {
        let read = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| environment.get(name)?.to_str());
            values.find(|value| !value.is_empty()).map(str::to_owned)
        };
        Self {
            http: read(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            https: read(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            none: read(&["no_proxy", "NO_PROXY"]),
        }
    }
}

impl Mirror {
    /// A mirror as a user writes it: a URL if it begins like one, otherwise a directory.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        if ["http:", "https:", "file:"].iter().any(|scheme| lower.starts_with(scheme)) {
            Self::Url(text.to_owned())
        } else {
            Self::Directory(PathBuf::from(text))
        }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(&without_secrets(url)),
        }
    }
}

/// A text with the user names and passwords taken out of its URLs, fit for messages.
pub fn without_secrets(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let host = part.find(['/', '?', '#', ' ']).unwrap_or(part.len());
        let secret = part.get(..host).and_then(|authority| authority.rfind('@')).map_or(0, |at| at + 1);
        clean.push_str("://");
        clean.push_str(part.get(secret..).unwrap_or_default());
    }
    clean
}

/// Variables that say how the machine's `npm`, `pip`, `apt-get` and `git` reach their servers, and where they are.
const VARIABLES: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "APT_CONFIG",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "VOLTA_HOME",
    "VIRTUAL_ENV",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "FTP_PROXY",
    "LD_LIBRARY_PATH",
    "SSH_AUTH_SOCK",
];

/// The like, by how they begin; without regard to case.
const PREFIXES: [&str; 9] = ["NPM_", "PIP_", "PYENV_", "ASDF_", "MISE_", "NVM_", "NIX_SSL_", "GIT_SSL_", "GIT_SSH"];

/// Picks from a whole environment what the machine's package tools need to reach their registries.
#[must_use]
pub fn registry_environment(all: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
    all.into_iter().filter(|(name, _)| is_for_registries(name)).collect()
}

fn is_for_registries(name: &OsStr) -> bool {
    let upper = name.as_bytes().to_ascii_uppercase();
    let proxy = upper.ends_with(b"_PROXY");
    let exact =
        VARIABLES.iter().any(|known| known.as_bytes() == if proxy { upper.as_slice() } else { name.as_bytes() });
    exact || PREFIXES.iter().any(|prefix| upper.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(names: &[&str]) -> Environment {
        names.iter().map(|name| (OsString::from(name), OsString::from(format!("value of {name}")))).collect()
    }

    #[test]
    fn registry_variables_pass_and_nothing_else() {
        let pass =
            ["PATH", "HOME", "npm_config_registry", "NPM_CONFIG_CAFILE", "PIP_INDEX_URL", "https_proxy", "no_proxy"];
        let held = ["GITHUB_TOKEN", "LD_PRELOAD", "OCAMLPARAM", "path", "MAKEFLAGS", "PYTHONPATH", "LANG"];
        let all: Vec<&str> = pass.into_iter().chain(held).collect();
        let everything = all.iter().map(|name| (OsString::from(name), OsString::from(format!("value of {name}"))));
        assert_eq!(registry_environment(everything), environment(&pass));
    }

    #[test]
    fn secrets_are_left_out() {
        for (text, clean) in [
            ("https://me:secret@host/a@b", "https://host/a@b"),
            ("https://me:p@ss@host:80?q=c@d", "https://host:80?q=c@d"),
            ("http://host/", "http://host/"),
            ("of http://x@host and http://y:z@other: no", "of http://host and http://other: no"),
            ("me:secret", "me:secret"),
            ("", ""),
            ("://é@", "://"),
        ] {
            assert_eq!(without_secrets(text), clean);
        }
    }

    #[test]
    fn proxies_as_curl_reads_them() {
        let variables =
            Environment::default().with("HTTPS_PROXY", "upper").with("all_proxy", "all").with("no_proxy", "");
        let proxies = Proxies::from_variables(&variables);
        assert_eq!(proxies, Proxies { http: Some("all".into()), https: Some("upper".into()), none: None });
        let proxies = Proxies::from_variables(&variables.with("https_proxy", "lower"));
        assert_eq!(proxies.https.as_deref(), Some("lower"));
    }

    #[test]
    fn certificates_that_are_named_come_before_the_systems() {
        let named = Environment::default().with("SSL_CERT_FILE", "/somewhere/ca.pem");
        assert_eq!(HttpConfig::machine_certificates(&named), Some(PathBuf::from("/somewhere/ca.pem")));
        let found = HttpConfig::machine_certificates(&Environment::default().with("SSL_CERT_FILE", ""));
        assert_eq!(found.is_some(), BUNDLES.iter().any(|path| PathBuf::from(path).is_file()));
    }

    #[test]
    fn mirrors_are_directories_unless_they_look_like_urls() {
        for url in ["http://a/b", "HTTPS://a", "file:///a"] {
            assert_eq!(Mirror::parse(url), Mirror::Url(url.to_owned()));
        }
        for directory in ["/a/b", "a", "httpd/cache", "./http:x"] {
            assert_eq!(Mirror::parse(directory), Mirror::Directory(PathBuf::from(directory)));
        }
    }
}
