//! The solver proper: a [`Source`] as resolvo wants to see it, and back.
//!
//! A package is one name `Version`, whose candidates are its versions, and one name `At` for each world, whose candidate
//! requires the same version: one choice of versions, several closures. Not here: why there is no solution (`explain`).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use resolvo::conflict::{Conflict, ConflictNode};
use resolvo::utils::{Pool, VersionSet};
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    HintDependenciesAvailable, Interner, KnownDependencies, Problem, Requirement, SolvableId, Solver, SolverCache,
    StringId, UnsolvableOrCancelled, VersionSetId, VersionSetUnionId,
};

use crate::problem::{Chosen, Formula, NameId, Source, VersionIx, World};

/// A package of resolvo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// The version that a package has wherever it is.
    Version(NameId),
    /// Its presence in a world.
    At(NameId, World),
    /// The one package of a conflict class; candidates are names.
    Class(u32),
    /// A disjunction that is not of single packages; candidates are its branches.
    Branch(u32),
}

/// A candidate: a version, a name or a branch, as its [`Key`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record(u32);

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Records, ascending; or all but those.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Set {
    records: Rc<[u32]>,
    inverse: bool,
}

impl Set {
    fn of(records: &Rc<[u32]>) -> Self {
        Self { records: Rc::clone(records), inverse: false }
    }

    fn one(record: u32) -> Self {
        Self { records: Rc::new([record]), inverse: false }
    }

    fn has(&self, record: Record) -> bool {
        self.records.binary_search(&record.0).is_ok() != self.inverse
    }
}

impl VersionSet for Set {
    type V = Record;
}

struct Provider<'s, S> {
    source: &'s S,
    pool: Pool<Set, Key>,
    branches: RefCell<Vec<Rc<[Formula]>>>,
}

/// Packages in worlds that together satisfy the roots.
///
/// # Errors
/// If there are none such: with the names that the contradiction found is about. They suffice for one, and may be more
/// than one needs.
pub(crate) fn solve<S: Source>(source: &S) -> Result<Chosen, BTreeSet<NameId>> {
    let provider = Provider { source, pool: Pool::default(), branches: RefCell::default() };
    let mut requirements = Vec::new();
    source.roots().iter().for_each(|root| provider.encode(root, &mut requirements));
    let problem = Problem::new().requirements(requirements);
    let mut solver = Solver::new(provider);
    let solvables = match solver.solve(problem) {
        Ok(solvables) => solvables,
        Err(UnsolvableOrCancelled::Unsolvable(conflict)) => return Err(names(&conflict, &solver)),
        // The provider never cancels.
        Err(UnsolvableOrCancelled::Cancelled(_)) => return Err(BTreeSet::new()),
    };
    let pool = &solver.provider().pool;
    let chosen = solvables.into_iter().filter_map(|id| {
        let solvable = pool.resolve_solvable(id);
        match *pool.resolve_package_name(solvable.name) {
            Key::At(name, world) => Some(((name, world), solvable.record.0)),
            Key::Version(_) | Key::Class(_) | Key::Branch(_) => None,
        }
    });
    Ok(chosen.collect())
}

fn names<S: Source>(conflict: &Conflict, solver: &Solver<Provider<'_, S>>) -> BTreeSet<NameId> {
    let graph = conflict.graph(solver).graph;
    let keys = graph.node_weights().filter_map(|node| match *node {
        ConflictNode::Solvable(id) => Some(solver.provider().solvable(id)),
        ConflictNode::Root | ConflictNode::UnresolvedDependency | ConflictNode::Excluded(_) => None,
    });
    let name = |(key, record)| match key {
        Key::Version(name) | Key::At(name, _) => Some(name),
        Key::Class(_) => Some(NameId(record)),
        Key::Branch(_) => None,
    };
    keys.filter_map(name).collect()
}

