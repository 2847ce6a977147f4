//! Content digests: SHA-256 and a size, typed by what was hashed.
//!
//! # Specification
//! A digest is the pair *(SHA-256 of the bytes, number of bytes)*, as the Remote Execution API's `Digest` message. Its
//! text form is `<64 lower-case hexadecimal digits>/<size in decimal>`; nothing else parses. Two digests are equal if
//! both parts are.
//!
//! The type parameter says what the bytes are ([`Blob`], [`Dir`], …), so that a tree cannot be passed for a file. It
//! exists at compile time alone. Not here: hashing of files on disk (that is IO, see the `exec` crate).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use bazel_remote_apis::build::bazel::remote::execution::v2 as wire;
use sha2::{Digest as _, Sha256};

/// Kind of digest: any bytes, such as a file's contents.
#[derive(Debug)]
pub enum Blob {}
/// Kind of digest: an encoded `Directory` message, hence a whole Merkle tree.
#[derive(Debug)]
pub enum Dir {}
/// Kind of digest: an encoded `Command` message.
#[derive(Debug)]
pub enum Cmd {}
/// Kind of digest: an encoded `Action` message, the key of the action cache.
#[derive(Debug)]
pub enum Act {}

/// SHA-256 and size in bytes of something of kind `K`.
pub struct Digest<K> {
    hash: [u8; 32],
    size: u64,
    kind: PhantomData<fn() -> K>,
}

/// Digest of a file's contents.
pub type BlobDigest = Digest<Blob>;
/// Digest of a directory and all below it.
pub type DirDigest = Digest<Dir>;
/// Digest of an action.
pub type ActionDigest = Digest<Act>;

/// Why a text or a message is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The hash is not 64 lower-case hexadecimal digits.
    #[error("`{0}` is not a SHA-256 of 64 lower-case hexadecimal digits")]
    Hash(String),
    /// The size is not a decimal number of bytes.
    #[error("`{0}` is not a size in bytes")]
    Size(String),
    /// The text has no `/` between hash and size.
    #[error("`{0}` is not of the form HASH/SIZE")]
    Form(String),
}

impl<K> Digest<K> {
    /// Digest of bytes held in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::new(Sha256::digest(bytes).into(), bytes.len() as u64)
    }

    /// A digest from its parts, as a hasher of streams makes them.
    #[must_use]
    pub const fn new(hash: [u8; 32], size: u64) -> Self {
        Self { hash, size, kind: PhantomData }
    }

    /// The SHA-256.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The number of bytes hashed.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hash as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        to_hex(&self.hash)
    }

    /// The same digest seen as plain bytes: every encoded message is a blob too.
    #[must_use]
    pub const fn as_blob(&self) -> BlobDigest {
        Digest::new(self.hash, self.size)
    }

    /// The digest as its message.
    #[must_use]
    pub fn to_wire(&self) -> wire::Digest {
        wire::Digest { hash: self.hex(), size_bytes: i64::try_from(self.size).unwrap_or(i64::MAX) }
    }

    /// A digest from its message.
    ///
    /// # Errors
    /// If the hash is not a SHA-256 or the size is negative.
    pub fn from_wire(message: &wire::Digest) -> Result<Self, DigestError> {
        let size = u64::try_from(message.size_bytes).map_err(|_| DigestError::Size(message.size_bytes.to_string()))?;
        Ok(Self::new(parse_sha256(&message.hash)?, size))
    }
}

/// Parses 64 lower-case hexadecimal digits.
///
/// # Errors
/// On any other text; upper-case digits too, so that each digest has one spelling.
pub fn parse_sha256(text: &str) -> Result<[u8; 32], DigestError> {
    let wrong = || DigestError::Hash(text.to_owned());
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let mut value = 0;
        for digit in pair {
            value = value * 16
                + match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return Err(wrong()),
                };
        }
        *byte = value;
    }
    Ok(hash)
}

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl<K> fmt::Display for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size)
    }
}

impl<K> fmt::Debug for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> FromStr for Digest<K> {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (hash, size) = text.split_once('/').ok_or_else(|| DigestError::Form(text.to_owned()))?;
        let plain = !size.is_empty()
            && size.bytes().all(|byte| byte.is_ascii_digit())
            && (size == "0" || !size.starts_with('0'));
        let size = size.parse().ok().filter(|_| plain).ok_or_else(|| DigestError::Size(size.to_owned()))?;
        Ok(Self::new(parse_sha256(hash)?, size))
    }
}

// Written by hand, since derives would ask the same of `K`, which has no values.
impl<K> Clone for Digest<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Digest<K> {}
impl<K> PartialEq for Digest<K> {
    fn eq(&self, other: &Self) -> bool {
        (self.hash, self.size) == (other.hash, other.size)
    }
}
impl<K> Eq for Digest<K> {}
impl<K> PartialOrd for Digest<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Digest<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.hash, self.size).cmp(&(other.hash, other.size))
    }
}
impl<K> Hash for Digest<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden() {
        let empty = BlobDigest::of(b"");
        assert_eq!(empty.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0");
        let hello = BlobDigest::of(b"hello\n");
        assert_eq!(hello.to_string(), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03/6");
    }

    #[test]
    fn rejects() {
        let good = BlobDigest::of(b"x").to_string();
        for bad in [
            String::new(),
            good.replace('/', ":"),
            good.to_uppercase(),
            good.replacen('2', "g", 1),
            format!("0{good}"),
            format!("{}/", BlobDigest::of(b"x").hex()),
            format!("{}/-1", BlobDigest::of(b"x").hex()),
            format!("{}/+1", BlobDigest::of(b"x").hex()),
            format!("{}/01", BlobDigest::of(b"x").hex()),
            format!("{}/99999999999999999999", BlobDigest::of(b"x").hex()),
        ] {
            assert!(bad.parse::<BlobDigest>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_and_message_round_trip(hash: [u8; 32], size in 0..=i64::MAX as u64) {
            let digest = BlobDigest::new(hash, size);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            prop_assert_eq!(Digest::from_wire(&digest.to_wire()), Ok(digest));
        }

        #[test]
        fn never_panics(text: String) {
            let _ = text.parse::<BlobDigest>();
        }
    }
}
