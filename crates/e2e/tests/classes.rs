//! A package of each build class, and what opam files say besides commands: small packages of our own, built for two
//! targets as a user would have them built, and their programs run.
//!
//! The packages are in `packages/`; each class has a test, so that a failure names it. Compilers and build tools are those
//! of the project's corpus; where it is not there, the tests say so. Not here: published packages (`corpus.rs`), quirks.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

mod common;

use common::{FOREIGN, Installed, NATIVE, install};

/// Builds `package` and runs the program that is called as it is: it must say `expected` for both targets, with the
/// machine's name in place of `MACHINE` (as `uname` has it) and `ARCHITECTURE` (as OCaml has it).
fn says(package: &str, expected: &str) -> Option<Installed> {
    let installed = install(&[package])?;
    program_says(&installed, package, expected);
    Some(installed)
}

fn program_says(installed: &Installed, program: &str, expected: &str) {
    for (target, machine, architecture) in [(FOREIGN, "aarch64", "arm64"), (NATIVE, "x86_64", "amd64")] {
        let expected =
            expected.replace("MACHINE", machine).replace("ARCHITECTURE", architecture).replace("TARGET", target);
        assert_eq!(installed.run(target, program, &[]), expected, "{program} for {target}");
    }
}

#[test]
fn dune_with_c() {
    says("camel-dune", "661 pounds on MACHINE\n");
}

#[test]
fn dune_with_a_generator_that_a_rule_names_as_a_dependency() {
    says("camel-generator", "Siwa in 5 days\nKufra in 9 days\nGhat in 7 days\n21 days in all\n");
}

#[test]
fn topkg() {
    let Some(installed) = says("camel-topkg", "120 km: 3 days\n45 km: 2 days\n300 km: 8 days\n") else { return };
    for file in ["META", "trek.cmxa", "trek.a", "trek.cmi", "trek.cmx", "trek.mli"] {
        assert!(installed.files(FOREIGN).contains(&format!("lib/camel-topkg/{file}")), "{file}");
    }
}

#[test]
fn ocamlbuild() {
    says("camel-ocamlbuild", "one dromedary and another dromedary: 5 words\n");
}

#[test]
fn make_and_ocamlfind() {
    let Some(installed) = says("camel-findlib", "7 humps\n") else { return };
    for file in ["META", "humps.cmxa", "humps.a", "humps.cma", "libhumps.a"] {
        assert!(installed.files(FOREIGN).contains(&format!("lib/camel-findlib/{file}")), "{file}");
    }
}

#[test]
fn a_configure_script_written_by_hand() {
    says("camel-configure", "configured on MACHINE for ARCHITECTURE\n");
}

#[test]
fn a_configure_script_of_autoconf() {
    says("camel-autoconf", "build x86_64-pc-linux-gnu, host TARGET, cross yes\n");
}

#[test]
fn plain_compilers() {
    let Some(installed) = says("camel-compilers", "300\n") else { return };
    program_says(&installed, "camel-compilers-stripped", "300\n");
    let length = |program: &str| installed.file(FOREIGN, &format!("bin/{program}")).len();
    assert!(length("camel-compilers-stripped") < length("camel-compilers"));
}

#[test]
fn oasis() {
    says("camel-oasis", "ARCHITECTURE, 64 bits, day 2\n");
}

#[test]
fn a_meta_file_alone_and_a_virtual_package() {
    let Some(installed) = install(&["camel-virtual", "camel-meta", "camel-rider"]) else { return };
    program_says(&installed, "camel-rider", "3 humps carry 220 pounds for 3 days\n");
    assert!(installed.files(FOREIGN).contains(&"lib/camel-meta/META".to_owned()));
}

#[test]
fn a_c_library_that_its_user_supplies() {
    let Some(installed) = says("camel-drinker", "two humps drink 114 litres\n") else { return };
    assert!(!installed.files(FOREIGN).iter().any(|file| file.contains("camelwater")), "only what was asked for");
}

#[test]
fn what_opam_files_say_besides_commands() {
    let said = |arch: &str| {
        format!(
            "camel-opam.1.0\nhumps: 2, oases: Siwa Ghat\npatched for camel-opam 1.0\n{arch}\n\
             enable, camel-absent: disable\nyes, false\n100%\narguments: 2; patience is \"half\" the way; true\n\
             greeting: salaam from camel-opam\nloads: dates:salt\nwells: Kufra\na further source\n"
        )
    };
    let Some(installed) = install(&["camel-opam"]) else { return };
    assert_eq!(installed.run(FOREIGN, "camel-opam", &[]), said("a patch for arm64"));
    assert_eq!(installed.run(NATIVE, "camel-opam", &[]), said("no patch for this machine"));
    let expected = [
        "bin/camel-given",
        "bin/camel-opam",
        "bin/camel-words",
        "doc/camel-opam/README",
        "etc/camel-opam/camel.conf",
        "lib/camel-opam-root/caravan.txt",
        "lib/camel-opam-root/helper",
        "lib/camel-opam/caravan.txt",
        "lib/camel-opam/deep/er/arch.ml",
        "lib/camel-opam/helper",
        "lib/stublibs/dllcamel.so",
        "lib/toplevel/camel_top.ml",
        "man/man1/camel.1",
        "man/man5/camel.conf.5",
        "sbin/camel-admin",
        "share/camel-opam/caravan.txt",
        "share/camel-opam/optional.txt",
        "share/emacs/site-lisp/camel.el",
    ];
    assert_eq!(installed.files(FOREIGN), expected);
}
