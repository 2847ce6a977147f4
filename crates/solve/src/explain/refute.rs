//! How few facts contradict each other: a tree in which every way to meet a requirement comes to an end.
//!
//! The requirement with the fewest ways left is looked at first, so what has to be comes before what may be. Versions
//! that ask for the same are one way. Not here: which facts are looked at (`core`), and words.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::problem::{Atom, Candidate, Clash, Formula, NameId, Source, Unusable, VersionIx, World};

/// Trees of more nodes than this explain nothing.
const BUDGET: usize = 5_000;

/// Who says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The root at this place.
    Root(usize),
    /// These versions of a package.
    Package(NameId, Rc<[VersionIx]>, World),
}

/// A requirement that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unmet {
    pub(crate) who: Who,
    pub(crate) what: Formula,
    /// Why not, for every way to meet it.
    pub(crate) dead: Vec<Dead>,
}

/// A way that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dead {
    /// Versions of a package, for one reason.
    Versions { name: NameId, world: World, versions: Vec<VersionIx>, why: Why },
    /// A requirement on a package that has no version which fits.
    NoVersion(Atom),
    /// A branch of a disjunction that is more than one package.
    Branch { what: Formula, unmet: Box<Unmet> },
}

/// Why versions cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    Unusable(Unusable),
    /// Someone needs others.
    Needed {
        by: Who,
        atom: Atom,
    },
    /// On the way to here these were chosen.
    Chosen {
        instead: Rc<[VersionIx]>,
    },
    /// Someone conflicts with them.
    Clashes {
        by: Who,
    },
    /// They conflict with a package that is needed.
    Clash {
        with: NameId,
        needed_by: Who,
    },
    /// Someone else has the class.
    Class {
        class: u32,
        by: Who,
    },
    /// They need what cannot be had.
    Unmet(Box<Unmet>),
}

/// What is decided so far, on one branch.
#[derive(Debug, Clone, Default)]
struct State {
    open: Vec<(Who, Formula)>,
    /// Requirements on single packages, met or not.
    needed: Vec<(Who, Atom)>,
    /// Versions of packages that this branch is about.
    chosen: Vec<(Who, Atom)>,
    clashes: Vec<(Who, Clash)>,
    classes: BTreeMap<u32, (NameId, Who)>,
    places: BTreeSet<(NameId, World)>,
}

/// One way to meet a requirement.
enum Way {
    Dead(Dead),
    Versions(Atom, Vec<VersionIx>, Rc<Candidate>),
    Branch(Formula),
}

/// The shortest contradiction found, or `None` if there is none or its tree is beyond all measure.
pub(crate) fn refute<S: Source>(source: &S) -> Option<Unmet> {
    let mut state = State::default();
    for (index, root) in source.roots().iter().enumerate() {
        state.assert(&Who::Root(index), root);
    }
    Refuter { source, left: BUDGET }.refute(&state)
}

struct Refuter<'s, S> {
    source: &'s S,
    left: usize,
}

