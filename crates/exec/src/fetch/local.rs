//! Files that are on this machine already: mirror directories and `file:` URLs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::Cause;
use super::http::Progress;
use super::partial::{CHUNK, Partial};

/// Copies a file, hashing it on the way.
pub(super) fn copy(from: &Path, to: &mut Partial, stop: &AtomicBool, progress: Progress<'_>) -> Result<(), Cause> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Cause::NotFound,
        _ => Cause::io(from, &error),
    };
    let mut file = File::open(from).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let mut buffer = vec![0; CHUNK];
    to.restart(None)?;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Cause::Stopped);
        }
        let read = file.read(&mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        to.append(bytes)?;
        progress(to.len(), Some(total));
    }
}

/// The path that a `file:` URL names; none if it is no such URL.
pub(super) fn path_of(url: &str) -> Option<Result<PathBuf, Cause>> {
    let scheme = url.get(..5)?;
    let rest = url.get(5..).filter(|_| scheme.eq_ignore_ascii_case("file:"))?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    Some(if path.starts_with('/') {
        percent_decoded(path).ok_or_else(|| Cause::Unusable(format!("`{url}` is not well escaped")))
    } else {
        Err(Cause::Unusable(format!("`{url}` names a file of another host or no absolute path")))
    })
}

fn percent_decoded(text: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_urls() {
        for (url, path) in [
            ("file:///a/b", "/a/b"),
            ("FILE:///a", "/a"),
            ("file:/a/b", "/a/b"),
            ("file://localhost/a", "/a"),
            ("file:///a%20b%2Bc+d", "/a b+c+d"),
        ] {
            assert_eq!(path_of(url), Some(Ok(PathBuf::from(path))), "{url}");
        }
        for url in ["file://host/a", "file:a", "file:", "file:///a%", "file:///a%4", "file:///a%zz"] {
            assert!(matches!(path_of(url), Some(Err(Cause::Unusable(_)))), "{url}");
        }
        for url in ["http://a/b", "/a", "", "fil", "ééé"] {
            assert_eq!(path_of(url), None, "{url}");
        }
    }
}
