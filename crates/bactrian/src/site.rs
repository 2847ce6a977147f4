//! Entering the root a project is built in.
//!
//! The project's directory is joined at `/src`; dune's build directory is the store's, mounted over `_build`, so the
//! user's own dune and ours do not undo each other's work. Where nothing can be mounted, a copy of the project in the
//! store stands in for it. Not here: what runs inside (the commands).

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::rc::Rc;

use action::digest::DirDigest;
use action::path::RelPath;
use action::tree::Entry;
use exec::engine::Report;
use exec::replica::{Replica, ReplicaError};
use exec::runner::{Place, Service};
use exec::sandbox::{self, Join, Room, Way};
use exec::store::{Guard, Scratch};
use plan::layout;
use plan::ocaml::Release;
use plan::project::ProjectRoot;
use plan::runner;
use plan::target::Target;

use crate::commands::Context;
use crate::error::CommandError;
use crate::failure;
use crate::hosted::{Hosted, changed_copies};
use crate::knowledge::Knowledge;
use crate::lanes::{Lane, lanes};
use crate::lockfile::{LockFile, Renewal};
use crate::manifest;
use crate::project::Wants;
use crate::resolution::Resolution;
use crate::runner::Found;
use crate::settings::Means;
use crate::workshop::Workshop;

/// What is not copied of a project that cannot be joined: results, and what dune does not read.
const NOT_COPIED: &[&str] = &["_build", "_opam", "dist", ".git"];

/// A project's root, made and ready to be entered.
pub(crate) struct Site<'w> {
    ctx: &'w Context<'w>,
    workshop: &'w Workshop<'w>,
    report: Rc<Report>,
    /// Which of the report's values the root is.
    number: usize,
    /// Whom it builds for.
    pub(crate) targets: Vec<Target>,
    release: Release,
    project: PathBuf,
    way: Way,
    /// What of this project is in the store.
    home: PathBuf,
    /// dune's build directory on this machine.
    pub(crate) build: PathBuf,
    scratch: Scratch,
    /// How often the root was entered.
    entered: Cell<usize>,
    /// What stands in for files of the project.
    hosted: Vec<Hosted>,
    /// Whether programs of targets run inside.
    has_runners: bool,
    _lock: Rc<Guard>,
}

impl<'w> Site<'w> {
    /// Makes the root for building `project` for `target`, and waits until no other Bactrian builds it.
    pub(crate) fn open(
        ctx: &'w Context<'w>,
        workshop: &'w Workshop<'w>,
        means: &Means,
        project: &Path,
        purpose: &Purpose<'_>,
    ) -> Result<Self, CommandError> {
        let sites = Self::open_all(ctx, workshop, means, project, purpose)?;
        sites.into_iter().next().ok_or_else(|| CommandError::bug("a target without a root"))
    }

