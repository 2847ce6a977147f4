//! Help texts: one line for lists, examples for whoever asks for long help.

pub(super) const AFTER: &str = "Start with `bactrian doctor`, then `bactrian build --target aarch64-linux-musl`.\n\
                                `bactrian COMMAND --help` has examples.";

pub(super) const AFTER_LONG: &str = "\
Examples:
  bactrian doctor                                        can this machine build?
  bactrian build --target aarch64-linux-musl             the project here, for another machine
  bactrian build -t x86_64-linux-musl,aarch64-linux-gnu.2.28
  bactrian run --target riscv64-linux-musl -- --version  under an emulator
  bactrian inspect dist/*/*                              what was built

Files:
  bactrian.toml   beside the project: defaults for the options (docs/reference/configuration.md)

Exit codes:
  0 done, 1 a build failed, 2 usage, 3 no solution, 4 this machine lacks something,
  5 remote infrastructure, 101 a bug of bactrian; `run` and `exec` end with the program's own code.

Results are on standard output, everything else on standard error.";

pub(super) const BUILD: &str = "Build the project's programs for other machines";
pub(super) const BUILD_EXAMPLES: &str = "\
Programs are put in DIR/TARGET/. The first build for a target makes its toolchain,
which takes minutes; later ones take what `dune build` takes.

Examples:
  bactrian build --target aarch64-linux-musl
  bactrian build hello -t x86_64-linux-musl,riscv64-linux-musl -o out
  bactrian build -t x86_64-linux-gnu.2.17     for every Linux since RHEL 7
  bactrian build --offline --message-format json -t aarch64-linux-musl
  bactrian build --timings -t aarch64-linux-musl      and see where the time went
  bactrian build --remote grpc://farm:8980 -t aarch64-linux-musl      on a Remote Execution engine";

pub(super) const INSTALL: &str = "Build published packages and everything they need for other machines";
pub(super) const INSTALL_EXAMPLES: &str = "\
The packages' files are put in DIR/TARGET/: programs in bin, libraries in lib. What they need is built as well, for
the target and, where a build runs it, for this machine.

Examples:
  bactrian install menhir --target aarch64-linux-musl -o out
  bactrian install hevea.2.36 csvtool -t x86_64-linux-musl,riscv64-linux-musl --repo opam-repository";

pub(super) const LOCK: &str = "Choose versions of all packages the project needs, and write them down";
pub(super) const LOCK_EXAMPLES: &str = "\
bactrian.lock beside the project pins every package, source and checksum, for all targets at once. `build` writes it too;
what it says stays until the project asks for something else.

Examples:
  bactrian lock --target aarch64-linux-musl,x86_64-linux-gnu.2.28
  bactrian lock --locked -t aarch64-linux-musl      fail if something would change";

pub(super) const UPDATE: &str = "Take newer versions of packages";
pub(super) const UPDATE_EXAMPLES: &str = "\
Examples:
  bactrian update -t aarch64-linux-musl          everything
  bactrian update lwt -t aarch64-linux-musl      lwt, and what it needs newer";

pub(super) const CHECK: &str = "Say whether a project will cross, without building it";
pub(super) const CHECK_EXAMPLES: &str = "\
Every package that is needed is looked at: what crosses by rule is counted, of all others it is told what is known.
Ends with 1 if something cannot be built.

Examples:
  bactrian check --target aarch64-linux-musl
  bactrian check --package lwt --package zarith -t riscv64-linux-musl";

pub(super) const RUN: &str = "Build a program and run it, under an emulator if need be";
pub(super) const RUN_EXAMPLES: &str = "\
Ends with the program's own exit code, or 128 and the number of the signal that killed it.

Examples:
  bactrian run --target aarch64-linux-musl
  bactrian run -t riscv64-linux-musl --bin hello -- --name World
  bactrian run -t aarch64-linux-musl --runner ssh:pi@kitchen       on another machine
  bactrian run -t aarch64-linux-musl --runner 'qemu-aarch64 -cpu cortex-a53'";

pub(super) const TEST: &str = "Run the project's own tests as programs of another machine";
pub(super) const TEST_EXAMPLES: &str = "\
What dune calls `runtest`, for each target: results and differences are shown as dune shows them. What tests need is
chosen and built as well. Ends with 1 if a test fails.

Examples:
  bactrian test --target aarch64-linux-musl
  bactrian test -t aarch64-linux-musl,s390x-linux-musl      one after the other
  bactrian test -t aarch64-linux-musl --promote             accept what they print";

pub(super) const EXEC: &str = "Run any command inside the target's root";
pub(super) const EXEC_EXAMPLES: &str = "\
The directory is there, read and written; the target's compilers are in PATH; there is no network.
Ends with the command's own exit code.

Examples:
  bactrian exec --target aarch64-linux-musl -- make
  bactrian exec -t x86_64-linux-gnu.2.28 lib -- dune build -x x86_64-linux-gnu @check";

pub(super) const SHELL: &str = "Open a shell inside the target's root, or where a build failed";
pub(super) const SHELL_EXAMPLES: &str = "\
Examples:
  bactrian shell --target aarch64-linux-musl
  bactrian shell --failed 3f9a1c     the root of a failed action, as its message said";

pub(super) const INSPECT: &str = "Tell what object files are for and what they need";
pub(super) const INSPECT_EXAMPLES: &str = "\
CPU and system, interpreter, libraries, glibc floor, and paths of the build machine left inside.
Ends with 1 if a file is no object file.

Examples:
  bactrian inspect dist/aarch64-linux-musl/hello
  bactrian inspect --message-format json libfoo.a | jq .";

pub(super) const DOCTOR: &str = "Check whether this machine can build and run";
pub(super) const DOCTOR_EXAMPLES: &str = "\
Each failing check comes with the command that mends it. Ends with 4 if one fails; warnings do not count.

Examples:
  bactrian doctor
  bactrian doctor --store /mnt/big/store
  bactrian doctor --remote grpc://farm:8980      the same, and what that engine can do";

pub(super) const COMPLETIONS: &str = "Print a completion script for a shell";
pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bactrian completions bash > ~/.local/share/bash-completion/completions/bactrian
  bactrian completions zsh > ~/.zfunc/_bactrian
  bactrian completions fish > ~/.config/fish/completions/bactrian.fish";

pub(super) const MAN: &str = "Print a manual page";
pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  bactrian man | man -l -
  bactrian man store gc > bactrian-store-gc.1";

pub(super) const TARGET_LIST: &str = "The targets of this release";
pub(super) const TARGET_LIST_EXAMPLES: &str = "\
A glibc target takes a floor: x86_64-linux-gnu.2.17 starts with glibc 2.17 and all later ones.
GNU and Rust triples are accepted too.

Examples:
  bactrian target list
  bactrian target list --message-format json";

pub(super) const TOOLCHAIN_BUILD: &str = "Make toolchains now, so that the first build is quick";
pub(super) const TOOLCHAIN_BUILD_EXAMPLES: &str = "\
Examples:
  bactrian toolchain build --target aarch64-linux-musl,x86_64-linux-gnu.2.28";

pub(super) const TOOLCHAIN_ADD: &str = "Bring what cannot be made: Apple's SDK, for programs that use frameworks";
pub(super) const TOOLCHAIN_ADD_EXAMPLES: &str = "\
Programs for macOS need no SDK unless they use frameworks. It stays in the store, whatever `store gc` deletes, until
`toolchain remove macos-sdk`.

Examples:
  bactrian toolchain add macos-sdk ~/MacOSX14.sdk
  bactrian toolchain remove macos-sdk";

pub(super) const STORE_GC: &str = "Delete from the store what nothing needs any more";
pub(super) const STORE_GC_EXAMPLES: &str = "\
Without a limit: what no result refers to, such as toolchains after `toolchain remove`. With one, also what was not used
for longest. What is deleted is made or fetched again when it is needed.

Examples:
  bactrian store gc
  bactrian store gc --max-size 10G
  bactrian store gc --max-age 30d";
