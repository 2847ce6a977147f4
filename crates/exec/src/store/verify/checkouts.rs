//! Comparing checkouts with their trees.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use action::digest::{BlobDigest, DirDigest};
use action::tree::Entry;

use super::super::error::{At as _, Result};
use super::super::gc::hash_in_name;
use super::super::{checkout, disk};
use super::{Check, FaultKind, is_executable, is_in_its_fan, seal_faults};

impl Check<'_> {
    /// Checks one checkout; a faulty one goes as a whole.
    pub(super) fn checkout(&self, path: &Path) -> Result<()> {
        let meta = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            meta => meta.at(path)?,
        };
        let named = is_in_its_fan(path) && !is_executable(path) && meta.is_dir();
        let Some(hash) = hash_in_name(path).filter(|_| named) else {
            self.fault(path, FaultKind::Stray);
            return self.remove(path);
        };
        let mut faults = Vec::new();
        match self.root(hash) {
            None => faults.push((path.to_owned(), FaultKind::Orphan)),
            Some(root) => self.compare(path, root, &mut |path, kind| faults.push((path.to_owned(), kind)))?,
        }
        if faults.is_empty() {
            return Ok(());
        }
        for (path, kind) in faults {
            self.fault(&path, kind);
        }
        self.remove(path)
    }

    /// The tree with this hash, if its directory object is sound. Checkouts do not say its size.
    fn root(&self, hash: [u8; 32]) -> Option<DirDigest> {
        if self.bad.contains(&hash) {
            return None;
        }
        let sizes = [false, true].map(|executable| {
            let path = self.store.variant(BlobDigest::new(hash, 0), executable);
            fs::symlink_metadata(path).map(|meta| meta.len()).ok()
        });
        let empty = (hash == *BlobDigest::of(b"").hash()).then_some(0);
        let digest = DirDigest::new(hash, sizes.into_iter().flatten().next().or(empty)?);
        self.store.shared_directory(digest).ok().map(|_| digest)
    }

    fn compare(&self, path: &Path, digest: DirDigest, fault: &mut dyn FnMut(&Path, FaultKind)) -> Result<()> {
        let meta = fs::symlink_metadata(path).at(path)?;
        for kind in seal_faults(&meta, checkout::MODE) {
            fault(path, kind);
        }
        let Ok(directory) = self.store.shared_directory(digest) else {
            fault(path, FaultKind::Orphan);
            return Ok(());
        };
        let mut extra: HashSet<_> = HashSet::new();
        for entry in fs::read_dir(path).at(path)? {
            extra.insert(entry.at(path)?.file_name());
        }
        for (name, entry) in directory.iter() {
            let path = path.join(name);
            if !extra.remove(std::ffi::OsStr::new(name.as_str())) {
                fault(&path, FaultKind::Lacks);
                continue;
            }
            let meta = fs::symlink_metadata(&path).at(&path)?;
            match entry {
                Entry::Directory(digest) if meta.is_dir() => self.compare(&path, *digest, fault)?,
                Entry::File { digest, executable } if meta.is_file() => {
                    self.file(&path, &meta, (*digest, *executable), fault);
                }
                Entry::Symlink(target) if meta.is_symlink() => {
                    let same = fs::read_link(&path).is_ok_and(|found| found.as_os_str() == target.as_str());
                    let kind = (!same).then_some(FaultKind::Differs);
                    let time = (meta.mtime() != disk::MTIME).then_some(FaultKind::Time { found: meta.mtime() });
                    kind.into_iter().chain(time).for_each(|kind| fault(&path, kind));
                }
                _ => fault(&path, FaultKind::Differs),
            }
        }
        for name in extra {
            fault(&path.join(name), FaultKind::Extra);
        }
        Ok(())
    }

    /// Checks one file. A link to a blob found sound needs no second look.
    fn file(
        &self,
        path: &Path,
        meta: &fs::Metadata,
        (digest, executable): (BlobDigest, bool),
        fault: &mut dyn FnMut(&Path, FaultKind),
    ) {
        if self.sound.get(&meta.ino()) == Some(&(*digest.hash(), executable)) {
            return;
        }
        for kind in seal_faults(meta, disk::mode(executable)) {
            fault(path, kind);
        }
        match self.hash(path) {
            Ok(found) if found == digest => {}
            Ok(_) => fault(path, FaultKind::Content),
            Err(kind) => fault(path, FaultKind::Unreadable(kind)),
        }
    }
}
