//! Composing a tree out of files and other trees.
//!
//! A [`Composer`] is a tree in the making. Whole trees are grafted by digest and stay unread unless something else is put
//! inside them, so composing an input root costs in proportion to what overlaps, not to its size. Two different things
//! at one path are a [`ComposeError::Conflict`]; the same thing twice is not.
//!
//! Not here: where directories come from; the caller passes a function that reads one by digest.

use std::collections::BTreeMap;

use crate::digest::DirDigest;
use crate::path::{Name, RelPath};
use crate::tree::{Directory, Entry};

/// A tree in the making.
#[derive(Debug, Default)]
pub struct Composer {
    root: Level,
}

type Level = BTreeMap<Name, Slot>;

#[derive(Debug)]
enum Slot {
    /// A file, a link or a whole tree as given.
    Entry(Entry),
    /// A directory that was looked into.
    Open(Level),
}

/// A composed tree: its digest, and every directory that had to be made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The whole.
    pub root: DirDigest,
    /// New directories with their canonical bytes, children before parents; grafted ones are not among them.
    pub directories: Vec<(DirDigest, Vec<u8>)>,
}

/// Why a tree cannot be composed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError<E> {
    /// Two different things are to be at one path.
    #[error("two different things are to be at `{0}`")]
    Conflict(RelPath),
    /// A tree has no such sub-directory.
    #[error("a tree has no directory `{0}`")]
    Absent(RelPath),
    /// A directory could not be read.
    #[error(transparent)]
    Load(E),
}

/// Reads the directory `path` below the tree `root`.
///
/// # Errors
/// [`ComposeError::Absent`] if there is none, or what `load` says.
pub fn subtree<E>(
    root: DirDigest,
    path: &RelPath,
    load: &mut impl FnMut(DirDigest) -> Result<Directory, E>,
) -> Result<DirDigest, ComposeError<E>> {
    path.names().try_fold(root, |digest, name| match load(digest).map_err(ComposeError::Load)?.get(name.as_str()) {
        Some(Entry::Directory(digest)) => Ok(*digest),
        _ => Err(ComposeError::Absent(path.clone())),
    })
}

impl Composer {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file, link or whole tree at `at`, merging directories.
    ///
    /// # Errors
    /// On a conflict, or if a directory that must be looked into cannot be read.
    pub fn put<E>(
        &mut self,
        at: &RelPath,
        entry: Entry,
        load: &mut impl FnMut(DirDigest) -> Result<Directory, E>,
    ) -> Result<(), ComposeError<E>> {
        let mut level = &mut self.root;
        let Some((parent, last)) = at.split_last() else {
            return merge_level(level, &entry, at, load);
        };
        for (depth, name) in parent.names().enumerate() {
            let here = || parent.names().take(depth + 1).fold(RelPath::root(), |path, name| path.child(&name));
            let slot = level.entry(name).or_insert_with(|| Slot::Open(Level::new()));
            level = open(slot, &here, load)?;
        }
        merge(level, last, entry, at, load)
    }

    /// The finished tree.
    #[must_use]
    pub fn finish(self) -> Composed {
        let mut directories = Vec::new();
        let root = close(self.root, &mut directories);
        Composed { root, directories }
    }
}

/// Makes `slot` an open directory.
fn open<'a, E>(
    slot: &'a mut Slot,
    at: &dyn Fn() -> RelPath,
    load: &mut impl FnMut(DirDigest) -> Result<Directory, E>,
) -> Result<&'a mut Level, ComposeError<E>> {
    if let Slot::Entry(Entry::Directory(digest)) = slot {
        let directory = load(*digest).map_err(ComposeError::Load)?;
        *slot = Slot::Open(directory.iter().map(|(name, entry)| (name.clone(), Slot::Entry(entry.clone()))).collect());
    }
    match slot {
        Slot::Open(level) => Ok(level),
        Slot::Entry(_) => Err(ComposeError::Conflict(at())),
    }
}

fn merge<E>(
    level: &mut Level,
    name: Name,
    entry: Entry,
    at: &RelPath,
    load: &mut impl FnMut(DirDigest) -> Result<Directory, E>,
) -> Result<(), ComposeError<E>> {
    let Some(slot) = level.get_mut(&name) else {
        level.insert(name, Slot::Entry(entry));
        return Ok(());
    };
    match (&*slot, &entry) {
        (Slot::Entry(present), _) if *present == entry => Ok(()),
        (_, Entry::Directory(_)) => {
            let level = open(slot, &|| at.clone(), load)?;
            merge_level(level, &entry, at, load)
        }
        _ => Err(ComposeError::Conflict(at.clone())),
    }
}

