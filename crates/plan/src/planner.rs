//! The planner: a graph in the making, in which equal things are one node.
//!
//! Each part of a toolchain has a function that says what it is made out of; asking twice gives the same node. The parts
//! are in [`crate::cc`], [`crate::ocaml`], [`crate::dune`] and [`crate::project`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use action::command::Command;
use action::digest::DirDigest;
use action::graph::{Forward, Graph, Input, Literal, LiteralFile, Node, NodeId, Run, TreeRef};
use action::path::{PathError, RelPath};
use action::tree::TreeError;
use builder::{Recipe, Step};

use crate::cc::brought::Brought;
use crate::clib::Extra;
use crate::layout;
use crate::target::Target;
use crate::target::TargetError;

/// Actions of toolchains end by themselves; this is for those that do not.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// A graph in the making.
#[derive(Debug)]
pub struct Planner {
    pub(crate) graph: Graph,
    nodes: BTreeMap<String, NodeId>,
    builder: Arc<[u8]>,
    pub(crate) brought: Vec<Brought>,
    emulates_x86: bool,
    /// Apple's SDK, if the user registered one.
    pub(crate) macos_sdk: Option<DirDigest>,
}

/// A plan that contradicts itself: our bug, never the user's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A node names one that comes later.
    #[error(transparent)]
    Forward(#[from] Forward),
    /// A constant of ours is no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A link of ours is none.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A constant of ours is no target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A data file of ours has no row for this target.
    #[error("no C toolchain data for the CPU of {0}")]
    NoCpu(String),
    /// A package runs programs of a target for which roots have no emulator.
    #[error("{package} runs programs of {target} while it is built, and no root can")]
    NoEmulator {
        /// The package's name.
        package: String,
        /// The target's name.
        target: String,
    },
    /// Nobody brings a C toolchain for a target that has none of ours.
    #[error("there is no C toolchain for {0}")]
    NoCc(String),
    /// A C library that is not known to build for this target.
    #[error("there is no recipe of {library} for {target}")]
    NoLibrary {
        /// The library's name.
        library: &'static str,
        /// The target's name.
        target: String,
    },
}

/// An action in words of this crate: a recipe over trees.
#[derive(Debug)]
pub(crate) struct Job {
    /// What it makes, for people.
    pub(crate) label: String,
    /// What is put where, besides base image and builder.
    pub(crate) inputs: Vec<Input>,
    /// Files of the recipe, below [`layout::BACTRIAN`].
    pub(crate) files: Vec<(&'static str, &'static str)>,
    /// What is done.
    pub(crate) steps: Vec<Step>,
    /// Added to the environment that all actions have.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// The target that it serves, unless that is the build machine.
    pub(crate) target: Option<Target>,
}

impl Planner {
    /// An empty plan; `builder` is the program that runs recipes.
    #[must_use]
    pub fn new(builder: &[u8]) -> Self {
        Self {
            graph: Graph::default(),
            nodes: BTreeMap::new(),
            builder: builder.into(),
            emulates_x86: false,
            macos_sdk: None,
            brought: Vec::new(),
        }
    }

    /// The plan for a machine that runs programs for 32-bit x86 only under an emulator, if `emulates` is true: compilers of
    /// 32-bit targets are such programs. The emulator is then an input of every action that starts them.
    #[must_use]
    pub fn emulating_x86(self, emulates: bool) -> Self {
        Self { emulates_x86: emulates, ..self }
    }

    /// What starting a compiler for a target of `bits` needs besides the compiler.
    pub(crate) fn starters(&mut self, bits: u8) -> Result<Vec<Input>, PlanError> {
        if bits == 32 && self.emulates_x86 { Ok(vec![self.extra(Extra::QemuI386)?]) } else { Ok(Vec::new()) }
    }

    /// C toolchains for macOS find frameworks in this tree, an SDK of Apple's.
    pub fn use_macos_sdk(&mut self, sdk: DirDigest) {
        self.macos_sdk = Some(sdk);
    }

