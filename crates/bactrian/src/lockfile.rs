//! `bactrian.lock`: one choice of packages for a project, kept beside it, the same until somebody wants another.
//!
//! A lock that answers the project is taken as it is. One that does not is renewed, with as few changes as possible, unless
//! `--locked` forbids it. Not here: its text (`solve::lock`), choosing ([`crate::resolution`]).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opam::name::PackageName;
use opam::universe::Universe;
use opam::version::Version;
use plan::ocaml::Release;
use plan::target::Target;
use solve::lock::{Lock, LockError, LockSet, Stale};
use solve::request::{LocalPackage, Request};
use solve::solution::Solution;

use crate::error::{CommandError, Kind};
use crate::knowledge::Knowledge;
use crate::lanes::{Lane, lanes};
use crate::repositories;
use crate::resolution::{self, Resolution, solve_with_releases};
use crate::settings::Means;
use crate::unsolved;
use crate::workshop::Workshop;

/// The file's name.
pub(crate) const NAME: &str = "bactrian.lock";

/// What is to become of a lock that answers the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// It stays.
    Never,
    /// Newer versions are taken of these packages, and of whatever that entails.
    Of(Vec<PackageName>),
    /// Newer versions are taken of everything.
    All,
}

/// A project's lock file.
pub(crate) struct LockFile {
    path: PathBuf,
    locks: Option<LockSet>,
}

/// A choice for each lane, and how it differs from the one before.
pub(crate) struct Renewed {
    /// Those of the lanes that have a target of the command.
    pub(crate) resolutions: Vec<Resolution>,
    pub(crate) path: PathBuf,
    /// Package, version before, version now.
    pub(crate) changes: Vec<Change>,
    /// Whether the file was written.
    pub(crate) written: bool,
}

/// Package, version before, version now.
pub(crate) type Change = (PackageName, Option<Version>, Option<Version>);

impl AsRef<[Resolution]> for Renewed {
    fn as_ref(&self) -> &[Resolution] {
        &self.resolutions
    }
}

/// What the file has for a lane.
struct Answer<'l> {
    lane: Lane,
    /// The lock that comes nearest.
    lock: Option<&'l Lock>,
    /// Its release, if it answers what is asked; else why not.
    fits: Result<Release, String>,
}

/// What a choice is made for: the project's packages, the command's targets, and what is known.
#[derive(Clone, Copy)]
struct Wish<'w> {
    own: &'w [LocalPackage],
    targets: &'w [Target],
    knowledge: &'w Knowledge,
}

