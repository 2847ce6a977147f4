//! What the providers have in common: the machine's own tool run in a private directory, and its failure as a fact.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;

use super::config::ToolConfig;
use super::error::Cause;
use super::http::Progress;
use crate::process::{self, Environment, Finished, Invocation, Limits, ProcessError};

/// How many of the last lines of a tool's complaints are kept.
const LAST_LINES: usize = 12;

/// The machine's tools.
pub(super) struct Tools<'a> {
    pub(super) config: &'a ToolConfig,
    pub(super) stop: &'a AtomicBool,
}

/// A program that may have to be installed first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// The Debian package that brings it.
    pub(super) package: &'static str,
}

/// One run of a tool.
pub(super) struct Call<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<OsString>,
    /// Where to run, and to keep temporary files.
    pub(super) directory: &'a Path,
    pub(super) output: Option<fs::File>,
    pub(super) progress: Progress<'a>,
}

impl Tools<'_> {
    pub(super) fn find(&self, tool: Tool) -> Result<PathBuf, Cause> {
        self.find_one(tool, &[tool.name]).map(|(path, _)| path)
    }

    /// The first of `names` in `PATH`, and which it was.
    pub(super) fn find_one(&self, tool: Tool, names: &[&'static str]) -> Result<(PathBuf, &'static str), Cause> {
        let found = names.iter().find_map(|name| Some((self.config.environment.find(name)?, *name)));
        found.ok_or(Cause::ToolMissing { tool: tool.name, package: tool.package })
    }

    /// Runs a tool to its end, whatever its exit status.
    pub(super) fn run(&self, call: Call<'_>) -> Result<Finished, Cause> {
        let environment: Environment = self.config.environment.clone().with("TMPDIR", call.directory);
        let (directory, progress) = (call.directory, call.progress);
        let tick = || progress(size_below(directory), None);
        let invocation = Invocation {
            program: call.program,
            arguments: call.arguments,
            directory,
            environment: &environment,
            output: call.output,
        };
        let limits = Limits { stop: self.stop, time: self.config.time, tick: &tick };
        process::run(invocation, &limits).map_err(|error| match error {
            ProcessError::Io { program, error } => Cause::io(&program, &error),
            ProcessError::Stopped => Cause::Stopped,
            ProcessError::Timeout(time) => Cause::Timeout(time),
        })
    }
}

impl Tool {
    /// The failure of a tool that ended with an exit status other than 0, run in `directory`.
    pub(super) fn failed(self, finished: &Finished, directory: &Path) -> Cause {
        let text = String::from_utf8_lossy(&finished.stderr);
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
        let full = last.iter().any(|line| line.contains("No space left on device") || line.contains("ENOSPC"));
        if full {
            return Cause::DiskFull { path: directory.to_path_buf() };
        }
        let stderr = last.iter().map(|line| (*line).to_owned()).collect();
        Cause::ToolFailed { tool: self.name, exit: finished.status.code(), stderr }
    }
}

/// A private directory inside `into`, removed with all a tool left there.
pub(super) fn private_directory(into: &Path) -> Result<TempDir, Cause> {
    tempfile::Builder::new().prefix("fetch-").tempdir_in(into).map_err(|error| Cause::io(into, &error))
}

/// A directory made in a private one.
pub(super) fn make_directory(path: &Path) -> Result<(), Cause> {
    fs::create_dir_all(path).map_err(|error| Cause::io(path, &error))
}

/// Whether a name or version out of metadata can only be taken for one by a tool: no option, path or URL.
pub(super) fn is_plain(text: &str, allowed: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || allowed.as_bytes().contains(&byte);
    text.bytes().all(inside) && text.as_bytes().first().is_some_and(|&first| first != b'-' && first != b'.')
}

/// Bytes in all files below a directory that a tool is filling; what vanishes meanwhile is not counted.
fn size_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
