//! Settings: what is meant, out of arguments, environment and `bactrian.toml`.
//!
//! Each setting is taken from the first that says anything: the option, the `BACTRIAN_*` variable, `bactrian.toml`
//! beside the project, the default. Lists are not joined: the first that says anything says all. Settings that make
//! no sense are usage errors that name where they were said.
//!
//! The commands read nothing else. Not here: form of arguments (`args`), syntax of the file ([`file`]).

pub(crate) mod file;
mod quantity;
mod remote;
mod sources;
pub(crate) mod toolchain;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use action::path::RelPath;
use opam::name::PackageName;
use opam::version::Version;
use plan::runner::Choice;
use plan::target::{Goal, OcamlVersion, Target};

use crate::args::{self, Addition, Args};
use crate::error::CommandError;
use crate::lockfile::Renewal;
use crate::surroundings::Surroundings;
use crate::ui::{Look, Verbosity};
use sources::Sources;
use toolchain::CToolchain;

/// A command, and all it has to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Build(Build),
    Install(Install),
    Lock(Locking),
    Tree(Subject),
    Why(Why),
    Check(Subject),
    Run(Run),
    Test(Test),
    Exec(Exec),
    Shell(Shell),
    Inspect(Inspect),
    TargetList,
    Toolchain(Toolchain),
    Store(Store),
    Doctor(Doctor),
    Completions(clap_complete::Shell),
    /// The page of this command, given by its words.
    Man(Vec<String>),
}

/// With what is built.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Means {
    /// Absolute directory of the store.
    pub(crate) store: PathBuf,
    /// The version of OCaml, if the user said one.
    pub(crate) ocaml: Option<OcamlVersion>,
    /// Whether it is for every target. That of `bactrian.toml` is for those that it serves.
    pub(crate) ocaml_is_for_all: bool,
    /// Whether programs may be of byte code, where there is no native code for the target.
    pub(crate) bytecode: bool,
    /// Whether programs for 32-bit x86 are emulated; if nobody said so, where this machine cannot run them.
    pub(crate) emulate_x86: Option<bool>,
    /// Opam repositories, the first before the others; none for the public one.
    pub(crate) repositories: Vec<PlaceName>,
    /// Asked in this order before any other origin.
    pub(crate) mirrors: Vec<PlaceName>,
    /// Absolute files with the user's own quirks, later ones before earlier ones.
    pub(crate) quirks: Vec<PathBuf>,
    pub(crate) offline: bool,
    /// Whether the lock may not be renewed.
    pub(crate) locked: bool,
    pub(crate) jobs: NonZeroUsize,
    /// C toolchains that the user brings for the command's targets, each with where it is said.
    pub(crate) toolchains: Vec<Bring>,
    /// An engine or cache elsewhere.
    pub(crate) remote: Option<exec::remote::Config>,
}

/// A C toolchain that the user brings for a target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bring {
    pub(crate) target: Target,
    /// Absolute paths.
    pub(crate) toolchain: CToolchain,
    /// Who says so, as the user knows it.
    pub(crate) place: String,
}

#[cfg(test)]
impl Means {
    /// Those of a command that says nothing else.
    pub(crate) fn for_test(store: PathBuf) -> Self {
        Self {
            store,
            ocaml: None,
            ocaml_is_for_all: false,
            bytecode: false,
            emulate_x86: None,
            repositories: Vec::new(),
            mirrors: Vec::new(),
            quirks: Vec::new(),
            offline: false,
            locked: false,
            jobs: NonZeroUsize::MIN,
            toolchains: Vec::new(),
            remote: None,
        }
    }
}

/// A place that has something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlaceName {
    /// An absolute directory.
    Directory(PathBuf),
    /// A URL.
    Url(String),
}

/// `bactrian build`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Build {
    /// The project's directory, absolute.
    pub(crate) project: PathBuf,
    /// At least one, none twice.
    pub(crate) goals: Vec<Goal>,
    /// Their targets, each with the runner that was said: some builds need one.
    pub(crate) runners: Vec<(Target, Option<Choice>)>,
    pub(crate) means: Means,
    /// Programs are put in `output/GOAL/`; absolute.
    pub(crate) output: PathBuf,
    /// Executables that are delivered as objects, instead of programs; each with its directory in the project.
    pub(crate) objects: Vec<String>,
    /// Where it is written where the time went, if anywhere; absolute.
    pub(crate) timings: Option<PathBuf>,
}

