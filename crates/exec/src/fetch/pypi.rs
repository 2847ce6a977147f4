//! Wheels of PyPI, through the machine's own `pip` and whatever index that is set up with.
//!
//! Only wheels: to download a source archive pip runs its build system, which is not ours to run unconfined.

use std::fs;
use std::path::PathBuf;

use action::checksum::{Checksum, Kind};

use super::Request;
use super::error::Cause;
use super::partial::take_from;
use super::tool::{Call, Tool, Tools, is_plain, make_directory, private_directory};

const PIP: Tool = Tool { name: "pip", package: "python3-pip" };

/// The wheel of `package==version` for `platform` that has the checksum.
pub(super) fn fetch(
    package: &str,
    version: &str,
    platform: Option<&str>,
    tools: &Tools<'_>,
    request: &Request<'_>,
) -> Result<PathBuf, Cause> {
    let platform_is_plain = platform.is_none_or(|platform| is_plain(platform, "_.-"));
    if !is_plain(package, "._-") || !is_plain(version, ".!+_-") || !platform_is_plain {
        return Err(Cause::Unusable(format!("`{package}=={version}` is not a version of a Python project")));
    }
    let expected = *request.source.checksums.identity();
    if expected.kind() == Kind::Md5 {
        return Err(Cause::Unusable("pip does not choose files by MD5".to_owned()));
    }
    let (program, name) = tools.find_one(PIP, &["pip3", "pip", "python3"])?;
    let private = private_directory(request.into)?;
    let output = private.path().join("out");
    make_directory(&output)?;
    // With a checksum pip chooses the right one of a version's many files.
    let wanted = private.path().join("wanted.txt");
    fs::write(&wanted, format!("{package}=={version} --hash={}:{}\n", expected.kind().name(), expected.hex()))
        .map_err(|error| Cause::io(&wanted, &error))?;
    let mut arguments: Vec<_> = if name == "python3" { vec!["-m".into(), "pip".into()] } else { Vec::new() };
    let options =
        ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off"];
    arguments.push("download".into());
    arguments.extend(options.map(Into::into));
    arguments.extend(["--dest".into(), (&output).into(), "--requirement".into(), (&wanted).into()]);
    arguments.extend(platform.into_iter().flat_map(|platform| ["--platform".into(), platform.into()]));
    let directory = private.path();
    let call = Call { program: &program, arguments, directory, output: None, progress: request.progress };
    let finished = tools.run(call)?;
    if finished.status.success() {
        return take_from(&output, request.source, request.into);
    }
    Err(match refusal(&finished.stderr, expected.kind()) {
        Some(Refusal::Absent) => Cause::NotFound,
        Some(Refusal::Mismatch(found)) => Cause::mismatch(expected, found, 0),
        Some(Refusal::NoPip) => Cause::ToolMissing { tool: PIP.name, package: PIP.package },
        None => PIP.failed(&finished, directory),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// No such project, version or wheel for the platform.
    Absent,
    /// The file has another checksum.
    Mismatch(Checksum),
    /// There is a Python, but without pip.
    NoPip,
}

/// What pip's complaints mean, where they mean something to us.
fn refusal(stderr: &[u8], kind: Kind) -> Option<Refusal> {
    let text = String::from_utf8_lossy(stderr);
    text.lines().find_map(|line| {
        if let Some(got) = line.trim_start().strip_prefix("Got ") {
            return Checksum::parse(kind, got.trim()).map(Refusal::Mismatch);
        }
        if line.ends_with("No module named pip") {
            return Some(Refusal::NoPip);
        }
        line.starts_with("ERROR: No matching distribution found for").then_some(Refusal::Absent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        let absent = "ERROR: Could not find a version that satisfies the requirement x==7 (from versions: 0.1)\n\
                      ERROR: No matching distribution found for x==7\n";
        assert_eq!(refusal(absent.as_bytes(), Kind::Sha256), Some(Refusal::Absent));
        let hash = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let mismatch = format!(
            "ERROR: THESE PACKAGES DO NOT MATCH\n    x==1:\n        Expected sha256 00\n             Got        {hash}\n"
        );
        assert_eq!(
            refusal(mismatch.as_bytes(), Kind::Sha256),
            Checksum::parse(Kind::Sha256, hash).map(Refusal::Mismatch)
        );
        assert_eq!(refusal(b"/usr/bin/python3: No module named pip\n", Kind::Sha256), Some(Refusal::NoPip));
        assert_eq!(refusal(b"ERROR: Could not install packages due to an OSError\nGot it\n", Kind::Sha256), None);
    }
}
