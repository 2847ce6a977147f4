//! `bactrian exec` and `bactrian shell`: commands of the user's inside a root.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;

use action::command::Action;
use action::digest::DirDigest;
use action::path::RelPath;
use exec::sandbox::{self, Join, Room};
use plan::layout;
use plan::target::Target;

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::failure;
use crate::project::Project;
use crate::settings::{Exec, Means, Shell};
use crate::site::{Inside, Purpose, Site};
use crate::workshop::Workshop;

/// `bactrian exec`.
pub(crate) fn exec(ctx: &Context<'_>, settings: &Exec) -> Result<Exit, CommandError> {
    inside(ctx, &settings.project, settings.target, &settings.means, settings.command.clone())
}

/// `bactrian shell`.
pub(crate) fn shell(ctx: &Context<'_>, settings: &Shell) -> Result<Exit, CommandError> {
    match settings {
        Shell::Target { project, target, means } => inside(ctx, project, *target, means, shell_line()),
        Shell::Failed { id, means } => failed(ctx, id, means),
    }
}

fn shell_line() -> Vec<OsString> {
    ["/usr/bin/bash", "--norc", "-i"].map(OsString::from).into()
}

fn inside(
    ctx: &Context<'_>,
    directory: &std::path::Path,
    target: Target,
    means: &Means,
    arguments: Vec<OsString>,
) -> Result<Exit, CommandError> {
    // Any directory will do here: make and cmake projects are built too.
    let wants = Project::find(directory).map(|project| project.wants).unwrap_or_default();
    let workshop = Workshop::open(ctx, means)?;
    let site = Site::open(ctx, &workshop, means, directory, &Purpose::building(&[target], wants))?;
    let environment = environment(ctx, target);
    let status = site.run(Inside { terminal: arguments == shell_line(), arguments, environment }, |_| ())?;
    Ok(Exit::of_program(status))
}

/// What tells make and its like of the target.
fn environment(ctx: &Context<'_>, target: Target) -> Vec<(String, String)> {
    let tool = |name: &str| format!("/{}/{target}/bin/{name}", layout::CC);
    let mut environment: Vec<_> = [("CC", "cc"), ("AR", "ar"), ("RANLIB", "ranlib"), ("LD", "ld"), ("NM", "nm")]
        .map(|(variable, name)| (variable.to_owned(), tool(name)))
        .into();
    environment.push(("BACTRIAN_TARGET".to_owned(), target.to_string()));
    environment.push(("PS1".to_owned(), format!("{target}:\\w$ ")));
    if let Some(term) = ctx.around.env.get("TERM").and_then(|term| term.to_str()) {
        environment.push(("TERM".to_owned(), term.to_owned()));
    }
    environment
}

/// Brings the inputs of a failed action: of one that failed on a remote engine they are there, and perhaps not here. Nobody is
/// asked for what is here.
fn bring(workshop: &Workshop<'_>, id: &str, inputs: DirDigest) -> Result<(), CommandError> {
    let told = |error| failure::store(&error);
    let directories = workshop.store.closure(inputs).map_err(told)?.directories;
    if workshop.store.absent(&directories).map_err(told)?.is_empty() {
        return Ok(());
    }
    match workshop.remote()? {
        Some(remote) => remote.bring_all(inputs).map_err(|error| failure::remote::failed(None, &error)),
        None => {
            let error = CommandError::environment(format_args!("not all inputs of `{id}` are on this machine"));
            Err(error.hint("it failed on a remote engine: name that with `--remote URL`"))
        }
    }
}

/// The root of a failed action as it was left: the same inputs, its scratch and output joined again.
fn failed(ctx: &Context<'_>, id: &str, means: &Means) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, means)?;
    let told = |error| failure::store(&error);
    let Some(kept) = workshop.store.kept(id).map_err(told)? else {
        let known = workshop.store.list_kept().map_err(told)?;
        let known = known.into_iter().map(|kept| kept.id).collect::<Vec<_>>().join(", ");
        let error = CommandError::usage(format_args!("there is no failed action `{id}`"));
        return Err(match known.as_str() {
            "" => error.hint("none is kept: the id is in the message of a build that failed"),
            known => error.hint(format_args!("kept are {known}")),
        });
    };
    let read = |digest| workshop.store.read(digest).map_err(told);
    let action = Action::decode(&read(kept.action.as_blob())?, |command| {
        workshop.store.read(command.as_blob()).unwrap_or_default()
    });
    let action = action.map_err(|error| CommandError::environment("the kept action cannot be read").cause(error))?;
    bring(&workshop, id, action.input_root)?;
    let join = |name: &str| -> Result<Join, CommandError> {
        let at = RelPath::new(name).map_err(|error| CommandError::bug("a path of ours").caused_by(&error))?;
        Ok(Join { from: kept.root.join(name), at, writable: true })
    };
    let mut environment: BTreeMap<_, _> = action.command.environment;
    environment.insert("PS1".to_owned(), format!("failed {id}:\\w$ "));
    environment.insert("BACTRIAN_JOBS".to_owned(), means.jobs.to_string());
    let room = Room {
        root: action.input_root,
        composed: &HashSet::new(),
        joined: vec![join("tmp")?, join("out")?],
        cwd: "/tmp".to_owned(),
        environment,
        terminal: true,
        arguments: shell_line(),
    };
    let scratch = workshop.store.scratch().map_err(told)?;
    let mut staged = sandbox::stage(&workshop.store, &workshop.builder, scratch.path(), &room)
        .map_err(|error| failure::stage(&error))?;
    ctx.ui.note("the recipe is /bactrian/recipe; `cd / && bactrian/builder build` runs it again");
    let status =
        staged.command.status().map_err(|error| CommandError::environment("cannot start the builder").cause(error))?;
    staged.leave().map_err(|error| failure::stage(&error))?;
    match status.code() {
        Some(sandbox::EXIT_NO_ROOT) => Err(failure::no_root("see the line above")),
        _ => Ok(Exit::of_program(status)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use exec::remote::Config;

    use super::*;
    use crate::surroundings::Surroundings;
    use crate::timings::Recorder;
    use crate::ui::{Look, captured};

    #[test]
    fn nobody_is_asked_for_inputs_that_are_here() {
        let home = tempfile::tempdir().unwrap();
        let (ui, ..) = captured::ui(Look::DEFAULT);
        let around = Surroundings::for_test([]);
        let ctx = Context { ui: &ui, around: &around, timings: Recorder::default() };
        // Nobody listens there.
        let remote =
            Config { patience: Duration::from_millis(50), ..Config::new("grpc://127.0.0.1:1".parse().unwrap()) };
        let means = Means { remote: Some(remote), ..Means::for_test(home.path().join("store")) };
        let workshop = Workshop::open(&ctx, &means).unwrap();
        let tree = home.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("input"), "input").unwrap();
        let inputs = workshop.store.ingest(&tree).unwrap();
        bring(&workshop, "1", inputs).unwrap();

        let mut root = action::tree::Directory::default();
        let absent = action::tree::Entry::File { digest: action::digest::BlobDigest::of(b"absent"), executable: false };
        root.insert(action::path::Name::new("input").unwrap(), absent);
        workshop.store.put_directories(&[(root.digest(), root.encode())]).unwrap();
        assert_eq!(bring(&workshop, "1", root.digest()).unwrap_err().exit().code(), 5);
    }
}
