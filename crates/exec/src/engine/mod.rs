//! Running a graph: what is not in the store yet is made, in parallel, and told in events.
//!
//! Two passes. The first walks the graph once and looks every value up ([`probe`]); where all goals are found, nothing
//! else happens, and an archive whose contents are known is not even asked for. The second makes what is missing on a
//! few threads ([`schedule`]), each node under a lock that other processes on the same store honour.
//!
//! Not here: how a thing is made ([`make`]), and any word about it.

mod far;
mod known;
mod lookup;
mod make;
mod order;
mod probe;
mod schedule;
mod tell;
mod weight;

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use action::compose::ComposeError;
use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::graph::{Graph, Node, NodeId};
use action::outcome::Outcome;

use crate::builder_image::BUILDER;
use crate::capture::CaptureError;
use crate::event::Sink;
use crate::fetch::{FetchError, Fetcher};
use crate::local::LocalError;
use crate::remote::{Remote, RemoteError};
use crate::store::{Store, StoreError};
use crate::unpack::UnpackError;
use far::{RESTARTS, Slots};

/// What a node became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A file.
    File(BlobDigest),
    /// A tree.
    Tree(DirDigest),
}

/// Runs graphs with one store on one machine.
pub struct Engine<'a> {
    /// Where values are and go.
    pub store: &'a Store,
    /// Obtains sources.
    pub fetcher: &'a Fetcher,
    /// The builder program on this machine.
    pub builder: PathBuf,
    /// The machine's `PATH`, in which the tools of a base image are looked up.
    pub path: std::ffi::OsString,
    /// How many things may be made at once, and how many jobs a command may run.
    pub jobs: usize,
    /// Who is told what happens.
    pub sink: &'a dyn Sink,
    /// Set by whoever wants everything to stop, and by the engine itself when something has failed for good. Never cleared here.
    pub stop: &'a AtomicBool,
    /// Who looks at each action's result before anything is made out of it, if somebody does.
    pub inspector: Option<&'a dyn Inspector>,
    /// An engine or cache elsewhere, if there is one.
    pub remote: Option<&'a Remote>,
}

/// Looks at results of actions, made just now or long ago.
pub trait Inspector: Sync {
    /// Looks at `tree`, which `node` has made.
    ///
    /// # Errors
    /// If nothing may be made out of it: why not.
    fn inspect(&self, node: NodeId, tree: DirDigest) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Whether it will read files of `tree`: what nobody reads is not fetched from a remote engine.
    fn reads(&self, node: NodeId, tree: DirDigest) -> bool {
        let _ = (node, tree);
        true
    }
}

/// What a run of a graph came to.
#[derive(Debug)]
pub struct Report {
    /// The goals' values, in their order.
    pub values: Vec<Value>,
    /// Directories that were composed rather than made whole; a root staged from them is shared best.
    pub composed: HashSet<DirDigest>,
}

/// A goal could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{label}")]
pub struct RunError {
    /// The node that failed, for people.
    pub label: String,
    /// Why.
    #[source]
    pub cause: NodeError,
}

/// Why a node could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No place served the source.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An archive is broken or evil.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// This machine lacks a tool.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Trees do not fit together.
    #[error(transparent)]
    Compose(#[from] ComposeError<StoreError>),
    /// The local executor failed.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The action ran and did not succeed.
    #[error("the action did not succeed")]
    Action {
        /// How it ended.
        outcome: Box<Outcome>,
        /// Which action it was.
        action: ActionDigest,
        /// The name under which its scratch directory is kept.
        kept: Option<String>,
    },
    /// The action ran, and its result is not what it should be.
    #[error("the result was refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The remote engine or cache failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Somebody stopped the run.
    #[error("stopped")]
    Stopped,
    /// The graph names a file where a tree must be, or the other way round.
    #[error("a node of the graph is not of the kind that another wants")]
    Kind,
}

/// What is known of each node so far.
struct State {
    values: Vec<Option<Value>>,
    composed: HashSet<DirDigest>,
    /// Nodes whose values are known, now or from before, and perhaps not here.
    far: HashSet<NodeId>,
    /// Those of them that a server has told of in this run.
    told: HashSet<NodeId>,
    /// Values that were known, and are made after all.
    doubted: HashMap<NodeId, Value>,
    slots: Arc<Slots>,
    /// Whether this attempt is over, though another may go better: nothing is begun any more.
    halted: bool,
    /// Whether there is to be no other.
    is_last: bool,
}

