//! Which way to a root this machine offers. Not here: what a way means for staging, see [`super::stage`].

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{EXIT_NO_ROOT, StageError, io_error};
use crate::store::Store;

/// Exit code of the builder if it does not understand its command line.
const EXIT_USAGE: i32 = 91;

/// How a directory becomes the root of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In namespaces of its own: directories are joined by mounts, and the inputs cannot be written to.
    Joined,
    /// By `chroot` as root, where the kernel forbids namespaces: the root is staged whole, of hard links. Network, host name
    /// and the numbers of processes are the machine's, and nothing but convention guards the inputs.
    Whole,
}

/// Why there is no way.
#[derive(Debug, thiserror::Error)]
pub enum NoWay {
    /// The machine forbids all ways.
    #[error("{message}")]
    Forbidden {
        /// The builder's own words: each way's reason.
        message: String,
    },
    /// It could not be tried.
    #[error(transparent)]
    Stage(#[from] StageError),
}

/// The way of this machine, tried once per process, when first asked for. If there is none that is [`Way::Joined`]: the
/// builder will say why.
pub fn way(store: &Store, builder: &Path) -> Way {
    static WAY: OnceLock<Way> = OnceLock::new();
    *WAY.get_or_init(|| {
        // Nobody else may chroot, so there is nothing to be found out.
        if rustix::process::geteuid().is_root() { probe(store, builder).unwrap_or(Way::Joined) } else { Way::Joined }
    })
}

/// Tries the ways, with a program that does nothing.
///
/// # Errors
/// If none can be gone.
pub fn probe(store: &Store, builder: &Path) -> Result<Way, NoWay> {
    let scratch = store.scratch().map_err(StageError::from)?;
    let (root, inside) = (scratch.path().join("root"), scratch.path().join("inside"));
    for directory in [&root, &inside] {
        fs::create_dir(directory).map_err(io_error(directory))?;
    }
    let program = inside.join("builder");
    super::link_or_copy(builder, &program).map_err(io_error(&program))?;
    let enter = |way: &dyn Fn(&mut Command)| -> Result<Result<(), String>, StageError> {
        let mut command = Command::new(builder);
        command.env_clear().stdin(Stdio::null()).arg("enter").arg(&root);
        way(&mut command);
        // Without arguments the builder says how it is used: then it ran.
        let ended = command.args(["--", "/inside/builder"]).output().map_err(io_error(builder))?;
        Ok(match ended.status.code() {
            Some(EXIT_USAGE) => Ok(()),
            _ => Err(said(&ended)),
        })
    };
    let Err(message) = enter(&|command| {
        command.arg("--ro").arg(&inside).arg("/inside");
    })?
    else {
        return Ok(Way::Joined);
    };
    // The first attempt may have left its mount point.
    let moved = root.join("inside");
    let _ = fs::remove_dir(&moved);
    fs::rename(&inside, &moved).map_err(io_error(&moved))?;
    match enter(&|command| {
        command.args(["--mode", "chroot"]);
    })? {
        Ok(()) => Ok(Way::Whole),
        Err(_) => Err(NoWay::Forbidden { message }),
    }
}

/// Why the builder ended, in its own words.
fn said(ended: &std::process::Output) -> String {
    let text = String::from_utf8_lossy(&ended.stderr);
    let text = text.trim().trim_start_matches("bactrian-builder: ");
    match (ended.status.code(), text) {
        (Some(EXIT_NO_ROOT), text) if !text.is_empty() => text.to_owned(),
        (_, text) => format!("{} {text}", ended.status).trim_end().to_owned(),
    }
}
