//! Steps that change the contents of files: each must find what it changes, or it is an error. Not here: making and copying files.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use builder::patch::{self, FilePatch};

use super::{files, native};
use crate::failure::{Doing, Failure, Outcome};

/// Adds to the end of a file.
pub(crate) fn append(path: &Path, contents: &[u8]) -> Outcome<()> {
    let (mut text, executable) = read(path)?;
    text.extend_from_slice(contents);
    files::write(path, &text, executable)
}

/// Replaces every occurrence of `from` in a file.
pub(crate) fn substitute(path: &Path, from: &[u8], to: &[u8]) -> Outcome<()> {
    let (text, executable) = read(path)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    let mut found = false;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = after;
            found = true;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    if !found {
        return Err(Failure::Edit(format!(
            "cannot substitute in {}: it does not contain \"{}\"",
            path.display(),
            from.escape_ascii()
        )));
    }
    files::write(path, &out, executable)
}

/// Applies a patch to the files below a directory.
pub(crate) fn apply(file: &Path, dir: &Path, strip: u32) -> Outcome<()> {
    let text = fs::read(file).doing("read", file)?;
    let refuse = |why: String| Failure::Edit(format!("cannot apply {}: {why}", file.display()));
    for change in patch::parse(&text).map_err(|error| refuse(error.to_string()))? {
        let target = Target::of(&change, dir, strip).map_err(&refuse)?;
        let (contents, executable) = match &target.old {
            Some(old) => read(old)?,
            None => (Vec::new(), false),
        };
        let shown = target.new.as_ref().or(target.old.as_ref()).map_or(dir, |path| path);
        let contents = change.apply(&contents).map_err(|error| refuse(format!("{}: {error}", shown.display())))?;
        match &target.new {
            Some(new) => files::write(new, &contents, change.executable.unwrap_or(executable))?,
            None if contents.is_empty() => {}
            None => return Err(refuse(format!("{} is to be removed, but has other contents", shown.display()))),
        }
        if let Some(old) = target.old.filter(|old| target.new.as_ref() != Some(old)) {
            files::remove(&old)?;
        }
    }
    Ok(())
}

/// Which file is read and which is written.
struct Target {
    old: Option<PathBuf>,
    new: Option<PathBuf>,
}

impl Target {
    fn of(change: &FilePatch, dir: &Path, strip: u32) -> Result<Self, String> {
        let place = |name: &Option<builder::Bytes>| match name {
            None => Ok(None),
            Some(name) => below(dir, name, strip).map(Some),
        };
        let (old, new) = (place(&change.old)?, place(&change.new)?);
        match (old, new) {
            (Some(old), Some(new)) if change.renamed => Ok(Self { old: Some(old), new: Some(new) }),
            // Two spellings of one file, such as `x.ml.orig` and `x.ml`: the one that is there.
            (Some(old), Some(new)) => match [new, old].into_iter().find(|path| path.is_file()) {
                Some(path) => Ok(Self { old: Some(path.clone()), new: Some(path) }),
                None => Err(format!("there is no file {:?}", change.new)),
            },
            (None, Some(new)) if new.exists() => Err(format!("{} is to be created, but is there", new.display())),
            (Some(old), None) if !old.is_file() => Err(format!("{} is to be removed, but is not there", old.display())),
            (old, new) => Ok(Self { old, new }),
        }
    }
}

fn below(dir: &Path, name: &builder::Bytes, strip: u32) -> Result<PathBuf, String> {
    let inside = patch::strip_components(name, strip).map(builder::Bytes::from);
    let inside = inside.ok_or_else(|| format!("{name:?} has nothing left without {strip} components"))?;
    let relative = native(&inside);
    let plain = relative
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if plain { Ok(dir.join(relative)) } else { Err(format!("{name:?} leads out of the directory")) }
}

fn read(path: &Path) -> Outcome<(Vec<u8>, bool)> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::Edit(format!("cannot edit {}: there is no such file", path.display())));
        }
        result => result.doing("read", path)?,
    };
    Ok((fs::read(path).doing("read", path)?, metadata.permissions().mode() & 0o111 != 0))
}
