//! Git repositories, by the machine's own `git`: their newest commit, as a tar.
//!
//! A bare clone of depth one is kept between runs, so that only differences are fetched. Which server, key, proxy and
//! rewriting of URLs is meant is the user's configuration of git, which stays in force; prompts are not, for nobody may be
//! there to answer. Not here: history, submodules, filters of large files.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::path::Path;

use super::Fetcher;
use super::config::{ToolConfig, without_secrets};
use super::error::Cause;
use super::local;
use super::tool::{Call, Tool, Tools, make_directory};
use crate::process::Finished;

const GIT: Tool = Tool { name: "git", package: "git" };

/// Ways of reaching a repository that are allowed; git knows others, which run commands.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

/// The branch that a repository says is meant.
const HEAD: &str = "HEAD";

/// Where a repository is, and which branch or tag is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitPlace {
    url: String,
    reference: String,
}

/// A commit's name, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit(String);

impl Commit {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GitPlace {
    /// The place that `git+https://…#branch` names; nothing if the text does not begin so. Without a branch, the one that
    /// the repository says is meant.
    ///
    /// # Errors
    /// [`Cause::Unusable`] if git is not to be used so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Result<Self, Cause>> {
        let scheme = text.get(..4)?;
        let rest = text.get(4..).filter(|_| scheme.eq_ignore_ascii_case("git+"))?;
        let (url, reference) = rest.split_once('#').unwrap_or((rest, HEAD));
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        Some(if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.as_str())) {
            Err(Cause::Unusable(format!(
                "`git+` is followed by one of {}",
                SCHEMES.map(|one| format!("{one}://")).join(", ")
            )))
        } else if reference.is_empty()
            || reference.starts_with('-')
            || reference.contains([':', '+', ' ', '*', '^', '~'])
        {
            Err(Cause::Unusable(format!("`{reference}` is no branch")))
        } else {
            Ok(Self { url: url.to_owned(), reference: reference.to_owned() })
        })
    }
}

impl GitPlace {
    /// What git is told to fetch from.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// As it was written, without passwords.
impl fmt::Display for GitPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git+{}", without_secrets(&self.url))?;
        if self.reference == HEAD { Ok(()) } else { write!(f, "#{}", self.reference) }
    }
}

impl Fetcher {
    /// Fetches the newest commit of `place` into the bare clone in the directory `clone`, which is made if it is not there.
    /// Nobody else may use that directory meanwhile.
    ///
    /// # Errors
    /// If git is missing or fails; if stopped.
    pub fn git_fetch(&self, place: &GitPlace, clone: &Path) -> Result<Commit, Cause> {
        if self.config.offline && local::path_of(&place.url).is_none() {
            return Err(Cause::Offline);
        }
        let git = self.git(clone)?;
        if !clone.join("HEAD").is_file() {
            git.run(&["init", "--quiet", "--bare", "."], None)?;
        }
        git.run(
            &[
                "fetch",
                "--quiet",
                "--depth=1",
                "--no-tags",
                "--no-write-commit-graph",
                "--force",
                "--",
                &place.url,
                &place.reference,
            ],
            None,
        )?;
        let said = git.run(&["rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}"], None)?;
        let commit = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let digits = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits { Ok(Commit(commit)) } else { Err(Cause::Unusable(format!("git says `{commit}` is a commit"))) }
    }

    /// Writes the files of `commit`, which [`Self::git_fetch`] brought into `clone`, to the tar `into`.
    ///
    /// # Errors
    /// If git fails, or the file cannot be written; if stopped.
    pub fn git_archive(&self, clone: &Path, commit: &Commit, into: &Path) -> Result<(), Cause> {
        let file = File::create(into).map_err(|error| Cause::io(into, &error))?;
        self.git(clone)?.run(&["archive", "--format=tar", commit.as_str()], Some(file)).map(drop)
    }

    fn git<'a>(&'a self, clone: &'a Path) -> Result<Git<'a>, Cause> {
        make_directory(clone)?;
        let mut config = self.config.tools.clone();
        // Nobody may be there to answer a prompt.
        config.environment = config.environment.with("GIT_TERMINAL_PROMPT", "0").with("GIT_DIR", clone);
        Ok(Git { fetcher: self, config, clone })
    }
}

/// Git in a bare clone.
struct Git<'a> {
    fetcher: &'a Fetcher,
    config: ToolConfig,
    clone: &'a Path,
}

impl Git<'_> {
    fn run(&self, arguments: &[&str], output: Option<File>) -> Result<Finished, Cause> {
        let tools = Tools { config: &self.config, stop: &self.fetcher.config.stop };
        let program = tools.find(GIT)?;
        let call = Call {
            program: &program,
            arguments: arguments.iter().map(OsString::from).collect(),
            directory: self.clone,
            output,
            progress: &|_, _| {},
        };
        let finished = tools.run(call)?;
        if finished.status.success() { Ok(finished) } else { Err(GIT.failed(&finished, self.clone)) }
    }
}
