//! The vocabulary of recipes, and what a well-formed step is.
//!
//! Not here: the text form (`text`), and what a step does to a file system (the program).

use std::collections::BTreeMap;
use std::fmt;

use crate::Bytes;

/// What the builder does, in order; the first failing step ends it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Recipe {
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One typed step. Every path is absolute, in the root the builder runs in, without `.`, `..` or empty components.
///
/// Every file and directory a step (other than `Run`) writes gets the time [`crate::FIXED_MTIME`], so that `make` sees no
/// order. Parent directories of what a step writes are created.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Creates a directory and its parents; one that exists is left alone.
    Mkdir {
        /// The directory.
        path: Bytes,
    },
    /// Copies a file, symbolic link or tree to exactly `to`. Results are writable by their owner and keep the `x` bit; symbolic links are
    /// copied as links. Into an existing directory a tree is merged; existing files are replaced.
    Copy {
        /// What is copied.
        from: Bytes,
        /// The name of the copy itself, not of a directory to put it in.
        to: Bytes,
    },
    /// Renames, or copies and removes where renaming is impossible.
    Move {
        /// The old name.
        from: Bytes,
        /// The new name; a file there is replaced, a directory there is an error.
        to: Bytes,
    },
    /// Removes a file, link or tree; absent is fine.
    Remove {
        /// What is removed.
        path: Bytes,
    },
    /// Writes a file, replacing one that is there.
    Write {
        /// The file.
        path: Bytes,
        /// Its whole contents.
        contents: Bytes,
        /// Whether it gets the `x` bit.
        executable: bool,
    },
    /// Adds to the end of an existing file.
    Append {
        /// The file; absent is an edit that does not apply.
        path: Bytes,
        /// What is added.
        contents: Bytes,
    },
    /// Replaces every occurrence of a byte string in a file; none is an error: an edit of somebody's source must not rot silently.
    Substitute {
        /// The file.
        path: Bytes,
        /// What is looked for; not empty.
        from: Bytes,
        /// What it becomes.
        to: Bytes,
    },
    /// Applies a unified diff.
    Patch {
        /// The diff.
        file: Bytes,
        /// The directory its file names are relative to.
        dir: Bytes,
        /// How many leading components of those names are dropped, as `patch -p`.
        strip: u32,
    },
    /// Makes a symbolic link; one that is there is replaced.
    Symlink {
        /// The link.
        path: Bytes,
        /// What it says, uninterpreted.
        target: Bytes,
    },
    /// Merges a tree into another: directories are made anew, each file becomes a relative symbolic link to its original. Two
    /// different files at one path are an error naming both; equal ones are fine.
    Union {
        /// The tree merged in.
        from: Bytes,
        /// The tree merged into.
        to: Bytes,
    },
    /// Runs a program and waits; a status other than 0 ends the recipe.
    Run {
        /// Program and arguments; a program without `/` is looked up in the PATH of the step's own environment.
        argv: Vec<Bytes>,
        /// The working directory.
        cwd: Bytes,
        /// Added to, and winning over, the environment the builder was started with.
        env: BTreeMap<Bytes, Bytes>,
    },
    /// Installs what an opam/dune `.install` file lists.
    Install {
        /// The `.install` file.
        file: Bytes,
        /// The package's name: the directory below `lib`, `share`, `etc` and `doc`.
        package: Bytes,
        /// The directory everything is installed below, and nothing outside of.
        prefix: Bytes,
        /// The directory the listed files are relative to.
        source: Bytes,
    },
}

/// Why a step is not well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A path that does not begin with `/`, or has a `.`, `..` or empty component.
    NotARootPath(Bytes),
    /// A path, argument, variable or link target with a zero byte in it: no system call can take it.
    ZeroByte(Bytes),
    /// `Run` without a program.
    NoProgram,
    /// A variable whose name is empty or contains `=`.
    VariableName(Bytes),
    /// `Substitute` looking for nothing, or a link to nothing, or a package without a name.
    Empty(&'static str),
    /// A package name containing `/`, or `.` or `..`.
    PackageName(Bytes),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARootPath(path) => {
                write!(f, "{path:?} is not an absolute path without '.', '..' and empty components")
            }
            Self::ZeroByte(bytes) => write!(f, "{bytes:?} contains a zero byte"),
            Self::NoProgram => write!(f, "no program to run"),
            Self::VariableName(name) => write!(f, "{name:?} cannot be the name of a variable"),
            Self::Empty(what) => write!(f, "{what} is empty"),
            Self::PackageName(name) => write!(f, "{name:?} cannot be the name of a package"),
        }
    }
}

impl std::error::Error for Fault {}

impl Step {
    /// A `Run` with nothing added to the environment.
    pub fn run<A: Into<Bytes>>(cwd: impl Into<Bytes>, argv: impl IntoIterator<Item = A>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self::Run { argv, cwd: cwd.into(), env: BTreeMap::new() }
    }

    /// Whether the step is one the builder accepts.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Mkdir { path } | Self::Remove { path } | Self::Write { path, .. } | Self::Append { path, .. } => {
                root_path(path)
            }
            Self::Copy { from, to } | Self::Move { from, to } | Self::Union { from, to } => {
                root_path(from)?;
                root_path(to)
            }
            Self::Substitute { path, from, .. } => {
                non_empty("what to substitute", from)?;
                root_path(path)
            }
            Self::Patch { file, dir, .. } => {
                root_path(file)?;
                root_path(dir)
            }
            Self::Symlink { path, target } => {
                non_empty("a link's target", target)?;
                no_zero(target)?;
                root_path(path)
            }
            Self::Run { argv, cwd, env } => check_run(argv, cwd, env),
            Self::Install { file, package, prefix, source } => {
                package_name(package)?;
                root_path(file)?;
                root_path(prefix)?;
                root_path(source)
            }
        }
    }
}

fn check_run(argv: &[Bytes], cwd: &Bytes, env: &BTreeMap<Bytes, Bytes>) -> Result<(), Fault> {
    match argv.first() {
        Some(program) if !program.is_empty() => {}
        _ => return Err(Fault::NoProgram),
    }
    for argument in argv {
        no_zero(argument)?;
    }
    for (name, value) in env {
        if name.is_empty() || name.contains(&b'=') {
            return Err(Fault::VariableName(name.clone()));
        }
        no_zero(name)?;
        no_zero(value)?;
    }
    root_path(cwd)
}

fn root_path(path: &Bytes) -> Result<(), Fault> {
    no_zero(path)?;
    let Some(rest) = path.strip_prefix(b"/") else { return Err(Fault::NotARootPath(path.clone())) };
    let bad = |part: &[u8]| part.is_empty() || part == b"." || part == b"..";
    if !rest.is_empty() && rest.split(|byte| *byte == b'/').any(bad) {
        return Err(Fault::NotARootPath(path.clone()));
    }
    Ok(())
}

fn no_zero(bytes: &Bytes) -> Result<(), Fault> {
    if bytes.contains(&0) { Err(Fault::ZeroByte(bytes.clone())) } else { Ok(()) }
}

fn non_empty(what: &'static str, bytes: &Bytes) -> Result<(), Fault> {
    if bytes.is_empty() { Err(Fault::Empty(what)) } else { Ok(()) }
}

fn package_name(name: &Bytes) -> Result<(), Fault> {
    non_empty("a package's name", name)?;
    if name.contains(&b'/') || name.contains(&0) || name.as_slice() == b"." || name.as_slice() == b".." {
        return Err(Fault::PackageName(name.clone()));
    }
    Ok(())
}
