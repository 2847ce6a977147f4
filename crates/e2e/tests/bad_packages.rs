//! What goes wrong with packages at a user's desk: each gets its own clear error and exit code, before anything is built.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

mod common;

use std::fs;
use std::process::Command;

use common::told;
use testkit::{bactrian, command};

const TARGET: &str = "aarch64-linux-musl";
const COMPILER: (&str, &str) = ("ocaml-base-compiler.5.4.1", "flags: compiler\n");

/// A repository of these packages.
fn repository(packages: &[(&str, &str)]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (full, text) in packages.iter().chain([&COMPILER]) {
        let (name, _) = full.split_once('.').unwrap();
        let directory = temp.path().join("packages").join(name).join(full);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("opam"), format!("opam-version: \"2.0\"\n{text}")).unwrap();
    }
    temp
}

fn install(repository: &tempfile::TempDir, package: &str) -> Command {
    let mut line = command(bactrian().unwrap());
    line.args(["install", package, "--target", TARGET, "--ocaml", "5.4.1", "--offline"]);
    line.arg("--repo").arg(repository.path()).arg("-o").arg(repository.path().join("out"));
    line
}

#[test]
fn a_malformed_opam_file_is_shown_where_it_is_wrong() {
    let repo = repository(&[("camel.1", "depends: [\"hump\" }\n")]);
    told(&mut install(&repo, "camel"), 3, &["packages/camel/camel.1/opam:2:18", "depends: [\"hump\" }", "^"]);
}

#[test]
fn an_unknown_package_is_met_with_the_nearest_names() {
    let repo = repository(&[("dromedary.1", "")]);
    told(&mut install(&repo, "dromedari"), 3, &["there is no package `dromedari`", "did you mean `dromedary`?"]);
    told(&mut install(&repo, "dromedary.7"), 3, &["there is no version 7 of `dromedary`", "there is 1"]);
}

#[test]
fn constraints_without_a_solution_are_explained() {
    let repo = repository(&[
        ("camel.1", "depends: [\"hump\" {>= \"2\"} \"sand\"]\n"),
        ("hump.1", ""),
        ("hump.2", ""),
        ("sand.1", "depends: [\"hump\" {< \"2\"}]\n"),
    ]);
    told(&mut install(&repo, "camel"), 3, &["no choice of package versions is possible", "hump", "sand", ">= 2"]);
}

#[test]
fn packages_that_wait_for_each_other_are_named() {
    let repo = repository(&[("chicken.1", "depends: \"egg\"\n"), ("egg.1", "depends: \"chicken\"\n")]);
    told(&mut install(&repo, "chicken"), 3, &["wait for each other", "chicken needs egg", "egg needs chicken"]);
}

#[test]
fn an_archive_that_no_place_has_lists_all_tries() {
    let checksum = "sha256=0000000000000000000000000000000000000000000000000000000000000001";
    let url = format!("url {{ src: \"https://archive.invalid/camel.tar.gz\" checksum: \"{checksum}\" }}\n");
    let repo = repository(&[("camel.1", &url)]);
    let mirror = tempfile::tempdir().unwrap();
    let mut line = install(&repo, "camel");
    line.arg("--mirror").arg(mirror.path());
    told(&mut line, 4, &["no place has camel 1 sources", "archive.invalid", mirror.path().to_str().unwrap()]);
}

#[test]
fn something_of_the_system_that_is_not_known_names_who_wants_it() {
    let repo = repository(&[("camel.1", "depends: \"conf-oasis-water\"\n"), ("conf-oasis-water.1", "flags: conf\n")]);
    told(
        &mut install(&repo, "camel"),
        1,
        &["`conf-oasis-water` stands for something of the system", "wanted by camel"],
    );
}
