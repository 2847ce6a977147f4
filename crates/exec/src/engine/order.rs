//! What is to be made next: pure bookkeeping, without threads, clocks or files.
//!
//! Of what is ready, the node with the longest way still before it goes first (list scheduling by critical path): what a
//! long chain waits for must not wait behind what nobody is in a hurry for. Times are guesses; they decide the order,
//! never what is made. Kinds of work have lanes of their own, so that a slow download holds up no compiler.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use action::critical::remaining;
use action::graph::NodeId;

use crate::event::Kind;

/// Which threads do a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Actions: as many at once as there are jobs.
    Actions,
    /// Downloads: they wait for the network.
    Downloads,
    /// Archives to be unpacked, tools to be captured.
    Files,
}

/// A missing node.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) node: NodeId,
    /// None if it costs next to nothing: any thread does it, before all else.
    pub(super) kind: Option<Kind>,
    /// How long it will take, as far as anybody knows.
    pub(super) weight: Duration,
    /// The missing nodes it waits for, as places among the works: all smaller than its own.
    pub(super) needs: Vec<usize>,
}

/// What is made, what is ready and what waits.
#[derive(Debug)]
pub(super) struct Order {
    works: Vec<Work>,
    remaining: Vec<Duration>,
    /// For each work, those that wait for it.
    followers: Vec<Vec<usize>>,
    /// For each work, how many it still waits for.
    waits_for: Vec<usize>,
    ready: BTreeSet<(Reverse<Duration>, usize)>,
    left: usize,
}

impl Lane {
    pub(super) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Run => Self::Actions,
            Kind::Fetch => Self::Downloads,
            Kind::Unpack | Kind::Capture => Self::Files,
        }
    }
}

impl Order {
    pub(super) fn new(mut works: Vec<Work>) -> Self {
        let mut followers = vec![Vec::new(); works.len()];
        let mut waits_for = Vec::new();
        for (at, work) in works.iter_mut().enumerate() {
            work.needs.sort_unstable();
            work.needs.dedup();
            waits_for.push(work.needs.len());
            for need in &work.needs {
                if let Some(followers) = followers.get_mut(*need) {
                    followers.push(at);
                }
            }
        }
        let (weights, needs): (Vec<_>, Vec<_>) = works.iter().map(|work| (work.weight, work.needs.clone())).unzip();
        let left = works.len();
        let mut order =
            Self { works, remaining: remaining(&weights, &needs), followers, waits_for, ready: BTreeSet::new(), left };
        for at in 0..left {
            order.make_ready(at);
        }
        order
    }

    /// How many works there are for a lane, made or not.
    pub(super) fn of_lane(&self, lane: Lane) -> usize {
        self.works.iter().filter(|work| work.kind.map(Lane::of) == Some(lane)).count()
    }

    /// How many are not made yet.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// The next work for a thread of `lane`: its place and node; none if nothing is ready.
    pub(super) fn take(&mut self, lane: Lane) -> Option<(usize, NodeId)> {
        let lane_of = |at: usize| self.works.get(at).and_then(|work| work.kind).map(Lane::of);
        let free = self.ready.iter().find(|(_, at)| lane_of(*at).is_none());
        let next = *free.or_else(|| self.ready.iter().find(|(_, at)| lane_of(*at) == Some(lane)))?;
        self.ready.remove(&next);
        Some((next.1, self.works.get(next.1)?.node))
    }

    /// Takes note that a work is made.
    pub(super) fn done(&mut self, at: usize) {
        self.left = self.left.saturating_sub(1);
        for follower in self.followers.get_mut(at).map(std::mem::take).unwrap_or_default() {
            if let Some(waits) = self.waits_for.get_mut(follower) {
                *waits = waits.saturating_sub(1);
                self.make_ready(follower);
            }
        }
    }

