//! Private apt directories: package lists of any suite of the archive this machine's apt is set up with, without
//! touching the system's own sources, lists or caches.
//!
//! One directory per suite and kind of index, kept from run to run and shared by processes under a lock. Machine-wide
//! settings that reach the mirror (proxies, credentials, keys) stay in force; hooks that would run other programs do not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use super::super::Request;
use super::super::config::{DebianConfig, Suite};
use super::super::error::Cause;
use super::super::http::Progress;
use super::super::partial::lock;
use super::super::tool::{Call, Tool, Tools, make_directory};
use crate::process::Finished;

pub(super) const APT_GET: Tool = Tool { name: "apt-get", package: "apt" };
const APT_CACHE: Tool = Tool { name: "apt-cache", package: "apt" };

/// Which lists are wanted: each is ten megabytes to download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Index {
    Packages,
    Sources,
}

/// Debian's archive as this machine reaches it.
pub(in super::super) struct Apt {
    config: DebianConfig,
    /// What the machine's own apt is set up with; asked once.
    machine: Mutex<Option<Result<Machine, Cause>>>,
    /// How the one renewal of each list by this process went.
    renewed: Mutex<BTreeMap<(String, Index), Result<(), Cause>>>,
}

/// The Debian archive among the machine's apt sources.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Machine {
    archive: String,
    /// Suites of it, as the sources name them.
    releases: Vec<String>,
    /// Those suites' other names.
    aliases: Vec<String>,
}

/// The lists of one suite, locked.
pub(super) struct Lists<'a> {
    apt: &'a Apt,
    tools: &'a Tools<'a>,
    progress: Progress<'a>,
    key: (String, Index),
    directory: PathBuf,
    /// Where tools may leave temporary files.
    temporary: PathBuf,
    _lock: File,
}

impl Apt {
    pub(in super::super) fn new(config: DebianConfig) -> Self {
        Self { config, machine: Mutex::default(), renewed: Mutex::default() }
    }

    /// Takes the lists of a suite; waits for another process or thread that uses them.
    pub(super) fn open<'a>(
        &'a self,
        suite: &Suite,
        index: Index,
        tools: &'a Tools<'a>,
        request: &Request<'a>,
        temporary: &Path,
    ) -> Result<Lists<'a>, Cause> {
        let (name, archive, releases) = self.resolve(suite, tools, request, temporary)?;
        let kind = if index == Index::Packages { "deb" } else { "deb-src" };
        let directory = self.config.directory.join(format!("{name}-{kind}"));
        for part in ["lists/partial", "cache/archives/partial"] {
            make_directory(&directory.join(part))?;
        }
        let lock_file = directory.join("lock");
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&lock_file);
        let opened = opened.map_err(|error| Cause::io(&lock_file, &error))?;
        lock(&opened, &lock_file, tools.stop)?;
        let lists = Lists {
            apt: self,
            tools,
            progress: request.progress,
            key: (name, index),
            directory,
            temporary: temporary.to_path_buf(),
            _lock: opened,
        };
        lists.configure(&sources_list(&self.config, kind, &archive, &releases))?;
        Ok(lists)
    }

    /// The suite's directory name, archive and releases.
    fn resolve(
        &self,
        suite: &Suite,
        tools: &Tools<'_>,
        request: &Request<'_>,
        temporary: &Path,
    ) -> Result<(String, String, Vec<String>), Cause> {
        let machine = || self.machine(tools, request, temporary);
        match (suite, &self.config.archive) {
            (Suite::Own, None) => machine().map(|own| ("own".to_owned(), own.archive, own.releases)),
            (Suite::Own, Some(_)) => Err(Cause::Unusable("another archive than the machine's is configured".into())),
            (Suite::Named(name), _) if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
                Err(Cause::Unusable(format!("`{name}` is not a suite")))
            }
            (Suite::Named(name), Some(archive)) => Ok((name.clone(), archive.clone(), vec![name.clone()])),
            (Suite::Named(name), None) => machine().map(|own| {
                if own.aliases.contains(name) {
                    ("own".to_owned(), own.archive, own.releases)
                } else {
                    (name.clone(), own.archive, vec![name.clone()])
                }
            }),
        }
    }

    fn machine(&self, tools: &Tools<'_>, request: &Request<'_>, temporary: &Path) -> Result<Machine, Cause> {
        let mut known = self.machine.lock().map_err(|_| Cause::Stopped)?;
        if let Some(known) = &*known {
            return known.clone();
        }
        let asked = ask_machine(tools, request.progress, temporary);
        if !asked.as_ref().is_err_and(Cause::is_final) {
            *known = Some(asked.clone());
        }
        asked
    }
}

