//! The facts of one object file. NOT here: reading them (`elf`, `pe`, `coff`, `macho`), judging them (`check`).

use std::borrow::Cow;

use crate::machine::Machine;
use crate::platform::Platform;
use crate::version_need::{GlibcUse, VersionNeed};

/// What one object file says about itself. Names borrow from its bytes; what is not UTF-8 in them appears as U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'d> {
    /// The container.
    pub format: Format,
    /// What the file is for.
    pub kind: Kind,
    /// The processor.
    pub machine: Machine,
    /// How it is linked; `None` for what is not linked yet.
    pub linkage: Option<Linkage>,
    /// The dynamic loader it asks for: `PT_INTERP`, `LC_LOAD_DYLINKER`.
    pub interpreter: Option<Cow<'d, str>>,
    /// The name it is linked by: `DT_SONAME`, `LC_ID_DYLIB`.
    pub own_name: Option<Cow<'d, str>>,
    /// Libraries without which it does not start, in file order: `DT_NEEDED`, PE imports, `LC_LOAD_DYLIB`.
    pub needed: Vec<Cow<'d, str>>,
    /// Libraries it can start without: PE delay-load imports, weak and lazy Mach-O libraries.
    pub optional: Vec<Cow<'d, str>>,
    /// Library search path of the old kind, one entry per `:`-separated directory (`DT_RPATH`).
    pub rpath: Vec<Cow<'d, str>>,
    /// Library search path, one entry per directory: `DT_RUNPATH`, `LC_RPATH`.
    pub runpath: Vec<Cow<'d, str>>,
    /// Versions of symbols required of those libraries (ELF), in file order.
    pub version_needs: Vec<VersionNeed<'d>>,
    /// The system it is for, as far as the file says.
    pub platform: Platform,
    /// Sections whose bytes are compressed, so that a search of the file cannot see into them.
    pub compressed_sections: Vec<Cow<'d, str>>,
}

impl<'d> Report<'d> {
    /// A report with nothing but the header's facts.
    pub(crate) fn new(format: Format, kind: Kind, machine: Machine) -> Self {
        Self {
            format,
            kind,
            machine,
            linkage: None,
            interpreter: None,
            own_name: None,
            needed: Vec::new(),
            optional: Vec::new(),
            rpath: Vec::new(),
            runpath: Vec::new(),
            version_needs: Vec::new(),
            platform: Platform::Unknown,
            compressed_sections: Vec::new(),
        }
    }

    /// What the file requires of glibc; `None` if it requires no version of it.
    #[must_use]
    pub fn glibc(&self) -> Option<GlibcUse<'_>> {
        GlibcUse::of(&self.version_needs)
    }
}

/// The container format of one object file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// ELF.
    Elf,
    /// A linked Windows image.
    Pe,
    /// A Windows object, also of the big kind.
    Coff,
    /// A member of a Windows import library in the short form: one symbol of one DLL.
    CoffImport,
    /// Mach-O, one processor.
    MachO,
}

/// What an object file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A program, position-independent ones included.
    Executable,
    /// A library or plug-in loaded at run time (Mach-O bundles included).
    SharedLibrary,
    /// The output of a compiler, to be linked.
    Relocatable,
    /// A symbol of a DLL to link with.
    ImportStub,
    /// The memory of a dead process.
    Core,
    /// Debugging information kept apart (`dSYM`, `.debug`); of its program's headers only the machine is read.
    DebugCompanion,
    /// Another kind, by its number in the header.
    Other(u32),
}

/// What a linked file needs to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Linkage {
    /// Nothing, at a fixed address.
    Static,
    /// Nothing, at any address.
    StaticPie,
    /// A loader or libraries; every shared library, and every PE or Mach-O file that imports anything.
    Dynamic,
}
