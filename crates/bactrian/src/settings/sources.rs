//! The sources of settings, and which goes before which.
//!
//! One method per setting; each asks the option, the variable, the file, in this order. Not here: reading the file's
//! syntax ([`file`](super::file)).

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use plan::runner::{Choice, ChoiceError};
use plan::target::{Goal, OcamlVersion, Target, TargetError};

use super::file::{self, File};
use super::toolchain::CToolchain;
use super::{Bring, Means, PlaceName};
use crate::args::{self, ColorChoice, MessageFormat};
use crate::env_vars::{self, Variable};
use crate::error::CommandError;
use crate::surroundings::{Env, Surroundings};
use crate::text;
use crate::ui::Verbosity;

/// What was said anywhere but in a command's own options.
pub(super) struct Sources<'a> {
    /// The directory `bactrian.toml` is looked for in.
    pub(super) project: PathBuf,
    pub(super) file: File,
    common: &'a args::Common,
    pub(super) around: &'a Surroundings,
}

/// What the environment says.
pub(super) struct Variables<'a>(pub(super) &'a Env);

impl<'a> Sources<'a> {
    pub(super) fn load(
        project: PathBuf,
        common: &'a args::Common,
        around: &'a Surroundings,
    ) -> Result<Self, CommandError> {
        Ok(Self { file: file::load(&project)?, project, common, around })
    }

    pub(super) fn means(&self, args: &args::Means) -> Result<Means, CommandError> {
        let variables = Variables(&self.around.env);
        let ocaml = match &args.ocaml {
            Some(text) => Some(ocaml(text, "--ocaml")?),
            None => variables.parsed(env_vars::BACTRIAN_OCAML, ocaml)?,
        };
        let jobs = match &args.jobs {
            Some(text) => Some(jobs(text, "--jobs")?),
            None => variables.parsed(env_vars::BACTRIAN_JOBS, jobs)?.or(self.file.jobs),
        };
        let offline = match args.offline {
            true => Some(true),
            false => variables.parsed(env_vars::BACTRIAN_OFFLINE, boolean)?.or(self.file.offline),
        };
        let locked = match args.locked {
            true => Some(true),
            false => variables.parsed(env_vars::BACTRIAN_LOCKED, boolean)?.or(self.file.locked),
        };
        let bytecode = match args.bytecode {
            true => Some(true),
            false => variables.parsed(env_vars::BACTRIAN_BYTECODE, boolean)?.or(self.file.bytecode),
        };
        Ok(Means {
            locked: locked.unwrap_or(false),
            store: self.store()?,
            ocaml: ocaml.or(self.file.ocaml),
            ocaml_is_for_all: ocaml.is_some(),
            bytecode: bytecode.unwrap_or(false),
            emulate_x86: variables.parsed(env_vars::BACTRIAN_EMULATE_X86, boolean)?,
            repositories: self.places(&args.repositories, env_vars::BACTRIAN_REPO, self.file.repositories.as_ref()),
            mirrors: self.places(&args.mirrors, env_vars::BACTRIAN_MIRROR, self.file.mirrors.as_ref()),
            quirks: self.files(&args.quirks, env_vars::BACTRIAN_QUIRKS, self.file.quirks.as_ref()),
            offline: offline.unwrap_or(false),
            jobs: jobs.unwrap_or(self.around.processors),
            toolchains: Vec::new(),
            // A network that may not be used has no engines.
            remote: if offline == Some(true) { None } else { self.remote(&args.remote)? },
        })
    }

    /// With what is built for the targets: the toolchains that are brought for them are a part of it.
    pub(super) fn making(&self, args: &args::Making) -> Result<Means, CommandError> {
        let targets = self.targets(args)?;
        let mut toolchains = Vec::new();
        for target in &targets {
            toolchains.extend(self.brought(args, *target, targets.len())?);
        }
        Ok(Means { toolchains, ..self.means(&args.means)? })
    }

