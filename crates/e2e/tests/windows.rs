//! Programs for Windows, run under wine: they say what programs for this machine say.
//!
//! Not here: `bactrian run` and `test` under wine.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use foreign::under_wine;
use testkit::{bactrian, command, copy_of, output, shared};

mod foreign;

const WINDOWS: &str = "x86_64-windows-gnu";
const HERE: &str = "x86_64-linux-musl";
const BOTH: &str = "x86_64-windows-gnu,x86_64-linux-musl";

/// `program` for Windows in `directory`.
fn wine(program: &Path, arguments: &[&str], directory: &Path) -> Output {
    let mut line = under_wine(program);
    line.current_dir(directory).args(arguments).output().unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

fn run_bactrian(arguments: &[&str]) -> String {
    output(command(bactrian().unwrap()).args(arguments)).unwrap_or_else(|error| panic!("{error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The delivered program of a project, for each of the two systems.
fn programs(project: &Path, name: &str) -> (PathBuf, PathBuf) {
    let dist = project.join("dist");
    (dist.join(WINDOWS).join(format!("{name}.exe")), dist.join(HERE).join(name))
}

#[test]
fn a_program_finds_in_windows_what_it_asks_of_its_system() {
    let (temp, project) = copy_of("crates/e2e/projects/system").unwrap();
    for release in ["5.3.0", "5.4.1"] {
        let delivered = run_bactrian(&["build", "--ocaml", release, "--target", BOTH, project.to_str().unwrap()]);
        assert!(delivered.lines().any(|line| line.ends_with("/system.exe")), "{delivered}");
        let (there, here) = programs(&project, "system");
        let run = |arguments: &[&str]| {
            let native = Command::new(&here).args(arguments).current_dir(temp.path()).output().unwrap();
            (wine(&there, arguments, temp.path()), native)
        };
        let (windows, native) = run(&["plain", "two words", "Ägypten", "\"quoted\\\"", "верблюд"]);
        let (windows, native) = (text(&windows.stdout), text(&native.stdout));
        let (system, facts) = windows.split_once('\n').unwrap();
        let (own_system, own_facts) = native.split_once('\n').unwrap();
        assert_eq!((system, own_system), ("system: Win32 windows true false", "system: Unix unix false true"));
        assert_eq!(facts, own_facts, "{release}");
        assert!(facts.contains("argument: верблюд\n") && facts.contains("sockets: WATER 1\n"), "{facts}");
        let traced = facts.lines().find(|line| line.starts_with("backtrace: ")).unwrap();
        assert!(traced.contains("system.ml\", line "), "{traced}");
        for code in ["0", "1", "42", "255"] {
            let (windows, _) = run(&["exit", code]);
            assert_eq!(windows.status.code().unwrap().to_string(), code);
        }
        let (windows, native) = run(&["lost"]);
        assert_eq!(windows.status.code(), Some(2));
        assert_eq!(text(&windows.stderr).lines().next(), text(&native.stderr).lines().next());
        let (windows, _) = run(&["bytes"]);
        assert_eq!(windows.stdout, (0..=255).collect::<Vec<u8>>());
    }
}

/// The clock's first line names the processor, the others are the same everywhere.
#[test]
fn the_example_says_what_it_says_here() {
    if !testkit::has_time_for("the example says what it says here", 3) {
        return;
    }
    let (temp, project) = copy_of("examples/first-light").unwrap();
    run_bactrian(&["build", "--target", BOTH, project.to_str().unwrap()]);
    let (there, here) = programs(&project, "first-light");
    let native = output(&mut Command::new(here)).unwrap();
    let windows = wine(&there, &[], temp.path());
    assert_eq!(text(&windows.stdout).replace("\r\n", "\n"), native);
    let inspected = run_bactrian(&["inspect", "--message-format", "json", there.to_str().unwrap()]);
    assert!(
        inspected.contains("\"cpu\":\"x86_64\"") && inspected.to_lowercase().contains("kernel32.dll"),
        "{inspected}"
    );
}

/// Packages of several build systems and C libraries: zarith, sqlite3, lwt, a ppx, and a stub of the project's own.
#[test]
fn packages_and_c_libraries_come_along() {
    if !testkit::has_time_for("packages and c libraries come along", 5) {
        return;
    }
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there are no packages");
        return;
    };
    let (temp, project) = copy_of("examples/caravan").unwrap();
    let (repo, mirror) = (corpus.join("repo"), corpus.join("archives"));
    let places = ["--repo", repo.to_str().unwrap(), "--mirror", mirror.to_str().unwrap()];
    let asked = ["build", "--ocaml", "5.3.0", "--target", BOTH, project.to_str().unwrap()];
    run_bactrian(&[asked.as_slice(), &places].concat());
    let (there, here) = programs(&project, "caravan");
    for arguments in [&["-n", "6"] as &[&str], &["--json"]] {
        let native = output(Command::new(&here).args(arguments)).unwrap();
        let windows = wine(&there, arguments, temp.path());
        assert_eq!(text(&windows.stdout).replace("\r\n", "\n"), native);
    }
}

/// Functions whose types are known at run time alone are called, and call back, by the rules of their system.
#[test]
fn c_is_called_by_way_of_libffi() {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there is no ctypes-foreign");
        return;
    };
    let (temp, project) = copy_of("crates/e2e/projects/calls").unwrap();
    let (repo, mirror) = (corpus.join("repo"), corpus.join("archives"));
    let places = ["--repo", repo.to_str().unwrap(), "--mirror", mirror.to_str().unwrap()];
    let asked = ["build", "--ocaml", "5.3.0", "--target", BOTH, project.to_str().unwrap()];
    run_bactrian(&[asked.as_slice(), &places].concat());
    let (there, here) = programs(&project, "calls");
    let native = output(&mut Command::new(here)).unwrap();
    let windows = wine(&there, &[], temp.path());
    assert_eq!(text(&windows.stdout).replace("\r\n", "\n"), native, "{}", text(&windows.stderr));
    assert!(native.contains("sum: -3000000897.750\n") && native.contains("each: 237.5\n"), "{native}");
    // The static program for Linux has no names to be asked for.
    let by_name = wine(&there, &["by-name"], temp.path());
    assert_eq!(text(&by_name.stdout), "texts: 9 CAMEL\r\n", "{}", text(&by_name.stderr));
}

/// menhir for Windows writes the parser that menhir for this machine writes.
#[test]
fn menhir_writes_the_same_parser() {
    if !testkit::has_time_for("menhir writes the same parser", 3) {
        return;
    }
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there is no menhir");
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let (repo, mirror) = (corpus.join("repo"), corpus.join("archives"));
    run_bactrian(&[
        "install",
        "menhir",
        "--ocaml",
        "5.3.0",
        "--target",
        BOTH,
        "-o",
        out.to_str().unwrap(),
        "--repo",
        repo.to_str().unwrap(),
        "--mirror",
        mirror.to_str().unwrap(),
    ]);
    let grammar = "%token <int> INT\n%token PLUS EOF\n%left PLUS\n%start <int> main\n%type <int> sum\n%%\n\
                   main: e = sum EOF { e }\nsum: i = INT { i } | a = sum PLUS b = sum { a + b }\n";
    let parser = |system: &str, program: &str| {
        let directory = temp.path().join(system);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("sum.mly"), grammar).unwrap();
        let program = out.join(system).join("bin").join(program);
        let ended = if system == WINDOWS {
            wine(&program, &["sum.mly"], &directory)
        } else {
            Command::new(program).arg("sum.mly").current_dir(&directory).output().unwrap()
        };
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        fs::read_to_string(directory.join("sum.ml")).unwrap().replace("\r\n", "\n")
    };
    assert_eq!(parser(WINDOWS, "menhir.exe"), parser(HERE, "menhir"));
}

/// Plugins are what static linking costs: whoever asks for one is told.
#[test]
fn a_plugin_is_refused_with_a_reason() {
    let (_temp, project) = copy_of("crates/e2e/projects/system").unwrap();
    let script = "cd /tmp; echo 'let x = 1' > plugin.ml; /opt/cross/x86_64-windows-gnu/bin/ocamlopt -shared plugin.ml -o plugin.cmxs";
    let line = ["exec", "--target", WINDOWS, project.to_str().unwrap(), "--", "sh", "-c", script];
    let ended = command(bactrian().unwrap()).args(line).output().unwrap();
    let said = text(&ended.stderr);
    assert!(!ended.status.success() && said.contains("no plugins (.cmxs)"), "{said}");
}

/// One object with everything in it, made by a partial link, and a packed module.
#[test]
fn a_c_program_links_an_ocaml_object() {
    let temp = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(temp.path().join(name), text).unwrap();
    write("load.ml", "let of_camels n = n * 170\n");
    write("camel.ml", "let tell n = Printf.sprintf \"%d camels carry %d kg\" n (Load.of_camels n)\n");
    write("entry.ml", "let () = Callback.register \"tell\" Caravan.Camel.tell; ignore (Unix.getpid ())\n");
    write(
        "main.c",
        "#include <stdio.h>\n#include <caml/mlvalues.h>\n#include <caml/callback.h>\n\
         int main(void) {\n  char_os *argv[] = {L\"main\", NULL};\n  caml_startup(argv);\n\
         puts(String_val(caml_callback(*caml_named_value(\"tell\"), Val_int(3))));\n  return 0;\n}\n",
    );
    let script = "set -e; o=/opt/cross/x86_64-windows-gnu; ocamlopt=$o/bin/ocamlopt; cd /src
        $ocamlopt -for-pack Caravan -c load.ml camel.ml
        $ocamlopt -pack -o caravan.cmx load.cmx camel.cmx
        $ocamlopt -I +unix unix.cmxa caravan.cmx entry.ml -output-complete-obj -o all.o
        $CC -I $o/lib/ocaml main.c all.o -o main.exe $($ocamlopt -config-var native_c_libraries)";
    run_bactrian(&["exec", "--target", WINDOWS, temp.path().to_str().unwrap(), "--", "sh", "-c", script]);
    let ended = wine(&temp.path().join("main.exe"), &[], temp.path());
    assert_eq!(text(&ended.stdout), "3 camels carry 510 kg\r\n", "{}", text(&ended.stderr));
}
