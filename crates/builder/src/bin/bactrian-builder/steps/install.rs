//! Installing what an `.install` file lists. Not here: reading its syntax (`builder::install`).

use std::fs;
use std::path::{Path, PathBuf};

use builder::install::{self, Entry, InstallError, Section};
use builder::{Bytes, Step};

use super::{files, native};
use crate::failure::{Doing, Failure, Outcome};

/// Carries out a `Step::Install`.
pub(crate) fn install(step: &Step) -> Outcome<()> {
    let Step::Install { file, package, prefix, source } = step else { return Ok(()) };
    let path = native(file);
    let text = fs::read(path).doing("read", path)?;
    let refuse = |error: InstallError| {
        Failure::Edit(format!("{}, line {}: {error}", path.display(), install::line_of(&text, error.span.start)))
    };
    for entry in install::parse(&text).map_err(refuse)? {
        let target = entry.target(package, prefix).map_err(refuse)?;
        let line = install::line_of(&text, entry.span.start);
        let Some((from, to)) = resolve(&entry, native(source), &native(prefix).join(native(&target))) else {
            if entry.optional {
                continue;
            }
            return Err(Failure::Edit(format!("{}, line {line}: there is no file {:?}", path.display(), entry.source)));
        };
        // Of two files for one place opam keeps the later: ocamlfind lists its byte code program, then its native one.
        files::install(&from, &to, entry.section.is_executable())?;
    }
    Ok(())
}

/// The file and its place. Programs for Windows may be listed without their `.exe`.
fn resolve(entry: &Entry, source: &Path, to: &Path) -> Option<(PathBuf, PathBuf)> {
    let from = source.join(native(&entry.source));
    if from.is_file() {
        return Some((from, to.to_path_buf()));
    }
    let is_program = matches!(entry.section, Section::Bin | Section::Sbin | Section::Libexec | Section::LibexecRoot);
    let with_exe = |path: &Path| path.as_os_str().to_os_string().into_encoded_bytes();
    let exe = source.join(native(&Bytes::from([with_exe(&from).as_slice(), b".exe"].concat())));
    if !is_program || !exe.is_file() {
        return None;
    }
    let named = to.extension().is_some_and(|extension| extension == "exe");
    let to = if named {
        to.to_path_buf()
    } else {
        PathBuf::from(native(&Bytes::from([with_exe(to).as_slice(), b".exe"].concat())))
    };
    Some((exe, to))
}
