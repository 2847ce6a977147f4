//! Making what is missing, on a few threads.
//!
//! One mutex holds what is ready ([`super::order`]); a thread takes from it what its lane does, makes it, and frees what
//! waited for it. After the first failure nothing is begun, and what runs is stopped, but for what another attempt will want.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use action::graph::{Graph, Node, NodeId};

use super::order::{Lane, Order, Work};
use super::probe::{kind, label};
use super::{Engine, NodeError, RunError, State};
use crate::event::{End, Event};

/// Downloads at once: more would share the same line, and servers dislike it.
const DOWNLOADS: usize = 4;
/// Archives at once: taking their files into the store uses all processors anyway.
const FILES: usize = 2;

struct Queue {
    order: Order,
    failure: Option<Failed>,
}

/// A failure of a node.
struct Failed {
    gravity: Gravity,
    id: NodeId,
    failure: RunError,
}

/// What a failure means for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gravity {
    /// It comes of another, or of somebody who wants everything to stop.
    Stopped,
    /// Another attempt may go better.
    Passing,
    /// It would be the same again.
    Final,
}

impl Queue {
    /// Of several failures the gravest of the earliest node is told: which it is must not depend on which was quick.
    fn note(&mut self, failed: Failed) {
        let is_told = self.failure.as_ref().is_none_or(|told| match (told.gravity, failed.gravity) {
            // Nothing had failed, and what fails now does because everything stops.
            (Gravity::Stopped, _) | (_, Gravity::Stopped) => false,
            (before, now) => now > before || now == before && failed.id < told.id,
        });
        if is_told {
            self.failure = Some(failed);
        }
    }
}

