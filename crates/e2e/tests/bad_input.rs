//! What goes wrong at a user's desk: each gets its own clear error and exit code, and nothing is lost.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use testkit::{bactrian, checkout, command, copy_tree};

fn project() -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    copy_tree(&checkout().join("examples/first-light"), temp.path()).unwrap();
    temp
}

/// Exit code and standard error.
fn fails(line: &mut Command) -> (i32, String) {
    let Output { status, stderr, stdout } = line.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!status.success(), "{line:?} succeeded: {}{stderr}", String::from_utf8_lossy(&stdout));
    assert!(!stderr.contains("panicked"), "{stderr}");
    (status.code().unwrap_or(-1), stderr)
}

fn assert_told(told: &(i32, String), code: i32, words: &[&str]) {
    assert_eq!(told.0, code, "{}", told.1);
    for word in words {
        assert!(told.1.contains(word), "no `{word}` in: {}", told.1);
    }
}

fn build(target: &str, project: &Path) -> Command {
    let mut line = command(bactrian().unwrap());
    line.args(["build", "--target", target]).arg(project);
    line
}

#[test]
fn unknown_target() {
    let project = project();
    let told = fails(&mut build("aarch64-linux-mus", project.path()));
    assert_told(&told, 2, &["aarch64-linux-mus", "aarch64-linux-musl"]);
    assert_told(&fails(&mut build("aarch64-linux-gnu.1.2", project.path())), 2, &["aarch64-linux-gnu.1.2"]);
}

#[test]
fn no_dune_project() {
    let temp = tempfile::tempdir().unwrap();
    assert_told(&fails(&mut build("aarch64-linux-musl", temp.path())), 2, &["is not a dune project", "hint:"]);
    assert_told(&fails(&mut build("aarch64-linux-musl", &temp.path().join("absent"))), 2, &["is no directory"]);
}

#[test]
fn dune_errors_are_shown_as_dune_prints_them() {
    let project = project();
    fs::write(project.path().join("bin/main.ml"), "let () = print_endline 42\n").unwrap();
    let told = fails(&mut build("aarch64-linux-musl", project.path()));
    assert_told(&told, 1, &["File \"bin/main.ml\", line 1, characters 23-25:", "print_endline 42", "dune failed"]);
    assert!(!project.path().join("dist").exists());
}

/// A store of its own and a mirror that is asked alone.
fn offline(store: &Path, mirror: &Path, project: &Path) -> Command {
    let mut line = build("x86_64-linux-musl", project);
    line.arg("--offline").arg("--store").arg(store).arg("--mirror").arg(mirror);
    line
}

#[test]
fn wrong_and_truncated_archives_are_never_used() {
    let (project, temp) = (project(), tempfile::tempdir().unwrap());
    let mirror = temp.path().join("mirror");
    let release = plan::ocaml::Release::default();
    let all = [plan::sources::zig(), plan::sources::ocaml(release), plan::sources::dune(release)].concat();
    for source in &all {
        let place = mirror.join("sha256").join(&source.hex()[..2]);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(source.hex()), b"PK\x03\x04 not what it should be").unwrap();
    }
    let store = temp.path().join("store");
    let told = fails(&mut offline(&store, &mirror, project.path()));
    assert_told(&told, 4, &["checksum mismatch: expected sha256 ", "hint:"]);
    // Every place that was asked is listed.
    fs::remove_dir_all(&mirror).unwrap();
    fs::create_dir(&mirror).unwrap();
    let told = fails(&mut offline(&store, &mirror, project.path()));
    assert_told(&told, 4, &["not found", "offline", &mirror.display().to_string()]);
    let verified = command(bactrian().unwrap()).args(["store", "verify", "--store"]).arg(&store).status().unwrap();
    assert!(verified.success());
}

#[test]
fn a_missing_tool_is_named_with_its_package() {
    let (project, temp) = (project(), tempfile::tempdir().unwrap());
    let path = temp.path().join("bin");
    fs::create_dir(&path).unwrap();
    for tool in plan::base::image().tools.iter().flat_map(|tool| &tool.names).filter(|name| !name.ends_with("make")) {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|directory| directory.join(tool))
            .find(|file| file.is_file());
        if let Some(found) = found {
            symlink(found, path.join(tool)).unwrap();
        }
    }
    let mut line = build("x86_64-linux-musl", project.path());
    line.env("PATH", &path).arg("--store").arg(temp.path().join("store"));
    assert_told(&fails(&mut line), 4, &["make", "bactrian doctor"]);
}

/// Runs a script as root of a user namespace of its own, where it may mount; `None` where that is not allowed.
fn in_namespace(script: &str, arguments: &[&Path]) -> Option<Output> {
    let unshare = |script: &str| {
        let mut line = command("unshare");
        line.args(["-rm", "sh", "-c", script, "sh"]).stdin(Stdio::null());
        line
    };
    if !unshare("mount -t tmpfs none /tmp").status().is_ok_and(|status| status.success()) {
        println!("skipped: this machine does not let a test mount anything");
        return None;
    }
    Some(unshare(script).args(arguments).output().unwrap())
}

#[test]
fn a_full_disk_is_told_as_such() {
    let (project, temp) = (project(), tempfile::tempdir().unwrap());
    let script =
        "mount -t tmpfs -o size=30m none \"$3\" && \"$1\" build --target x86_64-linux-musl --store \"$3\" \"$2\"";
    let bactrian = bactrian().unwrap();
    let Some(output) = in_namespace(script, &[&bactrian, project.path(), temp.path()]) else { return };
    let told = (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned());
    // The system says it of a write, the store of itself: which is first depends on what is written first.
    assert_told(&told, 4, &["o space left", "store gc"]);
}

#[test]
fn a_read_only_store_is_told_as_such() {
    let (project, temp) = (project(), tempfile::tempdir().unwrap());
    let script = "mount -t tmpfs -o ro none \"$3\" && \"$1\" build --target x86_64-linux-musl --store \"$3\" \"$2\"";
    let bactrian = bactrian().unwrap();
    let Some(output) = in_namespace(script, &[&bactrian, project.path(), temp.path()]) else { return };
    let told = (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_told(&told, 4, &["read-only", "--store"]);
}

#[test]
fn two_builds_at_once_both_succeed() {
    let project = project();
    let spawn = |target: &str| {
        build(target, project.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [spawn("x86_64-linux-musl"), spawn("aarch64-linux-musl")];
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for target in ["x86_64-linux-musl", "aarch64-linux-musl"] {
        assert!(project.path().join("dist").join(target).join("first-light").is_file());
    }
}
