//! Failures of the libraries, as the user is told of them: one place for every sentence about a run that failed.

use std::error::Error;

use action::digest::BlobDigest;
use action::outcome::{Outcome, Status};
use exec::capture::CaptureError;
use exec::engine::{NodeError, RunError};
use exec::fetch::{Cause, FetchError};
use exec::local::{LocalError, STDERR, STDOUT};
use exec::sandbox::StageError;
use exec::store::{Store, StoreError};

use plan::clib::Library;
use plan::closure::ClosureError;
use plan::planner::PlanError;

use crate::error::{CommandError, Kind};

/// How many lines of a failed command's output are shown.
const LOG_LINES: usize = 30;
/// How many characters of a failed command are shown.
const COMMAND_LENGTH: usize = 160;

/// A goal that could not be made.
pub(crate) fn run(error: &RunError, logs: &Store) -> CommandError {
    let label = &error.label;
    match &error.cause {
        NodeError::Fetch(cause) => fetch(label, cause),
        NodeError::Unpack(cause) => CommandError::environment(format_args!("cannot unpack {label}"))
            .caused_by(cause)
            .hint("the archive has the right checksum, so this is a defect of Bactrian or of this machine's disk"),
        NodeError::Capture(CaptureError::Absent(path)) => {
            CommandError::environment(format_args!("{label}: {} is gone", path.display()))
        }
        NodeError::Capture(cause) => capture(cause),
        NodeError::Store(cause) => store(cause),
        NodeError::Local(cause) => local(label, cause),
        NodeError::Action { outcome, kept, .. } => action(label, outcome, kept.as_deref(), logs),
        NodeError::Refused(cause) => refused(label, cause.as_ref()),
        NodeError::Remote(cause) => remote::failed(Some(label), cause),
        NodeError::Stopped => CommandError::environment(format_args!("stopped while making {label}")),
        NodeError::Compose(_) | NodeError::Kind => {
            CommandError::bug(format_args!("cannot put together {label}")).caused_by(&error.cause)
        }
    }
}

