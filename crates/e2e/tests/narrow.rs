//! 32-bit targets: OCaml 4.14, chosen by itself, or byte code of OCaml 5, if asked for; and programs that say what those of 64
//! bits say.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{bactrian, command, copy_of, output, shared};

const WIDE: &str = "x86_64-linux-musl";
const ARM: &str = "armv7-linux-musleabihf";
const X86: &str = "x86-linux-musl";

/// The options by which sources of OCaml 4.14 are found, which no registry has; without the corpus, a word about it.
fn sources() -> Option<[String; 2]> {
    let corpus = shared("corpus/archives");
    if corpus.is_none() {
        println!("SKIPPED: there is no ../shared/corpus, so OCaml 4.14 is left out");
    }
    corpus.map(|corpus| ["--mirror".to_owned(), corpus.to_str().unwrap().to_owned()])
}

fn project(name: &str) -> (tempfile::TempDir, PathBuf) {
    copy_of(&format!("crates/e2e/projects/{name}")).unwrap()
}

/// Builds `project` for `targets`; what each target's `program` says.
fn said(project: &Path, arguments: &[&str], targets: &[&str], program: &str) -> Vec<String> {
    let mut build = command(bactrian().unwrap());
    build.args(["build", "--target", &targets.join(",")]).args(arguments).arg(project);
    output(&mut build).unwrap_or_else(|error| panic!("{error}"));
    let run = |target: &&str| {
        let file = project.join("dist").join(target).join(program);
        let emulator = match *target {
            ARM => "qemu-arm",
            X86 => "qemu-i386",
            "aarch64-linux-musl" => "qemu-aarch64",
            _ => "env",
        };
        output(Command::new(emulator).env_clear().env("PATH", "/usr/bin:/bin").arg(file))
            .unwrap_or_else(|error| panic!("{target}: {error}"))
    };
    targets.iter().map(run).collect()
}

#[test]
fn programs_say_the_same_on_machines_of_any_width() {
    // Ten for compilers of 4.14 where there are none yet, and as many for the tests that come after it.
    if !testkit::has_time_for("programs say the same on machines of any width", 20) {
        return;
    }
    let Some([option, mirror]) = sources() else { return };
    let (_temp, project) = project("narrow");
    let said = said(&project, &["--ocaml", "4.14.1", &option, &mirror], &[WIDE, ARM, X86], "narrow");
    let [wide, arm, x86] = said.as_slice() else { panic!("{said:?}") };
    assert!(wide.starts_with("4.14.1\n") && wide.contains("\nchild 7\n") && wide.ends_with("\nbye\n"), "{wide}");
    assert_eq!(arm, wide);
    // The registers of the x87 are wider than a double: what is computed in them may be more precise in its last digit.
    let coarse = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let differing = coarse(x86).iter().zip(coarse(wide)).filter(|(one, other)| **one != *other).count();
    assert!(coarse(x86).len() == coarse(wide).len() && differing <= 2, "{x86}\n{wide}");
}

#[test]
#[ignore = "ten minutes of compilers of 4.14; run with --ignored"]
fn each_target_of_a_command_gets_an_ocaml_that_serves_it() {
    let Some([option, mirror]) = sources() else { return };
    let (_temp, project) = project("narrow");
    let targets = ["aarch64-linux-musl", ARM];
    let said = said(&project, &[&option, &mirror], &targets, "narrow");
    assert!(said[0].starts_with("5.4.1\n") && said[1].starts_with("4.14.1\n"), "{said:?}");
    assert_eq!(said[0].split_once('\n').unwrap().1, said[1].split_once('\n').unwrap().1);
    // dune's results of both lie side by side: nothing is built again.
    let file = project.join("dist").join(ARM).join("narrow");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    let mut again = command(bactrian().unwrap());
    output(again.args(["build", "--target", &targets.join(",")]).arg(&project)).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
}

/// Where no 32-bit program runs, the compilers that are such programs run under qemu, and write the same to the bit.
#[test]
fn a_machine_that_runs_no_32_bit_programs_makes_the_same() {
    // Ten where nothing has been made yet, emulated compilers being slow, and as many for the tests that come after it.
    if !testkit::has_time_for("a machine that runs no 32-bit programs makes the same", 25) {
        return;
    }
    let Some(sources) = sources() else { return };
    let [native, emulated] = ["false", "true"].map(|emulates| {
        // A project of its own, of which dune has built nothing.
        let (_temp, project) = project("narrow");
        let mut build = command(bactrian().unwrap());
        build.env("BACTRIAN_EMULATE_X86", emulates).args(["build", "--target", &[ARM, X86].join(",")]);
        build.args(&sources).arg(&project);
        output(&mut build).unwrap_or_else(|error| panic!("{error}"));
        [ARM, X86].map(|target| fs::read(project.join("dist").join(target).join("narrow")).unwrap())
    });
    assert!(native[0].len() > 100_000 && native == emulated, "the programs differ");
}

#[test]
fn ocaml_5_is_refused_where_it_has_no_native_code() {
    let (_temp, project) = project("narrow");
    let mut build = command(bactrian().unwrap());
    let told = build.args(["build", "--ocaml", "5.3.0", "--target", ARM]).arg(&project).output().unwrap();
    let told_text = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(2), "{told_text}");
    for words in ["OCaml 5.3.0 has no native code for armv7-linux-musleabihf", "hint: ", "`--bytecode`", "`4.14.1`"] {
        assert!(told_text.contains(words), "{told_text}");
    }
}

