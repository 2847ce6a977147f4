//! `bactrian build`: a project's programs, for each target, checked and put where the user wants them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use exec::runner::Service;
use inspect::{AppleVersion, Arch, Bits, Endian, Expectation, Format, universal};
use plan::delivery::{self, Program, Wanted};
use plan::runner::Choice;
use plan::target::{self, Abi, Goal, Target, Universal};

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::Message;
use crate::project::Project;
use crate::runner::{self, Found};
use crate::settings::{Build, Means};
use crate::site::{self, Purpose, Site};
use crate::timings;
use crate::workshop::Workshop;

/// A program that was delivered.
pub(crate) struct Delivered {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

pub(crate) fn run(ctx: &Context<'_>, settings: &Build) -> Result<Exit, CommandError> {
    let delivered = timings::written_to(ctx, settings.timings.as_deref(), "bactrian build", || {
        let Build { project, goals, runners, means, output, objects, .. } = settings;
        let order = Order { project, goals, runners, means, output };
        if objects.is_empty() { build(ctx, &order) } else { super::objects::build(ctx, &order, objects) }
    })?;
    for (goal, programs) in delivered {
        if programs.is_empty() {
            ctx.ui.warning(format_args!("{goal}: the project has no programs; its libraries were built"));
        }
        for program in programs {
            let target = goal.to_string();
            let file = program.file.display().to_string();
            ctx.ui.message(&Message::Program { target: &target, name: &program.name, file: &file });
            if !ctx.ui.is_json() {
                ctx.ui.print(format_args!("{file}\n"));
            }
        }
    }
    Ok(Exit::Done)
}

/// What is to be built, and where it goes: to `output/GOAL/`.
pub(crate) struct Order<'a> {
    pub(crate) project: &'a Path,
    pub(crate) goals: &'a [Goal],
    /// Targets, each with the runner that was said: some builds need one.
    pub(crate) runners: &'a [(Target, Option<Choice>)],
    pub(crate) means: &'a Means,
    pub(crate) output: &'a Path,
}

/// Builds a project and delivers its programs.
pub(crate) fn build(ctx: &Context<'_>, order: &Order<'_>) -> Result<Vec<(Goal, Vec<Delivered>)>, CommandError> {
    let Order { goals, means, output, .. } = *order;
    let mut targets = Vec::new();
    for target in goals.iter().flat_map(|goal| goal.targets()) {
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let targets = targets.as_slice();
    let project = Project::find(order.project)?;
    let workshop = Workshop::open(ctx, means)?;
    let mut built: BTreeMap<Target, Vec<Built>> = BTreeMap::new();
    for place in Place::open_all(ctx, &workshop, order, (&project, targets))? {
        built.extend(build_in(&place)?);
    }
    let deliver = |goal: &Goal| {
        let joined;
        let programs = match goal {
            Goal::One(target) => built.get(target).map(Vec::as_slice).unwrap_or_default(),
            Goal::Universal(universal) => {
                joined = join(universal, &built)?;
                &joined
            }
        };
        Ok((*goal, deliver(programs, &output.join(goal.to_string()))?))
    };
    goals.iter().map(deliver).collect()
}

/// A root for a project, and who runs the programs of targets in whose builds programs of theirs run.
pub(super) struct Place<'p> {
    pub(super) site: Site<'p>,
    ctx: &'p Context<'p>,
    project: &'p Project,
    jobs: usize,
    runners: Rc<[(Target, Found)]>,
}

