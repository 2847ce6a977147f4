//! Arguments: what was typed, checked for form alone.
//!
//! Text stays text here; what it means, together with the environment and `bactrian.toml`, is `settings`' business.
//! So `--help`, `--version` and a typing error never depend on a file or a variable.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};

mod help;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Cross-compiles unmodified OCaml projects
#[derive(Debug, Clone, Parser)]
#[command(
    name = "bactrian",
    version = crate::version::VERSION,
    long_version = crate::version::long(),
    styles = STYLES,
    after_help = help::AFTER,
    after_long_help = help::AFTER_LONG,
    disable_help_subcommand = true,
    infer_long_args = false,
    max_term_width = 100
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Directory of the store of everything made so far [env: BACTRIAN_STORE]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    /// For whom results and progress are written [default: human] [env: BACTRIAN_MESSAGE_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) message_format: Option<MessageFormat>,
    /// When to use colours [default: auto] [env: BACTRIAN_COLOR]
    #[arg(long, global = true, value_name = "WHEN")]
    pub(crate) color: Option<ColorChoice>,
    /// Tell more [env: BACTRIAN_VERBOSITY]
    #[arg(short, long, global = true, action = ArgAction::SetTrue, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Tell errors alone
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub(crate) quiet: bool,
}

/// Formats of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// Text for people
    Human,
    /// One JSON object per line
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// If the output is a terminal that can
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    #[command(about = help::BUILD, after_long_help = help::BUILD_EXAMPLES)]
    Build(Build),
    #[command(about = help::INSTALL, after_long_help = help::INSTALL_EXAMPLES)]
    Install(Install),
    #[command(about = help::LOCK, after_long_help = help::LOCK_EXAMPLES)]
    Lock(Lock),
    #[command(about = help::UPDATE, after_long_help = help::UPDATE_EXAMPLES)]
    Update(Update),
    /// The packages that are needed, and what needs them
    Tree(Subject),
    /// What a package is needed for
    Why(Why),
    #[command(about = help::CHECK, after_long_help = help::CHECK_EXAMPLES)]
    Check(Subject),
    #[command(about = help::RUN, after_long_help = help::RUN_EXAMPLES)]
    Run(Run),
    #[command(about = help::TEST, after_long_help = help::TEST_EXAMPLES)]
    Test(Test),
    #[command(about = help::EXEC, after_long_help = help::EXEC_EXAMPLES)]
    Exec(Exec),
    #[command(about = help::SHELL, after_long_help = help::SHELL_EXAMPLES)]
    Shell(Shell),
    #[command(about = help::INSPECT, after_long_help = help::INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// The machines that can be built for
    #[command(subcommand)]
    Target(Target),
    /// The compilers and C toolchains of targets
    #[command(subcommand)]
    Toolchain(Toolchain),
    /// The store of everything made so far
    #[command(subcommand)]
    Store(Store),
    #[command(about = help::DOCTOR, after_long_help = help::DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    #[command(about = help::COMPLETIONS, after_long_help = help::COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    #[command(about = help::MAN, after_long_help = help::MAN_EXAMPLES)]
    Man {
        /// The command whose page is wanted, such as `store gc`; bactrian's own if none
        command: Vec<String>,
    },
}

/// For what is built, and with what.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Making {
    /// What to build for: one of `bactrian target list`, or several [env: BACTRIAN_TARGET]
    #[arg(short, long = "target", value_name = "TARGET", value_delimiter = ',')]
    pub(crate) targets: Vec<String>,
    /// A CMake toolchain file, or a configured CMake build directory: the target's C code is compiled as it says
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) cmake: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) means: Means,
}

