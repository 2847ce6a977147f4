//! Collections in directories: walked level by level and read on several threads.
//!
//! Symbolic links are followed: it is the user's own directory. Names that are no UTF-8 match no pattern.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use action::path::{Name, RelPath};
use rustix::fs::{Stat, fstat, stat};

use super::listing::{Listing, stamp};
use super::{CollectionError, Member, Shape};
use crate::store::parallel::{computing, in_parallel};

/// Looking into many small files is waiting as much as computing.
pub(super) fn threads() -> usize {
    computing().clamp(2, 8)
}

/// The collection in the directory `root`, in the order of paths, and what was looked at.
///
/// # Errors
/// If there is none, something in it cannot be read, or there is too much.
pub fn directory(root: &Path, shape: &Shape) -> Result<(Vec<Member>, Listing), CollectionError> {
    let mut listing = Listing::default();
    let mut files = Vec::new();
    let mut level = vec![RelPath::root()];
    while !level.is_empty() {
        let mut next = Vec::new();
        for looked in in_parallel(threads(), &level, |at| list(root, at, shape))? {
            listing.stamps.push((looked.at, stamp(&looked.stat)));
            files.extend(looked.files);
            next.extend(looked.directories);
        }
        level = next;
    }
    let spent = Spent { shape, files: AtomicU64::new(0), bytes: AtomicU64::new(0) };
    let read = in_parallel(threads(), &files, |path| spent.read(root, path))?;
    let mut members = Vec::with_capacity(read.len());
    for (member, stat) in read {
        listing.stamps.push((member.path.as_str().to_owned(), stamp(&stat)));
        members.push(member);
    }
    // What lies together is then looked up together.
    listing.stamps.sort_unstable();
    members.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok((members, listing))
}

/// A directory that was looked into.
struct Looked {
    at: String,
    stat: Stat,
    directories: Vec<RelPath>,
    files: Vec<RelPath>,
}

fn list(root: &Path, at: &RelPath, shape: &Shape) -> Result<Looked, CollectionError> {
    let path = if at.is_root() { root.to_owned() } else { root.join(at) };
    // Before its names are read: what comes in between shows as a difference.
    let stat = stat(&path).map_err(|error| absent_or_io(&path, error.into()))?;
    let mut looked = Looked { at: at.as_str().to_owned(), stat, directories: Vec::new(), files: Vec::new() };
    for entry in fs::read_dir(&path).map_err(CollectionError::io(&path))? {
        let entry = entry.map_err(CollectionError::io(&path))?;
        let Some(name) = entry.file_name().to_str().and_then(|name| Name::new(name).ok()) else { continue };
        let below = at.child(&name);
        if !shape.leads_through(&below) {
            continue;
        }
        let mut kind = entry.file_type().map_err(CollectionError::io(&path))?;
        if kind.is_symlink() {
            let path = root.join(&below);
            kind = fs::metadata(&path).map_err(CollectionError::io(&path))?.file_type();
        }
        if kind.is_dir() {
            looked.directories.push(below);
        } else if shape.chooses(&below) {
            if !kind.is_file() {
                return Err(CollectionError::Special(root.join(&below)));
            }
            looked.files.push(below);
        }
    }
    Ok(looked)
}

fn absent_or_io(path: &Path, source: io::Error) -> CollectionError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => CollectionError::Absent(path.to_owned()),
        _ => CollectionError::Io { path: path.to_owned(), source },
    }
}

/// What has been read of what may be.
struct Spent<'a> {
    shape: &'a Shape,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Spent<'_> {
    fn read(&self, root: &Path, at: &RelPath) -> Result<(Member, Stat), CollectionError> {
        let path = root.join(at);
        let mut file = File::open(&path).map_err(CollectionError::io(&path))?;
        let stat = fstat(&file).map_err(|error| CollectionError::io(&path)(error.into()))?;
        let size = stat.st_size.cast_unsigned();
        let limits = self.shape.limits;
        let files = 1 + self.files.fetch_add(1, Ordering::Relaxed);
        let bytes = size.saturating_add(self.bytes.fetch_add(size, Ordering::Relaxed));
        if files > limits.members || bytes > limits.bytes {
            return Err(CollectionError::TooLarge { at: path, limits });
        }
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes: Arc<[u8]> = iter::repeat_n(0, length).collect();
        if let Some(bytes) = Arc::get_mut(&mut bytes) {
            file.read_exact(bytes).map_err(CollectionError::io(&path))?;
        }
        Ok((Member { path: at.clone(), bytes }, stat))
    }
}
