//! OCaml 4.14.1 for 32-bit ARM from nothing, against the way by hand: the host's compiler of 32 bits as upstream builds it,
//! then two passes over compilers and libraries, with the same C compiler (`data/armv7-*.sh`).
//!
//! Not here: the C toolchains, which both need and neither is charged for.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use action::command::Command;
use action::graph::{Fetch, Graph, Input, Literal, LiteralFile, Node, NodeId, Run, Unpack};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use plan::ocaml::Release;
use plan::planner::Planner;
use plan::target::Target;
use plan::world::World;
use testkit::output;

use super::seconds;
use crate::clib::Bench;

const JOBS: usize = 2;
const ARM: &str = "armv7-linux-musleabihf";

const HOST: &str = include_str!("../../data/armv7-host.sh");
const PASSES: &str = include_str!("../../data/armv7-passes.sh");
/// What clang's assembler does not take is the same by hand: these change it.
const V4: &str = include_str!("../../../plan/recipes/ocaml/v4.sh");
const COMMON: &str = include_str!("../../../plan/recipes/ocaml/common.sh");

pub(super) fn run() -> Result<(), String> {
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bench = Bench::open(&temp.path().join("store"))?;
    let plan = plan().map_err(|error| error.to_string())?;
    for node in plan.given {
        bench.make(&plan.graph, node, JOBS)?;
    }
    let begun = Instant::now();
    bench.make(&plan.graph, plan.ours, JOBS)?;
    let ours = begun.elapsed().as_secs_f64();
    // By hand nothing is taken into a store: it says itself how long it took.
    let told = |made: &Path| -> Result<f64, String> {
        seconds(&fs::read_to_string(made.join("nanoseconds")).map_err(|error| error.to_string())?)
    };
    let host = told(&bench.make(&plan.graph, plan.host, JOBS)?)?;
    let made = bench.make(&plan.graph, plan.passes, JOBS)?;
    let passes = told(&made)?;
    // A way by hand that makes no working compiler is none.
    let said = output(std::process::Command::new("qemu-arm").env_clear().arg(made.join("try")))?;
    if said != "31 -1073741824 1073741823\n" {
        return Err(format!("the program that was made by hand says {said}"));
    }
    println!("armv7: from nothing {ours:.1} s; by hand {host:.1} s for the host and {passes:.1} s for two passes");
    println!("armv7: ours is {:.2} of it", ours / (host + passes));
    Ok(())
}

/// What is made.
struct Plan {
    graph: Graph,
    /// What both ways are given: C toolchains and sources.
    given: Vec<NodeId>,
    ours: NodeId,
    host: NodeId,
    passes: NodeId,
}

fn plan() -> Result<Plan, Box<dyn Error>> {
    let (arm, x86): (Target, Target) = (ARM.parse()?, "x86-linux-musl".parse()?);
    let mut planner = Planner::new(BUILDER);
    let mut inputs = planner.c_inputs(World::Target(x86))?;
    let for_arm = planner.c_inputs(World::Target(arm))?;
    let [ours, _] = planner.toolchain(Release::V4_14_1, arm)?;
    let mut graph = planner.finish();
    let label = "OCaml sources".to_owned();
    let alternatives = plan::sources::ocaml(Release::V4_14_1);
    let archive = graph.add(Node::Fetch(Fetch { label, alternatives }))?;
    let unpack = Unpack { archive, strip: 1, keep: Vec::new(), leave_out: Vec::new(), executable: Vec::new() };
    let sources = graph.add(Node::Unpack(unpack))?;
    let given = inputs.iter().chain(&for_arm).map(|input| input.from.node).chain([sources]).collect();
    inputs.push(Input { at: RelPath::new("src")?, from: sources.into() });
    let host = by_hand(&mut graph, HOST, inputs.clone())?;
    inputs.push(Input { at: RelPath::root(), from: host.into() });
    let known: Vec<NodeId> = inputs.iter().map(|input| input.from.node).collect();
    inputs.extend(for_arm.into_iter().filter(|input| !known.contains(&input.from.node)));
    let passes = by_hand(&mut graph, PASSES, inputs)?;
    Ok(Plan { graph, given, ours, host, passes })
}

/// The action that runs a script over `inputs`.
fn by_hand(graph: &mut Graph, script: &str, mut inputs: Vec<Input>) -> Result<NodeId, Box<dyn Error>> {
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "/bactrian/ocaml/by-hand.sh"])] }.encode();
    let file = |path: &str, contents: &[u8], executable| -> Result<LiteralFile, action::path::PathError> {
        Ok(LiteralFile { path: RelPath::new(path)?, contents: Arc::from(contents), executable })
    };
    let files = vec![
        file(builder::BUILDER_PATH, BUILDER, true)?,
        file(builder::RECIPE_PATH.trim_start_matches('/'), &recipe, false)?,
        file("bactrian/ocaml/by-hand.sh", script.as_bytes(), false)?,
        file("bactrian/ocaml/common.sh", COMMON.as_bytes(), false)?,
        file("bactrian/ocaml/v4.sh", V4.as_bytes(), false)?,
    ];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() }))?;
    inputs.push(Input { at: RelPath::root(), from: own.into() });
    let environment = [("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LC_ALL", "C")];
    Ok(graph.add(Node::Run(Run {
        label: "by hand".to_owned(),
        command: Command {
            arguments: vec![builder::BUILDER_PATH.to_owned(), "build".to_owned()],
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            platform: BTreeMap::new(),
        },
        timeout: Duration::from_secs(3600),
        inputs,
        serves: None,
    }))?)
}
