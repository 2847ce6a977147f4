//! Heaviest ways through a graph: what decides how long a build takes on enough machines.
//!
//! Nodes are numbers in a topological order: each depends on smaller ones only, as in a [`Graph`](crate::graph::Graph).
//! Weights are times, known or guessed. Not here: who does what when (`exec`), and how it is shown.

use std::time::Duration;

/// For each node the weight of the heaviest way from its beginning to an end of the graph, its own included.
///
/// `dependencies` has a row for each of `weights`. What is named and does not come before the node that names it is
/// passed over.
#[must_use]
pub fn remaining(weights: &[Duration], dependencies: &[Vec<usize>]) -> Vec<Duration> {
    // What follows each node, at first nothing; then by and by the weight of the way itself.
    let mut remaining = vec![Duration::ZERO; weights.len()];
    for (node, (weight, needs)) in weights.iter().zip(dependencies).enumerate().rev() {
        let Some(own) = remaining.get_mut(node) else { continue };
        *own = own.saturating_add(*weight);
        let own = *own;
        for need in needs.iter().filter(|need| **need < node) {
            if let Some(follows) = remaining.get_mut(*need) {
                *follows = own.max(*follows);
            }
        }
    }
    remaining
}

/// The nodes of the heaviest way from a beginning of the graph to an end of it; of several equal ones that of the
/// smallest numbers. Nodes of no weight are on it only where they join others.
#[must_use]
pub fn critical_path(weights: &[Duration], dependencies: &[Vec<usize>]) -> Vec<usize> {
    let remaining = remaining(weights, dependencies);
    let heaviest = |nodes: &mut dyn Iterator<Item = usize>| {
        let weighed = nodes.filter_map(|node| Some((*remaining.get(node)?, std::cmp::Reverse(node))));
        weighed.max().filter(|(weight, _)| !weight.is_zero()).map(|(_, node)| node.0)
    };
    let needs_of = |node: usize| dependencies.get(node).into_iter().flatten();
    let mut path = Vec::new();
    let mut next = heaviest(&mut (0..weights.len()).filter(|node| needs_of(*node).all(|need| need >= node)));
    while let Some(node) = next {
        path.push(node);
        next = heaviest(&mut (node + 1..weights.len()).filter(|after| needs_of(*after).any(|need| *need == node)));
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(weights: &[u64]) -> Vec<Duration> {
        weights.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn known_graphs() {
        for (weights, dependencies, expected) in [
            (vec![], vec![], vec![]),
            (vec![3], vec![vec![]], vec![0]),
            // A diamond, its heavier side, and something beside it.
            (vec![1, 2, 5, 1, 7], vec![vec![], vec![0], vec![0], vec![1, 2], vec![]], vec![0, 2, 3]),
            (vec![1, 2, 5, 1, 9], vec![vec![], vec![0], vec![0], vec![1, 2], vec![]], vec![4]),
            // Equal ones: the smaller numbers. Nothing to do: no path.
            (vec![1, 1], vec![vec![], vec![]], vec![0]),
            (vec![0, 0], vec![vec![], vec![0]], vec![]),
            // What was there already joins what was made.
            (vec![2, 0, 3], vec![vec![], vec![0], vec![1, 1]], vec![0, 1, 2]),
        ] {
            assert_eq!(critical_path(&seconds(&weights), &dependencies), expected, "{weights:?} {dependencies:?}");
        }
    }

    #[test]
    fn nonsense_is_passed_over() {
        assert_eq!(remaining(&seconds(&[1, 2]), &[vec![1, 0, 9], vec![5]]), seconds(&[1, 2]));
        assert_eq!(critical_path(&seconds(&[1, 2]), &[vec![1]]).len(), 1);
    }

    fn graphs() -> impl Strategy<Value = (Vec<u64>, Vec<Vec<usize>>)> {
        (1_usize..10).prop_flat_map(|size| {
            let needs = |node: usize| prop::collection::vec(0..node.max(1), 0..4.min(node + 1));
            (prop::collection::vec(0_u64..5, size), (0..size).map(needs).collect::<Vec<_>>())
        })
    }

    /// The heaviest way by trying all of them.
    fn by_trying(node: usize, weights: &[u64], dependencies: &[Vec<usize>]) -> u64 {
        let after = (node + 1..weights.len()).filter(|after| dependencies[*after].contains(&node));
        weights[node] + after.map(|after| by_trying(after, weights, dependencies)).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn as_heavy_as_the_heaviest((weights, dependencies) in graphs()) {
            let times = seconds(&weights);
            let all: Vec<u64> = (0..weights.len()).map(|node| by_trying(node, &weights, &dependencies)).collect();
            prop_assert_eq!(remaining(&times, &dependencies), seconds(&all));
            let path = critical_path(&times, &dependencies);
            prop_assert_eq!(path.iter().map(|node| weights[*node]).sum::<u64>(), all.iter().copied().max().unwrap());
            for pair in path.windows(2) {
                prop_assert!(dependencies[pair[1]].contains(&pair[0]));
            }
        }
    }
}
