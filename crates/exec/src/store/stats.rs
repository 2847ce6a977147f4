//! How much is in the store.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::Store;
use super::disk;
use super::error::Result;

/// The parts of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Blobs, both variants.
    Blobs,
    /// Checkouts.
    Trees,
    /// Cached results.
    Results,
    /// Memos.
    Memos,
    /// Projects' scratch.
    Projects,
    /// Roots of failed actions.
    Kept,
    /// Scratch of running processes.
    Scratch,
}

impl Area {
    /// All areas, in the order in which shared files are attributed.
    pub const ALL: [Self; 7] =
        [Self::Blobs, Self::Trees, Self::Results, Self::Memos, Self::Projects, Self::Kept, Self::Scratch];

    pub(super) const fn dir(self) -> &'static str {
        match self {
            Self::Blobs => "cas",
            Self::Trees => "trees",
            Self::Results => "ac",
            Self::Memos => "memo",
            Self::Projects => "projects",
            Self::Kept => "kept",
            Self::Scratch => "tmp",
        }
    }
}

/// What one area holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Blobs, checkouts, entries, projects, …
    pub objects: u64,
    /// Files in them, links and directories not counted.
    pub files: u64,
    /// Bytes as they read: the sum of the files' lengths.
    pub apparent: u64,
    /// Bytes on disk. What several hard links share counts once, in the first area that has it.
    pub unique: u64,
}

impl Store {
    /// How much is in each area.
    ///
    /// # Errors
    /// If something cannot be looked at.
    pub fn stats(&self) -> Result<Vec<(Area, Usage)>> {
        let mut seen = HashSet::new();
        Area::ALL.into_iter().map(|area| Ok((area, self.usage(area, &mut seen)?))).collect()
    }

    fn usage(&self, area: Area, seen: &mut HashSet<u64>) -> Result<Usage> {
        let mut usage = Usage::default();
        for object in self.objects(area)? {
            usage.objects += 1;
            disk::walk(&object, &mut |_, meta| {
                if meta.is_file() {
                    usage.files += 1;
                    usage.apparent += meta.len();
                }
                if meta.nlink() == 1 || meta.is_dir() || seen.insert(meta.ino()) {
                    usage.unique += disk::allocated(meta);
                }
            })?;
        }
        Ok(usage)
    }

    /// The paths of an area's objects.
    pub(super) fn objects(&self, area: Area) -> Result<Vec<PathBuf>> {
        let dir = self.area(area.dir());
        match area {
            Area::Blobs | Area::Trees | Area::Results => disk::fanned(&dir),
            Area::Memos => {
                let mut found = Vec::new();
                for kind in disk::names(&dir)?.into_iter().map(|kind| dir.join(kind)) {
                    if kind.is_dir() {
                        found.extend(disk::fanned(&kind)?);
                    } else {
                        found.push(kind);
                    }
                }
                Ok(found)
            }
            Area::Projects | Area::Kept | Area::Scratch => {
                Ok(disk::names(&dir)?.into_iter().map(|name| dir.join(name)).collect())
            }
        }
    }
}
