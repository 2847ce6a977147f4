//! C toolchains that the user brings: mingw gcc in every way to say it, one laid out as an NDK, and some that do not work.
//!
//! Not here: CMake projects (`cmake.rs`), what is said of files that are not there (unit tests of `bactrian`).

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use foreign::{mingw, wine};
use testkit::{bactrian, checkout, command, copy_of, shared};

mod foreign;

const WINDOWS: &str = "x86_64-windows-gnu";
const HERE: &str = "x86_64-linux-musl";
const GCC: &str = "cc = \"x86_64-w64-mingw32-gcc\"\n";
const ANDROID: &str = "aarch64-linux-android";

/// A copy of the example with C stubs, generated code and most of the standard library.
fn project(settings: &str) -> (tempfile::TempDir, PathBuf) {
    let (temp, project) = copy_of("examples/first-light").unwrap();
    fs::write(project.join("bactrian.toml"), settings).unwrap();
    (temp, project)
}

/// Exit code and standard error of `bactrian build` in a project.
fn build(project: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut line = command(bactrian().unwrap());
    let Output { status, stderr, .. } =
        line.arg("build").arg(project).args(arguments).output().unwrap_or_else(|error| panic!("{error}"));
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// The toolchain file of the CMake example, named in `bactrian.toml` and on the command line, and what it says as settings:
/// one and the same toolchain, so all but the first build find everything made.
#[test]
fn mingw_gcc_makes_ocaml_for_windows() {
    if !testkit::has_time_for("mingw gcc makes OCaml for windows", 8) {
        return;
    }
    if mingw().is_none() {
        return;
    }
    let file = checkout().join("examples/cmake/toolchains/x86_64-windows-gnu.cmake");
    let (_temp, project) = project(&format!("[toolchain.{WINDOWS}]\ncmake = {:?}\n", file.to_str().unwrap()));
    let (code, told) = build(&project, &["--ocaml", "5.3.0", "--target", &format!("{WINDOWS},{HERE}")]);
    assert_eq!(code, Some(0), "{told}");
    let program = project.join("dist").join(WINDOWS).join("first-light.exe");
    let native = testkit::output(&mut Command::new(project.join("dist").join(HERE).join("first-light"))).unwrap();
    assert_eq!(wine(&program), native);
    let inspected = testkit::output(command(bactrian().unwrap()).arg("inspect").arg(&program)).unwrap();
    assert!(inspected.contains("msvcrt.dll"), "not made by mingw gcc: {inspected}");
    assert!(!inspected.contains("libwinpthread"), "{inspected}");

    fs::remove_file(project.join("bactrian.toml")).unwrap();
    let (code, told) = build(&project, &["--ocaml", "5.3.0", "--cmake", file.to_str().unwrap()]);
    assert!(code == Some(0) && !told.contains(" made"), "the file decides the target, nothing is new: {told}");
    let settings = format!("[toolchain.{WINDOWS}]\n{GCC}ldflags = [\"-static\"]\n");
    fs::write(project.join("bactrian.toml"), settings).unwrap();
    let (code, told) = build(&project, &["--ocaml", "5.3.0", "--target", WINDOWS]);
    assert!(code == Some(0) && !told.contains(" made"), "{told}");
    assert_eq!(wine(&program), native);
}

/// C code of packages is compiled by it like the project's own.
#[test]
fn packages_with_c_code() {
    if !testkit::has_time_for("packages with c code", 5) {
        return;
    }
    let (Some(_), Some(corpus)) = (mingw(), shared("corpus")) else {
        println!("SKIPPED: there is no mingw gcc, no wine or no ../shared/corpus");
        return;
    };
    let (_temp, project) = project(&format!("[toolchain.{WINDOWS}]\n{GCC}ldflags = [\"-static\"]\n"));
    for directory in ["bin", "clock", "generator", "geometry"] {
        fs::remove_dir_all(project.join(directory)).unwrap();
    }
    let depends = "(lang dune 3.0)\n(package (name strings) (allow_empty) (depends bigstringaf cstruct))\n";
    fs::write(project.join("dune-project"), depends).unwrap();
    fs::write(project.join("dune"), "(executable (name strings) (libraries bigstringaf cstruct))\n").unwrap();
    fs::write(
        project.join("strings.ml"),
        "let () =\n\
         \u{20} let s = \"the quick camel\" in\n\
         \u{20} let big = Bigstringaf.of_string ~off:0 ~len:15 s and c = Cstruct.of_string s in\n\
         \u{20} Cstruct.blit c 4 c 0 5;\n\
         \u{20} Printf.printf \"%d %d %s %d\\n\" (Bigstringaf.memcmp_string big 0 s 0 15) (Bigstringaf.memchr big 0 'q' 15)\n\
         \u{20}   (Cstruct.to_string c) (Cstruct.compare c (Cstruct.of_string s))\n",
    )
    .unwrap();
    let (repo, mirror) = (corpus.join("repo"), corpus.join("archives"));
    let places = ["--repo", repo.to_str().unwrap(), "--mirror", mirror.to_str().unwrap()];
    let asked = ["--ocaml", "5.3.0", "--target", WINDOWS];
    let (code, told) = build(&project, &[asked.as_slice(), &places].concat());
    assert_eq!(code, Some(0), "{told}");
    let said = wine(&project.join("dist").join(WINDOWS).join("strings.exe"));
    assert_eq!(said, "0 4 quickuick camel -1\n");
}

#[test]
fn a_compiler_that_cannot_link() {
    if mingw().is_none() {
        return;
    }
    let (_temp, project) = project(&format!("[toolchain.{WINDOWS}]\n{GCC}ldflags = [\"-lnowhere\"]\n"));
    let (code, told) = build(&project, &["--target", WINDOWS]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("its compiler cannot compile and link a program for this target"), "{told}");
    assert!(told.contains("cannot find -lnowhere") && told.contains("it cannot link a program"), "{told}");
    assert!(!told.contains("OCaml"), "nothing was built with it: {told}");
    // One for another system compiles and links very well.
    fs::write(project.join("bactrian.toml"), format!("[toolchain.aarch64-linux-musl]\n{GCC}")).unwrap();
    let (code, told) = build(&project, &["--target", "aarch64-linux-musl"]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("its C library is not that of aarch64-linux-musl (musl)"), "{told}");
}

/// What stands for an NDK's clang. It is a real clang, that of the root's zig, which compiles for Android and links by lld; headers
/// and libraries are stand-ins. As an NDK's, it takes the API level from its own name, and libraries from that level's directory.
const CLANG: &str = r#"#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
level=${0##*-android} level=${level%-clang}
link="--ld-path=$here/bin/ld.lld -nostdlib -pie -L$here/sysroot/usr/lib/aarch64-linux-android/$level
  -Wl,--entry=main -Wl,--dynamic-linker=/system/bin/linker64 -Wl,--unresolved-symbols=ignore-all"
for argument do
  case $argument in -c | -S | -E) link= ;; esac
done
exec /opt/zig/zig clang --target=aarch64-linux-android$level -nostdinc -isystem $here/sysroot/usr/include $link "$@"
"#;

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The files of an NDK are found and captured, and the program that its compiler links for the chosen level is one of Android. OCaml
/// cannot be built with the stand-in's headers, and says so.
#[test]
fn a_directory_laid_out_as_an_ndk() {
    let (temp, project) = project("");
    let ndk = temp.path().join("ndk");
    let prebuilt = ndk.join("toolchains/llvm/prebuilt/linux-x86_64");
    write(&ndk.join("source.properties"), "Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n");
    write(&prebuilt.join("bin/ld.lld"), "#!/bin/sh\nexec /opt/zig/zig ld.lld \"$@\"\n");
    let include = prebuilt.join("sysroot/usr/include");
    write(&include.join("stdio.h"), "int printf(const char *, ...);\n");
    write(&include.join("math.h"), "double cos(double);\n");
    for level in ["21", "24"] {
        write(&prebuilt.join(format!("bin/{ANDROID}{level}-clang")), CLANG);
        fs::create_dir_all(prebuilt.join("sysroot/usr/lib").join(ANDROID).join(level)).unwrap();
    }
    // Level 24 alone has its libraries.
    write(&prebuilt.join("sysroot/usr/lib").join(ANDROID).join("24/libm.so"), "INPUT()\n");
    let settings = |api: u32| {
        let text = format!("[toolchain.{ANDROID}]\nndk = {:?}\napi = {api}\n", ndk.to_str().unwrap());
        fs::write(project.join("bactrian.toml"), text).unwrap();
    };
    settings(21);
    let (code, told) = build(&project, &["--target", ANDROID]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("unable to find library -lm") && told.contains("it cannot link a program"), "{told}");
    settings(24);
    let (code, told) = build(&project, &["--target", ANDROID]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&format!("for {ANDROID}")) && told.contains("OCaml"), "{told}");
    assert!(!told.contains("cannot compile and link"), "its compiler passed: {told}");
    settings(26);
    let (code, told) = build(&project, &["--target", ANDROID]);
    assert!(code == Some(2) && told.contains("its levels are 21, 24"), "{told}");
}
