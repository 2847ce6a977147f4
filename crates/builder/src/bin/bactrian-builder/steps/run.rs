//! The step that runs a command. Not here: capturing what it prints; that goes where the builder's own output goes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use builder::Bytes;

use crate::failure::{Doing, Failure, Outcome};

/// How many things a command may do at once; what build systems are told with `-j`.
const JOBS: &str = "BACTRIAN_JOBS";

/// Runs a command and waits for it.
pub(crate) fn run(number: usize, argv: &[Bytes], cwd: &Path, env: &BTreeMap<Bytes, Bytes>) -> Outcome<()> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Failure::Usage(format!("step {number} runs nothing")));
    };
    // The system would blame the program for a missing directory.
    std::fs::metadata(cwd).doing("enter", cwd)?;
    let mut command = Command::new(OsStr::from_bytes(program));
    command.args(arguments.iter().map(|argument| OsStr::from_bytes(argument))).current_dir(cwd).stdin(Stdio::null());
    if std::env::var_os(JOBS).is_none() {
        command.env(JOBS, processors().to_string());
    }
    command.envs(env.iter().map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value))));
    let how = match command.status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => describe(status),
        Err(error) => format!("cannot be started: {error}"),
    };
    Err(Failure::Step { number, command: abbreviate(argv), how })
}

/// The processors this process may use, not those the machine has.
fn processors() -> u32 {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count()).max(1)
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended unaccountably".to_owned(),
    }
}

/// The beginning of a command line, on one line.
fn abbreviate(argv: &[Bytes]) -> String {
    const LIMIT: usize = 120;
    let words: Vec<String> = argv.iter().map(|word| word.escape_ascii().to_string()).collect();
    let line = words.join(" ");
    if line.len() <= LIMIT { line } else { format!("{}…", line.chars().take(LIMIT).collect::<String>()) }
}