    /// Makes the roots for building `project` for `targets`, one for each OCaml that they need, and waits until no other
    /// Bactrian builds it.
    pub(crate) fn open_all(
        ctx: &'w Context<'w>,
        workshop: &'w Workshop<'w>,
        means: &Means,
        project: &Path,
        purpose: &Purpose<'_>,
    ) -> Result<Vec<Self>, CommandError> {
        let Purpose { targets, wants, .. } = *purpose;
        let choose = || resolve(workshop, project, means, purpose);
        let resolutions = ctx.timings.step("choosing versions", choose)?;
        let mut wanted: Vec<(ProjectRoot, Option<&Resolution>)> = match &resolutions {
            Some(resolutions) => resolutions.iter().map(|of| (of.project_root(), Some(of))).collect(),
            None => {
                let root = |lane: Lane| ProjectRoot {
                    release: lane.release(),
                    targets: lane.targets,
                    compiler_libs: wants.compiler_libs,
                    runners: Vec::new(),
                };
                lanes(targets, means)?.into_iter().map(|lane| (root(lane), None)).collect()
            }
        };
        for (root, _) in &mut wanted {
            let runners = purpose.runners.iter().filter(|(target, _)| root.targets.contains(target));
            root.runners = runners.copied().collect();
        }
        let report = Rc::new(workshop.roots(&wanted)?);
        let place = workshop.store.project(project).map_err(|error| failure::store(&error))?;
        let lock = match place.try_lock().map_err(|error| failure::store(&error))? {
            Some(lock) => lock,
            None => {
                ctx.ui.note("waiting for another bactrian that builds this project");
                place.lock().map_err(|error| failure::store(&error))?
            }
        };
        let home = place.dir().to_owned();
        let way = sandbox::way(&workshop.store, &workshop.builder);
        let lock = Rc::new(lock);
        let mut sites = Vec::with_capacity(wanted.len());
        for (number, (root, _)) in wanted.into_iter().enumerate() {
            let mut site = Self {
                ctx,
                workshop,
                report: Rc::clone(&report),
                number,
                targets: root.targets,
                release: root.release,
                project: project.to_owned(),
                way,
                home: home.clone(),
                build: home.join(of_release("_build", root.release)),
                scratch: workshop.store.scratch().map_err(|error| failure::store(&error))?,
                entered: Cell::new(0),
                hosted: Vec::new(),
                has_runners: !root.runners.is_empty(),
                _lock: Rc::clone(&lock),
            };
            site.prepare(wants)?;
            sites.push(site);
        }
        Ok(sites)
    }

    fn prepare(&mut self, wants: Wants) -> Result<(), CommandError> {
        // A build that was killed may have left the build directory in its root.
        sandbox::recover(&self.workshop.store, &self.whole_root(), &self.joined()?)
            .map_err(|error| failure::stage(&error))?;
        make_directory(&self.build)?;
        if self.way == Way::Joined {
            make_directory(&self.project.join("_build"))?;
        }
        if wants.generators {
            self.hosted = changed_copies(self, &self.scratch.path().join("tmp"))?;
            for Hosted { path, .. } in &self.hosted {
                self.ctx.ui.detail(format_args!("generators of {} run on this machine", path.display()));
            }
        }
        Ok(())
    }

