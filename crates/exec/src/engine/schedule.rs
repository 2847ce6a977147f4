//! Making what is missing, on a few threads.
//!
//! One mutex holds which nodes wait for how many others; a thread takes a ready node, makes it, and frees those that
//! waited for it. After the first failure nothing is begun, and what runs is stopped.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use action::graph::{Graph, NodeId};

use super::probe::{kind, label};
use super::{Engine, NodeError, RunError, State};
use crate::event::{End, Event};

struct Queue {
    /// Nodes whose inputs are all made.
    ready: Vec<NodeId>,
    /// For each node, how many missing inputs it still has.
    waits_for: Vec<usize>,
    /// Missing nodes not yet made.
    left: usize,
    /// Of several failures the one of the earliest node: which is told must not depend on which was quick.
    failure: Option<(NodeId, RunError)>,
}

impl Engine<'_> {
    pub(super) fn make_all(&self, graph: &Graph, missing: &[bool], state: &Mutex<State>) -> Result<(), RunError> {
        let is_missing = |id: NodeId| missing.get(id.index()) == Some(&true);
        let mut waits_for = vec![0; graph.len()];
        let mut ready = Vec::new();
        for (id, node) in graph.iter().filter(|(id, _)| is_missing(*id)) {
            let count = node.dependencies().filter(|dependency| is_missing(*dependency)).count();
            if let Some(slot) = waits_for.get_mut(id.index()) {
                *slot = count;
            }
            if count == 0 {
                ready.push(id);
            }
        }
        let left = missing.iter().filter(|missing| **missing).count();
        if left == 0 {
            return Ok(());
        }
        // Taken from the end: the goals' oldest needs first.
        ready.reverse();
        let queue = Mutex::new(Queue { ready, waits_for, left, failure: None });
        let changed = Condvar::new();
        thread::scope(|scope| {
            // Fetching waits for the network, so one thread more than there are jobs.
            for _ in 0..(self.jobs + 1).min(left) {
                scope.spawn(|| self.work(graph, state, &queue, &changed));
            }
        });
        match queue.into_inner().unwrap_or_else(PoisonError::into_inner).failure {
            Some((_, failure)) => Err(failure),
            None => Ok(()),
        }
    }

    fn work(&self, graph: &Graph, state: &Mutex<State>, queue: &Mutex<Queue>, changed: &Condvar) {
        loop {
            let id = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    if queue.left == 0 || queue.failure.is_some() {
                        return;
                    }
                    match queue.ready.pop() {
                        Some(id) => break id,
                        None => queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                    }
                }
            };
            let result = self.make_reported(graph, id, state);
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(()) => {
                    queue.left -= 1;
                    for (next, node) in graph.iter().skip(id.index() + 1) {
                        let count = node.dependencies().filter(|dependency| *dependency == id).count();
                        let Some(slot) = queue.waits_for.get_mut(next.index()).filter(|slot| count > 0 && **slot > 0)
                        else {
                            continue;
                        };
                        *slot -= count;
                        if *slot == 0 {
                            queue.ready.insert(0, next);
                        }
                    }
                }
                Err(failure) => {
                    let stopped = matches!(failure.cause, NodeError::Stopped);
                    let first = queue.failure.is_none();
                    if first || (!stopped && queue.failure.as_ref().is_some_and(|(earliest, _)| id < *earliest)) {
                        queue.failure = Some((id, failure));
                    }
                    // What still runs is of no use any more, and may take long to find that out by itself.
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            changed.notify_all();
        }
    }

    fn make_reported(&self, graph: &Graph, id: NodeId, state: &Mutex<State>) -> Result<(), RunError> {
        let Some(node) = graph.get(id) else { return Ok(()) };
        let (kind, label) = (kind(node), label(graph, node));
        let fail = |cause| RunError { label: label.clone(), cause };
        if self.stop.load(Ordering::Relaxed) {
            return Err(fail(NodeError::Stopped));
        }
        if let Some(kind) = kind {
            self.sink.event(Event::Started { node: id, kind, label: label.clone() });
        }
        let begun = Instant::now();
        let made = self.make(graph, id, node, state);
        let made = made.and_then(|(value, end)| Ok((self.inspected(id, node, value)?, end)));
        let end = made.as_ref().map_or(End::Failed, |(_, end)| *end);
        if let Some(kind) = kind {
            self.sink.event(Event::Finished { node: id, kind, label: label.clone(), end, wall: begun.elapsed() });
        }
        let (value, _) = made.map_err(fail)?;
        state.lock().unwrap_or_else(PoisonError::into_inner).set(id, value);
        Ok(())
    }
}
