//! What could not be read, and where. NOT here: what to do about it.

use std::fmt;

/// A file that announces an object format but breaks its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} at byte {offset}: {reason}")]
pub struct Error {
    /// The structure that could not be read.
    pub part: Part,
    /// Where that structure begins or was said to begin, in bytes from the start of the inspected bytes.
    pub offset: u64,
    /// The rule that was broken.
    pub reason: Reason,
}

/// The rule of a format that was broken, printable for developers; the wording is not stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason(Rule);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Ours(&'static str),
    Reader(object::read::Error),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Ours(rule) => f.write_str(rule),
            Rule::Reader(error) => error.fmt(f),
        }
    }
}

/// The structures of object files that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The header that names format, class and machine (all formats).
    FileHeader,
    /// ELF program headers.
    ProgramHeaders,
    /// ELF section headers and their names, PE and COFF section tables.
    SectionHeaders,
    /// The path of the dynamic loader (`PT_INTERP`).
    Interpreter,
    /// The ELF dynamic table (`PT_DYNAMIC`).
    DynamicTable,
    /// The string table of the ELF dynamic table.
    DynamicStrings,
    /// ELF symbol version requirements (`.gnu.version_r`).
    VersionNeeds,
    /// ELF dynamic symbols and their version indices.
    DynamicSymbols,
    /// PE import and delay-load import tables.
    ImportTable,
    /// A member of a Windows import library in the short form.
    ImportStub,
    /// Mach-O load commands.
    LoadCommands,
    /// A Mach-O code signature.
    CodeSignature,
    /// The table of a universal Mach-O file.
    SliceTable,
    /// A slice of a universal Mach-O file that is not inside the file.
    Slice,
    /// The magic, symbol table and name table of an archive.
    ArchiveHeader,
    /// A member of an archive.
    ArchiveMember,
}

impl Error {
    /// The same error seen from a file in which these bytes begin at `base`.
    pub(crate) fn shifted(self, base: u64) -> Self {
        Self { offset: self.offset.saturating_add(base), ..self }
    }
}

/// Reading rules broken at `offset` in `part`.
pub(crate) fn broken(part: Part, offset: u64, rule: &'static str) -> Error {
    Error { part, offset, reason: Reason(Rule::Ours(rule)) }
}

/// Turns the errors of the `object` crate, which know neither structure nor place, into ours.
pub(crate) trait At<T> {
    /// Says what was being read and where it begins.
    fn at(self, part: Part, offset: u64) -> Result<T, Error>;
}

impl<T> At<T> for Result<T, object::read::Error> {
    fn at(self, part: Part, offset: u64) -> Result<T, Error> {
        self.map_err(|error| Error { part, offset, reason: Reason(Rule::Reader(error)) })
    }
}

impl<T> At<T> for Result<T, ()> {
    fn at(self, part: Part, offset: u64) -> Result<T, Error> {
        self.map_err(|()| broken(part, offset, "outside the file"))
    }
}

impl<T> At<T> for Option<T> {
    fn at(self, part: Part, offset: u64) -> Result<T, Error> {
        self.ok_or_else(|| broken(part, offset, "outside the file"))
    }
}