    fn make_ready(&mut self, at: usize) {
        if let (Some(0), Some(remaining)) = (self.waits_for.get(at), self.remaining.get(at)) {
            self.ready.insert((Reverse(*remaining), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use action::graph::{Graph, Node};
    use proptest::prelude::*;

    use super::*;

    type Row<'a> = (Option<Kind>, u64, &'a [usize]);

    fn order(rows: &[Row<'_>]) -> Order {
        let mut graph = Graph::default();
        let work = |(kind, weight, needs): &Row<'_>| Work {
            node: graph.add(Node::Compose(Vec::new())).unwrap(),
            kind: *kind,
            weight: Duration::from_secs(*weight),
            needs: needs.to_vec(),
        };
        Order::new(rows.iter().map(work).collect())
    }

    fn taken(order: &mut Order, lane: Lane) -> Vec<usize> {
        std::iter::from_fn(|| order.take(lane).map(|(at, _)| at)).collect()
    }

    const RUN: Option<Kind> = Some(Kind::Run);

    #[test]
    fn the_longest_way_goes_first_and_equals_in_their_order() {
        // 0 is long, but 2 has more behind it; 1 and 4 are equal.
        let mut order = order(&[(RUN, 5, &[]), (RUN, 1, &[]), (RUN, 1, &[]), (RUN, 6, &[2]), (RUN, 1, &[])]);
        assert_eq!(taken(&mut order, Lane::Actions), [2, 0, 1, 4]);
        order.done(1);
        assert_eq!(order.take(Lane::Actions), None);
        order.done(2);
        assert_eq!(taken(&mut order, Lane::Actions), [3]);
        assert_eq!(order.left(), 3);
    }

    #[test]
    fn lanes_do_not_take_from_each_other_but_all_do_what_is_free() {
        let rows: [Row<'_>; 5] = [
            (Some(Kind::Fetch), 1, &[]),
            (Some(Kind::Unpack), 1, &[]),
            (Some(Kind::Capture), 1, &[]),
            (None, 0, &[]),
            (RUN, 9, &[]),
        ];
        for (lane, expected) in [(Lane::Actions, &[3, 4][..]), (Lane::Downloads, &[3, 0]), (Lane::Files, &[3, 1, 2])] {
            let mut order = order(&rows);
            assert_eq!(taken(&mut order, lane), expected, "{lane:?}");
            assert_eq!(order.of_lane(lane), expected.len() - 1);
        }
    }

    #[test]
    fn a_need_named_twice_is_waited_for_once() {
        let mut order = order(&[(RUN, 1, &[]), (RUN, 1, &[0, 0])]);
        assert_eq!(order.take(Lane::Actions).map(|(at, _)| at), Some(0));
        order.done(0);
        assert_eq!(order.take(Lane::Actions).map(|(at, _)| at), Some(1));
    }

    /// Runs actions on `slots` machines whose clocks are exact; when each began and ended.
    fn simulate(rows: &[(u64, Vec<usize>)], slots: usize) -> Vec<(u64, u64)> {
        let as_rows: Vec<Row<'_>> = rows.iter().map(|(weight, needs)| (RUN, *weight, needs.as_slice())).collect();
        let mut order = order(&as_rows);
        let (mut now, mut running, mut times) = (0, BTreeSet::new(), vec![(u64::MAX, u64::MAX); rows.len()]);
        while order.left() > 0 {
            while let Some((at, _)) = (running.len() < slots).then(|| order.take(Lane::Actions)).flatten() {
                times[at] = (now, now + rows[at].0);
                running.insert((now + rows[at].0, at));
            }
            let (end, at) = running.pop_first().expect("nothing runs, and something is left");
            now = end;
            order.done(at);
        }
        times
    }

    proptest! {
        /// Graham's bound for list scheduling, needs respected, no more at once than there are slots.
        #[test]
        fn any_graph_is_made_in_order_and_in_time(
            weights in prop::collection::vec(1_u64..20, 1..14),
            edges in prop::collection::vec((0_usize..14, 0_usize..14), 0..20),
            slots in 1_usize..4,
        ) {
            let mut rows: Vec<(u64, Vec<usize>)> = weights.iter().map(|weight| (*weight, Vec::new())).collect();
            for (a, b) in edges {
                if a.max(b) < rows.len() && a != b {
                    rows[a.max(b)].1.push(a.min(b));
                }
            }
            let times = simulate(&rows, slots);
            let wall = times.iter().map(|(_, end)| *end).max().unwrap();
            for (at, (_, needs)) in rows.iter().enumerate() {
                prop_assert!(needs.iter().all(|need| times[*need].1 <= times[at].0), "{:?}", times);
                let others = times.iter().filter(|(begin, end)| *begin <= times[at].0 && times[at].0 < *end);
                prop_assert!(others.count() <= slots);
            }
            let (durations, needs): (Vec<_>, Vec<_>) =
                rows.iter().map(|(weight, needs)| (Duration::from_secs(*weight), needs.clone())).unzip();
            let longest = remaining(&durations, &needs).into_iter().max().unwrap().as_secs();
            let (slots, total) = (slots as u64, weights.iter().sum::<u64>());
            prop_assert!(wall * slots <= total + longest * (slots - 1), "{} {} {}", wall, total, longest);
        }
    }
}