impl<'p> Place<'p> {
    /// The roots for `targets`, of an order for a project.
    pub(super) fn open_all(
        ctx: &'p Context<'p>,
        workshop: &'p Workshop<'p>,
        order: &Order<'_>,
        (project, targets): (&'p Project, &[Target]),
    ) -> Result<Vec<Self>, CommandError> {
        let runners: Rc<[_]> = if project.wants.discovery { discoverers(ctx, order)? } else { Vec::new() }.into();
        let inside = runners.iter().map(|(target, found)| (*target, found.inside())).collect();
        let purpose = Purpose { runners: inside, ..Purpose::building(targets, project.wants) };
        let sites = Site::open_all(ctx, workshop, order.means, order.project, &purpose)?;
        let jobs = order.means.jobs.get();
        let place = |site| Self { site, ctx, project, jobs, runners: Rc::clone(&runners) };
        Ok(sites.into_iter().map(place).collect())
    }

    /// Has dune build what is wanted for all targets of the root.
    pub(super) fn make(&self, wanted: &Wanted) -> Result<(), CommandError> {
        let targets = self.site.targets.as_slice();
        // One runner at a time is asked from inside.
        let outside = self.runners.iter().any(|(_, found)| found.inside().is_outside());
        let at_once = if self.project.has_workspace || outside { 1 } else { targets.len() };
        targets.chunks(at_once.max(1)).try_for_each(|some| {
            let names: Vec<_> = some.iter().map(ToString::to_string).collect();
            let runner = self.runners.iter().find(|(target, _)| some == [*target]);
            let service = runner.map(|(target, found)| self.site.serve(found, *target)).transpose()?.flatten();
            let built = self.ctx.timings.step(&format!("dune build for {}", names.join(", ")), || {
                dune(&self.site, &delivery::dune_arguments(some, wanted, self.jobs))
            });
            // What could not be run has not failed.
            service.and_then(Service::end).map_or(built, |error| Err(runner::tell(&error)))
        })
    }
}

/// Builds in one root, for its targets.
fn build_in(place: &Place<'_>) -> Result<Vec<(Target, Vec<Built>)>, CommandError> {
    let site = &place.site;
    let targets = site.targets.as_slice();
    let wanted = if place.project.has_packages { Wanted::Installed } else { Wanted::Everything };
    place.make(&wanted)?;
    let mut all: Vec<_> = targets.iter().map(|target| (*target, installed(site, *target))).collect();
    if all.iter().all(|(_, programs)| programs.is_empty()) {
        if wanted == Wanted::Installed {
            place.make(&Wanted::Everything)?;
        }
        for (target, programs) in &mut all {
            *programs = built(site, *target);
        }
    }
    let read = |(target, programs): (Target, Vec<Program>)| {
        let programs = programs.iter().map(|program| read(site, target, program));
        Ok((target, programs.collect::<Result<_, _>>()?))
    };
    all.into_iter().map(read).collect()
}

/// The runners of targets in whose builds programs of theirs run.
fn discoverers(ctx: &Context<'_>, order: &Order<'_>) -> Result<Vec<(Target, Found)>, CommandError> {
    let with = (ctx.around, order.means.remote.as_ref());
    let find = |(target, choice): &(Target, Option<Choice>)| {
        let found = runner::find(with, *target, choice.as_ref());
        found.map(|found| (*target, found)).map_err(|error| {
            error.cause("a `(ctypes …)` stanza of the project runs programs of the target while it is built")
        })
    };
    order.runners.iter().map(find).collect()
}

/// Runs dune inside; what it prints is shown as it prints it.
fn dune(site: &Site<'_>, arguments: &[String]) -> Result<(), CommandError> {
    let arguments = std::iter::once("/host/bin/dune".into()).chain(arguments.iter().map(Into::into)).collect();
    let inside = site::Inside { arguments, terminal: false, environment: Vec::new() };
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

/// A program that was built.
struct Built {
    /// What it is called, without what file names of programs end in.
    name: String,
    /// The name of its file.
    file: String,
    bytes: Vec<u8>,
}

/// The program, after a look at it.
fn read(site: &Site<'_>, target: Target, program: &Program) -> Result<Built, CommandError> {
    let built = site.build.join(&program.path);
    let bytes = fs::read(&built).map_err(|error| not_delivered(&built, error))?;
    let script = is_script(&bytes);
    if !script {
        check(&program.name, target, &bytes)?;
    }
    let file = if script { program.name.clone() } else { file_name(&program.name, target) };
    let suffix = target.spec().os.exe_suffix();
    let name = program.name.strip_suffix(suffix).unwrap_or(&program.name).to_owned();
    Ok(Built { name, file, bytes })
}

/// The programs of several targets, each one file for all of them. Scripts are the same for all.
fn join(universal: &Universal, built: &BTreeMap<Target, Vec<Built>>) -> Result<Vec<Built>, CommandError> {
    let parts: Vec<_> = universal.targets().filter_map(|target| built.get(&target)).collect();
    let Some(first) = parts.first() else { return Ok(Vec::new()) };
    let mut joined = Vec::new();
    for Built { name, file, bytes } in *first {
        let same = parts.iter().filter_map(|programs| programs.iter().find(|other| other.name == *name));
        let files: Vec<&[u8]> = same.map(|program| program.bytes.as_slice()).collect();
        let bytes = if is_script(bytes) {
            bytes.clone()
        } else if files.len() == parts.len() {
            universal::join(&files).map_err(|error| {
                CommandError::build(format_args!("{name}: the programs cannot be one file for {}", universal.name))
                    .cause(error)
            })?
        } else {
            return Err(CommandError::build(format_args!("{name} was not built for all of {}", universal.name)));
        };
        joined.push(Built { name: name.clone(), file: file.clone(), bytes });
    }
    Ok(joined)
}

fn not_delivered(path: &Path, error: io::Error) -> CommandError {
    CommandError::environment(format_args!("cannot deliver {}", path.display())).cause(error)
}

/// Copies those programs that changed to `directory`.
fn deliver(programs: &[Built], directory: &Path) -> Result<Vec<Delivered>, CommandError> {
    let mut delivered = Vec::new();
    for program in programs {
        let file = directory.join(&program.file);
        if fs::read(&file).ok().as_ref() != Some(&program.bytes) {
            fs::create_dir_all(directory).map_err(|error| not_delivered(directory, error))?;
            write_file(&file, &program.bytes, true).map_err(|error| not_delivered(&file, error))?;
        }
        delivered.push(Delivered { name: program.name.clone(), file });
    }
    Ok(delivered)
}

/// What a program's file is called on the target. dune thinks of the machine it runs on.
pub(super) fn file_name(program: &str, target: Target) -> String {
    let suffix = target.spec().os.exe_suffix();
    if program.ends_with(suffix) { program.to_owned() } else { format!("{program}{suffix}") }
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

/// Every delivered program is what the target can run: architecture, word size, no glibc newer than the floor, and on
/// Windows no library that does not come with it.
pub(super) fn check(name: &str, target: Target, bytes: &[u8]) -> Result<(), CommandError> {
    let content = inspect::inspect(bytes).map_err(|error| {
        CommandError::build(format_args!("{name}: what was built for {target} cannot be read")).cause(error)
    })?;
    let libraries = plan::cc::system_libraries(target);
    let libraries: Option<Vec<&str>> = libraries.as_ref().map(|names| names.iter().map(String::as_str).collect());
    let expectation = Expectation { libraries: libraries.as_deref(), ..expectation(target) };
    let violations = inspect::check(&content, &expectation);
    let Some(first) = violations.first() else { return Ok(()) };
    let told = CommandError::build(format_args!("{name}: what was built does not fit {target}"));
    let told = violations.iter().fold(told, |told, violation| told.cause(super::fit::words(violation)));
    Err(match first.fault {
        inspect::Fault::GlibcTooNew { .. } => {
            told.hint("a library of this machine was linked, or the code asks for a newer function: raise the floor")
        }
        inspect::Fault::Library { .. } => {
            told.hint("programs for Windows hold all their libraries: link the static one (`libNAME.a`)")
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
        interpreter: target.spec().loader.map(|loader| loader.path),
        ..system(target)
    }
}

/// What only some systems ask of a program.
fn system(target: Target) -> Expectation<'static> {
    match target.spec().os {
        // Everything else would have to be brought along; frameworks are the system's too.
        target::Os::MacOs => Expectation {
            os: Some(inspect::Os::Apple(inspect::AppleOs::MacOs)),
            libraries: Some(&["/usr/lib/*", "/System/Library/*"]),
            apple_ceiling: Some(AppleVersion(13, 0, 0)),
            // Processors of other makers run programs without signature.
            signature_required: crate::leaks::arch(target) == Arch::Aarch64,
            ..Expectation::default()
        },
        target::Os::FreeBsd => Expectation { os: Some(inspect::Os::FreeBsd), ..Expectation::default() },
        target::Os::Linux | target::Os::Windows => Expectation::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_called_as_their_system_wants_it() {
        for (program, target, name) in [
            ("menhir", "x86_64-windows-gnu", "menhir.exe"),
            ("menhir.exe", "x86_64-windows-gnu", "menhir.exe"),
            ("menhir", "aarch64-linux-musl", "menhir"),
            ("ppx.exe", "aarch64-linux-musl", "ppx.exe"),
        ] {
            assert_eq!(file_name(program, target.parse().unwrap()), name);
        }
    }
}
