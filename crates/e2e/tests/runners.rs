//! A project's tests and programs, run by every kind of runner this machine has.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use sshd::Server;
use testkit::casd::Casd;
use testkit::{bactrian, checkout, command, copy_tree, output, shared};

mod sshd;

const FOREIGN: &str = "aarch64-linux-musl";
const NATIVE: &str = "x86_64-linux-musl";

/// Says for which CPU it was compiled; with arguments it repeats them and ends with 3.
const PROGRAM: &[(&str, &str)] = &[
    ("dune-project", "(lang dune 3.22)\n"),
    (
        "dune",
        "(test (name t) (foreign_stubs (language c) (names cpu)))\n\
         (cram (deps ./t.exe))\n\
         ; A shell runs the program: nothing tells dune that it is one of the target's.\n\
         (rule (alias runtest) (deps ./t.exe t.expected) (action (system \"./t.exe | diff t.expected -\")))\n",
    ),
    (
        "cpu.c",
        "#include <caml/alloc.h>\n#include <caml/mlvalues.h>\n#include <signal.h>\n\
         #if defined(__aarch64__)\n#define CPU \"aarch64\"\n#else\n#define CPU \"another\"\n#endif\n\
         value cpu(value unit) { return caml_copy_string(CPU); }\n\
         value die(value unit) { signal(SIGTERM, SIG_DFL); raise(SIGTERM); return unit; }\n",
    ),
    (
        "t.ml",
        "external cpu : unit -> string = \"cpu\"\nexternal die : unit -> unit = \"die\"\n\
         let () = print_endline (\"on \" ^ cpu ())\n\
         let () = if Array.length Sys.argv > 1 then begin\n\
         \u{20} Array.iteri (fun i word -> if i > 0 then Printf.printf \"<%s>\" word) Sys.argv; print_newline ();\n\
         \u{20} if Sys.argv.(1) = \"die\" then die ();\n\
         \u{20} if Sys.argv.(1) = \"wait\" then begin\n\
         \u{20}   Sys.set_signal Sys.sigterm (Signal_handle (fun _ -> print_endline \"asked\"; exit 7));\n\
         \u{20}   print_endline \"ready\"; ignore (read_line ()) end;\n\
         \u{20} exit 3 end\n",
    ),
    ("t.expected", "on aarch64\n"),
    ("c.t", "  $ ./t.exe\n  on aarch64\n  $ ./t.exe a 'b c'\n  on aarch64\n  <a><b c>\n  [3]\n"),
];

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (name, text) in PROGRAM {
            project.write(name, text);
        }
        project
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn bactrian(&self, arguments: &[&str]) -> Output {
        self.bactrian_in(arguments, &std::env::var("PATH").unwrap())
    }

    fn bactrian_in(&self, arguments: &[&str], path: &str) -> Output {
        let (first, rest) = arguments.split_first().unwrap();
        let (own, after) = match rest.iter().position(|word| *word == "--") {
            Some(at) => rest.split_at(at),
            None => (rest, &[][..]),
        };
        let mut line = command(bactrian().unwrap());
        line.env("PATH", path).arg(first).args(own).arg(self.0.path()).args(after).output().unwrap()
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

#[test]
fn tests_are_programs_of_the_target() {
    let project = Project::new();
    let passed = project.bactrian(&["test", "--target", FOREIGN]);
    assert_eq!(code(&passed), 0, "{}", told(&passed));
    // The same expectations do not hold for another machine: so it was not this one's programs that ran.
    let failed = project.bactrian(&["test", "--target", NATIVE]);
    assert_eq!(code(&failed), 1, "{}", told(&failed));
    assert!(told(&failed).contains("-on aarch64") && told(&failed).contains("+on another"), "{}", told(&failed));
    assert!(told(&failed).contains(&format!("tests failed for {NATIVE}")), "{}", told(&failed));
    let both = project.bactrian(&["test", "--target", &format!("{FOREIGN},{NATIVE}")]);
    assert_eq!(code(&both), 1);
    // What they print is accepted, and then it is what is expected.
    project.bactrian(&["test", "--target", NATIVE, "--promote"]);
    assert_eq!(fs::read_to_string(project.0.path().join("t.expected")).unwrap(), "on another\n");
    let accepted = project.bactrian(&["test", "--target", NATIVE]);
    assert_eq!(code(&accepted), 0, "{}", told(&accepted));
}

#[test]
fn a_command_of_the_users_runs_programs_and_tests() {
    let project = Project::new();
    let log = project.0.path().join("log");
    let runner =
        project.script("runner", &format!("echo \"$@\" >> {}; shift; exec qemu-aarch64 \"$@\"", log.display()));
    let runner = format!("{} --option", runner.display());
    let run = project.bactrian(&["run", "--target", FOREIGN, "--runner", &runner, "--", "a", "b c"]);
    assert_eq!(
        (code(&run), String::from_utf8_lossy(&run.stdout).as_ref()),
        (3, "on aarch64\n<a><b c>\n"),
        "{}",
        told(&run)
    );
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.starts_with("--option /") && logged.ends_with("/t a b c\n"), "{logged}");
    fs::remove_file(&log).unwrap();
    // Tests run outside of the root then: three programs, by paths of this machine.
    project.write("bactrian.toml", &format!("[target.{FOREIGN}]\nrunner = \"{runner}\"\n"));
    let tested = project.bactrian(&["test", "--target", FOREIGN]);
    assert_eq!(code(&tested), 0, "{}", told(&tested));
    let logged = fs::read_to_string(&log).unwrap();
    assert_eq!(logged.lines().filter(|line| line.contains("/t.exe")).count(), 4, "{logged}");
    assert!(!logged.contains(" /src/"), "{logged}");
}

