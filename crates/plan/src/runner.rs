//! Running programs of targets inside a root: what the root needs for it.
//!
//! Whatever starts a program there finds the right runner, without the kernel's help: a library that is loaded into every
//! dynamic program of the root looks at what is to be executed (`recipes/run/preload.c`). The same runner has a name in
//! `PATH` for dune's `--target-exec`, which decides that tests run the target's programs and not the host's.
//!
//! Not here: running what is delivered, outside of roots (`exec::runner`).

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use action::graph::{Base, Input, Literal, LiteralFile, Node, NodeId, Tool};
use action::path::RelPath;
use action::tree;

use crate::layout;
use crate::planner::{Job, PlanError, Planner, input, part, script};
use crate::project::toolchain_name;
use crate::target::{Abi, Cpu, Endian, Machine, ObjectFormat, Runner, Target};

const RECIPES: &[(&str, &str)] = &[
    (RECIPE, include_str!("../recipes/run/run.sh")),
    ("run/preload.c", include_str!("../recipes/run/preload.c")),
    ("run/client.c", include_str!("../recipes/run/client.c")),
];
const RECIPE: &str = "run/run.sh";

/// Where runners are in a root: `recipes/run/preload.c` looks here.
const PLACE: &str = "bactrian/run";
/// The socket, in a root, at which a runner outside of it is asked: `recipes/run/client.c` connects to it.
pub const SOCKET: &str = "tmp/.bactrian-runner";
/// What a user wants a target's programs to be run by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The machine itself, whatever the target is: the kernel may know what to do.
    Native,
    /// The emulator of the target's CPU.
    Qemu,
    /// wine.
    Wine,
    /// Another machine.
    Ssh {
        /// `host` or `user@host`.
        destination: String,
        /// Another port than ssh's own.
        port: Option<u16>,
    },
    /// Workers of the Remote Execution engine that is built with.
    Remote,
    /// A command that is given the program and its arguments; not empty.
    Command(Vec<String>),
}

/// Why a text says no runner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Nothing is said.
    #[error("a runner is a command, and this is none")]
    Empty,
    /// A quotation does not end.
    #[error("a quotation in `{0}` does not end")]
    Quotation(String),
    /// No machine is named.
    #[error("`{0}` names no machine")]
    Machine(String),
}

impl FromStr for Choice {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        match text.trim() {
            "" => Err(ChoiceError::Empty),
            "native" => Ok(Self::Native),
            "qemu" => Ok(Self::Qemu),
            "wine" => Ok(Self::Wine),
            "remote" => Ok(Self::Remote),
            text => match text.strip_prefix("ssh:") {
                Some(machine) => ssh(machine).ok_or_else(|| ChoiceError::Machine(text.to_owned())),
                None => shlex::split(text)
                    .filter(|words| !words.is_empty())
                    .map(Self::Command)
                    .ok_or_else(|| ChoiceError::Quotation(text.to_owned())),
            },
        }
    }
}

impl Choice {
    /// The same where a command's program that is a path is one of `directory`.
    #[must_use]
    pub fn seen_from(self, directory: &Path) -> Self {
        let Self::Command(mut words) = self else { return self };
        if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
            // What is no UTF-8 cannot be said in a settings file, and so is left as it was.
            let seen = directory.join(&*program).into_os_string().into_string();
            *program = seen.unwrap_or_else(|_| std::mem::take(program));
        }
        Self::Command(words)
    }
}

/// `user@host:port`. What begins with `-` would be an option of ssh's.
fn ssh(machine: &str) -> Option<Choice> {
    let machine = machine.trim_start_matches("//");
    let (destination, port) = match machine.rsplit_once(':') {
        // An address of IPv6 has colons of its own, and brackets where a port follows.
        Some((destination, port)) if !destination.contains(':') || destination.ends_with(']') => {
            (destination, Some(port.parse().ok()?))
        }
        _ => (machine, None),
    };
    let destination = destination.replace(['[', ']'], "");
    let is_name =
        !destination.is_empty() && !destination.starts_with('-') && !destination.contains(char::is_whitespace);
    is_name.then_some(Choice::Ssh { destination, port })
}

/// The Debian package of the emulators.
const PACKAGE: &str = "qemu-user";

/// Who runs a target's programs inside a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// The machine itself.
    Native,
    /// An emulator of this name, captured from the build machine.
    Emulator(&'static str),
    /// Somebody outside, asked at [`SOCKET`]; a number that tells one such from others.
    Outside(u32),
}

impl Inside {
    /// Whether the runner is outside.
    #[must_use]
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::Outside(_))
    }
}

impl Planner {
    /// What runs programs of `target` in a root.
    pub(crate) fn runner(&mut self, target: Target, inside: Inside) -> Result<Vec<Input>, PlanError> {
        let made = self.runner_programs()?;
        let mut inputs = vec![part(PLACE, made, "preload")?];
        if let Inside::Emulator(name) = inside {
            let emulator = self.once(format!("emulator {name} {}", target.spec().gnu_triple), |_| {
                Ok(Node::Base(emulator(name, target)))
            })?;
            inputs.push(input("", emulator)?);
        }
        if inside.is_outside() {
            inputs.push(part(PLACE, made, "client")?);
        }
        let own = self.graph.add(Node::Literal(starters(target, inside)?))?;
        inputs.push(input("", own)?);
        Ok(inputs)
    }

