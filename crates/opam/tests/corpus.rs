//! The real opam files of the workplace's corpus: all are read without an error, and print as they read.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests panic to fail, say what they skip, and read the corpus"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use opam::formula::Formula;
use opam::name::PackageName;
use opam::package::Flag;
use opam::syntax;
use opam::universe::{Universe, UniverseBuilder};
use opam::version::Version;

/// Name, version and text of everything in the corpus; nothing, and a word about it, where there is no corpus.
fn corpus() -> Vec<(PackageName, Version, Vec<u8>)> {
    let Some(repository) = testkit::shared("corpus/repo/packages") else {
        eprintln!("SKIPPED: no corpus beside the checkout, so no real opam file is read");
        return Vec::new();
    };
    let list = |path: PathBuf| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let packages = list(repository).flat_map(list).filter(|path| path.join("opam").is_file());
    let found: Vec<_> = packages
        .map(|path| {
            let (name, version) = path.file_name().unwrap().to_str().unwrap().split_once('.').unwrap();
            let text = fs::read(path.join("opam")).unwrap();
            (PackageName::new(name).unwrap(), Version::new(version).unwrap(), text)
        })
        .collect();
    assert!(found.len() > 150, "only {} packages in the corpus", found.len());
    found
}

fn universe() -> Universe {
    let mut builder = UniverseBuilder::new();
    for (name, version, text) in corpus() {
        assert!(builder.add(0, name, version, &text, &[]));
    }
    builder.build()
}

#[test]
fn every_file_is_read_without_an_error() {
    for entry in universe().entries() {
        assert_eq!(entry.parsed().errors, [], "{}.{}", entry.name(), entry.version());
        let package = entry.package();
        assert!(
            package.source.is_some() || package.build.is_empty() || package.has_flag(&Flag::Conf),
            "{}",
            entry.name()
        );
    }
}

#[test]
fn what_is_printed_reads_the_same() {
    for (name, _, text) in corpus() {
        let (file, errors) = syntax::parse(&text);
        assert_eq!(errors, []);
        let (again, errors) = syntax::parse(file.to_string().as_bytes());
        assert_eq!(errors, []);
        assert_eq!(again.without_spans(), file.without_spans(), "{name}");
    }
}

#[test]
fn a_universe_comes_back_from_its_bytes() {
    let universe = universe();
    let bytes: Arc<[u8]> = universe.encode().into();
    let again = Universe::decode(&bytes).unwrap();
    assert_eq!(again.len(), universe.len());
    for (left, right) in universe.entries().zip(again.entries()) {
        assert_eq!((left.name(), left.version(), left.text()), (right.name(), right.version(), right.text()));
        assert_eq!(left.package(), right.package());
    }
}

#[test]
fn roles_are_told_by_evaluating_twice() {
    let universe = universe();
    let Some(lwt) = universe.versions(&PackageName::new("lwt").unwrap()).last() else { return };
    let needs = |build: bool| {
        let scope = move |variable: &opam::variable::Variable| match variable.to_string().as_str() {
            "build" => Some(build.into()),
            _ => None,
        };
        let formula = lwt.package().depends.reduce(&scope);
        formula.atoms().into_iter().map(|requirement| requirement.name.to_string()).collect::<Vec<_>>()
    };
    assert!(needs(true).contains(&"cppo".to_owned()));
    assert!(!needs(false).contains(&"cppo".to_owned()));
    assert!(needs(false).contains(&"ocplib-endian".to_owned()));
    // `dev` is undefined here, so what is guarded by it is gone.
    assert!(!needs(true).contains(&"ocamlfind".to_owned()));
    assert_ne!(lwt.package().depends, Formula::True);
}
