//! What tests of foreign compilers share: programs of this machine that are looked for, and wine.
//!
//! Not here: what is expected of them.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use testkit::output;

/// Debian puts it in no PATH.
const WINE: &str = "/usr/lib/wine/wine64";

static PREFIX: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// The program of this name in PATH, or at this path; without it, a word about it.
pub(crate) fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: there is no `{name}`");
    }
    found
}

/// mingw gcc and what runs its programs.
pub(crate) fn mingw() -> Option<PathBuf> {
    found(WINE)?;
    found("x86_64-w64-mingw32-gcc")
}

/// What a program for Windows says, with lines that end as they do here.
pub(crate) fn wine(program: &Path) -> String {
    let mut line = Command::new(WINE);
    line.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("HOME", PREFIX.path());
    line.env("WINEPREFIX", PREFIX.path().join("wine")).env("WINEDEBUG", "-all").current_dir(PREFIX.path());
    output(line.arg(program)).unwrap_or_else(|error| panic!("{error}")).replace("\r\n", "\n")
}
