//! CMake in both directions: the compiler of a CMake project builds OCaml, and OCaml is part of a CMake project.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{bactrian, checkout, command, copy_tree, output};

const SAID: &str = "samarkand - bukhara: 216.8 km\nsamarkand - atlantis: -1.0\nsum in 4 domains: 500500\n";
const ROUTE: &str = "samarkand - bukhara - merv: 521.5 km\n";

/// The program of this name in PATH; without it, a word about it.
fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: there is no `{name}` in PATH");
    }
    found
}

/// A copy of the example, configured and built by CMake with these arguments.
fn built(arguments: &[&str]) -> Option<tempfile::TempDir> {
    let cmake = found("cmake")?;
    let temp = tempfile::tempdir().unwrap();
    copy_tree(&checkout().join("examples/cmake"), &temp.path().join("src")).unwrap();
    let build = temp.path().join("build");
    let mut configure = command(&cmake);
    configure.arg("-S").arg(temp.path().join("src")).arg("-B").arg(&build).args(arguments);
    configure.arg(format!("-DBactrian_DIR={}", checkout().join("cmake").display()));
    configure.arg(format!("-DBACTRIAN_EXECUTABLE={}", bactrian().unwrap().display()));
    output(&mut configure).unwrap_or_else(|error| panic!("{error}"));
    output(command(&cmake).arg("--build").arg(&build)).unwrap_or_else(|error| panic!("{error}"));
    Some(temp)
}

fn route(build: &Path) -> PathBuf {
    let targets = fs::read_dir(build.join("route.ocaml")).unwrap();
    targets.flatten().map(|target| target.path().join("route")).find(|file| file.is_file()).unwrap()
}

/// The machine's own compiler links OCaml's object; a second build does nothing, a changed file does.
#[test]
fn a_c_program_of_this_machine_links_ocaml() {
    if found("cc").is_none() {
        return;
    }
    let Some(temp) = built(&[]) else { return };
    let build = temp.path().join("build");
    let said = || output(&mut Command::new(build.join("saddlebag"))).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said(), SAID);
    assert_eq!(output(&mut Command::new(route(&build))).unwrap(), ROUTE);
    let again = || output(command("cmake").arg("--build").arg(&build)).unwrap_or_else(|error| panic!("{error}"));
    assert!(!again().contains("Building waypoints"), "nothing has changed");
    let file = temp.path().join("src/ocaml/geography/geography.ml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("6371.", "12742.")).unwrap();
    assert!(again().contains("Building waypoints"), "a source has changed");
    assert!(said().starts_with("samarkand - bukhara: 433.6 km\n"));
}
