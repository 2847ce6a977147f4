//! C libraries, built for another CPU, this machine's own musl, and the host: programs that use them run.

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

const LIBRARIES: [&str; 3] = ["gmp", "sqlite3", "zlib"];

fn xtask(arguments: &[&str]) -> Command {
    let mut line = Command::new(env!("CARGO"));
    line.current_dir(checkout()).args(["run", "--quiet", "--package", "xtask", "--", "clib"]).args(arguments);
    line
}

/// Builds the libraries and a program for each, runs the programs; what they must print is compared there.
fn clib(arguments: &[&str]) -> String {
    output(&mut xtask(arguments)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn programs_that_use_them_run() {
    if !testkit::has_time_for("programs that use them run", 8) {
        return;
    }
    let targets = [("aarch64-linux-musl", "aarch64-linux-musl"), ("host", "x86_64-linux-gnu.2.28")];
    for (given, name) in targets {
        let printed = clib(&[&["--target", given], LIBRARIES.as_slice()].concat());
        for library in LIBRARIES {
            let said = format!("{library} for {name}: its program says what it should\n");
            assert!(printed.contains(&said), "{printed}");
        }
    }
}

/// Whether this is about the library's own sources, and nothing else that may be missing.
fn is_nowhere(library: &str, error: &str) -> bool {
    error.lines().any(|line| line.contains("could not be had from any of") && line.contains(library))
}

/// Their sources are in no mirror of ours: Debian's archive has them for as long as it does. curl has OpenSSL behind it,
/// which takes long.
#[test]
fn libraries_whose_sources_only_debian_has() {
    for library in ["expat", "curl"] {
        match output(&mut xtask(&["--target", "aarch64-linux-musl", library])) {
            Ok(printed) => {
                let said = format!("{library} for aarch64-linux-musl: its program says what it should\n");
                assert!(printed.contains(&said), "{printed}");
            }
            Err(error) if is_nowhere(library, &error) => {
                println!("SKIPPED: no place has the sources of {library} today");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_library_is_the_same_when_built_again() {
    let printed = clib(&["--target", "x86_64-linux-musl", "--twice", "zlib"]);
    assert!(printed.contains("zlib: built twice, the same\n"), "{printed}");
}

#[test]
fn unknown_libraries_are_refused() {
    let error = output(&mut xtask(&["nothing"])).unwrap_err();
    assert!(error.contains("no C library is called nothing"), "{error}");
}
