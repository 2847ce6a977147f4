//! Making nodes with the help of a remote engine or cache.
//!
//! Who makes what: a result that the server has is known and nothing is made. Else, as the mode says, the action runs here,
//! and the server is told; or it runs there. What is known of the server's trees stays there until something here wants
//! their files: an action that runs here, an inspector, the goals.
//!
//! A cache that fails is done without: that costs time and nothing else. An engine that fails is told.
//! Not here: the wire (`remote`); telling a cache of what it was never asked for (`tell`).

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use action::command::OUTPUT;
use action::digest::DirDigest;
use action::graph::{Graph, Node, NodeId};
use action::outcome::{Outcome, Place, Status};

use super::probe::{Prepared, UNPACK, label};
use super::{Engine, NodeError, RunError, State, Value};
use crate::event::{End, Event};
use crate::local::{Execution, LocalExecutor, STDERR, STDOUT};
use crate::remote::{Mode, Remote, RemoteError, Told};
use crate::store::parallel::{WAITING, in_parallel};
use crate::store::{Origin, StoreError};

/// How often a run is begun anew because the server lost what it told of.
pub(super) const RESTARTS: usize = 4;

/// Places for actions on this machine.
#[derive(Debug)]
pub(super) struct Slots {
    free: Mutex<usize>,
    changed: Condvar,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub(super) fn new(number: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(number.max(1)), changed: Condvar::new() })
    }

    fn take(self: &Arc<Self>) -> Slot {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.changed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(Arc::clone(self))
    }

    fn try_take(self: &Arc<Self>) -> Option<Slot> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Slot(Arc::clone(self)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.changed.notify_one();
    }
}

