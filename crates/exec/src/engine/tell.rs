//! Telling a cache of what was made here before it was asked, so that a laptop's cache and a farm's are one.
//!
//! Each result is told once, which the store remembers by the name that the server knows it by; so a run that finds everything
//! costs no call. A server may have been emptied since: a run that makes something, and so asks the server anyway, asks for a few
//! of the results that it was told of as well. If one is gone, or the server has lost what it told of itself, what is remembered
//! counts no more, and it is asked for each.
//!
//! Not here: telling of what is made now (`far`, `make`), the wire (`remote`).

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use action::digest::DirDigest;
use action::graph::{Graph, Node, NodeId, Unpack};
use action::outcome::CachedResult;

use super::probe::{Prepared, UNPACK, label, unpack_key};
use super::{Engine, NodeError, RunError, State, Value};
use crate::remote::{Config, Mode, Remote, RemoteError};
use crate::store::MemoValue;
use crate::store::parallel::{WAITING, in_parallel};

/// Memo kind: server and result, as it knows it → that it was told.
const TOLD: &str = "told";
/// How many of the results that a server was told of are asked for, to see whether it has them still.
const SAMPLE: usize = 4;

/// A result that is here.
enum Telling {
    /// Of an action.
    Action(Box<Prepared>, CachedResult),
    /// What an archive holds, and the key of that fact.
    Contents(Vec<u8>, DirDigest),
}

impl Telling {
    /// What it is remembered by that the server was told of it.
    fn name(&self, remote: &Remote) -> Vec<u8> {
        match self {
            Self::Action(prepared, _) => remote.encode(prepared.asked()).digest.hash().to_vec(),
            Self::Contents(key, _) => key.clone(),
        }
    }

    fn is_there(&self, remote: &Remote) -> Result<bool, RemoteError> {
        let found = match self {
            Self::Action(prepared, _) => remote.look_up(prepared.asked())?,
            Self::Contents(key, _) => remote.look_up_fact(UNPACK, key)?,
        };
        Ok(found.is_some())
    }

    fn tell(&self, remote: &Remote) -> Result<(), RemoteError> {
        match self {
            _ if self.is_there(remote)? => Ok(()),
            Self::Action(prepared, result) => remote.publish(prepared.asked(), result),
            Self::Contents(key, tree) => remote.publish_fact(UNPACK, key, *tree),
        }
    }
}

