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
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()));
    write(&file, "set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR riscv64)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()));
    write(&file, "set(CMAKE_SYSTEM_NAME Linux)\n  execute_process(COMMAND x)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()));
    write(&file, "set(CMAKE_SYSTEM_NAME Linux)\n");
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by()));
    fs::create_dir(temp.path().join("build")).unwrap();
    let build = CToolchain { cmake: Some(temp.path().join("build")), ..CToolchain::default() };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), build));
}

#[test]
fn an_ndk_without_the_files() {
    let temp = tempfile::tempdir().unwrap();
    let ndk = |api| CToolchain { ndk: Some(temp.path().to_owned()), api, ..CToolchain::default() };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), ndk(None)));
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(None)));
    write(&temp.path().join("source.properties"), "Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n");
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(None)));
    let prebuilt = temp.path().join("toolchains/llvm/prebuilt/linux-x86_64");
    write(&prebuilt.join("bin/aarch64-linux-android21-clang"), "#!/bin/sh\n");
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(None)));
    for level in ["21", "24"] {
        write(&prebuilt.join(format!("sysroot/usr/lib/aarch64-linux-android/{level}/libc.so")), "");
    }
    insta::assert_snapshot!(refused("aarch64-linux-android", temp.path(), ndk(Some(19))));
    let whole = Bring { target: "aarch64-linux-android".parse().unwrap(), toolchain: ndk(None), place: String::new() };
    assert!(find(&whole, &Surroundings::for_test([])).is_ok());
}

#[test]
fn compilers_that_are_none() {
    let temp = tempfile::tempdir().unwrap();
    let by = |path: &str| CToolchain { cc: Some(temp.path().join(path)), ..CToolchain::default() };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by("gone")));
    fs::write(temp.path().join("text"), "").unwrap();
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), by("text")));
    write(&temp.path().join("bin/x-gcc"), "#!/bin/sh\n");
    insta::assert_snapshot!(refused("x86_64-linux-gnu.2.28", temp.path(), by("bin/x-gcc")));
    let sysroot = CToolchain { sysroot: Some(temp.path().join("none")), ..by("bin/x-gcc") };
    insta::assert_snapshot!(refused("aarch64-linux-musl", temp.path(), sysroot));
}