/// `bactrian install`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Install {
    /// At least one.
    pub(crate) packages: Vec<Wanted>,
    /// At least one, none twice.
    pub(crate) targets: Vec<Target>,
    pub(crate) means: Means,
    /// Files are put in `output/TARGET/`; absolute.
    pub(crate) output: PathBuf,
    /// Where it is written where the time went, if anywhere; absolute.
    pub(crate) timings: Option<PathBuf>,
}

/// `bactrian lock` and `bactrian update`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Locking {
    /// The project's directory, absolute.
    pub(crate) project: PathBuf,
    /// At least one, none twice.
    pub(crate) targets: Vec<Target>,
    pub(crate) means: Means,
    pub(crate) renewal: Renewal,
}

/// What packages are chosen for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subject {
    pub(crate) asked: Asked,
    /// At least one, none twice.
    pub(crate) targets: Vec<Target>,
    pub(crate) means: Means,
}

/// A project or published packages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// The project in this absolute directory.
    Project(PathBuf),
    /// At least one.
    Packages(Vec<Wanted>),
}

/// `bactrian why`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Why {
    pub(crate) package: PackageName,
    pub(crate) subject: Subject,
}

/// A published package that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: PackageName,
    /// If it was said.
    pub(crate) version: Option<Version>,
}

/// `bactrian run`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// The project's directory, absolute.
    pub(crate) project: PathBuf,
    pub(crate) target: Target,
    pub(crate) means: Means,
    /// The runner, if it was said.
    pub(crate) runner: Option<Choice>,
    /// Which program, if it was said.
    pub(crate) bin: Option<String>,
    pub(crate) arguments: Vec<OsString>,
}

/// `bactrian test`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    /// The project's directory, absolute.
    pub(crate) project: PathBuf,
    /// At least one, none twice; with the runner, if it was said.
    pub(crate) targets: Vec<(Target, Option<Choice>)>,
    pub(crate) means: Means,
    /// Whether what tests print is taken for what is expected.
    pub(crate) promote: bool,
}

/// `bactrian exec`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exec {
    /// Where it runs, absolute.
    pub(crate) project: PathBuf,
    pub(crate) target: Target,
    pub(crate) means: Means,
    /// The program and its arguments; not empty.
    pub(crate) command: Vec<OsString>,
}

/// `bactrian shell`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shell {
    /// Where a target's builds happen.
    Target {
        /// Where it starts, absolute.
        project: PathBuf,
        target: Target,
        means: Means,
    },
    /// Where a build failed.
    Failed {
        /// As the message named it.
        id: String,
        means: Means,
    },
}

/// `bactrian inspect`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inspect {
    /// As typed, since they are shown; at least one.
    pub(crate) files: Vec<PathBuf>,
}

/// `bactrian toolchain`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Toolchain {
    List {
        means: Means,
    },
    /// At least one target.
    Build {
        targets: Vec<Target>,
        means: Means,
    },
    /// At least one target.
    Remove {
        targets: Vec<Target>,
        means: Means,
    },
    Add {
        what: Addition,
        /// Absolute.
        directory: PathBuf,
        means: Means,
    },
    TakeBack {
        what: Addition,
        means: Means,
    },
}

/// `bactrian store`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Store {
    /// Absolute directory of the store.
    pub(crate) directory: PathBuf,
    pub(crate) work: StoreWork,
}

/// What is done with the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StoreWork {
    Stats,
    /// At least one limit is given.
    Gc {
        max_bytes: Option<u64>,
        max_age: Option<Duration>,
    },
    Verify {
        repair: bool,
    },
}

/// `bactrian doctor`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Doctor {
    /// Absolute directory of the store.
    pub(crate) store: PathBuf,
    /// An engine or cache to look at.
    pub(crate) remote: Option<exec::remote::Config>,
}

