use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::settings::toolchain::CToolchain;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What is told of a toolchain that cannot be used, without the directory.
fn refused(target: &str, directory: &Path, toolchain: CToolchain) -> String {
    let bring = Bring { target: target.parse().unwrap(), toolchain, place: "[toolchain]".to_owned() };
    let error = find(&bring, &Surroundings::for_test([])).unwrap_err();
    assert_eq!(error.exit().code(), 2, "{error:?}");
    let all = [vec![error.message], error.causes, error.hints].concat().join("\n");
    all.replace(&directory.display().to_string(), "DIR")
}

#[test]
fn a_cmake_file_for_another_system() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("win.cmake");
    let by = || CToolchain { cmake: Some(file.clone()), ..CToolchain::default() };
    write(&file, "set(CMAKE_SYSTEM_NAME Windows)\nset(CMAKE_SYSTEM_PROCESSOR arm64ec)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()), @"
    DIR/win.cmake is for Windows on arm64ec, not for aarch64-linux-musl
    CMAKE_SYSTEM_NAME and CMAKE_SYSTEM_PROCESSOR in it name no target; `bactrian target list` shows all
    ");
    write(&file, "set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR riscv64)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()), @"
    DIR/win.cmake is for Linux on riscv64, not for aarch64-linux-musl
    it can be used with `--target` `riscv64-linux-musl` or `riscv64-linux-gnu`
    ");
    write(&file, "set(CMAKE_SYSTEM_NAME Linux)\n  execute_process(COMMAND x)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()), @"
    DIR/win.cmake:2:3: `execute_process(COMMAND …)` needs CMake itself

    2 |   execute_process(COMMAND x)
      |   ^
    with `cmake` in PATH it is asked what the file means; `[toolchain.TARGET]` in bactrian.toml says the same by hand
    ");
    write(&file, "set(CMAKE_SYSTEM_NAME Linux)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()), @"
    DIR/win.cmake names no C compiler
    CMAKE_C_COMPILER is to be set in it
    ");
    fs::create_dir(temp.path().join("build")).unwrap();
    let build = CToolchain { cmake: Some(temp.path().join("build")), ..CToolchain::default() };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), build), @"
    DIR/build is no configured CMake build directory
    there is no CMakeCache.txt in it
    give a toolchain file, or a directory in which `cmake` has configured a project that uses C
    ");
}

#[test]
fn an_ndk_without_the_files() {
    let temp = tempfile::tempdir().unwrap();
    let ndk = |api| CToolchain { ndk: Some(temp.path().to_owned()), api, ..CToolchain::default() };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), ndk(None)), @"
    [toolchain]: the NDK makes programs for Android, not for aarch64-linux-musl
    name an Android target, such as aarch64-linux-android
    ");
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(None)), @"
    [toolchain]: DIR is no NDK that can be used
    there is no source.properties in it
    give the directory that has `source.properties`, of an NDK r19 or later for 64-bit Linux
    ");
    write(&temp.path().join("source.properties"), "Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n");
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(None)), @"
    [toolchain]: DIR is no NDK that can be used
    there is no toolchains/llvm/prebuilt/linux-x86_64 in it
    give the directory that has `source.properties`, of an NDK r19 or later for 64-bit Linux
    ");
    let prebuilt = temp.path().join("toolchains/llvm/prebuilt/linux-x86_64");
    write(&prebuilt.join("bin/aarch64-linux-android21-clang"), "#!/bin/sh\n");
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(None)), @"
    [toolchain]: DIR is no NDK that can be used
    there is no toolchains/llvm/prebuilt/linux-x86_64/sysroot/usr/lib/aarch64-linux-android in it
    give the directory that has `source.properties`, of an NDK r19 or later for 64-bit Linux
    ");
    for level in ["21", "24"] {
        write(&prebuilt.join(format!("sysroot/usr/lib/aarch64-linux-android/{level}/libc.so")), "");
    }
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(Some(19))), @"
    [toolchain]: this NDK has no compiler for API level 19 of aarch64-linux-android
    there is no toolchains/llvm/prebuilt/linux-x86_64/bin/aarch64-linux-android19-clang
    its levels are 21, 24: say one of them with `api`
    ");
    let whole = Bring { target: "aarch64-linux-android".parse().unwrap(), toolchain: ndk(None), place: String::new() };
    assert!(find(&whole, &Surroundings::for_test([])).is_ok());
}