    /// What is brought for a target: `--cmake` goes before the target's own table, and that before what the file says of all.
    fn brought(&self, args: &args::Making, target: Target, targets: usize) -> Result<Option<Bring>, CommandError> {
        let by_cmake = |path: PathBuf, place: String| -> Result<Option<Bring>, CommandError> {
            if targets > 1 {
                return Err(CommandError::usage(format_args!(
                    "{place}: a CMake file is for one target, and there are {targets}"
                ))
                .hint(format_args!("say `cmake` in [toolchain.TARGET] of {} for each", file::NAME)));
            }
            let toolchain = CToolchain { cmake: Some(path), ..CToolchain::default() };
            Ok(Some(Bring { target, toolchain, place }))
        };
        if let Some(path) = &args.cmake {
            return by_cmake(self.around.absolute(path), "--cmake".to_owned());
        }
        if let Some(said) = self.file.toolchains.iter().find(|toolchain| toolchain.is_for(target)) {
            let place = format!("[toolchain.{}] in {}", said.target.spec().name, file::NAME);
            return Ok(Some(Bring { target, toolchain: said.toolchain.clone().seen_from(&self.project), place }));
        }
        if let Some(path) = &self.file.cmake {
            return by_cmake(self.project.join(path), format!("`cmake` in {}", file::NAME));
        }
        if target.has_own_cc() {
            return Ok(None);
        }
        Err(CommandError::usage(format_args!("{target} needs a C toolchain that you bring"))
            .hint(format_args!("say where Android's NDK is, `ndk = \"DIR\"` in [toolchain.{target}] of {}", file::NAME))
            .hint("or give a CMake toolchain file with `--cmake FILE`"))
    }

    /// The store's directory; without any setting, in the user's cache.
    pub(super) fn store(&self) -> Result<PathBuf, CommandError> {
        let env = &self.around.env;
        if let Some(store) = &self.common.store {
            return Ok(self.around.absolute(store));
        }
        if let Some(store) = env.get(env_vars::BACTRIAN_STORE.name) {
            return Ok(self.around.absolute(Path::new(store)));
        }
        if let Some(store) = &self.file.store {
            return Ok(self.project.join(store));
        }
        let absolute = |name: &str| env.get(name).map(PathBuf::from).filter(|directory| directory.is_absolute());
        absolute(env_vars::XDG_CACHE_HOME.name)
            .or_else(|| absolute(env_vars::HOME.name).map(|home| home.join(".cache")))
            .map(|cache| cache.join("bactrian"))
            .ok_or_else(|| {
                CommandError::environment("there is no directory for the store: neither XDG_CACHE_HOME nor HOME is set")
                    .hint("name one with `--store DIR` or BACTRIAN_STORE")
            })
    }

    /// Directories and URLs, of whoever says any.
    fn places(&self, args: &[OsString], variable: Variable, file: Option<&Vec<String>>) -> Vec<PlaceName> {
        let place = |given: &OsStr, seen_from: &Path| match given.to_str() {
            Some(url) if url.contains("://") => PlaceName::Url(url.to_owned()),
            _ => PlaceName::Directory(seen_from.join(given)),
        };
        let here = &self.around.directory;
        if !args.is_empty() {
            return args.iter().map(|given| place(given, here)).collect();
        }
        if let Some(list) = self.around.env.get(variable.name) {
            let list = list.to_string_lossy();
            return list.split(',').filter(|one| !one.is_empty()).map(|one| place(OsStr::new(one), here)).collect();
        }
        file.into_iter().flatten().map(|given| place(OsStr::new(given), &self.project)).collect()
    }

