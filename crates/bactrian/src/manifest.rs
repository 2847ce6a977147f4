//! The project's own packages: what its `*.opam` files and its `dune-project` say it needs.
//!
//! Not here: syntax (`opam::manifest`), choosing what is needed ([`crate::resolution`]).

use std::fs;
use std::path::Path;

use opam::error::{Error, line_column};
use opam::manifest::{DuneProject, opam_file};
use opam::package::Package;
use solve::request::LocalPackage;
use solve::tools::Tools;

use crate::error::{CommandError, Kind};

/// The packages of the project in `directory`, by name. An opam file goes before what `dune-project` says of its package.
pub(crate) fn packages(directory: &Path) -> Result<Vec<LocalPackage>, CommandError> {
    let mut found: Vec<Package> = Vec::new();
    let mut names: Vec<_> = fs::read_dir(directory)
        .map_err(|error| unreadable(directory, &error))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".opam"))
        .collect();
    names.sort();
    for name in names {
        let path = directory.join(&name);
        let text = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let Some((package, errors)) = opam_file(&name, &text) else { continue };
        refuse(&path, &text, &errors)?;
        found.push(package);
    }
    let path = directory.join("dune-project");
    if let Ok(text) = fs::read(&path) {
        let (project, errors) = DuneProject::parse(&text);
        refuse(&path, &text, &errors)?;
        for package in project.packages {
            if !found.iter().any(|known| known.name == package.name) {
                found.push(package);
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let local = |package: Package| LocalPackage {
        name: package.name,
        depends: package.depends,
        depopts: package.depopts,
        conflicts: package.conflicts,
        host: Vec::new(),
    };
    Ok(found.into_iter().map(local).collect())
}

/// Whether the packages need anything that the toolchain does not bring, so that something must be chosen and built.
pub(crate) fn need_packages(packages: &[LocalPackage], tools: &Tools) -> bool {
    let own = |name| packages.iter().any(|package| package.name == name);
    let all = packages.iter().flat_map(|package| package.depends.atoms());
    all.map(|dependency| &dependency.name)
        .any(|name| name.as_str() != "dune" && !tools.is_provided(name) && !own(name.clone()))
}

fn unreadable(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::usage(format_args!("cannot read {}", path.display())).cause(error)
}

/// Every mistake in a file, with its place.
fn refuse(path: &Path, text: &[u8], errors: &[Error]) -> Result<(), CommandError> {
    if errors.is_empty() {
        return Ok(());
    }
    let told = CommandError::new(Kind::Usage, format_args!("{} cannot be read", path.display()));
    Err(errors.iter().fold(told, |told, error| told.cause(place(path, text, error))))
}

/// `x.opam:3:7: expected …`, with the line and a mark below the place.
pub(crate) fn place(path: &Path, text: &[u8], error: &Error) -> String {
    let at = line_column(text, error.span.start);
    let line = text.split(|byte| *byte == b'\n').nth(at.line.saturating_sub(1)).unwrap_or_default();
    let line = String::from_utf8_lossy(line).replace('\t', " ");
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    let length = usize::try_from(error.span.end.saturating_sub(error.span.start)).unwrap_or(1);
    let room = line.chars().count().saturating_sub(at.column - 1);
    let mark = format!("{}{}", " ".repeat(at.column - 1), "^".repeat(length.clamp(1, room.max(1))));
    format!("{}:{}:{}: {error}\n{number} | {line}\n{margin} | {mark}", path.display(), at.line, at.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(temp.path().join(name), text).unwrap();
        }
        temp
    }

    #[test]
    fn opam_files_go_before_dune_project() {
        let temp = project(&[
            ("dune-project", "(lang dune 3.0)\n(package (name a) (depends lwt))\n(package (name b) (depends a dune))"),
            ("a.opam", "depends: [\"ocaml\" \"base-unix\" \"dune\"]"),
        ]);
        let found = packages(temp.path()).unwrap();
        let names: Vec<_> = found.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let tools = Tools::standard();
        assert!(!need_packages(&found, &tools), "the toolchain brings all of that");
        let temp = project(&[("dune-project", "(lang dune 3.0)\n(package (name a) (depends lwt))")]);
        assert!(need_packages(&packages(temp.path()).unwrap(), &tools));
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        let temp = project(&[("a.opam", "name: \"a\"\ndepends: [\"x\" }\nbuild: 1 2")]);
        let error = packages(temp.path()).unwrap_err();
        assert_eq!(error.exit().code(), 2);
        let shown = error.causes.join("\n").replace(&format!("{}/", temp.path().display()), "");
        assert!(shown.starts_with("a.opam:2:15: "), "{shown}");
        assert!(shown.contains("\n2 | depends: [\"x\" }\n  |               ^"), "{shown}");
    }
}
