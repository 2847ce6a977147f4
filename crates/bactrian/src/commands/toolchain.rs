//! `bactrian toolchain`: which compilers are in the store, making them before they are needed, forgetting them; and what
//! users bring that cannot be made ([`sdk`]).

use action::digest::DirDigest;
use plan::ocaml::Release;
use plan::target::Target;

mod sdk;

use super::Context;
use crate::args::Addition;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::failure;
use crate::lanes::{Lane, lanes};
use crate::messages::Message;
use crate::settings::{Means, Toolchain};
use crate::text;
use crate::workshop::Workshop;

pub(crate) fn run(ctx: &Context<'_>, settings: &Toolchain) -> Result<Exit, CommandError> {
    match settings {
        Toolchain::List { means } => list(ctx, means),
        Toolchain::Build { targets, means } => build(ctx, targets, means),
        Toolchain::Remove { targets, means } => remove(ctx, targets, means),
        Toolchain::Add { what: Addition::MacosSdk, directory, means } => sdk::add(ctx, directory, means),
        Toolchain::TakeBack { what: Addition::MacosSdk, means } => sdk::take_back(ctx, means),
    }
}

fn list(ctx: &Context<'_>, means: &Means) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, means)?;
    for release in Release::ALL {
        for target in Target::all().filter(|target| release.code(*target).is_some() && target.has_own_cc()) {
            let found = workshop.look_up(target, |planner| Ok(planner.toolchain(release, target)?.into()))?;
            let trees: Option<Vec<_>> = found.into_iter().map(|value| value?.tree().ok()).collect();
            let Some(trees) = trees else { continue };
            let size = size(&workshop, &trees)?;
            let (ocaml, target) = (release.version(), target.to_string());
            ctx.ui.message(&Message::Toolchain { ocaml, target: &target, bytes: size });
            if !ctx.ui.is_json() {
                ctx.ui.print(format_args!("{ocaml:<8}{target:<28}{}\n", text::size(size)));
            }
        }
    }
    sdk::list(ctx, &workshop)?;
    Ok(Exit::Done)
}

/// Bytes of the files in `trees`, each counted once.
fn size(workshop: &Workshop<'_>, trees: &[DirDigest]) -> Result<u64, CommandError> {
    let mut files = Vec::new();
    for tree in trees {
        files.extend(workshop.store.closure(*tree).map_err(|error| failure::store(&error))?.files);
    }
    files.sort();
    files.dedup();
    Ok(files.iter().map(action::digest::Digest::size).sum())
}

fn build(ctx: &Context<'_>, targets: &[Target], means: &Means) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, means)?;
    let lanes = lanes(targets, means)?;
    workshop.make(targets, |planner| {
        let mut goals = Vec::new();
        for (release, target) in each(&lanes) {
            goals.extend(planner.toolchain(release, target)?);
        }
        Ok(goals)
    })?;
    Ok(Exit::Done)
}

/// Targets, with the release whose toolchain is meant.
fn each(lanes: &[Lane]) -> impl Iterator<Item = (Release, Target)> + '_ {
    lanes.iter().flat_map(|lane| lane.targets.iter().map(|target| (lane.release(), *target)))
}

fn remove(ctx: &Context<'_>, targets: &[Target], means: &Means) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, means)?;
    for (release, target) in each(&lanes(targets, means)?) {
        match workshop.forget(target, |planner| Ok(planner.toolchain(release, target)?.into()))? {
            0 => ctx.ui.warning(format_args!("there is no toolchain of OCaml {release} for {target}")),
            _ => ctx.ui.note(format_args!("forgot OCaml {release} for {target}; `bactrian store gc` frees its space")),
        }
    }
    Ok(Exit::Done)
}