    /// Files, of whoever says any.
    fn files(&self, args: &[PathBuf], variable: Variable, file: Option<&Vec<String>>) -> Vec<PathBuf> {
        if !args.is_empty() {
            return args.iter().map(|given| self.around.absolute(given)).collect();
        }
        if let Some(list) = self.around.env.get(variable.name) {
            let list = list.to_string_lossy();
            return list
                .split(',')
                .filter(|one| !one.is_empty())
                .map(|one| self.around.absolute(Path::new(one)))
                .collect();
        }
        file.into_iter().flatten().map(|given| self.project.join(given)).collect()
    }

    pub(super) fn output(&self, argument: Option<&Path>) -> PathBuf {
        match (argument, &self.file.output) {
            (Some(output), _) => self.around.absolute(output),
            (None, Some(output)) => self.project.join(output),
            (None, None) => self.project.join("dist"),
        }
    }

    /// The targets, none twice, at least one.
    pub(super) fn targets(&self, args: &args::Making) -> Result<Vec<Target>, CommandError> {
        let goals = self.goals(args)?;
        Ok(unique(goals.into_iter().flat_map(Goal::targets)))
    }

    /// What was asked for, nothing twice, at least one.
    pub(super) fn goals(&self, args: &args::Making) -> Result<Vec<Goal>, CommandError> {
        let variable = env_vars::BACTRIAN_TARGET.name;
        let mut goals: Vec<Goal> = if !args.targets.is_empty() {
            args.targets.iter().map(|text| goal(text, "--target")).collect::<Result<_, _>>()?
        } else if let Some(list) = self.around.env.get(variable) {
            let list = list.to_string_lossy();
            list.split(',').map(|text| goal(text.trim(), variable)).collect::<Result<_, _>>()?
        } else {
            self.file.targets.clone().unwrap_or_default()
        };
        if let (true, Some(path)) = (goals.is_empty(), self.cmake(args)) {
            goals = self.of_cmake(&path)?.into_iter().map(Goal::One).collect();
        }
        if goals.is_empty() {
            return Err(CommandError::usage("there is no target to build for").hint(format_args!(
                "say `--target aarch64-linux-musl`, or `targets = [\"aarch64-linux-musl\"]` in {}; \
                 `bactrian target list` shows all",
                file::NAME
            )));
        }
        Ok(unique(goals))
    }

    /// The targets, each with its runner if one was said.
    pub(super) fn targets_and_runners(
        &self,
        making: &args::Making,
        runner: &args::Runner,
    ) -> Result<Vec<(Target, Option<Choice>)>, CommandError> {
        self.targets(making)?.into_iter().map(|target| Ok((target, self.runner(target, runner)?))).collect()
    }

    /// The runner of a target, if one was said: the option's and the variable's is that of all targets.
    pub(super) fn runner(&self, target: Target, argument: &args::Runner) -> Result<Option<Choice>, CommandError> {
        match &argument.runner {
            Some(text) => runner(text, "--runner").map(Some),
            None => {
                let said = Variables(&self.around.env).parsed(env_vars::BACTRIAN_RUNNER, runner)?;
                Ok(said.or_else(|| self.file.runner(target).cloned().map(|runner| runner.seen_from(&self.project))))
            }
        }
    }

    /// The CMake file that is said for all targets.
    fn cmake(&self, args: &args::Making) -> Option<PathBuf> {
        let option = args.cmake.as_ref().map(|path| self.around.absolute(path));
        option.or_else(|| self.file.cmake.as_ref().map(|path| self.project.join(path)))
    }

    /// The target that a CMake file means, where only one is.
    fn of_cmake(&self, path: &Path) -> Result<Vec<Target>, CommandError> {
        let targets = crate::brought::targets_of_cmake(path, self.around)?;
        if targets.len() <= 1 {
            return Ok(targets);
        }
        let names: Vec<_> = targets.iter().map(|target| target.spec().name).collect();
        Err(CommandError::usage(format_args!("{} may be for {}", path.display(), text::any_of(&names)))
            .hint("say which with `--target`"))
    }

