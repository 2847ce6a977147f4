//! What dune is asked for, and which of the things it made are the programs to deliver.
//!
//! A project with packages is asked for what they install, one without for everything; in both cases for the targets'
//! contexts alone: what those need of the host is built on the way. Not here: running dune, copying programs.

use builder::install::{Section, parse};

use crate::layout;
use crate::project::toolchain_name;
use crate::target::Target;

/// A program that dune made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// What it is called when installed.
    pub name: String,
    /// The file, relative to dune's build directory.
    pub path: String,
}

/// dune's name of the context of `target`, a directory in its build directory.
#[must_use]
pub fn context(target: Target) -> String {
    format!("default.{}", toolchain_name(target))
}

/// How the names of files end in which dune lists what packages install for `target`; they are in the context.
#[must_use]
pub fn install_file_suffix(target: Target) -> String {
    format!("-{}.install", toolchain_name(target))
}

/// The workspace in which dune builds for several targets at once: `-x` names one alone.
#[must_use]
pub fn workspace(targets: &[Target]) -> String {
    let toolchains: String = targets.iter().map(|target| format!(" {}", toolchain_name(*target))).collect();
    format!("(lang dune 3.0)\n(context (default (targets native{toolchains})))\n")
}

/// dune's arguments for building `targets` in the working directory. For several targets the root's own workspace
/// replaces the project's: one that has a workspace is built for one target after the other.
#[must_use]
pub fn dune_arguments(targets: &[Target], what: &Wanted, jobs: usize) -> Vec<String> {
    let mut arguments: Vec<String> = ["build", "--root", ".", "-j"].map(str::to_owned).into();
    arguments.push(jobs.to_string());
    match targets {
        [only] => arguments.extend(["-x".to_owned(), toolchain_name(*only)]),
        _ => arguments.extend(["--workspace".to_owned(), format!("/{}", layout::WORKSPACE)]),
    }
    let all = |alias: &str| targets.iter().map(|target| format!("@_build/{}/{alias}", context(*target))).collect();
    let wanted: Vec<String> = match what {
        Wanted::Installed => all("install"),
        Wanted::Everything => all("default"),
        Wanted::Objects(names) => {
            let of = |target: &Target| {
                let target = *target;
                names.iter().map(move |name| format!("_build/{}", object_file(target, name)))
            };
            targets.iter().flat_map(of).collect::<Vec<_>>()
        }
    };
    arguments.extend(wanted);
    arguments
}

/// How the tests of a project are run.
#[derive(Debug, Clone, Copy)]
pub struct Tests<'t> {
    /// The name in `PATH` of what starts programs of the target.
    pub runner: &'t str,
    /// How many processes may work at once.
    pub jobs: usize,
    /// Whether what they print is taken for what is expected.
    pub promote: bool,
    /// Whether those run as well that passed before, and of which nothing has changed that dune knows.
    pub again: bool,
}

/// dune's arguments for running the tests of a project as programs of `target`.
#[must_use]
pub fn test_arguments(target: Target, tests: Tests<'_>) -> Vec<String> {
    let Tests { runner, jobs, promote, again } = tests;
    let toolchain = toolchain_name(target);
    let mut arguments: Vec<String> = ["build", "--root", ".", "-j"].map(str::to_owned).into();
    arguments.extend([jobs.to_string(), "-x".to_owned(), toolchain.clone()]);
    arguments.extend(["--target-exec".to_owned(), format!("{toolchain}={runner}")]);
    if promote {
        arguments.push("--auto-promote".to_owned());
    }
    if again {
        arguments.push("--force".to_owned());
    }
    arguments.push(format!("@_build/{}/runtest", context(target)));
    arguments
}

/// The oldest dune that can run a target's programs: <https://github.com/ocaml/dune/pull/13112>.
pub const DUNE_WITH_TARGET_EXEC: (u32, u32) = (3, 22);

/// Whether the dune that says this of its version can run a target's programs. One that says nothing we know may.
#[must_use]
pub fn can_test(version: &str) -> bool {
    let mut numbers = version.trim().split(['.', '-', '+', '~']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= DUNE_WITH_TARGET_EXEC,
        _ => true,
    }
}

