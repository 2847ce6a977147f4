//! The machine's file system, seen from its root directory.
//!
//! All paths here are the machine's absolute ones. Links are followed by hand, for two reasons: so that each is part of
//! the fingerprint, and so that a machine can be a directory (in tests it is one).

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use action::path::RelPath;
use action::pattern::Pattern;

use super::error::{CaptureError, at};
use super::fingerprint::Fingerprint;
use super::image::Item;

/// As Linux.
const MOST_HOPS: usize = 40;

pub(super) struct Machine {
    root: PathBuf,
    pub(super) looked_at: Fingerprint,
}

impl Machine {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), looked_at: Fingerprint::default() }
    }

    /// Where one of the machine's paths is for this process.
    pub(super) fn here(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// An item whose file is where this process finds it.
    pub(super) fn located(&self, item: Item) -> Item {
        match item {
            Item::File { from, executable } => Item::File { from: self.here(&from), executable },
            other => other,
        }
    }

    /// The path without any link in it, and what is there; nothing if nothing is.
    pub(super) fn resolve(&mut self, path: &Path) -> Result<Option<(PathBuf, Metadata)>, CaptureError> {
        let mut real = PathBuf::from("/");
        let mut ahead = steps(path);
        let mut hops = 0;
        let mut found = None;
        while let Some(step) = ahead.pop() {
            if step == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&step);
            let here = self.here(&next);
            let metadata = self.looked_at.look(&here).map_err(at(&here))?;
            let Some(metadata) = metadata else { return Ok(None) };
            if !metadata.is_symlink() {
                real = next;
                found = Some(metadata);
                continue;
            }
            hops += 1;
            if hops > MOST_HOPS {
                return Ok(None);
            }
            let target = here.read_link().map_err(at(&here))?;
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            ahead.extend(steps(&target));
        }
        // What `..` ended at was looked at long before.
        let here = self.here(&real);
        let metadata = match found {
            Some(metadata) => metadata,
            None => here.metadata().map_err(at(&here))?,
        };
        Ok(Some((real, metadata)))
    }

    /// The resolved path of a regular file; nothing if there is none.
    pub(super) fn file(&mut self, path: &Path) -> Result<Option<PathBuf>, CaptureError> {
        Ok(self.resolve(path)?.filter(|(_, metadata)| metadata.is_file()).map(|(path, _)| path))
    }

    /// The program of this name in the first directory of `search` that has it.
    pub(super) fn program(&mut self, name: &str, search: &OsStr) -> Result<Option<PathBuf>, CaptureError> {
        // A relative directory in PATH depends on where one stands: never what a build should be made of.
        for directory in std::env::split_paths(search).filter(|directory| directory.is_absolute()) {
            let found = self.resolve(&directory.join(name))?;
            let is_program = |metadata: &Metadata| metadata.is_file() && is_executable(metadata);
            if let Some((path, _)) = found.filter(|(_, metadata)| is_program(metadata)) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The first bytes of a file, up to `most`.
    pub(super) fn start_of(&self, path: &Path, most: u64) -> Result<Vec<u8>, CaptureError> {
        let here = self.here(path);
        let mut bytes = Vec::new();
        let read = File::open(&here).and_then(|file| file.take(most).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(at(&here))
    }

    /// The names in a directory, sorted; none if it does not exist.
    pub(super) fn names_in(&mut self, path: &Path) -> Result<Vec<std::ffi::OsString>, CaptureError> {
        let Some((path, _)) = self.resolve(path)?.filter(|(_, metadata)| metadata.is_dir()) else {
            return Ok(Vec::new());
        };
        let here = self.here(&path);
        self.looked_at.list(&here).map_err(at(&here))?;
        let names = here.read_dir().and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
        let mut names: Vec<_> = names.map_err(at::<io::Error>(&here))?;
        names.sort();
        Ok(names)
    }

    /// The paths that match a pattern: `*` in a component stands for any characters, in order of names.
    pub(super) fn matching(&mut self, pattern: &Path) -> Result<Vec<PathBuf>, CaptureError> {
        let mut paths = vec![PathBuf::from("/")];
        for part in pattern.components().filter(|part| matches!(part, Component::Normal(_))) {
            let part = part.as_os_str().to_string_lossy().into_owned();
            let mut longer = Vec::new();
            for path in paths {
                if part.contains('*') {
                    let names = self.names_in(&path)?.into_iter();
                    let names = names.filter(|name| name.to_str().is_some_and(|name| matches(&part, name)));
                    longer.extend(names.map(|name| path.join(name)));
                } else {
                    longer.push(path.join(&part));
                }
            }
            paths = longer;
        }
        Ok(paths)
    }
}

/// Whether a name matches a pattern with `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let path = RelPath::new(name).ok();
    let pattern = Pattern::new(pattern).ok();
    pattern.is_some_and(|pattern| path.is_some_and(|path| pattern.matches(&path)))
}

/// Whether the owner may execute it.
pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

/// The steps of a path, last first.
fn steps(path: &Path) -> Vec<std::ffi::OsString> {
    let meant = path.components().rev().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    meant.map(|part| part.as_os_str().to_owned()).collect()
}
