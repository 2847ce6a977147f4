//! OCaml 4.14.1 for 32-bit ARM from nothing, against the way by hand: the host's compiler of 32 bits as upstream builds it,
//! with the same C compiler. What comes after that by hand, two passes over compilers and libraries, is not even counted.
//!
//! Not here: the C toolchains, which both need and neither is charged for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use action::command::Command;
use action::graph::{Fetch, Input, Literal, LiteralFile, Node, NodeId, Run, Unpack};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use plan::ocaml::Release;
use plan::planner::Planner;
use plan::target::Target;
use plan::world::World;

use crate::clib::Bench;

const JOBS: usize = 2;

/// What upstream's INSTALL says, for a static compiler of 32 bits, without what we leave out as well.
const BY_HAND: &str = "set -e; cp -r /src /tmp/u; cd /tmp/u; chmod -R u+w .; X=/opt/cc/x86-linux-musl/bin; \
     ./configure --prefix=/out/p --build=i686-pc-linux-musl --host=i686-pc-linux-musl --disable-ocamldoc --disable-ocamltest \
       --disable-stdlib-manpages --disable-debugger --disable-debug-runtime --disable-instrumented-runtime --disable-shared \
       CC=$X/cc AR=$X/ar RANLIB=$X/ranlib AS=$X/as LD=$X/ld NM=$X/nm STRIP=true PARTIALLD=\"$X/ld -r\" >/tmp/log 2>&1; \
     make -j2 world.opt >>/tmp/log 2>&1 && make install >>/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }";

pub(super) fn run() -> Result<(), String> {
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bench = Bench::open(&temp.path().join("store"))?;
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let (arm, x86): (Target, Target) = (
        "armv7-linux-musleabihf".parse().map_err(|error| told(&error))?,
        "x86-linux-musl".parse().map_err(|error| told(&error))?,
    );
    // What both ways are given: C toolchains and sources.
    let mut planner = Planner::new(BUILDER);
    let given = planner.c_toolchain(arm).map_err(|error| told(&error))?;
    let inputs = planner.c_inputs(World::Target(x86)).map_err(|error| told(&error))?;
    let [ours, _] = planner.toolchain(Release::V4_14_1, arm).map_err(|error| told(&error))?;
    let mut graph = planner.finish();
    let label = "OCaml sources".to_owned();
    let sources = plan::sources::ocaml(Release::V4_14_1);
    let archive = graph.add(Node::Fetch(Fetch { label, alternatives: sources })).map_err(|error| told(&error))?;
    let unpack = Unpack { archive, strip: 1, keep: Vec::new(), leave_out: Vec::new(), executable: Vec::new() };
    let sources = graph.add(Node::Unpack(unpack)).map_err(|error| told(&error))?;
    let given: Vec<NodeId> = inputs.iter().map(|input| input.from.node).chain([given, sources]).collect();
    for node in given {
        bench.make(&graph, node, JOBS)?;
    }
    let theirs = by_hand(&mut graph, inputs, sources).map_err(|error| told(&error))?;
    let time = |goal| -> Result<Duration, String> {
        let begun = Instant::now();
        bench.make(&graph, goal, JOBS)?;
        Ok(begun.elapsed())
    };
    let (ours, theirs) = (time(ours)?.as_secs_f64(), time(theirs)?.as_secs_f64());
    println!(
        "armv7: from nothing {ours:.1} s; by hand the host's compiler alone {theirs:.1} s; ratio {:.2}",
        ours / theirs
    );
    Ok(())
}

fn by_hand(
    graph: &mut action::graph::Graph,
    mut inputs: Vec<Input>,
    sources: NodeId,
) -> Result<NodeId, Box<dyn std::error::Error>> {
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", BY_HAND])] }.encode();
    let file = |path: &str, contents: &[u8], executable| -> Result<LiteralFile, action::path::PathError> {
        Ok(LiteralFile { path: RelPath::new(path)?, contents: Arc::from(contents), executable })
    };
    let files = vec![
        file(builder::BUILDER_PATH, BUILDER, true)?,
        file(builder::RECIPE_PATH.trim_start_matches('/'), &recipe, false)?,
    ];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() }))?;
    inputs.push(Input { at: RelPath::root(), from: own.into() });
    inputs.push(Input { at: RelPath::new("src")?, from: sources.into() });
    let environment = [("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LC_ALL", "C")];
    Ok(graph.add(Node::Run(Run {
        label: "the host's compiler by hand".to_owned(),
        command: Command {
            arguments: vec![builder::BUILDER_PATH.to_owned(), "build".to_owned()],
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            platform: BTreeMap::new(),
        },
        timeout: Duration::from_secs(3600),
        inputs,
    }))?)
}
