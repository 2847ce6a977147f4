//! Packages: one action for each package and role, which builds it as its own opam file says.
//!
//! What is installed below `/host` or `/target/<toolchain>` is the action's result. Dependencies are composed there,
//! read-only; a package whose commands write into the prefix themselves gets one of links instead
//! (`recipes/package/prefix.sh`), so that what it adds can be told apart.
//!
//! Not here: what an opam file says ([`crate::instructions`]), which packages there are (`solve`).

use std::collections::{BTreeMap, BTreeSet};

use action::graph::{Fetch, Input, Literal, LiteralFile, Node, NodeId, Unpack};
use action::path::RelPath;
use action::source::Source;
use action::tree;
use builder::{Bytes, Step};

use crate::clib::Extra;
use crate::layout;
use crate::ocaml::Release;
use crate::pkg_config;
use crate::planner::{Job, PlanError, Planner, input, script};
use crate::project::{self, ProjectRoot, configuration};
use crate::target::Target;
use crate::world::World;

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

const DISPATCH: &str = include_str!("../recipes/tools/dispatch");

/// Names under which the dispatching tool is found before all others.
const TOOLS: &[&str] = &[
    "ar",
    "as",
    "cc",
    "clang",
    "cpp",
    "gcc",
    "ld",
    "nm",
    "ocaml",
    "ocamlc",
    "ocamlc.opt",
    "ocamlcp",
    "ocamldep",
    "ocamldep.opt",
    "ocamllex",
    "ocamlmklib",
    "ocamlmktop",
    "ocamlobjinfo",
    "ocamlopt",
    "ocamlopt.opt",
    "ocamloptp",
    "ocamlrun",
    "ocamlyacc",
    "pkg-config",
    "pkgconf",
    "ranlib",
    "strip",
    "uname",
];

/// Where a package's sources are while it is built.
pub const BUILD: &str = "/tmp/build";
/// The dependencies of a package that writes into its prefix itself.
const DEPS: &str = "deps";

/// Marks what a command is told only when it is run: between two of these is [`JOBS`], or the path of a file to be read.
const MARK: char = '\u{1}';
const JOBS: &str = "jobs";

/// The number of jobs, which must not be in an action's digest.
pub(crate) fn jobs() -> String {
    format!("{MARK}{JOBS}{MARK}")
}

/// Whether part of the text is known only when a command is run.
pub(crate) fn known_later(text: &str) -> bool {
    text.contains(MARK)
}

/// A variable that `package` gives to others, which is known once it is installed below `prefix`.
pub(crate) fn given_by(package: &str, variable: &str, prefix: &str) -> String {
    format!("{MARK}{prefix}/{}/{variable}{MARK}", given_variables(package))
}

/// Where a package's variables for others are, below its prefix: a file each.
fn given_variables(package: &str) -> String {
    format!(".bactrian/{package}.config")
}

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
            steps: steps(instructions, world),
            environment: Vec::new(),
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
        let wanted = ProjectRoot { release, targets, compiler_libs: true };
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

/// The dispatching tools, and for each toolchain where its compilers are.
pub(crate) fn add_tools(literal: &mut Literal, targets: &[Target]) -> Result<(), PlanError> {
    let mut file = |path: String, text: &str, executable| -> Result<(), PlanError> {
        let contents = text.as_bytes().into();
        literal.files.push(LiteralFile { path: RelPath::new(&path)?, contents, executable });
        Ok(())
    };
    for tool in TOOLS {
        file(format!("{}/{tool}", layout::TOOLS), DISPATCH, true)?;
    }
    let of = |target: &Target| (World::Target(*target), format!("{}/{target}", layout::CROSS));
    let host = (World::Host, layout::OCAML.to_owned());
    for (world, ocaml) in std::iter::once(host).chain(targets.iter().map(of)) {
        let place = format!("{}/toolchains/{}", layout::BACTRIAN, world.toolchain());
        let target = world.c_target()?;
        file(format!("{place}/machine"), &format!("{}\n", target.cpu().name), false)?;
        file(format!("{place}/pkg-config"), &pkg_config::script(&world.prefix()), true)?;
        for (link, to) in [("cc", format!("{}/{target}/bin", layout::CC)), ("ocaml", ocaml)] {
            let to = tree::Target::new(&format!("../../../{to}"))?;
            literal.links.push((RelPath::new(&format!("{place}/{link}"))?, to));
        }
    }
    Ok(())
}

fn steps(instructions: &Instructions, world: World) -> Vec<Step> {
    let directory = instructions.subpath.as_ref().map_or_else(|| BUILD.to_owned(), |path| format!("{BUILD}/{path}"));
    let mut steps = vec![script("package/prepare.sh")];
    let (patches, others) =
        instructions.substs.iter().partition::<Vec<_>, _>(|file| instructions.patches.contains(file));
    steps.extend(substitute(&patches, &directory, world));
    for patch in &instructions.patches {
        let file = format!("{directory}/{patch}");
        steps.push(Step::Patch { file: file.into(), dir: directory.as_str().into(), strip: 1 });
    }
    steps.extend(substitute(&others, &directory, world));
    if instructions.hosts_generators {
        steps.push(with_arguments(script(GENERATORS), &[BUILD, BUILD]));
    }
    let own = [("PREFIX", world.prefix()), ("DEPS", format!("/{DEPS}"))];
    if instructions.writes_prefix {
        steps.push(with(script("package/prefix.sh"), &own));
    }
    steps.extend(instructions.commands.iter().map(|command| step(command, instructions, &directory)));
    let file = format!("{directory}/{}", instructions.install_file);
    let config = format!("{directory}/{}.config", instructions.name);
    let given = format!("/out/{}", given_variables(&instructions.name));
    steps.push(with_arguments(script(RESULTS), &[&file, &config, &given]));
    steps.push(Step::Install {
        file: file.into(),
        package: instructions.name.as_str().into(),
        prefix: "/out".into(),
        source: directory.as_str().into(),
    });
    if let Some(below) = &instructions.installed_below {
        steps.push(lift(below));
    }
    if instructions.writes_prefix {
        steps.push(with(script("package/collect.sh"), &own));
    }
    // A package that installs nothing still has a result.
    steps.push(Step::Write {
        path: format!("/out/.bactrian/{}", instructions.name).into(),
        contents: format!("{}\n", instructions.version).into(),
        executable: false,
    });
    steps
}

