//! `bactrian test`: a project's own tests, built for a target and run by its runner; dune shows what came of them.
//!
//! Not here: who runs programs ([`crate::runner`]), what dune is asked for (`plan::delivery`).

use std::io::{self, Read as _};
use std::process::Stdio;

use exec::runner::Service;
use plan::delivery::{self, DUNE_WITH_TARGET_EXEC, Tests};
use plan::target::Target;

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::project::Project;
use crate::runner::{self, Found};
use crate::settings::Test;
use crate::site::{Inside, Purpose, Site};
use crate::workshop::Workshop;

pub(crate) fn run(ctx: &Context<'_>, settings: &Test) -> Result<Exit, CommandError> {
    let with = (ctx.around, settings.means.remote.as_ref());
    let found: Vec<(Target, Found)> = settings
        .targets
        .iter()
        .map(|(target, choice)| Ok((*target, runner::find(with, *target, choice.as_ref())?)))
        .collect::<Result<_, CommandError>>()?;
    let project = Project::find(&settings.project)?;
    let workshop = Workshop::open(ctx, &settings.means)?;
    let targets: Vec<Target> = found.iter().map(|(target, _)| *target).collect();
    let runners = found.iter().map(|(target, found)| (*target, found.inside())).collect();
    let purpose = Purpose { with_test: true, runners, ..Purpose::building(&targets, project.wants) };
    let mut failed = Vec::new();
    for site in Site::open_all(ctx, &workshop, &settings.means, &settings.project, &purpose)? {
        check_dune(&site)?;
        for (target, found) in found.iter().filter(|(target, _)| site.targets.contains(target)) {
            let service = site.serve(found, *target)?;
            let (runner, whom) = (plan::runner::command(*target, found.inside()), found.identity());
            // Of rules that start their programs by a shell dune does not know by whom they are run.
            let again = site.last_runner(*target).is_some_and(|last| last != whom);
            let tests = Tests { runner: &runner, jobs: settings.means.jobs.get(), promote: settings.promote, again };
            let arguments = delivery::test_arguments(*target, tests);
            let passed = ctx.timings.step(&format!("tests for {target}"), || dune(&site, arguments))?;
            // What could not be run has not failed.
            if let Some(error) = service.and_then(Service::end) {
                return Err(runner::tell(&error));
            }
            site.note_runner(*target, &whom)?;
            if !passed {
                failed.push(target.to_string());
            }
        }
    }
    if failed.is_empty() {
        return Ok(Exit::Done);
    }
    let told = CommandError::build(format_args!("tests failed for {}", failed.join(", ")));
    Err(if settings.promote {
        told.hint("what could be taken for what is expected has been: run them again")
    } else {
        told.hint("`bactrian test --promote` takes what they print for what is expected")
    })
}

/// Whether dune says that all is well; what it shows goes where it always does.
fn dune(site: &Site<'_>, arguments: Vec<String>) -> Result<bool, CommandError> {
    let arguments = std::iter::once("/host/bin/dune".into()).chain(arguments.into_iter().map(Into::into)).collect();
    let inside = Inside { arguments, terminal: false, environment: Vec::new() };
    let status = site.run(inside, |command| {
        // Standard output is for results.
        command.stdin(Stdio::null()).stdout(io::stderr());
    })?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        Some(code) => Err(CommandError::build(format_args!("dune failed with exit code {code}"))),
        None => Err(CommandError::build(format_args!("dune was ended: {status}"))),
    }
}

/// An older dune would run the host's programs, and all would seem well.
fn check_dune(site: &Site<'_>) -> Result<(), CommandError> {
    let told = |error| CommandError::environment("cannot ask dune for its version").cause(error);
    let (mut reader, writer) = io::pipe().map_err(told)?;
    let arguments = ["/host/bin/dune", "--version"].map(Into::into).into();
    let inside = Inside { arguments, terminal: false, environment: Vec::new() };
    site.run(inside, |command| {
        command.stdin(Stdio::null()).stdout(writer);
    })?;
    let mut version = String::new();
    reader.read_to_string(&mut version).map_err(told)?;
    if delivery::can_test(&version) {
        return Ok(());
    }
    let (major, minor) = DUNE_WITH_TARGET_EXEC;
    let version = version.trim();
    Err(CommandError::new(
        crate::error::Kind::NoSolution,
        format_args!("dune {version} cannot run tests of another machine"),
    )
    .cause(format_args!("dune {major}.{minor} is the first that can"))
    .hint("`bactrian update dune` takes a newer one, if the project's packages allow it"))
}
