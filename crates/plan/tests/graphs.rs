//! What plans are made of: each thing once, shared between targets, the same whenever it is planned.

#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use std::collections::BTreeSet;

use action::graph::{Graph, Node};
use plan::ocaml::Release;
use plan::planner::Planner;
use plan::project::{Packages, ProjectRoot};

fn plan(release: Release, targets: &[&str], compiler_libs: bool) -> Graph {
    let mut planner = Planner::new(b"builder");
    let targets = targets.iter().map(|target| target.parse().unwrap()).collect();
    planner
        .project_root(&ProjectRoot { release, targets, compiler_libs, runners: Vec::new() }, &Packages::default())
        .unwrap();
    planner.finish()
}

/// The labels of actions and fetches.
fn labels(graph: &Graph) -> Vec<String> {
    let label = |node: &Node| match node {
        Node::Run(run) => Some(run.label.clone()),
        Node::Fetch(fetch) => Some(fetch.label.clone()),
        _ => None,
    };
    graph.iter().filter_map(|(_, node)| label(node)).collect()
}

#[test]
fn everything_is_planned_once() {
    let labels = labels(&plan(Release::V5_4_1, &["aarch64-linux-musl", "riscv64-linux-musl"], true));
    let different: BTreeSet<_> = labels.iter().collect();
    assert_eq!(different.len(), labels.len(), "{labels:?}");
}

#[test]
fn a_further_target_adds_its_own_toolchains_alone() {
    let one = labels(&plan(Release::V5_3_0, &["aarch64-linux-musl"], false));
    let two = labels(&plan(Release::V5_3_0, &["aarch64-linux-musl", "x86_64-linux-musl"], false));
    let added: Vec<_> = two.iter().filter(|label| !one.contains(label)).collect();
    assert_eq!(added, ["C toolchain for x86_64-linux-musl", "OCaml 5.3.0 for x86_64-linux-musl"]);
}

#[test]
fn compiler_libs_are_planned_only_when_asked_for() {
    let target = ["aarch64-linux-musl"];
    let has = |graph: Graph| labels(&graph).iter().any(|label| label.contains("compiler-libs"));
    assert!(!has(plan(Release::V5_4_1, &target, false)));
    assert!(has(plan(Release::V5_4_1, &target, true)));
}

#[test]
fn the_host_as_a_target_shares_its_c_toolchain() {
    let labels = labels(&plan(Release::V5_4_1, &["x86_64-linux-gnu.2.28"], false));
    assert_eq!(labels.iter().filter(|label| label.starts_with("C toolchain")).count(), 1, "{labels:?}");
}

/// Nothing of the machine, of the time or of the number of jobs may be in an action.
#[test]
fn actions_are_the_same_whenever_they_are_planned() {
    let runs = |graph: &Graph| -> Vec<String> {
        let run = |node: &Node| match node {
            Node::Run(run) => Some(format!("{run:?}")),
            Node::Literal(literal) => Some(format!("{literal:?}")),
            _ => None,
        };
        graph.iter().filter_map(|(_, node)| run(node)).collect()
    };
    let graph = plan(Release::V5_4_1, &["riscv64-linux-musl"], true);
    assert_eq!(runs(&graph), runs(&plan(Release::V5_4_1, &["riscv64-linux-musl"], true)));
    for (_, node) in graph.iter() {
        let Node::Run(run) = node else { continue };
        assert_eq!(run.command.arguments, ["bactrian/builder", "build"]);
        for name in ["PATH", "HOME", "TMPDIR", "LC_ALL", "TZ", "SOURCE_DATE_EPOCH"] {
            assert!(run.command.environment.contains_key(name), "{}: {name}", run.label);
        }
        assert!(!run.command.environment.contains_key("BACTRIAN_JOBS"));
    }
}

/// Every file of the recipes that a recipe may source is among the action's inputs.
#[test]
fn no_recipe_is_left_behind() {
    let graph = plan(Release::V5_4_1, &["aarch64-linux-musl"], true);
    let mut sent = BTreeSet::new();
    for (_, node) in graph.iter() {
        if let Node::Literal(literal) = node {
            sent.extend(literal.files.iter().map(|file| file.path.as_str().to_owned()));
        }
    }
    for list in ["cc", "ocaml"] {
        let scripts = sent.iter().filter(|path| path.starts_with(&format!("bactrian/{list}/"))).count();
        assert!(scripts > 3, "{list}: {sent:?}");
    }
}