impl Lists<'_> {
    /// Whether the lists are older than they may be, or not there at all.
    pub(super) fn are_stale(&self) -> bool {
        let written = fs::metadata(self.stamp()).and_then(|metadata| metadata.modified()).ok();
        let age = written.and_then(|written| SystemTime::now().duration_since(written).ok());
        age.is_none_or(|age| age > self.apt.config.max_age)
    }

    /// Downloads the lists anew, unless this process has done so already.
    pub(super) fn renew(&mut self) -> Result<(), Cause> {
        if let Some(known) = self.apt.renewed.lock().ok().and_then(|renewed| renewed.get(&self.key).cloned()) {
            return known;
        }
        let finished = self.apt_get(vec!["update".into()], &self.temporary)?;
        let outcome = if finished.status.success() {
            let stamp = self.stamp();
            fs::write(&stamp, b"").map_err(|error| Cause::io(&stamp, &error))
        } else {
            Err(APT_GET.failed(&finished, &self.directory))
        };
        if let Ok(mut renewed) = self.apt.renewed.lock() {
            renewed.insert(self.key.clone(), outcome.clone());
        }
        outcome
    }

    /// Versions of a package, newest first.
    pub(super) fn versions(&self, package: &str) -> Result<Vec<String>, Cause> {
        let program = self.tools.find(APT_CACHE)?;
        let finished = self.run(&program, vec!["madison".into(), package.into()], &self.temporary)?;
        if finished.status.success() {
            Ok(madison(&finished.stdout, package))
        } else {
            Err(APT_CACHE.failed(&finished, &self.directory))
        }
    }

    /// Runs `apt-get` on these lists, in `directory`.
    pub(super) fn apt_get(&self, arguments: Vec<OsString>, directory: &Path) -> Result<Finished, Cause> {
        let program = self.tools.find(APT_GET)?;
        self.run(&program, arguments, directory)
    }

    fn run(&self, program: &Path, arguments: Vec<OsString>, directory: &Path) -> Result<Finished, Cause> {
        let mut all: Vec<OsString> = vec!["-c".into(), self.settings().into(), "-qq".into()];
        all.extend(arguments);
        self.tools.run(Call { program, arguments: all, directory, output: None, progress: self.progress })
    }

    /// Writes apt's settings; lists of other sources than these count as stale.
    fn configure(&self, sources: &str) -> Result<(), Cause> {
        let settings = settings(&self.directory)?;
        let sources_file = self.directory.join("sources.list");
        if fs::read(&sources_file).is_ok_and(|known| known == sources.as_bytes())
            && fs::read(self.settings()).is_ok_and(|known| known == settings.as_bytes())
        {
            return Ok(());
        }
        let _ = fs::remove_file(self.stamp());
        for (path, text) in [(self.directory.join("status"), ""), (self.settings(), &settings), (sources_file, sources)]
        {
            fs::write(&path, text).map_err(|error| Cause::io(&path, &error))?;
        }
        Ok(())
    }

    fn settings(&self) -> PathBuf {
        self.directory.join("apt.conf")
    }

    fn stamp(&self) -> PathBuf {
        self.directory.join("updated")
    }
}

fn sources_list(config: &DebianConfig, kind: &str, archive: &str, releases: &[String]) -> String {
    let target = if kind == "deb" { "Packages" } else { "Sources" };
    let signed = match config.keyring.exists() {
        true => format!(" signed-by={}", config.keyring.display()),
        false => String::new(),
    };
    let line = |release: &String| format!("{kind} [target={target}{signed}] {archive} {release} main\n");
    releases.iter().map(line).collect()
}

/// Settings that come after the machine's own and keep apt inside `directory`.
fn settings(directory: &Path) -> Result<String, Cause> {
    let text = directory.to_str().filter(|text| !text.contains(['"', '\\', '\n']));
    let d = text.ok_or_else(|| Cause::Unusable(format!("apt cannot be told of the directory {directory:?}")))?;
    Ok(format!(
        r#"#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "{d}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{d}";
Dir::State::lists "{d}/lists";
Dir::State::status "{d}/status";
Dir::Cache "{d}/cache";
Dir::Cache::archives "{d}/cache/archives";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Retries "2";
"#
    ))
}

