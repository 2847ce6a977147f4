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

/// Everything of a 32-bit target's is OCaml 4.14.1's, whose compiler for it runs as a program of 32 bits.
#[test]
fn compilers_of_32_bit_targets_are_of_32_bits() {
    let labels = labels(&plan(Release::V4_14_1, &["armv7-linux-musleabihf", "aarch64-linux-musl"], true));
    let different: BTreeSet<_> = labels.iter().collect();
    assert_eq!(different.len(), labels.len(), "{labels:?}");
    let made = |label: &str| labels.iter().any(|made| made == label);
    assert!(made("OCaml 4.14.1 of 32 bits for this machine") && made("C toolchain for x86-linux-musl"), "{labels:?}");
    assert!(made("OCaml 4.14.1 for this machine") && made("compiler-libs 4.14.1 for aarch64-linux-musl"), "{labels:?}");
}

/// Where the machine cannot run such programs, all that starts them has the emulator; nothing else does.
#[test]
fn the_emulator_is_an_input_where_it_is_needed() {
    let emulated = |target: &str| -> Vec<String> {
        let mut planner = Planner::new(b"builder").emulating_x86(true);
        let targets = vec![target.parse().unwrap()];
        let wanted = ProjectRoot { release: Release::V4_14_1, targets, compiler_libs: true, runners: Vec::new() };
        planner.project_root(&wanted, &Packages::default()).unwrap();
        let graph = planner.finish();
        let is_emulator = |node: &Node| match node {
            Node::Base(base) => base.tools.iter().any(|tool| tool.names.iter().any(|name| name == "qemu-i386")),
            _ => false,
        };
        let Some((emulator, _)) = graph.iter().find(|(_, node)| is_emulator(node)) else { return Vec::new() };
        let using = |node: &Node| match node {
            Node::Run(run) if run.inputs.iter().any(|input| input.from.node == emulator) => Some(run.label.clone()),
            Node::Compose(inputs) if inputs.iter().any(|input| input.from.node == emulator) => Some("root".to_owned()),
            _ => None,
        };
        graph.iter().filter_map(|(_, node)| using(node)).collect()
    };
    assert_eq!(
        emulated("armv7-linux-musleabihf"),
        [
            "OCaml 4.14.1 of 32 bits for this machine",
            "OCaml 4.14.1 for armv7-linux-musleabihf",
            "compiler-libs 4.14.1 for armv7-linux-musleabihf",
            "root"
        ]
    );
    assert_eq!(emulated("aarch64-linux-musl"), Vec::<String>::new());
}

/// Packages look for native compilers to find out whether there is native code.
#[test]
fn native_compilers_are_in_no_root_without_native_code() {
    let has = |targets: &[&str], tool: &str| {
        let graph = plan(Release::V5_3_0, targets, false);
        let path = format!("bactrian/tools/{tool}");
        graph.iter().any(|(_, node)| match node {
            Node::Literal(literal) => literal.files.iter().any(|file| file.path.as_str() == path),
            _ => false,
        })
    };
    for tool in ["ocamlopt", "ocamlopt.opt", "ocamloptp"] {
        assert!(!has(&["armv7-linux-musleabihf"], tool), "{tool}");
        assert!(has(&["armv7-linux-musleabihf", "x86_64-linux-musl"], tool), "{tool}");
        assert!(has(&[], tool), "{tool}");
    }
    assert!(has(&["armv7-linux-musleabihf"], "ocamlc.opt"));
}