impl Engine<'_> {
    /// Tells a cache of the results that this run has found in the store.
    pub(super) fn tell_what_is_here(
        &self,
        graph: &Graph,
        wanted: &[bool],
        state: &Mutex<State>,
    ) -> Result<(), RunError> {
        let Some(remote) = self.cache() else { return Ok(()) };
        let value = |id: NodeId| state.lock().unwrap_or_else(PoisonError::into_inner).value(id);
        let is_far = |id: NodeId| state.lock().unwrap_or_else(PoisonError::into_inner).far.contains(&id);
        let nodes = || graph.iter().filter(|(id, _)| wanted.get(id.index()) == Some(&true));
        let here = nodes().filter(|(_, node)| matches!(node, Node::Run(_) | Node::Unpack(_)));
        let here: Vec<_> = here.filter_map(|(id, node)| Some((node, value(id).filter(|_| !is_far(id))?))).collect();
        let fail = |node: &Node| {
            let label = label(graph, node);
            move |cause| RunError { label, cause }
        };
        let was_told = in_parallel(WAITING, &here, |(node, value)| {
            let telling = self.telling(graph, node, *value, state);
            let was_told = telling.and_then(|telling| match telling {
                Some(telling) => self.was_told(remote, &telling.name(remote)),
                None => Ok(true),
            });
            was_told.map_err(fail(node))
        })?;
        let told: Vec<_> = here.iter().zip(&was_told).filter_map(|(one, told)| told.then_some(one)).collect();
        let sample: Vec<_> = told.iter().step_by(told.len().div_ceil(SAMPLE).max(1)).collect();
        let makes = nodes().any(|(id, node)| matches!(node, Node::Run(_)) && value(id).is_none());
        let has_all = !makes || {
            let answers = in_parallel(WAITING, &sample, |(node, value)| {
                let telling = self.telling(graph, node, *value, state).map_err(fail(node))?;
                let answer = telling.map_or(Ok(true), |telling| telling.is_there(remote));
                self.or_without(answer, true).map_err(fail(node))
            });
            answers?.into_iter().all(|is_there| is_there)
        };
        let untold = here.iter().zip(&was_told).filter_map(|(one, told)| (!told || !has_all).then_some(one));
        in_parallel(WAITING, &untold.collect::<Vec<_>>(), |(node, value)| {
            self.tell(remote, self.telling(graph, node, *value, state).map_err(fail(node))?).map_err(fail(node))
        })?;
        Ok(())
    }

    /// The server, if it is told of what was made here before.
    fn cache(&self) -> Option<&Remote> {
        self.server().filter(|remote| remote.config().mode != Mode::Execute && remote.takes_results())
    }

    /// Tells a cache of a result that was found only now: what it is made of became known while the graph ran. So it is with all when
    /// the machine's own tools have changed and are captured anew.
    pub(super) fn tell_found(
        &self,
        graph: &Graph,
        id: NodeId,
        value: Value,
        state: &Mutex<State>,
    ) -> Result<(), NodeError> {
        let (Some(remote), Some(node)) = (self.cache(), graph.get(id)) else { return Ok(()) };
        if state.lock().unwrap_or_else(PoisonError::into_inner).far.contains(&id) {
            return Ok(());
        }
        match self.telling(graph, node, value, state)? {
            Some(telling) if !self.was_told(remote, &telling.name(remote))? => self.tell(remote, Some(telling)),
            _ => Ok(()),
        }
    }

    fn telling(
        &self,
        graph: &Graph,
        node: &Node,
        value: Value,
        state: &Mutex<State>,
    ) -> Result<Option<Telling>, NodeError> {
        match node {
            Node::Run(run) => {
                let Some(prepared) = self.prepare(run, state)? else { return Ok(None) };
                let result = self.store.result(prepared.encoded.digest)?;
                Ok(result.map(|result| Telling::Action(Box::new(prepared), result)))
            }
            Node::Unpack(unpack) => {
                let tree = value.tree()?;
                let key = self.unpack_keys(graph, unpack)?.into_iter().next();
                Ok(key.map(|key| Telling::Contents(key, tree)))
            }
            _ => Ok(None),
        }
    }

    fn tell(&self, remote: &Remote, telling: Option<Telling>) -> Result<(), NodeError> {
        let Some(telling) = telling else { return Ok(()) };
        if self.stop.load(Ordering::Relaxed) {
            return Err(NodeError::Stopped);
        }
        self.or_without(telling.tell(remote), ())?;
        self.note_told(&telling.name(remote))
    }

    /// Tells the server what an archive holds.
    pub(super) fn tell_contents(&self, archive: &[u8; 32], unpack: &Unpack, tree: DirDigest) -> Result<(), NodeError> {
        let Some(remote) = self.server() else { return Ok(()) };
        let key = unpack_key(archive, unpack);
        self.or_without(remote.publish_fact(UNPACK, &key, tree), ())?;
        self.note_told(&key)
    }

    /// Whether the server was told of a result, as far as that still counts.
    fn was_told(&self, remote: &Remote, what: &[u8]) -> Result<bool, NodeError> {
        Ok(!self.store.has_lost_any() && self.store.memo_get(TOLD, &told_key(remote.config(), what))?.is_some())
    }

    /// Notes that the server was told of a result, if it takes them.
    pub(super) fn note_told(&self, what: &[u8]) -> Result<(), NodeError> {
        let Some(remote) = self.server().filter(|remote| remote.takes_results()) else { return Ok(()) };
        Ok(self.store.memo_put(TOLD, &told_key(remote.config(), what), MemoValue::Bytes(Vec::new()))?)
    }

    /// Notes that a server need not be told of results.
    pub(super) fn note_all_told(&self, remote: &Remote, what: impl Iterator<Item = Vec<u8>>) {
        let told: Vec<_> = what.map(|what| (told_key(remote.config(), &what), MemoValue::Bytes(Vec::new()))).collect();
        // Otherwise it is asked for them once more.
        let _ = self.store.memo_put_all(TOLD, &told);
    }
}

fn told_key(config: &Config, what: &[u8]) -> Vec<u8> {
    [config.address.to_string().as_bytes(), b"\n", what].concat()
}
