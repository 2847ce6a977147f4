//! All packages there are: name → versions → text, read when asked for and then kept.
//!
//! A universe is made once by a [`UniverseBuilder`] from repositories, and kept between runs in its encoded form
//! ([`Universe::encode`]), from which it is back without parsing anything. Not here: reading repositories, choosing versions.

mod encoding;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::name::PackageName;
use crate::package::Package;
use crate::version::Version;

pub use encoding::DecodeError;

/// Bytes that are a part of shared bytes.
#[derive(Debug, Clone)]
struct Part {
    whole: Arc<[u8]>,
    range: Range<usize>,
}

impl Part {
    fn bytes(&self) -> &[u8] {
        self.whole.get(self.range.clone()).unwrap_or_default()
    }
}

impl From<&[u8]> for Part {
    fn from(bytes: &[u8]) -> Self {
        Self { whole: bytes.into(), range: 0..bytes.len() }
    }
}

impl From<Arc<[u8]>> for Part {
    fn from(whole: Arc<[u8]>) -> Self {
        Self { range: 0..whole.len(), whole }
    }
}

/// One version of one package, in text, and in meaning when asked.
#[derive(Debug)]
pub struct Entry {
    name: PackageName,
    version: Version,
    priority: u32,
    text: Part,
    files: Vec<(String, Part)>,
    parsed: OnceLock<Parsed>,
}

/// A package and what is wrong with its file.
#[derive(Debug)]
pub struct Parsed {
    /// The package.
    pub package: Package,
    /// What is wrong.
    pub errors: Vec<Error>,
}

impl Entry {
    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// This version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The priority of the repository it is from, by which the caller knows the repository.
    #[must_use]
    pub fn priority(&self) -> u32 {
        self.priority
    }

    /// The text of its opam file.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.bytes()
    }

    /// The files beside its opam file (of `files/`): path in there and bytes.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.bytes()))
    }

    /// What its opam file means; read at the first call.
    pub fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let (package, errors) = Package::parse(self.name.clone(), self.version.clone(), self.text());
            Parsed { package, errors }
        })
    }

    /// The package; [`Entry::parsed`] without the errors.
    pub fn package(&self) -> &Package {
        &self.parsed().package
    }
}

/// Versions of one package, ascending.
#[derive(Debug)]
struct Named {
    name: PackageName,
    entries: Vec<Entry>,
}

/// All packages there are.
#[derive(Debug, Default)]
pub struct Universe {
    /// Ascending by name; none is without entries.
    packages: Vec<Named>,
    /// Of the repositories that say so, by their priority.
    archive_mirrors: BTreeMap<u32, Vec<String>>,
}

impl Universe {
    /// The names, ascending.
    pub fn names(&self) -> impl Iterator<Item = &PackageName> {
        self.packages.iter().map(|named| &named.name)
    }

    /// The versions of `name`, ascending; none if there is no such package.
    #[must_use]
    pub fn versions(&self, name: &PackageName) -> &[Entry] {
        let found = self.packages.binary_search_by(|named| named.name.cmp(name)).ok();
        found.and_then(|at| self.packages.get(at)).map_or(&[], |named| &named.entries)
    }

    /// `name` in exactly this `version`.
    #[must_use]
    pub fn get(&self, name: &PackageName, version: &Version) -> Option<&Entry> {
        let entries = self.versions(name);
        entries.binary_search_by(|entry| entry.version.cmp(version)).ok().and_then(|at| entries.get(at))
    }

