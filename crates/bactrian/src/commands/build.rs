//! `bactrian build`: a project's programs, for each target, checked and put where the user wants them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use inspect::{Bits, Endian, Expectation, Format};
use plan::delivery::{self, Program, Wanted};
use plan::target::{self, Abi, Target};

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::Message;
use crate::project::Project;
use crate::settings::{Build, Means};
use crate::site::{Inside, Site};
use crate::timings;
use crate::workshop::Workshop;

/// A program that was delivered.
pub(crate) struct Delivered {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

pub(crate) fn run(ctx: &Context<'_>, settings: &Build) -> Result<Exit, CommandError> {
    let delivered = timings::written_to(ctx, settings.timings.as_deref(), "bactrian build", || {
        if settings.objects.is_empty() {
            build(ctx, &settings.project, &settings.targets, &settings.means, &settings.output)
        } else {
            super::objects::build(ctx, settings)
        }
    })?;
    for (target, programs) in delivered {
        if programs.is_empty() {
            ctx.ui.warning(format_args!("{target}: the project has no programs; its libraries were built"));
        }
        for program in programs {
            let target = target.to_string();
            let file = program.file.display().to_string();
            ctx.ui.message(&Message::Program { target: &target, name: &program.name, file: &file });
            if !ctx.ui.is_json() {
                ctx.ui.print(format_args!("{file}\n"));
            }
        }
    }
    Ok(Exit::Done)
}

/// Builds `project` and delivers its programs to `output/TARGET/`.
pub(crate) fn build(
    ctx: &Context<'_>,
    directory: &Path,
    targets: &[Target],
    means: &Means,
    output: &Path,
) -> Result<Vec<(Target, Vec<Delivered>)>, CommandError> {
    let project = Project::find(directory)?;
    let workshop = Workshop::open(ctx, means)?;
    let site = Site::open(ctx, &workshop, means, directory, (targets, project.wants))?;
    let jobs = means.jobs.get();
    let wanted = if project.has_packages { Wanted::Installed } else { Wanted::Everything };
    let ask = |wanted: &Wanted| -> Result<(), CommandError> {
        let at_once = if project.has_workspace { 1 } else { targets.len() };
        let mut chunks = targets.chunks(at_once.max(1));
        chunks.try_for_each(|some| {
            let names: Vec<_> = some.iter().map(ToString::to_string).collect();
            ctx.timings.step(&format!("dune build for {}", names.join(", ")), || {
                dune(&site, &delivery::dune_arguments(some, wanted, jobs))
            })
        })
    };
    ask(&wanted)?;
    let mut all: Vec<_> = targets.iter().map(|target| (*target, installed(&site, *target))).collect();
    if all.iter().all(|(_, programs)| programs.is_empty()) {
        if wanted == Wanted::Installed {
            ask(&Wanted::Everything)?;
        }
        for (target, programs) in &mut all {
            *programs = built(&site, *target);
        }
    }
    all.into_iter().map(|(target, programs)| Ok((target, deliver(&site, target, programs, output)?))).collect()
}

/// Runs dune inside; what it prints is shown as it prints it.
pub(super) fn dune(site: &Site<'_>, arguments: &[String]) -> Result<(), CommandError> {
    let arguments = std::iter::once("/host/bin/dune".into()).chain(arguments.iter().map(Into::into)).collect();
    let inside = Inside { arguments, terminal: false, environment: Vec::new() };
    let status = site.run(inside, |command| {
        // Standard output is for results.
        command.stdin(std::process::Stdio::null()).stdout(io::stderr());
    })?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(CommandError::build(format_args!("dune failed with exit code {code}"))),
        None => Err(CommandError::build(format_args!("dune was ended: {status}"))),
    }
}

/// Programs that the packages install.
fn installed(site: &Site<'_>, target: Target) -> Vec<Program> {
    let suffix = delivery::install_file_suffix(target);
    let Ok(entries) = fs::read_dir(site.build.join(delivery::context(target))) else { return Vec::new() };
    let lists = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(&suffix));
    let texts = lists.filter_map(|list| fs::read(list.path()).ok());
    let mut programs: Vec<_> = texts.flat_map(|text| delivery::programs(&text)).collect();
    programs.sort();
    programs
}

