//! Packages: one action for each package and role, which builds it as its own opam file says.
//!
//! What is installed below `/host` or `/target/<toolchain>` is the action's result. Dependencies are composed there,
//! read-only; a package whose commands write into the prefix themselves gets one of links instead
//! (`recipes/package/prefix.sh`), so that what it adds can be told apart.
//!
//! Not here: what an opam file says ([`crate::instructions`]), which packages there are (`solve`).

mod later;
mod steps;
mod tools;

use std::collections::{BTreeMap, BTreeSet};

use action::graph::{Fetch, Input, Literal, LiteralFile, Node, NodeId, Unpack};
use action::path::RelPath;
use action::source::Source;
use action::tree;

use crate::clib::Extra;
use crate::layout;
use crate::ocaml::Release;
use crate::planner::{Job, PlanError, Planner, input};
use crate::project::{self, ProjectRoot, configuration};
use crate::runner;
use crate::target::Target;
use crate::world::World;
pub(crate) use later::{given_by, jobs, known_later};
#[cfg(test)]
pub(crate) use steps::step;
pub(crate) use steps::{PATH, environment};
pub(crate) use tools::add_tools;

const RECIPES: &[(&str, &str)] = &[
    ("package/prepare.sh", include_str!("../recipes/package/prepare.sh")),
    ("package/prefix.sh", include_str!("../recipes/package/prefix.sh")),
    ("package/collect.sh", include_str!("../recipes/package/collect.sh")),
    (CONFIGURE, include_str!("../recipes/package/configure.sh")),
    (GENERATORS, project::GENERATORS),
    (SUBSTITUTE, include_str!("../recipes/package/substitute.sh")),
    (RESULTS, include_str!("../recipes/package/results.sh")),
];

/// The recipe that runs configure scripts, below [`layout::BACTRIAN`].
pub(crate) const CONFIGURE: &str = "package/configure.sh";

const GENERATORS: &str = "package/generators.sh";

const SUBSTITUTE: &str = "package/substitute.sh";

const RESULTS: &str = "package/results.sh";

/// What [`SUBSTITUTE`] knows of variables, below [`layout::BACTRIAN`].
const VARIABLES: &str = "package/variables";

/// Where a package's sources are while it is built.
pub const BUILD: &str = "/tmp/build";
/// The dependencies of a package that writes into its prefix itself.
const DEPS: &str = "deps";

/// What is done to build a package: its opam file, evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instructions {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// Its archive.
    pub source: Option<Source>,
    /// A directory of the archive to build in, if not all of it.
    pub subpath: Option<String>,
    /// Further files, by their place below the sources.
    pub extra: Vec<(String, Source)>,
    /// Files given in full, by their place below the sources.
    pub files: Vec<(String, Vec<u8>)>,
    /// Patches among the files, applied with one leading component dropped.
    pub patches: Vec<String>,
    /// Files `f` to be made of `f.in`.
    pub substs: Vec<String>,
    /// What variables are in those: `owner:name`, which is `:name` for a global one, and the value.
    pub variables: Vec<(String, String)>,
    /// Commands, in order: the program and its arguments, and its environment besides that of all.
    pub commands: Vec<CommandLine>,
    /// Whether dune's rules are to be made to run programs of the build machine (`recipes/package/generators.sh`).
    pub hosts_generators: bool,
    /// Whether commands write into the prefix.
    pub writes_prefix: bool,
    /// Whether commands run programs of the target, which an emulator does.
    pub emulated: bool,
    /// Where the list of files to install is found below the sources.
    pub install_file: String,
    /// Where in what is installed the prefix begins: dune puts a target's files below `<toolchain>-sysroot`.
    pub installed_below: Option<String>,
    /// The environment of all commands: [`environment`], and what opam files change in it.
    pub environment: BTreeMap<String, String>,
}

/// A command of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// Added to the environment.
    pub environment: BTreeMap<String, String>,
}

/// The trees a package is built with.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    /// What runs on the build machine, laid out for `/host`.
    pub host: Vec<NodeId>,
    /// What is linked, laid out for `/target/<toolchain>`; for the host, none.
    pub target: Vec<NodeId>,
    /// Tools beyond the base image.
    pub extra: BTreeSet<Extra>,
}

