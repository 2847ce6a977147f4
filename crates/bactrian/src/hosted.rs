//! A project's rules that run what they have just built: made to run it on the build machine, without touching its files.
//!
//! The recipe that does the same in packages writes changed copies of dune's files into the root's scratch directory; while
//! something runs, each stands in for its original. Not here: which rules those are
//! (`plan/recipes/package/generators.sh`), and how files stand in for others ([`crate::site`]).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use plan::layout;

use crate::error::CommandError;
use crate::site::{Inside, Site};

/// Below the root's scratch directory.
const PLACE: &str = "hosted";

/// A changed copy of a dune file.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// The file for which it stands in, below the project's directory.
    pub(crate) path: PathBuf,
    /// The copy.
    pub(crate) by: PathBuf,
}

/// Makes the changed copies. `scratch` is what is `/tmp` inside `site`.
pub(crate) fn changed_copies(site: &Site<'_>, scratch: &Path) -> Result<Vec<Hosted>, CommandError> {
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
    let hosted = |by: PathBuf| Hosted { path: by.strip_prefix(&place).map(Path::to_owned).unwrap_or_default(), by };
    Ok(files(&place).into_iter().map(hosted).collect())
}

/// All files below `directory`, in the order of paths; none if there is no such directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