    fn runner_programs(&mut self) -> Result<NodeId, PlanError> {
        let inputs = self.host_cc_inputs()?;
        self.once("runner programs", |planner| {
            planner.run(Job {
                label: "what runs programs of targets".to_owned(),
                inputs,
                files: RECIPES.to_vec(),
                steps: vec![script(RECIPE)],
                environment: vec![("CC_TARGET", layout::HOST_CC_TARGET.to_owned())],
                target: None,
            })
        })
    }
}

/// Who runs programs of `target` in actions, which see nothing outside of their root; none if nothing can.
#[must_use]
pub fn for_actions(target: Target) -> Option<Inside> {
    let build_machine: Target = layout::HOST_CC_TARGET.parse().ok()?;
    let machine = Machine { cpu: Some(build_machine.spec().cpu), os: Some(build_machine.spec().os) };
    match target.runner_on(machine) {
        Runner::Native => Some(Inside::Native),
        Runner::Qemu(name) => Some(Inside::Emulator(name)),
        // A directory of its own for every action, of 500 MB.
        Runner::Wine | Runner::None => None,
    }
}

/// What the environment of a root with runners has besides: the library that finds them.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    [("LD_PRELOAD".to_owned(), format!("/{PLACE}/preload.so"))].into()
}

/// The name in `PATH` by which dune starts programs of `target`. Another runner has another one: what passed under an emulator has
/// not passed on the machine itself, and dune sees by the name that it is to be run again.
#[must_use]
pub fn command(target: Target, inside: Inside) -> String {
    let toolchain = toolchain_name(target);
    match inside {
        Inside::Native => format!("run-{toolchain}"),
        Inside::Emulator(name) => format!("run-{toolchain}-{name}"),
        Inside::Outside(number) => format!("run-{toolchain}-{number:08x}"),
    }
}

/// The emulator with its libraries and, for a target whose programs are dynamic, the target's own as the machine has them.
fn emulator(name: &str, target: Target) -> Base {
    let tool =
        Tool { names: vec![name.to_owned(), format!("{name}-static")], required: true, package: PACKAGE.to_owned() };
    // Some have their loader in the second alone.
    let data = dynamic(target).map(|place| ["lib", "lib64"].map(|name| format!("{place}/{name}")));
    Base { tools: vec![tool], libraries: Vec::new(), data: data.into_iter().flatten().collect() }
}

/// Where Debian has the libraries of another machine that `target`'s programs need, if they need any.
fn dynamic(target: Target) -> Option<String> {
    (target.spec().abi == Abi::Gnu).then(|| format!("/usr/{}", target.spec().gnu_triple))
}

/// The programs that start a runner: one that is found by what a program is, one by the toolchain's name.
fn starters(target: Target, inside: Inside) -> Result<Literal, PlanError> {
    let mut literal = Literal::default();
    let named = RelPath::new(&format!("{}/{}", layout::TOOLS, command(target, inside)))?;
    // What is found by its header would be every program of the root, if they were of its kind.
    let host = layout::HOST_CC_TARGET.parse::<Target>()?.spec();
    let is_foreign = (target.spec().cpu, target.spec().object_format) != (host.cpu, host.object_format);
    let mut file = |path: RelPath, text: String| {
        literal.files.push(LiteralFile { path, contents: text.into_bytes().into(), executable: true });
    };
    match inside {
        Inside::Native => file(named, "#!/bin/sh\nexec \"$@\"\n".to_owned()),
        Inside::Emulator(name) => {
            // What is loaded into programs of this machine is none of the target's.
            let libraries = dynamic(target).map(|place| format!("-U LD_PRELOAD -L {place} ")).unwrap_or_default();
            let text = format!("#!/bin/sh\nexec /usr/bin/{name} {libraries}\"$@\"\n");
            file(named, text.clone());
            if is_foreign {
                file(by_header(target)?, text);
            }
        }
        Inside::Outside(_) => {
            literal.links.push((named, tree::Target::new(&format!("../../{PLACE}/client"))?));
            if is_foreign {
                literal.links.push((by_header(target)?, tree::Target::new("client")?));
            }
        }
    }
    Ok(literal)
}

/// Where `recipes/run/preload.c` looks for the runner of `target`'s programs.
fn by_header(target: Target) -> Result<RelPath, PlanError> {
    let facts = target.cpu();
    let name = match target.spec().object_format {
        ObjectFormat::Elf => {
            let class = if facts.bits == 64 { 2 } else { 1 };
            let order = match facts.endian {
                Endian::Little => 1,
                Endian::Big => 2,
            };
            format!("{}-{class}-{order}", elf_machine(target.spec().cpu))
        }
        ObjectFormat::Pe => "pe".to_owned(),
        // Nothing runs these but their own system.
        ObjectFormat::MachO => "mach-o".to_owned(),
    };
    Ok(RelPath::new(&format!("{PLACE}/{name}"))?)
}

