//! Packages of npm, through the machine's own `npm` and whatever registry that is set up with.

use std::path::PathBuf;

use super::Request;
use super::error::Cause;
use super::partial::take_from;
use super::tool::{Call, Tool, Tools, is_plain, make_directory, private_directory};

const NPM: Tool = Tool { name: "npm", package: "npm" };

/// The tarball of `package@version`, as published.
pub(super) fn fetch(package: &str, version: &str, tools: &Tools<'_>, request: &Request<'_>) -> Result<PathBuf, Cause> {
    let name = match package.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((scope, name)) if is_plain(scope, "._-~") => name,
        _ => package,
    };
    if !is_plain(name, "._-~") || !is_plain(version, ".+-") {
        return Err(Cause::Unusable(format!("`{package}@{version}` is not a version of an npm package")));
    }
    let program = tools.find(NPM)?;
    let private = private_directory(request.into)?;
    let output = private.path().join("out");
    make_directory(&output)?;
    let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress"];
    let mut arguments = vec!["pack".into(), format!("{package}@{version}").into()];
    arguments.extend(options.map(Into::into));
    // Without a prefix of our own npm would take up a project's settings from the directories above.
    arguments.extend(["--prefix".into(), private.path().into(), "--pack-destination".into(), (&output).into()]);
    let directory = private.path();
    let call = Call { program: &program, arguments, directory, output: None, progress: request.progress };
    let finished = tools.run(call)?;
    if !finished.status.success() {
        return Err(if is_absent(&finished.stderr) { Cause::NotFound } else { NPM.failed(&finished, directory) });
    }
    take_from(&output, request.source, request.into)
}

/// Whether npm said that there is no such package or version.
fn is_absent(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words[..], ["npm", "error" | "ERR!", "code", "E404" | "ETARGET"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_told_from_other_failures() {
        for absent in [
            "npm error code E404\nnpm error 404 Not Found - GET https://registry.invalid/nosuch",
            "npm warn Unknown user config\nnpm error code ETARGET\nnpm error notarget No matching version",
            "npm ERR! code E404\n",
        ] {
            assert!(is_absent(absent.as_bytes()), "{absent}");
        }
        for other in ["npm error code ECONNREFUSED", "npm error code E403", "code E404", "", "npm error 404 code"] {
            assert!(!is_absent(other.as_bytes()), "{other}");
        }
    }
}
