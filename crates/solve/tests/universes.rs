//! Random small universes, from their opam text to a solution, against an oracle that reads opam's manual and tries
//! every choice of versions. Host and target are alike here, so roles make no difference to what can be had.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests panic to fail")]

use std::collections::BTreeMap;
use std::fmt::Write;

use opam::filter::{Scope, Value};
use opam::formula::{Formula, VersionConstraint};
use opam::name::PackageName;
use opam::package::Package;
use opam::universe::{Universe, UniverseBuilder};
use opam::variable::{Owner, Variable};
use opam::version::Version;
use proptest::prelude::*;
use solve::lock::Lock;
use solve::request::{COMPILER, Environment, Request, Root, Worlds};
use solve::tools::Tools;
use solve::{Failure, solve};

const NAMES: [&str; 5] = ["a", "b", "ppxlib", "dune", "conf-x"];
const VERSIONS: [&str; 3] = ["1", "1.0.1~rc1", "10"];

fn constraint() -> impl Strategy<Value = String> {
    let bound = ("(=|!=|<|<=|>|>=)", proptest::sample::select(&VERSIONS[..]));
    let bound = bound.prop_map(|(operator, version)| format!("{operator} \"{version}\""));
    let filters =
        vec!["build", "post", "with-test", "dev", "os = \"linux\"", "os != \"linux\"", "nothing", "!?nothing"];
    let filter = proptest::sample::select(filters).prop_map(str::to_owned);
    let one = prop_oneof![3 => bound, 1 => Just("= version".to_owned()), 3 => filter];
    proptest::collection::vec((one, "[&|]"), 1..3).prop_map(|parts| {
        let mut text = String::new();
        for (index, (part, join)) in parts.iter().enumerate() {
            let join = if index > 0 { format!(" {join} ") } else { String::new() };
            write!(text, "{join}{part}").unwrap();
        }
        format!(" {{{text}}}")
    })
}

fn dependency() -> impl Strategy<Value = String> {
    let name =
        prop_oneof![10 => proptest::sample::select(&NAMES[..]), 1 => Just("unknown"), 1 => Just("ocaml-base-compiler")];
    let one = (name, proptest::option::weighted(0.6, constraint()));
    one.prop_map(|(name, constraint)| format!("\"{name}\"{}", constraint.unwrap_or_default()))
}

fn formula() -> impl Strategy<Value = String> {
    dependency().prop_recursive(2, 5, 3, |inner| {
        (proptest::collection::vec(inner, 1..4), "[&|]")
            .prop_map(|(parts, join)| format!("({})", parts.join(&format!(" {join} "))))
    })
}

/// An opam file.
fn fields() -> impl Strategy<Value = String> {
    let depends = proptest::collection::vec(formula(), 0..3);
    let conflicts = proptest::collection::vec(dependency(), 0..2);
    let class = proptest::option::weighted(0.2, "[kl]");
    let available = prop_oneof![6 => Just("true"), 1 => Just("os = \"win32\""), 1 => Just("os = \"linux\" | nothing")];
    (depends, conflicts, class, available).prop_map(|(depends, conflicts, class, available)| {
        let class = class.map(|class| format!("conflict-class: \"{class}\"\n")).unwrap_or_default();
        let (depends, conflicts) = (depends.join(" "), conflicts.join(" "));
        format!("depends: [{depends}]\nconflicts: [{conflicts}]\navailable: {available}\n{class}")
    })
}

type Rows = BTreeMap<(usize, usize), String>;

fn universes() -> impl Strategy<Value = Rows> {
    let slot = (0..NAMES.len(), 0..VERSIONS.len());
    proptest::collection::btree_map(slot, fields(), 3..10)
}

fn universe(rows: &Rows) -> Universe {
    let mut builder = UniverseBuilder::new();
    builder.add(0, PackageName::new(COMPILER).unwrap(), Version::new("5").unwrap(), b"flags: compiler", &[]);
    for ((name, version), text) in rows {
        let flags = if NAMES[*name].starts_with("conf-") { "flags: conf\n" } else { "" };
        let (name, version) = (PackageName::new(NAMES[*name]).unwrap(), Version::new(VERSIONS[*version]).unwrap());
        let text = format!("{flags}{text}");
        let (_, errors) = Package::parse(name.clone(), version.clone(), text.as_bytes());
        assert_eq!(errors, [], "{text}");
        builder.add(0, name, version, text.as_bytes(), &[]);
    }
    builder.build()
}

