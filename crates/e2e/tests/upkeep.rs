//! Looking after a store: listing, forgetting, collecting, verifying, and making again what was deleted.
//!
//! On a private copy of the shared store, of hard links; the shared one is left alone.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;

use action::graph::{Graph, Input, Literal, LiteralFile, Node, NodeId, Run};
use action::path::RelPath;
use builder::{Recipe, Step};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, NodeError};
use exec::fetch::{FetchConfig, Fetcher};
use exec::store::Store;
use testkit::{bactrian, command, link_store, output, store};

const TARGET: &str = "x86_64-linux-musl";

/// A store of the test's own with everything that the shared one has.
fn private_store() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in(store().parent().unwrap()).unwrap();
    link_store(directory.path()).unwrap();
    directory
}

fn bactrian_on(store: &Path, arguments: &[&str]) -> Command {
    let mut line = command(bactrian().unwrap());
    line.args(arguments).arg("--store").arg(store).stdin(Stdio::null());
    line
}

fn on(store: &Path, arguments: &[&str]) -> String {
    output(&mut bactrian_on(store, arguments)).unwrap_or_else(|error| panic!("{error}"))
}

/// The number of a field in a line of JSON that has `marker`.
fn number(json: &str, marker: &str, field: &str) -> u64 {
    let line = json.lines().find(|line| line.contains(marker)).unwrap_or_else(|| panic!("no {marker} in {json}"));
    let (_, rest) = line.split_once(&format!("\"{field}\":")).unwrap_or_else(|| panic!("no {field} in {line}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn forgotten_toolchains_are_collected_and_made_again() {
    // Whatever ran before: what is removed must be there first.
    output(command(bactrian().unwrap()).args(["toolchain", "build", "--target", TARGET])).unwrap();
    let private = private_store();
    let store = private.path();
    let release = plan::ocaml::Release::default().version();
    let is_listed = || {
        on(store, &["toolchain", "list"]).lines().any(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words[..2] == [release, TARGET]
        })
    };
    let size = || number(&on(store, &["store", "stats", "--message-format", "json"]), "store-stats", "bytes_on_disk");
    assert!(is_listed());
    let full = size();

    on(store, &["toolchain", "remove", "--target", TARGET]);
    assert!(!is_listed());
    // Forgotten, not deleted: that is the collection's.
    assert_eq!(size() >> 20, full >> 20);
    let freed = number(&on(store, &["store", "gc", "--message-format", "json"]), "store-collected", "bytes");
    assert!(freed > 10 << 20, "{freed} bytes were freed");
    assert!(size() + (10 << 20) < full);
    assert!(on(store, &["store", "verify"]).contains("no faults"));
    // There is nothing left to be deleted.
    assert_eq!(number(&on(store, &["store", "gc", "--message-format", "json"]), "store-collected", "bytes") >> 20, 0);

    on(store, &["toolchain", "build", "--target", TARGET]);
    assert!(is_listed());
    assert!(on(store, &["store", "verify"]).contains("no faults"));
    // A limit deletes what was not used for longest, so this last; the whole of it if there is no room.
    on(store, &["store", "gc", "--max-size", "0"]);
    assert!(size() < 20 << 20, "{} bytes are left", size());
    assert!(!is_listed());
    // The shared store has seen nothing of all this.
    let shared = output(command(bactrian().unwrap()).args(["toolchain", "list"])).unwrap();
    assert!(shared.contains(TARGET), "{shared}");
}

/// An action over the base image that leaves something and fails.
fn broken() -> (Graph, NodeId) {
    let mut graph = Graph::default();
    let base = graph.add(Node::Base(plan::base::image())).unwrap();
    let script = "echo left behind > /tmp/traces; test \"$WANTED\" = otherwise && echo repaired > /out/result";
    let recipe = Recipe { steps: vec![Step::run("/tmp", ["sh", "-c", script])] }.encode();
    let file = |path: &str, contents: &[u8], executable| LiteralFile {
        path: RelPath::new(path).unwrap(),
        contents: contents.into(),
        executable,
    };
    let files = vec![file("bactrian/builder", BUILDER, true), file("bactrian/recipe", &recipe, false)];
    let own = graph.add(Node::Literal(Literal { files, ..Literal::default() })).unwrap();
    let input = |node: NodeId| Input { at: RelPath::root(), from: node.into() };
    let goal = graph.add(Node::Run(Run {
        label: "broken".to_owned(),
        command: action::command::Command {
            arguments: ["bactrian/builder", "build"].map(str::to_owned).into(),
            environment: [("PATH", "/usr/bin"), ("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("WANTED", "this")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            platform: std::collections::BTreeMap::new(),
        },
        timeout: std::time::Duration::from_secs(600),
        inputs: vec![input(base), input(own)],
        serves: None,
    }));
    (graph, goal.unwrap())
}

/// Runs the broken action; returns the name under which it is kept.
fn break_something(directory: &Path) -> String {
    let store = Store::open(directory).unwrap();
    let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), directory.join("downloads")));
    let stop = AtomicBool::new(false);
    let engine = Engine::new(&store, &fetcher, std::env::var_os("PATH").unwrap(), &stop).unwrap();
    let (graph, goal) = broken();
    match engine.run(&graph, &[goal]).unwrap_err().cause {
        NodeError::Action { kept: Some(id), .. } => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_action_can_be_entered_and_repeated() {
    let temp = tempfile::tempdir_in(store().parent().unwrap()).unwrap();
    let directory = temp.path();
    let id = break_something(directory);
    let (status, told) = {
        let Output { status, stderr, .. } = bactrian_on(directory, &["shell", "--failed", "no-such"]).output().unwrap();
        (status.code(), String::from_utf8_lossy(&stderr).into_owned())
    };
    assert!(status == Some(2) && told.contains(&id), "{told}");
    // A terminal, as a person has it; the shell ends with what it is told last.
    let line = format!("{} shell --failed {id} --store {}", bactrian().unwrap().display(), directory.display());
    let mut script = command("script");
    script.env("TERM", "dumb").args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        println!("skipped: there is no `script` to make a terminal");
        return;
    };
    let typed = "cat /tmp/traces; echo wanted=$WANTED\ncd /; bactrian/builder build; echo first=$?\n\
                 WANTED=otherwise bactrian/builder build; echo second=$?\ncat /out/result\nexit 7\n";
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes()).unwrap();
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    let seen = String::from_utf8_lossy(&stdout);
    for words in ["left behind", "wanted=this", "first=1", "second=0", "repaired"] {
        assert!(seen.lines().any(|line| line.trim_end() == words), "no `{words}` in: {seen}");
    }
    assert_eq!(status.code(), Some(7), "{seen}");
    // What was done in there stays until the next failure.
    let kept = Store::open(directory).unwrap().kept(&id).unwrap().unwrap();
    assert_eq!(fs::read_to_string(kept.root.join("out/result")).unwrap(), "repaired\n");
}
