//! Looking values up without making anything.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use action::checksum::{Checksum, Checksums};
use action::command::{Action, EncodedAction};
use action::compose::{Composer, subtree};
use action::digest::{BlobDigest, DirDigest};
use action::graph::{Base, Capture, Fetch, Graph, Input, Literal, Node, NodeId, Run, Unpack};
use action::source::Source;
use action::tree::{Directory, Entry};

use crate::capture::Fingerprint;

use super::{Engine, NodeError, RunError, State, Value};
use crate::event::{End, Event, Kind};
use crate::remote::Asked;
use crate::store::{MemoValue, StoreError};

/// Memo kind: SHA-256 of a source → its blob.
pub(super) const SOURCE: &str = "source";
/// Memo kind: checksum of another kind → SHA-256 of the bytes that were found to have it, by which all else knows them.
const SHA256: &str = "sha256";
/// Memo kind: archive and specification → tree.
pub(super) const UNPACK: &str = "unpack";

/// Memo kind: what is wanted of the machine → the fingerprint of what was found.
pub(super) const CAPTURE: &str = "capture";
/// Memo kind: digest of a fingerprint → tree.
pub(super) const CAPTURED: &str = "captured";

/// An action with all its inputs known.
pub(super) struct Prepared {
    pub(super) action: Action,
    pub(super) encoded: EncodedAction,
    serves: Option<String>,
}

impl Prepared {
    /// What a server is asked about.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked { action: &self.action, serves: self.serves.as_deref() }
    }
}

