//! A file inside a tar archive, or inside a tar archive inside it.
//!
//! Debian's `*-source` packages hold upstream's archive in an uncompressed tar of their own, so a path may lead through
//! a file: `usr/src/x.tar/x/x.orig.tar.xz` is `x/x.orig.tar.xz` in the archive `usr/src/x.tar`. There is no doubt about
//! it, since a regular file has nothing below it.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::super::error::Cause;

/// Copies the member `path` of the tar archive `archive` to the file `to`.
pub(super) fn extract(archive: &Path, path: &str, to: &Path) -> Result<(), Cause> {
    let file = File::open(archive).map_err(|error| Cause::io(archive, &error))?;
    let mut output = File::create(to).map_err(|error| Cause::io(to, &error))?;
    let wanted = path.trim_start_matches("./").trim_start_matches('/');
    match find(&mut BufReader::new(file), wanted, &mut output) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Cause::NotFound),
        Err(error) => Err(Cause::io(to, &error)),
    }
}

/// Whether `wanted` was found and copied.
fn find(archive: &mut dyn Read, wanted: &str, to: &mut File) -> io::Result<bool> {
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let bytes = entry.path_bytes();
        let name = String::from_utf8_lossy(&bytes).into_owned();
        let name = name.trim_start_matches("./");
        if name == wanted {
            io::copy(&mut entry, to)?;
            return Ok(true);
        }
        let below = wanted.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
        if let Some(below) = below.filter(|_| !name.is_empty()) {
            return find(&mut entry, below, to);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_entry_type(if name.ends_with('/') {
                tar::EntryType::Directory
            } else {
                tar::EntryType::Regular
            });
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn members_and_members_of_members() {
        let dir = tempfile::tempdir().unwrap();
        let inner = archive(&[("x-1/", b""), ("x-1/series", b"s"), ("x-1/x.orig.tar.xz", b"upstream")]);
        let outer = archive(&[("usr/src/x-1.tar.old", b"old"), ("usr/src/x-1.tar", &inner), ("usr/doc", b"doc")]);
        let (data, to) = (dir.path().join("data"), dir.path().join("to"));
        fs::write(&data, outer).unwrap();
        for (path, bytes) in [
            ("usr/doc", b"doc".as_slice()),
            ("./usr/doc", b"doc"),
            ("/usr/src/x-1.tar", &inner),
            ("usr/src/x-1.tar/x-1/x.orig.tar.xz", b"upstream"),
        ] {
            extract(&data, path, &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), bytes, "{path}");
        }
        for absent in ["usr", "usr/src/", "usr/src/x-1.tar/x-1", "usr/src/x-1.tar/y", "series", "usr/src/x-1.ta"] {
            assert_eq!(extract(&data, absent, &to), Err(Cause::NotFound), "{absent}");
        }
        assert!(extract(&data, "usr/doc/below", &to).is_err());
        fs::write(&data, &fs::read(&data).unwrap()[..700]).unwrap();
        assert!(matches!(extract(&data, "usr/doc", &to), Err(Cause::Io { .. })));
    }
}
