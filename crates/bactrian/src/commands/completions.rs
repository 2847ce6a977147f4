//! `bactrian completions`: a completion script.

use clap_complete::{Shell, generate};

use super::Context;
use crate::args;
use crate::exit::Exit;

pub(crate) fn run(ctx: &Context<'_>, shell: Shell) -> Exit {
    let mut script = Vec::new();
    generate(shell, &mut args::command(), "bactrian", &mut script);
    ctx.ui.print(String::from_utf8_lossy(&script));
    Exit::Done
}