/// How output is to look. Decided before anything else, so that what is wrong with the rest can be told.
pub(crate) fn look(args: &Args, around: &Surroundings) -> Result<Look, CommandError> {
    let common = &args.common;
    let said = if common.verbose {
        Some(Verbosity::Verbose)
    } else if common.quiet {
        Some(Verbosity::Quiet)
    } else {
        None
    };
    let variables = sources::Variables(&around.env);
    let format = common.message_format.map_or_else(|| variables.message_format(), |format| Ok(Some(format)))?;
    let color = common.color.map_or_else(|| variables.color(), |color| Ok(Some(color)))?;
    let verbosity = said.map_or_else(|| variables.verbosity(), |verbosity| Ok(Some(verbosity)))?;
    Ok(Look {
        format: format.unwrap_or(Look::DEFAULT.format),
        color: color.unwrap_or(Look::DEFAULT.color),
        verbosity: verbosity.unwrap_or(Look::DEFAULT.verbosity),
        stdout_is_taken: matches!(
            args.command,
            args::Command::Run(_) | args::Command::Exec(_) | args::Command::Shell(_)
        ),
    })
}

/// How help and errors in the arguments are to look: what the environment says of colours, if that makes sense.
pub(crate) fn look_without_arguments(around: &Surroundings) -> Look {
    let color = sources::Variables(&around.env).color().ok().flatten();
    Look { color: color.unwrap_or(Look::DEFAULT.color), ..Look::DEFAULT }
}

/// What is to be done. Reads `bactrian.toml` where the command is about a project.
pub(crate) fn command(args: Args, around: &Surroundings) -> Result<Command, CommandError> {
    let common = args.common;
    let beside = |path: &PathBuf| Sources::load(around.absolute(path), &common, around);
    let here = || Sources::load(around.directory.clone(), &common, around);
    Ok(match args.command {
        args::Command::Build(args) => {
            let sources = beside(&args.path)?;
            let output = sources.output(args.output.as_deref());
            Command::Build(Build {
                runners: sources.targets_and_runners(&args.making, &args.runner)?,
                goals: sources.goals(&args.making)?,
                means: sources.making(&args.making)?,
                timings: timings(args.timings, &output, around),
                output,
                objects: args.objects.iter().map(|text| object(text)).collect::<Result<_, _>>()?,
                project: sources.project,
            })
        }
        args::Command::Install(args) => {
            let sources = here()?;
            let output = around.absolute(&args.output);
            Command::Install(Install {
                packages: args.packages.iter().map(|text| wanted(text)).collect::<Result<_, _>>()?,
                targets: sources.targets(&args.making)?,
                means: sources.making(&args.making)?,
                timings: timings(args.timings, &output, around),
                output,
            })
        }
        args::Command::Lock(args) => Command::Lock(locking(&args.making, &beside(&args.path)?, Renewal::Never)?),
        args::Command::Update(args) => {
            let names: Vec<_> = args.packages.iter().map(|text| Ok(wanted(text)?.name)).collect::<Result<_, _>>()?;
            let renewal = if names.is_empty() { Renewal::All } else { Renewal::Of(names) };
            Command::Lock(locking(&args.making, &beside(&args.project)?, renewal)?)
        }
        args::Command::Tree(args) => Command::Tree(subject(&args, &beside(&args.path)?)?),
        args::Command::Check(args) => Command::Check(subject(&args, &beside(&args.path)?)?),
        args::Command::Why(args) => Command::Why(Why {
            package: wanted(&args.package)?.name,
            subject: subject(&args.subject, &beside(&args.subject.path)?)?,
        }),
        args::Command::Run(args) => {
            let sources = beside(&args.path)?;
            let target = sources.one_target(&args.making)?;
            Command::Run(Run {
                target,
                runner: sources.runner(target, &args.runner)?,
                means: sources.making(&args.making)?,
                bin: args.bin.or_else(|| sources.file.bin.clone()),
                project: sources.project,
                arguments: args.arguments,
            })
        }
        args::Command::Test(args) => {
            let sources = beside(&args.path)?;
            Command::Test(Test {
                targets: sources.targets_and_runners(&args.making, &args.runner)?,
                means: sources.making(&args.making)?,
                promote: args.promote,
                project: sources.project,
            })
        }
        args::Command::Exec(args) => {
            let sources = beside(&args.path)?;
            Command::Exec(Exec {
                target: sources.one_target(&args.making)?,
                means: sources.making(&args.making)?,
                project: sources.project,
                command: args.command,
            })
        }
        args::Command::Shell(args) => {
            let sources = beside(&args.path)?;
            Command::Shell(match args.failed {
                Some(id) => Shell::Failed { id, means: sources.means(&args.making.means)? },
                None => Shell::Target {
                    target: sources.one_target(&args.making)?,
                    means: sources.making(&args.making)?,
                    project: sources.project,
                },
            })
        }
        args::Command::Inspect(args) => Command::Inspect(Inspect { files: args.files }),
        args::Command::Target(args::Target::List) => Command::TargetList,
        args::Command::Toolchain(args) => Command::Toolchain(toolchain(args, &here()?)?),
        args::Command::Store(args) => {
            Command::Store(Store { work: quantity::store_work(args)?, directory: here()?.store()? })
        }
        args::Command::Doctor(args) => {
            let sources = here()?;
            Command::Doctor(Doctor { store: sources.store()?, remote: sources.remote(&args.remote)? })
        }
        args::Command::Completions { shell } => Command::Completions(shell),
        args::Command::Man { command } => Command::Man(command),
    })
}

