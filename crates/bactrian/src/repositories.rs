//! Opam repositories: from what settings name to a universe of packages.
//!
//! Not here: what opam files mean (`opam`), which versions are chosen (`solve`).

use std::fs;
use std::path::Path;

use opam::name::PackageName;
use opam::universe::{Universe, UniverseBuilder};
use opam::version::Version;

use crate::error::CommandError;
use crate::settings::{Means, PlaceName};

/// All packages of the repositories that `means` names; of two with one name and version, the earlier repository's.
pub(crate) fn universe(means: &Means) -> Result<Universe, CommandError> {
    let mut builder = UniverseBuilder::new();
    for (number, place) in means.repositories.iter().enumerate() {
        let priority = u32::try_from(means.repositories.len() - number).unwrap_or(0);
        match place {
            PlaceName::Directory(directory) => read(directory, priority, &mut builder)?,
            PlaceName::Url(url) => {
                return Err(CommandError::usage(format_args!("{url}: only directories can be repositories yet")));
            }
        }
    }
    Ok(builder.build())
}

fn read(repository: &Path, priority: u32, builder: &mut UniverseBuilder) -> Result<(), CommandError> {
    let failed = |path: &Path, error: std::io::Error| {
        CommandError::environment(format_args!("cannot read the repository {}", path.display())).cause(error)
    };
    let packages = repository.join("packages");
    for package in fs::read_dir(&packages).map_err(|error| failed(&packages, error))? {
        let package = package.map_err(|error| failed(&packages, error))?.path();
        let Ok(versions) = fs::read_dir(&package) else { continue };
        for version in versions {
            let version = version.map_err(|error| failed(&package, error))?;
            let full = version.file_name();
            let Some((name, number)) = full.to_str().and_then(|full| full.split_once('.')) else { continue };
            let (Ok(name), Ok(number)) = (PackageName::new(name), Version::new(number)) else { continue };
            let file = version.path().join("opam");
            let text = fs::read(&file).map_err(|error| failed(&file, error))?;
            let mut files = Vec::new();
            for extra in fs::read_dir(version.path().join("files")).into_iter().flatten().flatten() {
                let path = extra.path();
                let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
                files.push((extra.file_name().to_string_lossy().into_owned(), bytes));
            }
            builder.add(priority, name, number, &text, &files);
        }
    }
    Ok(())
}