/// A package's result that nothing may be linked with.
fn refused(label: &str, cause: &(dyn Error + 'static)) -> CommandError {
    let told = CommandError::build(format_args!("{label}: the result is not for the target")).caused_by(cause);
    if cause.is::<crate::leaks::Leak>() {
        return told
            .hint("the package compiles for the machine it is built on: it needs a quirk (docs/design/packages.md)");
    }
    told
}

/// A closure that cannot be planned.
pub(crate) fn closure(error: &ClosureError) -> CommandError {
    match error {
        ClosureError::Cycle(cycle) => {
            CommandError::new(Kind::NoSolution, "packages wait for each other").cause(crate::unsolved::circle(&cycle.0))
        }
        ClosureError::UnknownConf { conf, wanted_by } => {
            let names: Vec<_> = wanted_by.iter().map(ToString::to_string).collect();
            let told = CommandError::build(error);
            let told = if names.is_empty() { told } else { told.cause(format_args!("wanted by {}", names.join(", "))) };
            let known = Library::ALL.map(|library| library.facts().name).join(", ");
            told.hint(format_args!("C libraries that are known: {known}")).hint(format_args!(
                "to supply another, put a package `{conf}` with `url` and `build:` of its own into a repository and name that \
                 with `--repo DIR` before the others (docs/reference/libraries.md)"
            ))
        }
        ClosureError::Unavailable { name, .. } => CommandError::build(error).hint(format_args!(
            "`bactrian why {name}` says what wants it; docs/reference/exceptions.md lists all such packages"
        )),
        ClosureError::Instructions(_) | ClosureError::Absent { .. } => CommandError::build(error),
        ClosureError::Plan(PlanError::NoEmulator { .. }) => CommandError::build(error)
            .hint("its quirk says `run-under-emulator`: for this target it is to be built in another way (docs/reference/quirks.md)"),
        ClosureError::Plan(PlanError::NoLibrary { library, target }) => {
            CommandError::build(format_args!("{library} is not known to build for {target}")).hint(
                "to supply it, put a package of its `conf-` package's name, with `url` and `build:`, into a repository and name \
                 that with `--repo DIR` before the others (docs/reference/libraries.md)",
            )
        }
        ClosureError::Plan(_) => CommandError::bug("the plan is wrong").caused_by(error),
    }
}

/// What to do about a full disk, whoever met it.
const FREE_SPACE: &str = "free some space: `bactrian store gc --max-size 2G` deletes what was not used for longest";

/// The store cannot be used.
pub(crate) fn store(error: &StoreError) -> CommandError {
    let told = CommandError::environment("the store cannot be used").caused_by(error);
    match error {
        StoreError::ReadOnly { .. } => told.hint("give another directory with --store or BACTRIAN_STORE"),
        StoreError::NoSpace { .. } => told.hint(FREE_SPACE),
        StoreError::Permission { .. } => {
            told.hint("it must be yours: change its owner, or give another with --store or BACTRIAN_STORE")
        }
        StoreError::Corrupt { .. } | StoreError::Missing { .. } => {
            told.hint("`bactrian store verify --repair` deletes what is damaged, so that it is made again")
        }
        _ => told,
    }
}

fn fetch(label: &str, error: &FetchError) -> CommandError {
    let mut told = CommandError::environment(format_args!("no place has {label}"));
    for attempt in &error.attempts {
        told = told.cause(format_args!("{} ({}): {}", attempt.place, attempt.source, attempt.cause));
    }
    let offline = error.attempts.iter().any(|attempt| attempt.cause == Cause::Offline);
    let missing = error.attempts.iter().find_map(|attempt| match &attempt.cause {
        Cause::ToolMissing { tool, package } => Some((tool, package)),
        _ => None,
    });
    if offline {
        told = told.hint("leave out --offline, or name a directory that has it with --mirror");
    }
    if let Some((tool, package)) = missing {
        told = told.hint(format_args!("`apt-get install {package}` brings {tool}"));
    }
    if error.attempts.iter().any(|attempt| matches!(attempt.cause, Cause::Mismatch { .. })) {
        told = told.hint("a file with another checksum is never used: the place has been changed, or is damaged");
    }
    if error.attempts.iter().any(|attempt| matches!(attempt.cause, Cause::DiskFull { .. })) {
        told = told.hint(FREE_SPACE);
    }
    told
}

fn capture(error: &CaptureError) -> CommandError {
    CommandError::environment("the base image cannot be made of this machine's tools")
        .caused_by(error)
        .hint("`bactrian doctor` lists everything that is missing, and how to get it")
}

fn local(label: &str, error: &LocalError) -> CommandError {
    match error {
        LocalError::Store(cause) => store(cause),
        LocalError::NoRoot { message } => no_root(message),
        LocalError::Stage(StageError::Store(cause)) => store(cause),
        LocalError::Stage(_) | LocalError::Io { .. } => {
            let told = CommandError::environment(format_args!("cannot run {label}")).caused_by(error);
            hint_about_space(told, error)
        }
    }
}

/// A root cannot be staged, or not be left in order.
pub(crate) fn stage(error: &StageError) -> CommandError {
    match error {
        StageError::Store(cause) => store(cause),
        StageError::Io { .. } => {
            hint_about_space(CommandError::environment("cannot lay out the root").caused_by(error), error)
        }
    }
}

/// This machine has no way to give a process a root of its own.
pub(crate) fn no_root(message: &str) -> CommandError {
    let told = CommandError::environment("this machine does not let a process have a root of its own")
        .cause(message)
        .hint("allow user namespaces: sysctl -w user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0");
    if rustix::process::geteuid().is_root() {
        return told
            .hint("in a container, give it CAP_SYS_CHROOT and CAP_MKNOD, which plain chroot needs, or `--privileged`");
    }
    told.hint("or run bactrian as root")
}

fn hint_about_space(told: CommandError, error: &(dyn Error + 'static)) -> CommandError {
    let mut next = Some(error);
    while let Some(error) = next {
        let full = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if full == Some(std::io::ErrorKind::StorageFull) {
            return told.hint(FREE_SPACE);
        }
        next = error.source();
    }
    told
}

fn action(label: &str, outcome: &Outcome, kept: Option<&str>, logs: &Store) -> CommandError {
    let [stdout, stderr] = [outcome.stdout, outcome.stderr].map(|log| text(logs, log));
    let (stderr, step) = failed_step(&stderr);
    let told = match &outcome.status {
        Status::Infrastructure(message) => {
            return CommandError::environment(format_args!("cannot run {label}")).cause(message);
        }
        Status::TimedOut => CommandError::build(format_args!("{label}: took longer than its limit")),
        Status::NoOutput => CommandError::build(format_args!("{label}: ended well, but left no output")),
        Status::Exit(code) => match step {
            Some(Step { command, how }) => CommandError::build(format_args!("{label}: `{command}` failed: {how}")),
            None => CommandError::build(format_args!("{label}: failed with exit code {code}")),
        },
        Status::Success | Status::Cancelled => CommandError::build(format_args!("{label}: stopped")),
    };
    let told = [stdout.as_str(), stderr].into_iter().filter_map(tail).fold(told, CommandError::cause);
    let Some(id) = kept else { return told };
    let told = match whole_logs(logs, id).as_slice() {
        [] => told,
        paths => told.hint(format_args!("all it wrote is in {}", paths.join(" and "))),
    };
    told.hint(format_args!("`bactrian shell --failed {id}` goes where it failed"))
}

fn text(logs: &Store, log: BlobDigest) -> String {
    String::from_utf8_lossy(&logs.read(log).unwrap_or_default()).into_owned()
}

/// The command of a recipe that failed, as the builder tells it.
struct Step<'t> {
    command: String,
    how: &'t str,
}

/// What commands wrote to standard error, and what the builder says in the last line of it: `bactrian-builder: step 2
/// (make all): exit 2`. Any other last word of the builder's stays where it is.
fn failed_step(stderr: &str) -> (&str, Option<Step<'_>>) {
    let trimmed = stderr.trim_end();
    let begin = trimmed.rfind('\n').map_or(0, |end| end + 1);
    let (before, last) = trimmed.split_at(begin);
    let step = last.strip_prefix("bactrian-builder: step ").and_then(|rest| {
        let (_number, rest) = rest.split_once(" (")?;
        let (command, how) = rest.rsplit_once("): ")?;
        Some(Step { command: shortened(command), how })
    });
    match step {
        Some(step) => (before, Some(step)),
        None => (stderr, None),
    }
}

/// The beginning of a command: a script in an argument would hide everything else.
fn shortened(command: &str) -> String {
    match command.char_indices().nth(COMMAND_LENGTH) {
        Some((end, _)) => format!("{}…", command.get(..end).unwrap_or_default()),
        None => command.to_owned(),
    }
}

/// The files that a failed action's output is kept in, those that are not empty.
fn whole_logs(store: &Store, id: &str) -> Vec<String> {
    let Ok(Some(kept)) = store.kept(id) else { return Vec::new() };
    let files = [STDOUT, STDERR].map(|name| kept.root.join(name));
    let full = files.into_iter().filter(|file| file.metadata().is_ok_and(|about| about.len() > 0));
    full.map(|file| file.display().to_string()).collect()
}

/// The last lines of a log, if there are any.
fn tail(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..)?;
    (!last.is_empty()).then(|| last.join("\n"))
}

pub(crate) mod remote;

#[cfg(test)]
mod tests;
