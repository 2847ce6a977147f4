//! The opam world: every package of the corpus's list, unmodified, for two targets; and real programs of it at work.
//!
//! Needs the corpus of the project's workplace; says so where it is not there.

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
use std::process::Command;

use testkit::{bactrian, command, copy_of, output, shared};

const OCAML: &str = "5.3.0";
const NATIVE: &str = "x86_64-linux-musl";
const FOREIGN: &str = "aarch64-linux-musl";
const EMULATOR: &str = "qemu-aarch64";

/// The corpus, or nothing and a word about it.
fn corpus() -> Option<PathBuf> {
    let found = shared("corpus");
    if found.is_none() {
        println!("SKIPPED: there is no ../shared/corpus, so packages of the opam world are left out");
    }
    found
}

fn with_corpus(corpus: &Path, arguments: &[&str]) -> Command {
    let mut line = command(bactrian().unwrap());
    line.args(arguments).arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
    line
}

fn run(line: &mut Command) -> String {
    output(line).unwrap_or_else(|error| panic!("{error}"))
}

/// A program of the target in `out`, run in `directory`.
fn target_program(out: &Path, target: &str, program: &str, directory: &Path) -> Command {
    let file = out.join(target).join("bin").join(program);
    let mut line = if target == NATIVE { Command::new(file) } else { Command::new(EMULATOR) };
    if target != NATIVE {
        line.arg(out.join(target).join("bin").join(program));
    }
    line.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("HOME", directory).current_dir(directory);
    line
}

/// Runs the same on both targets, in fresh copies of `files`, and returns what each said and left in `results`.
fn on_both(out: &Path, program: &str, arguments: &[&str], files: &[(&str, &str)], results: &[&str]) -> [String; 2] {
    [NATIVE, FOREIGN].map(|target| {
        let temp = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(temp.path().join(name), text).unwrap();
        }
        let mut said = run(target_program(out, target, program, temp.path()).args(arguments));
        for result in results {
            said += &fs::read_to_string(temp.path().join(result)).unwrap();
        }
        said
    })
}

fn assert_same(out: &Path, program: &str, arguments: &[&str], files: &[(&str, &str)], results: &[&str]) -> String {
    let [native, foreign] = on_both(out, program, arguments, files, results);
    assert!(!native.is_empty(), "{program} says nothing");
    assert_eq!(native, foreign, "{program}");
    native
}

#[test]
fn every_root_is_built_for_two_targets_and_its_programs_work() {
    if !testkit::has_time_for("every root is built for two targets and its programs work", 16) {
        return;
    }
    let Some(corpus) = corpus() else { return };
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let roots = fs::read_to_string(corpus.join("ci-roots.txt")).unwrap();
    let roots: Vec<&str> = roots.split_whitespace().collect();
    assert_eq!(roots.len(), 52);
    let targets = format!("{FOREIGN},{NATIVE}");
    let install = ["install", "--ocaml", OCAML, "--target", &targets, "-o", out.to_str().unwrap()];
    run(with_corpus(&corpus, &install).args(&roots));
    for program in ["dune", "menhir", "hevea", "csvtool", "opam-installer", "cppo"] {
        for target in [NATIVE, FOREIGN] {
            assert!(out.join(target).join("bin").join(program).is_file(), "{program} for {target}");
        }
    }
    let grammar = "%token <int> INT\n%token PLUS EOF\n%left PLUS\n%start <int> sum\n%%\nsum: e = expr EOF { e }\n\
                   expr: i = INT { i } | a = expr PLUS b = expr { a + b }\n";
    assert_same(&out, "menhir", &["--infer-write-query", "x.mock", "x.mly"], &[("x.mly", grammar)], &["x.mock"]);
    let parser = assert_same(&out, "menhir", &["--only-preprocess", "x.mly"], &[("x.mly", grammar)], &[]);
    assert!(parser.contains("PLUS"), "{parser}");
    let sheet = "name,humps\nbactrian,2\ndromedary,1\n\"with, comma\",0\n";
    let cut = assert_same(&out, "csvtool", &["namedcol", "humps,name", "x.csv"], &[("x.csv", sheet)], &[]);
    assert!(cut.contains("2,bactrian") && cut.contains("0,\"with, comma\""), "{cut}");
    let source = "#define N 3\n#if N > 2\nlet n = N\n#else\nlet n = 0\n#endif\n#ext sh\necho never\n#endext\n";
    let source = &source[..source.find("#ext").unwrap()];
    let expanded = assert_same(&out, "cppo", &["x.ml"], &[("x.ml", source)], &[]);
    assert!(expanded.contains("let n ="), "{expanded}");
    let list = "bin: [\"x.sh\" {\"x\"}]\nlib: [\"META\"]\n";
    let files = [("x.install", list), ("x.sh", "#!/bin/sh\n"), ("META", "version = \"1\"\n")];
    let arguments = ["--prefix=p", "--name=x", "x.install"];
    on_both(&out, "opam-installer", &arguments, &files, &["p/bin/x", "p/lib/x/META"]);
    hevea(&out);
    dune_builds_a_project(&out, &corpus);
}

/// hevea reads its own library of files, which is installed beside it.
fn hevea(out: &Path) {
    let page = "\\documentclass{article}\\begin{document}\\section{Camels}Two \\emph{humps}: $x^2+\\frac{1}{y}$.\
                \\begin{itemize}\\item one\\item two\\end{itemize}\\end{document}\n";
    let told: Vec<String> = [NATIVE, FOREIGN]
        .map(|target| {
            let temp = tempfile::tempdir().unwrap();
            fs::write(temp.path().join("x.tex"), page).unwrap();
            let library = out.join(target).join("lib/hevea");
            run(target_program(out, target, "hevea", temp.path()).env("HEVEADIR", library).arg("x.tex"));
            let html = fs::read_to_string(temp.path().join("x.html")).unwrap();
            // It notes how it was called, and that was by two names.
            html.replace(out.join(target).to_str().unwrap(), "TARGET")
        })
        .into();
    assert!(told[0].contains("<em>humps</em>") && told[0].contains("Camels"), "{}", told[0]);
    assert_eq!(told[0], told[1], "hevea");
}

