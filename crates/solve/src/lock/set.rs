//! The whole of `bactrian.lock`: a lock for each OCaml that the project's targets are built with.
//!
//! The first stands at the top of the file, as it does where it is the only one; the others follow below it in tables of
//! `also`, so that a target which needs another OCaml adds lines and moves none. Not here: one lock's text (`read`, `write`).

use std::fmt::{self, Display};

use toml_edit::Document;

use super::read::{Table, fault};
use super::write::{HEAD, body};
use super::{Lock, LockError, LockFault};

/// The format of a file with one lock.
const ONE: i64 = super::FORMAT;
/// The format of a file with several.
const SEVERAL: i64 = 2;
/// The tables of further locks.
const ALSO: &str = "also";

/// Locks, the one of the newest OCaml first; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockSet {
    first: Lock,
    also: Vec<Lock>,
}

impl LockSet {
    /// The set of `locks`; none if there are none.
    #[must_use]
    pub fn new(mut locks: Vec<Lock>) -> Option<Self> {
        locks.sort_by(|one, other| other.request.ocaml.cmp(&one.request.ocaml));
        let mut locks = locks.into_iter();
        Some(Self { first: locks.next()?, also: locks.collect() })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Lock> {
        std::iter::once(&self.first).chain(&self.also)
    }

    /// The locks in `text`.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let document = Document::parse(text)
            .map_err(|error| LockError { span: error.span(), fault: LockFault::Toml(error.message().to_owned()) })?;
        let root = Table { table: document.as_table(), span: None };
        // The format first: what else is there depends on it.
        let version = root.need("version")?;
        let format = version.as_integer().ok_or_else(|| fault(version, LockFault::Type("a number")))?;
        let more: &[&str] = match format {
            ONE => &["version"],
            SEVERAL => &["version", ALSO],
            _ => return Err(fault(version, LockFault::Format(format))),
        };
        let first = Lock::read(&root, more)?;
        let also = root.tables(ALSO)?.iter().map(|table| Lock::read(table, &[])).collect::<Result<_, _>>()?;
        Ok(Self { first, also })
    }
}

/// The text, of which [`LockSet::parse`] makes the same locks again.
impl Display for LockSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}version = {}", if self.also.is_empty() { ONE } else { SEVERAL })?;
        body(f, &self.first, "")?;
        for lock in &self.also {
            write!(f, "\n[[{ALSO}]]\n")?;
            body(f, lock, &format!("{ALSO}."))?;
        }
        Ok(())
    }
}