impl Engine<'_> {
    /// Looks up every node the goals need; returns which of them must be made.
    pub(super) fn find(&self, graph: &Graph, goals: &[NodeId], state: &Mutex<State>) -> Result<Vec<bool>, RunError> {
        let wanted = graph.needed_for(goals);
        self.find_facts(graph, &wanted, state)?;
        for (id, node) in graph.iter().filter(|(id, _)| wanted.get(id.index()) == Some(&true)) {
            if state.lock().unwrap_or_else(PoisonError::into_inner).value(id).is_some() {
                continue;
            }
            let found = match self.probe(graph, node, state) {
                Ok(None) => self.recall(graph, id, node, state),
                found => found,
            };
            let found = found.and_then(|found| found.map(|value| self.inspected(id, node, value)).transpose());
            let found = found.map_err(|cause| RunError { label: label(graph, node), cause })?;
            if let Some(value) = found {
                state.lock().unwrap_or_else(PoisonError::into_inner).set(id, value);
            }
        }
        self.make_what_is_wanted(graph, goals, state)?;
        self.tell_what_is_here(graph, &wanted, state)?;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = vec![false; graph.len()];
        let mut stack: Vec<NodeId> = goals.to_vec();
        while let Some(id) = stack.pop() {
            let (Some(node), None) = (graph.get(id), state.value(id)) else { continue };
            if let Some(slot) = missing.get_mut(id.index()).filter(|slot| !**slot) {
                *slot = true;
                stack.extend(node.dependencies());
            }
        }
        let work = graph.iter().filter(|(id, _)| wanted.get(id.index()) == Some(&true));
        let work: Vec<_> = work.filter_map(|(id, node)| Some((id, node, kind(node)?))).collect();
        self.sink.event(Event::Planned { nodes: work.len() });
        for (id, node, kind) in work.into_iter().filter(|(id, ..)| missing.get(id.index()) == Some(&false)) {
            let comes = state.told.contains(&id) || state.far.contains(&id) && goals.contains(&id);
            let end = if comes { End::Downloaded } else { End::Cached };
            let label = label(graph, node);
            self.sink.event(Event::Finished { node: id, kind, label, end, wall: Duration::ZERO });
        }
        Ok(missing)
    }

    /// The node's value, if it is in the store or costs next to nothing; `None` if it must be made, or if an input's
    /// value is not known.
    pub(super) fn probe(&self, graph: &Graph, node: &Node, state: &Mutex<State>) -> Result<Option<Value>, NodeError> {
        match node {
            Node::Fetch(fetch) => self.probe_fetch(fetch),
            Node::Unpack(unpack) => self.probe_unpack(graph, unpack),
            Node::Base(base) => self.probe_captured(&self.base_key(base)),
            Node::Capture(capture) => self.probe_captured(&capture_key(capture)),
            Node::Literal(literal) => self.literal(literal).map(Some),
            Node::Known(tree) => Ok(self.store.has(tree.as_blob()).then_some(Value::Tree(*tree))),
            Node::Compose(inputs) => Ok(self.compose(inputs, state)?.map(Value::Tree)),
            Node::Run(run) => {
                let Some(prepared) = self.prepare(run, state)? else { return Ok(None) };
                Ok(self.store.result(prepared.encoded.digest)?.map(|result| Value::Tree(result.output)))
            }
        }
    }

    fn probe_fetch(&self, fetch: &Fetch) -> Result<Option<Value>, NodeError> {
        for source in &fetch.alternatives {
            if let Some(blob) = self.source_blob(source)? {
                return Ok(Some(Value::File(blob)));
            }
        }
        Ok(None)
    }

    /// The blob of a source, if it is in the store.
    pub(super) fn source_blob(&self, source: &Source) -> Result<Option<BlobDigest>, NodeError> {
        let Some(sha256) = self.sha256(source)? else { return Ok(None) };
        match self.store.memo_get(SOURCE, &sha256)? {
            Some(MemoValue::Blob(blob)) if self.store.has(blob) => Ok(Some(blob)),
            _ => Ok(None),
        }
    }

    /// The SHA-256 of a source, if it says so or was fetched before.
    fn sha256(&self, source: &Source) -> Result<Option<[u8; 32]>, NodeError> {
        if let Checksum::Sha256(sha256) = source.checksums.identity() {
            return Ok(Some(*sha256));
        }
        match self.store.memo_get(SHA256, &source_key(&source.checksums))? {
            Some(MemoValue::Bytes(bytes)) => Ok(bytes.as_slice().try_into().ok()),
            _ => Ok(None),
        }
    }

    /// Notes what `blob`, which is `source`, is known by otherwise.
    pub(super) fn remember_sha256(&self, source: &Source, blob: BlobDigest) -> Result<(), NodeError> {
        if matches!(source.checksums.identity(), Checksum::Sha256(_)) {
            return Ok(());
        }
        Ok(self.store.memo_put(SHA256, &source_key(&source.checksums), MemoValue::Bytes(blob.hash().to_vec()))?)
    }

    /// The contents of an archive may be known though the archive itself is long gone.
    pub(super) fn probe_unpack(&self, graph: &Graph, unpack: &Unpack) -> Result<Option<Value>, NodeError> {
        for key in self.unpack_keys(graph, unpack)? {
            if let Some(tree) = self.memo_tree(UNPACK, &key)? {
                return Ok(Some(Value::Tree(tree)));
            }
        }
        Ok(None)
    }

    /// What the contents of an archive may be remembered by, as far as its checksums say.
    pub(super) fn unpack_keys(&self, graph: &Graph, unpack: &Unpack) -> Result<Vec<Vec<u8>>, NodeError> {
        let Some(Node::Fetch(fetch)) = graph.get(unpack.archive) else { return Err(NodeError::Kind) };
        let mut keys = Vec::new();
        for source in &fetch.alternatives {
            keys.extend(self.sha256(source)?.map(|sha256| unpack_key(&sha256, unpack)));
        }
        Ok(keys)
    }

    pub(super) fn memo_tree(&self, kind: &str, key: &[u8]) -> Result<Option<DirDigest>, NodeError> {
        match self.store.memo_get(kind, key)? {
            Some(MemoValue::Tree(tree)) if self.store.has(tree.as_blob()) => Ok(Some(tree)),
            _ => Ok(None),
        }
    }

    /// What was captured is known if nothing that decided it has changed: a look at each file, none is read.
    fn probe_captured(&self, key: &[u8]) -> Result<Option<Value>, NodeError> {
        let Some(MemoValue::Blob(blob)) = self.store.memo_get(CAPTURE, key)? else { return Ok(None) };
        if !self.store.has(blob) {
            return Ok(None);
        }
        let encoded = self.store.read(blob)?;
        if !Fingerprint::decode(&encoded).is_some_and(|fingerprint| fingerprint.holds()) {
            return Ok(None);
        }
        Ok(self.memo_tree(CAPTURED, blob.hash())?.map(Value::Tree))
    }

    /// What is wanted of this machine, and where it is looked for.
    pub(super) fn base_key(&self, base: &Base) -> Vec<u8> {
        format!("{base:?}\n{}", self.path.display()).into_bytes()
    }

    /// Literals are small and cost less to make than to look up.
    fn literal(&self, literal: &Literal) -> Result<Value, NodeError> {
        let mut composer = Composer::new();
        let load = &mut self.loader();
        for file in &literal.files {
            let digest = BlobDigest::of(&file.contents);
            if !self.store.has(digest) {
                self.store.put(&file.contents)?;
            }
            composer.put(&file.path, Entry::File { digest, executable: file.executable }, load)?;
        }
        for (at, target) in &literal.links {
            composer.put(at, Entry::Symlink(target.clone()), load)?;
        }
        if !literal.directories.is_empty() {
            let empty = Directory::default();
            self.store.put_directories(&[(empty.digest(), empty.encode())])?;
            for at in &literal.directories {
                composer.put(at, Entry::Directory(empty.digest()), load)?;
            }
        }
        let composed = composer.finish();
        self.store.put_directories(&composed.directories)?;
        Ok(Value::Tree(composed.root))
    }

    /// The tree of `inputs`, if all are known.
    fn compose(&self, inputs: &[Input], state: &Mutex<State>) -> Result<Option<DirDigest>, NodeError> {
        let load = &mut self.loader();
        let mut composer = Composer::new();
        for input in inputs {
            let known = state.lock().unwrap_or_else(PoisonError::into_inner).value(input.from.node);
            let Some(value) = known else { return Ok(None) };
            let entry = match value {
                Value::Tree(tree) => Entry::Directory(subtree(tree, &input.from.path, load)?),
                Value::File(digest) => Entry::File { digest, executable: false },
            };
            composer.put(&input.at, entry, load)?;
        }
        let composed = composer.finish();
        // What they name may be on a server alone.
        if self.server().is_some() || self.store.knows_more_than_it_has() {
            self.store.know_directories(&composed.directories)?;
        } else {
            self.store.put_directories(&composed.directories)?;
        }
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.composed.extend(composed.directories.iter().map(|(digest, _)| *digest));
        Ok(Some(composed.root))
    }

    /// The action of a node, if all its inputs are known.
    pub(super) fn prepare(&self, run: &Run, state: &Mutex<State>) -> Result<Option<Prepared>, NodeError> {
        let Some(input_root) = self.compose(&run.inputs, state)? else { return Ok(None) };
        let action = Action { command: run.command.clone(), input_root, timeout: run.timeout };
        let encoded = action.encode();
        Ok(Some(Prepared { action, encoded, serves: run.serves.clone() }))
    }

    fn loader(&self) -> impl FnMut(DirDigest) -> Result<Directory, StoreError> + '_ {
        |digest| self.store.directory(digest)
    }
}

