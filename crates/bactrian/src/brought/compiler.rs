//! Asking a compiler which files are its own.
//!
//! A compiler in a directory of its own (`bin` beside `lib/gcc`, `lib/clang` or a sysroot) is taken with all of it. One among the
//! machine's programs says which directories it searches: those that are not the machine's are its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plan::cc::brought::{Description, TOOLS, flags};
use plan::cc::gnu;

use crate::error::CommandError;
use crate::settings::Bring;
use crate::surroundings::{Surroundings, is_program};

/// What only directories of compilers hold, below the one that holds `bin`.
const MARKS: &[&str] =
    &["lib/gcc", "lib64/gcc", "libexec/gcc", "lib/gcc-cross", "lib/clang", "lib64/clang", "sysroot", "lib/tcc"];

/// The compiler of a toolchain, and what belongs to it.
pub(super) fn describe(bring: &Bring, around: &Surroundings) -> Result<Description, CommandError> {
    let said = &bring.toolchain;
    let cc = said.cc.as_deref().unwrap_or(Path::new("cc"));
    let asked = program(cc, "cc", bring, around)?;
    let mut tools = BTreeMap::new();
    for (name, path) in &said.tools {
        tools.insert(name.clone(), text(&program(path, name, bring, around)?, bring)?);
    }
    let asm = match &said.asm {
        Some(asm) => Some(text(&program(asm, "CMAKE_ASM_COMPILER", bring, around)?, bring)?),
        None => None,
    };
    let (cc, prefix) = placed(&asked, bring)?;
    let compiler = Compiler { path: &asked, flags: &said.cflags };
    let whole = is_own(&prefix, around);
    let mut parts = Vec::new();
    if !whole {
        parts = compiler.own_directories();
        parts.retain(|part| Path::new(part).is_dir());
        let directory = cc.parent().unwrap_or(Path::new("/"));
        if !gnu::is_shared(&directory.to_string_lossy()) && !holds_home(directory, around) {
            parts.push(text(directory, bring)?);
        }
        // All of the compiler's own is below the directory that holds `bin`, as it was configured.
        if parts.is_empty() {
            parts.push(text(&cc, bring)?);
        }
    }
    compiler.add_tools(&cc, &mut tools);
    let sysroot = match &said.sysroot {
        Some(sysroot) => Some(directory(sysroot, "sysroot", bring)?),
        None => compiler.sysroot().filter(|sysroot| !Path::new(sysroot).starts_with(&prefix)),
    };
    let mut directories = Vec::new();
    for path in &said.directories {
        directories.push(directory(path, "directories", bring)?);
    }
    for flags in [&said.cflags, &said.asmflags, &said.ldflags, &said.ldlibs] {
        directories.extend(read_by(flags, bring, around)?);
    }
    let prefix = text(&prefix, bring)?;
    directories.extend(parts.iter().filter(|part| !Path::new(part).starts_with(&prefix)).cloned());
    Ok(Description {
        cc: text(&cc, bring)?,
        asm,
        tools,
        prefix,
        parts,
        sysroot,
        directories,
        cflags: said.cflags.clone(),
        asmflags: said.asmflags.clone(),
        ldflags: said.ldflags.clone(),
        ldlibs: said.ldlibs.clone(),
    })
}

/// The absolute path of a program that is said by path or by name.
fn program(said: &Path, key: &str, bring: &Bring, around: &Surroundings) -> Result<PathBuf, CommandError> {
    let place = &bring.place;
    let absent = |what: String| {
        CommandError::usage(format_args!("{place}: `{key}` is {what}"))
            .hint("give a path, seen from the file, or the name of a program in PATH")
    };
    if said.components().nth(1).is_some() {
        return match said {
            said if is_program(said) => Ok(said.to_owned()),
            said if said.exists() => Err(absent(format!("{}, which is no program", said.display()))),
            said => Err(absent(format!("{}, which does not exist", said.display()))),
        };
    }
    around.env.program(said).ok_or_else(|| absent(format!("`{}`, which is not in PATH", said.display())))
}

/// Where the compiler's file is, under the name it was asked by if that is beside it; and the directory above its `bin`.
fn placed(asked: &Path, bring: &Bring) -> Result<(PathBuf, PathBuf), CommandError> {
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| {
            CommandError::usage(format_args!("{}: cannot find {}", bring.place, path.display())).cause(error)
        })
    };
    let file = real(asked)?;
    let beside = real(asked.parent().unwrap_or(Path::new("/")))?;
    let named = asked.file_name().map(|name| beside.join(name));
    let cc = named.filter(|_| file.parent() == Some(&beside)).unwrap_or(file);
    let directory = cc.parent().unwrap_or(Path::new("/"));
    let prefix = if directory.ends_with("bin") { directory.parent().unwrap_or(directory) } else { directory };
    Ok((cc.clone(), prefix.to_owned()))
}

/// Whether a directory is one compiler's alone, so that all of it is taken.
fn is_own(prefix: &Path, around: &Surroundings) -> bool {
    let marked = MARKS.iter().any(|mark| prefix.join(mark).is_dir());
    marked && !gnu::is_shared(&prefix.to_string_lossy()) && !holds_home(prefix, around)
}

