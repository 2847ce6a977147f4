//! Brought C toolchains: a compiler of the user's own instead of clang out of zig's bundle.
//!
//! Its files are captured from the machine and put at constant places below `from` in the target's C toolchain, where its
//! programs find each other as they did; what is called `cc`, `as`, `ld`, … are scripts around them. So everything that is
//! compiled depends on what the compiler is, not on where the user has it. `recipes/cc/brought.sh` makes the scripts, and
//! compiles and links a program with them: a compiler that cannot is told before anything is built with it.
//!
//! Not here: finding out which files a compiler has, which is asking the compiler (`bactrian`).

use std::collections::BTreeMap;

use action::graph::{Capture, Input, Node, NodeId};
use action::path::{PathError, RelPath};
use action::pattern::Pattern;

use super::packages;
use crate::layout;
use crate::planner::{Job, PlanError, Planner, input, script};
use crate::target::{Abi, ObjectFormat, Target};

pub mod flags;

/// The recipe's files.
const RECIPES: &[(&str, &str)] = &[
    ("cc/arches.txt", super::ARCHES),
    ("cc/bin/as-any", include_str!("../../recipes/cc/bin/as-any")),
    ("cc/bin/cpp", include_str!("../../recipes/cc/bin/cpp")),
    ("cc/brought.sh", include_str!("../../recipes/cc/brought.sh")),
    ("cc/tools/elf.h", include_str!("../../recipes/cc/tools/elf.h")),
    ("cc/tools/nm.c", include_str!("../../recipes/cc/tools/nm.c")),
    ("cc/tools/rt.h", include_str!("../../recipes/cc/tools/rt.h")),
    ("cc/tools/strip.c", include_str!("../../recipes/cc/tools/strip.c")),
];

/// Where the captured files are, seen from the target's C toolchain.
const FROM: &str = "from";
/// Where the compiler's own directory is: as most are configured, so that a linker script that names `/usr/…` is right
/// below a sysroot.
const PREFIX: &str = "usr";
const SYSROOT: &str = "sysroot";
const LIBRARIES: &str = "libraries";
const EXTRA: &str = "extra";

/// What compilers bring and compiling never reads.
const LEFT_OUT: &[&str] = &["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale"];

/// What a linked program of the check is called in the toolchain.
pub const CHECK: &str = "lib/check/program";

/// The programs of a toolchain besides the compiler, as they are called in `bin`.
pub const TOOLS: &[&str] =
    &["ar", "as", "dlltool", "ld", "nm", "objcopy", "objdump", "ranlib", "readelf", "strip", "windres"];

/// A C toolchain as it lies on the machine: all paths are absolute, without links but for the last name of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// The C compiler.
    pub cc: String,
    /// What compiles assembly with a compiler's options, if that is not the C compiler.
    pub asm: Option<String>,
    /// Other programs, by their name in [`TOOLS`].
    pub tools: BTreeMap<String, String>,
    /// The directory above the compiler's `bin`.
    pub prefix: String,
    /// Which directories and files below the prefix are the compiler's; all of it if empty.
    pub parts: Vec<String>,
    /// Where headers and libraries are, if the compiler does not know.
    pub sysroot: Option<String>,
    /// What else is needed: directories that flags name.
    pub directories: Vec<String>,
    /// Arguments of every compilation and link.
    pub cflags: Vec<String>,
    /// Arguments of every assembly, besides.
    pub asmflags: Vec<String>,
    /// Arguments of every link, besides; libraries may be among them.
    pub ldflags: Vec<String>,
    /// What is linked with every program and shared library, after all else.
    pub ldlibs: Vec<String>,
}

/// A C toolchain that the user brings for a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    target: Target,
    capture: Capture,
    /// Of the recipe's action.
    environment: Vec<(&'static str, String)>,
}

/// Why a toolchain cannot be brought.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BroughtError {
    /// The build machine's own C toolchain is at the same place.
    #[error("{target} is what programs of the build machine are compiled for")]
    Host {
        /// The target.
        target: String,
    },
    /// A program is in none of the directories.
    #[error("{path} is outside of everything that is taken of the toolchain")]
    Outside {
        /// The program.
        path: String,
    },
    /// A path that cannot be in a tree.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Brought {
    /// The toolchain of `description` for `target`.
    ///
    /// # Errors
    /// [`BroughtError::Host`] if the target is that of the build machine's C toolchain.
    pub fn new(target: Target, description: &Description) -> Result<Self, BroughtError> {
        if target.to_string() == layout::HOST_CC_TARGET {
            return Err(BroughtError::Host { target: target.to_string() });
        }
        let places = Places::of(description)?;
        let at = |path: &str| {
            places.place(path).ok_or_else(|| BroughtError::Outside { path: path.to_owned() }).map(|at| at.to_string())
        };
        let root = format!("/{}/{target}/{FROM}", layout::CC);
        let words = |flags: &[String]| -> String {
            let words: Vec<_> = places.flags(flags, &root).iter().map(|flag| shell_word(flag)).collect();
            words.join(" ")
        };
        let (ldflags, libraries) = flags::split_libraries(&description.ldflags);
        let mut tools = Vec::new();
        for (name, path) in description.tools.iter().filter(|(name, _)| TOOLS.contains(&name.as_str())) {
            tools.push(format!("{name}={}", at(path)?));
        }
        let spec = target.spec();
        let environment = vec![
            ("ASM", description.asm.as_deref().map(at).transpose()?.unwrap_or_default()),
            ("ASMFLAGS", words(&description.asmflags)),
            ("CC", at(&description.cc)?),
            ("CFLAGS", words(&description.cflags)),
            ("ELF", if spec.object_format == ObjectFormat::Elf { "1" } else { "" }.to_owned()),
            ("LDFLAGS", words(ldflags)),
            ("LDLIBS", words(&[libraries, &description.ldlibs].concat())),
            ("LIBC", libc(spec.abi).to_owned()),
            // On Windows the compiler's own libraries (winpthread, gcc's) would have to be brought along.
            ("MODE", if matches!(spec.abi, Abi::Musl | Abi::Mingw) { "-static" } else { "" }.to_owned()),
            ("PACKAGES", packages(target)),
            ("SYSROOT", description.sysroot.as_deref().map(at).transpose()?.unwrap_or_default()),
            ("TARGET", target.to_string()),
            ("TOOLS", tools.join(" ")),
        ];
        let capture = Capture {
            label: format!("C compiler for {target}"),
            parts: places.0,
            leave_out: LEFT_OUT.iter().map(|path| Pattern::new(path)).collect::<Result<_, _>>()?,
            libraries: RelPath::new(LIBRARIES)?,
            provided: crate::base::LIBRARIES.iter().map(|name| (*name).to_owned()).collect(),
        };
        Ok(Self { target, capture, environment })
    }

    /// For what it compiles.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }
}

