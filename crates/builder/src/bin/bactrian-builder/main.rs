//! `bactrian-builder`: the small static program inside every input root.
//!
//! ```text
//! bactrian-builder build                              make the current directory `/`, run /bactrian/recipe
//! bactrian-builder enter ROOT [OPTION]... -- ARGV...  run a program in a root joined from directories
//! ```
//!
//! `args` says what was asked for, `root` chooses how the root can be made on this machine and starts the one child that makes it (`inside`, with
//! `mounts`, `devices` and `privileges`), `supervise` waits for it, `steps` carries a recipe out.
//!
//! Not here: knowledge of OCaml, of stores and of digests; capturing output; deciding what belongs in a root.
//!
//! Exit codes: 0; 1 a step's command failed; 90 no way to make the root; 91 bad usage or recipe; 92 a problem of input and output;
//! 93 an edit did not apply. `enter` otherwise ends as its program does, 128 + n for signal n.

mod args;
mod devices;
mod failure;
mod inside;
mod mounts;
mod old_mounts;
mod privileges;
mod root;
mod steps;
mod supervise;
mod sys;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use args::Command;
use failure::Failure;

fn main() -> ExitCode {
    let outcome = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Build { mode }) => root::build(mode),
        Ok(Command::Enter(enter)) => root::enter(*enter),
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => report(&failure),
    }
}

/// Says on standard error, in one line, why the builder ends.
fn report(failure: &Failure) -> ExitCode {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "bactrian-builder: {failure}");
    ExitCode::from(failure.exit_code())
}
