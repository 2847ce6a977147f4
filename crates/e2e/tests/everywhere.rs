//! All targets whose programs this machine can run, in one command: each program, run by its runner, says what the others say.
//!
//! These take an hour on an empty store, so they are run by name. Not here: single targets (`machines.rs`, `windows.rs`,
//! `narrow.rs`).

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{bactrian, checkout, command, copy_of, has_glibc, output, shared};

/// The machine's own; what its program says is what all are compared with.
const HERE: &str = "x86_64-linux-musl";
/// Of 64 bits, with OCaml 5.
const WIDE: [&str; 7] = [
    HERE,
    "x86_64-linux-gnu",
    "aarch64-linux-musl",
    "riscv64-linux-musl",
    "powerpc64le-linux-musl",
    "s390x-linux-musl",
    "x86_64-windows-gnu",
];
/// Of other CPUs, with glibc: run where the machine has that CPU's glibc.
const GLIBC: [&str; 4] = ["aarch64-linux-gnu", "riscv64-linux-gnu", "powerpc64le-linux-gnu", "s390x-linux-gnu"];
/// Of 32 bits, with OCaml 4.14.
const NARROW: [&str; 2] = ["armv7-linux-musleabihf", "x86-linux-musl"];

/// All of 64 bits that can be run here.
fn wide() -> Vec<&'static str> {
    WIDE.into_iter().chain(GLIBC.into_iter().filter(|target| has_glibc(target))).collect()
}

/// `bactrian` with the corpus; nothing where that is not.
fn with_corpus(arguments: &[&str]) -> Option<String> {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there are no packages");
        return None;
    };
    let mut line = command(bactrian().unwrap());
    line.args(arguments).arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
    Some(output(&mut line).unwrap_or_else(|error| panic!("{error}")))
}

/// How often each action was run, by its label, as messages for machines tell it.
fn made(messages: &str) -> BTreeMap<&str, usize> {
    let mut made = BTreeMap::new();
    let is_made = |line: &&str| {
        ["\"reason\":\"finished\"", "\"kind\":\"run\"", "\"end\":\"made\""].iter().all(|part| line.contains(part))
    };
    for line in messages.lines().filter(is_made) {
        let label = line.split_once("\"label\":\"").and_then(|(_, rest)| rest.split('"').next()).unwrap();
        *made.entry(label).or_default() += 1;
    }
    made
}

/// What the program of a project's target says, started by the target's runner.
fn said(project: &Path, target: &str, arguments: &[&str]) -> String {
    let corpus = shared("corpus").unwrap();
    let mut line = command(bactrian().unwrap());
    line.args(["run", "--target", target, project.to_str().unwrap()])
        .arg("--repo")
        .arg(corpus.join("repo"))
        .arg("--mirror")
        .arg(corpus.join("archives"));
    line.arg("--").args(arguments);
    output(&mut line).unwrap_or_else(|error| panic!("{target}: {error}")).replace("\r\n", "\n")
}

#[test]
#[ignore = "compilers and packages of eleven targets; run with --ignored"]
fn the_example_is_built_for_all_at_once() {
    let (_temp, project) = copy_of("examples/caravan").unwrap();
    let path = project.to_str().unwrap();
    let all = wide();
    let Some(messages) = with_corpus(&["build", "--target", &all.join(","), "--message-format", "json", path]) else {
        return;
    };
    for (label, times) in made(&messages) {
        assert_eq!(times, 1, "{label}");
    }
    for arguments in [&["-n", "6"] as &[&str], &["--json"]] {
        let here = said(&project, HERE, arguments);
        assert!(here.lines().count() > 0);
        for target in &all {
            assert_eq!(said(&project, target, arguments), here, "{target} {arguments:?}");
        }
    }
    // Nothing is left to do for one of them alone.
    let messages = with_corpus(&["build", "--target", all[4], "--message-format", "json", path]).unwrap();
    assert_eq!(made(&messages), BTreeMap::new());
}

#[test]
#[ignore = "compilers of thirteen targets; run with --ignored"]
fn menhir_is_built_for_all_at_once() {
    // The demo has its sources.
    output(&mut Command::new(checkout().join("demo"))).unwrap_or_else(|error| panic!("{error}"));
    let (temp, project) = copy_of("target/demo/menhir").unwrap();
    let all = [wide().as_slice(), &NARROW].concat();
    let build = ["build", "--target", &all.join(","), project.to_str().unwrap()];
    output(command(bactrian().unwrap()).args(build)).unwrap_or_else(|error| panic!("{error}"));
    let grammar = fs::read(checkout().join("crates/xtask/data/calc.mly")).unwrap();
    let mut parsers = all.iter().map(|target| {
        let directory = temp.path().join(target);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("calc.mly"), &grammar).unwrap();
        let run =
            ["run", "--target", target, "--bin", "menhir", project.to_str().unwrap(), "--", "--table", "calc.mly"];
        output(command(bactrian().unwrap()).args(run).current_dir(&directory))
            .unwrap_or_else(|error| panic!("{error}"));
        let parser = fs::read_to_string(directory.join("calc.ml")).unwrap();
        (target, parser.replace("\r\n", "\n"))
    });
    let (_, here) = parsers.next().unwrap();
    assert!(here.len() > 1000);
    for (target, parser) in parsers {
        assert!(parser == here, "{target}: menhir writes another parser");
    }
}