impl<S: Source> Refuter<'_, S> {
    fn refute(&mut self, state: &State) -> Option<Unmet> {
        self.left = self.left.checked_sub(1)?;
        let (at, ways) = self.next(state)?;
        // From here on it is met in the way that is looked at.
        let mut state = state.clone();
        let (who, what) = state.open.remove(at);
        let dead = ways.into_iter().map(|way| self.kill(&state, &who, way)).collect::<Option<Vec<_>>>()?;
        Some(Unmet { who, what, dead })
    }

    /// The requirement with the fewest ways left: of several without any the last to come up, which is what just went
    /// wrong, of others the first.
    fn next(&self, state: &State) -> Option<(usize, Vec<Way>)> {
        let mut best: Option<(usize, (usize, Vec<Way>))> = None;
        for (at, (_, formula)) in state.open.iter().enumerate().filter(|(_, (_, formula))| !state.meets(formula)) {
            let ways = self.ways(state, formula);
            let alive = ways.iter().filter(|way| !matches!(way, Way::Dead(_))).count();
            if best.as_ref().is_none_or(|(fewest, _)| alive < *fewest || alive == 0) {
                best = Some((alive, (at, ways)));
            }
        }
        best.map(|(_, found)| found)
    }

    fn kill(&mut self, state: &State, who: &Who, way: Way) -> Option<Dead> {
        let mut state = state.clone();
        match way {
            Way::Dead(dead) => Some(dead),
            Way::Branch(what) => {
                state.assert(who, &what);
                let unmet = Box::new(self.refute(&state)?);
                Some(Dead::Branch { what, unmet })
            }
            Way::Versions(atom, versions, candidate) => {
                let (name, world) = (atom.name, atom.world);
                state.choose(&atom, who, &versions, &candidate);
                let why = Why::Unmet(Box::new(self.refute(&state)?));
                Some(Dead::Versions { name, world, versions, why })
            }
        }
    }

    fn ways(&self, state: &State, formula: &Formula) -> Vec<Way> {
        match formula {
            Formula::Any(parts) => parts.iter().flat_map(|part| self.ways(state, part)).collect(),
            Formula::All(_) => vec![Way::Branch(formula.clone())],
            Formula::Atom(atom) => self.versions(state, atom),
        }
    }

    fn versions(&self, state: &State, atom: &Atom) -> Vec<Way> {
        if atom.accepts.is_empty() {
            return vec![Way::Dead(Dead::NoVersion(atom.clone()))];
        }
        let mut dead: Vec<(Vec<VersionIx>, Why)> = Vec::new();
        let mut alive: Vec<(Vec<VersionIx>, Rc<Candidate>)> = Vec::new();
        for &version in atom.accepts.iter() {
            match self.viable(state, atom, version) {
                Err(why) => match dead.iter_mut().find(|(_, known)| *known == why) {
                    Some((versions, _)) => versions.push(version),
                    None => dead.push((vec![version], why)),
                },
                Ok(candidate) => match alive.iter_mut().find(|(_, known)| *known == candidate) {
                    Some((versions, _)) => versions.push(version),
                    None => alive.push((vec![version], candidate)),
                },
            }
        }
        let (name, world) = (atom.name, atom.world);
        let dead = dead.into_iter().map(|(versions, why)| Way::Dead(Dead::Versions { name, world, versions, why }));
        let alive = alive.into_iter().map(|(versions, candidate)| Way::Versions(atom.clone(), versions, candidate));
        dead.chain(alive).collect()
    }

    fn viable(&self, state: &State, atom: &Atom, version: VersionIx) -> Result<Rc<Candidate>, Why> {
        let candidate = self.source.candidate(atom.name, version, atom.world).map_err(Why::Unusable)?;
        if let Some(why) = state.excludes(atom.name, version) {
            return Err(why);
        }
        for clash in candidate.clashes.iter().filter(|clash| clash.name != atom.name) {
            if let Some(needed_by) = self.unavoidable(state, clash) {
                return Err(Why::Clash { with: clash.name, needed_by });
            }
        }
        for class in &candidate.classes {
            if let Some((_, by)) = state.classes.get(class).filter(|(owner, _)| *owner != atom.name) {
                return Err(Why::Class { class: *class, by: by.clone() });
            }
        }
        Ok(candidate)
    }

    /// Who needs the package of `clash`, if only versions in `clash` are left of it.
    fn unavoidable(&self, state: &State, clash: &Clash) -> Option<Who> {
        let (who, atom) = state.required(clash.name)?;
        let free = |version: &VersionIx| {
            clash.versions.binary_search(version).is_err() && state.excludes(clash.name, *version).is_none()
        };
        (!atom.accepts.iter().any(free)).then(|| who.clone())
    }
}

impl State {
    fn assert(&mut self, who: &Who, formula: &Formula) {
        match formula {
            Formula::All(parts) => parts.iter().for_each(|part| self.assert(who, part)),
            Formula::Any(_) => self.open.push((who.clone(), formula.clone())),
            Formula::Atom(atom) => {
                self.needed.push((who.clone(), atom.clone()));
                self.open.push((who.clone(), formula.clone()));
            }
        }
    }

    fn choose(&mut self, atom: &Atom, who: &Who, versions: &[VersionIx], candidate: &Candidate) {
        let accepts: Rc<[VersionIx]> = versions.into();
        let chosen = Atom { accepts: Rc::clone(&accepts), ..atom.clone() };
        self.places.insert((atom.name, atom.world));
        self.chosen.push((who.clone(), chosen));
        let me = Who::Package(atom.name, accepts, atom.world);
        candidate.requires.iter().for_each(|formula| self.assert(&me, formula));
        let clashes = candidate.clashes.iter().filter(|clash| clash.name != atom.name);
        self.clashes.extend(clashes.map(|clash| (me.clone(), clash.clone())));
        for class in &candidate.classes {
            self.classes.entry(*class).or_insert_with(|| (atom.name, me.clone()));
        }
    }

    /// Why a version is out of the question, if it is.
    fn excludes(&self, name: NameId, version: VersionIx) -> Option<Why> {
        let mut needed = self.needed.iter().filter(|(_, atom)| atom.name == name);
        if let Some((by, atom)) = needed.find(|(_, atom)| atom.accepts.binary_search(&version).is_err()) {
            return Some(Why::Needed { by: by.clone(), atom: atom.clone() });
        }
        let mut clashes = self.clashes.iter().filter(|(_, clash)| clash.name == name);
        if let Some((by, _)) = clashes.find(|(_, clash)| clash.versions.binary_search(&version).is_ok()) {
            return Some(Why::Clashes { by: by.clone() });
        }
        let mut chosen = self.chosen.iter().filter(|(_, atom)| atom.name == name);
        let (_, atom) = chosen.find(|(_, atom)| atom.accepts.binary_search(&version).is_err())?;
        Some(Why::Chosen { instead: Rc::clone(&atom.accepts) })
    }

    /// The first to require a package, and what.
    fn required(&self, name: NameId) -> Option<&(Who, Atom)> {
        self.needed.iter().chain(&self.chosen).find(|(_, atom)| atom.name == name)
    }

    /// Whether the requirement is met by what was chosen, in every way that is still open.
    fn meets(&self, formula: &Formula) -> bool {
        formula.eval(&|atom| {
            self.places.contains(&(atom.name, atom.world))
                && self.chosen.iter().any(|(_, known)| {
                    known.name == atom.name && known.accepts.iter().all(|v| atom.accepts.binary_search(v).is_ok())
                })
        })
    }
}
