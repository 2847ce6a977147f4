//! Loading one repository: from its index if that is as good as the place itself, otherwise from the place.

use std::path::Path;
use std::time::{Duration, SystemTime};

use action::digest::BlobDigest;
use exec::collection::{self, Listing, Member};
use exec::fetch::config::without_secrets;
use exec::fetch::{Cause, Document, Fetcher, GitPlace};
use exec::store::{Store, StoreError};
use opam::universe::Universe;

use super::index::{Index, Slot};
use super::packages::{packages, shape};
use super::words;
use crate::error::CommandError;
use crate::failure;
use crate::settings::{Means, PlaceName};
use crate::ui::Ui;

/// For how long a server is not asked again.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most a repository in one file may be, compressed.
const LARGEST: u64 = 1 << 30;
/// How many directories that are no packages are named.
const NAMED: usize = 3;

/// How new what a server has must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Known to have been the newest within a day.
    Daily,
    /// The newest, unless the network is not to be used.
    Now,
}

/// The means of loading.
pub(super) struct Loader<'a> {
    pub(super) ui: &'a Ui,
    pub(super) store: &'a Store,
    pub(super) fetcher: &'a Fetcher,
    pub(super) means: &'a Means,
}

/// A repository's packages.
pub(super) struct Loaded {
    pub(super) universe: Universe,
    /// Whether there may be more where it comes from.
    pub(super) may_be_old: bool,
}

/// What is newer than an index.
struct Newer {
    members: Vec<Member>,
    identity: Vec<u8>,
}

