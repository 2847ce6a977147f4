//! The user's project: where its files say what it is, and entering the root it is built in.
//!
//! The project's directory is joined at `/src`; dune's build directory is the store's, mounted over `_build`, so the
//! user's own dune and ours do not undo each other's work. Where nothing can be mounted, a copy of the project in the
//! store stands in for it. Not here: what runs inside (the commands).

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use action::path::RelPath;
use exec::engine::Report;
use exec::replica::{Replica, ReplicaError};
use exec::sandbox::{self, Join, Room, Way};
use exec::store::{Guard, Scratch};
use plan::layout;
use plan::project::ProjectRoot;
use plan::target::Target;

use crate::commands::Context;
use crate::error::CommandError;
use crate::failure;
use crate::hosted;
use crate::knowledge::Knowledge;
use crate::lockfile::{LockFile, Renewal};
use crate::manifest;
use crate::resolution::Resolution;
use crate::settings::Means;
use crate::workshop::{Workshop, release};

/// Directories that hold no part of a project's description.
const SKIPPED: [&str; 4] = ["_build", "_opam", "dist", "node_modules"];
/// What is not copied of a project that cannot be joined: results, and what dune does not read.
const NOT_COPIED: &[&str] = &["_build", "_opam", "dist", ".git"];
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
    /// A rule may run a program that it names as a dependency: see [`hosted`].
    pub(crate) generators: bool,
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
        })
    }

    fn said_in(text: &str) -> Self {
        let generators = text.contains("(:") && text.contains(".exe");
        Self { compiler_libs: text.contains("compiler-libs"), generators }
    }
}

/// A project's root, made and ready to be entered.
pub(crate) struct Site<'w> {
    ctx: &'w Context<'w>,
    workshop: &'w Workshop<'w>,
    report: Report,
    project: PathBuf,
    way: Way,
    /// What of this project is in the store.
    home: PathBuf,
    /// dune's build directory on this machine.
    pub(crate) build: PathBuf,
    scratch: Scratch,
    /// How often the root was entered.
    entered: Cell<usize>,
    /// Joined over files of the project.
    hosted: Vec<Join>,
    _lock: Guard,
}

impl<'w> Site<'w> {
    /// Makes the root for building `project` for `targets`, and waits until no other Bactrian builds it.
    pub(crate) fn open(
        ctx: &'w Context<'w>,
        workshop: &'w Workshop<'w>,
        means: &Means,
        project: &Path,
        (targets, wants): (&[Target], Wants),
    ) -> Result<Self, CommandError> {
        let choose = || resolve(workshop, project, means, targets);
        let resolution = ctx.timings.step("choosing versions", choose)?;
        let release = resolution.as_ref().map_or_else(|| release(means), |resolution| Ok(resolution.release))?;
        let compiler_libs = wants.compiler_libs || resolution.is_some();
        let root = ProjectRoot { release, targets: targets.to_vec(), compiler_libs };
        let report = workshop.root(&root, resolution.as_ref())?;
        let place = workshop.store.project(project).map_err(|error| failure::store(&error))?;
        let lock = match place.try_lock().map_err(|error| failure::store(&error))? {
            Some(lock) => lock,
            None => {
                ctx.ui.note("waiting for another bactrian that builds this project");
                place.lock().map_err(|error| failure::store(&error))?
            }
        };
        let home = place.dir().to_owned();
        let build = home.join("_build");
        let scratch = workshop.store.scratch().map_err(|error| failure::store(&error))?;
        let way = sandbox::way(&workshop.store, &workshop.builder);
        let project = project.to_owned();
        let (entered, hosted) = (Cell::new(0), Vec::new());
        let mut site = Self { ctx, workshop, report, project, way, home, build, scratch, entered, hosted, _lock: lock };
        // A build that was killed may have left the build directory in its root.
        sandbox::recover(&workshop.store, &site.whole_root(), &site.joined()?)
            .map_err(|error| failure::stage(&error))?;
        make_directory(&site.build)?;
        if way == Way::Joined {
            make_directory(&site.project.join("_build"))?;
            if wants.generators {
                site.hosted = hosted::hosted(&site, &site.scratch.path().join("tmp"))?;
            }
        }
        Ok(site)
    }

