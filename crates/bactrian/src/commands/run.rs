//! `bactrian run`: builds a project and runs one of its programs, by the target's runner.
//!
//! Not here: which runner that is ([`crate::runner`]), and how it runs programs (`exec::runner`).

use exec::runner::Job;

use super::Context;
use super::build::{self, Delivered, Order};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::runner;
use crate::settings::Run;
use crate::workshop::Workshop;

pub(crate) fn run(ctx: &Context<'_>, settings: &Run) -> Result<Exit, CommandError> {
    let target = settings.target;
    let with = (ctx.around, settings.means.remote.as_ref());
    let found = runner::find(with, target, settings.runner.as_ref())?;
    let order = Order {
        project: &settings.project,
        goals: &[target.into()],
        runners: &[(target, settings.runner.clone())],
        means: &settings.means,
        output: &settings.project.join("dist"),
    };
    let delivered = build::build(ctx, &order)?;
    let programs: Vec<_> = delivered.into_iter().flat_map(|(_, programs)| programs).collect();
    let program = choose(&programs, settings.bin.as_deref())?;
    let workshop = Workshop::open(ctx, &settings.means)?;
    let runner = found.ready(&workshop, target, Some(&program.file))?;
    let job = Job { foreground: true, ..Job::new(&program.file, &settings.arguments) };
    let status = runner.run(job).map_err(|error| runner::tell(&error))?;
    Ok(Exit::of_program(status))
}

/// The program meant: the only one, or the one named.
fn choose<'p>(programs: &'p [Delivered], wanted: Option<&str>) -> Result<&'p Delivered, CommandError> {
    let names = || programs.iter().map(|program| program.name.as_str()).collect::<Vec<_>>().join(", ");
    match (programs, wanted) {
        ([], _) => Err(CommandError::usage("the project has no programs to run")),
        ([only], None) => Ok(only),
        (_, Some(wanted)) => programs.iter().find(|program| program.name == wanted).ok_or_else(|| {
            CommandError::usage(format_args!("the project has no program `{wanted}`"))
                .hint(format_args!("it has {}", names()))
        }),
        (_, None) => Err(CommandError::usage("the project has several programs")
            .hint(format_args!("say which with --bin: {}", names()))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_program_meant() {
        let program = |name: &str| Delivered { name: name.to_owned(), file: PathBuf::new() };
        let (none, one, two) = (vec![], vec![program("a")], vec![program("a"), program("b")]);
        assert_eq!(choose(&one, None).unwrap().name, "a");
        assert_eq!(choose(&two, Some("b")).unwrap().name, "b");
        for (programs, wanted) in [(&none, None), (&two, None), (&one, Some("b"))] {
            let Err(error) = choose(programs, wanted) else { panic!("{wanted:?} was found") };
            assert_eq!(error.exit(), Exit::Usage);
        }
    }
}