impl LockFile {
    /// The lock beside the project in `directory`, if there is one.
    pub(crate) fn read(directory: &Path) -> Result<Self, CommandError> {
        let path = directory.join(NAME);
        let locks = match fs::read_to_string(&path) {
            Ok(text) => Some(LockSet::parse(&text).map_err(|error| damaged(&path, &text, &error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        Ok(Self { path, locks })
    }

    /// The choice for the project's packages: the lock's if it answers them, else a new one that is written down.
    pub(crate) fn resolve(
        &self,
        workshop: &Workshop<'_>,
        own: &[LocalPackage],
        (targets, means): (&[Target], &Means),
        renewal: &Renewal,
    ) -> Result<Renewed, CommandError> {
        let knowledge = Knowledge::load(means)?;
        let wish = Wish { own, targets, knowledge: &knowledge };
        let answers = self.answers(&wish, means)?;
        let stale = self.stale(&answers);
        if stale.is_none() && *renewal == Renewal::Never {
            return repositories::choose(workshop, means, |universe| self.as_locked(&wish, &answers, &universe));
        }
        if means.locked {
            let path = self.path.display();
            let why = stale.unwrap_or_else(|| "newer versions are asked for".to_owned());
            return Err(CommandError::new(Kind::NoSolution, format_args!("{path} does not fit the project"))
                .cause(why)
                .hint("leave out --locked, or run `bactrian lock` and look at what changes"));
        }
        if let Some(stale) = stale.filter(|_| self.locks.is_some()) {
            workshop.ui().note(format_args!("{NAME} is renewed: {stale}"));
        }
        repositories::choose(workshop, means, |universe| self.renew(&wish, &answers, renewal, &universe))
    }

    /// What the file has for each lane, of the command's targets and the file's. One file is for all.
    fn answers(&self, wish: &Wish<'_>, means: &Means) -> Result<Vec<Answer<'_>>, CommandError> {
        let known = self.locks.iter().flat_map(LockSet::iter).flat_map(|lock| &lock.request.worlds.targets);
        let known = known.filter_map(|(name, _)| name.parse().ok()).filter(|target| !wish.targets.contains(target));
        // What only the file names has any OCaml that serves it.
        let lenient = Means { ocaml_is_for_all: false, ..means.clone() };
        lanes(wish.targets, means)?;
        let known: Vec<Target> = known.collect();
        let all: Vec<Target> = known.iter().chain(wish.targets).copied().collect();
        let answer = |lane: Lane| {
            let lock = self.nearest(&lane);
            let fits = match lock {
                None => Err(match lane.targets.first().filter(|_| self.locks.is_some()) {
                    Some(target) => format!("it is not for {target}"),
                    None => "there is no such file".to_owned(),
                }),
                Some(lock) => {
                    let locked = lane.releases.iter().find(|release| release.version() == lock.request.ocaml.as_str());
                    let release = locked.copied().unwrap_or_else(|| lane.release());
                    let request = request(wish.own, release, &lane)?;
                    let answer = lock.check(&request, &wish.knowledge.tools);
                    answer.map(|()| release).map_err(|stale| words(&stale))
                }
            };
            Ok(Answer { lane, lock, fits })
        };
        lanes(&all, &lenient)?.into_iter().map(answer).collect()
    }

    /// The lock with the most of a lane's targets; without any of them, one of its OCaml.
    fn nearest(&self, lane: &Lane) -> Option<&Lock> {
        let named = |lock: &Lock| {
            let names = lock.request.worlds.targets.iter().map(|(name, _)| name);
            names.filter(|name| lane.targets.iter().any(|target| target.to_string() == **name)).count()
        };
        let locks = self.locks.iter().flat_map(LockSet::iter);
        let alike = |lock: &&Lock| {
            named(lock) > 0 || lane.releases.iter().any(|release| release.version() == lock.request.ocaml.as_str())
        };
        locks.filter(alike).max_by_key(|lock| named(lock))
    }

    /// Why the file does not answer, if it does not.
    fn stale(&self, answers: &[Answer<'_>]) -> Option<String> {
        if let Some(why) = answers.iter().find_map(|answer| answer.fits.as_ref().err()) {
            return Some(why.clone());
        }
        let used = |lock: &&Lock| answers.iter().any(|answer| answer.lock.is_some_and(|of| std::ptr::eq(of, *lock)));
        let left = self.locks.iter().flat_map(LockSet::iter).find(|lock| !used(lock))?;
        Some(format!("nothing is built with OCaml {} any more", left.request.ocaml))
    }

    /// The choice that the file is.
    fn as_locked(
        &self,
        wish: &Wish<'_>,
        answers: &[Answer<'_>],
        universe: &Arc<Universe>,
    ) -> Result<Renewed, CommandError> {
        let mut resolutions = Vec::new();
        for answer in answers {
            let (Some(lock), Ok(release)) = (answer.lock, &answer.fits) else { continue };
            check_pins(lock, universe, &self.path)?;
            resolutions.extend(wish.resolution(&answer.lane, (lock.solution.clone(), *release), universe));
        }
        Ok(Renewed { resolutions, path: self.path.clone(), changes: Vec::new(), written: false })
    }

    fn renew(
        &self,
        wish: &Wish<'_>,
        answers: &[Answer<'_>],
        renewal: &Renewal,
        universe: &Arc<Universe>,
    ) -> Result<Renewed, CommandError> {
        let (mut locks, mut resolutions, mut all_changes) = (Vec::new(), Vec::new(), Vec::new());
        for Answer { lane, lock, .. } in answers {
            let before = lock.map(Lock::versions).unwrap_or_default();
            let favoured: BTreeMap<PackageName, Version> = match renewal {
                Renewal::All => BTreeMap::new(),
                Renewal::Never => before.clone(),
                Renewal::Of(names) => {
                    let kept = before.iter().filter(|(name, _)| !names.contains(name));
                    kept.map(|(name, version)| (name.clone(), version.clone())).collect()
                }
            };
            let with_favoured =
                |release| Ok(Request { favoured: favoured.clone(), ..request(wish.own, release, lane)? });
            let (request, solution, release) =
                solve_with_releases(universe, (lane, &wish.knowledge.tools), with_favoured)?;
            let lock = Lock::new(universe, &request, solution);
            for change in changes(&before, &lock.versions()) {
                if !all_changes.contains(&change) {
                    all_changes.push(change);
                }
            }
            resolutions.extend(wish.resolution(lane, (lock.solution.clone(), release), universe));
            locks.push(lock);
        }
        let text = LockSet::new(locks).map(|locks| locks.to_string()).unwrap_or_default();
        let written = fs::read_to_string(&self.path).ok().as_deref() != Some(&text);
        if written {
            write(&self.path, &text)?;
        }
        Ok(Renewed { resolutions, path: self.path.clone(), changes: all_changes, written })
    }
}

impl Wish<'_> {
    /// The resolution of a lane for those of its targets that the command names; nothing if it names none of them.
    fn resolution(
        &self,
        lane: &Lane,
        (solution, release): (Solution, Release),
        universe: &Arc<Universe>,
    ) -> Option<Resolution> {
        let targets = lane.only(self.targets);
        if targets.is_empty() && !self.targets.is_empty() {
            return None;
        }
        let (universe, knowledge) = (Arc::clone(universe), self.knowledge.clone());
        Some(Resolution { universe, solution, knowledge, release, targets })
    }
}

/// What is asked for: the project, on all targets of a lane.
fn request(own: &[LocalPackage], release: Release, lane: &Lane) -> Result<Request, CommandError> {
    Ok(Request { project: own.to_vec(), ..resolution::request(Vec::new(), release, &lane.targets)? })
}

fn changes(before: &BTreeMap<PackageName, Version>, now: &BTreeMap<PackageName, Version>) -> Vec<Change> {
    let mut names: Vec<&PackageName> = before.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    let of = |all: &BTreeMap<PackageName, Version>, name: &PackageName| all.get(name).cloned();
    let pairs = names.into_iter().map(|name| (name.clone(), of(before, name), of(now, name)));
    pairs.filter(|(_, before, now)| before != now).collect()
}

/// The repositories still say of every package what they said when it was locked.
fn check_pins(lock: &Lock, universe: &Universe, path: &Path) -> Result<(), CommandError> {
    for (name, pin) in &lock.pins {
        let version = lock.solution.nodes.iter().find(|(key, _)| key.name == *name).map(|(_, node)| &node.version);
        let Some(version) = version else { continue };
        let told = |what: &str| {
            CommandError::new(Kind::NoSolution, format_args!("{}: {name} {version} {what}", path.display()))
                .hint("name the repository it is from with --repo, or renew it: `bactrian update`")
        };
        match universe.get(name, version) {
            None => return Err(told("is in no repository")),
            Some(entry) if solve::lock::opam_digest(entry.text()) != pin.opam => {
                return Err(told("is not the same any more: its opam file has changed"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Why a lock does not answer, in a few words.
fn words(stale: &Stale) -> String {
    match stale {
        Stale::Ocaml { locked, wanted } => format!("it is for OCaml {locked}, not {wanted}"),
        Stale::WithTest { wanted: true } => "it is without what tests need".to_owned(),
        Stale::WithTest { wanted: false } => "it is with what tests need".to_owned(),
        Stale::TargetMissing(target) => format!("it is not for {target}"),
        Stale::TargetLeft(target) => format!("it is for {target} as well"),
        Stale::Variable { target, variable, .. } => format!("`{variable}` of {target} is another now"),
        Stale::RootMissing(name) => format!("{name} is asked for"),
        Stale::RootLeft(name) => format!("{name} is not asked for any more"),
        Stale::Root { name, locked, .. } => format!("another version of {name} than {locked} is asked for"),
        Stale::ProjectMissing(name) => format!("the project has a package {name}"),
        Stale::ProjectLeft(name) => format!("the project has no package {name} any more"),
        Stale::Unmet { package, what, locked } => {
            let locked: Vec<String> = locked
                .iter()
                .map(|(name, version)| match version {
                    Some(version) => format!("{name} {version}"),
                    None => format!("no {name}"),
                })
                .collect();
            format!("{package} requires {}, and it has {}", unsolved::formula(what), locked.join(", "))
        }
        Stale::DependencyMissing { package, on } => format!("{package} depends on {}", on.name),
        Stale::DependencyLeft { package, on } => format!("{package} does not depend on {} any more", on.name),
        Stale::Excluded(name, version) => format!("{name} {version} is excluded"),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> CommandError {
    CommandError::usage(format_args!("cannot read {}", path.display())).cause(error)
}

fn damaged(path: &Path, text: &str, error: &LockError) -> CommandError {
    let before = error.span.as_ref().and_then(|span| text.get(..span.start)).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    CommandError::usage(format_args!("{}:{line}: {}", path.display(), error.fault))
        .hint("it is not to be edited: take it from version control, or delete it and run `bactrian lock`")
}

/// Writes aside and renames: nobody sees half a lock.
fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let aside = path.with_extension(format!("lock.new-{}", std::process::id()));
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&aside);
        CommandError::environment(format_args!("cannot write {}", path.display())).cause(error)
    })
}