    /// The finished graph.
    #[must_use]
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// The node called `key`, made by `make` when first asked for.
    pub(crate) fn once(
        &mut self,
        key: impl Into<String>,
        make: impl FnOnce(&mut Self) -> Result<Node, PlanError>,
    ) -> Result<NodeId, PlanError> {
        let key = key.into();
        if let Some(id) = self.nodes.get(&key) {
            return Ok(*id);
        }
        let node = make(self)?;
        let id = self.graph.add(node)?;
        self.nodes.insert(key, id);
        Ok(id)
    }

    /// The base image.
    pub(crate) fn base(&mut self) -> Result<NodeId, PlanError> {
        self.once("base", |_| Ok(Node::Base(crate::base::image())))
    }

    /// The program that runs recipes: one node, for hashing it is a good part of planning.
    fn builder(&mut self) -> Result<NodeId, PlanError> {
        self.once("builder", |planner| {
            let path = RelPath::new(builder::BUILDER_PATH)?;
            let file = LiteralFile { path, contents: Arc::clone(&planner.builder), executable: true };
            Ok(Node::Literal(Literal { files: vec![file], ..Literal::default() }))
        })
    }

    /// The node of an action in the portable profile: base image, builder, recipe and the job's own inputs.
    pub(crate) fn run(&mut self, job: Job) -> Result<Node, PlanError> {
        let (base, program) = (self.base()?, self.builder()?);
        let mut literal = Literal::default();
        let mut file = |path: &str, contents: Arc<[u8]>, executable| -> Result<(), PathError> {
            literal.files.push(LiteralFile { path: RelPath::new(path)?, contents, executable });
            Ok(())
        };
        let recipe = Recipe { steps: job.steps }.encode();
        file(builder::RECIPE_PATH.trim_start_matches('/'), recipe.into(), false)?;
        for (path, text) in job.files {
            file(&format!("{}/{path}", layout::BACTRIAN), text.as_bytes().into(), false)?;
        }
        let own = self.graph.add(Node::Literal(literal))?;
        let mut inputs = vec![input("", base)?, input("", program)?, input("", own)?];
        inputs.extend(job.inputs);
        let mut environment = action_environment();
        environment.extend(job.environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(Node::Run(Run {
            label: job.label,
            command: Command {
                arguments: vec![builder::BUILDER_PATH.to_owned(), "build".to_owned()],
                environment,
                platform: BTreeMap::new(),
            },
            timeout: TIMEOUT,
            inputs,
            serves: job.target.map(|target| target.spec().name.to_owned()),
        }))
    }
}

/// The environment of every action: complete, and the same everywhere.
pub(crate) fn action_environment() -> BTreeMap<String, String> {
    [
        ("HOME", "/tmp"),
        ("LC_ALL", "C"),
        ("PATH", "/usr/bin:/bin"),
        ("SOURCE_DATE_EPOCH", "1321009871"),
        ("TMPDIR", "/tmp"),
        ("TZ", "UTC"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// All of `node`'s tree, put at `at`.
pub(crate) fn input(at: &str, node: NodeId) -> Result<Input, PathError> {
    Ok(Input { at: RelPath::new(at)?, from: node.into() })
}

/// The directory `path` of `node`'s tree, put at `at`.
pub(crate) fn part(at: &str, node: NodeId, path: &str) -> Result<Input, PathError> {
    Ok(Input { at: RelPath::new(at)?, from: TreeRef { node, path: RelPath::new(path)? } })
}

/// The step that runs a script of ours with the shell.
pub(crate) fn script(path: &str) -> Step {
    Step::Run {
        argv: vec!["sh".into(), format!("/{}/{path}", layout::BACTRIAN).into()],
        cwd: "/tmp".into(),
        env: BTreeMap::new(),
    }
}