#[test]
fn signals_and_absent_runners() {
    let project = Project::new();
    let died = project.bactrian(&["run", "--target", FOREIGN, "--", "die"]);
    assert_eq!(code(&died), 128 + 15, "{}", told(&died));
    // Whoever lacks the runner learns of it before anything is built.
    let (begun, fresh) = (Instant::now(), tempfile::tempdir().unwrap());
    let store = fresh.path().to_str().unwrap();
    for (arguments, path, expected) in [
        (
            vec!["run", "--target", FOREIGN],
            "/nowhere",
            "`qemu-aarch64` is needed to run programs for aarch64-linux-musl, and is not here",
        ),
        (vec!["test", "--target", FOREIGN], "/nowhere", "`qemu-aarch64` is needed"),
        (
            vec!["test", "--target", FOREIGN, "--runner", "no-such-runner"],
            "/usr/bin:/bin",
            "the runner `no-such-runner` is no program",
        ),
        (vec!["run", "--target", FOREIGN, "--runner", "ssh:me@there"], "/nowhere", "`ssh` is needed"),
    ] {
        let output = project.bactrian_in(&[&arguments[..], &["--store", store]].concat(), path);
        assert_eq!(code(&output), 4, "{}", told(&output));
        assert!(told(&output).contains(expected), "{}", told(&output));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "something was built");
    // One that is there, and is no program that this machine can start.
    let broken = project.0.path().join("broken");
    fs::write(&broken, [0x7f, b'E', b'L', b'F', 0]).unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    let output = project.bactrian(&["run", "--target", FOREIGN, "--runner", broken.to_str().unwrap()]);
    assert_eq!(code(&output), 4, "{}", told(&output));
    assert!(told(&output).contains(&format!("cannot start {}", broken.display())), "{}", told(&output));
    let usage = project.bactrian(&["run", "--target", FOREIGN, "--runner", "ssh:"]);
    assert_eq!(code(&usage), 2, "{}", told(&usage));
}

/// What is sent to the command alone reaches the program, and how that ends is what the command tells.
#[test]
fn a_program_is_asked_to_stop_by_the_command_that_runs_it() {
    let project = Project::new();
    for target in [NATIVE, FOREIGN] {
        let mut line = command(bactrian().unwrap());
        line.args(["run", "--target", target]).arg(project.0.path()).args(["--", "wait"]);
        let mut child = line.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == "ready"), "{target}");
        let pid = child.id().to_string();
        // Ctrl-C at a terminal reaches the program by itself; the command stays to tell how it ended.
        output(Command::new("kill").args(["-INT", &pid])).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "{target}");
        output(Command::new("kill").args(["-TERM", &pid])).unwrap();
        assert_eq!(lines.collect::<Vec<_>>(), ["asked"], "{target}");
        assert_eq!(child.wait().unwrap().code(), Some(7), "{target}");
    }
}

