//! What the compiler cannot check: which crate may know which, how long files are, what each module opens with.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which workspace crates a crate may depend on. A crate that is not here may not exist.
const EDGES: &[(&str, &[&str])] = &[
    ("action", &[]),
    ("bactrian", &["action", "builder", "cmake", "exec", "inspect", "opam", "plan", "solve"]),
    ("builder", &[]),
    ("cmake", &[]),
    ("e2e", &[]),
    ("exec", &["action"]),
    ("inspect", &[]),
    ("opam", &[]),
    ("plan", &["action", "builder", "opam", "solve"]),
    ("solve", &["opam"]),
    ("testkit", &[]),
    ("xtask", &["action", "builder", "exec", "inspect", "opam", "plan", "solve", "testkit"]),
];

/// Crates of other people that a crate of ours may not depend on.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("action", &["tokio", "tonic", "ureq", "rustix"]),
    ("builder", &["thiserror", "serde", "tokio"]),
    ("cmake", &["rustix", "tempfile", "tokio", "ureq"]),
    ("inspect", &["memmap2", "rustix", "tokio"]),
    ("opam", &["rustix", "serde", "tempfile", "tokio", "ureq"]),
    ("plan", &["ureq", "tokio", "tonic", "rustix", "tempfile"]),
    ("solve", &["action", "ureq", "tokio", "rustix", "tempfile"]),
];

/// Crates that must not contain `unsafe` at all.
const SAFE: &[&str] = &["action", "bactrian", "cmake", "inspect", "opam", "plan", "solve", "xtask"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Section → names, of the manifest of each crate.
fn manifests() -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut manifests = BTreeMap::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let directory = entry.unwrap().path();
        let text = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut section = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[') {
                name.trim_end_matches(']').clone_into(&mut section);
            } else {
                let name = line.split(['.', ' ', '=']).next().unwrap().to_owned();
                sections.entry(section.clone()).or_default().push(name);
            }
        }
        manifests.insert(directory.file_name().unwrap().to_str().unwrap().to_owned(), sections);
    }
    manifests
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut stack = vec![root().join("crates")];
    let mut sources = Vec::new();
    while let Some(directory) = stack.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

#[test]
fn crates_know_only_whom_they_may() {
    let manifests = manifests();
    let edges: BTreeMap<_, _> = EDGES.iter().copied().collect();
    for (name, sections) in &manifests {
        let allowed = edges.get(name.as_str()).unwrap_or_else(|| panic!("crate `{name}` has no row in EDGES"));
        let dependencies = sections.get("dependencies").map(Vec::as_slice).unwrap_or_default();
        for dependency in dependencies.iter().filter(|dependency| manifests.contains_key(*dependency)) {
            assert!(allowed.contains(&dependency.as_str()), "`{name}` may not depend on `{dependency}`");
        }
        for (_, forbidden) in FORBIDDEN.iter().filter(|(crate_name, _)| crate_name == name) {
            let found = dependencies.iter().find(|dependency| forbidden.contains(&dependency.as_str()));
            assert_eq!(found, None, "`{name}` may not use it");
        }
    }
}

#[test]
fn no_bag_crates() {
    for name in manifests().keys() {
        assert!(!["core", "common", "util", "utils", "types"].contains(&name.as_str()), "`{name}` says nothing");
    }
}

#[test]
fn files_say_what_they_are_and_end_in_time() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 600, "{}: {lines} lines; split it by noun", path.display());
        // A module's tests are told by the module.
        if path.ends_with("tests.rs") {
            continue;
        }
        let first = text.lines().find(|line| !line.starts_with("#!") && !line.is_empty()).unwrap_or_default();
        // A file that others include cannot have inner documentation; it opens with a plain comment.
        let opened = first.starts_with("//!") || (path.ends_with("builder/image.rs") && first.starts_with("// "));
        assert!(opened, "{} does not open with `//!`", path.display());
    }
}

#[test]
fn safe_crates_forbid_unsafe_code() {
    for name in SAFE {
        let source = root().join("crates").join(name).join("src");
        let top = ["lib.rs", "main.rs"].iter().find_map(|file| fs::read_to_string(source.join(file)).ok()).unwrap();
        assert!(top.contains("#![forbid(unsafe_code)]"), "`{name}` does not forbid unsafe code");
    }
}

#[test]
fn architecture_is_short() {
    let words = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap().split_whitespace().count();
    assert!(words <= 2500, "{words} words");
}
