//! The leak scan: every object that a package installs for a target is for that target.
//!
//! A host's object in a target's package would be told by the linker much later, in another package, without a name. Each
//! tree is read once; that it passed is remembered. Not here: what an object file says (`inspect`).

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Read as _;

use action::digest::DirDigest;
use action::graph::NodeId;
use action::path::RelPath;
use action::tree::Entry;
use exec::engine::Inspector;
use exec::store::{MemoValue, Store, StoreError};
use inspect::{Arch, Expectation, Fault, Format};
use plan::target::{Cpu, ObjectFormat, Target};

/// Memo kind: tree and architecture → that it passed.
const PASSED: &str = "leaks";
/// As many bytes as tell an object file from all others.
const MAGIC: usize = 8;

/// Programs that are the build machine's wherever they are installed: dune puts a preprocessor's driver, which whoever uses
/// the preprocessor runs while building, beside the library it is made of.
const RUN_WHILE_BUILDING: &[&str] = &["ppx.exe"];

/// Reads what nodes of targets have made.
pub(crate) struct LeakScan<'s> {
    pub(crate) store: &'s Store,
    /// The package of a node, and its target.
    pub(crate) nodes: BTreeMap<NodeId, (String, Target)>,
}

/// An object of another machine.
#[derive(Debug)]
pub(crate) struct Leak {
    pub(crate) package: String,
    pub(crate) target: Target,
    /// In the package, with the member of an archive.
    pub(crate) file: String,
    pub(crate) other: Other,
}

/// Why it is of another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    /// It is for another processor.
    Arch { found: Arch, expected: Arch },
    /// It is for another system, as its format tells.
    Format(Format),
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, target, file, other } = self;
        match other {
            Other::Arch { found, expected } => {
                let (found, expected) = (format!("{found:?}").to_lowercase(), format!("{expected:?}").to_lowercase());
                write!(f, "{package}: `{file}` is for {found}, but {target} is {expected}")
            }
            Other::Format(found) => {
                let found = format!("{found:?}").to_lowercase();
                write!(f, "{package}: `{file}` is in the format {found}, which is not that of {target}")
            }
        }
    }
}

impl Error for Leak {}

impl Inspector for LeakScan<'_> {
    fn inspect(&self, node: NodeId, tree: DirDigest) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Some((package, target)) = self.nodes.get(&node) else { return Ok(()) };
        let (expected, format) = (arch(*target), target.spec().object_format);
        let key = key(tree, *target);
        if self.store.memo_get(PASSED, key.as_bytes())?.is_some() {
            return Ok(());
        }
        let scan = Scan { store: self.store, package, target: *target, expected, format };
        scan.directory(tree, &RelPath::root())?;
        self.store.memo_put(PASSED, key.as_bytes(), MemoValue::Tree(tree))?;
        Ok(())
    }

    fn reads(&self, node: NodeId, tree: DirDigest) -> bool {
        let Some((_, target)) = self.nodes.get(&node) else { return false };
        !matches!(self.store.memo_get(PASSED, key(tree, *target).as_bytes()), Ok(Some(_)))
    }
}

/// What is remembered of a tree that passed.
fn key(tree: DirDigest, target: Target) -> String {
    let expected = arch(target);
    match target.spec().object_format {
        ObjectFormat::Elf => format!("{tree} {expected:?}"),
        other => format!("{tree} {expected:?} {other:?}"),
    }
}

struct Scan<'s> {
    store: &'s Store,
    package: &'s str,
    target: Target,
    expected: Arch,
    format: ObjectFormat,
}

impl Scan<'_> {
    fn directory(&self, tree: DirDigest, at: &RelPath) -> Result<(), Box<dyn Error + Send + Sync>> {
        for (name, entry) in self.store.directory(tree)?.iter() {
            let at = at.child(name);
            match entry {
                Entry::Directory(digest) => self.directory(*digest, &at)?,
                Entry::File { .. } if RUN_WHILE_BUILDING.contains(&name.as_str()) => {}
                Entry::File { digest, executable } => {
                    let path = self.store.blob_path(*digest, *executable)?;
                    let failed = |source| StoreError::Io { path: path.clone(), source };
                    let mut file = File::open(&path).map_err(failed)?;
                    let mut magic = Vec::new();
                    file.by_ref().take(MAGIC as u64).read_to_end(&mut magic).map_err(failed)?;
                    if is_object(&magic) {
                        let mut bytes = magic;
                        file.read_to_end(&mut bytes).map_err(failed)?;
                        self.object(&bytes, &at)?;
                    }
                }
                Entry::Symlink(_) => {}
            }
        }
        Ok(())
    }

    fn object(&self, bytes: &[u8], at: &RelPath) -> Result<(), Leak> {
        // What cannot be read is no object of anybody's: packages install test data and the like.
        let Ok(content) = inspect::inspect(bytes) else { return Ok(()) };
        let leak = |other, member: Option<&str>| {
            let member = member.map_or_else(String::new, |member| format!("({member})"));
            let file = format!("{}{member}", at.as_str());
            Err(Leak { package: self.package.to_owned(), target: self.target, file, other })
        };
        for item in content.items() {
            let Ok(report) = item.report else { continue };
            if !of_format(report.format, self.format) {
                return leak(Other::Format(report.format), item.place.member);
            }
        }
        let expectation = Expectation { arch: Some(self.expected), ..Expectation::default() };
        for violation in inspect::check(&content, &expectation) {
            let Fault::Arch { found, expected } = violation.fault else { continue };
            return leak(Other::Arch { found, expected }, violation.place.member);
        }
        Ok(())
    }
}

/// Whether a target of the one format has files of the other.
fn of_format(found: Format, expected: ObjectFormat) -> bool {
    match expected {
        ObjectFormat::Elf => found == Format::Elf,
        ObjectFormat::Pe => matches!(found, Format::Pe | Format::Coff | Format::CoffImport),
        ObjectFormat::MachO => found == Format::MachO,
    }
}

/// Whether a file may hold objects: ELF, archives, Mach-O, PE.
fn is_object(magic: &[u8]) -> bool {
    const MACH_O: [&[u8]; 3] = [b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe"];
    let starts = |with: &[u8]| magic.starts_with(with);
    starts(b"\x7fELF") || starts(b"!<arch>\n") || starts(b"MZ") || MACH_O.into_iter().any(starts)
}

/// The target's processor as object files name it.
pub(crate) fn arch(target: Target) -> Arch {
    match target.spec().cpu {
        Cpu::X86_64 => Arch::X86_64,
        Cpu::Aarch64 => Arch::Aarch64,
        Cpu::Riscv64 => Arch::Riscv64,
        Cpu::Armv7 => Arch::Arm,
        Cpu::X86 => Arch::X86,
        Cpu::Powerpc64le => Arch::Powerpc64,
        Cpu::S390x => Arch::S390x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell_systems_apart() {
        let all = [Format::Elf, Format::Pe, Format::Coff, Format::CoffImport, Format::MachO];
        for (expected, own) in [
            (ObjectFormat::Elf, &[Format::Elf] as &[_]),
            (ObjectFormat::Pe, &[Format::Pe, Format::Coff, Format::CoffImport]),
            (ObjectFormat::MachO, &[Format::MachO]),
        ] {
            for format in all {
                assert_eq!(of_format(format, expected), own.contains(&format), "{format:?} for {expected:?}");
            }
        }
    }
}
