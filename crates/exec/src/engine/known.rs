//! Making use of what the store knows and has not: results of runs before, whose files a server had.
//!
//! A known tree is as good as one that is here for finding out what is made of it. It is wanted when something on this
//! machine wants its files: a goal, an action that runs here, an inspector. With a server it is brought then
//! ([`super::far`]); without one its node is made after all, and nothing else is.
//!
//! Not here: how it is written down (`store::known`).

use std::sync::{Mutex, PoisonError};

use action::digest::DirDigest;
use action::graph::{Graph, Node, NodeId};

use super::probe::{UNPACK, label};
use super::{Engine, NodeError, RunError, State, Value};
use crate::remote::RemoteError;
use crate::store::Origin;

impl Engine<'_> {
    /// The value of a node as it is known from a run before, unless somebody is going to read its files at once.
    pub(super) fn recall(
        &self,
        graph: &Graph,
        id: NodeId,
        node: &Node,
        state: &Mutex<State>,
    ) -> Result<Option<Value>, NodeError> {
        let Some(tree) = self.recall_tree(graph, node, state)? else { return Ok(None) };
        if self.inspector.is_some_and(|inspector| matches!(node, Node::Run(_)) && inspector.reads(id, tree)) {
            return Ok(None);
        }
        state.lock().unwrap_or_else(PoisonError::into_inner).far.insert(id);
        Ok(Some(Value::Tree(tree)))
    }

    fn recall_tree(&self, graph: &Graph, node: &Node, state: &Mutex<State>) -> Result<Option<DirDigest>, NodeError> {
        match node {
            Node::Run(run) => {
                let Some(prepared) = self.prepare(run, state)? else { return Ok(None) };
                Ok(self.store.recall(&Origin::Action(prepared.encoded.digest))?)
            }
            Node::Unpack(unpack) => {
                for key in self.unpack_keys(graph, unpack)? {
                    if let Some(tree) = self.store.recall(&contents(&key))? {
                        return Ok(Some(tree));
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Without a server, sees to it that what is wanted here is here or made: what is known alone is taken as not known,
    /// if it is wanted.
    pub(super) fn make_what_is_wanted(
        &self,
        graph: &Graph,
        goals: &[NodeId],
        state: &Mutex<State>,
    ) -> Result<(), RunError> {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.server().is_some() || state.far.is_empty() {
            return Ok(());
        }
        let mut seen = vec![false; graph.len()];
        let mut stack = goals.to_vec();
        while let Some(id) = stack.pop() {
            let (Some(node), Some(seen)) = (graph.get(id), seen.get_mut(id.index())) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            let is_here = match state.value(id) {
                None => false,
                // Its parts are what is wanted.
                Some(_) if matches!(node, Node::Compose(_)) => false,
                Some(Value::Tree(tree)) if state.far.contains(&id) => self
                    .store
                    .settle_if_whole(tree)
                    .map_err(|cause| RunError { label: label(graph, node), cause: cause.into() })?,
                Some(_) => true,
            };
            if is_here {
                state.far.remove(&id);
                continue;
            }
            if state.far.remove(&id) {
                state.doubt(id);
            }
            stack.extend(node.dependencies());
        }
        // What is put together of such has to wait for it.
        for (id, node) in graph.iter().filter(|(_, node)| matches!(node, Node::Compose(_))) {
            if node.dependencies().any(|part| state.value(part).is_none()) {
                state.unset(id);
            }
        }
        Ok(())
    }

    /// Checks that what was made is what it was known to be, if it was: other values were found by that.
    pub(super) fn as_known(&self, id: NodeId, value: Value, state: &Mutex<State>) -> Result<Value, NodeError> {
        let known = state.lock().unwrap_or_else(PoisonError::into_inner).doubted.get(&id).copied();
        match known {
            Some(known) if known != value => Err(RemoteError::Lost(Vec::new()).into()),
            _ => Ok(value),
        }
    }

    /// Writes down what was learnt, for runs to come, and that the server need not be told of it. That it could not be
    /// written costs time, and nothing else.
    pub(super) fn remember(&self) {
        if let (Ok(learnt), Some(remote)) = (self.store.remember(), self.remote) {
            let what = learnt.into_iter().map(|origin| match origin {
                Origin::Action(action) => remote.name_of(action).hash().to_vec(),
                Origin::Memo { key, .. } => key,
            });
            self.note_all_told(remote, what);
        }
    }
}

impl State {
    /// Takes a known value as not known; remembers which it was.
    fn doubt(&mut self, id: NodeId) {
        if let Some(value) = self.unset(id) {
            self.doubted.insert(id, value);
        }
    }

    fn unset(&mut self, id: NodeId) -> Option<Value> {
        self.values.get_mut(id.index()).and_then(Option::take)
    }
}

/// What the contents of an archive are the value of.
pub(super) fn contents(key: &[u8]) -> Origin {
    Origin::Memo { kind: UNPACK.to_owned(), key: key.to_vec() }
}
