//! Computing the checksums that a source gives, all in one pass.

use std::io::{self, Read};

use action::checksum::{Checksum, Checksums, Kind};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512};

use super::error::Cause;
use super::partial::CHUNK;

/// Bytes on their way through.
#[derive(Clone)]
pub(super) struct Hasher {
    /// One for each kind that is asked for.
    each: Vec<One>,
    len: u64,
}

#[derive(Clone)]
enum One {
    Sha256(Sha256),
    Sha512(Sha512),
    Md5(Md5),
}

impl Hasher {
    /// Of no bytes yet, for the kinds that `wanted` has.
    pub(super) fn new(wanted: &Checksums) -> Self {
        let mut kinds: Vec<Kind> = wanted.iter().map(Checksum::kind).collect();
        kinds.dedup();
        let one = |kind| match kind {
            Kind::Sha256 => One::Sha256(Sha256::new()),
            Kind::Sha512 => One::Sha512(Sha512::new()),
            Kind::Md5 => One::Md5(Md5::new()),
        };
        Self { each: kinds.into_iter().map(one).collect(), len: 0 }
    }

    /// Of all that `from` yields.
    pub(super) fn of(from: &mut impl Read, wanted: &Checksums) -> io::Result<Self> {
        let (mut hasher, mut buffer) = (Self::new(wanted), vec![0; CHUNK]);
        loop {
            let read = from.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(hasher) };
            hasher.update(bytes);
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for one in &mut self.each {
            match one {
                One::Sha256(hasher) => hasher.update(bytes),
                One::Sha512(hasher) => hasher.update(bytes),
                One::Md5(hasher) => hasher.update(bytes),
            }
        }
        self.len += bytes.len() as u64;
    }

    /// How many bytes went through.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Whether the bytes so far have all of the checksums.
    ///
    /// # Errors
    /// [`Cause::Mismatch`] with the first that they do not have.
    pub(super) fn check(&self, wanted: &Checksums) -> Result<(), Cause> {
        let found: Vec<Checksum> = self.each.iter().map(One::value).collect();
        for expected in wanted.iter() {
            let of_kind = found.iter().find(|found| found.kind() == expected.kind());
            if let Some(found) = of_kind.filter(|found| *found != expected) {
                return Err(Cause::mismatch(*expected, *found, self.len));
            }
        }
        Ok(())
    }
}

impl One {
    fn value(&self) -> Checksum {
        match self {
            Self::Sha256(hasher) => Checksum::Sha256(hasher.clone().finalize().into()),
            Self::Sha512(hasher) => Checksum::Sha512(hasher.clone().finalize().into()),
            Self::Md5(hasher) => Checksum::Md5(hasher.clone().finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc`, from the standards: RFC 1321 A.5, FIPS 180-4 examples.
    const ABC: [(Kind, &str); 3] = [
        (Kind::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (Kind::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Kind::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];

    fn abc(kinds: &[usize]) -> Vec<Checksum> {
        kinds.iter().map(|kind| Checksum::parse(ABC[*kind].0, ABC[*kind].1).unwrap()).collect()
    }

    #[test]
    fn every_kind_as_the_standards_say_and_all_must_hold() {
        for kinds in [&[0][..], &[1], &[2], &[0, 1], &[1, 2], &[0, 1, 2]] {
            let wanted = Checksums::new(abc(kinds)).unwrap();
            let check = |text: &str| Hasher::of(&mut text.as_bytes(), &wanted).unwrap().check(&wanted);
            assert_eq!(check("abc"), Ok(()), "{kinds:?}");
            assert!(matches!(check("abd"), Err(Cause::Mismatch { size: 3, .. })), "{kinds:?}");
            for wrong in kinds {
                let mut some = abc(kinds);
                let at = kinds.iter().position(|kind| kind == wrong).unwrap();
                some[at] = Checksum::new(some[at].kind(), &vec![1; some[at].bytes().len()]).unwrap();
                let one_wrong = Checksums::new(some.clone()).unwrap();
                let told = Hasher::of(&mut "abc".as_bytes(), &one_wrong).unwrap().check(&one_wrong).unwrap_err();
                assert_eq!(told, Cause::mismatch(some[at], abc(&[*wrong])[0], 3));
            }
        }
    }

    #[test]
    fn two_of_one_kind_cannot_both_hold() {
        let other = Checksum::Md5([0; 16]);
        let wanted = Checksums::new(abc(&[0]).into_iter().chain([other])).unwrap();
        assert!(Hasher::of(&mut "abc".as_bytes(), &wanted).unwrap().check(&wanted).is_err());
    }
}
