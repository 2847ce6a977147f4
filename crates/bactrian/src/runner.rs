//! The runner of a target's programs: what the user said or what the target's row says, looked for on this machine.
//!
//! It is looked for before anything is built: nobody wants to wait for a build whose result cannot be run. Not here: how
//! programs are run (`exec::runner`), and what a root needs for it (`plan::runner`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use action::digest::BlobDigest;
use exec::remote::{Config, RemoteError};
use exec::runner::{Farm, Runner, RunnerError, Service, Ssh, prepare_wine};
use plan::runner::{Choice, Inside};
use plan::target::{self, Abi, Cpu, Machine, Os, Target};

use crate::commands::fit;
use crate::error::CommandError;
use crate::surroundings::{Env, Surroundings, is_program};
use crate::workshop::Workshop;

/// A runner that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Native,
    /// An emulator's program, and the name it has for roots.
    Qemu(PathBuf, &'static str),
    Wine(PathBuf),
    Ssh(Ssh),
    /// Workers of the engine that is built with, which have these properties besides.
    Remote(BTreeMap<String, String>),
    /// The user's command: its program is there.
    Command(Vec<OsString>),
}

/// Looks for the runner of `target`: the one that was chosen, else the default. `remote` is the engine that is built with.
pub(crate) fn find(
    (around, remote): (&Surroundings, Option<&Config>),
    target: Target,
    choice: Option<&Choice>,
) -> Result<Found, CommandError> {
    let absent = |what: &str| {
        CommandError::environment(format_args!("{what} is needed to run programs for {target}, and is not here"))
    };
    let other = "or say who runs them: `--runner ssh:user@host`, `--runner COMMAND`";
    let qemu = |name: &'static str| {
        let found = around.env.program(name).or_else(|| around.env.program(format!("{name}-static")));
        found.map(|file| Found::Qemu(file, name)).ok_or_else(|| {
            absent(&format!("`{name}`"))
                .hint("`apt-get install qemu-user` (Debian, Ubuntu) or `dnf install qemu-user` (Fedora) brings it")
                .hint(other)
        })
    };
    let wine = || {
        wine(&around.env).map(Found::Wine).ok_or_else(|| {
            absent("wine")
                .hint("`apt-get install wine64` (Debian, Ubuntu) or `dnf install wine` (Fedora) brings it")
                .hint(other)
        })
    };
    match choice {
        None => match target.runner_on(around.machine) {
            target::Runner::Native => Ok(Found::Native),
            target::Runner::Qemu(_) if runs_as_x86(around.machine, target) => Ok(Found::Native),
            target::Runner::Qemu(name) => {
                let found = qemu(name)?;
                has_libraries(Path::new("/"), target)?;
                Ok(found)
            }
            target::Runner::Wine => wine(),
            target::Runner::None => {
                Err(CommandError::environment(format_args!("nothing here runs programs for {target}"))
                    .hint("say who does: `--runner ssh:user@host`, `--runner COMMAND`")
                    .hint(format_args!("`bactrian build --target {target}` makes them all the same")))
            }
        },
        Some(Choice::Native) => Ok(Found::Native),
        Some(Choice::Qemu) if target.spec().os == Os::Linux => qemu(target.cpu().qemu),
        Some(Choice::Qemu) => Err(CommandError::usage(format_args!("qemu does not run programs for {target} here"))
            .hint("it stands in for a CPU, not for a system: leave out the runner, or name another")),
        Some(Choice::Wine) if target.spec().os == Os::Windows => wine(),
        Some(Choice::Wine) => Err(CommandError::usage(format_args!("wine does not run programs for {target}"))),
        Some(Choice::Ssh { destination, port }) => {
            let program = around.env.program("ssh").ok_or_else(|| {
                absent("`ssh`").hint("`apt-get install openssh-client` (Debian, Ubuntu) or `dnf install openssh-clients` (Fedora) brings it")
            })?;
            Ok(Found::Ssh(Ssh { program, destination: destination.clone(), port: *port }))
        }
        Some(Choice::Remote) => workers(remote, target),
        Some(Choice::Command(words)) => command(around, words),
    }
}

/// Whether this machine runs programs for 32-bit x86 itself, as its own CPU can if the kernel lets it: emulated, threads and signals
/// together are qemu's weak point (docs/reference/conformance.md).
fn runs_as_x86(machine: Machine, target: Target) -> bool {
    let could = (machine.cpu, machine.os, target.spec().cpu) == (Some(Cpu::X86_64), Some(Os::Linux), Cpu::X86);
    could && tempfile::tempdir().is_ok_and(|scratch| exec::i386::runs(scratch.path()).unwrap_or(false))
}

