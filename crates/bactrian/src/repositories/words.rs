//! What can be wrong with a repository, in words. Not here: finding out.

use std::path::Path;

use exec::collection::CollectionError;
use exec::fetch::Cause;
use exec::fetch::config::without_secrets;
use exec::unpack;

use super::PUBLIC;
use crate::error::CommandError;
use crate::settings::PlaceName;

const LAYOUT: &str = "a repository has its packages in `packages/NAME/NAME.VERSION/opam`";
const ANOTHER: &str =
    "name another with `--repo DIR` (or a URL), with BACTRIAN_REPO, or with `repositories` in bactrian.toml";

/// A place, without passwords.
pub(super) fn shown(place: &PlaceName) -> String {
    match place {
        PlaceName::Directory(path) => path.display().to_string(),
        PlaceName::Url(url) => without_secrets(url),
    }
}

/// Nothing with that path.
pub(super) fn absent(path: &Path) -> CommandError {
    CommandError::usage(format_args!("there is no repository {}: there is nothing", path.display())).hint(ANOTHER)
}

/// A place without `packages/`.
pub(super) fn no_packages_directory(place: &PlaceName) -> CommandError {
    let told = CommandError::usage(format_args!("{} is no opam repository", shown(place)))
        .cause("there is no directory `packages` in it");
    let PlaceName::Directory(path) = place else { return told.hint(LAYOUT) };
    let above = path.ancestors().skip(1).take(3).find(|above| above.join("packages").is_dir());
    match above {
        Some(above) if path.starts_with(above.join("packages")) => {
            told.hint(format_args!("did you mean {}?", above.display()))
        }
        _ => told.hint(LAYOUT),
    }
}

/// A repository without packages.
pub(super) fn empty(place: &PlaceName) -> CommandError {
    CommandError::usage(format_args!("the repository {} is empty", shown(place)))
        .cause("there is no package in its `packages`")
        .hint(LAYOUT)
}

/// A place whose files cannot be read.
pub(super) fn unreadable(place: &PlaceName, error: &CollectionError) -> CommandError {
    let told = CommandError::environment(format_args!("cannot read the repository {}", shown(place))).caused_by(error);
    match error {
        CollectionError::Absent(path) => absent(path),
        CollectionError::Archive(error) if matches!(error.cause, unpack::Cause::Format) => {
            told.hint("a repository in one file is a tar, which may be compressed")
        }
        _ => told,
    }
}

/// A place that cannot be reached.
pub(super) fn unreachable(place: &PlaceName, cause: &Cause) -> CommandError {
    let public = matches!(place, PlaceName::Url(url) if url == PUBLIC);
    let told = if public {
        CommandError::environment(format_args!("the public opam repository cannot be had from {PUBLIC}"))
    } else {
        CommandError::environment(format_args!("the repository {} cannot be had", shown(place)))
    };
    let mut told = told.caused_by(cause);
    match cause {
        Cause::Offline => told = told.hint("leave out --offline once: what was fetched is kept"),
        Cause::ToolMissing { tool, package } => {
            told = told.hint(format_args!("`apt-get install {package}` brings {tool}"));
        }
        Cause::ToolFailed { stderr, .. } => told = stderr.iter().fold(told, CommandError::cause),
        _ => {}
    }
    if public || matches!(cause, Cause::NotFound | Cause::Unusable(_)) { told.hint(ANOTHER) } else { told }
}
