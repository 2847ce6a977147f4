//! menhir, cross-built, writes the parser that the host's menhir writes.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::process::Command;

use testkit::{bactrian, checkout, command, output};

fn run(line: &mut Command) -> String {
    output(line).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_demo_runs_and_its_menhir_is_built_for_glibc_too() {
    let printed = run(&mut Command::new(checkout().join("demo")));
    for target in ["aarch64-linux-musl", "riscv64-linux-musl"] {
        assert!(printed.contains(&format!("{target}: menhir writes the host's parser")), "{printed}");
    }
    let project = checkout().join("target/demo/menhir");
    let [old, fixed] = ["aarch64-linux-gnu.2.28", "x86_64-linux-musl"];
    run(command(bactrian().unwrap()).args(["build", "--target", &format!("{old},{fixed}")]).arg(&project));
    let program = |target: &str| project.join("dist").join(target).join("menhir");
    assert!(run(Command::new(program(fixed)).env_clear().arg("--version")).starts_with("menhir, version "));
    let inspect = ["inspect", "--message-format", "json"];
    let inspected = run(command(bactrian().unwrap()).args(inspect).args([program(old), program(fixed)]));
    let lines: Vec<_> = inspected.lines().filter(|line| line.contains("\"reason\":\"inspected\"")).collect();
    let [old, fixed] = lines.as_slice() else { panic!("{inspected}") };
    let (_, floor) = old.split_once("\"floor\":\"2.").unwrap();
    let floor: u32 = floor.split('"').next().unwrap().parse().unwrap();
    assert!(floor <= 28 && old.contains("\"cpu\":\"aarch64\"") && old.contains("\"linkage\":\"dynamic\""), "{old}");
    assert!(fixed.contains("\"cpu\":\"x86_64\"") && fixed.contains("\"linkage\":\"static\""), "{fixed}");
}