    /// Runs a command inside the root, in the project's directory; `streams` says where its input and output are.
    pub(crate) fn run(&self, inside: Inside, streams: impl FnOnce(&mut Command)) -> Result<ExitStatus, CommandError> {
        let root = self.report.values.first().copied().map(exec::engine::Value::tree);
        let Some(Ok(root)) = root else { return Err(CommandError::bug("a root is no tree")) };
        let copy = self.stand_in();
        let replica = match self.way {
            Way::Joined => None,
            Way::Whole => Some(Replica::refresh(&self.project, &copy, NOT_COPIED).map_err(not_copied)?),
        };
        let mut environment = plan::project::environment();
        environment.extend(inside.environment);
        let room = Room {
            root,
            composed: &self.report.composed,
            joined: self.joined()?,
            cwd: format!("/{}", layout::SRC),
            environment,
            terminal: inside.terminal,
            arguments: inside.arguments,
        };
        let skeleton = self.skeleton()?;
        let mut staged = sandbox::stage(&self.workshop.store, &self.workshop.builder, &skeleton, &room)
            .map_err(|error| failure::stage(&error))?;
        streams(&mut staged.command);
        let status = staged
            .command
            .status()
            .map_err(|error| CommandError::environment("cannot start the builder").cause(error))?;
        staged.leave().map_err(|error| failure::stage(&error))?;
        for path in replica.map_or(Ok(Vec::new()), |replica| replica.bring_back()).map_err(not_copied)? {
            let path = path.display();
            self.ctx.ui.warning(format_args!("{path} was changed inside the root and outside: the latter is kept"));
        }
        match status.code() {
            Some(sandbox::EXIT_NO_ROOT) => Err(failure::no_root("see the line above")),
            _ => Ok(status),
        }
    }

    /// What the root has besides its tree.
    fn joined(&self) -> Result<Vec<Join>, CommandError> {
        let join = |from: PathBuf, at: &str| -> Result<Join, CommandError> {
            let at = RelPath::new(at).map_err(|error| CommandError::bug("a path of ours").caused_by(&error))?;
            Ok(Join { from, at, writable: true })
        };
        let tmp = self.scratch.path().join("tmp");
        make_directory(&tmp)?;
        let sources = match self.way {
            Way::Joined => self.project.clone(),
            Way::Whole => self.stand_in(),
        };
        let mut joined = vec![
            join(tmp, "tmp")?,
            join(sources, layout::SRC)?,
            join(self.build.clone(), &format!("{}/_build", layout::SRC))?,
        ];
        joined.extend(self.hosted.iter().cloned());
        Ok(joined)
    }

    /// The copy of the project, where the project itself cannot be joined.
    fn stand_in(&self) -> PathBuf {
        self.home.join("src")
    }

    /// The root where it is staged whole: where the next Bactrian finds it if this one is killed.
    fn whole_root(&self) -> PathBuf {
        self.home.join("root")
    }

    /// An empty directory for the root to be staged in: each entering has its own.
    fn skeleton(&self) -> Result<PathBuf, CommandError> {
        let number = self.entered.get();
        self.entered.set(number + 1);
        let path = match self.way {
            Way::Joined => self.scratch.path().join(format!("root-{number}")),
            Way::Whole => self.whole_root(),
        };
        make_directory(&path)?;
        Ok(path)
    }
}

/// The packages that the project needs, if it needs any that the toolchain does not bring.
fn resolve(
    workshop: &Workshop<'_>,
    project: &Path,
    means: &Means,
    targets: &[Target],
) -> Result<Option<Resolution>, CommandError> {
    let own = manifest::packages(project)?;
    if !manifest::need_packages(&own, &Knowledge::load(means)?.tools) {
        return Ok(None);
    }
    let renewed = LockFile::read(project)?.resolve(workshop, &own, (targets, means), &Renewal::Never)?;
    if renewed.written {
        workshop.ui().note(format_args!("wrote {}", renewed.path.display()));
    }
    Ok(Some(renewed.resolution))
}

fn make_directory(path: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(path)
        .map_err(|error| CommandError::environment(format_args!("cannot make {}", path.display())).cause(error))
}

fn not_copied(error: ReplicaError) -> CommandError {
    CommandError::environment(format_args!("cannot copy {}", error.path.display())).cause(error.source)
}

/// What is run in a root.
pub(crate) struct Inside {
    pub(crate) arguments: Vec<std::ffi::OsString>,
    /// Whether it is an interactive shell.
    pub(crate) terminal: bool,
    /// Added to the environment that every project has.
    pub(crate) environment: Vec<(String, String)>,
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
        assert_eq!(project.wants, Wants { compiler_libs: true, generators: false });
        fs::write(root.join("dune"), "(rule (deps (:gen gen.exe)) (action (run %{gen})))").unwrap();
        assert!(Project::find(root).unwrap().wants.generators);
    }
}
