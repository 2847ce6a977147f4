//! The user's project: what its files say it is. Not here: building it ([`crate::site`]).

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// Directories that hold no part of a project's description.
const SKIPPED: [&str; 4] = ["_build", "_opam", "dist", "node_modules"];
/// How deep a project is looked into.
const DEPTH: usize = 12;

/// A dune project on disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) directory: PathBuf,
    /// Whether it describes packages, which say what is installed.
    pub(crate) has_packages: bool,
    /// Whether it has a workspace of its own, which says how dune builds it.
    pub(crate) has_workspace: bool,
    /// What its dune files want of the root.
    pub(crate) wants: Wants,
}

/// What a project's dune files want of the root besides what every root has. A word too many costs time, no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Something names compiler-libs.
    pub(crate) compiler_libs: bool,
    /// A rule may run a program that it names as a dependency: see [`crate::hosted`].
    pub(crate) generators: bool,
    /// A stanza has dune run programs of the target: `(ctypes …)` finds out about C so.
    pub(crate) discovery: bool,
}

impl Project {
    /// The project in `directory`.
    pub(crate) fn find(directory: &Path) -> Result<Self, CommandError> {
        let shown = directory.display();
        if !directory.is_dir() {
            return Err(CommandError::usage(format_args!("{shown} is no directory")));
        }
        let is_root =
            |directory: &Path| ["dune-workspace", "dune-project"].iter().any(|file| directory.join(file).is_file());
        if !is_root(directory) {
            let told = CommandError::usage(format_args!("{shown} is not a dune project"))
                .cause("there is no `dune-project` and no `dune-workspace` in it");
            return Err(match directory.ancestors().skip(1).find(|above| is_root(above)) {
                Some(above) => told.hint(format_args!("did you mean {}?", above.display())),
                None => told.hint("give the project's directory, or make a `dune-project` with `(lang dune 3.0)`"),
            });
        }
        Ok(Self {
            directory: directory.to_owned(),
            has_packages: has_packages(directory),
            has_workspace: directory.join("dune-workspace").is_file(),
            wants: Wants::of(directory, DEPTH),
        })
    }
}

/// Whether there is an opam file or a package in `dune-project`. A word too many costs a second look, no more.
fn has_packages(directory: &Path) -> bool {
    let described = fs::read_to_string(directory.join("dune-project")).is_ok_and(|text| text.contains("(package"));
    let is_opam = |entry: fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "opam");
    described || fs::read_dir(directory).is_ok_and(|entries| entries.flatten().any(is_opam))
}

impl Wants {
    /// What dune files below `directory` say. Unreadable places are dune's to complain about.
    fn of(directory: &Path, depth: usize) -> Self {
        let Ok(entries) = fs::read_dir(directory) else { return Self::default() };
        let of_entry = |entry: fs::DirEntry| {
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    let skipped = name.starts_with('.') || SKIPPED.contains(&name);
                    if depth > 0 && !skipped { Self::of(&entry.path(), depth - 1) } else { Self::default() }
                }
                Ok(_) if matches!(name, "dune" | "dune.inc") => {
                    Self::said_in(&fs::read_to_string(entry.path()).unwrap_or_default())
                }
                _ => Self::default(),
            }
        };
        entries.flatten().map(of_entry).fold(Self::default(), |one, other| Self {
            compiler_libs: one.compiler_libs || other.compiler_libs,
            generators: one.generators || other.generators,
            discovery: one.discovery || other.discovery,
        })
    }

    fn said_in(text: &str) -> Self {
        let generators = text.contains("(:") && text.contains(".exe");
        Self { compiler_libs: text.contains("compiler-libs"), generators, discovery: text.contains("(ctypes") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_directory_is() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        let sub = root.join("sub");
        fs::create_dir(&sub).unwrap();
        assert_eq!(Project::find(&root.join("absent")).unwrap_err().exit().code(), 2);
        assert!(Project::find(root).unwrap_err().message.contains("is not a dune project"));
        fs::write(root.join("dune-project"), "(lang dune 3.0)").unwrap();
        let hints = Project::find(&sub).unwrap_err().hints;
        assert!(hints.iter().any(|hint| hint.contains(&root.display().to_string())), "{hints:?}");
        let project = Project::find(root).unwrap();
        assert!(!project.has_packages && project.wants == Wants::default());
        fs::write(sub.join("dune"), "(library (name x) (libraries compiler-libs.common))").unwrap();
        fs::write(root.join("x.opam"), "").unwrap();
        let project = Project::find(root).unwrap();
        assert!(project.has_packages);
        assert_eq!(project.wants, Wants { compiler_libs: true, ..Wants::default() });
        fs::write(root.join("dune"), "(rule (deps (:gen gen.exe)) (action (run %{gen})))").unwrap();
        assert!(Project::find(root).unwrap().wants.generators);
        fs::write(root.join("dune"), "(library (name y) (libraries ctypes.stubs) (ctypes (generated_entry_point C)))")
            .unwrap();
        assert!(Project::find(root).unwrap().wants.discovery);
    }
}
