//! Checking blobs: name, bytes, mode and time.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use action::digest::BlobDigest;

use super::super::error::{At as _, Result};
use super::super::gc::hash_in_name;
use super::super::parallel::{computing, in_parallel};
use super::super::{cas, disk};
use super::{Check, FaultKind, is_executable, is_in_its_fan, seal_faults};

impl Check<'_> {
    /// Checks all blobs, and notes which are sound.
    pub(super) fn blobs(&mut self, paths: &[PathBuf]) -> Result<()> {
        let found = in_parallel(computing(), paths, |path| self.blob(path))?;
        for (path, inode) in paths.iter().zip(found) {
            let Some(hash) = hash_in_name(path) else { continue };
            match inode {
                Some(inode) => drop(self.sound.insert(inode, (hash, is_executable(path)))),
                None => drop(self.bad.insert(hash)),
            }
        }
        for (hash, _) in self.sound.values() {
            self.bad.remove(hash);
        }
        Ok(())
    }

    /// Checks one blob; its inode if it is sound, or was made so.
    fn blob(&self, path: &Path) -> Result<Option<u64>> {
        let meta = match fs::symlink_metadata(path) {
            // Somebody else repaired it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            meta => meta.at(path)?,
        };
        let (Some(hash), true) = (hash_in_name(path), meta.is_file() && is_in_its_fan(path)) else {
            self.fault(path, FaultKind::Stray);
            return self.remove(path).map(|()| None);
        };
        let faults = seal_faults(&meta, disk::mode(is_executable(path)));
        // Before reading, which a wrong mode could prevent.
        if !faults.is_empty() && self.repair {
            disk::seal(path, is_executable(path))?;
        }
        let sound = match self.hash(path) {
            Ok(digest) if *digest.hash() == hash => true,
            Ok(_) => {
                self.fault(path, FaultKind::Content);
                false
            }
            Err(kind) => {
                self.fault(path, FaultKind::Unreadable(kind));
                false
            }
        };
        if !sound {
            return self.remove(path).map(|()| None);
        }
        for kind in faults {
            self.fault(path, kind);
        }
        Ok(Some(meta.ino()))
    }

    pub(super) fn hash(&self, path: &Path) -> std::result::Result<BlobDigest, io::ErrorKind> {
        let digest = fs::File::open(path).and_then(|mut file| cas::hash_into(&mut file, &mut io::sink()));
        let digest = digest.map_err(|error| error.kind())?;
        self.bytes.fetch_add(digest.size(), Ordering::Relaxed);
        Ok(digest)
    }
}