/// Variables of a dependency formula: what the manual says holds while solving.
struct Variables<'v>(&'v Package);

impl Scope for Variables<'_> {
    fn lookup(&self, variable: &Variable) -> Option<Value> {
        match (&variable.owner, variable.name.as_str()) {
            (Owner::Global, "version") => Some(self.0.version.as_str().into()),
            (Owner::Global, "build" | "post") => Some(true.into()),
            (Owner::Global, "with-test" | "dev") => Some(false.into()),
            (Owner::Global, "os") => Some("linux".into()),
            _ => None,
        }
    }
}

type Choice<'u> = BTreeMap<&'u PackageName, &'u Package>;

fn valid(choice: &Choice<'_>) -> bool {
    let there = |name: &PackageName, versions: &VersionConstraint| {
        choice.get(name).is_some_and(|package| versions.admits(&package.version))
    };
    choice.values().all(|package| {
        let scope = Variables(package);
        let depends = package.depends.reduce(&scope).satisfied(&|other| there(&other.name, &other.versions));
        let conflicts = package.conflicts.reduce(&scope);
        let conflict =
            conflicts.atoms().iter().any(|other| other.name != package.name && there(&other.name, &other.versions));
        let class = choice.values().any(|other| {
            other.name != package.name
                && other.conflict_classes.iter().any(|class| package.conflict_classes.contains(class))
        });
        depends && !conflict && !class && package.available.holds(&scope)
    })
}

/// Every choice of at most one version of each package, with the compiler and `root` in it.
fn satisfiable(universe: &Universe, root: &PackageName) -> bool {
    let mut choices: Vec<Choice<'_>> = vec![Choice::new()];
    for name in universe.names() {
        let mut more = Vec::new();
        for choice in &choices {
            for entry in universe.versions(name) {
                let mut choice = choice.clone();
                choice.insert(name, entry.package());
                more.push(choice);
            }
        }
        let needed = name == root || name.as_str() == COMPILER;
        choices = if needed { more } else { choices.into_iter().chain(more).collect() };
    }
    !universe.versions(root).is_empty() && choices.iter().any(valid)
}

fn request(root: &PackageName) -> Request {
    let linux = Environment::new([("os", "linux")]);
    Request {
        roots: vec![Root { name: root.clone(), versions: Formula::True }],
        project: Vec::new(),
        worlds: Worlds { host: linux.clone(), targets: vec![("t".to_owned(), linux)] },
        ocaml: Version::new("5").unwrap(),
        with_test: false,
        preferences: Vec::new(),
        favoured: BTreeMap::new(),
        excluded: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_can_be_had_is_found(rows in universes()) {
        let universe = universe(&rows);
        let root = PackageName::new("a").unwrap();
        let request = request(&root);
        match solve(&universe, &Tools::standard(), &request) {
            Ok(solution) => {
                let nodes = solution.nodes.iter();
                let choice: Choice<'_> = nodes
                    .map(|(key, node)| {
                        let package = universe.get(&key.name, &node.version).unwrap().package();
                        (&package.name, package)
                    })
                    .collect();
                prop_assert!(choice.contains_key(&root) && valid(&choice), "{:?}", choice.keys());
                // No edge leads out of it.
                let mut deps = solution.nodes.values().flat_map(|node| &node.deps);
                prop_assert!(deps.all(|dep| solution.nodes.contains_key(&dep.key)));
                let lock = Lock::new(&universe, &request, solution);
                prop_assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
            }
            Err(Failure::NoSolution(explanation)) => {
                prop_assert!(!satisfiable(&universe, &root));
                prop_assert!(explanation.tree.is_some());
            }
            // It had a choice of versions.
            Err(Failure::Cycle(cycle)) => prop_assert!(satisfiable(&universe, &root) && !cycle.0.is_empty()),
        }
    }
}
