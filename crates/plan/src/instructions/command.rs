//! One command of a package, turned towards the world it is for.
//!
//! dune takes the target as an option and builds for the host what it runs itself. Programs of `ocaml` (topkg's above all)
//! run on the host and ask a variable. Everything else is told by findlib's variable. Not here: what a command is.

use std::collections::BTreeMap;

use crate::layout;
use crate::package::{CONFIGURE, CommandLine};
use crate::project::toolchain_name;
use crate::target::Target;
use crate::world::World;

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Adapted {
    /// It is run.
    Run(CommandLine),
    /// It has no place here: tests, documentation, version stamps of development trees.
    Skip,
}

/// dune's options that take a value of their own.
const WITH_VALUE: &[&str] = &[
    "-p",
    "--only-packages",
    "--for-release-of-packages",
    "-j",
    "-x",
    "--profile",
    "--root",
    "--workspace",
    "--build-dir",
    "--default-target",
    "--display",
    "--config-file",
    "--context",
];

/// Aliases that are never built: tests would run the target's programs, documentation wants other tools.
const SKIPPED_ALIASES: &[&str] = &["@runtest", "@doc", "@doc-private", "@fmt"];

pub(super) fn adapt(arguments: Vec<String>, world: World) -> Adapted {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["dune" | "jbuilder", "subst" | "runtest" | "test" | "install", ..] => Adapted::Skip,
        ["dune" | "jbuilder", "build", rest @ ..] => dune_build(rest, world),
        ["dune", ..] => run(arguments, &[]),
        _ => match world {
            World::Host => run(arguments, &[]),
            World::Target(target) if is_configure(&words) => configure(arguments, target),
            World::Target(target) => {
                let variable = if is_host_script(&words) { "TOPKG_CONF_TOOLCHAIN" } else { "OCAMLFIND_TOOLCHAIN" };
                run(arguments, &[(variable, toolchain_name(target))])
            }
        },
    }
}

/// Whether the command is a program in OCaml's own scripting, which compiles by itself what it needs.
fn is_host_script(words: &[&str]) -> bool {
    words.first() == Some(&"ocaml") && words.iter().any(|word| word.starts_with("pkg/") && word.ends_with(".ml"))
}

/// Whether the command is a package's configure script, started directly or by a shell.
fn is_configure(words: &[&str]) -> bool {
    let program = match words {
        ["sh" | "bash", script, ..] if !script.starts_with('-') => *script,
        [program, ..] => *program,
        [] => return false,
    };
    program == "./configure" || program.ends_with("/configure") || program == "configure"
}

/// The configure script, told of the target if it is one that can be (`recipes/package/configure.sh`).
fn configure(arguments: Vec<String>, target: Target) -> Adapted {
    let script = format!("/{}/{CONFIGURE}", layout::BACTRIAN);
    let rest = arguments.into_iter().skip_while(|word| word == "sh" || word == "bash");
    let environment = [
        ("BUILD_TRIPLE", "x86_64-pc-linux-gnu".to_owned()),
        ("OCAMLFIND_TOOLCHAIN", toolchain_name(target)),
        ("TRIPLE", target.spec().gnu_triple.to_owned()),
    ];
    run(["sh".to_owned(), script].into_iter().chain(rest).collect(), &environment)
}

fn run(arguments: Vec<String>, environment: &[(&str, String)]) -> Adapted {
    let environment: BTreeMap<_, _> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Adapted::Run(CommandLine { arguments, environment })
}

fn dune_build(rest: &[&str], world: World) -> Adapted {
    let mut arguments: Vec<String> = vec!["dune".to_owned(), "build".to_owned()];
    let (options, targets) = split(rest);
    let named = !targets.is_empty();
    let targets: Vec<&str> = targets.into_iter().filter(|target| !SKIPPED_ALIASES.contains(target)).collect();
    if named && targets.is_empty() {
        return Adapted::Skip;
    }
    arguments.extend(options.into_iter().map(str::to_owned));
    match world {
        World::Host if named => arguments.extend(targets.into_iter().map(str::to_owned)),
        World::Host => arguments.push("@install".to_owned()),
        World::Target(target) => {
            let toolchain = toolchain_name(target);
            let context = format!("_build/default.{toolchain}");
            arguments.extend(["-x".to_owned(), toolchain.clone()]);
            if !named {
                arguments.push(format!("@{context}/install"));
            }
            arguments.extend(targets.into_iter().map(|target| in_context(&context, &toolchain, target)));
        }
    }
    run(arguments, &[])
}

