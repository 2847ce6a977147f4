//! The image being put together: what goes where.
//!
//! Not here: finding it ([`super::survey()`]).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use action::path::{PathError, PathFault, RelPath};
use action::tree::Target;

use super::error::{CaptureError, at};

/// What is at a path of the image. Directories above it are not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A copy of one of the machine's files.
    File {
        /// Which; no part of it is a symbolic link.
        from: PathBuf,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A file of the same contents on every machine.
    Text(&'static str),
    /// A symbolic link.
    Link(Target),
    /// A directory that is empty.
    Directory,
}

/// Top-level directories that are links into `/usr`.
const MERGED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];
/// No names but these two: tools that ask who runs them find an answer, and it is the same everywhere.
const PASSWD: &str = "root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\n";

#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) items: BTreeMap<RelPath, Item>,
    /// Where each of the machine's files was put first: a second name becomes a link to it.
    places: BTreeMap<PathBuf, RelPath>,
}

impl Image {
    /// Puts one of the machine's files at a place; what is there already stays if it is the same.
    pub(super) fn file(&mut self, place: RelPath, from: &Path, executable: bool) -> Result<(), CaptureError> {
        let item = match self.places.get(from) {
            Some(first) if *first != place => Item::Link(relative(&place, first)?),
            _ => Item::File { from: from.to_owned(), executable },
        };
        self.places.entry(from.to_owned()).or_insert_with(|| place.clone());
        self.put(place, item)
    }

    /// Puts a link at a place.
    pub(super) fn link(&mut self, place: RelPath, to: &RelPath) -> Result<(), CaptureError> {
        let target = relative(&place, to)?;
        self.put(place, Item::Link(target))
    }

    fn put(&mut self, place: RelPath, item: Item) -> Result<(), CaptureError> {
        match (self.items.get_mut(&place), &item) {
            // The loader is a program and a library.
            (Some(Item::File { from, executable }), Item::File { from: again, executable: also }) if from == again => {
                *executable |= also;
                Ok(())
            }
            (Some(there), _) if *there != item => {
                let (first, second) = (origin(there), origin(&item));
                Err(CaptureError::Conflict { at: place, first, second })
            }
            _ => {
                self.items.insert(place, item);
                Ok(())
            }
        }
    }

    pub(super) fn has(&self, place: &RelPath) -> bool {
        self.items.contains_key(place)
    }

    /// Adds what every image has; comes last.
    pub(super) fn finish(mut self) -> Result<BTreeMap<RelPath, Item>, CaptureError> {
        for (path, text) in [("etc/passwd", PASSWD), ("etc/group", GROUP)] {
            self.put(RelPath::new(path)?, Item::Text(text))?;
        }
        self.put(RelPath::new("tmp")?, Item::Directory)?;
        for name in MERGED {
            let inside = format!("usr/{name}/");
            if self.items.keys().any(|path| path.as_str().starts_with(&inside)) {
                self.link(RelPath::new(name)?, &RelPath::new(&format!("usr/{name}"))?)?;
            }
        }
        Ok(self.items)
    }
}

fn origin(item: &Item) -> PathBuf {
    match item {
        Item::File { from, .. } => from.clone(),
        Item::Link(target) => target.as_str().into(),
        Item::Text(_) | Item::Directory => PathBuf::new(),
    }
}

/// Where one of the machine's absolute paths is in an image with a merged `/usr`.
pub(super) fn place(path: &Path) -> Result<RelPath, CaptureError> {
    let error = |fault| PathError { path: path.to_string_lossy().into_owned(), fault };
    let text = path.to_str().ok_or_else(|| error(PathFault::NotUtf8))?;
    let path = RelPath::new(text.trim_start_matches('/'))?;
    let merged = path.names().next().is_some_and(|first| MERGED.contains(&first.as_str()));
    Ok(if merged { RelPath::new("usr")?.join(&path) } else { path })
}

/// The target of a link at `from` that leads to `to`.
pub(super) fn relative(from: &RelPath, to: &RelPath) -> Result<Target, CaptureError> {
    let (from, to): (Vec<_>, Vec<_>) = (from.names().collect(), to.names().collect());
    let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = std::iter::repeat_n("..", from.len().saturating_sub(common + 1));
    let down = to.iter().skip(common).map(action::path::Name::as_str);
    let text = up.chain(down).collect::<Vec<_>>().join("/");
    Target::new(&text).map_err(|_| PathError { path: text, fault: PathFault::Absolute }.into())
}

/// Writes an image into an empty or absent directory, files copied, or cloned where the file system can.
pub(super) fn write(items: &BTreeMap<RelPath, Item>, into: &Path) -> Result<(), CaptureError> {
    let mut made: Option<PathBuf> = None;
    for (path, item) in items {
        let here = into.join(path);
        let directory = if *item == Item::Directory { Some(here.as_path()) } else { here.parent() };
        if let Some(directory) = directory.filter(|directory| made.as_deref() != Some(directory)) {
            fs::create_dir_all(directory).map_err(at(directory))?;
            made = Some(directory.to_owned());
        }
        match item {
            Item::Directory => {}
            Item::Link(target) => symlink(target.as_str(), &here).map_err(at(&here))?,
            Item::Text(text) => fs::write(&here, text).and_then(|()| set_mode(&here, false)).map_err(at(&here))?,
            Item::File { from, executable } => {
                fs::copy(from, &here).map_err(at(from))?;
                set_mode(&here, *executable).map_err(at(&here))?;
            }
        }
    }
    Ok(())
}

fn set_mode(path: &Path, executable: bool) -> std::io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}