/// Asks the machine's apt for its Debian archive.
fn ask_machine(tools: &Tools<'_>, progress: Progress<'_>, directory: &Path) -> Result<Machine, Cause> {
    let program = tools.find(APT_GET)?;
    let format = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(SUITE)|$(CODENAME)";
    let arguments = vec!["indextargets".into(), "--format".into(), format.into()];
    let finished = tools.run(Call { program: &program, arguments, directory, output: None, progress })?;
    if !finished.status.success() {
        return Err(APT_GET.failed(&finished, directory));
    }
    index_targets(&finished.stdout).ok_or(Cause::NoDebianArchive)
}

/// The first Debian archive in lines of `origin|archive|release|suite|codename`.
///
/// Before the first `apt-get update` nothing is known of an origin (apt leaves `$(ORIGIN)` standing): then the archive
/// is told by its last directory, which is `debian` on every mirror; `debian-security` is another archive.
fn index_targets(stdout: &[u8]) -> Option<Machine> {
    let text = String::from_utf8_lossy(stdout);
    let rows = text.lines().filter_map(|line| {
        let mut fields = line.split('|');
        let (origin, archive) = (fields.next()?, fields.next()?.trim_end_matches('/'));
        let names: Vec<&str> = fields.filter(|name| !name.is_empty() && !name.starts_with("$(")).collect();
        let is_debian = origin == "Debian" || origin.starts_with("$(");
        (is_debian && archive.ends_with("/debian") && !names.is_empty()).then_some((archive, names))
    });
    let mut machine: Option<Machine> = None;
    for (archive, names) in rows {
        let machine = machine.get_or_insert_with(|| Machine {
            archive: archive.to_owned(),
            releases: Vec::new(),
            aliases: Vec::new(),
        });
        let Some(release) = names.first().filter(|_| machine.archive == archive) else { continue };
        if !machine.releases.iter().any(|known| known == release) {
            machine.releases.push((*release).to_owned());
        }
        machine.aliases.extend(names.into_iter().map(str::to_owned));
    }
    machine
}

/// Versions out of lines of `package | version | where`.
fn madison(stdout: &[u8], package: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(stdout);
    let version = |line: &str| {
        let mut fields = line.split('|').map(str::trim);
        (fields.next() == Some(package)).then(|| fields.next().map(str::to_owned)).flatten()
    };
    text.lines().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_archive() {
        let known = "Cloud|https://host.invalid/apt/|cloud-bookworm||\n\
                     Debian|http://host.invalid/debian-security/|bookworm-security|oldstable-security|bookworm-security\n\
                     Debian|http://host.invalid/debian/|bookworm|oldstable|bookworm\n\
                     Debian|http://host.invalid/debian/|bookworm|oldstable|bookworm\n\
                     Debian|http://host.invalid/debian/|bookworm-updates|oldstable-updates|bookworm-updates\n\
                     Debian|http://other.invalid/debian/|sid|unstable|sid\n";
        let machine = index_targets(known.as_bytes()).unwrap();
        assert_eq!(machine.archive, "http://host.invalid/debian");
        assert_eq!(machine.releases, ["bookworm", "bookworm-updates"]);
        assert!(machine.aliases.contains(&"oldstable".to_owned()) && !machine.aliases.contains(&"sid".to_owned()));
        let fresh = "$(ORIGIN)|http://host.invalid/x/debian|stable|$(SUITE)|$(CODENAME)\n";
        let machine = index_targets(fresh.as_bytes()).unwrap();
        assert_eq!((machine.releases, machine.aliases), (vec!["stable".to_owned()], vec!["stable".to_owned()]));
        for none in
            ["", "Ubuntu|http://host.invalid/ubuntu/|noble|noble|noble\n", "Debian\n", "Debian|http://x/debian/\n"]
        {
            assert_eq!(index_targets(none.as_bytes()), None, "{none:?}");
        }
    }

    #[test]
    fn versions_of_a_package() {
        let real = "     ocaml |   5.4.1-1 | http://host.invalid/debian unstable/main Sources\n\
                    \x20    ocaml |   5.4.0-2 | http://host.invalid/debian unstable/main Sources\n\
                    ocaml-x | 7 | http://host.invalid/debian unstable/main Sources\n";
        assert_eq!(madison(real.as_bytes(), "ocaml"), ["5.4.1-1", "5.4.0-2"]);
        assert_eq!(madison(b"", "ocaml"), [""; 0]);
    }

    #[test]
    fn directories_that_apt_cannot_be_told_of() {
        assert!(settings(Path::new("/a b/ü")).is_ok());
        assert!(matches!(settings(Path::new("/a\"b")), Err(Cause::Unusable(_))));
    }
}
