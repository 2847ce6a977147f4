//! The binary as users and scripts meet it: few tests, of what only a process shows.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, with nothing of this machine but what is given.
fn bactrian(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bactrian"));
    command.args(arguments).env_clear().current_dir(directory).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    bactrian(arguments, directory.path()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_is_a_result() {
    let output = run(&["-h"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    insta::assert_snapshot!(text(&output.stdout), @"
    Cross-compiles unmodified OCaml projects

    Usage: bactrian [OPTIONS] <COMMAND>

    Commands:
      build        Build the project's programs for other machines
      install      Build published packages and everything they need for other machines
      lock         Choose versions of all packages the project needs, and write them down
      update       Take newer versions of packages
      tree         The packages that are needed, and what needs them
      why          What a package is needed for
      check        Say whether a project will cross, without building it
      run          Build a program and run it, under an emulator if need be
      test         Run the project's own tests as programs of another machine
      exec         Run any command inside the target's root
      shell        Open a shell inside the target's root, or where a build failed
      inspect      Tell what object files are for and what they need
      target       The machines that can be built for
      toolchain    The compilers and C toolchains of targets
      store        The store of everything made so far
      doctor       Check whether this machine can build and run
      completions  Print a completion script for a shell
      man          Print a manual page

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Common options:
          --store <DIR>              Directory of the store of everything made so far [env:
                                     BACTRIAN_STORE]
          --message-format <FORMAT>  For whom results and progress are written [default: human] [env:
                                     BACTRIAN_MESSAGE_FORMAT] [possible values: human, json]
          --color <WHEN>             When to use colours [default: auto] [env: BACTRIAN_COLOR] [possible
                                     values: auto, always, never]
      -v, --verbose                  Tell more [env: BACTRIAN_VERBOSITY]
      -q, --quiet                    Tell errors alone

    Start with `bactrian doctor`, then `bactrian build --target aarch64-linux-musl`.
    `bactrian COMMAND --help` has examples.
    ");
    let output = run(&["build", "--help"]);
    insta::assert_snapshot!(text(&output.stdout), @"
    Build the project's programs for other machines

    Usage: bactrian build [OPTIONS] [PATH]

    Arguments:
      [PATH]
              The project's directory
              
              [default: .]

    Options:
      -t, --target <TARGET>
              What to build for: one of `bactrian target list`, or several [env: BACTRIAN_TARGET]

          --cmake <FILE|DIR>
              A CMake toolchain file, or a configured CMake build directory: the target's C code is
              compiled as it says

          --ocaml <VERSION>
              Version of OCaml, such as 5.3.0 [env: BACTRIAN_OCAML]

          --bytecode
              Where that OCaml has no native code for a target, make programs of byte code, with the
              runtime inside [env: BACTRIAN_BYTECODE]

          --repo <DIR|URL>
              An opam repository: directory, archive or git URL; the first goes first; may be repeated
              [default: the public one] [env: BACTRIAN_REPO]

          --mirror <DIR|URL>
              A directory or URL with archives by checksum, asked first; may be repeated [env:
              BACTRIAN_MIRROR]

          --quirks <FILE>
              A file that says how packages are built where their own opam files do not suffice; may be
              repeated [env: BACTRIAN_QUIRKS]

          --locked
              Fail if bactrian.lock does not fit the project, instead of renewing it [env:
              BACTRIAN_LOCKED]

          --offline
              Use no network: what is not in the store or a directory is missing [env: BACTRIAN_OFFLINE]

      -j, --jobs <N>
              How many processes may work at once [default: as many as processors] [env: BACTRIAN_JOBS]

          --remote <URL>
              A Remote Execution engine or cache to build with: grpc://host:port, grpcs://host:port,
              either with /instance; `none` for none [env: BACTRIAN_REMOTE]

          --remote-mode <MODE>
              What it is used for [default: execute] [env: BACTRIAN_REMOTE_MODE]

              Possible values:
              - cache:   Results are taken from it and told to it; everything runs here
              - execute: Actions run there
              - hybrid:  Actions run here while there is room and their inputs are here, else there

          --runner <RUNNER>
              Who runs the target's programs: `native`, `qemu`, `wine`, `remote` (workers of the engine
              that --remote names), `ssh:[user@]host[:port]`, or a command that is given the program and
              its arguments [default: what the target needs] [env: BACTRIAN_RUNNER]

      -o, --output <DIR>
              Where programs are put, in a directory per target [default: dist in the project]

          --object <[DIR/]NAME>
              Deliver the executable NAME of a directory, which has dune's mode `object`, as an object
              file for C programs, and OCaml's headers; nothing else is built; may be repeated

          --timings[=<DIR>]
              Write where the time went: a page, bactrian-timings-DATE.html, and a trace for viewers,
              .json [default directory: the output's]

      -h, --help
              Print help (see a summary with '-h')

    Common options:
          --store <DIR>
              Directory of the store of everything made so far [env: BACTRIAN_STORE]

          --message-format <FORMAT>
              For whom results and progress are written [default: human] [env: BACTRIAN_MESSAGE_FORMAT]

              Possible values:
              - human: Text for people
              - json:  One JSON object per line

          --color <WHEN>
              When to use colours [default: auto] [env: BACTRIAN_COLOR]

              Possible values:
              - auto:   If the output is a terminal that can
              - always: Always
              - never:  Never

      -v, --verbose
              Tell more [env: BACTRIAN_VERBOSITY]

      -q, --quiet
              Tell errors alone

    Programs are put in DIR/TARGET/. The first build for a target makes its toolchain,
    which takes minutes; later ones take what `dune build` takes.

    Examples:
      bactrian build --target aarch64-linux-musl
      bactrian build hello -t x86_64-linux-musl,riscv64-linux-musl -o out
      bactrian build -t x86_64-linux-gnu.2.17     for every Linux since RHEL 7
      bactrian build --offline --message-format json -t aarch64-linux-musl
      bactrian build --timings -t aarch64-linux-musl      and see where the time went
      bactrian build --remote grpc://farm:8980 -t aarch64-linux-musl      on a Remote Execution engine
    ");
}

#[test]
fn usage_errors() {
    for arguments in [&["frobnicate"][..], &[], &["inspect"], &["build", "--target"]] {
        let output = run(arguments);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let output = run(&["build", "--target", "aarch64-linux-musk", "--store", "store"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stderr), @"
    error: --target: there is no target `aarch64-linux-musk`
      hint: did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all
    ");
}

#[test]
fn a_mistake_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bactrian.toml"), "jobs = 2\n[run]\nbni = 'x'\n").unwrap();
    let output = bactrian(&["store", "stats", "--message-format", "json"], directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let place = format!("{}/bactrian.toml:3:1: there is no key `run.bni`", directory.path().display());
    assert!(text(&output.stderr).contains(&place), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines[0].contains(r#""reason":"error","kind":"usage""#));
    assert_eq!(lines[1], r#"{"schema":1,"reason":"end","exit":"usage","exit_code":2}"#);
}

#[test]
fn variables_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let output =
        bactrian(&["target", "list"], directory.path()).env("BACTRIAN_MESSAGE_FORMAT", "json").output().unwrap();
    assert!(text(&output.stdout).starts_with(r#"{"schema":1,"reason":"target","name":"x86_64-linux-musl""#));
    let output = bactrian(&["target", "list"], directory.path()).env("BACTRIAN_COLOR", "always").output().unwrap();
    assert!(text(&output.stdout).starts_with("\x1b[1mTARGET"));
    let output = bactrian(&["--help"], directory.path()).env("BACTRIAN_COLOR", "always").output().unwrap();
    assert!(text(&output.stdout).contains("\x1b["));
}

#[test]
fn nobody_reads_the_results() {
    let directory = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = bactrian(&["completions", "bash"], directory.path()).stdout(writer).stderr(Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn results_that_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let child = bactrian(&["target", "list"], directory.path()).stdout(full).stderr(Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).starts_with("error: cannot write the results to standard output\n"));
}

#[test]
fn scripts_and_pages() {
    for (shell, sign) in
        [("bash", "complete -F _bactrian"), ("zsh", "#compdef bactrian"), ("fish", "complete -c bactrian")]
    {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains(sign), "{shell}");
    }
    let output = run(&["man"]);
    assert!(text(&output.stdout).contains(".TH bactrian 1"), "{}", text(&output.stdout));
    let output = run(&["man", "store", "gc"]);
    assert!(text(&output.stdout).contains(".TH bactrian-store-gc 1"), "{}", text(&output.stdout));
    let output = run(&["man", "store", "gg"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `gc`?"));
}

#[test]
fn a_machine_without_tools() {
    let directory = tempfile::tempdir().unwrap();
    let output = bactrian(&["doctor", "--store", "store"], directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let tools = text(&output.stdout).lines().find(|line| line.contains("  tools ")).unwrap();
    assert!(tools.starts_with("fail"), "{tools}");
    assert!(directory.path().join("store/format").is_file());
}
