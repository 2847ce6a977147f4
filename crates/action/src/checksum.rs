//! Checksums of sources, of the kinds that metadata gives: values and their notation.
//!
//! A source has one or more; all must hold. One of them is its *identity*, by which stores and memos know it: SHA-256 if
//! it is among them, for that is the store's own digest and 128 bits of security are enough, else SHA-512, else MD5. Not
//! here: computing them (`exec::fetch`).

use std::fmt;

use crate::digest::to_hex;

/// A checksum, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checksum {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
    /// MD5: tells accidents, not forgeries. Old packages have nothing else.
    Md5([u8; 16]),
}

/// Kinds of checksums, the one that makes the best identity first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5.
    Md5,
}

/// The checksums of a source: at least one, none twice, the identity first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checksums {
    identity: Checksum,
    others: Vec<Checksum>,
}

impl Kind {
    /// Its name in opam files, and of its directory in opam's cache layout.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Md5 => "md5",
        }
    }
}

impl Checksum {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Sha256(_) => Kind::Sha256,
            Self::Sha512(_) => Kind::Sha512,
            Self::Md5(_) => Kind::Md5,
        }
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
            Self::Md5(bytes) => bytes,
        }
    }

    /// Its bytes as lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        to_hex(self.bytes())
    }

    /// The checksum of `kind` with these bytes, if they are as many as it has.
    #[must_use]
    pub fn new(kind: Kind, bytes: &[u8]) -> Option<Self> {
        match kind {
            Kind::Sha256 => bytes.try_into().ok().map(Self::Sha256),
            Kind::Sha512 => bytes.try_into().ok().map(Self::Sha512),
            Kind::Md5 => bytes.try_into().ok().map(Self::Md5),
        }
    }

    /// The checksum of `kind` that these hexadecimal digits are.
    #[must_use]
    pub fn parse(kind: Kind, digits: &str) -> Option<Self> {
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        });
        Self::new(kind, &pairs.collect::<Option<Vec<u8>>>()?)
    }

    /// The place of the file that has it in opam's cache layout: `sha256/ab/abcd…`.
    #[must_use]
    pub fn cache_path(&self) -> String {
        let hex = self.hex();
        format!("{}/{}/{hex}", self.kind().name(), hex.get(..2).unwrap_or_default())
    }
}

/// As opam writes it: `md5=0123…`.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind().name(), self.hex())
    }
}

impl Checksums {
    /// These; none if there are none.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Checksum>) -> Option<Self> {
        let mut all: Vec<Checksum> = all.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        let mut all = all.into_iter();
        Some(Self { identity: all.next()?, others: all.collect() })
    }

    /// What stores and memos know the source by.
    #[must_use]
    pub const fn identity(&self) -> &Checksum {
        &self.identity
    }

    /// All of them, the identity first.
    pub fn iter(&self) -> impl Iterator<Item = &Checksum> {
        std::iter::once(&self.identity).chain(&self.others)
    }

    /// Whether MD5 is all there is, so that a forgery could not be told.
    #[must_use]
    pub const fn is_weak(&self) -> bool {
        matches!(self.identity, Checksum::Md5(_))
    }
}

impl From<[u8; 32]> for Checksums {
    fn from(sha256: [u8; 32]) -> Self {
        Self { identity: Checksum::Sha256(sha256), others: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [(Kind, usize); 3] = [(Kind::Sha256, 32), (Kind::Sha512, 64), (Kind::Md5, 16)];

    #[test]
    fn notation_goes_both_ways() {
        for (kind, length) in KINDS {
            let digits = "0a".repeat(length);
            let checksum = Checksum::parse(kind, &digits).unwrap();
            assert_eq!((checksum.kind(), checksum.hex(), checksum.bytes().len()), (kind, digits.clone(), length));
            assert_eq!(checksum.to_string(), format!("{}={digits}", kind.name()));
            assert_eq!(checksum.cache_path(), format!("{}/0a/{digits}", kind.name()));
            assert_eq!(Checksum::parse(kind, &digits.to_uppercase()), Some(checksum));
            let (short, odd) = ("0a".repeat(length - 1), digits.replacen('0', "", 1));
            for wrong in [short, odd, format!("{digits}0a"), digits.replace('a', "g"), String::new()] {
                assert_eq!(Checksum::parse(kind, &wrong), None, "{wrong}");
            }
        }
    }

    #[test]
    fn the_identity_does_not_depend_on_the_order() {
        let of = |(kind, length): (Kind, usize)| Checksum::new(kind, &vec![7; length]).unwrap();
        let all = KINDS.map(of);
        for (given, identity) in [
            (vec![all[2], all[1], all[0]], all[0]),
            (vec![all[1], all[0]], all[0]),
            (vec![all[2], all[1], all[2]], all[1]),
            (vec![all[2]], all[2]),
        ] {
            let checksums = Checksums::new(given.clone()).unwrap();
            assert_eq!(checksums.identity(), &identity);
            assert_eq!(checksums.iter().count(), given.iter().collect::<std::collections::BTreeSet<_>>().len());
            assert_eq!(checksums.is_weak(), identity == all[2]);
        }
        assert_eq!(Checksums::new([]), None);
        assert_eq!(Checksums::from([7; 32]), Checksums::new([all[0]]).unwrap());
    }
}