/// Effects, domains, threads, a stub that calls back: interpreted, in a file that needs nothing but the kernel.
#[test]
fn byte_code_of_ocaml_5_says_what_native_code_says() {
    if !testkit::has_time_for("byte code of OCaml 5 says what native code says", 5) {
        return;
    }
    let targets = [WIDE, ARM, X86];
    for (name, version) in [("interpreted", "5.3.0"), ("narrow", "5.4.1")] {
        let (_temp, project) = project(name);
        let said = said(&project, &["--bytecode", "--ocaml", version], &targets, name);
        let [wide, arm, x86] = said.as_slice() else { panic!("{said:?}") };
        assert!(wide.starts_with(&format!("{version}\n")) && wide.ends_with("\nbye\n"), "{wide}");
        assert_eq!(arm, wide, "{name}");
        // As above: the x87 is more precise than a double.
        let differing = x86.lines().zip(wide.lines()).filter(|(one, other)| one != other).count();
        assert!(x86.lines().count() == wide.lines().count() && differing <= 2, "{x86}\n{wide}");
    }
}

#[test]
fn a_constant_that_32_bits_cannot_hold_is_an_error_of_the_build() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("dune-project"), "(lang dune 3.0)\n").unwrap();
    fs::write(temp.path().join("dune"), "(executable (name wide))\n").unwrap();
    fs::write(temp.path().join("wide.ml"), "let () = print_int 0x1_0000_0000\n").unwrap();
    let mut build = command(bactrian().unwrap());
    let build = build.args(["build", "--bytecode", "--ocaml", "5.3.0", "--target", ARM]).arg(temp.path());
    let told = build.output().unwrap();
    let told_text = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{told_text}");
    assert!(told_text.contains("cannot be used on a 32-bit platform"), "{told_text}");
}

/// A project with big numbers of gmp, and the options by which its packages are found; without them, a word about it.
fn big() -> Option<(tempfile::TempDir, Vec<String>)> {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so packages of the opam world are left out");
        return None;
    };
    let temp = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(temp.path().join(name), text).unwrap();
    write("dune-project", "(lang dune 3.0)\n(package (name big) (depends zarith))\n");
    write("dune", "(executable (public_name big) (libraries zarith))\n");
    write(
        "big.ml",
        "let rec factorial n = if n = 0 then Z.one else Z.mul (Z.of_int n) (factorial (n - 1))\n\
         let () = Z.print (Z.rem (factorial 200) (Z.pow (Z.of_int 10) 40 |> Z.succ)); print_newline ();\n\
         Printf.printf \"%b %s\\n\" (Z.fits_int (Z.of_string \"2147483648\") = (Sys.int_size > 32)) (Z.to_string (factorial 30))\n",
    );
    let place = |name: &str| corpus.join(name).to_str().unwrap().to_owned();
    Some((temp, vec!["--repo".to_owned(), place("repo"), "--mirror".to_owned(), place("archives")]))
}

const FACTORIAL: &str = "true 265252859812191058636308480000000";

/// zarith's configure looks for `ocamlopt` in `PATH`, and its makefile believes what that found.
#[test]
fn packages_that_look_for_native_code_see_that_there_is_none() {
    let Some((temp, with)) = big() else { return };
    let with: Vec<&str> =
        ["--bytecode", "--ocaml", "5.3.0"].into_iter().chain(with.iter().map(String::as_str)).collect();
    let said = said(temp.path(), &with, &[WIDE, ARM], "big");
    assert!(said[0].lines().count() == 2 && said[0].contains(FACTORIAL), "{said:?}");
    assert_eq!(said[1], said[0]);
}

/// Packages: big numbers of gmp in words of 32 bits, and one lock for both OCamls.
#[test]
#[ignore = "ten minutes of compilers of 4.14; run with --ignored"]
fn a_project_with_packages_has_one_lock_for_both() {
    let Some((temp, with)) = big() else { return };
    let with: Vec<&str> = with.iter().map(String::as_str).collect();
    let said = said(temp.path(), &with, &[WIDE, ARM, X86], "big");
    assert!(said[0].lines().count() == 2 && said[0].contains(FACTORIAL), "{said:?}");
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
    let lock = fs::read_to_string(temp.path().join("bactrian.lock")).unwrap();
    let (first, also) = lock.split_once("\n[[also]]\n").unwrap();
    assert!(first.contains("\nversion = 2\nocaml = \"5.4.1\"\n") && first.contains(WIDE), "{first}");
    assert!(also.starts_with("ocaml = \"4.14.1\"\n") && also.contains(ARM) && also.contains(X86), "{also}");
    // It fits: nothing is to be renewed, for one of the targets alone neither.
    for target in [ARM, WIDE] {
        let mut build = command(bactrian().unwrap());
        output(build.args(["build", "--locked", "--target", target]).args(&with).arg(temp.path())).unwrap();
    }
    assert_eq!(fs::read_to_string(temp.path().join("bactrian.lock")).unwrap(), lock);
}