/// Looks for the C library of a target whose programs are dynamic, without which each would seem to fail; `root` is this machine's.
fn has_libraries(root: &Path, target: Target) -> Result<(), CommandError> {
    let spec = target.spec();
    let Some(loader) = spec.loader.filter(|_| spec.abi == Abi::Gnu) else { return Ok(()) };
    let own = loader.path.trim_start_matches('/');
    let places = [root.join("usr").join(spec.gnu_triple).join(own), root.join(own)];
    if places.iter().any(|place| place.exists()) {
        return Ok(());
    }
    Err(without_libraries(format_args!("programs for {target} are dynamic"), target, loader.path))
}

fn without_libraries(what: impl fmt::Display, target: Target, loader: &str) -> CommandError {
    CommandError::environment(format_args!("{what}: running it needs the target's {loader}"))
        .hint(format_args!(
            "`apt-get install libc6-{}-cross` (Debian, Ubuntu) brings glibc for it",
            target.cpu().debian
        ))
        .hint("a program for a musl target is static and needs nothing")
}

/// The engine's workers. They are started without a root of ours, so nothing that a program is linked with is there.
fn workers(remote: Option<&Config>, target: Target) -> Result<Found, CommandError> {
    let config = remote.ok_or_else(|| {
        CommandError::usage("the runner `remote` is a Remote Execution engine's workers, and no engine is named")
            .hint("say `--remote grpc://host:8980`, or `url` in `[remote]` of bactrian.toml")
    })?;
    let spec = target.spec();
    if spec.os == Os::Linux && spec.abi != Abi::Musl {
        return Err(CommandError::usage(format_args!(
            "programs for {target} are dynamic: workers lack their libraries"
        ))
        .hint(format_args!("{}-linux-musl has static programs: say `--target` so", target.cpu().name)));
    }
    Ok(Found::Remote(config.programs.get(spec.name).cloned().unwrap_or_default()))
}

/// The user's command, with its program's path: whoever runs it may do so in another directory.
fn command(around: &Surroundings, words: &[String]) -> Result<Found, CommandError> {
    let (first, rest) = words.split_first().ok_or_else(|| CommandError::bug("a command of no words"))?;
    let program = if first.contains('/') {
        Some(around.absolute(Path::new(first))).filter(|file| is_program(file))
    } else {
        around.env.program(first)
    };
    let program = program.ok_or_else(|| {
        let error = CommandError::environment(format_args!("the runner `{first}` is no program that can be started"));
        if first.contains('/') { error } else { error.cause("it is not in PATH") }
    })?;
    let rest = rest.iter().map(OsString::from);
    Ok(Found::Command(std::iter::once(program.into()).chain(rest).collect()))
}

/// wine for 64-bit programs: in a directory of PATH, or where Debian has it, which puts none there: in `lib` beside one.
pub(crate) fn wine(env: &Env) -> Option<PathBuf> {
    let names = ["wine64", "wine", "../lib/wine/wine64"];
    env.path().into_iter().flat_map(|place| names.map(|name| place.join(name))).find(|file| is_program(file))
}

impl Found {
    /// Who runs programs inside a root that this runner is for.
    pub(crate) fn inside(&self) -> Inside {
        match self {
            Self::Native => Inside::Native,
            Self::Qemu(_, name) => Inside::Emulator(name),
            Self::Wine(_) | Self::Ssh(_) | Self::Remote(_) | Self::Command(_) => {
                let [a, b, c, d, ..] = *BlobDigest::of(self.identity().as_bytes()).hash();
                Inside::Outside(u32::from_be_bytes([a, b, c, d]))
            }
        }
    }

