//! wine: programs of Windows on Linux. Not here: finding wine.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::RunnerError;
use crate::store::Store;

/// In a directory that wine has finished.
const READY: &str = "bactrian-ready";

/// A command that wine runs.
pub(super) fn command(program: &Path, prefix: &Path) -> Command {
    let mut command = Command::new(program);
    // It would report on itself, look for a display, and offer to download .NET and a browser.
    command
        .env("WINEPREFIX", prefix)
        // Debian's wine keeps its server's socket in a directory there, and leaves it. Beside the prefix, all who use that meet one server.
        .env("TMPDIR", prefix)
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe=d")
        .env_remove("DISPLAY");
    command
}

/// The locale that wine is started in, where `variable` tells of none: in `C` it takes every letter beyond ASCII, in names of
/// files and in arguments, for a question mark.
pub(super) fn locale(variable: impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, &'static str)> {
    let said =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|text| !text.is_empty()));
    let plain = said.is_none_or(|text| text == OsStr::new("C") || text == OsStr::new("POSIX"));
    plain.then_some(("LC_ALL", "C.UTF-8"))
}

/// The directory that `program` takes for a Windows machine: one of the store's, shared by all that use it, made if there
/// is none. That takes a while, so `told` is called first; others wait.
///
/// # Errors
/// If wine cannot be started or fails, or the store cannot be written to.
pub fn prepare(store: &Store, program: &Path, told: impl FnOnce()) -> Result<PathBuf, RunnerError> {
    // One directory, by whatever way the program was found.
    let own = fs::canonicalize(program).map_err(|source| RunnerError::Read { path: program.to_owned(), source })?;
    let place = store.project(&own)?;
    let _guard = place.lock()?;
    let prefix = place.dir().join("wine");
    if prefix.join(READY).exists() {
        return Ok(prefix);
    }
    told();
    let written = |source| RunnerError::Read { path: prefix.clone(), source };
    if prefix.exists() {
        // Of a process that was killed.
        fs::remove_dir_all(&prefix).map_err(written)?;
    }
    fs::create_dir_all(&prefix).map_err(written)?;
    let mut command = command(program, &prefix);
    command.args(["wineboot", "--init"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status();
    let status = status.map_err(|source| RunnerError::Start { program: program.to_owned(), source })?;
    if !status.success() {
        return Err(RunnerError::Prefix { prefix, status });
    }
    fs::write(prefix.join(READY), "").map_err(|source| RunnerError::Read { path: prefix.clone(), source })?;
    Ok(prefix)
}
