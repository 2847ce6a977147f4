//! From chosen versions to nodes and edges: what is needed, in which world, and for what.
//!
//! The solver may choose more than the roots need; here only what they reach is kept. Not here: which world a dependency
//! belongs to, for its formula already says so (`reduce`).

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Atom, Candidate, Chosen, Formula, Kind, NameId, Source, World};

/// A package in a world.
pub(crate) type Place = (NameId, World);

/// What is needed, each with what it depends on itself.
pub(crate) type Needed = BTreeMap<Place, BTreeMap<Place, Kind>>;

/// The places that the roots reach in `chosen`, with their edges.
pub(crate) fn needed<S: Source>(source: &S, chosen: &Chosen) -> Needed {
    let walk = Walk { source, chosen };
    let mut needed = Needed::new();
    let mut left: Vec<Place> = Vec::new();
    for root in source.roots().iter() {
        left.extend(walk.picked(root).into_iter().map(|atom| (atom.name, atom.world)));
    }
    while let Some(place) = left.pop() {
        if needed.contains_key(&place) {
            continue;
        }
        let edges = walk.hard(place);
        left.extend(edges.keys().copied());
        needed.insert(place, edges);
    }
    let places: BTreeSet<Place> = needed.keys().copied().collect();
    for (place, edges) in &mut needed {
        for optional in walk.optional(*place) {
            if places.contains(&optional) && optional.0 != place.0 {
                edges.entry(optional).or_insert(Kind::Order);
            }
        }
    }
    needed
}

struct Walk<'a, S> {
    source: &'a S,
    chosen: &'a Chosen,
}

impl<S: Source> Walk<'_, S> {
    fn holds(&self, atom: &Atom) -> bool {
        self.chosen.get(&(atom.name, atom.world)).is_some_and(|version| atom.accepts.binary_search(version).is_ok())
    }

    /// The atoms for whose sake `formula` holds: of a disjunction, those of the first branch that does.
    fn picked<'f>(&self, formula: &'f Formula) -> Vec<&'f Atom> {
        match formula {
            Formula::Atom(atom) => vec![atom],
            Formula::All(parts) => parts.iter().flat_map(|part| self.picked(part)).collect(),
            Formula::Any(parts) => {
                let first = parts.iter().find(|part| part.eval(&|atom| self.holds(atom)));
                first.map(|part| self.picked(part)).unwrap_or_default()
            }
        }
    }

    fn candidate(&self, place: Place) -> Option<std::rc::Rc<Candidate>> {
        let version = *self.chosen.get(&place)?;
        self.source.candidate(place.0, version, place.1).ok()
    }

    fn is_ppx(&self, place: Place) -> bool {
        self.candidate(place).is_some_and(|candidate| candidate.ppx)
    }

    fn hard(&self, place: Place) -> BTreeMap<Place, Kind> {
        let mut edges = BTreeMap::new();
        let Some(candidate) = self.candidate(place) else { return edges };
        for atom in candidate.requires.iter().flat_map(|formula| self.picked(formula)) {
            // Its own twin on the host is needed by whoever preprocesses with it.
            if atom.name == place.0 {
                continue;
            }
            let other = (atom.name, atom.world);
            add(&mut edges, other, atom.kind);
            let twin = (atom.name, World::HOST);
            let runs_on_host = atom.kind == Kind::Link && (candidate.ppx || self.is_ppx(other));
            if place.1 != World::HOST && runs_on_host && self.chosen.contains_key(&twin) {
                add(&mut edges, twin, Kind::Build);
            }
        }
        edges
    }

    /// Places that come before this one if they are there at all: optional dependencies, and branches not picked.
    fn optional(&self, place: Place) -> BTreeSet<Place> {
        let Some(candidate) = self.candidate(place) else { return BTreeSet::new() };
        let mut atoms: Vec<&Atom> = candidate.optional.iter().collect();
        for formula in &candidate.requires {
            formula.atoms(&mut |atom| {
                if matches!(atom.kind, Kind::Link | Kind::Build) {
                    atoms.push(atom);
                }
            });
        }
        let mut places = BTreeSet::new();
        for atom in atoms.into_iter().filter(|atom| self.holds(atom)) {
            places.insert((atom.name, atom.world));
            if candidate.ppx && place.1 != World::HOST {
                places.insert((atom.name, World::HOST));
            }
        }
        places
    }
}

/// Of two reasons for one edge the stronger counts.
fn add(edges: &mut BTreeMap<Place, Kind>, place: Place, kind: Kind) {
    let known = edges.entry(place).or_insert(kind);
    *known = kind.min(*known);
}
