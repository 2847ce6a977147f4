//! The commands: each takes its settings and the context, and says how the program ends.
//!
//! A command body is `pub(crate) fn run(ctx: &Context<'_>, settings: &settings::X) -> Result<Exit, CommandError>` in
//! its own module. It prints results with `ctx.ui`, runs graphs under [`Context::watch`], and returns errors: they are
//! printed here, once.

mod completions;
mod man;
mod target;

use std::ffi::OsString;

use clap::Parser as _;
use exec::event::Sink;

use crate::args::Args;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::Message;
use crate::surroundings::Surroundings;
use crate::ui::{Look, Ui};
use crate::{progress, settings};

/// What a command has besides its settings.
pub(crate) struct Context<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) around: &'a Surroundings,
}

impl Context<'_> {
    /// Runs `work`, which tells the sink what it does; the user sees it as this session's output is to look.
    pub(crate) fn watch<R>(&self, work: impl FnOnce(&dyn Sink) -> R) -> R {
        progress::watch(self.ui, work)
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
            Ui::of_process(Look::DEFAULT, around).error(&error);
            return error.exit();
        }
    };
    let ui = Ui::of_process(look, around);
    let ctx = Context { ui: &ui, around };
    let exit = settings::command(args, around).and_then(|command| dispatch(&ctx, command)).unwrap_or_else(|error| {
        ui.error(&error);
        error.exit()
    });
    ui.message(&Message::End { exit: exit.name(), exit_code: exit.code() });
    finish(&ui, exit)
}

fn dispatch(ctx: &Context<'_>, command: settings::Command) -> Result<Exit, CommandError> {
    use settings::Command;
    let missing = |name: &str| Err(CommandError::bug(format_args!("{name} is not hooked up")));
    match command {
        Command::Build(_) => missing("build"),
        Command::Run(_) => missing("run"),
        Command::Exec(_) => missing("exec"),
        Command::Shell(_) => missing("shell"),
        Command::Toolchain(_) => missing("toolchain"),
        Command::Inspect(_) => missing("inspect"),
        Command::Store(_) => missing("store"),
        Command::Doctor(_) => missing("doctor"),
        Command::TargetList => Ok(target::list(ctx)),
        Command::Completions(shell) => Ok(completions::run(ctx, shell)),
        Command::Man(words) => man::run(ctx, &words),
    }
}

/// Help and version are results; everything else clap has to say is a usage error.
fn help_or_usage_error(error: &clap::Error, around: &Surroundings) -> Exit {
    let ui = Ui::of_process(Look::DEFAULT, around);
    let text = error.render();
    let (out_colored, err_colored) = ui.colored();
    if error.use_stderr() {
        if err_colored {
            ui.raw_error(text.ansi())
        } else {
            ui.raw_error(text)
        }
        return Exit::Usage;
    }
    if out_colored {
        ui.print(text.ansi())
    } else {
        ui.print(text)
    }
    finish(&ui, Exit::Done)
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