    /// What tells this runner from others.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Native => "native".to_owned(),
            Self::Qemu(_, name) => (*name).to_owned(),
            Self::Wine(_) => "wine".to_owned(),
            Self::Ssh(Ssh { destination, port, .. }) => format!("ssh {destination} {port:?}"),
            Self::Remote(platform) => format!("remote {platform:?}"),
            Self::Command(words) => format!("{words:?}"),
        }
    }

    /// The runner, ready to run programs for `target`; `program` is one of them, if it is known which.
    pub(crate) fn ready(
        &self,
        workshop: &Workshop<'_>,
        target: Target,
        program: Option<&Path>,
    ) -> Result<Runner, CommandError> {
        Ok(match self {
            Self::Native => Runner::Native,
            Self::Qemu(emulator, _) => {
                let mut line: Vec<OsString> = vec![emulator.into()];
                line.extend(program.map(|program| sysroot(target, program)).transpose()?.into_iter().flatten());
                Runner::Under(line)
            }
            Self::Wine(program) => {
                let told = || workshop.ui().note("wine makes its directory, which takes a while");
                let prefix = prepare_wine(&workshop.store, program, told).map_err(|error| tell(&error))?;
                Runner::Wine { program: program.clone(), prefix }
            }
            Self::Ssh(ssh) => Runner::Ssh(ssh.clone()),
            Self::Remote(platform) => {
                let remote = workshop.connection()?.ok_or_else(|| CommandError::bug("a runner without its engine"))?;
                Runner::Farm(Farm { remote, store: Arc::clone(&workshop.store), platform: platform.clone() })
            }
            Self::Command(line) => Runner::Under(line.clone()),
        })
    }

    /// Runs programs for a root, as long as the returned value lives; nothing is needed for those that run inside it.
    pub(crate) fn serve(
        &self,
        workshop: &Workshop<'_>,
        target: Target,
        (socket, places): (&Path, Vec<exec::runner::Place>),
    ) -> Result<Option<Service>, CommandError> {
        if !self.inside().is_outside() {
            return Ok(None);
        }
        let runner = self.ready(workshop, target, None)?;
        let environment: BTreeMap<String, String> = plan::project::environment();
        let service = Service::start(socket, runner, places, environment, |error| tell(error).message);
        service
            .map(Some)
            .map_err(|error| CommandError::environment("cannot listen for programs to be run").cause(error))
    }
}

/// What an emulator is told of where a dynamic program's own loader and libraries are.
fn sysroot(target: Target, program: &Path) -> Result<Vec<OsString>, CommandError> {
    let bytes = fs::read(program)
        .map_err(|error| CommandError::environment(format_args!("cannot read {}", program.display())).cause(error))?;
    let Some(loader) = fit::interpreter(&bytes) else { return Ok(Vec::new()) };
    let sysroot = PathBuf::from("/usr").join(target.spec().gnu_triple);
    if sysroot.join(loader.trim_start_matches('/')).exists() {
        return Ok(vec!["-L".into(), sysroot.into_os_string()]);
    }
    if Path::new(&loader).exists() {
        return Ok(Vec::new());
    }
    Err(without_libraries(format_args!("{} is dynamic", program.display()), target, &loader))
}

