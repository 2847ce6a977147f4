//! Quirks: each row of the embedded table on the real package that it is about, and a user's own.
//!
//! Packages are those of the project's corpus, and one of ours in `packages/`; without the corpus the tests say that it is
//! not there. Not here: what a table of quirks is (`plan::quirk`), build classes (`classes.rs`).

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{FOREIGN, Installed, NATIVE, command_for, install, told};
use plan::quirk::Quirks;
use testkit::output;

#[test]
fn every_row_of_the_table_has_a_test_here() {
    let quirks = Quirks::embedded().unwrap();
    let all: BTreeSet<&str> = quirks.iter().map(|quirk| quirk.package.as_str()).collect();
    // That of ctypes-foreign holds for Windows alone: its test is in `windows.rs`.
    assert_eq!(all, ["camlp4", "ctypes-foreign", "dune", "ocamlbuild", "ocamlfind", "ocurl"].into());
}

fn text(installed: &Installed, target: &str, path: &str) -> String {
    String::from_utf8(installed.file(target, path)).unwrap()
}

#[test]
fn ocamlfind_finds_packages_on_the_target() {
    let Some(installed) = install(&["ocamlfind", "camel-findlib", "camel-meta"]) else { return };
    for target in [FOREIGN, NATIVE] {
        let toolchain = target.replace('-', "_");
        let files = installed.files(target);
        // `topfind` is in the prefix; its own installation would have put it into the compiler's directory.
        for file in ["bin/ocamlfind", "lib/findlib.conf", "lib/findlib/META", "lib/toplevel/topfind"] {
            assert!(files.iter().any(|have| have == file), "{file}: {files:?}");
        }
        assert!(!files.iter().any(|file| file.starts_with("lib/ocaml/")), "{files:?}");
        let conf = text(&installed, target, "lib/findlib.conf");
        assert!(conf.contains(&format!("destdir=\"/target/{toolchain}/lib\"")), "{conf}");
        let topfind = text(&installed, target, "lib/toplevel/topfind");
        assert!(topfind.contains(&format!("/target/{toolchain}/lib/findlib")), "{topfind}");
        let place = installed.place(target).join("lib");
        let find = |arguments: &[&str]| {
            installed.run_with(
                target,
                "ocamlfind",
                arguments,
                &[
                    ("OCAMLFIND_CONF", place.join("findlib.conf").to_str().unwrap()),
                    ("OCAMLPATH", place.to_str().unwrap()),
                ],
            )
        };
        let recursive = find(&["query", "-r", "-p-format", "camel-meta"]);
        assert_eq!(recursive, "camel-findlib\ncamel-meta\n");
        assert_eq!(find(&["query", "camel-findlib"]).trim(), place.join("camel-findlib").to_str().unwrap());
        let listed = find(&["list"]);
        for package in ["camel-findlib", "camel-meta", "findlib"] {
            assert!(listed.lines().any(|line| line.split(' ').next() == Some(package)), "{package}: {listed}");
        }
        assert_eq!(find(&["printconf", "destdir"]).trim(), format!("/target/{toolchain}/lib"));
    }
}

#[test]
fn dune_runs_on_the_target() {
    if !testkit::has_time_for("dune runs on the target", 4) {
        return;
    }
    let Some(installed) = install(&["dune"]) else { return };
    let [foreign, native] = [FOREIGN, NATIVE].map(|target| installed.run(target, "dune", &["--version"]));
    assert_eq!(foreign, "3.24.1\n");
    assert_eq!(native, foreign);
    // Building one thing with it is a test of the corpus; here it says at least what there is to be built.
    assert!(installed.run(FOREIGN, "dune", &["build", "--help=plain"]).contains("dune build [OPTION]"));
}

#[test]
fn ocamlbuild_runs_on_the_target_and_has_its_manual_page() {
    let Some(installed) = install(&["ocamlbuild"]) else { return };
    for target in [FOREIGN, NATIVE] {
        assert_eq!(installed.run(target, "ocamlbuild", &["-version"]), "ocamlbuild 0.16.1\n");
        let page = text(&installed, target, "man/man1/ocamlbuild.1");
        // Its options were written by a program that asks the ocamlbuild that was built beside it.
        for word in [".TH OCAMLBUILD 1", "-use-ocamlfind", "-plugin-option"] {
            assert!(page.replace("\\-", "-").contains(word), "{word}: {page}");
        }
    }
    assert_eq!(installed.file(FOREIGN, "man/man1/ocamlbuild.1"), installed.file(NATIVE, "man/man1/ocamlbuild.1"));
}

#[test]
fn ocamlbuild_names_directories_in_the_same_order_everywhere() {
    let Some(installed) = install(&["camel-ocamlbuild"]) else { return };
    for target in [FOREIGN, NATIVE] {
        let order = text(&installed, target, "share/camel-ocamlbuild/order");
        let order: Vec<&str> = order.lines().collect();
        let all = ["wells", "tents", "salt", "routes", "oases", "guides", "dunes"].map(|name| format!("-I {name}"));
        assert_eq!(order, all, "of 5040 orders that a file system may have");
    }
}

