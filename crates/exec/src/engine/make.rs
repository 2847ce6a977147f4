//! Making one node whose inputs are known.

use std::sync::{Mutex, PoisonError};

use action::graph::{Fetch, Graph, Node, NodeId, Run, Unpack};

use super::probe::{CAPTURE, CAPTURED, SOURCE, UNPACK, capture_key, source_key, unpack_key};
use super::{Engine, NodeError, State, Value};
use crate::capture::Survey;
use crate::event::{End, Event};
use crate::store::{MemoValue, StoreError};

impl Engine<'_> {
    /// Makes `node`, unless another process has made it by now.
    pub(super) fn make(
        &self,
        graph: &Graph,
        id: NodeId,
        node: &Node,
        state: &Mutex<State>,
    ) -> Result<(Value, End), NodeError> {
        let key = self.lock_key(node, state)?;
        let guard = match self.store.try_lock("make", &key)? {
            Some(guard) => guard,
            None => {
                self.sink.event(Event::Waiting { node: id });
                // Another process may need hours for it, and nobody may want it any more.
                let guard = self.store.lock_unless("make", &key, &|| self.is_over(state))?;
                guard.ok_or(NodeError::Stopped)?
            }
        };
        // Somebody else may have made it while this process waited, or its inputs became known only now.
        if let Some(value) = self.probe(graph, node, state)? {
            self.tell_found(graph, id, value, state)?;
            return Ok((value, End::Cached));
        }
        if let Node::Run(run) = node {
            return self.make_run(id, run, state);
        }
        let value = match node {
            Node::Fetch(fetch) => self.make_fetch(id, fetch)?,
            Node::Unpack(unpack) => self.make_unpack(unpack, state)?,
            Node::Base(base) => self.make_captured(&self.base_key(base), &crate::capture::survey(base, &self.path)?)?,
            Node::Capture(capture) => {
                self.make_captured(&capture_key(capture), &crate::capture::survey_parts(capture)?)?
            }
            Node::Known(tree) => return Err(StoreError::Missing { digest: tree.as_blob() }.into()),
            // Both are always found by the probe once their inputs are known.
            Node::Literal(_) | Node::Compose(_) | Node::Run(_) => return Err(NodeError::Kind),
        };
        drop(guard);
        Ok((value, End::Made))
    }

    /// What identifies a node between processes.
    fn lock_key(&self, node: &Node, state: &Mutex<State>) -> Result<Vec<u8>, NodeError> {
        Ok(match node {
            Node::Fetch(fetch) => fetch.alternatives.iter().flat_map(|source| source_key(&source.checksums)).collect(),
            Node::Unpack(unpack) => {
                let known = state.lock().unwrap_or_else(PoisonError::into_inner).value(unpack.archive);
                let Some(Value::File(archive)) = known else { return Err(NodeError::Kind) };
                unpack_key(archive.hash(), unpack)
            }
            Node::Base(_) => CAPTURE.as_bytes().to_vec(),
            Node::Capture(capture) => capture_key(capture),
            Node::Run(run) => match self.prepare(run, state)? {
                Some(prepared) => prepared.encoded.digest.hash().to_vec(),
                None => return Err(NodeError::Kind),
            },
            Node::Literal(_) | Node::Known(_) | Node::Compose(_) => b"compose".to_vec(),
        })
    }

    fn make_run(&self, id: NodeId, run: &Run, state: &Mutex<State>) -> Result<(Value, End), NodeError> {
        let Some(prepared) = self.prepare(run, state)? else { return Err(NodeError::Kind) };
        match self.look_up_there(&prepared)? {
            Some(tree) => Ok((Value::Tree(tree), End::Downloaded)),
            None => self.make_action(id, &prepared, state),
        }
    }

    fn make_fetch(&self, id: NodeId, fetch: &Fetch) -> Result<Value, NodeError> {
        let downloads = self.store.downloads()?;
        let progress = |bytes, total| self.sink.event(Event::Progress { node: id, bytes, total });
        let fetched = self.fetcher.fetch_any(fetch, &downloads, &progress);
        let fetched = fetched.map_err(|error| if error.stopped() { NodeError::Stopped } else { error.into() })?;
        let blob = self.store.put_file(&fetched.path)?;
        self.store.memo_put(SOURCE, blob.hash(), MemoValue::Blob(blob))?;
        if let Some(source) = fetch.alternatives.get(fetched.alternative) {
            self.remember_sha256(source, blob)?;
        }
        // A second copy, and checked again before anybody would use it: one that stays is no harm.
        let _ = std::fs::remove_file(&fetched.path);
        Ok(Value::File(blob))
    }

    fn make_unpack(&self, unpack: &Unpack, state: &Mutex<State>) -> Result<Value, NodeError> {
        let known = state.lock().unwrap_or_else(PoisonError::into_inner).value(unpack.archive);
        let Some(Value::File(archive)) = known else { return Err(NodeError::Kind) };
        let scratch = self.store.scratch()?;
        let into = scratch.path().join("tree");
        crate::unpack::unpack(&self.store.blob_path(archive, false)?, &into, &unpack.into())?;
        let tree = self.store.ingest(&into)?;
        self.store.memo_put(UNPACK, &unpack_key(archive.hash(), unpack), MemoValue::Tree(tree))?;
        self.tell_contents(archive.hash(), unpack, tree)?;
        Ok(Value::Tree(tree))
    }

    fn make_captured(&self, key: &[u8], survey: &Survey) -> Result<Value, NodeError> {
        let scratch = self.store.scratch()?;
        let into = scratch.path().join("tree");
        survey.materialise(&into)?;
        let tree = self.store.ingest(&into)?;
        // A tool that was replaced meanwhile makes an image of neither machine: it is used this once, not remembered.
        if !survey.fingerprint().holds() {
            return Ok(Value::Tree(tree));
        }
        let fingerprint = self.store.put(&survey.fingerprint().encode())?;
        self.store.memo_put(CAPTURED, fingerprint.hash(), MemoValue::Tree(tree))?;
        self.store.memo_put(CAPTURE, key, MemoValue::Blob(fingerprint))?;
        Ok(Value::Tree(tree))
    }
}
