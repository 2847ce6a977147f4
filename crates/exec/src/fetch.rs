//! Fetches sources: bytes known by their checksum, from the first place that has them.
//!
//! After the caller's own store come the archive mirrors, then the source's origins in their order: URLs, and
//! *providers*, the machine's own `npm`, `pip` and `apt-get`, for machines that reach nothing but package registries.
//! Nothing is handed out that does not match all of its checksums, wherever it came from.
//!
//! Not here: the store; unpacking; the reading of environment and configuration, which the caller does
//! ([`config::FetchConfig`]).

pub mod config;
mod debian;
mod document;
mod error;
mod git;
mod hash;
mod http;
mod local;
mod npm;
mod partial;
mod pypi;
#[cfg(test)]
mod tests;
mod tool;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use action::graph::Fetch;
use action::source::{Origin, Source};

pub use self::config::{FetchConfig, Mirror, Suite};
use self::debian::Wanted;
use self::debian::apt::Apt;
pub use self::document::Document;
pub use self::error::{Attempt, Cause, FetchError, Place};
pub use self::git::{Commit, GitPlace};
use self::http::{Http, Progress};
use self::partial::{Claim, Partial};

/// Fetches sources. One is shared by all threads of a process, so that connections and package lists are too.
pub struct Fetcher {
    config: FetchConfig,
    http: Http,
    apt: Apt,
}

/// A source that was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file, named by its checksum, in the directory that was asked for. It is the caller's to move.
    pub path: PathBuf,
    /// Which of the forms it is, counted from 0.
    pub alternative: usize,
}

impl Fetcher {
    /// A fetcher; nothing is opened or asked before the first use.
    #[must_use]
    pub fn new(config: FetchConfig) -> Self {
        let http = Http::new(config.http.clone(), config.stop.clone());
        let apt = Apt::new(config.debian.clone());
        Self { config, http, apt }
    }

    /// Fetches `source` into the directory `into` and returns the file there.
    ///
    /// `into` must exist. A broken download stays there as `<identity>.part` and is taken up by the next call, of this
    /// process or another. `progress` is told the bytes in hand and, if known, in all; the first number falls when a
    /// place fails and the next is asked.
    ///
    /// # Errors
    /// If no place has the bytes, with every place asked and its answer; if stopped.
    pub fn fetch(&self, source: &Source, into: &Path, progress: Progress<'_>) -> Result<PathBuf, FetchError> {
        let mut attempts = Vec::new();
        self.try_places(source, into, progress, &mut attempts)
            .ok_or_else(|| FetchError { what: source.name.clone(), attempts })
    }

    /// Fetches the first of several forms that can be had, each tried everywhere before the next: which one is taken
    /// must not depend on which server is quick.
    ///
    /// # Errors
    /// As [`Self::fetch`], for all forms together.
    pub fn fetch_any(&self, forms: &Fetch, into: &Path, progress: Progress<'_>) -> Result<Fetched, FetchError> {
        let mut attempts = Vec::new();
        for (alternative, source) in forms.alternatives.iter().enumerate() {
            if let Some(path) = self.try_places(source, into, progress, &mut attempts) {
                return Ok(Fetched { path, alternative });
            }
            if attempts.last().is_some_and(|attempt| attempt.cause.is_final()) {
                break;
            }
        }
        Err(FetchError { what: forms.label.clone(), attempts })
    }