/// With what is built.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Means {
    /// Version of OCaml, such as 5.3.0 [env: BACTRIAN_OCAML]
    #[arg(long, value_name = "VERSION")]
    pub(crate) ocaml: Option<String>,
    /// Where that OCaml has no native code for a target, make programs of byte code, with the runtime inside [env:
    /// BACTRIAN_BYTECODE]
    #[arg(long)]
    pub(crate) bytecode: bool,
    /// An opam repository: directory, archive or git URL; the first goes first; may be repeated [default: the public one]
    /// [env: BACTRIAN_REPO]
    #[arg(long = "repo", value_name = "DIR|URL")]
    pub(crate) repositories: Vec<OsString>,
    /// A directory or URL with archives by checksum, asked first; may be repeated [env: BACTRIAN_MIRROR]
    #[arg(long = "mirror", value_name = "DIR|URL")]
    pub(crate) mirrors: Vec<OsString>,
    /// A file that says how packages are built where their own opam files do not suffice; may be repeated [env: BACTRIAN_QUIRKS]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) quirks: Vec<PathBuf>,
    /// Fail if bactrian.lock does not fit the project, instead of renewing it [env: BACTRIAN_LOCKED]
    #[arg(long)]
    pub(crate) locked: bool,
    /// Use no network: what is not in the store or a directory is missing [env: BACTRIAN_OFFLINE]
    #[arg(long)]
    pub(crate) offline: bool,
    /// How many processes may work at once [default: as many as processors] [env: BACTRIAN_JOBS]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<String>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// A Remote Execution engine or cache.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Remote {
    /// A Remote Execution engine or cache to build with: grpc://host:port, grpcs://host:port, either with /instance; `none`
    /// for none [env: BACTRIAN_REMOTE]
    #[arg(long = "remote", value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// What it is used for [default: execute] [env: BACTRIAN_REMOTE_MODE]
    #[arg(long = "remote-mode", value_name = "MODE")]
    pub(crate) mode: Option<RemoteMode>,
}

/// What a remote engine is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RemoteMode {
    /// Results are taken from it and told to it; everything runs here
    Cache,
    /// Actions run there
    Execute,
    /// Actions run here while there is room and their inputs are here, else there
    Hybrid,
}

/// `bactrian doctor`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Whether it is written where the time went.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Timings {
    /// Write where the time went: a page, bactrian-timings-DATE.html, and a trace for viewers, .json [default directory: the
    /// output's]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, value_hint = ValueHint::DirPath)]
    pub(crate) timings: Option<Option<PathBuf>>,
}

/// `bactrian build`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Build {
    /// The project's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) runner: Runner,
    /// Where programs are put, in a directory per target [default: dist in the project]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
    /// Deliver the executable NAME of a directory, which has dune's mode `object`, as an object file for C programs, and
    /// OCaml's headers; nothing else is built; may be repeated
    #[arg(long = "object", value_name = "[DIR/]NAME")]
    pub(crate) objects: Vec<String>,
    #[command(flatten)]
    pub(crate) timings: Timings,
}

/// `bactrian install`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Install {
    /// Published packages, each with its version if another than the newest is wanted
    #[arg(required = true, value_name = "PKG[.VERSION]")]
    pub(crate) packages: Vec<String>,
    #[command(flatten)]
    pub(crate) making: Making,
    /// Where the packages' files are put, in a directory per target
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "dist")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) timings: Timings,
}

/// `bactrian lock`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Lock {
    /// The project's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
}

/// `bactrian update`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Update {
    /// The packages to take newer versions of; all if none is named
    #[arg(value_name = "PKG")]
    pub(crate) packages: Vec<String>,
    /// The project's directory
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) project: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
}

/// What packages are chosen for: `bactrian tree`, `check`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Subject {
    /// The project's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,
    /// A published package instead of a project; may be repeated
    #[arg(short, long = "package", value_name = "PKG[.VERSION]")]
    pub(crate) packages: Vec<String>,
    #[command(flatten)]
    pub(crate) making: Making,
}

/// `bactrian why`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Why {
    /// The package
    #[arg(value_name = "PKG")]
    pub(crate) package: String,
    #[command(flatten)]
    pub(crate) subject: Subject,
}

/// `bactrian run`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Run {
    /// The project's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) runner: Runner,
    /// Which of the project's programs, if it has several
    #[arg(long, value_name = "NAME")]
    pub(crate) bin: Option<String>,
    /// The program's arguments
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
}

/// `bactrian test`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Test {
    /// The project's directory
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
    #[command(flatten)]
    pub(crate) runner: Runner,
    /// Take what tests print for what is expected: change the project's files
    #[arg(long)]
    pub(crate) promote: bool,
}

/// By whom programs are run.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Runner {
    /// Who runs the target's programs: `native`, `qemu`, `wine`, `remote` (workers of the engine that --remote names),
    /// `ssh:[user@]host[:port]`, or a command that is given the program and its arguments [default: what the target needs]
    /// [env: BACTRIAN_RUNNER]
    #[arg(long = "runner", value_name = "RUNNER")]
    pub(crate) runner: Option<String>,
}