    /// Everything in it, ascending by name and version.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.packages.iter().flat_map(|named| &named.entries)
    }

    /// Where archives by checksum are, as the repository of this priority says: URLs, the first before the others.
    #[must_use]
    pub fn archive_mirrors(&self, priority: u32) -> &[String] {
        self.archive_mirrors.get(&priority).map_or(&[], Vec::as_slice)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packages.iter().map(|named| named.entries.len()).sum()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// Names that `text` may have been meant as, the nearest first; at most three.
    #[must_use]
    pub fn suggest(&self, text: &str) -> Vec<&PackageName> {
        let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
        let wanted = plain(text);
        let limit = 1 + wanted.chars().count() / 4;
        let distance = |name: &PackageName| {
            // A length that differs by more than the limit is a distance beyond it.
            let near = name.as_str().len().abs_diff(wanted.len()) <= limit;
            near.then(|| strsim::damerau_levenshtein(&plain(name.as_str()), &wanted))
        };
        let mut near: Vec<_> =
            self.names().filter_map(|name| Some((distance(name).filter(|found| *found <= limit)?, name))).collect();
        near.sort();
        near.into_iter().take(3).map(|(_, name)| name).collect()
    }

    /// One universe of several, none of which is copied or parsed. Of entries with one name and version, the earlier
    /// universe's hides the later's. The first gets the highest priority, the last gets 1.
    #[must_use]
    pub fn merge(universes: Vec<Self>) -> Self {
        let mut priority = u32::try_from(universes.len()).unwrap_or(u32::MAX);
        let mut merged = Self::default();
        for mut universe in universes {
            universe
                .packages
                .iter_mut()
                .flat_map(|named| &mut named.entries)
                .for_each(|entry| entry.priority = priority);
            let mirrors: Vec<String> = std::mem::take(&mut universe.archive_mirrors).into_values().flatten().collect();
            merged = if merged.is_empty() { universe } else { merged.over(universe) };
            if !mirrors.is_empty() {
                merged.archive_mirrors.insert(priority, mirrors);
            }
            priority = priority.saturating_sub(1);
        }
        merged
    }

    /// Both, `self` before `other`.
    fn over(self, other: Self) -> Self {
        let mut packages: BTreeMap<PackageName, Vec<Entry>> =
            self.packages.into_iter().map(|named| (named.name, named.entries)).collect();
        for Named { name, entries } in other.packages {
            let known = packages.entry(name).or_default();
            // The sort is stable: of equals the earlier comes first, and stays.
            known.extend(entries);
            known.sort_by(|one, other| one.version.cmp(&other.version));
            known.dedup_by(|later, earlier| later.version == earlier.version);
        }
        let packages = packages.into_iter().map(|(name, entries)| Named { name, entries }).collect();
        Self { packages, archive_mirrors: self.archive_mirrors }
    }

    /// The encoded form, from which [`Universe::decode`] makes the same again.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode(self)
    }

    /// The universe in bytes that [`Universe::encode`] made. Opam files are not read before they are asked for.
    ///
    /// # Errors
    /// The bytes are not, or no longer, what an encoder of this version made.
    pub fn decode(bytes: &Arc<[u8]>) -> Result<Self, DecodeError> {
        encoding::decode(bytes)
    }
}

/// Collects what several repositories have.
#[derive(Debug, Default)]
pub struct UniverseBuilder {
    entries: BTreeMap<(PackageName, Version), Entry>,
    archive_mirrors: BTreeMap<u32, Vec<String>>,
}

impl UniverseBuilder {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a package's opam file `text`, and its `files` (path and bytes), from the repository of `priority`. It hides the same version of
    /// a lower priority and is hidden by one of a higher; of equals, the first stays. Whether it is in now.
    pub fn add(
        &mut self,
        priority: u32,
        name: PackageName,
        version: Version,
        text: &[u8],
        files: &[(String, Vec<u8>)],
    ) -> bool {
        let files = files.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice().into())).collect();
        self.add_shared(priority, name, version, text.into(), files)
    }

    /// As [`UniverseBuilder::add`], of bytes that need not be copied.
    pub fn add_shared(
        &mut self,
        priority: u32,
        name: PackageName,
        version: Version,
        text: Arc<[u8]>,
        files: Vec<(String, Arc<[u8]>)>,
    ) -> bool {
        let key = (name, version);
        if self.entries.get(&key).is_some_and(|other| other.priority >= priority) {
            return false;
        }
        let (name, version) = key.clone();
        let files = files.into_iter().map(|(path, bytes)| (path, bytes.into())).collect();
        let entry = Entry { name, version, priority, text: text.into(), files, parsed: OnceLock::new() };
        self.entries.insert(key, entry);
        true
    }

    /// Notes where archives by checksum are, for the repository of `priority`: URLs, the first before the others.
    pub fn set_archive_mirrors(&mut self, priority: u32, urls: Vec<String>) {
        self.archive_mirrors.insert(priority, urls);
    }

    /// What was collected.
    #[must_use]
    pub fn build(self) -> Universe {
        let mut packages: Vec<Named> = Vec::new();
        for entry in self.entries.into_values() {
            match packages.last_mut().filter(|named| named.name == entry.name) {
                Some(named) => named.entries.push(entry),
                None => packages.push(Named { name: entry.name.clone(), entries: vec![entry] }),
            }
        }
        Universe { packages, archive_mirrors: self.archive_mirrors }
    }
}
