//! The command line: arguments in, exit code out.
//!
//! What was typed ([`args`]) becomes what is meant ([`settings`]), a command ([`commands`]) does it, and whatever is
//! said goes through one printer ([`ui`]): every word, hint, colour and exit code of Bactrian is in this crate. The
//! environment is read once, here, and passed on as a value ([`surroundings`]).
//!
//! Not here: logic. Targets and recipes are `plan`'s, running graphs is `exec`'s, reading objects `inspect`'s.

#![forbid(unsafe_code)]

mod args;
mod brought;
mod commands;
mod env_vars;
mod error;
mod exit;
mod failure;
mod hosted;
mod knowledge;
mod lanes;
mod leaks;
mod lockfile;
mod manifest;
mod messages;
mod panics;
mod progress;
mod project;
mod receipt;
#[cfg(test)]
mod reference;
mod repositories;
mod resolution;
mod runner;
mod settings;
mod site;
mod surroundings;
mod text;
mod timings;
mod ui;
mod unsolved;
mod version;
mod workshop;

use std::process::ExitCode;

use surroundings::Surroundings;

/// The whole program. Reads arguments and environment of the process, prints, and says how to exit.
#[must_use]
pub fn main() -> ExitCode {
    panics::install_hook();
    let whole = || commands::main(std::env::args_os().collect(), &Surroundings::of_process());
    // The hook has told the user what happened; what is left is the exit code.
    std::panic::catch_unwind(whole).unwrap_or(exit::Exit::Bug).into()
}
