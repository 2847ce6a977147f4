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

use testkit::{checkout, output};

#[test]
fn the_demo_runs() {
    let printed = output(Command::new(env!("CARGO")).current_dir(checkout()).args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "xtask",
        "--",
        "demo",
    ]))
    .unwrap_or_else(|error| panic!("{error}"));
    for target in ["aarch64-linux-musl", "riscv64-linux-musl"] {
        assert!(printed.contains(&format!("{target}: menhir writes the host's parser")), "{printed}");
    }
}
