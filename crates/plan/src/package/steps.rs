//! The recipe of a package: what its builder does, step by step. Not here: what it finds there ([`super`]).

use std::collections::BTreeMap;

use builder::{Bytes, Step};

use super::later::{given_variables, known_later, shell_word};
use super::{BUILD, CommandLine, DEPS, GENERATORS, Instructions, RESULTS, SUBSTITUTE, VARIABLES};
use crate::layout;
use crate::ocaml::byte::Code;
use crate::planner::script;
use crate::runner;
use crate::world::World;

pub(super) fn steps(instructions: &Instructions, world: World) -> Vec<Step> {
    let directory = instructions.subpath.as_ref().map_or_else(|| BUILD.to_owned(), |path| format!("{BUILD}/{path}"));
    let mut steps = vec![script("package/prepare.sh")];
    let (patches, others) =
        instructions.substs.iter().partition::<Vec<_>, _>(|file| instructions.patches.contains(file));
    steps.extend(substitute(&patches, &directory, world));
    for patch in &instructions.patches {
        let file = format!("{directory}/{patch}");
        steps.push(Step::Patch { file: file.into(), dir: directory.as_str().into(), strip: 1 });
    }
    steps.extend(substitute(&others, &directory, world));
    if instructions.hosts_generators {
        steps.push(with_arguments(script(GENERATORS), &[BUILD, BUILD]));
    }
    let own = [("PREFIX", world.prefix()), ("DEPS", format!("/{DEPS}"))];
    if instructions.writes_prefix {
        steps.push(with(script("package/prefix.sh"), &own));
    }
    steps.extend(instructions.commands.iter().map(|command| step(command, instructions, &directory)));
    let file = format!("{directory}/{}", instructions.install_file);
    let config = format!("{directory}/{}.config", instructions.name);
    let given = format!("/out/{}", given_variables(&instructions.name));
    steps.push(with_arguments(script(RESULTS), &[&file, &config, &given]));
    steps.push(Step::Install {
        file: file.into(),
        package: instructions.name.as_str().into(),
        prefix: "/out".into(),
        source: directory.as_str().into(),
    });
    if let Some(below) = &instructions.installed_below {
        steps.push(lift(below));
    }
    if instructions.writes_prefix {
        steps.push(with(script("package/collect.sh"), &own));
    }
    // A package that installs nothing still has a result.
    steps.push(Step::Write {
        path: format!("/out/.bactrian/{}", instructions.name).into(),
        contents: format!("{}\n", instructions.version).into(),
        executable: false,
    });
    steps
}

/// Moves what is in `/out/BELOW` to `/out`.
fn lift(below: &str) -> Step {
    let script = format!("if [ -d /out/{below} ]; then mv /out/{below}/* /out/ && rmdir /out/{below}; fi");
    Step::run("/out", ["sh", "-ec", &script])
}

fn with(mut step: Step, variables: &[(&str, String)]) -> Step {
    if let Step::Run { env, .. } = &mut step {
        env.extend(variables.iter().map(|(name, value)| ((*name).into(), value.as_str().into())));
    }
    step
}

fn with_arguments(mut step: Step, arguments: &[&str]) -> Step {
    if let Step::Run { argv, .. } = &mut step {
        argv.extend(arguments.iter().map(|argument| Bytes::from(*argument)));
    }
    step
}

/// The step that makes `files` of what they are called with `.in` at the end, if there are any.
fn substitute(files: &[&String], directory: &str, world: World) -> Option<Step> {
    let prefixes = [world.prefix(), World::Host.prefix()].join(":");
    let variables = [("PREFIXES", prefixes), ("VARIABLES", format!("/{}/{VARIABLES}", layout::BACTRIAN))];
    let files: Vec<String> = files.iter().map(|file| format!("{directory}/{file}")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    (!files.is_empty()).then(|| with(with_arguments(script(SUBSTITUTE), &files), &variables))
}

/// The environment of all commands of a package in `world` (`facts/packages.md` §3), before opam files change it; `code` is
/// what that world's programs are made of.
pub(crate) fn environment(name: &str, version: &str, world: World, code: Code) -> BTreeMap<String, String> {
    let host = World::Host.prefix();
    // Whoever looks for an `ocamlopt` must not come across this machine's.
    let ocaml = match code {
        Code::Native => format!("/{}/bin:", layout::OCAML),
        Code::Byte => String::new(),
    };
    let path =
        format!("/{}:{host}/bin:{ocaml}/{}/{}/bin:/usr/bin:/bin", layout::TOOLS, layout::CC, layout::HOST_CC_TARGET);
    [
        ("BACTRIAN_TOOLCHAIN", world.toolchain()),
        ("CAML_LD_LIBRARY_PATH", format!("{host}/lib/stublibs")),
        ("CDPATH", String::new()),
        ("DUNE_CACHE", "disabled".to_owned()),
        ("MAKEFLAGS", String::new()),
        ("MAKELEVEL", String::new()),
        ("OCAMLFIND_CONF", format!("/{}", layout::FINDLIB_CONF)),
        ("OCAMLTOP_INCLUDE_PATH", format!("{host}/lib/toplevel")),
        ("OCAML_TOPLEVEL_PATH", format!("{host}/lib/toplevel")),
        ("OPAMCLI", "2.0".to_owned()),
        ("OPAM_PACKAGE_NAME", name.to_owned()),
        ("OPAM_PACKAGE_VERSION", version.to_owned()),
        ("OPAM_SWITCH_PREFIX", world.prefix()),
        (PATH, path),
        ("XDG_CACHE_HOME", "/tmp/cache".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The variable in which programs are looked for.
pub(crate) const PATH: &str = "PATH";

/// The command as it is run: through a shell if it is to be told what is known only then.
pub(crate) fn step(command: &CommandLine, instructions: &Instructions, directory: &str) -> Step {
    let cwd = directory.into();
    let mut environment = instructions.environment.clone();
    if instructions.emulated {
        environment.extend(runner::environment());
    }
    environment.extend(command.environment.clone());
    let (later, known): (BTreeMap<_, _>, BTreeMap<_, _>) =
        environment.into_iter().partition(|(_, value)| known_later(value));
    let env = known.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    if later.is_empty() && !command.arguments.iter().any(|argument| known_later(argument)) {
        let argv = command.arguments.iter().map(|argument| argument.as_str().into()).collect();
        return Step::Run { argv, cwd, env };
    }
    let exports: String = later.iter().map(|(name, value)| format!("export {name}={}; ", shell_word(value))).collect();
    let words: Vec<String> = command.arguments.iter().map(|argument| shell_word(argument)).collect();
    let line = format!("{exports}exec {}", words.join(" "));
    Step::Run { argv: vec!["sh".into(), "-c".into(), line.into()], cwd, env }
}
