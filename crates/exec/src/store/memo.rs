//! Memos: small facts derived once, such as "this archive, unpacked that way, is that tree".
//!
//! A memo is the file `memo/<kind>/ab/<hash of the key>`: one byte for the kind of value, the value, and the SHA-256 of
//! both. A damaged memo is no memo. Values that name objects are typed, for [`Store::gc`] keeps what they name.

use std::fs;
use std::io;
use std::path::PathBuf;

use action::digest::{BlobDigest, DirDigest};
use action::path::Name;

use super::error::{At as _, Result, StoreError};
use super::results::read_used;
use super::{KnownTree, Store};

/// The longest value, in bytes.
pub const LIMIT: usize = 4096;

/// What a memo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoValue {
    /// A tree; the memo counts while its root is in the store.
    Tree(DirDigest),
    /// A blob; the memo counts while it is in the store.
    Blob(BlobDigest),
    /// A tree that need not be in the store; the memo counts while its `Tree` message is.
    Known(KnownTree),
    /// Something that refers to no object, of at most [`LIMIT`] bytes.
    Bytes(Vec<u8>),
}

impl Store {
    /// What was memoised of this kind under `key`; `None` also if the object it names is gone.
    ///
    /// # Errors
    /// If `kind` is no file name, or the memo cannot be read.
    pub fn memo_get(&self, kind: &str, key: &[u8]) -> Result<Option<MemoValue>> {
        let Some(bytes) = read_used(&self.memo_path(kind, key)?)? else { return Ok(None) };
        Ok(MemoValue::decode(&bytes).filter(|value| match value {
            MemoValue::Tree(digest) => self.has(digest.as_blob()),
            MemoValue::Blob(digest) => self.has(*digest),
            MemoValue::Known(tree) => self.has(tree.message),
            MemoValue::Bytes(_) => true,
        }))
    }

    /// Memoises `value`, in place of what was there. All it names must be in the store.
    ///
    /// # Errors
    /// If `kind` is no file name, the value is too long, or it cannot be written.
    // By value, since callers make the value for this.
    #[expect(clippy::needless_pass_by_value, reason = "callers make the value for this call")]
    pub fn memo_put(&self, kind: &str, key: &[u8], value: MemoValue) -> Result<()> {
        let bytes = value.encode();
        if bytes.len() > LIMIT + 33 {
            return Err(StoreError::TooLong { bytes: bytes.len() - 33 });
        }
        self.write_entry(&self.memo_path(kind, key)?, &bytes)
    }

    /// Forgets what was memoised; says whether there was something.
    pub(super) fn memo_remove(&self, kind: &str, key: &[u8]) -> Result<bool> {
        let path = self.memo_path(kind, key)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.at(&path).map(|()| true),
        }
    }

    pub(super) fn memo_path(&self, kind: &str, key: &[u8]) -> Result<PathBuf> {
        let area = format!("memo/{}", Name::new(kind)?);
        Ok(self.object(&area, BlobDigest::of(key).hash(), ""))
    }
}

impl MemoValue {
    fn encode(&self) -> Vec<u8> {
        let (tag, value) = match self {
            Self::Tree(digest) => (b'T', digest.to_string().into_bytes()),
            Self::Blob(digest) => (b'B', digest.to_string().into_bytes()),
            Self::Known(KnownTree { root, message, stdout, stderr }) => {
                (b'K', format!("{root} {message} {stdout} {stderr}").into_bytes())
            }
            Self::Bytes(bytes) => (b'=', bytes.clone()),
        };
        let mut bytes = vec![tag];
        bytes.extend(value);
        let sum = BlobDigest::of(&bytes);
        bytes.extend(sum.hash());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (told, sum) = bytes.split_last_chunk::<32>()?;
        if BlobDigest::of(told).hash() != sum {
            return None;
        }
        let (tag, value) = told.split_first()?;
        let text = || std::str::from_utf8(value).ok();
        match tag {
            b'T' => text()?.parse().ok().map(Self::Tree),
            b'B' => text()?.parse().ok().map(Self::Blob),
            b'K' => {
                let mut words = text()?.split(' ');
                let root = words.next()?.parse().ok()?;
                let mut blob = || words.next()?.parse().ok();
                Some(Self::Known(KnownTree { root, message: blob()?, stdout: blob()?, stderr: blob()? }))
            }
            b'=' => Some(Self::Bytes(value.to_vec())),
            _ => None,
        }
    }
}
