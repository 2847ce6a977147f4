//! Graphs: everything that must be made, and out of what.
//!
//! A [`Graph`] is an arena of [`Node`]s. A node may only name nodes added before it, so a graph has no cycles by
//! construction and its order of insertion is a topological one. Each node's value is a file or a tree; inputs are
//! named symbolically ([`TreeRef`]) and become digests when the graph is run, so that a node whose inputs are not made
//! yet cannot be mistaken for an [`Action`](crate::command::Action) that can be run.
//!
//! Not here: scheduling and running (`exec`), what the nodes are for (`plan`).

use std::sync::Arc;
use std::time::Duration;

use crate::command::Command;
use crate::digest::DirDigest;
use crate::path::RelPath;
use crate::pattern::Pattern;
use crate::source::Source;
use crate::tree::Target;

/// A node of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// Things to be made, in an order in which they can be.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
}

/// One thing to be made.
#[derive(Debug, Clone)]
pub enum Node {
    /// An archive or file, fetched. Value: a file.
    Fetch(Fetch),
    /// An archive's contents. Value: a tree.
    Unpack(Unpack),
    /// Tools captured from the build machine. Value: a tree laid out for `/`.
    Base(Base),
    /// Files of the build machine, such as a compiler that the user brings. Value: a tree.
    Capture(Capture),
    /// Files given in full. Value: a tree.
    Literal(Literal),
    /// A tree that the store has. Value: that tree.
    Known(DirDigest),
    /// Other trees put together. Value: a tree.
    Compose(Vec<Input>),
    /// A command's output directory. Value: a tree.
    Run(Run),
}

/// A file that may be had in several forms, each with its own checksum: the first that can be had is taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// What it is, for people: `OCaml 5.3.0 sources`.
    pub label: String,
    /// The forms.
    pub alternatives: Vec<Source>,
}

/// An archive to be unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpack {
    /// The fetched archive; its format is told by its first bytes.
    pub archive: NodeId,
    /// How many leading path components to take off.
    pub strip: usize,
    /// What to keep, after stripping; everything if empty.
    pub keep: Vec<Pattern>,
    /// What to leave out of that.
    pub leave_out: Vec<Pattern>,
    /// What to make executable whatever the archive says: zip archives of Python wheels lose the bit.
    pub executable: Vec<Pattern>,
}

/// Tools of the build machine that make a small system: shell, coreutils, make, ….
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Base {
    /// Programs, looked up in the machine's `PATH`.
    pub tools: Vec<Tool>,
    /// Shared libraries taken along even where no tool needs them, by file name.
    pub libraries: Vec<String>,
    /// Directories of data that some tool needs, by absolute path, in which `*` stands for any name; absent ones are left
    /// out.
    pub data: Vec<String>,
}

/// Directories and files of the build machine that are put somewhere, with the shared libraries that programs among them
/// need. Links that lead from one part to another stay links, those that lead elsewhere become what they lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// What it is, for people: `C compiler for aarch64-linux-gnu`.
    pub label: String,
    /// What is taken, by absolute path, and where it is put.
    pub parts: Vec<(String, RelPath)>,
    /// What is left out of the parts, by where it would be put.
    pub leave_out: Vec<Pattern>,
    /// The directory for shared libraries that no part holds.
    pub libraries: RelPath,
    /// File names of shared libraries that every root has.
    pub provided: Vec<String>,
}

/// A program of the build machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tool {
    /// Its name in `PATH`; if several are given, the first that exists is taken and the others' names link to it.
    pub names: Vec<String>,
    /// Whether its absence is an error.
    pub required: bool,
    /// The Debian package that brings it, for the message about its absence.
    pub package: String,
}

/// Files and links given in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Literal {
    /// The files.
    pub files: Vec<LiteralFile>,
    /// Symbolic links: where, and their target.
    pub links: Vec<(RelPath, Target)>,
    /// Directories that must exist even if empty.
    pub directories: Vec<RelPath>,
}

/// A file given in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralFile {
    /// Where.
    pub path: RelPath,
    /// What is in it.
    pub contents: Arc<[u8]>,
    /// Whether it may be executed.
    pub executable: bool,
}

