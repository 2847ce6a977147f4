//! Topological order. Not here: what the edges are.

use std::collections::BTreeMap;

/// The cycle that makes an order impossible: each depends on the next, the last on the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cycle<K>(pub(crate) Vec<K>);

/// The keys of `edges` with dependencies before dependents, and by key where that leaves a choice of where to begin.
/// Edges to what is no key are ignored.
///
/// # Errors
/// If there is a cycle.
pub(crate) fn topological<K: Ord + Clone>(edges: &BTreeMap<K, Vec<K>>) -> Result<Vec<K>, Cycle<K>> {
    let mut order = Vec::with_capacity(edges.len());
    let mut state: BTreeMap<&K, Visit> = BTreeMap::new();
    for start in edges.keys() {
        // A stack of our own: a chain may be longer than the thread's.
        let mut stack: Vec<(&K, std::slice::Iter<'_, K>)> = Vec::new();
        open(start, edges, &mut state, &mut stack);
        while let Some((key, left)) = stack.last_mut() {
            let Some(next) = left.next() else {
                state.insert(*key, Visit::Done);
                order.push((*key).clone());
                stack.pop();
                continue;
            };
            if state.get(next) == Some(&Visit::Open) {
                let cycle = stack.iter().map(|(key, _)| (*key).clone()).skip_while(|key| key != next);
                return Err(Cycle(cycle.collect()));
            }
            open(next, edges, &mut state, &mut stack);
        }
    }
    Ok(order)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Open,
    Done,
}

fn open<'e, K: Ord>(
    key: &K,
    edges: &'e BTreeMap<K, Vec<K>>,
    state: &mut BTreeMap<&'e K, Visit>,
    stack: &mut Vec<(&'e K, std::slice::Iter<'e, K>)>,
) {
    if let Some((key, next)) = edges.get_key_value(key)
        && !state.contains_key(key)
    {
        state.insert(key, Visit::Open);
        stack.push((key, next.iter()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(rows: &[(u8, &[u8])]) -> BTreeMap<u8, Vec<u8>> {
        rows.iter().map(|(key, next)| (*key, next.to_vec())).collect()
    }

    #[test]
    fn dependencies_first() {
        for (rows, wanted) in [
            (&[(1, &[2, 3][..]), (2, &[3]), (3, &[])][..], &[3, 2, 1][..]),
            (&[(1, &[]), (2, &[1]), (3, &[9])], &[1, 2, 3]),
            (&[(3, &[]), (1, &[3]), (2, &[3])], &[3, 1, 2]),
        ] {
            assert_eq!(topological(&graph(rows)), Ok(wanted.to_vec()));
        }
    }

    #[test]
    fn the_cycle_alone_is_named() {
        assert_eq!(topological(&graph(&[(1, &[2]), (2, &[3]), (3, &[4]), (4, &[2])])), Err(Cycle(vec![2, 3, 4])));
        assert_eq!(topological(&graph(&[(1, &[1])])), Err(Cycle(vec![1])));
    }

    #[test]
    fn long_chains_do_not_overflow() {
        let edges: BTreeMap<u32, Vec<u32>> = (0..200_000).map(|key| (key, vec![key + 1])).collect();
        assert_eq!(topological(&edges).map(|order| order.len()), Ok(200_000));
    }
}
