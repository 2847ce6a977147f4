//! Checkouts: trees on disk, made once and shared by all who want to see them.
//!
//! Files are hard links to the store's blobs, hence read-only. Directories have mode 0755, as remote workers (buildbox)
//! make them: were they 0555, copying one inside an action would behave differently here and there, and nobody but root
//! could simply delete the store. Who lets strangers near a checkout mounts it read-only. All times are equal.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use action::digest::{BlobDigest, DirDigest};
use action::tree::Entry;
use rustix::io::Errno;

use super::Store;
use super::disk;
use super::error::{At as _, Result};

/// Mode of the directories.
pub(super) const MODE: u32 = 0o755;

impl Store {
    /// The directory on disk that has the contents of `root`. Nothing in it may be changed.
    ///
    /// # Errors
    /// If an object of the tree is missing or corrupt, or something cannot be written.
    pub fn checkout(&self, root: DirDigest) -> Result<PathBuf> {
        let target = self.object("trees", root.hash(), "");
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(target);
        }
        let scratch = self.scratch()?;
        let aside = scratch.path().join("tree");
        self.fill(root, &aside)?;
        match disk::rename(&aside, &target) {
            // Somebody else was faster.
            Err(_) if target.is_dir() => Ok(target),
            result => result.map(|()| target),
        }
    }

    /// Makes the directory `path` with the contents of `digest`.
    fn fill(&self, digest: DirDigest, path: &Path) -> Result<()> {
        fs::DirBuilder::new().mode(MODE).create(path).at(path)?;
        self.lay_out(digest, path)
    }

    /// Lays the contents of `digest` out in the empty directory `path`, as in a checkout but for one use: directories are
    /// its owner's to change, files still are the store's own and only to be read or replaced.
    ///
    /// # Errors
    /// If an object of the tree is missing or corrupt, or something cannot be written.
    pub fn lay_out(&self, digest: DirDigest, path: &Path) -> Result<()> {
        for (name, entry) in self.shared_directory(digest)?.iter() {
            let path = path.join(name);
            match entry {
                Entry::File { digest, executable } => self.link(*digest, *executable, &path)?,
                Entry::Directory(digest) => self.fill(*digest, &path)?,
                Entry::Symlink(target) => {
                    symlink(target.as_str(), &path).at(&path)?;
                    disk::stamp(&path)?;
                }
            }
        }
        // The process's umask has had its say.
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).at(path)?;
        disk::stamp(path)
    }

    /// Hard-links a blob to `path`; where the file system refuses that, copies it.
    fn link(&self, digest: BlobDigest, executable: bool, path: &Path) -> Result<()> {
        let mut attempts = 0..10;
        loop {
            let blob = self.blob_path(digest, executable)?;
            let Err(refusal) = fs::hard_link(&blob, path) else { return Ok(()) };
            match Errno::from_io_error(&refusal) {
                // ext4 allows 65 000 names for a file. The old one lives on in older checkouts.
                Some(Errno::MLINK) if attempts.next().is_some() => self.renew(digest, executable)?,
                // Somebody else put another in its place just now.
                Some(Errno::NOENT) if attempts.next().is_some() => {}
                // No hard links here, or not for this user.
                Some(Errno::XDEV | Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
                    fs::copy(&blob, path).at(path)?;
                    return disk::seal(path, executable);
                }
                _ => return Err(refusal).at(path),
            }
        }
    }
}