impl Loader<'_> {
    /// The packages of the repository `place`.
    pub(super) fn load(&self, place: &PlaceName, freshness: Freshness) -> Result<Loaded, CommandError> {
        match place {
            PlaceName::Directory(path) if path.is_dir() => {
                self.directory(place, path).map(|universe| Loaded { universe, may_be_old: false })
            }
            PlaceName::Directory(path) if path.exists() => self.remote(place, &file_url(path), freshness),
            PlaceName::Directory(path) => Err(words::absent(path)),
            PlaceName::Url(url) => self.remote(place, url, freshness),
        }
    }

    fn directory(&self, place: &PlaceName, path: &Path) -> Result<Universe, CommandError> {
        let slot = Slot { store: self.store, key: format!("directory {}", words::shown(place)) };
        let known = slot.find().filter(|index| Listing::holds(&index.identity, path)).and_then(Index::universe);
        if let Some(universe) = known {
            return Ok(universe);
        }
        if !path.join("packages").is_dir() {
            return Err(words::no_packages_directory(place));
        }
        let begun = SystemTime::now();
        let (members, listing) =
            collection::directory(path, &shape()).map_err(|error| words::unreadable(place, &error))?;
        let universe = self.packages(place, members)?;
        if listing.is_settled(begun) {
            self.keep(slot.keep(&listing.encode(), &universe));
        }
        Ok(universe)
    }

    /// A repository that is fetched. While it is, no other Bactrian fetches the same.
    fn remote(&self, place: &PlaceName, url: &str, freshness: Freshness) -> Result<Loaded, CommandError> {
        let slot = Slot { store: self.store, key: format!("url {url}") };
        let local = matches!(place, PlaceName::Directory(_)) || url.starts_with("file:");
        let recent = |slot: &Slot<'_>| slot.checked_ago().is_some_and(|ago| ago < DAY);
        if !local && (self.means.offline || freshness == Freshness::Daily && recent(&slot)) {
            if let Some(universe) = slot.find().and_then(Index::universe) {
                return Ok(Loaded { universe, may_be_old: !self.means.offline });
            }
        }
        let told = |error: StoreError| failure::store(&error);
        let _lock = match self.store.try_lock("repository", slot.key.as_bytes()).map_err(told)? {
            Some(lock) => lock,
            None => {
                self.ui.note(format_args!("waiting for another bactrian that fetches {}", words::shown(place)));
                self.store.lock("repository", slot.key.as_bytes()).map_err(told)?
            }
        };
        let (identity, known) = match slot.find() {
            Some(index) => (index.identity.clone(), index.universe()),
            None => (Vec::new(), None),
        };
        let asked = match GitPlace::parse(url) {
            Some(git) => {
                git.map_err(Problem::Fetch).and_then(|git| self.commit(&git, known.is_some().then_some(&identity)))
            }
            None => self.document(place, url, known.is_some().then_some(&identity)),
        };
        match (asked, known) {
            (Ok(None), Some(universe)) => {
                self.keep(slot.note_checked());
                Ok(Loaded { universe, may_be_old: false })
            }
            // Without an index nothing can be unchanged.
            (Ok(None), None) => Err(CommandError::bug("a repository is unchanged that was never seen")),
            (Ok(Some(newer)), _) => {
                let universe = self.packages(place, newer.members)?;
                self.keep(slot.keep(&newer.identity, &universe).and_then(|()| slot.note_checked()));
                Ok(Loaded { universe, may_be_old: false })
            }
            (Err(Problem::Fetch(cause)), Some(universe)) if cause != Cause::Stopped && !local => {
                let place = words::shown(place);
                self.ui.warning(format_args!("{place} cannot be had now ({cause}): an older copy of it is used"));
                Ok(Loaded { universe, may_be_old: false })
            }
            (Err(Problem::Fetch(cause)), _) => Err(words::unreachable(place, &cause)),
            (Err(Problem::Read(error)), _) => Err(words::unreadable(place, &error)),
            (Err(Problem::Store(error)), _) => Err(failure::store(&error)),
        }
    }

    /// A repository in one file, unless `known` still stands for what is there.
    fn document(&self, place: &PlaceName, url: &str, known: Option<&Vec<u8>>) -> Result<Option<Newer>, Problem> {
        let known = known.and_then(|known| std::str::from_utf8(known).ok()).filter(|known| !known.is_empty());
        if known.is_none() && matches!(place, PlaceName::Url(_)) {
            self.ui.note(format_args!("fetching the packages of {}", without_secrets(url)));
        }
        let scratch = self.store.scratch()?;
        let into = scratch.path().join("archive");
        match self.fetcher.document(url, known, &into, LARGEST, &|_, _| {})? {
            Document::Unchanged => Ok(None),
            Document::New { path, validator } => {
                let members = collection::archive(&path, &shape())?;
                Ok(Some(Newer { members, identity: validator.unwrap_or_default().into_bytes() }))
            }
        }
    }

    /// A repository in git, unless its newest commit is the `known` one.
    fn commit(&self, git: &GitPlace, known: Option<&Vec<u8>>) -> Result<Option<Newer>, Problem> {
        if known.is_none() {
            self.ui.note(format_args!("fetching the packages of {git}"));
        }
        let clone = self.store.downloads()?.join("git").join(BlobDigest::of(git.url().as_bytes()).hex());
        let commit = self.fetcher.git_fetch(git, &clone)?;
        if known.is_some_and(|known| known == commit.as_str().as_bytes()) {
            return Ok(None);
        }
        let scratch = self.store.scratch()?;
        let tar = scratch.path().join("archive");
        self.fetcher.git_archive(&clone, &commit, &tar)?;
        let members = collection::archive(&tar, &shape())?;
        Ok(Some(Newer { members, identity: commit.as_str().as_bytes().to_vec() }))
    }

    fn packages(&self, place: &PlaceName, members: Vec<Member>) -> Result<Universe, CommandError> {
        let (universe, strange) = packages(members);
        if !strange.is_empty() {
            let named = strange.get(..NAMED).unwrap_or(&strange).join(", ");
            let more = strange.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let place = words::shown(place);
            self.ui.warning(format_args!("{place}: no packages, and left out: {named}{more}"));
        }
        if universe.is_empty() { Err(words::empty(place)) } else { Ok(universe) }
    }

    /// An index that cannot be kept costs time the next time, no more.
    fn keep(&self, kept: Result<(), StoreError>) {
        if let Err(error) = kept {
            self.ui.detail(format_args!("the repository's index cannot be kept: {error}"));
        }
    }
}

/// Why a repository was not fetched.
enum Problem {
    Fetch(Cause),
    Read(collection::CollectionError),
    Store(StoreError),
}

impl From<Cause> for Problem {
    fn from(cause: Cause) -> Self {
        Self::Fetch(cause)
    }
}

impl From<collection::CollectionError> for Problem {
    fn from(error: collection::CollectionError) -> Self {
        Self::Read(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The `file:` URL of an absolute path.
fn file_url(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let escaped = path.as_os_str().as_bytes().iter().map(|byte| match byte {
        byte if plain(*byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("file://{}", escaped.collect::<String>())
}