impl<'a> Engine<'a> {
    /// One that makes one thing after the other on this machine alone, tells nobody, and looks a base image's tools up in `path`.
    /// Whoever wants it otherwise sets the fields.
    ///
    /// # Errors
    /// If the builder program, which goes to the store first, cannot be put there.
    pub fn new(
        store: &'a Store,
        fetcher: &'a Fetcher,
        path: std::ffi::OsString,
        stop: &'a AtomicBool,
    ) -> Result<Self, StoreError> {
        let builder = store.blob_path(store.put(BUILDER)?, true)?;
        Ok(Self { store, fetcher, builder, path, jobs: 1, sink: &|_| (), stop, inspector: None, remote: None })
    }
}

impl Engine<'_> {
    /// Makes `goals`.
    ///
    /// # Errors
    /// The first failure; nothing new is begun after it.
    pub fn run(&self, graph: &Graph, goals: &[NodeId]) -> Result<Report, RunError> {
        let mut restarts = 0;
        loop {
            let result = self.attempt(graph, goals, restarts == RESTARTS);
            self.remember();
            match result {
                Err(failure) if restarts < RESTARTS && self.may_go_better(&failure.cause) => {
                    if self.stop.load(Ordering::Relaxed) {
                        return Err(RunError { cause: NodeError::Stopped, ..failure });
                    }
                    restarts += 1;
                    // The first time may have been a server's that is done without from now on.
                    if restarts > 1 && self.server().is_none() {
                        self.store.note_lost(&[]);
                    }
                }
                result => return result,
            }
        }
    }

    fn attempt(&self, graph: &Graph, goals: &[NodeId], is_last: bool) -> Result<Report, RunError> {
        let state = Mutex::new(State { is_last, ..State::new(graph, self.jobs) });
        let needed = self.find(graph, goals, &state)?;
        self.make_all(graph, &needed, &state)?;
        self.bring_goals(graph, goals, &state)?;
        let state = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let value = |goal: &NodeId| state.values.get(goal.index()).copied().flatten();
        let values = goals.iter().map(|goal| value(goal).ok_or(NodeError::Kind));
        let values = values
            .collect::<Result<_, _>>()
            .map_err(|cause| RunError { label: "the goal of the run".to_owned(), cause })?;
        Ok(Report { values, composed: state.composed })
    }
}

impl Engine<'_> {
    /// What was asked for is to be here, whoever made it.
    fn bring_goals(&self, graph: &Graph, goals: &[NodeId], state: &Mutex<State>) -> Result<(), RunError> {
        let value = |goal: &NodeId| state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).value(*goal);
        let trees: Vec<_> = goals.iter().filter_map(|goal| value(goal)?.tree().ok()).collect();
        let label = || goals.first().and_then(|goal| graph.get(*goal)).map(|node| probe::label(graph, node));
        self.bring(&trees).map_err(|cause| RunError { label: label().unwrap_or_default(), cause })
    }

    /// Has an action's result looked at.
    fn inspected(&self, id: NodeId, node: &Node, value: Value) -> Result<Value, NodeError> {
        if let (Some(inspector), Node::Run(_), Value::Tree(tree)) = (self.inspector, node, value) {
            if inspector.reads(id, tree) {
                self.bring(&[tree])?;
            }
            inspector.inspect(id, tree).map_err(NodeError::Refused)?;
        }
        Ok(value)
    }
}

impl State {
    fn new(graph: &Graph, jobs: usize) -> Self {
        let values = vec![None; graph.len()];
        Self {
            values,
            composed: HashSet::new(),
            far: HashSet::new(),
            told: HashSet::new(),
            doubted: HashMap::new(),
            slots: Slots::new(jobs),
            halted: false,
            is_last: false,
        }
    }

    fn value(&self, node: NodeId) -> Option<Value> {
        self.values.get(node.index()).copied().flatten()
    }

    fn set(&mut self, node: NodeId, value: Value) {
        if let Some(slot) = self.values.get_mut(node.index()) {
            *slot = Some(value);
        }
    }
}

impl Value {
    /// The tree, if it is one.
    ///
    /// # Errors
    /// [`NodeError::Kind`] for a file.
    pub fn tree(self) -> Result<DirDigest, NodeError> {
        match self {
            Self::Tree(digest) => Ok(digest),
            Self::File(_) => Err(NodeError::Kind),
        }
    }
}