fn merge_level<E>(
    level: &mut Level,
    entry: &Entry,
    at: &RelPath,
    load: &mut impl FnMut(DirDigest) -> Result<Directory, E>,
) -> Result<(), ComposeError<E>> {
    let Entry::Directory(digest) = entry else { return Err(ComposeError::Conflict(at.clone())) };
    let directory = load(*digest).map_err(ComposeError::Load)?;
    directory.iter().try_for_each(|(name, entry)| merge(level, name.clone(), entry.clone(), &at.child(name), load))
}

fn close(level: Level, made: &mut Vec<(DirDigest, Vec<u8>)>) -> DirDigest {
    let mut directory = Directory::default();
    for (name, slot) in level {
        let entry = match slot {
            Slot::Entry(entry) => entry,
            Slot::Open(level) => Entry::Directory(close(level, made)),
        };
        directory.insert(name, entry);
    }
    let bytes = directory.encode();
    let digest = DirDigest::of(&bytes);
    made.push((digest, bytes));
    digest
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::digest::BlobDigest;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    fn file(text: &str) -> Entry {
        Entry::File { digest: BlobDigest::of(text.as_bytes()), executable: false }
    }

    #[derive(Default)]
    struct Memory(HashMap<DirDigest, Directory>);

    impl Memory {
        fn load(&self) -> impl FnMut(DirDigest) -> Result<Directory, Infallible> + '_ {
            |digest| Ok(self.0[&digest].clone())
        }

        fn compose(&mut self, entries: &[(&str, Entry)]) -> Result<DirDigest, ComposeError<Infallible>> {
            let mut composer = Composer::new();
            for (at, entry) in entries {
                composer.put(&path(at), entry.clone(), &mut self.load())?;
            }
            let composed = composer.finish();
            for (digest, bytes) in composed.directories {
                self.0.insert(digest, Directory::decode(&bytes).unwrap());
            }
            Ok(composed.root)
        }
    }

    #[test]
    fn grafts_merge_where_they_overlap() {
        let mut memory = Memory::default();
        let base = memory.compose(&[("usr/bin/sh", file("sh")), ("etc/passwd", file("root"))]).unwrap();
        let zig = memory.compose(&[("zig", file("zig"))]).unwrap();
        let whole = memory
            .compose(&[
                ("", Entry::Directory(base)),
                ("usr/bin", Entry::Directory(zig)),
                ("opt/zig", Entry::Directory(zig)),
            ])
            .unwrap();
        let flat = memory
            .compose(&[
                ("opt/zig/zig", file("zig")),
                ("usr/bin/zig", file("zig")),
                ("usr/bin/sh", file("sh")),
                ("etc/passwd", file("root")),
            ])
            .unwrap();
        assert_eq!(whole, flat);
        assert_eq!(subtree(whole, &path("opt/zig"), &mut memory.load()), Ok(zig));
        assert_eq!(subtree(whole, &path("opt/zag"), &mut memory.load()), Err(ComposeError::Absent(path("opt/zag"))));
    }

    #[test]
    fn conflicts_name_their_path() {
        let mut memory = Memory::default();
        let tree = memory.compose(&[("b/c", file("1"))]).unwrap();
        for (entries, at) in [
            (vec![("a", file("1")), ("a", file("2"))], "a"),
            (vec![("a", file("1")), ("a/b", file("2"))], "a"),
            (vec![("a/b/c", file("2")), ("a", Entry::Directory(tree))], "a/b/c"),
            (vec![("a", Entry::Directory(tree)), ("a/b", file("2"))], "a/b"),
        ] {
            assert_eq!(memory.compose(&entries), Err(ComposeError::Conflict(path(at))));
        }
    }

    proptest! {
        /// The oracle is a flat map of paths: order of putting does not matter, and the result is that of the map.
        #[test]
        fn order_does_not_matter(files in prop::collection::btree_map("[ab](/[ab]){0,3}", 0..3u8, 0..8)) {
            let entries: Vec<_> = files.iter().map(|(at, n)| (at.as_str(), file(&n.to_string()))).collect();
            let reversed: Vec<_> = entries.iter().rev().cloned().collect();
            let mut memory = Memory::default();
            let (one, two) = (memory.compose(&entries), memory.compose(&reversed));
            let clash = files.keys().any(|a| files.keys().any(|b| b.starts_with(&format!("{a}/"))));
            prop_assert_eq!(one.is_err(), clash);
            prop_assert_eq!(one.ok(), two.ok());
        }
    }
}