/// A program that could not be run.
pub(crate) fn tell(error: &RunnerError) -> CommandError {
    match error {
        RunnerError::Start { program, source } => {
            CommandError::environment(format_args!("cannot start {}", program.display())).cause(source)
        }
        RunnerError::Read { path, source } => {
            CommandError::environment(format_args!("cannot read or write {}", path.display())).cause(source)
        }
        RunnerError::Refused { destination, status } => {
            CommandError::environment(format_args!("{destination} did not take the program: ssh ended with {status}"))
                .hint(format_args!(
                    "`ssh {destination} true` is to work without questions; it needs sh, mktemp and tar there"
                ))
        }
        RunnerError::Prefix { prefix, status } => {
            CommandError::environment(format_args!("wine could not make {}: {status}", prefix.display()))
        }
        RunnerError::Remote(error) => {
            let told = crate::failure::remote::failed(None, error);
            match **error {
                RemoteError::Worker { .. } => told.hint(
                    "`run-platform` in `[remote.target.TARGET]` of bactrian.toml chooses workers of the target's kind",
                ),
                _ => told,
            }
        }
        RunnerError::Input => CommandError::usage("programs that `--runner remote` runs have no standard input")
            .hint("have nothing to read: `</dev/null`"),
        RunnerError::Text(_) => CommandError::usage("a program on another machine cannot be told so").caused_by(error),
        RunnerError::Store(error) => crate::failure::store(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn around(path: &Path) -> Surroundings {
        let around = Surroundings::for_test([]);
        Surroundings { env: [("PATH", path.to_str().unwrap())].into_iter().collect(), ..around }
    }

    fn program(directory: &Path, name: &str) -> PathBuf {
        let file = directory.join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    #[test]
    fn a_runner_is_what_was_said_or_what_the_target_needs() {
        let temp = tempfile::tempdir().unwrap();
        let here = around(temp.path());
        let arm: Target = "aarch64-linux-musl".parse().unwrap();
        let own: Target = "x86_64-linux-musl".parse().unwrap();
        assert_eq!(find((&here, None), own, None).unwrap(), Found::Native);
        let error = find((&here, None), arm, None).unwrap_err();
        assert_eq!(error.exit().code(), 4);
        assert_eq!(error.message, "`qemu-aarch64` is needed to run programs for aarch64-linux-musl, and is not here");
        let emulator = program(temp.path(), "qemu-aarch64-static");
        let found = find((&here, None), arm, None).unwrap();
        assert_eq!(found, Found::Qemu(emulator, "qemu-aarch64"));
        assert_eq!(found.inside(), Inside::Emulator("qemu-aarch64"));
        assert_eq!(find((&here, None), arm, Some(&Choice::Native)).unwrap(), Found::Native);
        assert_eq!(find((&here, None), arm, Some(&Choice::Wine)).unwrap_err().exit().code(), 2);
        let ssh = Choice::Ssh { destination: "pi".to_owned(), port: None };
        assert_eq!(find((&here, None), arm, Some(&ssh)).unwrap_err().exit().code(), 4);
        program(temp.path(), "ssh");
        assert!(matches!(find((&here, None), arm, Some(&ssh)).unwrap(), Found::Ssh(ssh) if ssh.destination == "pi"));
    }

    #[test]
    fn a_command_is_there_before_anything_is_built() {
        let temp = tempfile::tempdir().unwrap();
        let here = around(temp.path());
        let arm: Target = "aarch64-linux-musl".parse().unwrap();
        let choice = |words: &[&str]| Choice::Command(words.iter().map(|word| (*word).to_owned()).collect());
        let error = find((&here, None), arm, Some(&choice(&["my-runner", "-v"]))).unwrap_err();
        assert_eq!(error.message, "the runner `my-runner` is no program that can be started");
        assert_eq!(error.causes, ["it is not in PATH"]);
        let file = program(temp.path(), "my-runner");
        let found = find((&here, None), arm, Some(&choice(&["my-runner", "-v"]))).unwrap();
        assert_eq!(found, Found::Command(vec![file.clone().into(), "-v".into()]));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(find((&here, None), arm, Some(&choice(&[file.to_str().unwrap()]))).is_err(), "it may not be executed");
        assert!(find((&here, None), arm, Some(&choice(&["./absent"]))).is_err());
    }

    #[test]
    fn dynamic_programs_need_their_libraries_before_anything_is_built() {
        let root = tempfile::tempdir().unwrap();
        let of = |name: &str| has_libraries(root.path(), name.parse().unwrap());
        assert!(of("aarch64-linux-musl").is_ok());
        let error = of("aarch64-linux-gnu.2.28").unwrap_err();
        assert_eq!(error.exit().code(), 4);
        assert!(error.message.starts_with("programs for aarch64-linux-gnu.2.28 are dynamic"), "{error:?}");
        assert!(error.hints[0].contains("libc6-arm64-cross"), "{error:?}");
        let place = root.path().join("usr/aarch64-linux-gnu/lib");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("ld-linux-aarch64.so.1"), "").unwrap();
        assert!(of("aarch64-linux-gnu.2.28").is_ok());
        assert!(of("riscv64-linux-gnu").is_err());
    }

    #[test]
    fn workers_of_an_engine_are_those_that_it_is_said_to_have() {
        let temp = tempfile::tempdir().unwrap();
        let here = around(temp.path());
        let arm: Target = "aarch64-linux-musl".parse().unwrap();
        let nobody = find((&here, None), arm, Some(&Choice::Remote)).unwrap_err();
        assert_eq!((nobody.exit().code(), nobody.hints.len()), (2, 1), "{nobody:?}");
        let mut config = Config::new("grpc://farm:8980".parse().unwrap());
        let found = |config: &Config, target: Target| find((&here, Some(config)), target, Some(&Choice::Remote));
        assert_eq!(found(&config, arm).unwrap(), Found::Remote(BTreeMap::new()));
        let properties = BTreeMap::from([("ISA".to_owned(), "aarch64".to_owned())]);
        config.programs.insert("aarch64-linux-musl".to_owned(), properties.clone());
        let of_arm = found(&config, arm).unwrap();
        assert_eq!(of_arm, Found::Remote(properties));
        // Whoever else runs them is told apart.
        assert!(of_arm.inside().is_outside() && of_arm.inside() != Found::Remote(BTreeMap::new()).inside());
        let dynamic = found(&config, "aarch64-linux-gnu.2.28".parse().unwrap()).unwrap_err();
        assert!(dynamic.hints[0].starts_with("aarch64-linux-musl has static programs"), "{dynamic:?}");
    }

    #[test]
    fn an_emulator_stands_in_for_a_cpu_alone() {
        let temp = tempfile::tempdir().unwrap();
        let error = find((&around(temp.path()), None), "aarch64-macos".parse().unwrap(), None).unwrap_err();
        assert!(error.hints[0].contains("--runner"), "{error:?}");
    }
}
