//! The commands: each takes its settings and the context, and says how the program ends.
//!
//! A command body is `pub(crate) fn run(ctx: &Context<'_>, settings: &settings::X) -> Result<Exit, CommandError>` in
//! its own module. It prints results with `ctx.ui`, runs graphs under [`Context::watch`], and returns errors: they are
//! printed here, once.

pub(crate) mod build;
mod completions;
mod doctor;
mod enter;
pub(crate) mod fit;
mod inspect;
pub(crate) mod install;
mod lock;
mod man;
mod objects;
mod run;
mod store;
mod target;
mod test;
mod toolchain;
mod tree;

use std::ffi::OsString;

use action::graph::Graph;
use clap::Parser as _;
use exec::event::Sink;

use crate::args::Args;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::Message;
use crate::surroundings::Surroundings;
use crate::timings::Recorder;
use crate::ui::Ui;
use crate::{progress, settings};

/// What a command has besides its settings.
pub(crate) struct Context<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) around: &'a Surroundings,
    pub(crate) timings: Recorder,
}

impl Context<'_> {
    /// Runs `work`, which runs `graph` and tells the sink what it does; the user sees it as this session's output is to
    /// look.
    pub(crate) fn watch<R>(&self, graph: &Graph, work: impl FnOnce(&dyn Sink) -> R) -> R {
        progress::watch(self.ui, |sink| self.timings.graph(graph, sink, work))
    }
}

/// From the command line to the exit code.
pub(crate) fn main(line: Vec<OsString>, around: &Surroundings) -> Exit {
    let args = match Args::try_parse_from(line) {
        Ok(args) => args,
        Err(error) => return help_or_usage_error(&error, around),
    };
    let look = match settings::look(&args, around) {
        Ok(look) => look,
        Err(error) => {
            Ui::of_process(settings::look_without_arguments(around), around).error(&error);
            return error.exit();
        }
    };
    let ui = Ui::of_process(look, around);
    let ctx = Context { ui: &ui, around, timings: Recorder::default() };
    let exit = settings::command(args, around).and_then(|command| dispatch(&ctx, command)).unwrap_or_else(|error| {
        ui.error(&error);
        error.exit()
    });
    ui.message(&Message::End { exit: exit.name(), exit_code: exit.code() });
    finish(&ui, exit)
}

fn dispatch(ctx: &Context<'_>, command: settings::Command) -> Result<Exit, CommandError> {
    use settings::Command;
    match command {
        Command::Build(build) => build::run(ctx, &build),
        Command::Install(install) => install::run(ctx, &install),
        Command::Lock(locking) => lock::run(ctx, &locking),
        Command::Tree(subject) => tree::tree(ctx, &subject),
        Command::Why(why) => tree::why(ctx, &why),
        Command::Check(subject) => tree::check(ctx, &subject),
        Command::Run(run) => run::run(ctx, &run),
        Command::Test(test) => test::run(ctx, &test),
        Command::Exec(exec) => enter::exec(ctx, &exec),
        Command::Shell(shell) => enter::shell(ctx, &shell),
        Command::Toolchain(toolchain) => toolchain::run(ctx, &toolchain),
        Command::Inspect(inspect) => inspect::run(ctx, &inspect),
        Command::Store(store) => store::run(ctx, &store),
        Command::Doctor(doctor) => doctor::run(ctx, &doctor),
        Command::TargetList => Ok(target::list(ctx)),
        Command::Completions(shell) => Ok(completions::run(ctx, shell)),
        Command::Man(words) => man::run(ctx, &words),
    }
}

/// Help and version are results; everything else clap has to say is a usage error.
fn help_or_usage_error(error: &clap::Error, around: &Surroundings) -> Exit {
    let ui = Ui::of_process(settings::look_without_arguments(around), around);
    let text = error.render();
    let (out_colored, err_colored) = ui.colored();
    if error.use_stderr() {
        ui.raw_error(styled(&text, err_colored));
        return Exit::Usage;
    }
    ui.print(styled(&text, out_colored));
    finish(&ui, Exit::Done)
}

fn styled(text: &clap::builder::StyledStr, colored: bool) -> String {
    if colored { text.ansi().to_string() } else { text.to_string() }
}

/// The exit code, unless the results could not be written.
fn finish(ui: &Ui, exit: Exit) -> Exit {
    match ui.finish() {
        Ok(()) => exit,
        Err(failure) => {
            ui.error(&CommandError::environment("cannot write the results to standard output").cause(failure));
            Exit::Environment
        }
    }
}