/// Moves what is in `/out/BELOW` to `/out`.
fn lift(below: &str) -> Step {
    let script = format!("if [ -d /out/{below} ]; then mv /out/{below}/* /out/ && rmdir /out/{below}; fi");
    Step::run("/out", ["sh", "-ec", &script])
}

fn with(mut step: Step, variables: &[(&str, String)]) -> Step {
    if let Step::Run { env, .. } = &mut step {
        env.extend(variables.iter().map(|(name, value)| ((*name).into(), value.as_str().into())));
    }
    step
}

fn with_arguments(mut step: Step, arguments: &[&str]) -> Step {
    if let Step::Run { argv, .. } = &mut step {
        argv.extend(arguments.iter().map(|argument| Bytes::from(*argument)));
    }
    step
}

/// The step that makes `files` of what they are called with `.in` at the end, if there are any.
fn substitute(files: &[&String], directory: &str, world: World) -> Option<Step> {
    let prefixes = [world.prefix(), World::Host.prefix()].join(":");
    let variables = [("PREFIXES", prefixes), ("VARIABLES", format!("/{}/{VARIABLES}", layout::BACTRIAN))];
    let files: Vec<String> = files.iter().map(|file| format!("{directory}/{file}")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    (!files.is_empty()).then(|| with(with_arguments(script(SUBSTITUTE), &files), &variables))
}

/// The environment of all commands of a package in `world` (`facts/packages.md` §3), before opam files change it.
pub(crate) fn environment(name: &str, version: &str, world: World) -> BTreeMap<String, String> {
    let host = World::Host.prefix();
    let path = format!(
        "/{}:{host}/bin:/{}/bin:/{}/{}/bin:/usr/bin:/bin",
        layout::TOOLS,
        layout::OCAML,
        layout::CC,
        layout::HOST_CC_TARGET
    );
    [
        ("BACTRIAN_TOOLCHAIN", world.toolchain()),
        ("CAML_LD_LIBRARY_PATH", format!("{host}/lib/stublibs")),
        ("CDPATH", String::new()),
        ("DUNE_CACHE", "disabled".to_owned()),
        ("MAKEFLAGS", String::new()),
        ("MAKELEVEL", String::new()),
        ("OCAMLFIND_CONF", format!("/{}", layout::FINDLIB_CONF)),
        ("OCAMLTOP_INCLUDE_PATH", format!("{host}/lib/toplevel")),
        ("OCAML_TOPLEVEL_PATH", format!("{host}/lib/toplevel")),
        ("OPAMCLI", "2.0".to_owned()),
        ("OPAM_PACKAGE_NAME", name.to_owned()),
        ("OPAM_PACKAGE_VERSION", version.to_owned()),
        ("OPAM_SWITCH_PREFIX", world.prefix()),
        (PATH, path),
        ("XDG_CACHE_HOME", "/tmp/cache".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The variable in which programs are looked for.
pub(crate) const PATH: &str = "PATH";

/// The command as it is run: through a shell if it is to be told what is known only then.
pub(crate) fn step(command: &CommandLine, instructions: &Instructions, directory: &str) -> Step {
    let cwd = directory.into();
    let mut environment = instructions.environment.clone();
    environment.extend(command.environment.clone());
    let (later, known): (BTreeMap<_, _>, BTreeMap<_, _>) =
        environment.into_iter().partition(|(_, value)| known_later(value));
    let env = known.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    if later.is_empty() && !command.arguments.iter().any(|argument| known_later(argument)) {
        let argv = command.arguments.iter().map(|argument| argument.as_str().into()).collect();
        return Step::Run { argv, cwd, env };
    }
    let exports: String = later.iter().map(|(name, value)| format!("export {name}={}; ", shell_word(value))).collect();
    let words: Vec<String> = command.arguments.iter().map(|argument| shell_word(argument)).collect();
    let line = format!("{exports}exec {}", words.join(" "));
    Step::Run { argv: vec!["sh".into(), "-c".into(), line.into()], cwd, env }
}

/// One word of a shell's command, in which marked places are filled in when it is run.
fn shell_word(text: &str) -> String {
    let piece = |(number, piece): (usize, &str)| match piece {
        _ if number % 2 == 0 => format!("'{}'", piece.replace('\'', "'\\''")),
        JOBS => "\"$BACTRIAN_JOBS\"".to_owned(),
        // What a package does not say is the empty text, as it is to opam.
        file => format!("\"$(cat '{file}' 2>/dev/null)\""),
    };
    text.split(MARK).enumerate().map(piece).collect()
}
