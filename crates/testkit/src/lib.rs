//! Helpers for tests and developer commands: where things are, and running programs with nothing inherited by accident.
//!
//! Not here: anything the product uses.

#![forbid(unsafe_code)]

pub mod casd;
mod deadline;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub use deadline::{DEADLINE, has_time_for};

/// The checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    crates.map_or_else(PathBuf::new, Path::to_owned)
}

/// The optimised `bactrian` of this checkout, which `./test` and `./demo` build first.
///
/// # Errors
/// If it is not there.
pub fn bactrian() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from);
    let program = target.join("release/bactrian");
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("{} is not there: `cargo build --release -p bactrian` makes it", program.display()))
}

/// The store that tests and developers share: `BACTRIAN_STORE`, or where `bactrian` has it by default.
#[must_use]
pub fn store() -> PathBuf {
    let cache = || {
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("bactrian")
    };
    std::env::var_os("BACTRIAN_STORE").map_or_else(cache, PathBuf::from)
}

/// Whether this machine has the glibc of another CPU, where Debian's cross packages put it; said if not. `target` may name a floor, as
/// in `riscv64-linux-gnu.2.35`.
#[must_use]
pub fn has_glibc(target: &str) -> bool {
    let triple = target.split_once('.').map_or(target, |(triple, _)| triple);
    let has = Path::new("/usr").join(triple).join("lib/libc.so.6").exists();
    if !has {
        // Past the test runner, which shows nothing of tests that pass.
        let _ = writeln!(std::io::stderr(), "left out: {target}, for which this machine has no glibc");
    }
    has
}

/// A file of the folder that the project's workplace puts beside the checkout, if there is one.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    Some(checkout().parent()?.join("shared").join(path)).filter(|path| path.exists())
}

/// Variables of the machine that `bactrian` and its providers need; everything else is cleared.
const PASSED_ON: [&str; 11] = [
    "PATH",
    "HOME",
    "XDG_CACHE_HOME",
    "BACTRIAN_STORE",
    "BACTRIAN_MIRROR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "PIP_INDEX_URL",
    "npm_config_registry",
];

/// `program` in a small fixed environment.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C.UTF-8");
    let registries = |name: &str| name.to_lowercase().starts_with("npm_config_") || name.starts_with("PIP_");
    for (name, value) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PASSED_ON.contains(&name) || registries(name)) {
            command.env(name, value);
        }
    }
    command
}

/// Runs `command` to its end, which must be good; returns what it wrote to standard output.
///
/// # Errors
/// With everything it wrote, if it cannot be started or fails.
pub fn output(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let Output { status, stdout, stderr } = command.output().map_err(|error| format!("{shown}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if status.success() {
        return Ok(text(&stdout));
    }
    Err(format!("{shown}: {status}\n{}{}", text(&stdout), text(&stderr)))
}

/// Copies a directory of plain files, such as an example, so that a build leaves the original alone.
///
/// # Errors
/// If something cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "_build" || name == "dist" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to.join(&name))?;
        } else {
            std::fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// Makes the empty directory `to` a store with everything that has been made in [`store`], of hard links: what is done
/// to it leaves the other alone. `to` must be on the same file system.
///
/// # Errors
/// If something cannot be read or linked.
pub fn link_store(to: &Path) -> std::io::Result<()> {
    // What names others before what it names: another process may be adding to them.
    link_areas(&store(), to, &["ac", "memo", "cas"])
}

/// The same of these directories of the store `from` alone. Without `ac`, nothing has been made: there are sources.
///
/// # Errors
/// As [`link_store`].
pub fn link_areas(from: &Path, to: &Path, areas: &[&str]) -> std::io::Result<()> {
    // The rest, locks above all, is made by whoever opens it.
    areas.iter().try_for_each(|area| link_tree(&from.join(area), &to.join(area)))
}

/// A copy of a directory of the checkout, such as an example, so that nothing is built in there. It is gone with the first of the
/// two; the second is its path, which ends as `path` does.
///
/// # Errors
/// If something cannot be read or written.
pub fn copy_of(path: &str) -> std::io::Result<(TempDir, PathBuf)> {
    let temp = tempfile::tempdir()?;
    let name = Path::new(path).file_name().unwrap_or(OsStr::new("project"));
    let copy = temp.path().join(name);
    copy_tree(&checkout().join(path), &copy)?;
    Ok((temp, copy))
}

fn link_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_tree(&entry.path(), &to)?;
        } else {
            std::fs::hard_link(entry.path(), to)?;
        }
    }
    Ok(())
}