#[test]
fn camlp4_translates_on_the_target() {
    if !testkit::has_time_for("camlp4 translates on the target", 4) {
        return;
    }
    let Some(installed) = install(&["camlp4"]) else { return };
    let source = "value rec sum = fun [ [] -> 0 | [n :: rest] -> n + sum rest ];";
    let [foreign, native] =
        [FOREIGN, NATIVE].map(|target| installed.run(target, "camlp4rf.opt", &["-printer", "o", "-str", source]));
    assert!(foreign.contains("let rec sum = function | [] -> 0 | n :: rest -> n + (sum rest)"), "{foreign}");
    assert_eq!(foreign, native);
}

#[test]
fn ocurl_transfers_on_the_target() {
    let Some((temp, mut line)) = command_for(&["camel-post"]) else { return };
    match output(&mut line) {
        Ok(_) => {}
        // They are in no mirror of ours: Debian's archive has them for as long as it does.
        Err(error) if error.contains("no place has curl") => {
            println!("SKIPPED: no place has the sources of curl today");
            return;
        }
        Err(error) => panic!("{error}"),
    }
    let installed = Installed::at(temp);
    for target in [FOREIGN, NATIVE] {
        let said = installed.run(target, "camel-post", &[]);
        assert_eq!(said, "a letter from Siwa, 18 bytes\nnobody there\ncurl 8.14.1: true true\n", "{target}");
    }
}

const PERSUASION: &str = r#"
quirk {
  package: "camel-stubborn" {>= "1.0" & < "2"}
  worlds: "target"
  why: "its own commands only fail"
  build-env: [REASON = "%{name}% %{version}%"]
  build: [
    ["sh" "-c" "echo \"let text = \\\"$REASON\\\"\" > reason.ml"]
    ["ocamlfind" "ocamlopt" "reason.ml" "main.ml" "-o" "stubborn"]
  ]
  install: ["cp" "stubborn" "%{bin}%/camel-stubborn"]
}
"#;

#[test]
fn a_users_own_quirk_builds_what_its_file_cannot() {
    let Some((temp, mut line)) = command_for(&["camel-stubborn"]) else { return };
    told(&mut line, 1, &["camel-stubborn 1.0", "false"]);
    let file = temp.path().join("mine.opam");
    fs::write(&file, PERSUASION).unwrap();
    line.arg("--quirks").arg(&file);
    told(&mut line, 0, &[]);
    let installed = Installed::at(temp);
    for target in [FOREIGN, NATIVE] {
        assert_eq!(installed.run(target, "camel-stubborn", &[]), "persuaded camel-stubborn 1.0\n");
    }
}

const ASKING: &str = r#"
quirk {
  package: "camel-asker"
  worlds: "target"
  why: "its build runs a program that it has just made, to ask the machine"
  run-under-emulator: true
}
"#;

/// What is built for another machine runs there while it is built, by an emulator in the root: no kernel is asked for help.
#[test]
fn programs_of_the_target_run_while_it_is_built_if_a_quirk_says_so() {
    let Some((temp, mut line)) = command_for(&["camel-asker"]) else { return };
    told(&mut line, 1, &["camel-asker 1.0"]);
    let file = temp.path().join("mine.opam");
    fs::write(&file, ASKING).unwrap();
    told(line.arg("--quirks").arg(&file), 0, &[]);
    let installed = Installed::at(temp);
    assert_eq!(installed.run(FOREIGN, "camel-asker", &[]), "built on aarch64\n");
    assert_eq!(installed.run(NATIVE, "camel-asker", &[]), "built on x86_64\n");
}

#[test]
fn a_quirk_named_in_the_environment_holds_as_well() {
    let Some((temp, mut line)) = command_for(&["camel-stubborn"]) else { return };
    let file = temp.path().join("mine.opam");
    fs::write(&file, PERSUASION).unwrap();
    told(line.env("BACTRIAN_QUIRKS", &file), 0, &[]);
    // For other versions it says nothing.
    fs::write(&file, PERSUASION.replace("{>= \"1.0\" &", "{>= \"1.5\" &")).unwrap();
    told(&mut line, 1, &["camel-stubborn 1.0"]);
}

#[test]
fn a_malformed_table_of_quirks_is_shown_where_it_is_wrong() {
    let Some((temp, mut line)) = command_for(&["camel-stubborn"]) else { return };
    let file = temp.path().join("mine.opam");
    line.arg("--quirks").arg(&file);
    let name = file.to_str().unwrap().to_owned();
    told(&mut line, 2, &["cannot read the quirks", &name]);
    for (table, place, why) in [
        ("quirk {\n  package: \"a\"\n  why: \"x\"\n  worlds: \"moon\"\n}\n", ":4:11", "`worlds` needs"),
        ("quirk {\n  package: \"a\"\n  why: \"x\"\n  builds: []\n}\n", ":4:3", "`builds` is not known here"),
        ("quirk { package: \"a\" }\n", ":1:1", "`quirk` has no `why`"),
        ("# mine\nquirk { package: \"a\" why: \"x\" build: [ }\n", ":2:40", "expected a value"),
    ] {
        fs::write(&file, table).unwrap();
        told(&mut line, 2, &["is no table of quirks", &format!("{name}{place}"), why]);
    }
}
