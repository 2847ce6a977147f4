//! Checksums as opam writes them. Not here: computing them.

use std::fmt;
use std::str::FromStr;

/// A checksum: what an archive is, whatever its address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checksum {
    /// `md5=…`, or 32 digits without the name.
    Md5([u8; 16]),
    /// `sha256=…`
    Sha256([u8; 32]),
    /// `sha512=…`
    Sha512([u8; 64]),
}

/// A text that is no checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no checksum: `md5=`, `sha256=` or `sha512=` and as many hexadecimal digits as that has")]
pub struct ChecksumError(pub String);

impl Checksum {
    /// Its kind as opam writes it, which is a directory's name in opam's cache layout too.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Md5(_) => "md5",
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Md5(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// Its bytes in lower case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        let digits = self.bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
    }
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let (kind, digits) = text.split_once('=').unwrap_or(("md5", text));
        match kind {
            "md5" => from_hex(digits).map(Self::Md5),
            "sha256" => from_hex(digits).map(Self::Sha256),
            "sha512" => from_hex(digits).map(Self::Sha512),
            _ => None,
        }
        .ok_or_else(|| ChecksumError(text.to_owned()))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind(), self.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_lengths() {
        for length in [("md5", 32), ("sha256", 64), ("sha512", 128)] {
            let text = format!("{}={}", length.0, "0a".repeat(length.1 / 2));
            assert_eq!(text.parse::<Checksum>().unwrap().to_string(), text);
            assert!(text.strip_suffix('a').unwrap().parse::<Checksum>().is_err());
            assert!(text.replace('a', "g").parse::<Checksum>().is_err());
            assert_eq!(text.replace("0a", "0A").parse::<Checksum>().unwrap().to_string(), text);
        }
        assert_eq!("00112233445566778899aabbccddeeff".parse::<Checksum>().unwrap().kind(), "md5");
        assert!("sha1=00".parse::<Checksum>().is_err());
    }
}
