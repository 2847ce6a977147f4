//! What goes along with a program that runs elsewhere: the directory it runs in, with all below it.
//!
//! Links are followed, for what they lead to may not be there. Not here: how it goes (`ssh`, `farm`).

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Job, RunnerError};

/// A file or directory beside a program.
pub(super) struct Beside<'b> {
    /// Where it is here.
    pub(super) path: &'b Path,
    /// Its path in the directory; empty for that itself.
    pub(super) name: &'b Path,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
}

/// Has `take` take all that goes along with the program of `job`, a directory before what is in it; nothing, if the job has no
/// directory. The program itself is not among it.
pub(super) fn surroundings(job: &Job, mut take: impl FnMut(Beside<'_>) -> io::Result<()>) -> Result<(), RunnerError> {
    let Some(directory) = &job.directory else { return Ok(()) };
    // With the directories that each is below: a link to one of them would have no end.
    let mut ahead = vec![(directory.clone(), PathBuf::new(), Vec::new())];
    while let Some((path, name, mut above)) = ahead.pop() {
        above.push(identity(&fs::metadata(&path).map_err(at(&path))?));
        take(Beside { path: &path, name: &name, kind: Kind::Directory }).map_err(at(&path))?;
        for entry in fs::read_dir(&path).map_err(at(&path))? {
            let entry = entry.map_err(at(&path))?;
            let (path, name) = (entry.path(), name.join(entry.file_name()));
            // A link without a target and the compiler's own files are nothing that a program looks for.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let hidden = entry.file_name().as_bytes().starts_with(b".");
            if metadata.is_dir() && !hidden && !above.contains(&identity(&metadata)) {
                ahead.push((path, name, above.clone()));
            } else if metadata.is_file() && path != job.program {
                take(Beside { path: &path, name: &name, kind: Kind::File }).map_err(at(&path))?;
            }
        }
    }
    Ok(())
}

/// What tells a directory from all others of this machine.
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// What cannot be read.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> RunnerError {
    let path = path.to_owned();
    move |source| RunnerError::Read { path, source }
}