/// The object file that dune makes of the executable `name`, with its directory, where that has the mode `object`; relative
/// to dune's build directory.
#[must_use]
pub fn object_file(target: Target, name: &str) -> String {
    format!("{}/{name}.exe.o", context(target))
}

/// How much of a project is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// What its packages install.
    Installed,
    /// All that dune builds by default.
    Everything,
    /// Executables as objects that C programs are linked with: each with its directory, as in `bin/main`.
    Objects(Vec<String>),
}

/// The programs among what an install file lists, sorted by name. The text is dune's own; what cannot be read of it
/// lists nothing.
#[must_use]
pub fn programs(install_file: &[u8]) -> Vec<Program> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let mut programs: Vec<_> = parse(install_file)
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| matches!(entry.section, Section::Bin | Section::Sbin))
        .filter_map(|entry| {
            let source = text(&entry.source)?;
            let path = source.strip_prefix("_build/").unwrap_or(&source).to_owned();
            let installed = entry.destination.as_deref().and_then(text).unwrap_or_else(|| source.clone());
            let name = installed.rsplit('/').next().unwrap_or_default().to_owned();
            Some(Program { name, path })
        })
        .collect();
    programs.sort();
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_built_in_its_own_context_alone() {
        let targets = ["aarch64-linux-musl", "x86_64-linux-gnu.2.28"].map(|name| name.parse().unwrap());
        let one = dune_arguments(&targets[..1], &Wanted::Everything, 1).join(" ");
        assert_eq!(one, "build --root . -j 1 -x aarch64_linux_musl @_build/default.aarch64_linux_musl/default");
        assert!(workspace(&targets).contains("(targets native aarch64_linux_musl x86_64_linux_gnu_2_28)"));
        let arguments = dune_arguments(&targets, &Wanted::Installed, 2).join(" ");
        assert_eq!(
            arguments,
            "build --root . -j 2 --workspace /bactrian/dune-workspace \
             @_build/default.aarch64_linux_musl/install @_build/default.x86_64_linux_gnu_2_28/install"
        );
    }

    #[test]
    fn tests_are_run_by_a_dune_that_can() {
        let target = "aarch64-linux-musl".parse().unwrap();
        let tests = Tests { runner: "run-t", jobs: 2, promote: true, again: false };
        assert_eq!(
            test_arguments(target, tests).join(" "),
            "build --root . -j 2 -x aarch64_linux_musl --target-exec aarch64_linux_musl=run-t --auto-promote \
             @_build/default.aarch64_linux_musl/runtest"
        );
        let again = test_arguments(target, Tests { promote: false, again: true, ..tests });
        assert_eq!(again.iter().filter(|word| word.starts_with("--")).count(), 3, "{again:?}");
        assert!(again.contains(&"--force".to_owned()));
        for (version, can) in [("3.24.1\n", true), ("3.22", true), ("3.17.2\n", false), ("2.9.3", false), ("4.0", true)]
        {
            assert_eq!(can_test(version), can, "{version}");
        }
    }

    #[test]
    fn objects_are_asked_for_by_file() {
        let targets = ["aarch64-linux-musl".parse().unwrap()];
        let arguments = dune_arguments(&targets, &Wanted::Objects(vec!["lib/a".to_owned(), "b".to_owned()]), 1);
        let files = ["_build/default.aarch64_linux_musl/lib/a.exe.o", "_build/default.aarch64_linux_musl/b.exe.o"];
        assert_eq!(arguments[arguments.len() - 2..], files);
    }

    #[test]
    fn programs_are_what_is_installed_in_bin() {
        let text = br#"
lib: ["_build/install/default.t/lib/p/META" {"../../t-sysroot/lib/p/META"}]
bin: [
  "_build/install/default.t/bin/p" {"../../t-sysroot/bin/p"}
  "_build/install/default.t/bin/helper"
]
"#;
        let program = |name: &str| Program { name: name.to_owned(), path: format!("install/default.t/bin/{name}") };
        assert_eq!(programs(text), [program("helper"), program("p")]);
        assert_eq!(programs(b"bin: [ \"unterminated"), []);
    }
}
