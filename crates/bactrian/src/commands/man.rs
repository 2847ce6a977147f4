//! `bactrian man`: manual pages, made from what `--help` knows.

use super::Context;
use crate::args;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::text;

pub(crate) fn run(ctx: &Context<'_>, words: &[String]) -> Result<Exit, CommandError> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(find(words)?).render(&mut page);
    rendered.map_err(|error| CommandError::bug("the manual page cannot be made").caused_by(&error))?;
    ctx.ui.print(String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}

fn find(words: &[String]) -> Result<clap::Command, CommandError> {
    let mut command = args::command();
    command.build();
    for word in words {
        let Some(inner) = command.find_subcommand(word).cloned() else {
            let names = command.get_subcommands().map(clap::Command::get_name);
            let error = CommandError::usage(format_args!("`{}` has no command `{word}`", command.get_name()));
            return Err(match text::nearest(word, names) {
                Some(near) => error.hint(format_args!("did you mean `{near}`?")),
                None => error,
            });
        };
        command = inner;
    }
    Ok(command)
}
