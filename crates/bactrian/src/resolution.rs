//! From what is asked for to chosen packages, and from those to a plan of their builds.
//!
//! Not here: choosing (`solve`), building (`plan`), the words about what cannot be chosen ([`crate::unsolved`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use opam::formula::{Formula, VersionBound};
use opam::syntax::RelOp;
use opam::universe::Universe;
use opam::version::Version;
use plan::closure::Closure;
use plan::instructions::{arch, os, os_family};
use plan::ocaml::Release;
use plan::project::ProjectRoot;
use plan::target::Target;
use plan::world::World;
use solve::request::{Environment, Request, Root, Worlds};
use solve::solution::Solution;
use solve::tools::Tools;

use crate::error::CommandError;
use crate::knowledge::Knowledge;
use crate::lanes::{Lane, lanes};
use crate::lockfile::{LockFile, Renewal};
use crate::manifest;
use crate::repositories;
use crate::settings::{Asked, Means, Subject, Wanted};
use crate::unsolved;
use crate::workshop::Workshop;

/// Chosen packages for one lane, and what they were chosen out of.
pub(crate) struct Resolution {
    pub(crate) universe: Arc<Universe>,
    pub(crate) solution: Solution,
    pub(crate) knowledge: Knowledge,
    pub(crate) release: Release,
    pub(crate) targets: Vec<Target>,
}

impl Resolution {
    /// Chooses packages for whatever was asked, for each lane.
    pub(crate) fn of(workshop: &Workshop<'_>, subject: &Subject) -> Result<Vec<Self>, CommandError> {
        let (means, targets) = (&subject.means, subject.targets.as_slice());
        match &subject.asked {
            Asked::Packages(packages) => Self::of_packages(workshop, means, packages, targets),
            Asked::Project(directory) => {
                let own = manifest::packages(directory)?;
                if own.is_empty() {
                    let shown = directory.display();
                    return Err(CommandError::usage(format_args!("{shown} describes no package"))
                        .hint("give a project's directory, or packages with --package"));
                }
                let file = LockFile::read(directory)?;
                Ok(file.resolve(workshop, &own, (targets, means), &Renewal::Never)?.resolutions)
            }
        }
    }

    /// Chooses packages for `wanted`, for each lane.
    pub(crate) fn of_packages(
        workshop: &Workshop<'_>,
        means: &Means,
        wanted: &[Wanted],
        targets: &[Target],
    ) -> Result<Vec<Self>, CommandError> {
        let mut roots = Vec::new();
        for package in wanted {
            let bound = |version: &Version| VersionBound { operator: RelOp::Eq, version: version.clone() };
            let versions = package.version.as_ref().map_or(Formula::True, |version| Formula::Atom(bound(version)));
            roots.push(Root { name: package.name.clone(), versions });
        }
        let knowledge = Knowledge::load(means)?;
        let lanes = lanes(targets, means)?;
        repositories::choose(workshop, means, |universe| {
            wanted.iter().try_for_each(|package| unsolved::check_exists(&universe, package))?;
            let of_lane = |lane: &Lane| {
                let of_release = |release| request(roots.clone(), release, &lane.targets);
                let (_, solution, release) = solve_with_releases(&universe, (lane, &knowledge.tools), of_release)?;
                let (universe, knowledge, targets) = (Arc::clone(&universe), knowledge.clone(), lane.targets.clone());
                Ok(Self { universe, solution, knowledge, release, targets })
            };
            lanes.iter().map(of_lane).collect()
        })
    }

    /// The root of a project that needs these packages.
    pub(crate) fn project_root(&self) -> ProjectRoot {
        ProjectRoot { release: self.release, targets: self.targets.clone(), compiler_libs: true }
    }

    /// What is planned of it.
    pub(crate) fn closure(&self) -> Closure<'_> {
        Closure {
            solution: &self.solution,
            universe: &self.universe,
            quirks: &self.knowledge.quirks,
            release: self.release,
            targets: &self.targets,
        }
    }
}

/// Chooses with the first of a lane's releases with which a choice is possible. If there is none, the reason told is the
/// first one's.
pub(crate) fn solve_with_releases(
    universe: &Universe,
    (lane, tools): (&Lane, &Tools),
    request: impl Fn(Release) -> Result<Request, CommandError>,
) -> Result<(Request, Solution, Release), CommandError> {
    let solve = |release| -> Result<_, CommandError> {
        let request = request(release)?;
        let solution = solve::solve(universe, tools, &request).map_err(|failure| unsolved::tell(&failure))?;
        Ok((request, solution, release))
    };
    let first = solve(lane.release());
    let Err(reason) = first else { return first };
    lane.releases.iter().skip(1).filter_map(|release| solve(*release).ok()).next().ok_or(reason)
}

/// A request for `roots` on `targets`.
pub(crate) fn request(roots: Vec<Root>, release: Release, targets: &[Target]) -> Result<Request, CommandError> {
    let ocaml = Version::new(release.version());
    let worlds = targets.iter().map(|target| (target.to_string(), environment(World::Target(*target))));
    Ok(Request {
        roots,
        project: Vec::new(),
        worlds: Worlds { host: environment(World::Host), targets: worlds.collect() },
        ocaml: ocaml.map_err(|error| CommandError::bug("a release's version is none").caused_by(&error))?,
        with_test: false,
        preferences: Vec::new(),
        favoured: BTreeMap::new(),
        excluded: Vec::new(),
    })
}

/// The variables by which packages say where they can be installed.
fn environment(world: World) -> Environment {
    let os = os(world);
    let all = [
        ("arch", arch(world)),
        ("os", os),
        ("os-distribution", os),
        ("os-family", os_family(world)),
        ("os-version", ""),
    ];
    Environment::new(all)
}
