//! A project's rules that run what they have just built: made to run it on the build machine, without touching its files.
//!
//! The recipe that does the same in packages writes changed copies of dune's files into the root's scratch directory; each is
//! then joined over its original. Not here: which rules those are (`plan/recipes/package/generators.sh`).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use action::path::RelPath;
use exec::sandbox::Join;
use plan::layout;

use crate::error::CommandError;
use crate::project::{Inside, Site};

/// Below the root's scratch directory.
const PLACE: &str = "hosted";

/// The changed copies to be joined over the project's own files, read-only. `scratch` is what is `/tmp` inside `site`.
pub(crate) fn hosted(site: &Site<'_>, scratch: &Path) -> Result<Vec<Join>, CommandError> {
    let from = format!("/{}", layout::SRC);
    let to = format!("/tmp/{PLACE}");
    let words = ["sh", "-c", plan::project::GENERATORS, "generators", &from, &to];
    let arguments = words.iter().map(Into::into).collect();
    let inside = Inside { arguments, terminal: false, environment: Vec::new() };
    let status = site.run(inside, |command| {
        command.stdin(Stdio::null()).stdout(Stdio::null());
    })?;
    if !status.success() {
        return Err(CommandError::build("the project's dune files could not be looked through for generators"));
    }
    let place = scratch.join(PLACE);
    let join = |path: PathBuf| -> Result<Join, CommandError> {
        let inside = path.strip_prefix(&place).ok().and_then(Path::to_str).unwrap_or_default();
        let at = RelPath::new(&format!("{}/{inside}", layout::SRC));
        let at = at.map_err(|error| CommandError::bug("a path of ours").caused_by(&error))?;
        Ok(Join { from: path, at, writable: false })
    };
    files(&place).into_iter().map(join).collect()
}

/// All files below `directory`, in the order of paths; none if there is no such directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