impl Planner {
    /// The node that builds a package. Its tree is laid out for the prefix of `world`.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn package(
        &mut self,
        instructions: &Instructions,
        world: World,
        release: Release,
        dependencies: &Dependencies,
    ) -> Result<NodeId, PlanError> {
        let mut inputs = self.package_tools(world, release)?;
        inputs.extend(self.sources_of(instructions)?);
        for extra in &dependencies.extra {
            inputs.push(self.extra(*extra)?);
        }
        let writable = instructions.writes_prefix.then_some(world);
        let at = |of: World, path: String| if writable == Some(of) { DEPS.to_owned() } else { path };
        for node in &dependencies.host {
            inputs.push(input(&at(World::Host, layout::HOST.to_owned()), *node)?);
        }
        if let World::Target(target) = world {
            for node in &dependencies.target {
                inputs.push(input(&at(world, layout::target_prefix(target)), *node)?);
            }
        }
        if let (true, World::Target(target)) = (instructions.emulated, world) {
            let inside = runner::for_actions(target).ok_or_else(|| PlanError::NoEmulator {
                package: instructions.name.clone(),
                target: target.to_string(),
            })?;
            inputs.extend(self.runner(target, inside)?);
        }
        if writable.is_some() {
            let own = self.graph.add(Node::Literal(writable_prefix(world)?))?;
            inputs.push(input("", own)?);
        }
        if !instructions.substs.is_empty() {
            let table = self.graph.add(Node::Literal(variables(instructions)?))?;
            inputs.push(input(layout::BACTRIAN, table)?);
        }
        let node = self.run(Job {
            label: label(instructions, world),
            inputs,
            files: recipes(instructions),
            steps: steps::steps(instructions, world),
            environment: Vec::new(),
            target: world.target(),
        })?;
        Ok(self.graph.add(node)?)
    }

    /// Compilers and tools that every package of `world` is built with.
    fn package_tools(&mut self, world: World, release: Release) -> Result<Vec<Input>, PlanError> {
        let targets: Vec<Target> = match world {
            World::Host => Vec::new(),
            World::Target(target) => vec![target],
        };
        let mut inputs = self.host_compilers(release)?;
        let wanted = ProjectRoot { release, targets, compiler_libs: true, runners: Vec::new() };
        for target in &wanted.targets {
            inputs.extend(self.target_inputs(&wanted, *target)?);
        }
        let tools = self.once(format!("package tools {release} {}", world.toolchain()), |_| {
            let mut literal = configuration(&wanted)?;
            literal.directories.retain(|path| path.as_str() != layout::SRC);
            Ok(Node::Literal(literal))
        })?;
        inputs.push(input("", tools)?);
        Ok(inputs)
    }

    fn sources_of(&mut self, instructions: &Instructions) -> Result<Vec<Input>, PlanError> {
        let mut inputs = Vec::new();
        let what = format!("{} {}", instructions.name, instructions.version);
        if let Some(source) = &instructions.source {
            let archive = self.fetch(&what, source)?;
            let tree = self.once(format!("sources {}", source.hex()), |_| {
                let (keep, leave_out, executable) = (Vec::new(), Vec::new(), Vec::new());
                Ok(Node::Unpack(Unpack { archive, strip: 0, keep, leave_out, executable }))
            })?;
            inputs.push(input(layout::SRC, tree)?);
        }
        for (path, source) in &instructions.extra {
            let file = self.fetch(&what, source)?;
            inputs.push(input(&format!("extra/{path}"), file)?);
        }
        let mut literal = Literal::default();
        for (path, contents) in &instructions.files {
            literal.files.push(LiteralFile {
                path: RelPath::new(path)?,
                contents: contents.as_slice().into(),
                executable: false,
            });
        }
        if !literal.files.is_empty() {
            let node = self.graph.add(Node::Literal(literal))?;
            inputs.push(input("extra", node)?);
        }
        Ok(inputs)
    }

    fn fetch(&mut self, what: &str, source: &Source) -> Result<NodeId, PlanError> {
        self.once(format!("archive {}", source.hex()), |_| {
            Ok(Node::Fetch(Fetch { label: format!("{what} sources"), alternatives: vec![source.clone()] }))
        })
    }
}

/// The recipe's files that these instructions use: what is there is part of the digest.
fn recipes(instructions: &Instructions) -> Vec<(&'static str, &'static str)> {
    let configures = || {
        let mut words = instructions.commands.iter().flat_map(|command| &command.arguments);
        words.any(|word| word.ends_with(CONFIGURE))
    };
    let used = |path: &str| match path {
        "package/prefix.sh" | "package/collect.sh" => instructions.writes_prefix,
        GENERATORS => instructions.hosts_generators,
        SUBSTITUTE => !instructions.substs.is_empty(),
        CONFIGURE => configures(),
        _ => true,
    };
    RECIPES.iter().copied().filter(|(path, _)| used(path)).collect()
}

/// The table that [`SUBSTITUTE`] reads.
fn variables(instructions: &Instructions) -> Result<Literal, PlanError> {
    let text: String = instructions.variables.iter().map(|(name, value)| format!("{name}\t{value}\n")).collect();
    let file = LiteralFile { path: RelPath::new(VARIABLES)?, contents: text.into_bytes().into(), executable: false };
    Ok(Literal { files: vec![file], ..Literal::default() })
}

fn label(instructions: &Instructions, world: World) -> String {
    let of = match world {
        World::Host => "this machine".to_owned(),
        World::Target(target) => target.to_string(),
    };
    format!("{} {} for {of}", instructions.name, instructions.version)
}

/// A link into `/tmp` where the prefix would be.
fn writable_prefix(world: World) -> Result<Literal, PlanError> {
    let (at, to) = match world {
        World::Host => (layout::HOST, "tmp/host"),
        World::Target(_) => (layout::TARGET, "tmp/target"),
    };
    let links = vec![(RelPath::new(at)?, tree::Target::new(to)?)];
    // Without dependencies the directory would be absent.
    Ok(Literal { links, directories: vec![RelPath::new(DEPS)?], ..Literal::default() })
}
