//! Asking what is there, and forgetting it, without making anything.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use action::command::Action;
use action::digest::DirDigest;
use action::graph::{Graph, Node, NodeId};

use super::probe::label;
use super::{Engine, NodeError, RunError, State, Value};
use crate::store::Origin;

impl Engine<'_> {
    /// The values of `goals` that are in the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn look_up(&self, graph: &Graph, goals: &[NodeId]) -> Result<Vec<Option<Value>>, RunError> {
        let state = self.known(graph, goals)?;
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_here = |goal: &&NodeId| !state.far.contains(goal);
        Ok(goals.iter().map(|goal| Some(goal).filter(is_here).and_then(|goal| state.value(*goal))).collect())
    }

    /// Removes the results of those of `goals` that are actions from the action cache, so that they are made again and a
    /// collection of garbage deletes their outputs; returns how many there were.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub fn forget(&self, graph: &Graph, goals: &[NodeId]) -> Result<usize, RunError> {
        let state = self.known(graph, goals)?;
        let mut forgotten = 0;
        for node in goals.iter().filter_map(|goal| graph.get(*goal)) {
            let Node::Run(run) = node else { continue };
            let forget = || -> Result<bool, NodeError> {
                let Some(prepared) = self.prepare(run, &state)? else { return Ok(false) };
                let is_known = self.store.forget_known(&Origin::Action(prepared.encoded.digest))?;
                Ok(self.store.remove_result(prepared.encoded.digest)? || is_known)
            };
            let was_there = forget().map_err(|cause| RunError { label: label(graph, node), cause })?;
            forgotten += usize::from(was_there);
        }
        Ok(forgotten)
    }

    /// The action that makes `goal`, if that is one and its inputs are known; and the directories composed for it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn action(&self, graph: &Graph, goal: NodeId) -> Result<Option<(Action, HashSet<DirDigest>)>, RunError> {
        let state = self.known(graph, &[goal])?;
        let Some(Node::Run(run)) = graph.get(goal) else { return Ok(None) };
        let prepared = self.prepare(run, &state).map_err(|cause| RunError { label: run.label.clone(), cause })?;
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(prepared.map(|prepared| (prepared.action, state.composed)))
    }

    fn known(&self, graph: &Graph, goals: &[NodeId]) -> Result<Mutex<State>, RunError> {
        let state = Mutex::new(State::new(graph, self.jobs));
        let wanted = graph.needed_for(goals);
        for (id, node) in graph.iter().filter(|(id, _)| wanted.get(id.index()) == Some(&true)) {
            let found = match self.probe(graph, node, &state) {
                Ok(None) => self.recall(graph, id, node, &state),
                found => found,
            };
            let found = found.map_err(|cause| RunError { label: label(graph, node), cause })?;
            if let Some(value) = found {
                state.lock().unwrap_or_else(PoisonError::into_inner).set(id, value);
            }
        }
        Ok(state)
    }
}
