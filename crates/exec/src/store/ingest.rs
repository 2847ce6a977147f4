//! Taking over a finished directory: its files become blobs by being moved, its shape becomes directory objects.
//!
//! Nothing is moved before everything was looked at, so a directory that cannot be stored keeps its contents. No symbolic
//! link is followed. Of modes only the owner's executable bit counts; times and owners do not.

use std::fs::{self, File, FileType, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use action::digest::{BlobDigest, DirDigest};
use action::path::{Name, PathError, PathFault};
use action::tree::{Directory, Entry, Target};

use super::Store;
use super::cas::{Batch, hash_into};
use super::disk;
use super::error::{At as _, Result, Special, StoreError, Unstorable};
use super::parallel::{computing, in_parallel};

/// A directory as found.
struct Found {
    entries: Vec<(Name, Node)>,
}

enum Node {
    /// Index in the list of files.
    File(usize),
    Directory(Found),
    Symlink(Target),
}

/// A file as found.
struct FoundFile {
    path: PathBuf,
    executable: bool,
    /// Others could change it later, by another name or as its owner; or it lies on another file system. So it is copied.
    foreign: bool,
}

impl Store {
    /// Stores the tree in the directory `dir` and removes `dir`. It should lie on the store's file system, as
    /// [`Store::scratch`] does, and nobody may write to it any more.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] if something in it has no place in a tree; or if it cannot be read or stored.
    pub fn ingest(&self, dir: &Path) -> Result<DirDigest> {
        if !fs::symlink_metadata(dir).at(dir)?.is_dir() {
            return Err(StoreError::Unstorable { path: dir.to_owned(), why: Unstorable::NotADirectory });
        }
        let ours =
            Ours { device: self.lock.metadata().at(&self.root)?.dev(), user: rustix::process::geteuid().as_raw() };
        let mut files = Vec::new();
        let found = walk(dir, &ours, &mut files)?;
        let digests = in_parallel(computing(), &files, |file| hash(&file.path))?;
        let mut batch = Batch::new(self);
        for (file, digest) in files.iter().zip(&digests) {
            self.take(file, *digest, &mut batch)?;
        }
        let root = store_directory(&found, &files, &digests, &mut batch)?;
        batch.commit()?;
        // What is left of it, aside and in the background; where that cannot be, at once.
        let base = self.base()?;
        let aside = base.fresh();
        match fs::rename(dir, &aside) {
            Ok(()) => base.discard(aside),
            Err(_) => disk::remove_tree(dir)?,
        }
        Ok(root)
    }

    /// Adds a file to the batch, unless its blob is there.
    fn take(&self, file: &FoundFile, digest: BlobDigest, batch: &mut Batch<'_>) -> Result<()> {
        if self.has(digest) {
            return Ok(());
        }
        if file.foreign {
            let copied = batch.copy(&mut open(&file.path).at(&file.path)?, file.executable)?;
            if copied != digest {
                return Err(StoreError::Corrupt { path: file.path.clone(), digest });
            }
            return Ok(());
        }
        disk::seal(&file.path, file.executable)?;
        batch.adopt(file.path.clone(), digest, file.executable);
        Ok(())
    }
}

/// What a file must be of to be moved.
struct Ours {
    device: u64,
    user: u32,
}

impl Ours {
    fn is(&self, meta: &fs::Metadata) -> bool {
        meta.nlink() == 1 && meta.dev() == self.device && meta.uid() == self.user
    }
}

/// Lists a directory and all below it, files into `files`. Makes directories readable and writable for their owner.
fn walk(dir: &Path, ours: &Ours, files: &mut Vec<FoundFile>) -> Result<Found> {
    let mode = fs::symlink_metadata(dir).at(dir)?.mode();
    if mode & 0o700 != 0o700 {
        fs::set_permissions(dir, Permissions::from_mode(mode & 0o777 | 0o700)).at(dir)?;
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).at(dir)? {
        let entry = entry.at(dir)?;
        let path = entry.path();
        let refuse = |why| Err(StoreError::Unstorable { path: path.clone(), why });
        let name = match text_of(entry.file_name().as_bytes()).and_then(Name::new) {
            Ok(name) => name,
            Err(error) => return refuse(Unstorable::Name(error)),
        };
        let kind = entry.file_type().at(&path)?;
        let node = if kind.is_dir() {
            Node::Directory(walk(&path, ours, files)?)
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).at(&path)?;
            match target.to_str().and_then(|text| Target::new(text).ok()) {
                Some(target) => Node::Symlink(target),
                None => return refuse(Unstorable::Target(target.to_string_lossy().into_owned())),
            }
        } else if kind.is_file() {
            let meta = entry.metadata().at(&path)?;
            files.push(FoundFile { path, executable: meta.mode() & 0o100 != 0, foreign: !ours.is(&meta) });
            Node::File(files.len() - 1)
        } else {
            return refuse(Unstorable::Special(special(kind).unwrap_or(Special::Device)));
        };
        entries.push((name, node));
    }
    Ok(Found { entries })
}

/// Which special file it is, if it is one.
pub(super) fn special(kind: FileType) -> Option<Special> {
    match kind {
        _ if kind.is_file() || kind.is_dir() || kind.is_symlink() => None,
        _ if kind.is_fifo() => Some(Special::Fifo),
        _ if kind.is_socket() => Some(Special::Socket),
        _ => Some(Special::Device),
    }
}

fn text_of(bytes: &[u8]) -> std::result::Result<&str, PathError> {
    std::str::from_utf8(bytes)
        .map_err(|_| PathError { path: String::from_utf8_lossy(bytes).into_owned(), fault: PathFault::NotUtf8 })
}

/// Encodes a directory bottom-up, its children into the batch before it.
fn store_directory(
    found: &Found,
    files: &[FoundFile],
    digests: &[BlobDigest],
    batch: &mut Batch<'_>,
) -> Result<DirDigest> {
    let mut directory = Directory::default();
    for (name, node) in &found.entries {
        let entry = match node {
            Node::Directory(found) => Entry::Directory(store_directory(found, files, digests, batch)?),
            Node::Symlink(target) => Entry::Symlink(target.clone()),
            Node::File(index) => match (files.get(*index), digests.get(*index)) {
                (Some(file), Some(digest)) => Entry::File { digest: *digest, executable: file.executable },
                _ => continue,
            },
        };
        directory.insert(name.clone(), entry);
    }
    let bytes = directory.encode();
    let digest = DirDigest::of(&bytes);
    batch.bytes(digest.as_blob(), &bytes)?;
    Ok(digest)
}

fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

fn hash(path: &Path) -> Result<BlobDigest> {
    let mut file = match open(path) {
        // An owner may have a file it cannot read.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = fs::symlink_metadata(path).at(path)?.mode();
            fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 | 0o400)).at(path)?;
            open(path).at(path)?
        }
        file => file.at(path)?,
    };
    hash_into(&mut file, &mut io::sink()).at(path)
}
