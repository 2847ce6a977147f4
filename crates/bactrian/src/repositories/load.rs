//! Loading one repository: from its index if that is as good as the place itself, otherwise from the place.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use action::digest::BlobDigest;
use exec::collection::{self, CollectionError, Listing, Member};
use exec::fetch::config::without_secrets;
use exec::fetch::{Cause, Document, Fetcher, GitPlace};
use exec::store::{Guard, Store, StoreError};
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
        let path = match place {
            PlaceName::Url(url) => return self.remote(place, url, freshness),
            PlaceName::Directory(path) => path,
        };
        match path.metadata() {
            Ok(is) if is.is_dir() => self.directory(place, path).map(|universe| Loaded { universe, may_be_old: false }),
            Ok(_) => self.remote(place, &file_url(path), freshness),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(words::absent(path)),
            Err(source) => Err(words::unreadable(place, &CollectionError::Io { path: path.clone(), source })),
        }
    }

    fn directory(&self, place: &PlaceName, path: &Path) -> Result<Universe, CommandError> {
        let slot = Slot { store: self.store, key: format!("directory {}", words::shown(place)) };
        if let Some(universe) = slot.find().and_then(|index| unchanged(index, path)) {
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
        let recent = || slot.checked_ago().is_some_and(|ago| ago < DAY);
        let will_do = self.means.offline || freshness == Freshness::Daily && recent();
        if !local
            && will_do
            && let Some(universe) = slot.find().and_then(|index| index.encoded.universe())
        {
            return Ok(Loaded { universe, may_be_old: !self.means.offline });
        }
        let _turn = self.turn(place, &slot)?;
        let known = slot.find().and_then(|index| Some((index.identity, index.encoded.universe()?)));
        let asked = self.ask(place, url, known.as_ref().map(|(identity, _)| identity.as_slice()));
        let universe = match (asked, known) {
            (Ok(Some(newer)), _) => {
                let universe = self.packages(place, newer.members)?;
                self.keep(slot.keep(&newer.identity, &universe).and_then(|()| slot.note_checked()));
                universe
            }
            (Ok(None), Some((_, universe))) => {
                self.keep(slot.note_checked());
                universe
            }
            (Ok(None), None) => return Err(CommandError::bug("a repository is unchanged that was never seen")),
            (Err(Problem::Fetch(cause)), Some((_, universe))) if cause != Cause::Stopped && !local => {
                let place = words::shown(place);
                self.ui.warning(format_args!("{place} cannot be had now ({cause}): an older copy of it is used"));
                universe
            }
            (Err(Problem::Fetch(cause)), _) => return Err(words::unreachable(place, &cause)),
            (Err(Problem::Read(error)), _) => return Err(words::unreadable(place, &error)),
            (Err(Problem::Store(error)), _) => return Err(failure::store(&error)),
        };
        Ok(Loaded { universe, may_be_old: false })
    }

    /// Waits until nobody else fetches the same.
    fn turn(&self, place: &PlaceName, slot: &Slot<'_>) -> Result<Guard, CommandError> {
        let told = |error: StoreError| failure::store(&error);
        if let Some(guard) = self.store.try_lock("repository", slot.key.as_bytes()).map_err(told)? {
            return Ok(guard);
        }
        self.ui.note(format_args!("waiting for another bactrian that fetches {}", words::shown(place)));
        self.store.lock("repository", slot.key.as_bytes()).map_err(told)
    }

    /// What is under `url`, unless it is what the identity `known` stands for.
    fn ask(&self, place: &PlaceName, url: &str, known: Option<&[u8]>) -> Result<Option<Newer>, Problem> {
        match GitPlace::parse(url) {
            Some(git) => self.commit(&git?, known),
            None => self.document(place, url, known),
        }
    }

    /// A repository in one file, unless `known` still stands for what is there.
    fn document(&self, place: &PlaceName, url: &str, known: Option<&[u8]>) -> Result<Option<Newer>, Problem> {
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
    fn commit(&self, git: &GitPlace, known: Option<&[u8]>) -> Result<Option<Newer>, Problem> {
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
        let (universe, strange) = packages(members, base(place).as_deref());
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

/// The packages of an index, if the directory is still as it was. Both take about as long, so they go on side by side.
fn unchanged(index: Index, path: &Path) -> Option<Universe> {
    let Index { identity, encoded } = index;
    thread::scope(|scope| {
        let holds = scope.spawn(move || Listing::holds(&identity, path));
        let universe = encoded.universe();
        holds.join().is_ok_and(|holds| holds).then_some(universe).flatten()
    })
}

/// Why a repository was not fetched.
enum Problem {
    Fetch(Cause),
    Read(CollectionError),
    Store(StoreError),
}

impl From<Cause> for Problem {
    fn from(cause: Cause) -> Self {
        Self::Fetch(cause)
    }
}

impl From<CollectionError> for Problem {
    fn from(error: CollectionError) -> Self {
        Self::Read(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a repository's own paths are seen from, as a URL that ends in `/`: its directory, or the one its archive is in. A
/// repository in git has none.
fn base(place: &PlaceName) -> Option<String> {
    match place {
        PlaceName::Directory(path) if path.is_dir() => Some(file_url(path) + "/"),
        PlaceName::Directory(path) => path.parent().map(|path| file_url(path) + "/"),
        PlaceName::Url(url) if GitPlace::parse(url).is_some() => None,
        PlaceName::Url(url) => {
            let path = url.split(['?', '#']).next().unwrap_or(url);
            path.rsplit_once('/').map(|(directory, _)| format!("{directory}/"))
        }
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
