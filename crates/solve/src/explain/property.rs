//! Properties over random abstract problems in two worlds, against an oracle that tries everything.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proptest::prelude::*;

use super::core;
use super::refute;
use crate::problem::{Atom, Candidate, Chosen, Clash, Formula, Kind, NameId, Source, Unusable, VersionIx, World};
use crate::{roles, sat};

const NAMES: u32 = 4;
const VERSIONS: u32 = 2;
const WORLDS: u16 = 2;

/// A problem that is all there from the start.
#[derive(Debug, Clone, Default)]
struct Small {
    candidates: BTreeMap<(NameId, VersionIx, World), Candidate>,
    roots: Vec<Formula>,
}

impl Source for Small {
    fn preference(&self, name: NameId) -> Rc<[VersionIx]> {
        if name.0 < NAMES { (0..VERSIONS).rev().collect() } else { Rc::new([]) }
    }

    fn candidate(&self, name: NameId, version: VersionIx, world: World) -> Result<Rc<Candidate>, Unusable> {
        let found = self.candidates.get(&(name, version, world)).cloned();
        found.map(Rc::new).ok_or(Unusable::Unavailable)
    }

    fn members(&self, class: u32) -> Rc<[NameId]> {
        let members = self.candidates.iter().filter(|(_, candidate)| candidate.classes.contains(&class));
        members.map(|((name, ..), _)| *name).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn roots(&self) -> Rc<[Formula]> {
        self.roots.clone().into()
    }
}

/// Whether `chosen` satisfies `source`: written apart from the solver, as the definition has it.
fn valid<S: Source>(source: &S, chosen: &Chosen) -> bool {
    let holds =
        |atom: &Atom| chosen.get(&(atom.name, atom.world)).is_some_and(|version| atom.accepts.contains(version));
    let mut classes: BTreeMap<u32, NameId> = BTreeMap::new();
    source.roots().iter().all(|root| root.eval(&holds))
        && chosen.iter().all(|((name, world), version)| {
            let Ok(candidate) = source.candidate(*name, *version, *world) else { return false };
            let one_version = chosen.iter().all(|((other, _), same)| other != name || same == version);
            let clash = |clash: &Clash| {
                chosen.iter().any(|((other, _), version)| *other == clash.name && clash.versions.contains(version))
            };
            one_version
                && candidate.requires.iter().all(|formula| formula.eval(&holds))
                && !candidate.clashes.iter().any(clash)
                && candidate.classes.iter().all(|class| classes.entry(*class).or_insert(*name) == name)
        })
}

/// Whether anything satisfies `source`: tries all versions in all sets of places.
fn satisfiable<S: Source>(source: &S) -> bool {
    let places = |name| (0..WORLDS).map(move |world| (NameId(name), World(world)));
    let places: Vec<_> = (0..NAMES).flat_map(places).collect();
    (0..VERSIONS.pow(NAMES)).any(|versions| {
        (0..1_u32 << places.len()).any(|set| {
            let there = places.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            let version = |name: NameId| versions / VERSIONS.pow(name.0) % VERSIONS;
            valid(source, &there.map(|(_, place)| (*place, version(place.0))).collect())
        })
    })
}

fn atom() -> impl Strategy<Value = Formula> {
    let accepts = prop_oneof![3 => Just(vec![0, 1]), 2 => Just(vec![1]), 2 => Just(vec![0]), 1 => Just(vec![])];
    // The last name is of no package.
    (0..=NAMES, 0..WORLDS, accepts).prop_map(|(name, world, accepts)| {
        let accepts: Rc<[VersionIx]> = if name == NAMES { Rc::new([]) } else { accepts.into() };
        Formula::Atom(Atom { name: NameId(name), world: World(world), kind: Kind::Link, accepts, requirement: None })
    })
}

fn formula() -> impl Strategy<Value = Formula> {
    atom().prop_recursive(2, 6, 3, |inner| {
        let parts = proptest::collection::vec(inner, 0..3);
        prop_oneof![parts.clone().prop_map(Formula::All), parts.prop_map(Formula::Any)]
    })
}

fn candidate() -> impl Strategy<Value = Option<Candidate>> {
    let versions = prop_oneof![Just(vec![0, 1]), Just(vec![1]), Just(vec![0])];
    let clash =
        (0..NAMES, versions).prop_map(|(name, versions)| Clash { name: NameId(name), versions: versions.into() });
    let requires = proptest::collection::vec(formula(), 0..3);
    let rest = (proptest::collection::vec(clash, 0..2), proptest::collection::vec(0..2_u32, 0..2), any::<bool>());
    let candidate = (requires, rest).prop_map(|(requires, (clashes, classes, ppx))| Candidate {
        requires,
        optional: Vec::new(),
        clashes,
        classes,
        ppx,
    });
    proptest::option::weighted(0.9, candidate)
}

/// Dependencies on oneself are none; they are dropped before they come here.
fn without(name: NameId, formula: Formula) -> Formula {
    let all = |parts: Vec<Formula>| parts.into_iter().map(|part| without(name, part)).collect();
    match formula {
        Formula::Atom(atom) if atom.name == name => Formula::All(Vec::new()),
        Formula::Atom(atom) => Formula::Atom(atom),
        Formula::All(parts) => Formula::All(all(parts)),
        Formula::Any(parts) => Formula::Any(all(parts)),
    }
}

fn problems() -> impl Strategy<Value = Small> {
    let count = (NAMES * VERSIONS) as usize * usize::from(WORLDS);
    let candidates = proptest::collection::vec(candidate(), count);
    (candidates, proptest::collection::vec(formula(), 1..4)).prop_map(|(candidates, roots)| {
        let mut small = Small { candidates: BTreeMap::new(), roots };
        for (index, candidate) in (0_u32..).zip(candidates) {
            let world = World(u16::try_from(index % u32::from(WORLDS)).unwrap());
            let index = index / u32::from(WORLDS);
            let name = NameId(index % NAMES);
            if let Some(mut candidate) = candidate {
                // Nor are conflicts.
                candidate.clashes.retain(|clash| clash.name != name);
                candidate.requires = candidate.requires.into_iter().map(|formula| without(name, formula)).collect();
                small.candidates.insert((name, index / NAMES, world), candidate);
            }
        }
        small
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_solver_is_right(problem in problems()) {
        match sat::solve(&problem) {
            Ok(chosen) => {
                prop_assert!(valid(&problem, &chosen));
                // What is needed of it is enough, and has no loose ends.
                let needed = roles::needed(&problem, &chosen);
                let kept: Chosen = chosen.into_iter().filter(|(place, _)| needed.contains_key(place)).collect();
                prop_assert!(valid(&problem, &kept));
                prop_assert!(needed.values().flat_map(BTreeMap::keys).all(|place| kept.contains_key(place)));
            }
            Err(names) => {
                prop_assert!(!satisfiable(&problem));
                let believed = core::smallest(&problem, names);
                prop_assert!(!satisfiable(&believed));
                // Without any one of its facts there is a solution.
                for fact in believed.facts() {
                    prop_assert!(satisfiable(&believed.doubting(fact)));
                }
                prop_assert!(refute::refute(&believed).is_some());
            }
        }
    }
}