/// Executables that dune linked in the target's context.
fn built(site: &Site<'_>, target: Target) -> Vec<Program> {
    let context = delivery::context(target);
    let mut programs = Vec::new();
    let mut directories = vec![context];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(site.build.join(&directory)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let path = format!("{directory}/{name}");
            match (entry.file_type(), name.strip_suffix(".exe")) {
                (Ok(kind), _) if kind.is_dir() => directories.push(path),
                (Ok(_), Some(name)) => programs.push(Program { name: name.to_owned(), path }),
                _ => {}
            }
        }
    }
    programs.sort();
    programs
}

/// Checks programs and copies those that changed.
fn deliver(
    site: &Site<'_>,
    target: Target,
    programs: Vec<Program>,
    output: &Path,
) -> Result<Vec<Delivered>, CommandError> {
    let directory = output.join(target.to_string());
    let failed = |path: &Path, error: io::Error| {
        CommandError::environment(format_args!("cannot deliver {}", path.display())).cause(error)
    };
    let mut delivered = Vec::new();
    for program in programs {
        let built = site.build.join(&program.path);
        let bytes = fs::read(&built).map_err(|error| failed(&built, error))?;
        let file = directory.join(&program.name);
        if !is_script(&bytes) {
            check(&program.name, target, &bytes)?;
        }
        if fs::read(&file).ok().as_deref() != Some(&bytes) {
            fs::create_dir_all(&directory).map_err(|error| failed(&directory, error))?;
            write_file(&file, &bytes, true).map_err(|error| failed(&file, error))?;
        }
        delivered.push(Delivered { name: program.name, file });
    }
    Ok(delivered)
}

/// Packages may install scripts among their programs: those run wherever their interpreter is.
fn is_script(bytes: &[u8]) -> bool {
    bytes.starts_with(b"#!")
}

/// Makes the directory that `file` is to lie in.
pub(super) fn make_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Writes aside and renames, so that a running copy of a program is no hindrance and no half file is ever seen.
pub(super) fn write_file(file: &Path, bytes: &[u8], executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if executable { 0o755 } else { 0o644 };
    let mut aside = file.as_os_str().to_owned();
    aside.push(format!(".new-{}", std::process::id()));
    let written = fs::write(&aside, bytes)
        .and_then(|()| fs::set_permissions(&aside, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&aside, file));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Whether a package's file is one that a machine runs by itself: scripts and data in `bin` are nothing to be checked.
pub(super) fn is_object(bytes: &[u8]) -> bool {
    let expected = Expectation::default();
    !inspect::inspect(bytes).is_ok_and(|content| {
        inspect::check(&content, &expected).iter().any(|violation| violation.fault == inspect::Fault::NotAnObject)
    })
}

/// Every delivered program is what the target can run: architecture, word size, and no glibc newer than the floor.
pub(super) fn check(name: &str, target: Target, bytes: &[u8]) -> Result<(), CommandError> {
    let content = inspect::inspect(bytes).map_err(|error| {
        CommandError::build(format_args!("{name}: what was built for {target} cannot be read")).cause(error)
    })?;
    let violations = inspect::check(&content, &expectation(target));
    let Some(first) = violations.first() else { return Ok(()) };
    let told = CommandError::build(format_args!("{name}: what was built does not fit {target}"));
    let told = violations.iter().fold(told, |told, violation| told.cause(super::fit::words(violation)));
    Err(match first.fault {
        inspect::Fault::GlibcTooNew { .. } => {
            told.hint("a library of this machine was linked, or the code asks for a newer function: raise the floor")
        }
        _ => told.hint("a rule of the project compiles for the build machine: `bactrian exec` helps to find it"),
    })
}

/// What a program of `target` is.
pub(crate) fn expectation(target: Target) -> Expectation<'static> {
    let facts = target.cpu();
    Expectation {
        format: Some(match target.spec().object_format {
            target::ObjectFormat::Elf => Format::Elf,
            target::ObjectFormat::Pe => Format::Pe,
            target::ObjectFormat::MachO => Format::MachO,
        }),
        arch: Some(crate::leaks::arch(target)),
        bits: Some(if facts.bits == 64 { Bits::B64 } else { Bits::B32 }),
        endian: Some(match facts.endian {
            target::Endian::Little => Endian::Little,
            target::Endian::Big => Endian::Big,
        }),
        glibc_ceiling: target.glibc().map(|floor| {
            let (major, minor) = floor.numbers();
            (major.into(), minor.into())
        }),
        static_required: target.spec().abi == Abi::Musl,
        ..Expectation::default()
    }
}
