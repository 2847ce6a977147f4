//! Opam repositories: from what settings name to a universe of packages.
//!
//! Each repository is kept in the store as an index ([`index`]), so that a run that finds it unchanged reads one file
//! instead of thousands. Servers are asked once a day, and before a choice of packages counts as impossible. The reasons
//! are in `docs/design/repositories.md`. Not here: what opam files mean (`opam`), which versions are chosen (`solve`).

mod index;
mod load;
mod packages;
#[cfg(test)]
mod tests;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use opam::name::PackageName;
use opam::universe::Universe;

use crate::error::{CommandError, Kind};
use crate::manifest;
use crate::resolution::Resolution;
use crate::settings::{Means, PlaceName};
use crate::workshop::Workshop;
use load::{Freshness, Loader};

/// The repository that is meant if none is named: the public one, as one archive.
const PUBLIC: &str = "https://opam.ocaml.org/index.tar.gz";

/// Has `choose` choose among all packages of the repositories that `means` names. If it finds no solution, repositories
/// that may have more by now are asked, and it chooses again.
pub(crate) fn choose<T: AsRef<[Resolution]>>(
    workshop: &Workshop<'_>,
    means: &Means,
    choose: impl Fn(Arc<Universe>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let places = places(means);
    let loader = Loader { ui: workshop.ui(), store: &workshop.store, fetcher: &workshop.fetcher, means };
    let attempt = |freshness| {
        let (universe, may_be_old) = universe(&loader, &places, freshness)?;
        let has_compiler = has_compiler(&universe);
        match choose(Arc::new(universe)) {
            Err(error) if error.kind == Kind::NoSolution && may_be_old => Ok(None),
            Err(error) if error.kind == Kind::NoSolution && !has_compiler => {
                Err(error.hint(format_args!("to have the public repository's packages as well, add `--repo {PUBLIC}`")))
            }
            chosen => chosen.map(Some),
        }
    };
    let chosen = match attempt(Freshness::Daily)? {
        Some(chosen) => chosen,
        None => {
            loader.ui.note("no choice of packages is possible: looking for newer ones");
            let chosen = attempt(Freshness::Now)?;
            chosen.ok_or_else(|| CommandError::bug("packages of today may be old"))?
        }
    };
    chosen.as_ref().iter().try_for_each(|resolution| check_sound(resolution, &places))?;
    Ok(chosen)
}

/// Whether there is a compiler, without which nothing can be chosen: a repository of somebody's own packages has none.
fn has_compiler(universe: &Universe) -> bool {
    PackageName::new("ocaml-base-compiler").is_ok_and(|name| !universe.versions(&name).is_empty())
}

/// The repositories, the first before the others.
fn places(means: &Means) -> Vec<PlaceName> {
    if means.repositories.is_empty() { vec![PlaceName::Url(PUBLIC.to_owned())] } else { means.repositories.clone() }
}

/// All packages of all places; of two with one name and version, the earlier place's. And whether a server may have more.
fn universe(loader: &Loader<'_>, places: &[PlaceName], freshness: Freshness) -> Result<(Universe, bool), CommandError> {
    let mut universes = Vec::with_capacity(places.len());
    let mut may_be_old = false;
    for place in places {
        let loaded = loader.load(place, freshness)?;
        may_be_old |= loaded.may_be_old;
        universes.push(loaded.universe);
    }
    Ok((Universe::merge(universes), may_be_old))
}

/// Whether the opam files of what was chosen can be understood. Those of others do not matter.
fn check_sound(resolution: &Resolution, places: &[PlaceName]) -> Result<(), CommandError> {
    for (key, node) in &resolution.solution.nodes {
        let entry = resolution.universe.get(&key.name, &node.version).filter(|_| !node.local && !node.provided);
        let Some(entry) = entry.filter(|entry| !entry.parsed().errors.is_empty()) else { continue };
        // The first place has the highest priority, the last has 1.
        let number = usize::try_from(entry.priority()).ok().and_then(|priority| places.len().checked_sub(priority));
        let place = number.and_then(|number| places.get(number)).map(words::shown).unwrap_or_default();
        let (name, version) = (entry.name(), entry.version());
        let path = PathBuf::from(place).join(format!("packages/{name}/{name}.{version}/opam"));
        let told = CommandError::new(Kind::NoSolution, format_args!("{name}.{version} is malformed in its repository"));
        let errors = &entry.parsed().errors;
        let told = errors.iter().fold(told, |told, error| told.cause(manifest::place(&path, entry.text(), error)));
        return Err(told.hint("ask for another version, or put a repaired one into a repository named before this one"));
    }
    Ok(())
}
