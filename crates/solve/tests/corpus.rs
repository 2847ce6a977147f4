//! A real repository, solved: needs the corpus beside the checkout, and says so loudly where it is absent.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests read files, panic to fail, and say what they skip"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use opam::formula::{Formula, VersionBound, VersionConstraint};
use opam::name::PackageName;
use opam::syntax::RelOp;
use opam::universe::{Universe, UniverseBuilder};
use opam::version::Version;
use solve::lock::Lock;
use solve::request::{Environment, Request, Root, Worlds};
use solve::solution::{Role, Solution};
use solve::tools::Tools;
use solve::{Failure, solve};

fn corpus() -> Option<Universe> {
    let Some(repository) = testkit::shared("corpus/repo/packages") else {
        eprintln!("SKIPPED: the corpus is not beside the checkout");
        return None;
    };
    let mut builder = UniverseBuilder::new();
    for package in directories(&repository) {
        for version in directories(&package) {
            let (name, number) = version.file_name().unwrap().to_str().unwrap().split_once('.').unwrap();
            let text = fs::read(version.join("opam")).unwrap();
            builder.add(0, PackageName::new(name).unwrap(), Version::new(number).unwrap(), &text, &[]);
        }
    }
    Some(builder.build())
}

fn directories(path: &Path) -> Vec<std::path::PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn linux(arch: &str) -> Environment {
    Environment::new([
        ("arch", arch),
        ("os", "linux"),
        ("os-distribution", "debian"),
        ("os-family", "debian"),
        ("os-version", "13"),
    ])
}

fn request(ocaml: &str, roots: Vec<Root>) -> Request {
    Request {
        roots,
        project: Vec::new(),
        worlds: Worlds { host: linux("x86_64"), targets: vec![("aarch64-linux-musl".to_owned(), linux("arm64"))] },
        ocaml: Version::new(ocaml).unwrap(),
        with_test: false,
        preferences: Vec::new(),
        favoured: BTreeMap::new(),
        excluded: Vec::new(),
    }
}

fn root(name: &str, versions: VersionConstraint) -> Root {
    Root { name: PackageName::new(name).unwrap(), versions }
}

fn list(file: &str) -> BTreeSet<String> {
    let path = testkit::shared("corpus").unwrap().join(file);
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn exact(package: &str) -> Root {
    let (name, version) = package.split_once('.').unwrap();
    let bound = VersionBound { operator: RelOp::Eq, version: Version::new(version).unwrap() };
    root(name, Formula::Atom(bound))
}

fn versions(solution: &Solution) -> BTreeSet<String> {
    solution.nodes.iter().map(|(key, node)| format!("{}.{}", key.name, node.version)).collect()
}

#[test]
fn the_closures_are_the_ones_that_were_built() {
    let Some(universe) = corpus() else { return };
    // The nightly set was solved by name: its list of roots has a version of cmdliner that its closure has not.
    let by_name = |package: &str| root(package.split_once('.').unwrap().0, Formula::True);
    let ci = list("ci-roots.txt").iter().map(|package| exact(package)).collect();
    let nightly = list("nightly-roots.txt").iter().map(|package| by_name(package)).collect();
    for (set, roots) in [("ci", ci), ("nightly", nightly)] {
        let solution = solve(&universe, &Tools::standard(), &request("5.3.0", roots)).unwrap();
        let (ours, theirs) = (versions(&solution), list(&format!("{set}-closure.txt")));
        let differences: Vec<_> = ours.symmetric_difference(&theirs).collect();
        assert!(differences.is_empty(), "{set}: {differences:?}");
        let on = |role| solution.nodes.keys().filter(move |key| key.role == role).map(|key| key.name.as_str());
        // A library that is said to be needed for the build alone is needed where the package is.
        assert!(
            on(Role::Target).any(|name| name == "conf-sqlite3") && on(Role::Host).all(|name| name != "conf-sqlite3")
        );
        // Of preprocessors' dependencies the host has twins, of others not.
        assert!(on(Role::Host).any(|name| name == "base") && on(Role::Host).all(|name| name != "lwt"));
        eprintln!("{set}: {} on the host, {} on a target", on(Role::Host).count(), on(Role::Target).count());
    }
}

#[test]
fn every_package_is_decided() {
    let Some(universe) = corpus() else { return };
    for ocaml in ["5.3.0", "5.4.1", "4.14.1"] {
        let (mut solved, mut refused) = (0, Vec::new());
        let start = std::time::Instant::now();
        for entry in universe.entries() {
            let package = format!("{}.{}", entry.name(), entry.version());
            match solve(&universe, &Tools::standard(), &request(ocaml, vec![exact(&package)])) {
                Ok(_) => solved += 1,
                Err(Failure::NoSolution(explanation)) => refused.push((package, explanation)),
                Err(Failure::Cycle(cycle)) => panic!("{package}: {cycle:?}"),
            }
        }
        eprintln!("{ocaml}: {solved} yes, {} no, {:?}", refused.len(), start.elapsed());
        for (package, explanation) in refused {
            eprintln!("{package}: {:?}", explanation.about);
            assert!(explanation.tree.is_some(), "{package}");
        }
    }
}

#[test]
fn a_lock_for_several_targets() {
    let Some(universe) = corpus() else { return };
    let tools = Tools::standard();
    let mut request = request("5.3.0", list("ci-roots.txt").iter().map(|package| exact(package)).collect());
    let mut windows = linux("x86_64");
    windows.0.extend([("os", "win32"), ("os-distribution", "")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    request.worlds.targets.push(("x86_64-windows-gnu".to_owned(), windows));
    let lock = Lock::new(&universe, &request, solve(&universe, &tools, &request).unwrap());
    let text = lock.to_string();
    assert_eq!(Lock::parse(&text).unwrap(), lock);
    assert_eq!(lock.check(&request, &tools), Ok(()));
    assert_eq!(lock.versions().len(), list("ci-closure.txt").len());
    // What is built has a source; what is not is provided, stands for something of the system, or is empty upstream.
    let astring = &lock.pins[&PackageName::new("astring").unwrap()];
    assert!(astring.source.as_ref().is_some_and(|source| !source.checksums.is_empty()));
    // Solving again with the lock's versions favoured is the same lock.
    request.favoured = lock.versions();
    let again = Lock::new(&universe, &request, solve(&universe, &tools, &request).unwrap());
    assert_eq!(again.to_string(), text);
    eprintln!("{} bytes of lock, {} packages", text.len(), lock.pins.len());
}