/// Workers of a real engine, which are of this machine's kind.
#[test]
fn workers_of_an_engine_run_programs_and_tests() {
    let place = tempfile::tempdir().unwrap();
    let Some(engine) = Casd::start(place.path()).unwrap() else {
        println!("SKIPPED: there is no engine on this machine (shared/tools/reapi)");
        return;
    };
    let project = Project::new();
    fs::remove_file(project.0.path().join("c.t")).unwrap();
    // A worker's root has nothing but what goes along.
    project.write("dune", "(test (name t) (deps data))\n");
    project.write("data", "from a file");
    project.write("t.expected", "from a file, /usr: false\n");
    project.write(
        "t.ml",
        "let () = match Sys.argv with\n| [| _; text |] -> prerr_string text; exit 3\n| _ ->\n\
         Printf.printf \"%s, /usr: %b\\n\" (In_channel.with_open_bin \"data\" In_channel.input_all) (Sys.file_exists \"/usr\")\n",
    );
    let address = engine.address();
    let of = |command: &str, target: &str, more: &[&str]| {
        let words = [command, "--target", target, "--runner", "remote", "--remote", &address];
        project.bactrian(&[&words[..], more].concat())
    };
    let tested = of("test", NATIVE, &[]);
    assert_eq!(code(&tested), 0, "{}", told(&tested));
    let here = project.bactrian(&["test", "--target", NATIVE]);
    assert!(code(&here) == 1 && told(&here).contains("+from a file, /usr: true"), "{}", told(&here));
    let run = of("run", NATIVE, &["--", "it's"]);
    assert_eq!(code(&run), 3, "{}", told(&run));
    assert!(told(&run).ends_with("it's"), "{}", told(&run));
    // A worker that cannot run it has not failed a test.
    let foreign = of("test", FOREIGN, &[]);
    assert_eq!(code(&foreign), 5, "{}", told(&foreign));
    assert!(told(&foreign).contains("a worker of the remote engine could not run it"), "{}", told(&foreign));
    let nobody = project.bactrian(&["test", "--target", NATIVE, "--runner", "remote"]);
    assert_eq!(code(&nobody), 2, "{}", told(&nobody));
}

/// A program that is called like ssh and stays on this machine; with a real one, see below.
#[test]
fn another_machine_runs_programs_and_tests() {
    let project = Project::new();
    let place = tempfile::tempdir().unwrap();
    let ssh = place.path().join("ssh");
    // The other machine is one of the target's CPU: its shell runs such programs.
    let text = "while [ \"$1\" != -- ]; do shift; done\n[ \"$2\" = me@there ] || exit 255\nshift 2\n\
                line=$(printf %s \"$*\" | sed 's| \"$d/program/\"| qemu-aarch64 \"$d/program/\"|')\nexec sh -c \"$line\"";
    fs::write(&ssh, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path().display(), std::env::var("PATH").unwrap());
    let run =
        project.bactrian_in(&["run", "--target", FOREIGN, "--runner", "ssh:me@there:22", "--", "it's", "$HOME"], &path);
    assert_eq!(
        (code(&run), String::from_utf8_lossy(&run.stdout).as_ref()),
        (3, "on aarch64\n<it's><$HOME>\n"),
        "{}",
        told(&run)
    );
    let tested = project.bactrian_in(&["test", "--target", FOREIGN, "--runner", "ssh:me@there"], &path);
    assert_eq!(code(&tested), 0, "{}", told(&tested));
    let refused = project.bactrian_in(&["run", "--target", FOREIGN, "--runner", "ssh:me@elsewhere"], &path);
    assert_eq!(code(&refused), 4, "{}", told(&refused));
    assert!(told(&refused).contains("me@elsewhere did not take the program"), "{}", told(&refused));
}

/// The command for a copy of one of `projects/`, with the packages of the corpus; without that, nothing but a word about it.
fn with_packages(name: &str) -> Option<(tempfile::TempDir, Command)> {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there are no packages");
        return None;
    };
    let temp = tempfile::tempdir().unwrap();
    copy_tree(&checkout().join("crates/e2e/projects").join(name), temp.path()).unwrap();
    let mut line = command(bactrian().unwrap());
    line.env("BACTRIAN_REPO", corpus.join("repo"))
        .env("BACTRIAN_MIRROR", corpus.join("archives"))
        .current_dir(temp.path());
    Some((temp, line))
}

