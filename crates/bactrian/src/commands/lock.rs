//! `bactrian lock` and `bactrian update`: the project's choice of packages, made and renewed.
//!
//! Not here: the file ([`crate::lockfile`]).

use opam::name::PackageName;
use opam::version::Version;

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::lockfile::{LockFile, Renewal};
use crate::manifest;
use crate::messages::Message;
use crate::settings::Locking;
use crate::workshop::Workshop;

pub(crate) fn run(ctx: &Context<'_>, settings: &Locking) -> Result<Exit, CommandError> {
    let own = manifest::packages(&settings.project)?;
    if own.is_empty() {
        return Err(CommandError::usage(format_args!("{} describes no package", settings.project.display()))
            .hint("packages are described in `NAME.opam` files or in `dune-project`"));
    }
    let file = LockFile::read(&settings.project)?;
    let workshop = Workshop::open(ctx, &settings.means)?;
    let renewed = file.resolve(&workshop, &own, (&settings.targets, &settings.means), &settings.renewal)?;
    if let Renewal::Of(names) = &settings.renewal {
        let keys = || renewed.resolutions.iter().flat_map(|resolution| resolution.solution.nodes.keys());
        let known = |name: &PackageName| keys().any(|key| key.name == *name);
        if let Some(name) = names.iter().find(|name| !known(name)) {
            ctx.ui.warning(format_args!("nothing needs `{name}`"));
        }
    }
    for (name, before, now) in &renewed.changes {
        tell(ctx, name, before.as_ref(), now.as_ref());
    }
    if renewed.changes.is_empty() && settings.renewal != Renewal::Never {
        ctx.ui.note("everything is as new as it can be");
    }
    let path = renewed.path.display().to_string();
    ctx.ui.message(&Message::Lock { file: &path, written: renewed.written });
    if !ctx.ui.is_json() {
        ctx.ui.print(format_args!("{path}\n"));
    }
    Ok(Exit::Done)
}

fn tell(ctx: &Context<'_>, name: &PackageName, before: Option<&Version>, now: Option<&Version>) {
    let text = |version: Option<&Version>| version.map(ToString::to_string);
    let (before, now) = (text(before), text(now));
    ctx.ui.message(&Message::Change { name: name.as_str(), before: before.as_deref(), now: now.as_deref() });
    match (before, now) {
        (Some(before), Some(now)) => ctx.ui.note(format_args!("{name} {before} -> {now}")),
        (None, Some(now)) => ctx.ui.note(format_args!("{name} {now}, new")),
        (Some(before), None) => ctx.ui.note(format_args!("{name} {before}, not needed any more")),
        (None, None) => {}
    }
}
