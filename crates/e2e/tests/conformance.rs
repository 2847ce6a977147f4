//! A part of OCaml's own tests, on one foreign target: the whole is `cargo xtask conformance`.

#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use testkit::{bactrian, command};

/// Floats, effects, marshalling, ephemerons, names of modules: what an emulated CPU and another C library would get wrong first.
const DIRECTORIES: [&str; 5] = ["basic-float", "effects", "lib-marshal", "weak-ephe-final", "unicode"];

#[test]
fn a_part_of_ocamls_own_tests_says_the_same_on_another_machine() {
    if !testkit::has_time_for("a part of OCaml's own tests says the same on another machine", 4) {
        return;
    }
    // It is built beside the program by `./test`.
    let xtask = bactrian().unwrap().with_file_name("xtask");
    let mut line = command(xtask);
    line.args(["conformance", "--ocaml", "5.3.0", "--target", "aarch64-linux-musl"]);
    for directory in DIRECTORIES {
        line.args(["--only", directory]);
    }
    let output = line.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let summary = printed.lines().find(|line| line.starts_with("aarch64-linux-musl: ")).unwrap_or_default();
    let run = summary.split([' ', ',']).nth(1).and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
    // A selection that loses its tests would find no difference either.
    assert!(run >= 40, "{summary}");
}