impl<S: Source> Provider<'_, S> {
    fn set(&self, key: Key, set: Set) -> VersionSetId {
        self.pool.intern_version_set(self.pool.intern_package_name(key), set)
    }

    /// Adds requirements that hold together exactly if `formula` does.
    fn encode(&self, formula: &Formula, into: &mut Vec<ConditionalRequirement>) {
        match formula {
            Formula::All(parts) => parts.iter().for_each(|part| self.encode(part, into)),
            Formula::Atom(atom) => into.push(self.atom(atom).into()),
            Formula::Any(parts) => into.push(self.any(parts)),
        }
    }

    fn atom(&self, atom: &crate::problem::Atom) -> VersionSetId {
        self.set(Key::At(atom.name, atom.world), Set::of(&atom.accepts))
    }

    fn any(&self, parts: &[Formula]) -> ConditionalRequirement {
        let atoms: Option<Vec<_>> = parts
            .iter()
            .map(|part| match part {
                Formula::Atom(atom) => Some(self.atom(atom)),
                Formula::All(_) | Formula::Any(_) => None,
            })
            .collect();
        if let Some([first, others @ ..]) = atoms.as_deref() {
            let union = self.pool.intern_version_set_union(*first, others.iter().copied());
            return ConditionalRequirement { condition: None, requirement: Requirement::Union(union) };
        }
        let mut branches = self.branches.borrow_mut();
        let key = Key::Branch(index(branches.len()));
        branches.push(parts.into());
        self.set(key, Set { records: Rc::new([]), inverse: true }).into()
    }

    fn records(&self, key: Key) -> Vec<u32> {
        match key {
            Key::Version(name) => self.source.preference(name).to_vec(),
            Key::At(name, world) => {
                let versions = self.source.preference(name);
                versions.iter().copied().filter(|&v| self.source.candidate(name, v, world).is_ok()).collect()
            }
            Key::Class(class) => self.source.members(class).iter().map(|name| name.0).collect(),
            Key::Branch(branch) => (0..index(self.branch(branch).len())).collect(),
        }
    }

    fn branch(&self, branch: u32) -> Rc<[Formula]> {
        self.branches.borrow().get(branch as usize).cloned().unwrap_or_default()
    }

    fn dependencies(&self, key: Key, record: u32) -> KnownDependencies {
        let mut known = KnownDependencies::default();
        match key {
            Key::Version(_) | Key::Class(_) => {}
            Key::Branch(branch) => {
                if let Some(formula) = self.branch(branch).get(record as usize) {
                    self.encode(formula, &mut known.requirements);
                }
            }
            Key::At(name, world) => self.package((name, record), world, &mut known),
        }
        known
    }

    fn package(&self, (name, version): (NameId, VersionIx), world: World, known: &mut KnownDependencies) {
        let Ok(candidate) = self.source.candidate(name, version, world) else { return };
        known.requirements.push(self.set(Key::Version(name), Set::one(version)).into());
        candidate.requires.iter().for_each(|formula| self.encode(formula, &mut known.requirements));
        for class in &candidate.classes {
            known.requirements.push(self.set(Key::Class(*class), Set::one(name.0)).into());
        }
        for clash in &candidate.clashes {
            let others = Set { records: Rc::clone(&clash.versions), inverse: true };
            known.constrains.push(self.set(Key::Version(clash.name), others));
        }
    }

    fn solvable(&self, id: SolvableId) -> (Key, u32) {
        let solvable = self.pool.resolve_solvable(id);
        (*self.pool.resolve_package_name(solvable.name), solvable.record.0)
    }
}

/// Arenas of more than 2³² things do not fit in memory.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl<S: Source> Interner for Provider<'_, S> {
    type NameId = resolvo::NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl fmt::Display + '_ {
        let (key, record) = self.solvable(solvable);
        format!("{key:?}={record}")
    }

    fn display_name(&self, name: resolvo::NameId) -> impl fmt::Display + '_ {
        format!("{:?}", self.pool.resolve_package_name(name))
    }

    fn display_version_set(&self, set: VersionSetId) -> impl fmt::Display + '_ {
        format!("{:?}", self.pool.resolve_version_set(set))
    }

    fn display_string(&self, string: StringId) -> impl fmt::Display + '_ {
        self.pool.resolve_string(string).to_owned()
    }

    fn version_set_name(&self, set: VersionSetId) -> resolvo::NameId {
        self.pool.resolve_version_set_package_name(set)
    }

    fn solvable_name(&self, solvable: SolvableId) -> resolvo::NameId {
        self.pool.resolve_solvable(solvable).name
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.pool.resolve_version_set_union(union)
    }

    fn resolve_condition(&self, condition: ConditionId) -> Condition {
        self.pool.resolve_condition(condition).clone()
    }
}

impl<S: Source> DependencyProvider for Provider<'_, S> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        version_set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let set = self.pool.resolve_version_set(version_set);
        let wanted = |id: &SolvableId| set.has(self.pool.resolve_solvable(*id).record) != inverse;
        candidates.iter().copied().filter(wanted).collect()
    }

    async fn get_candidates(&self, name: resolvo::NameId) -> Option<Candidates> {
        let records = self.records(*self.pool.resolve_package_name(name));
        let candidates = records.into_iter().map(|record| self.pool.intern_solvable(name, Record(record))).collect();
        let hint_dependencies_available = HintDependenciesAvailable::None;
        Some(Candidates { candidates, hint_dependencies_available, ..Candidates::default() })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        // Candidates were interned in the order of preference.
        solvables.sort_unstable();
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let (key, record) = self.solvable(solvable);
        Dependencies::Known(self.dependencies(key, record))
    }
}
