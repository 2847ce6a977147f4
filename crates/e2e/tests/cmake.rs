//! CMake in both directions: the compiler of a CMake project builds OCaml, and OCaml is part of a CMake project.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use foreign::{found, mingw, wine};
use testkit::{bactrian, checkout, command, copy_tree, output};

mod foreign;

const SAID: &str = "samarkand - bukhara: 216.8 km\nsamarkand - atlantis: -1.0\nsum in 4 domains: 500500\n";
const ROUTE: &str = "samarkand - bukhara - merv: 521.5 km\n";

/// A copy of the example, configured and built by CMake with these arguments.
fn built(arguments: &[&str]) -> Option<tempfile::TempDir> {
    built_with(arguments, &std::env::var_os("PATH").unwrap_or_default())
}

/// The same with another PATH.
fn built_with(arguments: &[&str], path: &OsStr) -> Option<tempfile::TempDir> {
    let cmake = found("cmake")?;
    let temp = tempfile::tempdir().unwrap();
    copy_tree(&checkout().join("examples/cmake"), &temp.path().join("src")).unwrap();
    let build = temp.path().join("build");
    let mut configure = command(&cmake);
    configure.env("PATH", path).arg("-S").arg(temp.path().join("src")).arg("-B").arg(&build).args(arguments);
    configure.arg(format!("-DBactrian_DIR={}", checkout().join("cmake").display()));
    configure.arg(format!("-DBACTRIAN_EXECUTABLE={}", bactrian().unwrap().display()));
    output(&mut configure).unwrap_or_else(|error| panic!("{error}"));
    output(command(&cmake).env("PATH", path).arg("--build").arg(&build)).unwrap_or_else(|error| panic!("{error}"));
    Some(temp)
}

fn route(build: &Path) -> PathBuf {
    let targets = fs::read_dir(build.join("route.ocaml")).unwrap();
    let programs = targets.flatten().flat_map(|target| ["route", "route.exe"].map(|name| target.path().join(name)));
    programs.into_iter().find(|file| file.is_file()).unwrap()
}

/// The argument that names a toolchain file of the example.
fn toolchain(name: &str) -> String {
    format!("-DCMAKE_TOOLCHAIN_FILE={}", checkout().join("examples/cmake/toolchains").join(name).display())
}

/// Where programs of the target `said` are expected, and what is asked for; in a project that has no compiler and builds nothing.
fn configured(said: &[&str]) -> Option<Result<String, String>> {
    let cmake = found("cmake")?;
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("dune-project"), "(lang dune 3.0)\n").unwrap();
    let text = "cmake_minimum_required(VERSION 3.20)\nproject(p NONE)\nfind_package(Bactrian REQUIRED)\n\
                if(PROCESSOR)\nset(CMAKE_SYSTEM_NAME Darwin)\nset(CMAKE_SYSTEM_PROCESSOR ${PROCESSOR})\nendif()\n\
                if(EMPTY)\nset(CMAKE_SYSTEM_PROCESSOR \"\")\nendif()\n\
                bactrian_add_ocaml(x TYPE EXECUTABLE TOOLCHAIN BACTRIAN)\n\
                get_target_property(at x IMPORTED_LOCATION)\nmessage(STATUS \"at ${at}\")\n";
    fs::write(temp.path().join("CMakeLists.txt"), text).unwrap();
    let mut configure = command(&cmake);
    configure.arg("-S").arg(temp.path()).arg("-B").arg(temp.path().join("b")).args(said);
    configure.arg(format!("-DBactrian_DIR={}", checkout().join("cmake").display()));
    configure.arg(format!("-DBACTRIAN_EXECUTABLE={}", bactrian().unwrap().display()));
    let output = configure.output().unwrap();
    let told = |bytes| String::from_utf8(bytes).unwrap();
    if !output.status.success() {
        return Some(Err(told(output.stderr)));
    }
    let told = told(output.stdout);
    let (_, at) = told.split_once("/x.ocaml/").unwrap_or_else(|| panic!("{told}"));
    Some(Ok(at.lines().next().unwrap().to_owned()))
}

/// CMake looks for a program where Bactrian puts it, whatever the target was called.
#[test]
fn targets_are_called_as_bactrian_calls_them() {
    for (said, at) in [
        ("-DBACTRIAN_TARGET=aarch64-linux-gnu", "aarch64-linux-gnu.2.28/x"),
        ("-DBACTRIAN_TARGET=aarch64-unknown-linux-gnu.2.31", "aarch64-linux-gnu.2.31/x"),
        ("-DBACTRIAN_TARGET=x86_64-unknown-linux-musl", "x86_64-linux-musl/x"),
        ("-DBACTRIAN_TARGET=universal-macos", "universal-macos/x"),
        ("-DPROCESSOR=ARM64", "aarch64-macos/x"),
        ("-DPROCESSOR=intel64", "x86_64-macos/x"),
    ] {
        let Some(found) = configured(&[said]) else { return };
        assert_eq!(found, Ok(at.to_owned()), "{said}");
    }
    let told = configured(&["-DEMPTY=1"]).unwrap().unwrap_err();
    assert!(told.contains("CMAKE_SYSTEM_PROCESSOR is not set"), "{told}");
}