/// The same alias or file, in the target's context alone.
fn in_context(context: &str, toolchain: &str, target: &str) -> String {
    let plain = target.trim_start_matches('@');
    let sigil = target.strip_suffix(plain).unwrap_or_default();
    let plain = plain.trim_start_matches("./");
    match plain.strip_suffix(".install") {
        // What dune installs for a target is listed under the target's name.
        Some(package) => format!("{sigil}{context}/{package}-{toolchain}.install"),
        None => format!("{sigil}{context}/{plain}"),
    }
}

/// Options with their values, and what is to be built.
fn split<'w>(words: &[&'w str]) -> (Vec<&'w str>, Vec<&'w str>) {
    let (mut options, mut targets) = (Vec::new(), Vec::new());
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            targets.push(word);
            continue;
        }
        options.push(word);
        if WITH_VALUE.contains(&word) {
            options.extend(words.next());
        }
    }
    (options, targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(line: &str, world: World) -> String {
        match adapt(line.split_whitespace().map(str::to_owned).collect(), world) {
            Adapted::Skip => "-".to_owned(),
            Adapted::Run(line) => {
                let environment = line.environment.iter().map(|(name, value)| format!("{name}={value} "));
                environment.collect::<String>() + &line.arguments.join(" ")
            }
        }
    }

    #[test]
    fn commands_are_turned_towards_their_world() {
        let target = World::Target("aarch64-linux-musl".parse().unwrap());
        let table = [
            ("dune subst", "-", "-"),
            ("dune runtest -p x -j 4", "-", "-"),
            ("dune build -p x -j 4 @doc", "-", "-"),
            (
                "dune build -p x -j 4",
                "dune build -p x -j 4 @install",
                "dune build -p x -j 4 -x aarch64_linux_musl @_build/default.aarch64_linux_musl/install",
            ),
            (
                "dune build -p x @install @runtest bin/a.exe",
                "dune build -p x @install bin/a.exe",
                "dune build -p x -x aarch64_linux_musl @_build/default.aarch64_linux_musl/install \
                 _build/default.aarch64_linux_musl/bin/a.exe",
            ),
            (
                "dune build x.install",
                "dune build x.install",
                "dune build -x aarch64_linux_musl _build/default.aarch64_linux_musl/x-aarch64_linux_musl.install",
            ),
            (
                "dune exec -p lwt src/discover.exe",
                "dune exec -p lwt src/discover.exe",
                "dune exec -p lwt src/discover.exe",
            ),
            (
                "ocaml pkg/pkg.ml build",
                "ocaml pkg/pkg.ml build",
                "TOPKG_CONF_TOOLCHAIN=aarch64_linux_musl ocaml pkg/pkg.ml build",
            ),
            (
                "./configure --prefix /x",
                "./configure --prefix /x",
                "BUILD_TRIPLE=x86_64-pc-linux-gnu OCAMLFIND_TOOLCHAIN=aarch64_linux_musl TRIPLE=aarch64-linux-musl \
                 sh /bactrian/package/configure.sh ./configure --prefix /x",
            ),
            ("make all", "make all", "OCAMLFIND_TOOLCHAIN=aarch64_linux_musl make all"),
            (
                "ocaml setup.ml -configure",
                "ocaml setup.ml -configure",
                "OCAMLFIND_TOOLCHAIN=aarch64_linux_musl ocaml setup.ml -configure",
            ),
        ];
        for (line, host, cross) in table {
            assert_eq!((adapted(line, World::Host).as_str(), adapted(line, target).as_str()), (host, cross), "{line}");
        }
    }
}
