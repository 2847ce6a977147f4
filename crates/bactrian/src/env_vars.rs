//! Every environment variable that is read: the one list, from which `docs/reference/environment.md` is made.
//!
//! Not here: reading them (`surroundings`), what their values mean (`settings`, `ui`).

/// An environment variable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// The option that says the same and goes before it.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference and tests read it"))]
    pub(crate) option: Option<&'static str>,
    /// What it does, for the reference.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) meaning: &'static str,
}

macro_rules! variables {
    ($($constant:ident $option:expr => $meaning:literal;)*) => {
        $(pub(crate) const $constant: Variable =
            Variable { name: stringify!($constant), option: $option, meaning: $meaning };)*
        /// All of them, in the order of the reference.
        #[cfg_attr(not(test), expect(dead_code, reason = "only the reference and tests go through all"))]
        pub(crate) const ALL: &[Variable] = &[$($constant),*];
    };
}

variables! {
    BACTRIAN_TARGET Some("--target") => "Targets to build for, separated by commas.";
    BACTRIAN_OCAML Some("--ocaml") => "Version of OCaml to build with, such as `5.3.0`.";
    BACTRIAN_BYTECODE Some("--bytecode") =>
        "`1`, `true` or `yes`: where that OCaml has no native code for a target, make programs of byte code, with the runtime inside.";
    BACTRIAN_STORE Some("--store") =>
        "Directory of the store. A relative one is seen from the working directory.";
    BACTRIAN_REPO Some("--repo") =>
        "Opam repositories, directories or URLs, separated by commas; a package of an earlier one hides those of later ones.";
    BACTRIAN_MIRROR Some("--mirror") =>
        "Archive mirrors, directories or URLs, separated by commas; asked in this order before any other origin.";
    BACTRIAN_QUIRKS Some("--quirks") =>
        "Files, separated by commas, that say how packages are built where their own opam files do not suffice.";
    BACTRIAN_RUNNER Some("--runner") =>
        "Who runs the targets' programs: `native`, `qemu`, `wine`, `remote`, `ssh:[user@]host[:port]`, or a command.";
    BACTRIAN_LOCKED Some("--locked") =>
        "`1`, `true` or `yes`: fail if `bactrian.lock` does not fit the project, instead of renewing it.";
    BACTRIAN_OFFLINE Some("--offline") =>
        "`1`, `true` or `yes`: use no network. `0`, `false` or `no`: use it even if `bactrian.toml` says otherwise.";
    BACTRIAN_REMOTE Some("--remote") =>
        "Remote Execution engine or cache to build with: `grpc[s]://host:port[/instance]`, or `none`. See `docs/design/remote.md`.";
    BACTRIAN_REMOTE_MODE Some("--remote-mode") => "`cache`, `execute` or `hybrid`: what it is used for.";
    BACTRIAN_REMOTE_TOKEN None =>
        "Bearer token for it; never in a message. `remote.token-file` of `bactrian.toml` names a file instead.";
    BACTRIAN_JOBS Some("--jobs") => "How many processes may work at once; a positive number.";
    BACTRIAN_EMULATE_X86 None =>
        "`1`, `true` or `yes`: compilers of 32-bit targets, programs for 32-bit x86, run under `qemu-i386`. `0`, `false` or `no`: by themselves. Without it: by themselves where this machine can.";
    BACTRIAN_MESSAGE_FORMAT Some("--message-format") =>
        "`human` or `json`: for whom results and progress are written. See `messages.md`.";
    BACTRIAN_COLOR Some("--color") => "`auto`, `always` or `never`: whether output is coloured.";
    BACTRIAN_VERBOSITY Some("--verbose") =>
        "`quiet`, `normal` or `verbose`: how much is told on standard error, as `-q` and `-v` say.";
    NO_COLOR None => "Any value: no colours, unless `--color` or `BACTRIAN_COLOR` says otherwise. See no-color.org.";
    CLICOLOR_FORCE None => "Any value but `0`: colours even where output is no terminal. `NO_COLOR` goes before it.";
    TERM None => "`dumb`: a terminal without colours or progress bars.";
    XDG_CACHE_HOME None => "Absolute directory of caches: the store is its subdirectory `bactrian` if nothing else is said.";
    HOME None => "The user's directory: without `XDG_CACHE_HOME` the store is `.cache/bactrian` in it.";
    PATH None => "Where the tools of this machine are looked up. Builds themselves never see it.";
    RUST_BACKTRACE None => "`1`: a bug of Bactrian is reported with a backtrace.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ours_have_an_option_and_no_name_twice() {
        assert_eq!(ALL.iter().map(|variable| variable.name).collect::<BTreeSet<_>>().len(), ALL.len());
        for variable in ALL {
            // One is about the machine, not about what is asked for; the other is a secret, which no command line should have.
            let alone = [BACTRIAN_EMULATE_X86.name, BACTRIAN_REMOTE_TOKEN.name].contains(&variable.name);
            let ours = variable.name.starts_with("BACTRIAN_") && !alone;
            assert_eq!(ours, variable.option.is_some(), "{}", variable.name);
        }
    }

    /// Whoever reads `--help` learns of the variable, and only of variables that exist.
    #[test]
    fn help_names_the_variable_of_each_option() {
        let help = crate::args::all_help();
        for variable in ALL.iter().filter(|variable| variable.option.is_some()) {
            assert!(help.contains(&format!("[env: {}]", variable.name)), "{}", variable.name);
        }
        for mention in help.split("[env: ").skip(1) {
            let name = mention.split(']').next().unwrap();
            assert!(ALL.iter().any(|variable| variable.name == name), "{name}");
        }
    }
}