/// Whether the user's own files are below a directory.
fn holds_home(directory: &Path, around: &Surroundings) -> bool {
    let home = around.env.get("HOME").is_some_and(|home| Path::new(home).starts_with(directory));
    home || around.directory.starts_with(directory)
}

/// What flags name that is there. A directory that is not for compilers alone is taken if `directories` says so.
fn read_by(flags: &[String], bring: &Bring, around: &Surroundings) -> Result<Vec<String>, CommandError> {
    let said = bring.toolchain.directories.iter().chain(&bring.toolchain.sysroot);
    let said: Vec<_> = said.filter_map(|directory| directory.canonicalize().ok()).collect();
    let mut found = Vec::new();
    for (flag, read) in flags.iter().zip(flags::read(flags)) {
        let Some(path) = read.map(|read| read.path) else { continue };
        let Ok(real) = Path::new(path).canonicalize() else { continue };
        if said.iter().any(|directory| real.starts_with(directory)) {
            found.push(path.to_owned());
            continue;
        }
        let shared = real.is_dir() && (gnu::is_shared(path) || gnu::is_shared(&real.to_string_lossy()));
        if shared || holds_home(&real, around) {
            let whose = if shared { "is the whole machine's" } else { "holds more than a compiler reads" };
            return Err(CommandError::usage(format_args!("{}: the directory in `{flag}` {whose}", bring.place)).hint(
                "leave the option out, or name a directory of the target's headers and libraries, such as a `sysroot`",
            ));
        }
        found.push(path.to_owned());
    }
    Ok(found)
}

fn directory(path: &Path, key: &str, bring: &Bring) -> Result<String, CommandError> {
    match path.canonicalize() {
        Ok(real) if real.parent().is_none() => {
            Err(CommandError::usage(format_args!("{}: `{key}`: {} is the whole machine", bring.place, path.display())))
        }
        Ok(real) if real.is_dir() => text(&real, bring),
        Ok(_) => Err(CommandError::usage(format_args!("{}: `{key}`: {} is no directory", bring.place, path.display()))),
        Err(error) => {
            Err(CommandError::usage(format_args!("{}: `{key}`: {}", bring.place, path.display())).cause(error))
        }
    }
}

fn text(path: &Path, bring: &Bring) -> Result<String, CommandError> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| CommandError::usage(format_args!("{}: the path {} is no UTF-8", bring.place, path.display())))
}

/// A compiler that can be asked.
struct Compiler<'c> {
    path: &'c Path,
    flags: &'c [String],
}

impl Compiler<'_> {
    /// What it writes for these arguments, to both streams; nothing if it does not understand them. It is asked for a moment and in
    /// English, whatever its user speaks.
    fn answer(&self, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new(self.path);
        command.args(self.flags).args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
        let Ok(output) = command.output() else { return Default::default() };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() { (text(output.stdout), text(output.stderr)) } else { Default::default() }
    }

    fn own_directories(&self) -> Vec<String> {
        let (search_dirs, _) = self.answer(&["-print-search-dirs"]);
        let (_, verbose) = self.answer(&["-E", "-v", "-x", "c", "/dev/null", "-o", "/dev/null"]);
        gnu::own_directories(&search_dirs, &verbose)
    }

    /// The sysroot that it was configured with, unless that is the machine.
    fn sysroot(&self) -> Option<String> {
        let (answer, _) = self.answer(&["-print-sysroot"]);
        let real = Path::new(answer.trim()).canonicalize().ok()?;
        let real = real.to_str().filter(|path| !gnu::is_shared(path))?;
        Some(real.to_owned())
    }

    /// Adds the tools that are named like the compiler and lie beside it, and those that it would run itself.
    fn add_tools(&self, cc: &Path, tools: &mut BTreeMap<String, String>) {
        let directory = cc.parent().unwrap_or(Path::new("/"));
        let name = cc.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let shared = gnu::is_shared(&directory.to_string_lossy());
        let prefixes: Vec<&str> = match gnu::tool_prefix(name) {
            // `/usr/bin/ar` is the machine's, whatever compiler lies beside it.
            Some("") if shared => vec![gnu::LLVM_PREFIX],
            Some("") => vec![gnu::LLVM_PREFIX, ""],
            Some(prefix) => vec![prefix, gnu::LLVM_PREFIX],
            None => Vec::new(),
        };
        for tool in TOOLS {
            if tools.contains_key(*tool) {
                continue;
            }
            // LLVM's `as` is for its own language.
            let prefixes =
                prefixes.iter().filter(|prefix| !(**prefix == gnu::LLVM_PREFIX && matches!(*tool, "as" | "ld")));
            let mut beside = prefixes.map(|prefix| directory.join(format!("{prefix}{tool}")));
            let Some(found) = beside.find(|path| is_program(path)) else { continue };
            tools.extend(found.to_str().map(|path| ((*tool).to_owned(), path.to_owned())));
        }
    }
}