fn locking(making: &args::Making, sources: &Sources<'_>, renewal: Renewal) -> Result<Locking, CommandError> {
    Ok(Locking {
        project: sources.project.clone(),
        targets: sources.targets(making)?,
        means: sources.making(making)?,
        renewal,
    })
}

/// Where timings are written: where it was said, else beside what is delivered.
fn timings(args: args::Timings, output: &Path, around: &Surroundings) -> Option<PathBuf> {
    args.timings.map(|place| place.map_or_else(|| output.to_owned(), |place| around.absolute(&place)))
}

fn subject(args: &args::Subject, sources: &Sources<'_>) -> Result<Subject, CommandError> {
    let packages: Vec<Wanted> = args.packages.iter().map(|text| wanted(text)).collect::<Result<_, _>>()?;
    let asked = if packages.is_empty() { Asked::Project(sources.project.clone()) } else { Asked::Packages(packages) };
    Ok(Subject { asked, targets: sources.targets(&args.making)?, means: sources.making(&args.making)? })
}

/// An executable's name with its directory, as dune has it.
fn object(text: &str) -> Result<String, CommandError> {
    let text = text.trim_start_matches("./");
    let path = text.strip_suffix(".exe.o").or_else(|| text.strip_suffix(".exe")).unwrap_or(text);
    RelPath::new(path).ok().filter(|path| !path.is_root()).map(|path| path.to_string()).ok_or_else(|| {
        CommandError::usage(format_args!("`--object {text}` names no executable of the project"))
            .hint("say its directory and name, seen from the project: `--object lib/greet`")
    })
}

/// `name` or `name.version`.
fn wanted(text: &str) -> Result<Wanted, CommandError> {
    let (name, version) = text.split_once('.').map_or((text, None), |(name, version)| (name, Some(version)));
    let wrong = |error: &dyn std::fmt::Display| {
        CommandError::usage(format_args!("`{text}` is no package: {error}")).hint("say `menhir` or `menhir.20260209`")
    };
    Ok(Wanted {
        name: PackageName::new(name).map_err(|error| wrong(&error))?,
        version: version.map(Version::new).transpose().map_err(|error| wrong(&error))?,
    })
}

fn toolchain(args: args::Toolchain, sources: &Sources<'_>) -> Result<Toolchain, CommandError> {
    Ok(match args {
        args::Toolchain::List => Toolchain::List { means: sources.means(&args::Means::default())? },
        args::Toolchain::Build(making) => {
            Toolchain::Build { targets: sources.targets(&making)?, means: sources.making(&making)? }
        }
        args::Toolchain::Add { what, directory } => Toolchain::Add {
            what,
            directory: sources.project.join(directory),
            means: sources.means(&args::Means::default())?,
        },
        args::Toolchain::Remove { what: Some(what), making } => {
            Toolchain::TakeBack { what, means: sources.means(&making.means)? }
        }
        args::Toolchain::Remove { what: None, making } => {
            Toolchain::Remove { targets: sources.targets(&making)?, means: sources.making(&making)? }
        }
    })
}

#[cfg(test)]
mod tests;
