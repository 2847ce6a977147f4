//! What tests of foreign compilers share: programs of this machine that are looked for, and wine.
//!
//! Not here: what is expected of them.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use exec::store::Store;
use testkit::output;

/// Debian puts it in no PATH.
const WINE: &str = "/usr/lib/wine/wine64";

/// The directory that wine takes for a Windows machine: that of `bactrian run`, in the store. One of the test's own, of
/// 700 MB, would outlive it: wine's server writes into it for seconds after the last program has ended.
static PREFIX: LazyLock<PathBuf> = LazyLock::new(|| {
    let store = Store::open(&testkit::store()).unwrap();
    exec::runner::prepare_wine(&store, Path::new(WINE), || ()).unwrap()
});

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

/// The command that starts `program` for Windows, as somebody does whose language is not English alone.
pub(crate) fn under_wine(program: &Path) -> Command {
    let mut line = Command::new(WINE);
    line.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("HOME", &*PREFIX);
    line.env("WINEPREFIX", &*PREFIX).env("TMPDIR", &*PREFIX).env("WINEDEBUG", "-all").arg(program);
    line
}

/// What a program for Windows says, with lines that end as they do here.
pub(crate) fn wine(program: &Path) -> String {
    let mut line = under_wine(program);
    output(line.current_dir("/")).unwrap_or_else(|error| panic!("{error}")).replace("\r\n", "\n")
}
