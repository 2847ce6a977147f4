//! Files of Debian's archive, through the machine's own `apt-get` and whatever mirror that is set up with.
//!
//! Suites move on and drop versions, while upstream's archive inside mostly stays the same over Debian's revisions.
//! So where the exact version is gone, another revision of the same upstream version is asked for instead: the
//! checksum says whether it will do.
//!
//! Not here: the private apt directories (`apt`), and finding a file inside a package (`member`).

pub(super) mod apt;
mod member;

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use action::source::DebianFile;

use self::apt::{Apt, Index, Lists};
use super::Request;
use super::config::Suite;
use super::error::Cause;
use super::partial::take_from;
use super::tool::{Call, Tool, Tools, is_plain, make_directory, private_directory};

const DPKG_DEB: Tool = Tool { name: "dpkg-deb", package: "dpkg" };

/// What is wanted of Debian.
pub(super) struct Wanted<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) file: &'a DebianFile,
    pub(super) suite: &'a Suite,
}

/// The file, out of one suite.
pub(super) fn fetch(
    wanted: &Wanted<'_>,
    apt: &Apt,
    tools: &Tools<'_>,
    request: &Request<'_>,
) -> Result<PathBuf, Cause> {
    let Wanted { package, version, file, suite } = *wanted;
    if !is_plain(package, "+.-") || !is_plain(version, ".+~:-") {
        return Err(Cause::Unusable(format!("`{package}={version}` is not a version of a Debian package")));
    }
    let private = private_directory(request.into)?;
    let index = if *file == DebianFile::Orig { Index::Sources } else { Index::Packages };
    let mut lists = apt.open(suite, index, tools, request, private.path())?;
    let version = find_version(wanted, &mut lists)?;
    let output = private.path().join("out");
    make_directory(&output)?;
    let mut arguments: Vec<OsString> = match file {
        DebianFile::Orig => ["source", "--download-only", "--tar-only", "--only-source"].map(Into::into).to_vec(),
        DebianFile::Package | DebianFile::Member(_) => vec!["download".into()],
    };
    arguments.push(format!("{package}={version}").into());
    let finished = lists.apt_get(arguments, &output)?;
    if !finished.status.success() {
        return Err(if is_404(&finished.stderr) {
            Cause::Status(404)
        } else {
            apt::APT_GET.failed(&finished, &output)
        });
    }
    drop(lists);
    match file {
        DebianFile::Orig | DebianFile::Package => take_from(&output, request.source, request.into),
        DebianFile::Member(path) => {
            let inside = private.path().join("member");
            make_directory(&inside)?;
            let data = unpack_data(&output, private.path(), tools, request)?;
            member::extract(&data, path, &inside.join("file"))?;
            take_from(&inside, request.source, request.into)
        }
    }
}

/// The version to ask for; package lists that do not know of any are renewed once.
fn find_version(wanted: &Wanted<'_>, lists: &mut Lists<'_>) -> Result<String, Cause> {
    let exactly = *wanted.file == DebianFile::Package;
    let stale = if lists.are_stale() { lists.renew().err() } else { None };
    if let Some(cause) = stale.as_ref().filter(|cause| cause.is_final()) {
        return Err(cause.clone());
    }
    let listed = lists.versions(wanted.package)?;
    if let Some(version) = choose(&listed, wanted.version, exactly) {
        return Ok(version.to_owned());
    }
    if let Some(cause) = stale {
        return Err(cause);
    }
    lists.renew()?;
    let listed = lists.versions(wanted.package)?;
    choose(&listed, wanted.version, exactly).map(str::to_owned).ok_or(Cause::NotFound)
}

/// The version itself, or the newest other revision of the same upstream version.
fn choose<'a>(listed: &'a [String], wanted: &str, exactly: bool) -> Option<&'a str> {
    let exact = listed.iter().find(|version| *version == wanted);
    let revision = || listed.iter().find(|version| !exactly && upstream(version) == upstream(wanted));
    exact.or_else(revision).map(String::as_str)
}

/// A version without Debian's revision.
fn upstream(version: &str) -> &str {
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

/// Whether the mirror does not hold a file that its lists name.
fn is_404(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).lines().any(|line| line.starts_with("E: Failed to fetch") && line.contains(" 404 "))
}

/// The one package file in `downloaded`, as the tar archive of its files.
fn unpack_data(downloaded: &Path, private: &Path, tools: &Tools<'_>, request: &Request<'_>) -> Result<PathBuf, Cause> {
    let at = |error| Cause::io(downloaded, &error);
    let entries: Result<Vec<_>, _> = fs::read_dir(downloaded).map_err(at)?.collect();
    let package = entries.map_err(at)?.into_iter().map(|entry| entry.path());
    let package = package.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "deb"));
    let package = package.ok_or(Cause::NotFound)?;
    let data = private.join("data.tar");
    let output = File::create(&data).map_err(|error| Cause::io(&data, &error))?;
    let program = tools.find(DPKG_DEB)?;
    let finished = tools.run(Call {
        program: &program,
        arguments: vec!["--fsys-tarfile".into(), package.into()],
        directory: private,
        output: Some(output),
        progress: request.progress,
    })?;
    if finished.status.success() { Ok(data) } else { Err(DPKG_DEB.failed(&finished, private)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let listed = ["1:5.4.1-3", "1:5.4.1-1+b2", "5.4.1-2", "5.3.0-1", "7", "5.4-rc1-1"].map(str::to_owned);
        for (wanted, exactly, chosen) in [
            ("5.3.0-1", true, Some("5.3.0-1")),
            ("5.3.0-2", true, None),
            ("5.3.0-2", false, Some("5.3.0-1")),
            ("1:5.4.1-1", false, Some("1:5.4.1-3")),
            ("1:5.4.1-1+b2", false, Some("1:5.4.1-1+b2")),
            ("5.4.1-9", false, Some("5.4.1-2")),
            ("7", false, Some("7")),
            ("7-1", false, Some("7")),
            ("5.4-1", false, None),
            ("5.4-rc1-2", false, Some("5.4-rc1-1")),
        ] {
            assert_eq!(choose(&listed, wanted, exactly), chosen, "{wanted}");
        }
        assert_eq!(choose(&[], "1", false), None);
    }

    #[test]
    fn files_that_are_listed_and_not_served() {
        let real = "E: Failed to fetch http://host.invalid/debian/pool/main/o/x.orig.tar.xz  404  Not Found [IP: ::1 80]\n\
                    E: Failed to fetch some archives.\n";
        assert!(is_404(real.as_bytes()));
        assert!(!is_404(b"E: Failed to fetch http://host.invalid/404/x  503  Busy\nN: 404 "));
    }
}
