//! Developer commands: `cargo xtask demo | menhir DIR | corpus | oracle | repro | bench | clib | conformance | farm`.
//!
//! What is too long, too dear or too machine-bound for a test. Not here: anything users need.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "these commands talk to whoever typed them")]

mod bench;
mod clib;
mod conformance;
mod corpus;
mod demo;
mod farm;
mod menhir;
mod oracle;
mod repro;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["demo"] => demo::run(),
        ["menhir", directory] => menhir::fetch(Path::new(directory)).map(|()| println!("{directory}")),
        ["oracle"] => oracle::run(),
        ["repro", rest @ ..] => repro::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["corpus", rest @ ..] => corpus::run(rest),
        ["farm", rest @ ..] => farm::run(rest),
        ["clib", rest @ ..] => clib::run(rest),
        ["conformance", rest @ ..] => conformance::run(rest),
        _ => Err("usage: cargo xtask demo | menhir DIR | corpus [nightly] [--target T,…] [--ocaml V] [--write] | oracle | repro [TARGET…] | bench [NAME…] | clib [--target T]… [NAME…] | conformance [--target T,…] [--ocaml V] | farm [STEP…]"
            .to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
