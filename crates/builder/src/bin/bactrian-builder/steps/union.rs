//! Merging the tree of a dependency into `/host` or `/target`. Not here: copies; what is merged stays where it is and is linked to.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::files;
use crate::failure::{Doing, Failure, Outcome};

/// Makes the directories of `from` below `to`, and in them a relative symbolic link to every file.
///
/// Symbolic links rather than hard links or copies: they cost no data, work across mounts and on every kind of staging, and are the same
/// everywhere; a hard link is impossible between two bind mounts, so it would be links on one machine and copies on another.
pub(crate) fn union(from: &Path, to: &Path) -> Outcome<()> {
    directory(from, to)?;
    for entry in fs::read_dir(from).doing("list", from)? {
        let entry = entry.doing("list", from)?;
        let (original, place) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().doing("examine", &original)?.is_dir() {
            union(&original, &place)?;
        } else {
            link(&original, &place)?;
        }
    }
    Ok(())
}

fn directory(from: &Path, to: &Path) -> Outcome<()> {
    match fs::symlink_metadata(to) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(conflict(from, to)),
        Err(error) if error.kind() == ErrorKind::NotFound => files::make_directory(to),
        Err(error) => Err(error).doing("examine", to),
    }
}

fn link(original: &Path, place: &Path) -> Outcome<()> {
    match std::os::unix::fs::symlink(relative(original, place), place) {
        Ok(()) => files::fix_time(place),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if same(original, place).doing("compare", place)? {
                Ok(())
            } else {
                Err(conflict(original, place))
            }
        }
        result => result.doing("make the link", place),
    }
}

/// Names both: the one to be linked, and the one that is there or that the link there leads to.
fn conflict(original: &Path, place: &Path) -> Failure {
    let there = fs::canonicalize(place).unwrap_or_else(|_| place.to_path_buf());
    Failure::Edit(format!(
        "cannot merge {} into {}: {} is there and differs",
        original.display(),
        place.display(),
        there.display()
    ))
}

/// Whether two files have the same contents and `x` bit, or are links to the same name.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    if let (Ok(one), Ok(other)) = (fs::canonicalize(one), fs::canonicalize(other))
        && one == other
    {
        return Ok(true);
    }
    let (Ok(one_data), Ok(other_data)) = (fs::metadata(one), fs::metadata(other)) else { return Ok(false) };
    let executable = |data: &fs::Metadata| data.permissions().mode() & 0o111 != 0;
    if !one_data.is_file()
        || !other_data.is_file()
        || one_data.len() != other_data.len()
        || executable(&one_data) != executable(&other_data)
    {
        return Ok(false);
    }
    same_contents(fs::File::open(one)?, fs::File::open(other)?)
}

fn same_contents(one: fs::File, other: fs::File) -> io::Result<bool> {
    let (mut one, mut other) = (io::BufReader::new(one).bytes(), io::BufReader::new(other).bytes());
    loop {
        match (one.next().transpose()?, other.next().transpose()?) {
            (None, None) => return Ok(true),
            (a, b) if a != b => return Ok(false),
            _ => {}
        }
    }
}

/// The way from the directory of `link` to `original`; both absolute.
fn relative(original: &Path, link: &Path) -> PathBuf {
    let base = link.parent().unwrap_or(link);
    let common = base.components().zip(original.components()).take_while(|(a, b)| a == b).count();
    let up = base.components().skip(common).map(|_| std::path::Component::ParentDir);
    up.chain(original.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_lead_to_the_original() {
        for (original, link, expected) in [
            ("/deps/a/lib/x", "/host/lib/x", "../../deps/a/lib/x"),
            ("/a", "/b", "a"),
            ("/h/a", "/h/b", "a"),
            ("/h/d/a", "/h/b", "d/a"),
        ] {
            assert_eq!(relative(original.as_ref(), link.as_ref()), Path::new(expected), "{link}");
        }
    }
}
