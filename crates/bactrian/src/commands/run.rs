//! `bactrian run`: builds a project and runs one of its programs, under the target's runner.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plan::target::{Runner, Target};

use super::Context;
use super::build::{self, Delivered};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::settings::Run;
use crate::surroundings::Env;

pub(crate) fn run(ctx: &Context<'_>, settings: &Run) -> Result<Exit, CommandError> {
    let target = settings.target;
    // Looked for first: nobody wants to wait for a build that cannot be run.
    let runner = find_runner(ctx, target)?;
    let output = settings.project.join("dist");
    let delivered = build::build(ctx, &settings.project, &[target.into()], &settings.means, &output)?;
    let programs: Vec<_> = delivered.into_iter().flat_map(|(_, programs)| programs).collect();
    let program = choose(&programs, settings.bin.as_deref())?;
    let line = under(runner, target, &program.file)?;
    let mut line = line.into_iter();
    let Some(first) = line.next() else { return Err(CommandError::bug("nothing to run")) };
    let status = Command::new(&first).args(line).args(&settings.arguments).status().map_err(|error| {
        CommandError::environment(format_args!("cannot start {}", Path::new(&first).display())).cause(error)
    })?;
    Ok(Exit::of_program(status))
}

/// Who runs the target's programs here: nobody in between, or an emulator.
fn find_runner(ctx: &Context<'_>, target: Target) -> Result<Option<PathBuf>, CommandError> {
    let name = match target.runner_on(ctx.around.machine) {
        Runner::Native => return Ok(None),
        Runner::Qemu(name) => name,
        Runner::Wine => {
            return wine(&ctx.around.env).map(Some).ok_or_else(|| {
                CommandError::environment(format_args!("wine is needed to run programs for {target}, and is not here"))
                    .hint("`apt-get install wine64` (Debian, Ubuntu) or `dnf install wine` (Fedora) brings it")
            });
        }
        Runner::None => {
            return Err(CommandError::environment(format_args!("nothing here runs programs for {target}"))
                .hint(format_args!("`bactrian build --target {target}` makes them all the same")));
        }
    };
    let names = [name.to_owned(), format!("{name}-static")];
    let places = ctx.around.env.path();
    let found = places.iter().flat_map(|place| names.iter().map(|name| place.join(name))).find(|file| file.is_file());
    found.map(Some).ok_or_else(|| {
        CommandError::environment(format_args!("`{name}` is needed to run programs for {target}, and is not in PATH"))
            .hint("`apt-get install qemu-user` (Debian, Ubuntu) or `dnf install qemu-user` (Fedora) brings it")
    })
}

/// wine for 64-bit programs: in a directory of PATH, or where Debian has it, which puts none there: in `lib` beside one.
pub(super) fn wine(env: &Env) -> Option<PathBuf> {
    let names = ["wine64", "wine", "../lib/wine/wine64"];
    env.path().into_iter().flat_map(|place| names.map(|name| place.join(name))).find(|file| file.is_file())
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

/// The command line for `program`. A dynamic program under an emulator needs its own loader and libraries.
fn under(runner: Option<PathBuf>, target: Target, program: &Path) -> Result<Vec<OsString>, CommandError> {
    let Some(emulator) = runner else { return Ok(vec![program.into()]) };
    let mut line: Vec<OsString> = vec![emulator.into()];
    let bytes = fs::read(program)
        .map_err(|error| CommandError::environment(format_args!("cannot read {}", program.display())).cause(error))?;
    if let Some(loader) = super::fit::interpreter(&bytes) {
        let sysroot = PathBuf::from("/usr").join(target.spec().gnu_triple);
        if sysroot.join(loader.trim_start_matches('/')).exists() {
            line.extend(["-L".into(), sysroot.into_os_string()]);
        } else if !Path::new(&loader).exists() {
            return Err(CommandError::environment(format_args!(
                "{} is dynamic: running it needs the target's {loader}",
                program.display()
            ))
            .hint("`apt-get install libc6-arm64-cross` (Debian, Ubuntu) brings glibc for arm64")
            .hint("a program for a musl target is static and needs nothing"));
        }
    }
    line.push(program.into());
    Ok(line)
}

#[cfg(test)]
mod tests {
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