#[test]
fn inline_tests_and_what_tests_need() {
    if !testkit::has_time_for("inline tests and what tests need", 5) {
        return;
    }
    let Some((temp, mut line)) = with_packages("asserts") else { return };
    let passed = line.args(["test", "--ocaml", "5.3.0", "--target", FOREIGN]).output().unwrap();
    assert_eq!(code(&passed), 0, "{}", told(&passed));
    let lock = fs::read_to_string(temp.path().join("bactrian.lock")).unwrap();
    assert!(lock.contains("with-test = true") && lock.contains("name = \"alcotest\""), "{lock}");
    let failed = with_packages("asserts")
        .unwrap()
        .1
        .args(["test", "--ocaml", "5.3.0", "--target", NATIVE])
        .current_dir(temp.path())
        .output()
        .unwrap();
    assert_eq!(code(&failed), 1, "{}", told(&failed));
    let said = told(&failed);
    assert!(said.contains("inline tests are programs of the target") && said.contains("FAILED 1 / 1 tests"), "{said}");
    assert!(said.contains("Expected: `\"aarch64\"'") && said.contains("Received: `\"another\"'"), "{said}");
    // The lock that tests need is good for builds.
    let built = with_packages("asserts")
        .unwrap()
        .1
        .args(["build", "--locked", "--ocaml", "5.3.0", "--target", NATIVE])
        .current_dir(temp.path())
        .output()
        .unwrap();
    assert_eq!(code(&built), 0, "{}", told(&built));
}

#[test]
fn what_c_says_on_the_target_is_asked_there() {
    let Some((temp, mut line)) = with_packages("discovers") else { return };
    let built = line.args(["build", "--ocaml", "5.3.0", "--target", &format!("{FOREIGN},{NATIVE}")]).output().unwrap();
    assert_eq!(code(&built), 0, "{}", told(&built));
    let run = |emulator: &str, target: &str| {
        let program = temp.path().join("dist").join(target).join("main");
        String::from_utf8(Command::new(emulator).arg(program).output().unwrap().stdout).unwrap()
    };
    // A plain char has no sign on arm64.
    assert_eq!(run("qemu-aarch64", FOREIGN), "cpu 64, least char 0, abs 3\n");
    assert_eq!(run("env", NATIVE), "cpu 86, least char -128, abs 3\n");
    let (_temp, mut line) = with_packages("discovers").unwrap();
    let without =
        line.env("PATH", "/nowhere").args(["build", "--ocaml", "5.3.0", "--target", FOREIGN]).output().unwrap();
    assert_eq!(code(&without), 4, "{}", told(&without));
    assert!(told(&without).contains("`(ctypes …)` stanza"), "{}", told(&without));
}

/// With a real ssh, and a real sshd for another machine's.
#[test]
fn sshd_runs_programs() {
    if !Path::new("/usr/bin/ssh").is_file() {
        println!("SKIPPED: there is no ssh");
        return;
    }
    let Some(server) = Server::start() else { return };
    let project = Project::new();
    project.write("t.expected", "on another\n");
    project.write("c.t", "  $ ./t.exe a\n  on another\n  <a>\n  [3]\n");
    let user = output(Command::new("id").arg("-un")).unwrap();
    let runner = format!("ssh:{}@127.0.0.1:{}", user.trim(), server.port);
    let path = format!("{}:{}", server.place().display(), std::env::var("PATH").unwrap());
    let run = project.bactrian_in(&["run", "--target", NATIVE, "--runner", &runner, "--", "it's", "$HOME", "*"], &path);
    assert_eq!(
        (code(&run), String::from_utf8_lossy(&run.stdout).as_ref()),
        (3, "on another\n<it's><$HOME><*>\n"),
        "{}",
        told(&run)
    );
    let died = project.bactrian_in(&["run", "--target", NATIVE, "--runner", &runner, "--", "die"], &path);
    assert_eq!(code(&died), 128 + 15, "{}", told(&died));
    let tested = project.bactrian_in(&["test", "--target", NATIVE, "--runner", &runner], &path);
    assert_eq!(code(&tested), 0, "{}", told(&tested));
}