#[test]
fn compilers_that_are_none() {
    let temp = tempfile::tempdir().unwrap();
    let by = |path: &str| CToolchain { cc: Some(temp.path().join(path)), ..CToolchain::default() };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by("gone")), @"
    [toolchain]: `cc` is DIR/gone, which does not exist
    give a path, seen from the file, or the name of a program in PATH
    ");
    fs::write(temp.path().join("text"), "").unwrap();
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by("text")), @"
    [toolchain]: `cc` is DIR/text, which is no program
    give a path, seen from the file, or the name of a program in PATH
    ");
    write(&temp.path().join("bin/x-gcc"), "#!/bin/sh\n");
    insta::assert_snapshot!(refused("x86_64-linux-gnu.2.28", temp.path(), by("bin/x-gcc")), @"
    [toolchain] cannot be used
    x86_64-linux-gnu.2.28 is what programs of the build machine are compiled for
    name another glibc floor: the toolchain's own is that of its sysroot, as in x86_64-linux-gnu.2.36
    ");
    let sysroot = CToolchain { sysroot: Some(temp.path().join("none")), ..by("bin/x-gcc") };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), sysroot), @"
    [toolchain]: `sysroot`: DIR/none
    No such file or directory (os error 2)
    ");
}

/// What the flags of a link name is taken only if it is a compiler's.
#[test]
fn directories_of_the_machine_are_not_taken() {
    let temp = tempfile::tempdir().unwrap();
    write(&temp.path().join("bin/x-gcc"), "#!/bin/sh\n");
    let by = |flag: &str| CToolchain {
        cc: Some(temp.path().join("bin/x-gcc")),
        ldflags: vec![flag.to_owned()],
        ..CToolchain::default()
    };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by("-L/usr/lib")), @"
    [toolchain]: the directory in `-L/usr/lib` is the whole machine's
    leave the option out, or name a directory of the target's headers and libraries, such as a `sysroot`
    ");
    let root = CToolchain { sysroot: Some("/".into()), ..by("-s") };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), root), @"[toolchain]: `sysroot`: / is the whole machine");
    let find = |toolchain| {
        let bring = Bring { target: "aarch64-linux-musl".parse().unwrap(), toolchain, place: String::new() };
        find(&bring, &Surroundings::for_test([])).map(|_| ())
    };
    assert!(find(by("-L/usr")).is_err());
    for flag in ["-Wl,-rpath=/usr/lib", "-Wl,-rpath=/usr", "-DDIR=/usr", "-L/nowhere", "-Wl,--dynamic-linker=/usr"] {
        assert!(find(by(flag)).is_ok(), "{flag}");
    }
    let said = CToolchain { directories: vec!["/usr/lib".into()], ..by("-L/usr/lib") };
    assert!(find(said).is_ok(), "it was said expressly");
}