    /// The target of a command that has only one.
    pub(super) fn one_target(&self, args: &args::Making) -> Result<Target, CommandError> {
        let targets = self.targets(args)?;
        if let [target] = targets.as_slice() {
            return Ok(*target);
        }
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        Err(CommandError::usage(format_args!("this takes one target, and there are {}", names.len()))
            .hint(format_args!("choose with `--target`: {}", text::any_of(&names))))
    }
}

impl Variables<'_> {
    pub(super) fn message_format(&self) -> Result<Option<MessageFormat>, CommandError> {
        self.parsed(env_vars::BACTRIAN_MESSAGE_FORMAT, word)
    }

    pub(super) fn color(&self) -> Result<Option<ColorChoice>, CommandError> {
        self.parsed(env_vars::BACTRIAN_COLOR, word)
    }

    pub(super) fn verbosity(&self) -> Result<Option<Verbosity>, CommandError> {
        self.parsed(env_vars::BACTRIAN_VERBOSITY, |text, place| match text {
            "quiet" => Ok(Verbosity::Quiet),
            "normal" => Ok(Verbosity::Normal),
            "verbose" => Ok(Verbosity::Verbose),
            _ => Err(wrong(place, text, "is none of `quiet`, `normal` or `verbose`")),
        })
    }

    pub(super) fn parsed<T>(
        &self,
        variable: Variable,
        parse: impl Fn(&str, &str) -> Result<T, CommandError>,
    ) -> Result<Option<T>, CommandError> {
        self.0.get(variable.name).map(|text| parse(&text.to_string_lossy(), variable.name)).transpose()
    }
}

pub(super) fn wrong(place: &str, text: &str, reason: &str) -> CommandError {
    CommandError::usage(format_args!("{place}: `{text}` {reason}"))
}

pub(super) fn word<T: ValueEnum>(text: &str, place: &str) -> Result<T, CommandError> {
    T::from_str(text, false).map_err(|_| {
        let values: Vec<_> = T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
        let words: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        wrong(place, text, &format!("is none of {}", text::any_of(&words)))
    })
}

fn boolean(text: &str, place: &str) -> Result<bool, CommandError> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        _ => Err(wrong(place, text, "is neither `1` nor `0`")),
    }
}

fn jobs(text: &str, place: &str) -> Result<NonZeroUsize, CommandError> {
    text.parse().map_err(|_| wrong(place, text, "is no positive number"))
}

fn ocaml(text: &str, place: &str) -> Result<OcamlVersion, CommandError> {
    OcamlVersion::from_str(text).map_err(|error| CommandError::usage(format_args!("{place}: {error}")))
}

/// Each once, where it came first.
fn unique<T: Ord + Copy>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    all.into_iter().filter(|one| seen.insert(*one)).collect()
}

fn runner(text: &str, place: &str) -> Result<Choice, CommandError> {
    text.parse().map_err(|error: ChoiceError| {
        CommandError::usage(format_args!("{place}: {error}"))
            .hint("say `qemu`, `wine`, `native`, `remote`, `ssh:user@host`, or a command such as `my-runner --cpu a53`")
    })
}

fn goal(text: &str, place: &str) -> Result<Goal, CommandError> {
    text.parse()
        .map_err(|error: TargetError| CommandError::usage(format_args!("{place}: {error}")).hint(target_hint(&error)))
}

/// What to do about a text that names no target.
pub(super) fn target_hint(error: &TargetError) -> String {
    match error {
        TargetError::Unknown { nearest, .. } if !nearest.is_empty() => {
            format!("did you mean {}? `bactrian target list` shows all", text::any_of(nearest))
        }
        TargetError::Unknown { .. } => "`bactrian target list` shows all".to_owned(),
        TargetError::FloorForm { .. } | TargetError::FloorRange { .. } => {
            "the floor is the oldest glibc the programs are to start with, as in `x86_64-linux-gnu.2.28`".to_owned()
        }
        TargetError::FloorWithoutGlibc { name, .. } => format!("say `{name}` alone"),
    }
}