/// A command over trees.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it makes, for people: `OCaml 5.3.0 for aarch64-linux-musl`.
    pub label: String,
    /// What is run.
    pub command: Command,
    /// After this long it is stopped and has failed.
    pub timeout: Duration,
    /// What its input root is composed of.
    pub inputs: Vec<Input>,
    /// The target that it serves, if it does not serve the build machine: engines may have workers for it. It is no part of
    /// the action.
    pub serves: Option<String>,
}

/// A tree or file put somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where; the root itself for a tree laid out for `/`; the name itself of a file.
    pub at: RelPath,
    /// What.
    pub from: TreeRef,
}

/// A node's file or tree, or a directory in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRef {
    /// The node.
    pub node: NodeId,
    /// The directory in its tree; the root for all of it.
    pub path: RelPath,
}

/// A node that names one which does not come before it in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a node names node {}, which does not come before it", .0.0)]
pub struct Forward(pub NodeId);

impl Graph {
    /// Adds a node.
    ///
    /// # Errors
    /// If it names a node that is not in the graph yet, as ids of another graph may.
    pub fn add(&mut self, node: Node) -> Result<NodeId, Forward> {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        if let Some(dependency) = node.dependencies().find(|dependency| *dependency >= id) {
            return Err(Forward(dependency));
        }
        self.nodes.push(node);
        Ok(id)
    }

    /// The node behind an id of this graph.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// All nodes, each after those it depends on.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(u32::try_from(index).unwrap_or(u32::MAX)), node))
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// `goals` and everything they need, as a mask over the nodes.
    #[must_use]
    pub fn needed_for(&self, goals: &[NodeId]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        let mark = |id: NodeId, needed: &mut Vec<bool>| {
            if let Some(slot) = needed.get_mut(id.index()) {
                *slot = true;
            }
        };
        for goal in goals {
            mark(*goal, &mut needed);
        }
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if needed.get(id) == Some(&true) {
                for dependency in node.dependencies() {
                    mark(dependency, &mut needed);
                }
            }
        }
        needed
    }
}

impl NodeId {
    /// The node's place in its graph.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Node {
    /// The nodes it is made out of.
    pub fn dependencies(&self) -> impl Iterator<Item = NodeId> + '_ {
        let (one, many): (Option<NodeId>, &[Input]) = match self {
            Self::Unpack(unpack) => (Some(unpack.archive), &[]),
            Self::Compose(inputs) => (None, inputs),
            Self::Run(run) => (None, &run.inputs),
            Self::Fetch(_) | Self::Base(_) | Self::Capture(_) | Self::Literal(_) | Self::Known(_) => (None, &[]),
        };
        one.into_iter().chain(many.iter().map(|input| input.from.node))
    }
}

impl From<NodeId> for TreeRef {
    fn from(node: NodeId) -> Self {
        Self { node, path: RelPath::root() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(archive: NodeId) -> Node {
        Node::Unpack(Unpack { archive, strip: 1, keep: Vec::new(), leave_out: Vec::new(), executable: Vec::new() })
    }

    fn fetch() -> Node {
        Node::Fetch(Fetch { label: "x".to_owned(), alternatives: Vec::new() })
    }

    #[test]
    fn only_earlier_nodes_can_be_named() {
        let mut other = Graph::default();
        let first = other.add(fetch()).unwrap();
        let foreign = other.add(unpack(first)).unwrap();
        let mut graph = Graph::default();
        assert_eq!(graph.add(unpack(foreign)), Err(Forward(foreign)));
        let archive = graph.add(fetch()).unwrap();
        assert!(graph.add(unpack(archive)).is_ok());
        assert_eq!(graph.len(), 2);
    }

    #[test]
    fn needs_are_transitive_and_nothing_else() {
        let mut graph = Graph::default();
        let archive = graph.add(fetch()).unwrap();
        let other = graph.add(fetch()).unwrap();
        let tree = graph.add(unpack(archive)).unwrap();
        let input = Input { at: RelPath::root(), from: tree.into() };
        let goal = graph.add(Node::Compose(vec![input])).unwrap();
        assert_eq!(graph.needed_for(&[goal]), [true, false, true, true]);
        assert_eq!(graph.needed_for(&[other]), [false, true, false, false]);
    }
}
