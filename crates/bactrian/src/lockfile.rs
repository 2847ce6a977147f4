//! `bactrian.lock`: one choice of packages for a project, kept beside it, the same until somebody wants another.
//!
//! A lock that answers the project is taken as it is. One that does not is renewed, with as few changes as possible, unless
//! `--locked` forbids it. Not here: its text (`solve::lock`), choosing ([`crate::resolution`]).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use opam::name::PackageName;
use opam::universe::Universe;
use opam::version::Version;
use plan::target::Target;
use solve::lock::{Lock, LockError, Stale};
use solve::request::{LocalPackage, Request};

use crate::error::{CommandError, Kind};
use crate::knowledge::Knowledge;
use crate::repositories;
use crate::resolution::{self, Resolution, asked_release, known_release};
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
    lock: Option<Lock>,
    /// Whether what tests need is asked for: a lock that has it is good for builds as well.
    with_test: bool,
}

/// A choice, and how it differs from the one before.
pub(crate) struct Renewed {
    pub(crate) resolution: Resolution,
    pub(crate) path: PathBuf,
    /// Package, version before, version now.
    pub(crate) changes: Vec<(PackageName, Option<Version>, Option<Version>)>,
    /// Whether the file was written.
    pub(crate) written: bool,
}

impl AsRef<Resolution> for Renewed {
    fn as_ref(&self) -> &Resolution {
        &self.resolution
    }
}

impl LockFile {
    /// The lock beside the project in `directory`, if there is one.
    pub(crate) fn read(directory: &Path) -> Result<Self, CommandError> {
        let path = directory.join(NAME);
        let lock = match fs::read_to_string(&path) {
            Ok(text) => Some(Lock::parse(&text).map_err(|error| damaged(&path, &text, &error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        Ok(Self { path, lock, with_test: false })
    }

    /// The same, asked for what tests need besides.
    pub(crate) fn with_tests(self) -> Self {
        Self { with_test: true, ..self }
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
        let answer = match &self.lock {
            None => None,
            Some(lock) => {
                let release = asked_release(means)?.map_or_else(|| known_release(&lock.request.ocaml), Ok)?;
                let request = self.request(own, release, targets)?;
                let checked = lock.check(&request, &knowledge.tools).map_err(|stale| words(&stale));
                Some(checked.and_then(|()| check_emulated(lock, &knowledge)).map(|()| (lock, release)))
            }
        };
        match answer {
            Some(Ok((lock, release))) if *renewal == Renewal::Never => {
                repositories::choose(workshop, means, |universe| {
                    check_pins(lock, &universe, &self.path)?;
                    let (solution, knowledge) = (lock.solution.clone(), knowledge.clone());
                    let resolution = Resolution { universe, solution, knowledge, release, targets: targets.to_vec() };
                    Ok(Renewed { resolution, path: self.path.clone(), changes: Vec::new(), written: false })
                })
            }
            _ if means.locked => {
                let path = self.path.display();
                let why = match answer {
                    Some(Err(stale)) => stale,
                    Some(Ok(_)) => "newer versions are asked for".to_owned(),
                    None => "there is no such file".to_owned(),
                };
                Err(CommandError::new(Kind::NoSolution, format_args!("{path} does not fit the project"))
                    .cause(why)
                    .hint("leave out --locked, or run `bactrian lock` and look at what changes"))
            }
            answer => {
                if let Some(Err(stale)) = answer {
                    workshop.ui().note(format_args!("{NAME} is renewed: {stale}"));
                }
                let renew = |universe| self.renew(own, (targets, means, &knowledge), renewal, universe);
                repositories::choose(workshop, means, renew)
            }
        }
    }

    fn renew(
        &self,
        own: &[LocalPackage],
        (targets, means, knowledge): (&[Target], &Means, &Knowledge),
        renewal: &Renewal,
        universe: Universe,
    ) -> Result<Renewed, CommandError> {
        let before = self.lock.as_ref().map(Lock::versions).unwrap_or_default();
        let favoured: BTreeMap<PackageName, Version> = match renewal {
            Renewal::All => BTreeMap::new(),
            Renewal::Never => before.clone(),
            Renewal::Of(names) => {
                before.iter().filter(|(name, _)| !names.contains(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
            }
        };
        let with_favoured = |release| {
            let request = self.request(own, release, targets)?;
            Ok(Request { favoured: favoured.clone(), ..request })
        };
        let (request, solution, release) =
            resolution::solve_with_releases(&universe, (means, &knowledge.tools), with_favoured)?;
        let mut lock = Lock::new(&universe, &request, solution);
        declare_emulated(&mut lock, knowledge);
        let changes = changes(&before, &lock.versions());
        let text = lock.to_string();
        let written = fs::read_to_string(&self.path).ok().as_deref() != Some(&text);
        if written {
            write(&self.path, &text)?;
        }
        let (solution, knowledge) = (lock.solution, knowledge.clone());
        let resolution = Resolution { universe, solution, knowledge, release, targets: targets.to_vec() };
        Ok(Renewed { resolution, path: self.path.clone(), changes, written })
    }

    /// What is asked for: the project on the lock's targets and on those of this command. One lock is for all.
    fn request(
        &self,
        own: &[LocalPackage],
        release: plan::ocaml::Release,
        targets: &[Target],
    ) -> Result<Request, CommandError> {
        let known = self.lock.iter().flat_map(|lock| &lock.request.worlds.targets);
        let mut all: Vec<Target> = known.filter_map(|(name, _)| name.parse().ok()).collect();
        all.extend(targets.iter().filter(|target| !all.contains(target)).copied().collect::<Vec<_>>());
        let request = resolution::request(Vec::new(), release, &all)?;
        let with_test = self.with_test || self.lock.as_ref().is_some_and(|lock| lock.request.with_test);
        Ok(Request { project: own.to_vec(), with_test, ..request })
    }
}

/// The packages whose quirks have them run programs of the target, by name, with what the lock says of it.
fn emulated<'l>(lock: &'l Lock, knowledge: &'l Knowledge) -> impl Iterator<Item = (&'l PackageName, bool, bool)> {
    lock.pins.iter().filter_map(|(name, pin)| {
        let node = lock.solution.nodes.iter().find(|(key, _)| key.name == *name).map(|(_, node)| node)?;
        Some((name, pin.emulated, knowledge.quirks.emulates(name, &node.version)))
    })
}

/// Writes down which packages run programs of the target while they are built: whoever reviews a lock is to see it.
fn declare_emulated(lock: &mut Lock, knowledge: &Knowledge) {
    let names: Vec<PackageName> =
        emulated(lock, knowledge).filter(|(_, _, is)| *is).map(|(name, ..)| name.clone()).collect();
    for name in names {
        if let Some(pin) = lock.pins.get_mut(&name) {
            pin.emulated = true;
        }
    }
}

/// What is run under an emulator is what the lock says of it.
fn check_emulated(lock: &Lock, knowledge: &Knowledge) -> Result<(), String> {
    match emulated(lock, knowledge).find(|(_, declared, is)| declared != is) {
        None => Ok(()),
        Some((name, _, true)) => {
            Err(format!("{name} runs programs of the target while it is built, and it does not say so"))
        }
        Some((name, ..)) => Err(format!("{name} runs no programs of the target any more")),
    }
}

fn changes(
    before: &BTreeMap<PackageName, Version>,
    now: &BTreeMap<PackageName, Version>,
) -> Vec<(PackageName, Option<Version>, Option<Version>)> {
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
