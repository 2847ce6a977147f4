//! What the steps of a recipe do to a root, with the real static program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use builder::{FIXED_MTIME, Recipe, Step};
use common::{Scratch, stderr, stdout};

fn recipe(steps: impl IntoIterator<Item = Step>) -> Recipe {
    Recipe { steps: steps.into_iter().collect() }
}

fn put(scratch: &Scratch, path: &str, contents: &str) {
    let path = scratch.path(&format!("root{path}"));
    fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn get(scratch: &Scratch, path: &str) -> String {
    fs::read_to_string(scratch.path(&format!("root{path}"))).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn mode(scratch: &Scratch, path: &str) -> u32 {
    fs::symlink_metadata(scratch.path(&format!("root{path}"))).unwrap().permissions().mode() & 0o7777
}

/// Runs the recipe and expects it to fail, with one line.
fn refusal(scratch: &Scratch, code: i32, step: Step) -> String {
    let output = scratch.build(&recipe([step]));
    let said = stderr(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(code), 1), "{said}");
    said
}

#[test]
fn copies_are_writable_and_have_one_time() {
    let scratch = Scratch::new();
    put(&scratch, "/in/sub/plain", "plain");
    put(&scratch, "/in/tool", "tool");
    let chmod = |path: &str, mode| fs::set_permissions(scratch.path(path), PermissionsExt::from_mode(mode)).unwrap();
    std::os::unix::fs::symlink("sub/plain", scratch.path("root/in/link")).unwrap();
    std::os::unix::fs::symlink("/nowhere", scratch.path("root/in/dangling")).unwrap();
    chmod("root/in/sub/plain", 0o444);
    chmod("root/in/tool", 0o555);
    chmod("root/in/sub", 0o555);
    put(&scratch, "/room/deep/tool", "old");
    stdout(&scratch.build(&recipe([
        Step::Copy { from: "/in".into(), to: "/room/deep".into() },
        Step::Copy { from: "/in/tool".into(), to: "/out/new/tool".into() },
        Step::Copy { from: "/in/link".into(), to: "/out/link".into() },
    ])));
    assert_eq!(
        (get(&scratch, "/room/deep/sub/plain"), get(&scratch, "/room/deep/tool")),
        ("plain".to_owned(), "tool".to_owned())
    );
    for (path, expected) in
        [("/room/deep", 0o755), ("/room/deep/sub", 0o755), ("/room/deep/sub/plain", 0o644), ("/room/deep/tool", 0o755)]
    {
        assert_eq!(mode(&scratch, path), expected, "{path}");
    }
    for path in
        ["/room/deep", "/room/deep/sub", "/room/deep/sub/plain", "/room/deep/tool", "/room/deep/link", "/out/new/tool"]
    {
        let time = fs::symlink_metadata(scratch.path(&format!("root{path}"))).unwrap();
        assert_eq!((time.mtime(), time.mtime_nsec()), (FIXED_MTIME, 0), "{path}");
    }
    for (path, target) in
        [("root/room/deep/link", "sub/plain"), ("root/room/deep/dangling", "/nowhere"), ("root/out/link", "sub/plain")]
    {
        assert_eq!(fs::read_link(scratch.path(path)).unwrap(), Path::new(target), "{path}");
    }
    assert_eq!(mode(&scratch, "/in/sub"), 0o555, "inputs stay as they are");
    chmod("root/in/sub", 0o755);
}

#[test]
fn files_are_written_moved_linked_and_removed() {
    let scratch = Scratch::new();
    put(&scratch, "/dir/file", "x");
    stdout(&scratch.build(&recipe([
        Step::Write { path: "/a/script".into(), contents: "#!/bin/sh\necho ran\n".into(), executable: true },
        Step::Append { path: "/a/script".into(), contents: "echo again\n".into() },
        Step::run("/", ["/a/script"]),
        Step::Move { from: "/a/script".into(), to: "/b/c/script".into() },
        Step::Move { from: "/b".into(), to: "/tmp/elsewhere".into() },
        Step::Symlink { path: "/l/link".into(), target: "../a".into() },
        Step::Symlink { path: "/l/link".into(), target: "../b".into() },
        Step::Remove { path: "/dir".into() },
        Step::Remove { path: "/dir".into() },
        Step::Mkdir { path: "/m/n".into() },
        Step::Mkdir { path: "/m/n".into() },
    ])));
    assert_eq!(get(&scratch, "/tmp/elsewhere/c/script"), "#!/bin/sh\necho ran\necho again\n");
    assert_eq!(mode(&scratch, "/tmp/elsewhere/c/script"), 0o755);
    assert_eq!(fs::read_link(scratch.path("root/l/link")).unwrap(), Path::new("../b"));
    assert!(!Path::new(&scratch.path("root/dir")).exists() && Path::new(&scratch.path("root/m/n")).is_dir());
    assert!(Path::new(&scratch.path("root/out")).is_dir());
}

/// A file written over may be linked to an input: only its name may change hands.
#[test]
fn writing_never_reaches_through_links() {
    let scratch = Scratch::new();
    put(&scratch, "/in/file", "original");
    fs::create_dir(scratch.path("root/room")).unwrap();
    fs::hard_link(scratch.path("root/in/file"), scratch.path("root/room/hard")).unwrap();
    std::os::unix::fs::symlink("../in/file", scratch.path("root/room/soft")).unwrap();
    stdout(&scratch.build(&recipe([
        Step::Append { path: "/room/hard".into(), contents: "!".into() },
        Step::Substitute { path: "/room/soft".into(), from: "orig".into(), to: "ORIG".into() },
    ])));
    assert_eq!(
        (get(&scratch, "/in/file"), get(&scratch, "/room/hard")),
        ("original".to_owned(), "original!".to_owned())
    );
    assert_eq!(get(&scratch, "/room/soft"), "ORIGinal");
}

#[test]
fn substitutions_replace_all_or_fail() {
    let scratch = Scratch::new();
    put(&scratch, "/f", "aXbXXc");
    stdout(&scratch.build(&recipe([Step::Substitute { path: "/f".into(), from: "X".into(), to: "XX".into() }])));
    assert_eq!(get(&scratch, "/f"), "aXXbXXXXc");
    let said = refusal(&scratch, 93, Step::Substitute { path: "/f".into(), from: "Y\n".into(), to: "".into() });
    assert_eq!(said, "bactrian-builder: cannot substitute in /f: it does not contain \"Y\\n\"\n");
    refusal(&scratch, 93, Step::Substitute { path: "/g".into(), from: "Y".into(), to: "".into() });
    refusal(&scratch, 93, Step::Append { path: "/g".into(), contents: "Y".into() });
}

#[test]
fn patches_change_create_and_remove() {
    let scratch = Scratch::new();
    put(&scratch, "/src/changed", "1\n2\n3\n");
    put(&scratch, "/src/gone", "x\n");
    fs::set_permissions(scratch.path("root/src/changed"), PermissionsExt::from_mode(0o755)).unwrap();
    let diff = "--- a/changed\n+++ b/changed\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n\
                --- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+new\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
    put(&scratch, "/p.diff", diff);
    let patch = Step::Patch { file: "/p.diff".into(), dir: "/src".into(), strip: 1 };
    stdout(&scratch.build(&recipe([patch.clone()])));
    assert_eq!(
        (get(&scratch, "/src/changed"), get(&scratch, "/src/sub/new")),
        ("1\ntwo\n3\n".to_owned(), "new\n".to_owned())
    );
    assert_eq!((mode(&scratch, "/src/changed"), Path::new(&scratch.path("root/src/gone")).exists()), (0o755, false));
    let said = refusal(&scratch, 93, patch);
    assert_eq!(said, "bactrian-builder: cannot apply /p.diff: /src/changed: hunk 1 does not fit\n");
    put(&scratch, "/p.diff", "--- a/../../etc/x\n+++ b/../../etc/x\n@@ -0,0 +1 @@\n+new\n");
    let said = refusal(&scratch, 93, Step::Patch { file: "/p.diff".into(), dir: "/src".into(), strip: 1 });
    assert!(said.contains("leads out of the directory"), "{said}");
}

#[test]
fn trees_are_merged_by_links() {
    let scratch = Scratch::new();
    put(&scratch, "/deps/a/lib/a/META", "a");
    put(&scratch, "/deps/a/lib/same", "same");
    put(&scratch, "/deps/b/lib/b/META", "b");
    put(&scratch, "/deps/b/lib/same", "same");
    put(&scratch, "/deps/c/lib/same", "different");
    std::os::unix::fs::symlink("META", scratch.path("root/deps/b/lib/b/link")).unwrap();
    let union = |dependency: &str| Step::Union { from: format!("/deps/{dependency}").into(), to: "/host".into() };
    let check = "cat /host/lib/a/META /host/lib/b/META /host/lib/b/link /host/lib/same; touch /host/lib/a/own";
    let output = scratch.build(&recipe([union("a"), union("b"), union("b"), Step::run("/", ["sh", "-c", check])]));
    assert_eq!(stdout(&output), "abbsame");
    assert_eq!(fs::read_link(scratch.path("root/host/lib/a/META")).unwrap(), Path::new("../../../deps/a/lib/a/META"));
    assert!(!Path::new(&scratch.path("root/deps/a/lib/a/own")).exists(), "directories are made anew");
    let said = refusal(&scratch, 93, union("c"));
    assert_eq!(
        said,
        "bactrian-builder: cannot merge /deps/c/lib/same into /host/lib/same: /deps/a/lib/same is there and differs\n"
    );
    put(&scratch, "/deps/d/lib", "a file");
    refusal(&scratch, 93, union("d"));
}

#[test]
fn install_files_are_interpreted() {
    let scratch = Scratch::new();
    let files = "lib: [ \"_build/META\" \"_build/x.cma\" {\"sub/x.cma\"} \"?absent\" \"t\" {\"../../T-sysroot/lib/t\"} ]\n\
                 bin: [ \"_build/tool.exe\" {\"tool\"} \"_build/win\" ]\nman: [ \"tool.1\" ]\nstublibs: [ \"dll.so\" ]\n";
    put(&scratch, "/build/pkg.install", files);
    for file in ["_build/META", "_build/x.cma", "t", "_build/win.exe", "tool.1", "dll.so", "real"] {
        put(&scratch, &format!("/build/{file}"), file);
    }
    // Dune lists links into its build directory: what is installed is what they lead to.
    std::os::unix::fs::symlink("../real", scratch.path("root/build/_build/tool.exe")).unwrap();
    let install = Step::Install {
        file: "/build/pkg.install".into(),
        package: "pkg".into(),
        prefix: "/out".into(),
        source: "/build".into(),
    };
    stdout(&scratch.build(&recipe([install.clone()])));
    for (path, contents, bits) in [
        ("/out/lib/pkg/META", "_build/META", 0o644),
        ("/out/lib/pkg/sub/x.cma", "_build/x.cma", 0o644),
        ("/out/T-sysroot/lib/t", "t", 0o644),
        ("/out/bin/tool", "real", 0o755),
        ("/out/bin/win.exe", "_build/win.exe", 0o755),
        ("/out/man/man1/tool.1", "tool.1", 0o644),
        ("/out/lib/stublibs/dll.so", "dll.so", 0o755),
    ] {
        assert_eq!((get(&scratch, path).as_str(), mode(&scratch, path)), (contents, bits), "{path}");
    }
    put(&scratch, "/build/pkg.install", "lib: [ \"t\" \"dll.so\" {\"t\"} \"?absent\" {\"t\"} ]");
    stdout(&scratch.build(&recipe([install.clone()])));
    assert_eq!(
        get(&scratch, "/out/lib/pkg/t"),
        "dll.so",
        "the last of two files for one place is installed, as opam does"
    );
    for (text, expected) in [
        ("lib: [\n \"nothing\" ]", "line 2: there is no file \"nothing\""),
        ("lib: [ \"t\" {\"../../../x\"} ]", "line 1: \"../../../x\" is outside the prefix"),
        ("lob: []", "line 1: unknown section \"lob\""),
    ] {
        put(&scratch, "/build/pkg.install", text);
        let said = refusal(&scratch, 93, install.clone());
        assert!(said.contains("/build/pkg.install, ") && said.contains(expected), "{said}");
    }
}

#[test]
fn commands_get_their_directory_environment_and_jobs() {
    let scratch = Scratch::new();
    put(&scratch, "/tools/hello", "#!/bin/sh\necho hello from $PWD, $A, jobs ${BACTRIAN_JOBS:+set}; cat; umask\n");
    fs::set_permissions(scratch.path("root/tools/hello"), PermissionsExt::from_mode(0o755)).unwrap();
    let env = BTreeMap::from([("A".into(), "b c".into()), ("PATH".into(), "/tools:/usr/bin:/bin".into())]);
    let run = Step::Run { argv: vec!["hello".into()], cwd: "/tmp".into(), env };
    assert_eq!(stdout(&scratch.build(&recipe([run]))), "hello from /tmp, b c, jobs set\n0022\n");
    let env = BTreeMap::from([("BACTRIAN_JOBS".into(), "17".into())]);
    let run = Step::Run { argv: ["sh", "-c", "echo $BACTRIAN_JOBS"].map(Into::into).into(), cwd: "/".into(), env };
    assert_eq!(stdout(&scratch.build(&recipe([run]))), "17\n");
}

#[test]
fn failing_commands_end_the_recipe() {
    let scratch = Scratch::new();
    for (argv, how) in [
        (vec!["sh", "-c", "exit 3"], "step 2 (sh -c exit 3): exit 3"),
        (vec!["sh", "-c", "kill -9 $$"], "step 2 (sh -c kill -9 $$): killed by signal 9"),
        (vec!["no-such"], "step 2 (no-such): cannot be started: No such file or directory (os error 2)"),
    ] {
        let after = Step::Write { path: "/out/after".into(), contents: "".into(), executable: false };
        let output = scratch.build(&recipe([Step::Mkdir { path: "/x".into() }, Step::run("/", argv), after]));
        assert_eq!((output.status.code(), stderr(&output)), (Some(1), format!("bactrian-builder: {how}\n")));
        assert!(!Path::new(&scratch.path("root/out/after")).exists());
    }
    let said = refusal(&scratch, 92, Step::run("/nowhere", ["true"]));
    assert_eq!(said, "bactrian-builder: cannot enter /nowhere: No such file or directory (os error 2)\n");
    let said = refusal(&scratch, 92, Step::Copy { from: "/nowhere".into(), to: "/out/x".into() });
    assert_eq!(said, "bactrian-builder: cannot copy /nowhere: No such file or directory (os error 2)\n");
}

#[test]
fn a_full_disk_is_named() {
    let scratch = Scratch::new();
    let small = "unshare --user --map-root-user --mount";
    if !shell(&format!("{small} true")).status.success() {
        println!("SKIPPED: no small file system can be mounted here");
        return;
    }
    let write = Step::Write { path: "/out/large".into(), contents: vec![b'x'; 1 << 20].into(), executable: false };
    let command = scratch.build_command(&recipe([write]));
    let line: Vec<&str> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
    let (before, after) = line.split_at(line.iter().position(|word| *word == "--").unwrap());
    let [builder, out] = [scratch.path("builder"), scratch.path("rw")];
    let enter = format!("{builder} {} --rw {out} /out {}", before.join(" "), after.join(" "));
    let output = shell(&format!("{small} sh -c 'mount -t tmpfs -o size=64k none {out} && exec {enter}'"));
    let said = "bactrian-builder: cannot write /out/large: No space left on device (os error 28)\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(92), said));
}

fn shell(script: &str) -> std::process::Output {
    std::process::Command::new("sh").args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
}

#[test]
fn bad_recipes_are_refused() {
    let scratch = Scratch::new();
    let said = refusal(&scratch, 91, Step::Mkdir { path: "relative".into() });
    assert!(said.starts_with("bactrian-builder: /bactrian/recipe, line 2: "), "{said}");
}