/// The cross-built dune, under its emulator, builds a project with the OCaml of a root and as the native one does.
fn dune_builds_a_project(out: &Path, corpus: &Path) {
    let told: Vec<String> = [NATIVE, FOREIGN]
        .map(|target| {
            let temp = tempfile::tempdir().unwrap();
            let tools = temp.path().join("tools");
            fs::create_dir(&tools).unwrap();
            fs::copy(out.join(target).join("bin/dune"), tools.join("dune")).unwrap();
            let emulator = if target == NATIVE { String::new() } else { bring_emulator(&tools) };
            for (name, text) in [
                ("dune-project", "(lang dune 3.0)\n"),
                (
                    "dune",
                    "(data_only_dirs tools)\n(rule (with-stdout-to humps.ml (echo \"let all = [1; 2]\")))\n\
                     (executable (name camels) (libraries str))\n",
                ),
                (
                    "camels.ml",
                    "let () = List.iter (Printf.printf \"%d \") Humps.all;\n\
                     print_endline (Str.global_replace (Str.regexp \"m+\") \"MM\" \"camels\")\n",
                ),
            ] {
                fs::write(temp.path().join(name), text).unwrap();
            }
            let script = format!(
                "{emulator} /src/tools/dune build --root . --build-dir /tmp/built --display quiet ./camels.exe && \
                 /tmp/built/default/camels.exe && {emulator} /src/tools/dune --version"
            );
            let path = temp.path().to_str().unwrap();
            let exec = ["exec", "--ocaml", OCAML, "--target", FOREIGN, path];
            run(with_corpus(corpus, &exec).args(["--", "sh", "-c", &script]))
        })
        .into();
    assert_eq!(told[0], "1 2 caMMels\n3.24.1\n");
    assert_eq!(told[0], told[1], "dune");
}

/// Puts the emulator and its libraries into `directory`, for roots have none; returns how it is started there.
fn bring_emulator(directory: &Path) -> String {
    let places = std::env::var_os("PATH").unwrap();
    let emulator = std::env::split_paths(&places).map(|place| place.join(EMULATOR)).find(|file| file.is_file());
    let emulator = emulator.unwrap();
    fs::copy(&emulator, directory.join(EMULATOR)).unwrap();
    let listed = Command::new("ldd").arg(&emulator).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let libraries: Vec<&str> = listed.split_whitespace().filter(|word| word.starts_with('/')).collect();
    for library in &libraries {
        let name = Path::new(library).file_name().unwrap();
        fs::copy(library, directory.join(name)).unwrap();
    }
    match libraries.iter().find(|library| library.contains("/ld-linux")) {
        Some(loader) => {
            let loader = Path::new(loader).file_name().unwrap().to_str().unwrap();
            format!("/src/tools/{loader} --library-path /src/tools /src/tools/{EMULATOR}")
        }
        None => format!("/src/tools/{EMULATOR}"),
    }
}

#[test]
fn packages_with_c_in_them_do_the_same_on_the_target_as_here() {
    let Some(corpus) = corpus() else { return };
    let (_temp, project) = copy_of("crates/e2e/projects/exercise").unwrap();
    let targets = format!("{FOREIGN},{NATIVE}");
    let build = ["build", "--target", &targets, project.to_str().unwrap()];
    run(&mut with_corpus(&corpus, &build));
    for program in ["zarith", "cryptokit", "sqlite3", "lwt", "ctypes", "bin-prot"] {
        let file = |target: &str| project.join("dist").join(target).join(format!("with-{program}"));
        let native = run(Command::new(file(NATIVE)).env_clear());
        let foreign = run(Command::new(EMULATOR).env_clear().arg(file(FOREIGN)));
        assert!(native.lines().count() > 1, "{program}: {native}");
        assert_eq!(native, foreign, "{program}");
    }
}

#[test]
fn the_example_with_dependencies_is_built_locked_and_run() {
    if !testkit::has_time_for("the example with dependencies is built locked and run", 6) {
        return;
    }
    let Some(corpus) = corpus() else { return };
    let (_temp, project) = copy_of("examples/caravan").unwrap();
    let path = project.to_str().unwrap();
    let printed = run(with_corpus(&corpus, &["run", "--target", FOREIGN, path]).args(["--", "--count", "5"]));
    assert!(printed.contains("((camel one)(load 1)(weight 3628800))"), "{printed}");
    let lock = project.join("bactrian.lock");
    let written = fs::read_to_string(&lock).unwrap();
    assert!(written.contains("name = \"lwt\""), "{written}");
    // The lock answers: nothing is chosen again, and it may not be.
    let native =
        run(with_corpus(&corpus, &["run", "--locked", "--target", FOREIGN, path]).args(["--", "--count", "5"]));
    assert_eq!(native, printed);
    assert_eq!(fs::read_to_string(&lock).unwrap(), written);
    let description = fs::read_to_string(project.join("dune-project")).unwrap();
    fs::write(project.join("dune-project"), description.replace("  yojson\n", "  yojson\n  uutf\n")).unwrap();
    let refused = with_corpus(&corpus, &["build", "--locked", "--target", FOREIGN, path]).output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("caravan requires uutf, and it has no uutf"), "{told}");
}
