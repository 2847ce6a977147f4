//! `bactrian install`: published packages and what they need, for each target; their files where the user wants them.
//!
//! Not here: choosing versions ([`crate::resolution`]), what building a package is (`plan`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use action::digest::DirDigest;
use action::tree::Entry;
use exec::store::Store;
use plan::target::Target;
use plan::world::World;

use super::Context;
use super::build;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::failure;
use crate::messages::Message;
use crate::receipt::Receipt;
use crate::resolution::Resolution;
use crate::settings::Install;
use crate::timings;
use crate::workshop::Workshop;

pub(crate) fn run(ctx: &Context<'_>, settings: &Install) -> Result<Exit, CommandError> {
    timings::written_to(ctx, settings.timings.as_deref(), "bactrian install", || install(ctx, settings))
}

fn install(ctx: &Context<'_>, settings: &Install) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, &settings.means)?;
    let resolutions = ctx.timings.step("choosing versions", || {
        Resolution::of_packages(&workshop, &settings.means, &settings.packages, &settings.targets)
    })?;
    let trees = workshop.packages(&resolutions)?;
    for target in &settings.targets {
        let directory = settings.output.join(target.to_string());
        let world = World::Target(*target);
        for package in &settings.packages {
            let Some(tree) = trees.get(&(package.name.clone(), world)) else { continue };
            let name = package.name.as_str();
            let receipt = match Receipt::valid(&directory, name, *tree) {
                Some(receipt) => receipt,
                None => {
                    let receipt = deliver(&workshop.store, *tree, *target, &directory)?;
                    receipt.write(&directory, name).map_err(|error| failed(&directory, error))?;
                    receipt
                }
            };
            for program in receipt.programs() {
                tell(ctx, *target, &directory.join(program));
            }
        }
    }
    Ok(Exit::Done)
}

fn failed(file: &Path, error: io::Error) -> CommandError {
    CommandError::environment(format_args!("cannot write {}", file.display())).cause(error)
}

/// Copies a package's files below `directory`, its programs after a look at each.
fn deliver(store: &Store, tree: DirDigest, target: Target, directory: &Path) -> Result<Receipt, CommandError> {
    let mut receipt = Receipt::new(tree);
    let mut left = vec![(tree, PathBuf::new())];
    while let Some((tree, at)) = left.pop() {
        for (name, entry) in store.directory(tree).map_err(|error| failure::store(&error))?.iter() {
            // What we note about a package is nothing to anybody else.
            if name.as_str() == ".bactrian" {
                continue;
            }
            let at = at.join(name);
            let file = directory.join(&at);
            let failed = |error| failed(&file, error);
            match entry {
                Entry::Directory(tree) => left.push((*tree, at)),
                Entry::Symlink(to) => {
                    build::make_parent(&file).map_err(failed)?;
                    let _ = fs::remove_file(&file);
                    std::os::unix::fs::symlink(to.as_str(), &file).map_err(failed)?;
                    receipt.note(directory, at, false).map_err(failed)?;
                }
                Entry::File { digest, executable } => {
                    let bytes = store.read(*digest).map_err(|error| failure::store(&error))?;
                    build::make_parent(&file).map_err(failed)?;
                    let is_program = *executable && at.parent().is_some_and(|parent| parent.ends_with("bin"));
                    let (mut at, mut file) = (at, file.clone());
                    if is_program && build::is_object(&bytes) {
                        build::check(name.as_str(), target, &bytes)?;
                        let name = build::file_name(name.as_str(), target);
                        at.set_file_name(&name);
                        file.set_file_name(&name);
                    }
                    build::write_file(&file, &bytes, *executable).map_err(failed)?;
                    receipt.note(directory, at, is_program).map_err(failed)?;
                }
            }
        }
    }
    Ok(receipt)
}

fn tell(ctx: &Context<'_>, target: Target, file: &Path) {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (target, file) = (target.to_string(), file.display().to_string());
    ctx.ui.message(&Message::Program { target: &target, name: &name, file: &file });
    if !ctx.ui.is_json() {
        ctx.ui.print(format_args!("{file}\n"));
    }
}

/// The trees of a resolution's packages.
pub(crate) type Trees = BTreeMap<(opam::name::PackageName, World), DirDigest>;
