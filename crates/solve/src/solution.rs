//! Nodes by role: which packages are built for which world, and in which order.
//!
//! Not here: where their sources are (`lock`), what building them is (`plan`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use opam::name::PackageName;
use opam::version::Version;

use crate::order;
pub use crate::problem::Kind;
use crate::request::COMPILER;

/// Where a package is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Runs on the build machine; one node serves all targets.
    Host,
    /// Is in what is shipped, or linked into it; built for each target.
    Target,
}

/// A node: a package in a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The package.
    pub name: PackageName,
    /// Its role.
    pub role: Role,
}

/// For which targets something holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum On {
    /// For all there are, or all that the node it is about is on.
    #[default]
    All,
    /// For these alone, in the order of the request.
    Only(Vec<String>),
}

impl On {
    /// Whether it holds for this target.
    #[must_use]
    pub fn covers(&self, target: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(targets) => targets.iter().any(|known| known == target),
        }
    }
}

/// What a node depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dep {
    /// The other node.
    pub key: Key,
    /// What for.
    pub kind: Kind,
    /// For which targets.
    pub on: On,
}

/// A package in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its version; [`crate::request::LOCAL_VERSION`] for a package of the project.
    pub version: Version,
    /// Is a package of the project itself: not built by itself.
    pub local: bool,
    /// Comes with the compiler: nothing is built for it.
    pub provided: bool,
    /// Stands for something of the system: a tool on the host, a C library on a target.
    pub conf: bool,
    /// Is a preprocessor: has a twin on the host wherever it is used.
    pub ppx: bool,
    /// The targets that need it.
    pub on: On,
    /// Sorted by name and role, one for each other node.
    pub deps: Vec<Dep>,
}

/// One version of each package, and the roles it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Solution {
    /// Names of the targets, as requested.
    pub targets: Vec<String>,
    /// What was asked for: the project's packages, published packages, the compiler.
    pub roots: Vec<Key>,
    /// Everything the roots need.
    pub nodes: BTreeMap<Key, Node>,
}

/// Packages that wait for each other: each depends on the next, the last on the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("dependencies go round in a circle")]
pub struct Cycle(pub Vec<Key>);

/// One line of a tree of dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch<'s> {
    /// 0 for a root.
    pub depth: usize,
    /// The node.
    pub key: &'s Key,
    /// What its parent needs it for; nothing for a root.
    pub kind: Option<Kind>,
    /// Its dependencies were told before and are not told again.
    pub repeated: bool,
}

impl Solution {
    /// Puts in order by name what a request may have in any order: targets and roots, the project's packages before the
    /// published, those before the compiler.
    pub(crate) fn sort(&mut self) {
        self.targets.sort();
        for node in self.nodes.values_mut() {
            let lists = std::iter::once(&mut node.on).chain(node.deps.iter_mut().map(|dep| &mut dep.on));
            for on in lists {
                if let On::Only(targets) = on {
                    targets.sort();
                }
            }
        }
        let nodes = &self.nodes;
        self.roots.sort_by_key(|key| {
            let local = nodes.get(key).is_some_and(|node| node.local);
            (!local, key.name.as_str() == COMPILER, key.clone())
        });
        self.roots.dedup();
    }

    /// All nodes, dependencies before dependents; [`Kind::Post`] orders nothing.
    ///
    /// # Errors
    /// If there is no such order.
    pub fn order(&self) -> Result<Vec<Key>, Cycle> {
        let edges = self.nodes.iter().map(|(key, node)| {
            let before = node.deps.iter().filter(|dep| dep.kind != Kind::Post);
            (key.clone(), before.map(|dep| dep.key.clone()).collect())
        });
        order::topological(&edges.collect()).map_err(|cycle| Cycle(cycle.0))
    }

    /// Why a package is there: for each root that needs it and each role it has, one shortest chain from that root to it.
    /// Shorter chains come first. None if the package is not there.
    #[must_use]
    pub fn why(&self, name: &str) -> Vec<Vec<Key>> {
        let mut chains: Vec<Vec<Key>> = self.roots.iter().flat_map(|root| self.chains(root, name)).collect();
        chains.sort_by_key(Vec::len);
        chains
    }

    fn chains(&self, root: &Key, name: &str) -> Vec<Vec<Key>> {
        let mut parents: BTreeMap<&Key, Option<&Key>> = BTreeMap::from([(root, None)]);
        let mut left = VecDeque::from([root]);
        let mut found = Vec::new();
        while let Some(key) = left.pop_front() {
            if key.name.as_str() == name {
                found.push(key);
            }
            for dep in self.nodes.get(key).map(|node| node.deps.as_slice()).unwrap_or_default() {
                // What is only ordered is there for another reason.
                if dep.kind != Kind::Order && !parents.contains_key(&dep.key) {
                    parents.insert(&dep.key, Some(key));
                    left.push_back(&dep.key);
                }
            }
        }
        let chain = |end: &Key| {
            let mut chain: Vec<Key> =
                std::iter::successors(Some(end), |key| parents.get(key).copied().flatten()).cloned().collect();
            chain.reverse();
            chain
        };
        found.into_iter().map(chain).collect()
    }

    /// All nodes as a tree below the roots, depth first; what is below a node is told once.
    #[must_use]
    pub fn tree(&self) -> Vec<Branch<'_>> {
        let mut told: BTreeSet<&Key> = BTreeSet::new();
        let mut branches = Vec::new();
        let mut left: Vec<(usize, &Key, Option<Kind>)> = self.roots.iter().rev().map(|key| (0, key, None)).collect();
        while let Some((depth, key, kind)) = left.pop() {
            let deps = self.nodes.get(key).map(|node| node.deps.as_slice()).unwrap_or_default();
            let deps = deps.iter().filter(|dep| dep.kind != Kind::Order);
            let repeated = !told.insert(key);
            if !repeated {
                left.extend(deps.rev().map(|dep| (depth + 1, &dep.key, Some(dep.kind))));
            }
            branches.push(Branch { depth, key, kind, repeated });
        }
        branches
    }
}
