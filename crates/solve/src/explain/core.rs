//! A smallest set of facts that cannot all hold.
//!
//! Facts are what packages say about packages, all versions of one taken together: `foo` requires `bar`, `foo` is not
//! available. Taking one away is imagining that no version of `foo` said it. The set returned is minimal: without any
//! one of its facts there is a solution. Not here: how the facts contradict each other (`refute`).

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::problem::{Candidate, Formula, NameId, Source, Unusable, VersionIx, World};
use crate::sat;

/// Something that the problem says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// The root at this place is wanted.
    Root(usize),
    /// A package requires something of these.
    Requires(NameId, Vec<NameId>),
    /// A package conflicts with another.
    Clashes(NameId, NameId),
    /// A package is in a conflict class.
    Class(NameId, u32),
    /// Not all versions of a package can be used.
    Unusable(NameId),
}

/// A source of which only some facts are believed.
pub(crate) struct Believed<'s, S> {
    source: &'s S,
    /// Packages about which nothing else is believed than that their versions exist; `None`: about all, more is.
    names: Option<BTreeSet<NameId>>,
    without: BTreeSet<Fact>,
}

impl<S: Source> Believed<'_, S> {
    fn believes(&self, name: NameId) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(&name))
    }

    fn has(&self, fact: &Fact) -> bool {
        !self.without.contains(fact)
    }

    fn filtered(&self, name: NameId, candidate: &Candidate) -> Candidate {
        let requires =
            candidate.requires.iter().filter(|formula| self.has(&requires(name, formula))).cloned().collect();
        let clashes =
            candidate.clashes.iter().filter(|clash| self.has(&Fact::Clashes(name, clash.name))).cloned().collect();
        let classes = candidate.classes.iter().copied().filter(|&class| self.has(&Fact::Class(name, class))).collect();
        Candidate { requires, clashes, classes, optional: Vec::new(), ppx: candidate.ppx }
    }

    /// The packages that have something to say, or of which something is said.
    pub(crate) fn about(&self) -> BTreeSet<NameId> {
        let mut about = BTreeSet::new();
        for fact in self.facts() {
            match fact {
                Fact::Root(index) => {
                    if let Some(root) = self.source.roots().get(index) {
                        root.atoms(&mut |atom| {
                            about.insert(atom.name);
                        });
                    }
                }
                Fact::Requires(name, names) => about.extend(names.into_iter().chain([name])),
                Fact::Clashes(name, other) => about.extend([name, other]),
                Fact::Class(name, _) | Fact::Unusable(name) => {
                    about.insert(name);
                }
            }
        }
        about
    }

    /// The same, with one fact less.
    #[cfg(test)]
    pub(super) fn doubting(&self, fact: Fact) -> Self {
        let mut without = self.without.clone();
        without.insert(fact);
        Self { source: self.source, names: self.names.clone(), without }
    }

    /// Every fact that can matter, those near the roots first.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let mut facts: Vec<Fact> = Vec::new();
        let mut seen: BTreeSet<(NameId, World)> = BTreeSet::new();
        let mut told: BTreeSet<Fact> = BTreeSet::new();
        let mut tell = |fact: Fact| {
            if told.insert(fact.clone()) {
                facts.push(fact);
            }
        };
        let mut places: std::collections::VecDeque<(NameId, World)> = std::collections::VecDeque::new();
        for (index, root) in self.source.roots().iter().enumerate() {
            tell(Fact::Root(index));
            root.atoms(&mut |atom| places.push_back((atom.name, atom.world)));
        }
        while let Some((name, world)) = places.pop_front() {
            if !self.believes(name) || !seen.insert((name, world)) {
                continue;
            }
            for &version in self.source.preference(name).iter() {
                match self.source.candidate(name, version, world) {
                    Err(_) => tell(Fact::Unusable(name)),
                    Ok(candidate) => {
                        for formula in &candidate.requires {
                            tell(requires(name, formula));
                            formula.atoms(&mut |atom| places.push_back((atom.name, atom.world)));
                        }
                        candidate.clashes.iter().for_each(|clash| tell(Fact::Clashes(name, clash.name)));
                        candidate.classes.iter().for_each(|&class| tell(Fact::Class(name, class)));
                    }
                }
            }
        }
        facts.retain(|fact| !self.without.contains(fact));
        facts
    }
}