/// The psABI documents' numbers of CPUs, `e_machine` in an ELF file's header.
const fn elf_machine(cpu: Cpu) -> u16 {
    match cpu {
        Cpu::X86 => 3,
        Cpu::Powerpc64le => 21,
        Cpu::S390x => 22,
        Cpu::Armv7 => 40,
        Cpu::X86_64 => 62,
        Cpu::Aarch64 => 183,
        Cpu::Riscv64 => 243,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(target: &str, inside: Inside) -> Vec<String> {
        let literal = starters(target.parse().unwrap(), inside).unwrap();
        let files = literal.files.iter().map(|file| file.path.as_str().to_owned());
        files.chain(literal.links.iter().map(|(path, _)| path.as_str().to_owned())).collect()
    }

    #[test]
    fn a_runner_is_found_by_what_a_program_is() {
        let emulated = placed("aarch64-linux-musl", Inside::Emulator("qemu-aarch64"));
        assert_eq!(emulated, ["bactrian/tools/run-aarch64_linux_musl-qemu-aarch64", "bactrian/run/183-2-1"]);
        let outside = placed("riscv64-linux-musl", Inside::Outside(7));
        assert_eq!(outside, ["bactrian/tools/run-riscv64_linux_musl-00000007", "bactrian/run/243-2-1"]);
        // Programs that the machine runs are nothing to be looked for.
        assert_eq!(placed("x86_64-linux-musl", Inside::Native), ["bactrian/tools/run-x86_64_linux_musl"]);
    }

    #[test]
    fn programs_of_the_root_itself_are_nobody_elses() {
        for inside in [Inside::Outside(7), Inside::Emulator("qemu-x86_64")] {
            let placed = placed("x86_64-linux-musl", inside);
            assert!(placed.len() == 1 && placed[0].starts_with("bactrian/tools/run-x86_64_linux_musl-"), "{placed:?}");
        }
    }

    #[test]
    fn what_users_say() {
        let ssh = |destination: &str, port| Ok(Choice::Ssh { destination: destination.to_owned(), port });
        let command = |words: &[&str]| Ok(Choice::Command(words.iter().map(|word| (*word).to_owned()).collect()));
        for (text, meant) in [
            ("native", Ok(Choice::Native)),
            (" qemu ", Ok(Choice::Qemu)),
            ("wine", Ok(Choice::Wine)),
            ("remote", Ok(Choice::Remote)),
            ("ssh:pi@kitchen", ssh("pi@kitchen", None)),
            ("ssh:pi@kitchen:2222", ssh("pi@kitchen", Some(2222))),
            ("ssh://kitchen", ssh("kitchen", None)),
            ("ssh:::1", ssh("::1", None)),
            ("ssh:me@[::1]:22", ssh("me@::1", Some(22))),
            ("ssh:", Err(ChoiceError::Machine("ssh:".to_owned()))),
            ("ssh:-oProxyCommand=x", Err(ChoiceError::Machine("ssh:-oProxyCommand=x".to_owned()))),
            ("ssh:host:port", Err(ChoiceError::Machine("ssh:host:port".to_owned()))),
            ("my-runner --cpu 'a b'", command(&["my-runner", "--cpu", "a b"])),
            ("my-runner 'a", Err(ChoiceError::Quotation("my-runner 'a".to_owned()))),
            ("  ", Err(ChoiceError::Empty)),
        ] {
            assert_eq!(text.parse(), meant, "{text}");
        }
    }

    #[test]
    fn commands_of_a_file_are_seen_from_it() {
        for (said, meant) in [
            ("./tools/run.sh --cpu ../a", "/p/./tools/run.sh --cpu ../a"),
            ("/opt/run -v", "/opt/run -v"),
            ("my-runner ./a", "my-runner ./a"),
        ] {
            let choice: Choice = said.parse().unwrap();
            assert_eq!(choice.seen_from(Path::new("/p")), meant.parse().unwrap(), "{said}");
        }
        assert_eq!(Choice::Qemu.seen_from(Path::new("/p")), Choice::Qemu);
    }

    #[test]
    fn dynamic_programs_are_given_their_libraries_and_no_other() {
        let text = |target: &str| {
            let literal = starters(target.parse().unwrap(), Inside::Emulator("qemu-aarch64")).unwrap();
            String::from_utf8(literal.files[0].contents.to_vec()).unwrap()
        };
        assert!(text("aarch64-linux-musl").ends_with("exec /usr/bin/qemu-aarch64 \"$@\"\n"));
        assert!(text("aarch64-linux-gnu").contains("-U LD_PRELOAD -L /usr/aarch64-linux-gnu "));
        assert_eq!(emulator("qemu-aarch64", "aarch64-linux-musl".parse().unwrap()).data, [""; 0]);
    }
}