/// Where directories and files of the machine are put below [`FROM`].
struct Places(Vec<(String, RelPath)>);

impl Places {
    fn of(description: &Description) -> Result<Self, PathError> {
        let mut places = Self(Vec::new());
        let prefix = description.prefix.trim_end_matches('/');
        let parts = if description.parts.is_empty() {
            std::slice::from_ref(&description.prefix)
        } else {
            description.parts.as_slice()
        };
        let programs = std::iter::once(&description.cc).chain(&description.asm).chain(description.tools.values());
        for part in parts.iter().chain(programs) {
            if let Some(below) = part.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                places.add(part, &format!("{PREFIX}{below}"))?;
            }
        }
        if let Some(sysroot) = &description.sysroot {
            places.add(sysroot, SYSROOT)?;
        }
        let outside: Vec<_> =
            description.directories.iter().chain(&description.asm).chain(description.tools.values()).collect();
        for (number, path) in outside.into_iter().enumerate() {
            // A program's name may mean something to it.
            let name = path.rsplit('/').next().unwrap_or_default();
            places.add(path, &format!("{EXTRA}/{number}/{name}"))?;
        }
        Ok(places)
    }

    /// Adds a part, unless one that is there already holds it.
    fn add(&mut self, path: &str, at: &str) -> Result<(), PathError> {
        if self.place(path).is_none() {
            let at = RelPath::new(at)?;
            // What comes later may hold what came before. It replaces that only if it puts it at the same place: a compiler's
            // parts are found from where its program is.
            self.0.retain(|(known, place)| {
                below(known, path).is_none_or(|rest| RelPath::new(rest).is_ok_and(|rest| at.join(&rest) != *place))
            });
            self.0.push((path.trim_end_matches('/').to_owned(), at));
        }
        Ok(())
    }

    /// Where a path is put, if a part holds it.
    fn place(&self, path: &str) -> Option<RelPath> {
        let (rest, at) = self.0.iter().find_map(|(part, at)| Some((below(path, part)?, at)))?;
        if rest.is_empty() {
            return Some(at.clone());
        }
        Some(at.join(&RelPath::new(rest).ok()?))
    }

    /// Flags in which the paths of what is read are where that is in the root.
    fn flags(&self, flags: &[String], root: &str) -> Vec<String> {
        let placed = |(flag, read): (&String, Option<flags::Read<'_>>)| {
            let placed = read.and_then(|read| Some((read, self.place(read.path)?)));
            placed.map_or_else(|| flag.clone(), |(read, at)| format!("{}{root}/{at}{}", read.before, read.after))
        };
        flags.iter().zip(flags::read(flags)).map(placed).collect()
    }
}

/// What follows the directory `part` in `path`, without the slash.
fn below<'p>(path: &'p str, part: &str) -> Option<&'p str> {
    let rest = path.trim_end_matches('/').strip_prefix(part.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// What the recipe calls a C library.
const fn libc(abi: Abi) -> &'static str {
    match abi {
        Abi::Musl => "musl",
        Abi::Gnu => "glibc",
        Abi::Mingw => "mingw",
        Abi::Darwin => "darwin",
        Abi::FreeBsd => "freebsd",
        Abi::Bionic => "bionic",
    }
}

/// A word of a shell's command that means `text` itself.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl Planner {
    /// Has the target's C code compiled by `brought`. Says nothing about what is planned already.
    pub fn bring(&mut self, brought: Brought) {
        self.brought.retain(|known| known.target != brought.target);
        self.brought.push(brought);
    }

    /// The brought C toolchain of `target`, if there is one.
    pub(super) fn brought_cc(&mut self, target: Target) -> Result<Option<NodeId>, PlanError> {
        let Some(brought) = self.brought.iter().find(|brought| brought.target == target).cloned() else {
            return Ok(None);
        };
        let Brought { capture, environment, .. } = brought;
        let captured = self.once(format!("captured {target}"), |_| Ok(Node::Capture(capture)))?;
        let zig = self.zig()?;
        let place = format!("{}/{target}/{FROM}", layout::CC);
        let tools = self.once(format!("brought tools {target}"), |planner| {
            planner.run(Job {
                label: format!("C toolchain for {target}"),
                inputs: vec![input(layout::ZIG, zig)?, input(&place, captured)?],
                files: RECIPES.to_vec(),
                steps: vec![script("cc/brought.sh")],
                environment,
                target: Some(target),
            })
        })?;
        let whole: Vec<Input> = vec![input("", tools)?, input(FROM, captured)?];
        Ok(Some(self.once(format!("brought cc {target}"), |_| Ok(Node::Compose(whole)))?))
    }
}

#[cfg(test)]
mod tests;