/// What a source is remembered by: the bare bytes of a SHA-256, any other identity with all checksums beside it, so that
/// what is known of an MD5 says nothing of a source that has that and more.
pub(super) fn source_key(checksums: &Checksums) -> Vec<u8> {
    match checksums.identity() {
        Checksum::Sha256(sha256) => sha256.to_vec(),
        _ => checksums.iter().flat_map(|checksum| format!("{checksum}\n").into_bytes()).collect(),
    }
}

/// What an unpacked archive is remembered by: everything that decides its tree.
pub(super) fn unpack_key(sha256: &[u8; 32], unpack: &Unpack) -> Vec<u8> {
    let mut key = sha256.to_vec();
    key.extend(format!("strip {}\n", unpack.strip).bytes());
    for (name, patterns) in [("keep", &unpack.keep), ("out", &unpack.leave_out), ("x", &unpack.executable)] {
        for pattern in patterns {
            key.extend(format!("{name} {}\n", pattern.as_str()).bytes());
        }
    }
    key
}

/// What is taken of this machine, and where it is put: all but the label.
pub(super) fn capture_key(capture: &Capture) -> Vec<u8> {
    let Capture { label: _, parts, leave_out, libraries, provided } = capture;
    format!("parts {parts:?} {leave_out:?} {libraries:?} {provided:?}").into_bytes()
}

/// What kind of work a node is; none if it only puts files and trees together.
pub(super) fn kind(node: &Node) -> Option<Kind> {
    match node {
        Node::Fetch(_) => Some(Kind::Fetch),
        Node::Unpack(_) => Some(Kind::Unpack),
        Node::Base(_) | Node::Capture(_) => Some(Kind::Capture),
        Node::Literal(_) | Node::Known(_) | Node::Compose(_) => None,
        Node::Run(_) => Some(Kind::Run),
    }
}

/// What a node is, for people.
pub(super) fn label(graph: &Graph, node: &Node) -> String {
    match node {
        Node::Fetch(fetch) => fetch.label.clone(),
        Node::Unpack(unpack) => graph.get(unpack.archive).map(|archive| label(graph, archive)).unwrap_or_default(),
        Node::Base(_) => "base image".to_owned(),
        Node::Capture(capture) => capture.label.clone(),
        Node::Literal(_) | Node::Known(_) | Node::Compose(_) => "files".to_owned(),
        Node::Run(run) => run.label.clone(),
    }
}