/// The machine's own compiler links OCaml's object; a second build does nothing, a changed file does.
#[test]
fn a_c_program_of_this_machine_links_ocaml() {
    if found("cc").is_none() {
        return;
    }
    let Some(temp) = built(&[]) else { return };
    let build = temp.path().join("build");
    let said = || output(&mut Command::new(build.join("saddlebag"))).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said(), SAID);
    assert_eq!(output(&mut Command::new(route(&build))).unwrap(), ROUTE);
    let again = || output(command("cmake").arg("--build").arg(&build)).unwrap_or_else(|error| panic!("{error}"));
    assert!(!again().contains("Building waypoints"), "nothing has changed");
    let file = temp.path().join("src/ocaml/geography/geography.ml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("6371.", "12742.")).unwrap();
    assert!(again().contains("Building waypoints"), "a source has changed");
    assert!(said().starts_with("samarkand - bukhara: 433.6 km\n"));
}

/// mingw gcc compiles the C program, and OCaml's runtime with it.
#[test]
fn a_c_program_for_windows_links_ocaml() {
    if !testkit::has_time_for("a c program for windows links OCaml", 4) {
        return;
    }
    if mingw().is_none() {
        return;
    }
    let Some(temp) = built(&[&toolchain("x86_64-windows-gnu.cmake")]) else { return };
    let build = temp.path().join("build");
    assert_eq!(wine(&build.join("saddlebag.exe")), SAID);
    assert_eq!(wine(&route(&build)), ROUTE);
    // zig's programs ask for the Universal C Runtime: this one is mingw gcc's.
    let inspected = output(command(bactrian().unwrap()).arg("inspect").arg(route(&build))).unwrap();
    assert!(inspected.contains("msvcrt.dll"), "{inspected}");
}

/// A directory with the program zig: that of PATH, or what the package manager of Python brings.
fn zig() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(directory) = std::env::split_paths(&path).find(|directory| directory.join("zig").is_file()) {
        return Some(directory);
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ziglang-0.17.1");
    let directory = kept.join("ziglang");
    if !directory.join("zig").is_file() {
        let python = found("python3")?;
        let mut pip = command(python);
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&kept).arg("ziglang==0.17.1");
        if let Err(error) = output(&mut pip) {
            println!("SKIPPED: there is no `zig`, and pip does not bring it: {error}");
            return None;
        }
    }
    Some(directory)
}

/// zig compiles the C program, Bactrian's own compiler (which is zig's) what OCaml has of C.
#[test]
fn a_c_program_for_musl_on_arm_links_ocaml() {
    if !testkit::has_time_for("a c program for musl on arm links OCaml", 4) {
        return;
    }
    let (Some(zig), Some(qemu)) = (zig(), found("qemu-aarch64")) else { return };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(zig).chain(std::env::split_paths(&path))).unwrap();
    let Some(temp) = built_with(&[&toolchain("aarch64-linux-musl.cmake")], &path) else { return };
    let build = temp.path().join("build");
    let said = |program: &Path| output(Command::new(&qemu).arg(program)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said(&build.join("saddlebag")), SAID);
    assert_eq!(said(&route(&build)), ROUTE);
}

/// What is given to CMake itself: it sets variables by means that Bactrian does not read.
#[test]
fn a_build_directory_whose_toolchain_file_is_a_program() {
    if !testkit::has_time_for("a build directory whose toolchain file is a program", 3) {
        return;
    }
    if mingw().is_none() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("beyond.cmake");
    let text = "execute_process(COMMAND printf %s ${WHICH}-w64-mingw32-gcc OUTPUT_VARIABLE gcc)\n\
                set(CMAKE_SYSTEM_NAME Windows)\nset(CMAKE_SYSTEM_PROCESSOR x86_64)\n\
                set(CMAKE_C_COMPILER ${gcc})\nset(CMAKE_EXE_LINKER_FLAGS_INIT -static)\n\
                list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES WHICH)\n";
    fs::write(&file, text).unwrap();
    let Some(temp) = built(&[&format!("-DCMAKE_TOOLCHAIN_FILE={}", file.display()), "-DWHICH=x86_64"]) else { return };
    assert_eq!(wine(&temp.path().join("build/saddlebag.exe")), SAID);
}

/// CMake keeps it in no property where others could see it.
#[test]
fn flags_among_definitions_are_known_where_cmake_is_asked() {
    if found("cmake").is_none() || mingw().is_none() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("beyond.cmake");
    let text = "execute_process(COMMAND true)\nset(CMAKE_SYSTEM_NAME Windows)\nset(CMAKE_SYSTEM_PROCESSOR x86_64)\n\
                set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)\nadd_definitions(-DCAMELS=2 -march=dromedary)\n";
    fs::write(&file, text).unwrap();
    let mut build = command(bactrian().unwrap());
    build.args(["build", "--target", "x86_64-windows-gnu", "--cmake"]).arg(&file);
    let told = build.arg(checkout().join("examples/first-light")).output().unwrap();
    let text = String::from_utf8_lossy(&told.stderr);
    assert!(!told.status.success() && text.contains("dromedary"), "{text}");
}