/// A linker takes of an archive what was asked for before it.
#[test]
fn libraries_follow_the_objects() {
    let temp = tempfile::tempdir().unwrap();
    let recipe = include_str!("../../../plan/recipes/cc/brought.sh");
    let function = |name: &str| {
        let (_, from) = recipe.split_once(&format!("\n{name}() {{")).unwrap();
        let (body, _) = from.split_once("\n}\n").unwrap();
        format!("{name}() {{{body}\n}}\n")
    };
    let functions: String = ["program", "package_flags", "link_flags", "compiler"].map(function).concat();
    write(&temp.path().join("asked"), "#!/bin/sh\necho \"$@\"\n");
    fs::create_dir_all(temp.path().join("bin")).unwrap();
    let script = format!(
        "set -eu\nOUT=$1 FROM=$1 CC=asked TARGET=t MODE=-static PACKAGES=/p libraries=\n\
         CFLAGS=\"'-O1'\" LDFLAGS=\"'-Wl,-z,relro'\" LDLIBS=\"'-latomic' '-lm'\"\n{functions}\ncompiler ''\n"
    );
    let run = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(std::process::Command::new("/bin/sh").args(["-c", &script, "sh"]).arg(temp.path()));
    let asked = |arguments: &[&str]| run(std::process::Command::new(temp.path().join("bin/cc")).args(arguments));
    let packages = "-idirafter /p/include";
    let end = format!("-L/p/lib -latomic -lm {packages}");
    assert_eq!(asked(&["x.o", "-o", "x"]), format!("-O1 -static -Wl,-z,relro x.o -o x {end}"));
    assert_eq!(asked(&["-shared", "x.o"]), format!("-O1 -Wl,-z,relro -shared x.o {end}"));
    assert_eq!(asked(&["-r", "x.o"]), format!("-O1 -Wl,-z,relro -r x.o -L/p/lib {packages}"));
    assert_eq!(asked(&["-c", "x.c"]), format!("-O1 -c x.c {packages}"));
}

/// CMake reads a toolchain file for a project that is made to ask it; where it says what depends on that, the one that is meant
/// has to be known.
#[test]
fn what_depends_on_a_project_is_read_for_that_project() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().canonicalize().unwrap();
    // Stands for CMake: arguments are -S SOURCE -B BUILD ….
    write(
        &directory.join("bin/cmake"),
        "#!/bin/sh\nanswer=$(sed -n 's/^file(WRITE \\[==\\[\\(.*\\)\\]==\\].*/\\1/p' \"$2/CMakeLists.txt\")\n\
         printf 'set(CMAKE_C_COMPILER gcc)\\nset(CMAKE_SYSROOT %s/sys)\\nadd_compile_options(-B%s/x)\\n' \"$2\" \"$4\" > \"$answer\"\n\
         for argument do case $argument in -DSDK:*) echo \"add_link_options(${argument#*=})\" >> \"$answer\" ;; esac; done\n",
    );
    let file = directory.join("tc.cmake");
    write(&file, "execute_process(COMMAND x)\n");
    let path = directory.join("bin").display().to_string();
    let around = Surroundings::for_test([("PATH", path.as_str())]);
    let bring =
        Bring { target: "x86_64-linux-musl".parse().unwrap(), toolchain: CToolchain::default(), place: String::new() };
    let error = cmake::said(&file, &bring, &around).unwrap_err();
    assert_eq!(error.message, format!("what {} says depends on the project that reads it", file.display()));
    let build = directory.join("build");
    write(
        &build.join("CMakeCache.txt"),
        &format!(
            "CMAKE_HOME_DIRECTORY:INTERNAL=/home/me/p\nCMAKE_CACHEFILE_DIR:INTERNAL=/home/me/b\nSDK:PATH=-s\n\
             CMAKE_TOOLCHAIN_FILE:FILEPATH={}\n",
            file.display()
        ),
    );
    write(&build.join("CMakeFiles/3.25.1/CMakeSystem.cmake"), &format!("include(\"{}\")\n", file.display()));
    write(&build.join("CMakeFiles/3.25.1/CMakeCCompiler.cmake"), "");
    let said = cmake::said(&build, &bring, &around).unwrap();
    assert_eq!(said.sysroot.as_deref(), Some(Path::new("/home/me/p/sys")));
    assert_eq!((said.cflags, said.ldflags), (vec!["-B/home/me/b/x".to_owned()], vec!["-s".to_owned()]));
}
