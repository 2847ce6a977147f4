//! The test suite of a release, out of the archive that the compilers are made of; and each test as cases.
//!
//! Not here: compiling and running them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use action::graph::{Fetch, Graph, Node, Unpack};
use action::pattern::Pattern;
use exec::engine::{Engine, Value};
use exec::fetch::config::registry_environment;
use exec::fetch::{FetchConfig, Fetcher, Mirror};
use exec::store::Store;
use plan::ocaml::Release;
use plan::target::Target;

use super::case::{self, Case, Leaf, Source};
use super::tsl;

/// The test suite's sources.
pub(super) struct Suite {
    pub(super) release: Release,
    /// The directory `testsuite`.
    pub(super) place: PathBuf,
    /// Directories with tests, seen from `tests`.
    directories: Vec<PathBuf>,
}

/// A case and where it is from.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// `lib-unix/common/dup.ml`, and `#2` if it is not the test's first.
    pub(super) name: String,
    /// The directory of the test's file.
    pub(super) directory: PathBuf,
    pub(super) case: Case,
}

/// What is run for a target, and how many ways of tests are not, by reason.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) cases: Vec<Named>,
    /// Conditions by which tests exclude the target themselves.
    pub(super) not_for: BTreeMap<String, usize>,
    /// Ways that are about something else than native programs.
    pub(super) other: BTreeMap<String, usize>,
    /// Ways that cannot be gone here, by reason: which.
    pub(super) not_known: BTreeMap<String, Vec<String>>,
}

impl Suite {
    /// The suite of a release, with the tests in `patterns`: names of directories, in which a last `*` stands for anything.
    pub(super) fn open(release: Release, patterns: &[String]) -> Result<Self, String> {
        let place = unpacked(release)?.join("testsuite");
        let tests = place.join("tests");
        let mut names = sorted(&tests)?;
        let fits = |name: &str, pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        names.retain(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            path.is_dir() && patterns.iter().any(|pattern| fits(name, pattern))
        });
        if names.is_empty() {
            return Err(format!("no directory of tests is called {}", patterns.join(", ")));
        }
        let mut directories = Vec::new();
        while let Some(directory) = names.pop() {
            names.extend(sorted(&directory)?.into_iter().filter(|path| path.is_dir()));
            directories.push(directory);
        }
        directories.sort();
        Ok(Self { release, place, directories })
    }

    /// The cases for a target.
    pub(super) fn select(&self, target: Target) -> Result<Selection, String> {
        let mut selection = Selection::default();
        for directory in &self.directories {
            for file in sorted(directory)?.iter().filter(|file| file.extension().is_some_and(|end| end == "ml")) {
                // Some are not even text.
                let Ok(bytes) = fs::read(file) else { continue };
                self.add(&mut selection, target, (directory, file), &String::from_utf8_lossy(&bytes));
            }
        }
        Ok(selection)
    }

    fn add(&self, selection: &mut Selection, target: Target, (directory, file): (&Path, &Path), text: &str) {
        let tests = self.place.join("tests");
        let name = file.strip_prefix(&tests).unwrap_or(file).to_string_lossy().into_owned();
        let block = match tsl::parse(text) {
            None => return,
            Some(Ok(block)) => block,
            Some(Err(error)) => {
                selection.not_known.entry(format!("its block is not understood: {error}")).or_default().push(name);
                return;
            }
        };
        let has = |name: &str| directory.join(name).is_file();
        let of_file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut number = 0;
        for leaf in case::leaves(&block, &Source { file: &of_file, has: &has, target }) {
            match leaf {
                Leaf::Case(case) => {
                    number += 1;
                    let name = if number == 1 { name.clone() } else { format!("{name}#{number}") };
                    selection.cases.push(Named { name, directory: directory.to_owned(), case });
                }
                Leaf::Other(what) => *selection.other.entry(what.to_owned()).or_default() += 1,
                Leaf::NotFor(condition) => *selection.not_for.entry(condition).or_default() += 1,
                Leaf::NotKnown(why) => selection.not_known.entry(why).or_default().push(name.clone()),
            }
        }
    }
}

/// What is in a directory, by name.
pub(super) fn sorted(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// The sources' test suite, which toolchains leave out.
fn unpacked(release: Release) -> Result<PathBuf, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let store = Store::open(&testkit::store()).map_err(|error| told(&error))?;
    let apt = tempfile::tempdir().map_err(|error| told(&error))?;
    let mut config = FetchConfig::new(registry_environment(std::env::vars_os()), apt.path().to_owned());
    let mirrors = std::env::var("BACTRIAN_MIRROR").unwrap_or_default();
    config.mirrors = mirrors.split([',', ' ']).filter(|mirror| !mirror.is_empty()).map(Mirror::parse).collect();
    let fetcher = Fetcher::new(config);
    let mut graph = Graph::default();
    let label = format!("OCaml {release} sources");
    let fetch = Node::Fetch(Fetch { label, alternatives: plan::sources::ocaml(release) });
    let archive = graph.add(fetch).map_err(|error| told(&error))?;
    let keep = vec![Pattern::new("testsuite").map_err(|error| told(&error))?];
    let unpack = Unpack { archive, strip: 1, keep, leave_out: Vec::new(), executable: Vec::new() };
    let goal = graph.add(Node::Unpack(unpack)).map_err(|error| told(&error))?;
    let stop = AtomicBool::new(false);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let engine = Engine::new(&store, &fetcher, path, &stop).map_err(|error| told(&error))?;
    let report = engine.run(&graph, &[goal]).map_err(|error| format!("{error}: {}", error.cause))?;
    match report.values.as_slice() {
        [Value::Tree(tree)] => store.checkout(*tree).map_err(|error| told(&error)),
        _ => Err("the sources are no tree".to_owned()),
    }
}