impl Engine<'_> {
    pub(super) fn make_all(&self, graph: &Graph, missing: &[bool], state: &Mutex<State>) -> Result<(), RunError> {
        let mut missing = missing.to_vec();
        self.capture_first(graph, &mut missing, state)?;
        let order = Order::new(self.works(graph, &missing));
        if order.left() == 0 {
            return Ok(());
        }
        let lanes = [(Lane::Actions, self.actions_at_once()), (Lane::Downloads, DOWNLOADS), (Lane::Files, FILES)];
        let mut threads = lanes.map(|(lane, most)| (lane, most.min(order.of_lane(lane))));
        if threads.iter().all(|(_, number)| *number == 0) {
            threads[0].1 = 1;
        }
        let queue = Mutex::new(Queue { order, failure: None });
        let changed = Condvar::new();
        thread::scope(|scope| {
            for (lane, number) in threads {
                for _ in 0..number {
                    let shared = (&queue, &changed);
                    scope.spawn(move || self.work(graph, state, shared, lane));
                }
            }
        });
        // Whoever halted for this attempt is not to halt for what comes after it.
        if let Some(remote) = self.remote {
            remote.resume();
        }
        match queue.into_inner().unwrap_or_else(PoisonError::into_inner).failure {
            Some(Failed { failure, .. }) => Err(failure),
            None => Ok(()),
        }
    }

    /// Captures of this machine's tools go before all else: they take a moment, and a tool that is missing is to be told before
    /// anything is downloaded in vain.
    fn capture_first(&self, graph: &Graph, missing: &mut [bool], state: &Mutex<State>) -> Result<(), RunError> {
        for (id, node) in graph.iter() {
            if let (Node::Base(_) | Node::Capture(_), Some(is_missing @ true)) = (node, missing.get_mut(id.index())) {
                self.make_reported(graph, id, state)?;
                *is_missing = false;
            }
        }
        Ok(())
    }

    fn works(&self, graph: &Graph, missing: &[bool]) -> Vec<Work> {
        let mut places = vec![None; graph.len()];
        let mut works = Vec::new();
        for (id, node) in graph.iter().filter(|(id, _)| missing.get(id.index()) == Some(&true)) {
            let needs = node.dependencies().filter_map(|need| places.get(need.index()).copied().flatten()).collect();
            if let Some(place) = places.get_mut(id.index()) {
                *place = Some(works.len());
            }
            works.push(Work { node: id, kind: kind(node), weight: self.weight(graph, node), needs });
        }
        works
    }

    fn work(&self, graph: &Graph, state: &Mutex<State>, shared: (&Mutex<Queue>, &Condvar), lane: Lane) {
        let (queue, changed) = shared;
        loop {
            let (at, id) = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    if queue.order.left() == 0 || queue.failure.is_some() {
                        return;
                    }
                    match queue.order.take(lane) {
                        Some(next) => break next,
                        None => queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                    }
                }
            };
            let result = self.make_reported(graph, id, state);
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(()) => queue.order.done(at),
                Err(failure) => {
                    // What still runs is of no use any more, and may take long to find that out by itself.
                    let gravity = self.give_up(&failure.cause, state);
                    queue.note(Failed { gravity, id, failure });
                }
            }
            changed.notify_all();
        }
    }

    /// Ends what is underway after a failure. One that may go better the next time halts this attempt, and what others were asked
    /// for with it; what is made or fetched here is wanted then, and goes on to its end. Any other stops everything.
    fn give_up(&self, cause: &NodeError, state: &Mutex<State>) -> Gravity {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let gravity = match cause {
            NodeError::Stopped => Gravity::Stopped,
            cause if !state.is_last && self.may_go_better(cause) => Gravity::Passing,
            _ => Gravity::Final,
        };
        if gravity == Gravity::Final {
            self.stop.store(true, Ordering::Relaxed);
        }
        state.halted = true;
        if let Some(remote) = self.remote {
            remote.halt();
        }
        gravity
    }

    /// Whether nothing is to be begun any more.
    pub(super) fn is_over(&self, state: &Mutex<State>) -> bool {
        self.stop.load(Ordering::Relaxed) || state.lock().unwrap_or_else(PoisonError::into_inner).halted
    }

    fn make_reported(&self, graph: &Graph, id: NodeId, state: &Mutex<State>) -> Result<(), RunError> {
        let Some(node) = graph.get(id) else { return Ok(()) };
        let (kind, label) = (kind(node), label(graph, node));
        let fail = |cause| RunError { label: label.clone(), cause };
        if self.is_over(state) {
            return Err(fail(NodeError::Stopped));
        }
        if let Some(kind) = kind {
            self.sink.event(Event::Started { node: id, kind, label: label.clone() });
        }
        let begun = Instant::now();
        let made = self.make(graph, id, node, state);
        let made = made.and_then(|(value, end)| Ok((self.as_known(id, value, state)?, end)));
        let made = made.and_then(|(value, end)| Ok((self.inspected(id, node, value)?, end)));
        let end = made.as_ref().map_or(End::Failed, |(_, end)| *end);
        if let Some(kind) = kind {
            let wall = begun.elapsed();
            if end == End::Made {
                self.remember_duration(kind, &label, wall);
            }
            self.sink.event(Event::Finished { node: id, kind, label: label.clone(), end, wall });
        }
        let (value, _) = made.map_err(fail)?;
        state.lock().unwrap_or_else(PoisonError::into_inner).set(id, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use action::digest::DirDigest;

    use super::*;

    #[test]
    fn the_gravest_failure_of_the_earliest_node_is_told() {
        let mut graph = Graph::default();
        let ids: Vec<_> = (0..4).map(|_| graph.add(Node::Known(DirDigest::of(b""))).unwrap()).collect();
        let told = |failures: &[(usize, Gravity)]| {
            let mut queue = Queue { order: Order::new(Vec::new()), failure: None };
            for (id, gravity) in failures {
                let failure = RunError { label: String::new(), cause: NodeError::Stopped };
                queue.note(Failed { gravity: *gravity, id: ids[*id], failure });
            }
            queue.failure.map(|failed| failed.id)
        };
        use Gravity::{Final, Passing, Stopped};
        assert_eq!(told(&[(2, Final), (1, Final), (3, Final), (0, Stopped)]), Some(ids[1]));
        // Another attempt is no use then.
        assert_eq!(told(&[(1, Passing), (2, Final), (0, Passing)]), Some(ids[2]));
        // Somebody wanted that.
        assert_eq!(told(&[(3, Stopped), (1, Final), (2, Passing)]), Some(ids[3]));
    }
}