/// The fact that a formula of this package stands for.
pub(crate) fn requires(name: NameId, formula: &Formula) -> Fact {
    let mut names = BTreeSet::new();
    formula.atoms(&mut |atom| {
        names.insert(atom.name);
    });
    Fact::Requires(name, names.into_iter().collect())
}

impl<S: Source> Source for Believed<'_, S> {
    fn preference(&self, name: NameId) -> Rc<[VersionIx]> {
        self.source.preference(name)
    }

    fn candidate(&self, name: NameId, version: VersionIx, world: World) -> Result<Rc<Candidate>, Unusable> {
        if !self.believes(name) {
            return Ok(Rc::default());
        }
        match self.source.candidate(name, version, world) {
            Ok(candidate) => Ok(Rc::new(self.filtered(name, &candidate))),
            Err(unusable) if self.has(&Fact::Unusable(name)) => Err(unusable),
            Err(_) => Ok(Rc::default()),
        }
    }

    fn members(&self, class: u32) -> Rc<[NameId]> {
        self.source.members(class)
    }

    fn roots(&self) -> Rc<[Formula]> {
        // A root that is not believed stays in its place, as nothing.
        let roots = self.source.roots();
        let believed = roots
            .iter()
            .enumerate()
            .map(|(index, root)| if self.has(&Fact::Root(index)) { root.clone() } else { Formula::All(Vec::new()) });
        believed.collect()
    }
}

/// `source` with no more facts than a contradiction needs, given names that suffice for one.
pub(crate) fn smallest<S: Source>(source: &S, names: BTreeSet<NameId>) -> Believed<'_, S> {
    let mut believed = Believed { source, names: Some(with_roots(source, names)), without: BTreeSet::new() };
    if sat::solve(&believed).is_ok() {
        believed.names = None;
    }
    narrow(&mut believed);
    // What is far from the roots is dropped first: a short way to a contradiction is easier to read.
    for fact in believed.facts().into_iter().rev() {
        believed.without.insert(fact.clone());
        if sat::solve(&believed).is_ok() {
            believed.without.remove(&fact);
        }
    }
    believed
}

/// What the roots say of themselves is near: it is looked at even if the solver came to its contradiction without.
fn with_roots<S: Source>(source: &S, mut names: BTreeSet<NameId>) -> BTreeSet<NameId> {
    for root in source.roots().iter() {
        root.atoms(&mut |atom| {
            names.insert(atom.name);
        });
    }
    names
}

/// As long as the solver finds contradictions about fewer packages, no more than those are looked at; then each in turn,
/// the farthest from the roots first, is left out if that leaves a contradiction.
fn narrow<S: Source>(believed: &mut Believed<'_, S>) {
    while let Err(found) = sat::solve(believed) {
        let found = with_roots(believed.source, found);
        if believed.names.as_ref().is_some_and(|names| found.len() >= names.len()) {
            break;
        }
        let before = believed.names.replace(found);
        if sat::solve(believed).is_ok() {
            believed.names = before;
            break;
        }
    }
    let mut owners: Vec<NameId> = Vec::new();
    for fact in believed.facts() {
        if let Fact::Requires(name, _) | Fact::Clashes(name, _) | Fact::Class(name, _) | Fact::Unusable(name) = fact
            && !owners.contains(&name)
        {
            owners.push(name);
        }
    }
    for name in owners.into_iter().rev() {
        let Some(names) = &mut believed.names else { return };
        names.remove(&name);
        if sat::solve(believed).is_ok()
            && let Some(names) = &mut believed.names
        {
            names.insert(name);
        }
    }
}