    /// Runs a command inside the root, in the project's directory; `streams` says where its input and output are.
    pub(crate) fn run(&self, inside: Inside, streams: impl FnOnce(&mut Command)) -> Result<ExitStatus, CommandError> {
        let root = self.report.values.get(self.number).copied().map(exec::engine::Value::tree);
        let Some(Ok(root)) = root else { return Err(CommandError::bug("a root is no tree")) };
        let copy = self.stand_in();
        let replica = match self.way {
            Way::Joined => None,
            Way::Whole => Some(self.replica(&copy).map_err(not_copied)?),
        };
        let mut environment = plan::project::environment();
        if self.has_runners {
            environment.extend(runner::environment());
        }
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

    /// Runs programs of `target` that are started inside and run outside, as long as the returned value lives.
    pub(crate) fn serve(&self, found: &Found, target: Target) -> Result<Option<Service>, CommandError> {
        let place = |inside: String, outside: PathBuf| Place { inside: inside.into(), outside };
        let tmp = self.scratch.path().join("tmp");
        let (src, build) = (format!("/{}", layout::SRC), format!("/{}/_build", layout::SRC));
        let socket = tmp.join(Path::new(runner::SOCKET).file_name().unwrap_or_default());
        let places = match self.way {
            Way::Joined => {
                vec![place("/tmp".to_owned(), tmp), place(src, self.project.clone()), place(build, self.build.clone())]
            }
            // Everything has been moved there.
            Way::Whole => vec![place("/".to_owned(), self.whole_root())],
        };
        found.serve(self.workshop, target, (&socket, places))
    }

    /// Who ran the tests of `target` last, if any ran.
    pub(crate) fn last_runner(&self, target: Target) -> Option<String> {
        fs::read_to_string(self.runner_note(target)).ok()
    }

    /// Takes note of who ran the tests of `target`.
    pub(crate) fn note_runner(&self, target: Target, whom: &str) -> Result<(), CommandError> {
        let note = self.runner_note(target);
        fs::write(&note, whom)
            .map_err(|error| CommandError::environment(format_args!("cannot write {}", note.display())).cause(error))
    }

    fn runner_note(&self, target: Target) -> PathBuf {
        self.home.join(of_release(&format!("runner-{target}"), self.release))
    }

    /// A directory of the root's tree; nothing if there is none.
    pub(crate) fn directory(&self, path: &str) -> Result<Option<DirDigest>, CommandError> {
        let root = self.report.values.get(self.number).copied().map(exec::engine::Value::tree);
        let Some(Ok(root)) = root else { return Err(CommandError::bug("a root is no tree")) };
        let path = RelPath::new(path).map_err(|error| CommandError::bug("a path of ours").caused_by(&error))?;
        Ok(match self.workshop.store.entry(root, &path).map_err(|error| failure::store(&error))? {
            Some(Entry::Directory(digest)) => Some(digest),
            _ => None,
        })
    }

    /// The copy of the project for the next run.
    fn replica<'a>(&'a self, copy: &'a Path) -> Result<Replica<'a>, ReplicaError> {
        let mut replica = Replica::refresh(&self.project, copy, NOT_COPIED)?;
        for Hosted { path, by } in &self.hosted {
            replica.mask(path, by)?;
        }
        Ok(replica)
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
        if self.way == Way::Joined {
            for Hosted { path, by } in &self.hosted {
                let inside = format!("{}/{}", layout::SRC, path.display());
                joined.push(Join { writable: false, ..join(by.clone(), &inside)? });
            }
        }
        Ok(joined)
    }

    /// The copy of the project, where the project itself cannot be joined.
    fn stand_in(&self) -> PathBuf {
        self.home.join("src")
    }

    /// The root where it is staged whole: where the next Bactrian finds it if this one is killed.
    fn whole_root(&self) -> PathBuf {
        self.home.join(of_release("root", self.release))
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

/// The name of what a project has for builds by `release`. dune's results by OCaml 4 and 5 lie side by side: targets of one
/// command may need both.
fn of_release(name: &str, release: Release) -> String {
    if release.number().major < 5 { format!("{name}-{release}") } else { name.to_owned() }
}

/// The packages that the project needs for each lane, if it needs any that the toolchain does not bring.
fn resolve(
    workshop: &Workshop<'_>,
    project: &Path,
    means: &Means,
    purpose: &Purpose<'_>,
) -> Result<Option<Vec<Resolution>>, CommandError> {
    let own = manifest::packages(project)?;
    if !manifest::need_packages(&own, &Knowledge::load(means)?.tools) {
        return Ok(None);
    }
    let file = LockFile::read(project)?;
    let file = if purpose.with_test { file.with_tests() } else { file };
    let renewed = file.resolve(workshop, &own, (purpose.targets, means), &Renewal::Never)?;
    if renewed.written {
        workshop.ui().note(format_args!("wrote {}", renewed.path.display()));
    }
    Ok(Some(renewed.resolutions))
}

fn make_directory(path: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(path)
        .map_err(|error| CommandError::environment(format_args!("cannot make {}", path.display())).cause(error))
}

fn not_copied(error: ReplicaError) -> CommandError {
    CommandError::environment(format_args!("cannot copy {}", error.path.display())).cause(error.source)
}

/// What a root is entered for.
pub(crate) struct Purpose<'a> {
    pub(crate) targets: &'a [Target],
    pub(crate) wants: Wants,
    /// Whether what tests need is needed.
    pub(crate) with_test: bool,
    /// The targets whose programs run inside, and by whom.
    pub(crate) runners: Vec<(Target, runner::Inside)>,
}

impl<'a> Purpose<'a> {
    /// Building for `targets`, running none of their programs.
    pub(crate) fn building(targets: &'a [Target], wants: Wants) -> Self {
        Self { targets, wants, with_test: false, runners: Vec::new() }
    }
}

/// What is run in a root.
pub(crate) struct Inside {
    pub(crate) arguments: Vec<std::ffi::OsString>,
    /// Whether it is an interactive shell.
    pub(crate) terminal: bool,
    /// Added to the environment that every project has.
    pub(crate) environment: Vec<(String, String)>,
}
