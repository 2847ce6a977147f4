//! Carrying out a recipe: one function per kind of step. Not here: the root it happens in.

mod edit;
mod files;
mod install;
mod run;
mod union;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use builder::{Bytes, OUT_PATH, RECIPE_PATH, Recipe, Step};

use crate::failure::{Doing, Failure, Outcome};

/// Runs the recipe of the root this process is in.
pub(crate) fn run_recipe() -> Outcome<()> {
    let text = std::fs::read(RECIPE_PATH).doing("read", RECIPE_PATH)?;
    // The one thing besides the environment that every process inherits and that changes what it makes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let recipe = Recipe::parse(&text).map_err(|error| Failure::Usage(format!("{RECIPE_PATH}, {error}")))?;
    for directory in [OUT_PATH, "/tmp"] {
        std::fs::create_dir_all(directory).doing("make", directory)?;
    }
    for (index, step) in recipe.steps.iter().enumerate() {
        perform(index + 1, step)?;
    }
    Ok(())
}

fn perform(number: usize, step: &Step) -> Outcome<()> {
    match step {
        Step::Mkdir { path } => files::make_directory(native(path)),
        Step::Copy { from, to } => files::copy(native(from), native(to)),
        Step::Move { from, to } => files::rename(native(from), native(to)),
        Step::Remove { path } => files::remove(native(path)),
        Step::Write { path, contents, executable } => files::write(native(path), contents, *executable),
        Step::Symlink { path, target } => files::symlink(native(path), native(target)),
        Step::Run { argv, cwd, env } => run::run(number, argv, native(cwd), env),
        Step::Append { path, contents } => edit::append(native(path), contents),
        Step::Substitute { path, from, to } => edit::substitute(native(path), from, to),
        Step::Patch { file, dir, strip } => edit::apply(native(file), native(dir), *strip),
        Step::Union { from, to } => union::union(native(from), native(to)),
        Step::Install { .. } => install::install(step),
    }
}

fn native(path: &Bytes) -> &Path {
    Path::new(OsStr::from_bytes(path))
}