/// `bactrian exec`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Exec {
    /// The directory it runs in
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

/// `bactrian shell`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Shell {
    /// The directory it starts in
    #[arg(default_value = ".", value_hint = ValueHint::DirPath, conflicts_with = "failed")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) making: Making,
    /// Enter the root of the failed action that a message named
    #[arg(long, value_name = "ID", conflicts_with = "targets")]
    pub(crate) failed: Option<String>,
}

/// `bactrian inspect`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Inspect {
    /// Programs, libraries, objects, archives
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

/// `bactrian target`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Target {
    #[command(about = help::TARGET_LIST, after_long_help = help::TARGET_LIST_EXAMPLES)]
    List,
}

/// `bactrian toolchain`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Toolchain {
    /// What has been made, and what it takes in the store
    List,
    #[command(about = help::TOOLCHAIN_BUILD, after_long_help = help::TOOLCHAIN_BUILD_EXAMPLES)]
    Build(Making),
    #[command(about = help::TOOLCHAIN_ADD, after_long_help = help::TOOLCHAIN_ADD_EXAMPLES)]
    Add {
        /// What the directory is
        what: Addition,
        /// The directory; what is used of it is copied into the store
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Forget toolchains, so that `store gc` may delete them
    Remove {
        /// What was added, instead of the toolchains of targets
        #[arg(conflicts_with = "targets")]
        what: Option<Addition>,
        #[command(flatten)]
        making: Making,
    },
}

/// What cannot be made, so that a user has to bring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Addition {
    /// Apple's SDK for macOS, for its frameworks
    MacosSdk,
}

/// `bactrian store`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Store {
    /// How much is in the store, and of what
    Stats,
    #[command(about = help::STORE_GC, after_long_help = help::STORE_GC_EXAMPLES)]
    Gc {
        /// Delete until no more than this is left: 10G, 500M, a number of bytes
        #[arg(long, value_name = "SIZE")]
        max_size: Option<String>,
        /// Delete what was not used for this long: 30d, 12h, 2w
        #[arg(long, value_name = "AGE")]
        max_age: Option<String>,
    },
    /// Read everything again and compare it with its digest
    Verify {
        /// Delete what is damaged, so that it is made again when it is needed
        #[arg(long)]
        repair: bool,
    },
}

/// The whole command line as clap knows it, for completions and manual pages.
pub(crate) fn command() -> clap::Command {
    Args::command()
}

/// The long help of every command, one after the other.
#[cfg(test)]
pub(crate) fn all_help() -> String {
    fn visit(command: &mut clap::Command, all: &mut String) {
        all.push_str(&command.render_long_help().to_string());
        for inner in command.get_subcommands_mut() {
            visit(inner, all);
        }
    }
    let mut all = String::new();
    let mut command = command().term_width(0);
    command.build();
    visit(&mut command, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault() {
        command().debug_assert();
    }

    #[test]
    fn forms() {
        for good in [
            "build -t a,b -t c -o out -j 4 --mirror x --mirror y dir",
            "build --timings -t a dir",
            "install x --timings=where -t a",
            "run --target t --bin main -- --flag -x",
            "run --target t --runner ssh:me@there dir",
            "test -t a,b --promote dir",
            "exec --target t dir -- make -j4",
            "shell --failed 12ab",
            "inspect a b",
            "toolchain add macos-sdk dir",
            "toolchain remove macos-sdk",
            "toolchain remove -t a",
            "store gc --max-size 10G --max-age 30d",
            "store verify --repair -v",
            "build --remote grpc://farm:8980/main --remote-mode hybrid -t a",
            "doctor --remote grpcs://farm",
            "man store gc",
            "-q target list",
        ] {
            assert!(Args::try_parse_from(split(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "inspect",
            "install",
            "exec --target t",
            "build -v -q",
            "shell --failed 1 --target t",
            "build --sealed",
            "build --remote-mode sometimes -t a",
            "toolchain add macos-sdk",
            "toolchain add gcc dir",
            "toolchain remove macos-sdk -t a",
        ] {
            assert!(Args::try_parse_from(split(bad)).is_err(), "{bad}");
        }
    }

    fn split(line: &str) -> impl Iterator<Item = &str> {
        std::iter::once("bactrian").chain(line.split_whitespace())
    }
}