impl<'a> Engine<'a> {
    /// The server, as long as it is used.
    pub(super) fn server(&self) -> Option<&'a Remote> {
        self.remote.filter(|remote| remote.off().is_none())
    }

    /// How many actions may be underway at once.
    pub(super) fn actions_at_once(&self) -> usize {
        self.server().map_or(self.jobs, |remote| remote.config().jobs.max(self.jobs)).max(1)
    }

    /// Whether a run that failed like this is to be begun anew, since it may go better.
    pub(super) fn may_go_better(&self, cause: &NodeError) -> bool {
        match cause {
            NodeError::Remote(RemoteError::Lost(_)) => true,
            NodeError::Remote(_) => self.remote.is_some_and(|remote| remote.off().is_some()),
            _ => false,
        }
    }

    /// Takes a failure of the server as one of the run; one that can be done without, from now on is.
    fn failed(&self, error: RemoteError) -> NodeError {
        match error {
            RemoteError::Stopped => NodeError::Stopped,
            RemoteError::Store(error) => error.into(),
            RemoteError::Lost(_) => error.into(),
            error => {
                if let Some(remote) = self.remote.filter(|remote| remote.config().mode != Mode::Execute)
                    && remote.turn_off(&error)
                {
                    self.sink.event(Event::RemoteOff { why: error.to_string() });
                }
                error.into()
            }
        }
    }

    /// What the server answered; `otherwise` if it can be done without it.
    pub(super) fn or_without<T>(&self, answer: Result<T, RemoteError>, otherwise: T) -> Result<T, NodeError> {
        let failure = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => self.failed(error),
        };
        let dispensable = matches!(failure, NodeError::Remote(_)) && self.server().is_none();
        if dispensable { Ok(otherwise) } else { Err(failure) }
    }

    /// Learns of contents of archives, so that the archives need not be fetched.
    pub(super) fn find_facts(&self, graph: &Graph, wanted: &[bool], state: &Mutex<State>) -> Result<(), RunError> {
        let Some(remote) = self.server() else { return Ok(()) };
        let fail = |node: &Node| {
            let label = label(graph, node);
            move |cause| RunError { label, cause }
        };
        let mut asked = Vec::new();
        for (id, node) in graph.iter().filter(|(id, _)| wanted.get(id.index()) == Some(&true)) {
            let Node::Unpack(unpack) = node else { continue };
            if self.probe_unpack(graph, unpack).map_err(fail(node))?.is_some() {
                continue;
            }
            if let Some(value) = self.recall(graph, id, node, state).map_err(fail(node))? {
                state.lock().unwrap_or_else(PoisonError::into_inner).set(id, value);
                continue;
            }
            let keys = self.unpack_keys(graph, unpack).map_err(fail(node))?;
            asked.extend(keys.into_iter().map(|key| (id, node, key)));
        }
        let answers = in_parallel(WAITING, &asked, |(id, node, key)| {
            let answer = self.or_without(remote.look_up_fact(UNPACK, key), None);
            answer.map(|tree| (*id, tree)).map_err(fail(node))
        })?;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, tree) in answers {
            if let Some(tree) = tree {
                state.set(id, Value::Tree(tree));
                state.far.insert(id);
                state.told.insert(id);
            }
        }
        Ok(())
    }

    /// The output of an action, if it is known to be on the server or the server says so.
    pub(super) fn look_up_there(&self, prepared: &Prepared) -> Result<Option<DirDigest>, NodeError> {
        let Some(remote) = self.server() else { return Ok(None) };
        if let Some(tree) = self.store.recall(&Origin::Action(prepared.encoded.digest))? {
            return Ok(Some(tree));
        }
        self.or_without(remote.look_up(prepared.asked()), None)
    }

    /// Sees to it that all of some trees is in the store.
    pub(super) fn bring(&self, trees: &[DirDigest]) -> Result<(), NodeError> {
        if let Some(remote) = self.server() {
            return remote.bring_together(trees).map_err(|error| self.failed(error));
        }
        // What is known of a server that is no longer used, or of one that was used before.
        for tree in trees {
            if !self.store.settle_if_whole(*tree)? {
                return Err(RemoteError::Lost(Vec::new()).into());
            }
        }
        Ok(())
    }

    /// Runs an action, here or there.
    pub(super) fn make_action(
        &self,
        id: NodeId,
        prepared: &Prepared,
        state: &Mutex<State>,
    ) -> Result<(Value, End), NodeError> {
        let slots = Arc::clone(&state.lock().unwrap_or_else(PoisonError::into_inner).slots);
        let Some(remote) = self.server() else { return self.make_here(prepared, state, &slots.take()) };
        match remote.config().mode {
            Mode::Cache => self.make_here(prepared, state, &slots.take()),
            Mode::Execute => self.make_there(remote, id, prepared),
            Mode::Hybrid => match self.place_for(remote, prepared, &slots)? {
                Some(slot) => self.make_here(prepared, state, &slot),
                None => self.make_there(remote, id, prepared),
            },
        }
    }

    /// A place on this machine for an action whose inputs are here.
    fn place_for(&self, remote: &Remote, prepared: &Prepared, slots: &Arc<Slots>) -> Result<Option<Slot>, NodeError> {
        let Some(slot) = slots.try_take() else { return Ok(None) };
        let is_here = remote.is_here(prepared.action.input_root).map_err(|error| self.failed(error))?;
        Ok(is_here.then_some(slot))
    }

    fn make_here(&self, prepared: &Prepared, state: &Mutex<State>, _slot: &Slot) -> Result<(Value, End), NodeError> {
        if self.is_over(state) {
            return Err(NodeError::Stopped);
        }
        self.store.put(&prepared.encoded.action)?;
        self.store.put(&prepared.encoded.command)?;
        self.bring(&[prepared.action.input_root])?;
        let composed = state.lock().unwrap_or_else(PoisonError::into_inner).composed.clone();
        let executor = LocalExecutor { store: self.store, builder: &self.builder, jobs: self.jobs, stop: self.stop };
        let execution = executor.execute(&prepared.action, &prepared.encoded, &composed)?;
        let value = succeeded(prepared, execution)?;
        if let (Some(remote), Some(result)) = (self.server(), self.store.result(prepared.encoded.digest)?) {
            self.or_without(remote.publish(prepared.asked(), &result), ())?;
            self.note_told(remote.encode(prepared.asked()).digest.hash())?;
        }
        Ok((value, End::Made))
    }

    fn make_there(&self, remote: &Remote, id: NodeId, prepared: &Prepared) -> Result<(Value, End), NodeError> {
        let told = |told| match told {
            Told::At(stage) => self.sink.event(Event::Remote { node: id, stage }),
            Told::Ran(errand) => self.sink.event(Event::Ran { node: id, errand }),
        };
        let outcome = remote.execute(prepared.asked(), &told).map_err(|error| self.failed(error))?;
        let end = if outcome.place == Place::RemoteCache { End::Downloaded } else { End::MadeRemotely };
        let kept = match outcome.status {
            Status::Success | Status::Cancelled => None,
            _ => Some(self.keep_far(prepared, &outcome)?),
        };
        Ok((succeeded(prepared, Execution { outcome, kept })?, end))
    }

    /// Keeps what is to be known of an action that failed there: its logs, and which it was, so that its root can be made again.
    fn keep_far(&self, prepared: &Prepared, outcome: &Outcome) -> Result<String, NodeError> {
        self.store.put(&prepared.encoded.action)?;
        self.store.put(&prepared.encoded.command)?;
        self.store.write_directories(prepared.action.input_root)?;
        let scratch = self.store.scratch()?;
        let failed = |source| StoreError::Io { path: scratch.path().to_owned(), source };
        for name in ["tmp", OUTPUT] {
            std::fs::create_dir(scratch.path().join(name)).map_err(failed)?;
        }
        for (name, log) in [(STDOUT, outcome.stdout), (STDERR, outcome.stderr)] {
            std::fs::write(scratch.path().join(name), self.store.read(log)?).map_err(failed)?;
        }
        Ok(self.store.keep(scratch, prepared.encoded.digest)?)
    }
}

/// The value of an action that succeeded.
fn succeeded(prepared: &Prepared, execution: Execution) -> Result<Value, NodeError> {
    match (&execution.outcome.status, execution.outcome.output) {
        (Status::Success, Some(output)) => Ok(Value::Tree(output)),
        (Status::Cancelled, _) => Err(NodeError::Stopped),
        _ => Err(NodeError::Action {
            outcome: Box::new(execution.outcome),
            action: prepared.encoded.digest,
            kept: execution.kept,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_back() {
        let slots = Slots::new(2);
        let (one, two) = (slots.take(), slots.try_take());
        assert!(two.is_some() && slots.try_take().is_none());
        drop(one);
        assert!(slots.try_take().is_some());
    }
}