    fn try_places(
        &self,
        source: &Source,
        into: &Path,
        progress: Progress<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Option<PathBuf> {
        for place in self.places(source, into) {
            let asked = if self.stopped() { Err(Cause::Stopped) } else { self.ask(&place, source, into, progress) };
            match asked {
                Ok(path) => return Some(path),
                // An empty scratch directory is no place worth telling of.
                Err(Cause::NotFound) if matches!(place, Place::Scratch(_)) => {}
                Err(cause) => {
                    let last = cause.is_final();
                    attempts.push(Attempt { source: source.name.clone(), place, cause });
                    if last {
                        break;
                    }
                }
            }
        }
        None
    }

    /// Where to look for `source`, in order.
    fn places(&self, source: &Source, into: &Path) -> Vec<Place> {
        let mut places = vec![Place::Scratch(into.to_path_buf())];
        places.extend(self.config.mirrors.iter().cloned().map(Place::Mirror));
        for origin in &source.origins {
            match origin {
                Origin::Debian { .. } => places.extend(
                    (self.config.debian.suites.iter().cloned())
                        .map(|suite| Place::Debian { origin: origin.clone(), suite }),
                ),
                Origin::Url(_) | Origin::Npm { .. } | Origin::Pypi { .. } => {
                    places.push(Place::Origin(origin.clone()));
                }
            }
        }
        places
    }

    fn ask(&self, place: &Place, source: &Source, into: &Path, progress: Progress<'_>) -> Result<PathBuf, Cause> {
        let request = Request { source, into, progress };
        match place {
            Place::Scratch(_) => self.left_over(&request),
            Place::Mirror(mirror) => self.mirrored(mirror, &request),
            Place::Origin(Origin::Url(url)) => self.url(url, &request),
            Place::Origin(_) | Place::Debian { .. } if self.config.offline => Err(Cause::Offline),
            Place::Origin(Origin::Npm { package, version }) => npm::fetch(package, version, &self.tools(), &request),
            Place::Origin(Origin::Pypi { package, version, platform }) => {
                pypi::fetch(package, version, platform.as_deref(), &self.tools(), &request)
            }
            Place::Debian { origin: Origin::Debian { package, version, file }, suite } => {
                debian::fetch(&Wanted { package, version, file, suite }, &self.apt, &self.tools(), &request)
            }
            // `places` makes one place per suite of these, and of these only.
            Place::Origin(Origin::Debian { .. }) | Place::Debian { .. } => Err(Cause::NotFound),
        }
    }

    fn tools(&self) -> tool::Tools<'_> {
        tool::Tools { config: &self.config.tools, stop: &self.config.stop }
    }

    /// What another process, or an earlier run, brought to its end in the very directory.
    fn left_over(&self, request: &Request<'_>) -> Result<PathBuf, Cause> {
        match Partial::claim(request.source, request.into, &self.config.stop)? {
            Claim::Done(path) => Ok(path),
            Claim::Ours(partial) if partial.check().is_ok() => partial.finish(request.source, request.into),
            Claim::Ours(partial) => {
                partial.leave();
                Err(Cause::NotFound)
            }
        }
    }

    /// What a mirror has under any of the checksums: who filled it may have known but one.
    fn mirrored(&self, mirror: &Mirror, request: &Request<'_>) -> Result<PathBuf, Cause> {
        for checksum in request.source.checksums.iter() {
            let path = checksum.cache_path();
            let found = match mirror {
                Mirror::Directory(root) => self.copy(&root.join(path), request),
                Mirror::Url(root) => self.url(&format!("{}/{path}", root.trim_end_matches('/')), request),
            };
            if found != Err(Cause::NotFound) {
                return found;
            }
        }
        Err(Cause::NotFound)
    }

    fn copy(&self, from: &Path, request: &Request<'_>) -> Result<PathBuf, Cause> {
        request.write(&self.config.stop, |partial| local::copy(from, partial, &self.config.stop, request.progress))
    }

    fn url(&self, url: &str, request: &Request<'_>) -> Result<PathBuf, Cause> {
        if let Some(path) = local::path_of(url) {
            return self.copy(&path?, request);
        }
        if self.config.offline {
            return Err(Cause::Offline);
        }
        request.write(&self.config.stop, |partial| {
            let resumed = partial.len() > 0;
            self.http.get(url, partial, request.progress)?;
            if resumed && partial.check().is_err() {
                // The beginning may have been another file's, or damaged.
                partial.restart(None)?;
                self.http.get(url, partial, request.progress)?;
            }
            Ok(())
        })
    }

    fn stopped(&self) -> bool {
        self.config.stop.load(Ordering::Relaxed)
    }
}

/// What is wanted, where to, and who is told.
struct Request<'a> {
    source: &'a Source,
    into: &'a Path,
    progress: Progress<'a>,
}

impl Request<'_> {
    /// Has `fill` write the file, and gives it its name if it turned out right.
    fn write(&self, stop: &AtomicBool, fill: impl FnOnce(&mut Partial) -> Result<(), Cause>) -> Result<PathBuf, Cause> {
        let mut partial = match Partial::claim(self.source, self.into, stop)? {
            Claim::Done(path) => return Ok(path),
            Claim::Ours(partial) => partial,
        };
        match fill(&mut partial) {
            Ok(()) => partial.finish(self.source, self.into),
            Err(cause) => {
                // What cannot be finished for want of room should not take up room.
                match cause {
                    Cause::DiskFull { .. } => partial.discard(),
                    _ => partial.leave(),
                }
                Err(cause)
            }
        }
    }
}
