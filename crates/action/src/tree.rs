//! Directories as values, hashed as Merkle trees.
//!
//! # Specification
//! A [`Directory`] maps names to entries: a file (contents, executable or not), a directory (by digest) or a symbolic
//! link. Its encoding is the Remote Execution API's `Directory` message: files, directories and symlinks each sorted by
//! the bytes of their names, no node properties, digest fields always set; so equal directories have equal bytes.
//! Only the executable bit of a file's mode exists; owners and times do not. A link's target is relative, non-empty and
//! without NUL ([`Target`]): engines differ in what they do to absolute ones.
//!
//! Decoding refuses every message that encoding could not have made, so decoded and encoded bytes are the same.
//! Not here: reading or writing directories on disk (`exec`), merging of trees ([`crate::compose`]).

use std::collections::BTreeMap;

use bazel_remote_apis::build::bazel::remote::execution::v2 as wire;
use prost::Message as _;

use crate::digest::{BlobDigest, DigestError, DirDigest};
use crate::path::{Name, PathError};

/// One level of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    entries: BTreeMap<Name, Entry>,
}

/// What a name in a directory stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A regular file.
    File {
        /// Its contents.
        digest: BlobDigest,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A directory, whose own entries are behind the digest.
    Directory(DirDigest),
    /// A symbolic link.
    Symlink(Target),
}

/// Where a symbolic link points: a relative path, `..` allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(Box<str>);

/// Why bytes or texts do not make a directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A name is no file name.
    #[error(transparent)]
    Name(#[from] PathError),
    /// A link's target is absolute, empty or has a NUL.
    #[error("symbolic link target `{0}` is absolute, empty or has a NUL")]
    Target(String),
    /// A digest in the message is unusable.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The bytes are no `Directory` message.
    #[error("not a Directory message: {0}")]
    Message(String),
    /// The message is not in canonical form: order, duplicates, missing digests or unknown fields.
    #[error("Directory message is not canonical")]
    NotCanonical,
}

impl Target {
    /// A link target, if `text` is relative and usable.
    ///
    /// # Errors
    /// [`TreeError::Target`] otherwise.
    pub fn new(text: &str) -> Result<Self, TreeError> {
        if text.is_empty() || text.starts_with('/') || text.contains('\0') {
            return Err(TreeError::Target(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// The target's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Directory {
    /// Puts `entry` under `name`; returns what was there before.
    pub fn insert(&mut self, name: Name, entry: Entry) -> Option<Entry> {
        self.entries.insert(name, entry)
    }

    /// What `name` stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The entries, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries.iter()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The directory as its message; a `Tree` message needs it so.
    #[must_use]
    pub fn to_wire(&self) -> wire::Directory {
        let mut message = wire::Directory::default();
        for (name, entry) in &self.entries {
            let name = name.as_str().to_owned();
            match entry {
                Entry::File { digest, executable } => message.files.push(wire::FileNode {
                    name,
                    digest: Some(digest.to_wire()),
                    is_executable: *executable,
                    node_properties: None,
                }),
                Entry::Directory(digest) => {
                    message.directories.push(wire::DirectoryNode { name, digest: Some(digest.to_wire()) });
                }
                Entry::Symlink(target) => message.symlinks.push(wire::SymlinkNode {
                    name,
                    target: target.as_str().to_owned(),
                    node_properties: None,
                }),
            }
        }
        message
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_wire().encode_to_vec()
    }

    /// The digest of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> DirDigest {
        DirDigest::of(&self.encode())
    }

    /// A directory from its message; it may come from another program, hence in any order.
    ///
    /// # Errors
    /// If a name, digest or target is unusable, or a name occurs twice.
    pub fn from_wire(message: &wire::Directory) -> Result<Self, TreeError> {
        let mut directory = Self::default();
        for file in &message.files {
            let digest = BlobDigest::from_wire(file.digest.as_ref().ok_or(TreeError::NotCanonical)?)?;
            directory.add(&file.name, Entry::File { digest, executable: file.is_executable })?;
        }
        for node in &message.directories {
            let digest = DirDigest::from_wire(node.digest.as_ref().ok_or(TreeError::NotCanonical)?)?;
            directory.add(&node.name, Entry::Directory(digest))?;
        }
        for link in &message.symlinks {
            directory.add(&link.name, Entry::Symlink(Target::new(&link.target)?))?;
        }
        Ok(directory)
    }

    fn add(&mut self, name: &str, entry: Entry) -> Result<(), TreeError> {
        self.insert(Name::new(name)?, entry).map_or(Ok(()), |_| Err(TreeError::NotCanonical))
    }

    /// A directory from its canonical bytes.
    ///
    /// # Errors
    /// If the bytes are not exactly what [`Directory::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, TreeError> {
        let message = wire::Directory::decode(bytes).map_err(|error| TreeError::Message(error.to_string()))?;
        let directory = Self::from_wire(&message)?;
        if directory.encode() == bytes { Ok(directory) } else { Err(TreeError::NotCanonical) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: &str, executable: bool) -> Entry {
        Entry::File { digest: BlobDigest::of(text.as_bytes()), executable }
    }

    /// Any directory: names of a small alphabet, so that they collide often.
    pub(crate) fn directories() -> impl Strategy<Value = Directory> {
        let entry = prop_oneof![
            (any::<u8>(), any::<bool>()).prop_map(|(byte, executable)| file(&byte.to_string(), executable)),
            any::<u8>().prop_map(|byte| Entry::Directory(DirDigest::of(&[byte]))),
            "[a./]{1,4}".prop_filter_map("relative", |text| Target::new(&text).ok().map(Entry::Symlink)),
        ];
        let name = "[a-c.é]{1,3}".prop_filter_map("a name", |text| Name::new(&text).ok());
        prop::collection::btree_map(name, entry, 0..8).prop_map(|entries| Directory { entries })
    }

    #[test]
    fn golden() {
        assert_eq!(
            Directory::default().digest().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0"
        );
        let mut directory = Directory::default();
        directory.insert(Name::new("sub").unwrap(), Entry::Directory(Directory::default().digest()));
        directory.insert(Name::new("run").unwrap(), file("#!/bin/sh\n", true));
        directory.insert(Name::new("link").unwrap(), Entry::Symlink(Target::new("../run").unwrap()));
        directory.insert(Name::new("a").unwrap(), file("", false));
        assert_eq!(
            directory.digest().to_string(),
            "2e27544623c6be14839a41bc241ce538eed20c66c70fc06a8db0d3a8eda23675/243"
        );
    }

    #[test]
    fn absolute_targets_are_refused() {
        for text in ["", "/bin/sh", "a\0"] {
            assert_eq!(Target::new(text), Err(TreeError::Target(text.to_owned())));
        }
    }

    #[test]
    fn unsorted_and_doubled_messages_are_refused() {
        let node = |name: &str| wire::FileNode {
            name: name.to_owned(),
            digest: Some(BlobDigest::of(b"").to_wire()),
            ..wire::FileNode::default()
        };
        for names in [["b", "a"], ["a", "a"], ["a", "b/c"]] {
            let message =
                wire::Directory { files: names.iter().map(|name| node(name)).collect(), ..wire::Directory::default() };
            assert!(Directory::decode(&message.encode_to_vec()).is_err(), "{names:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_round_trip(directory in directories()) {
            prop_assert_eq!(Directory::decode(&directory.encode()), Ok(directory));
        }

        #[test]
        fn decoding_never_panics(bytes: Vec<u8>) {
            if let Ok(directory) = Directory::decode(&bytes) {
                prop_assert_eq!(directory.encode(), bytes);
            }
        }
    }
}
