use std::time::Duration;

use action::digest::ActionDigest;
use action::outcome::Place;
use action::source::{Origin, Source};
use exec::engine::NodeError;
use exec::fetch::{FetchConfig, Fetcher, Mirror};

use super::*;
use crate::ui::Look;
use crate::ui::captured;

struct World {
    temp: tempfile::TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(&temp.path().join("store")).unwrap();
        Self { temp, store }
    }

    /// What the user sees, with the directory of this world left out.
    fn told(&self, cause: NodeError) -> String {
        let (ui, _, err) = captured::ui(Look::DEFAULT);
        ui.error(&run(&RunError { label: "yojson 3.0.0 for aarch64-linux-musl".to_owned(), cause }, &self.store));
        err.text().replace(&self.temp.path().display().to_string(), "")
    }

    /// An action that ended like this, kept as the executor keeps it.
    fn failed(&self, status: Status, stdout: &str, stderr: &str) -> NodeError {
        let action = ActionDigest::of(b"action");
        let scratch = self.store.scratch().unwrap();
        std::fs::write(scratch.path().join(STDOUT), stdout).unwrap();
        std::fs::write(scratch.path().join(STDERR), stderr).unwrap();
        let kept = Some(self.store.keep(scratch, action).unwrap());
        let put = |text: &str| self.store.put(text.as_bytes()).unwrap();
        let (stdout, stderr) = (put(stdout), put(stderr));
        let (place, wall) = (Place::Local, Duration::ZERO);
        NodeError::Action {
            outcome: Box::new(Outcome { status, place, output: None, stdout, stderr, wall }),
            action,
            kept,
        }
    }
}

#[test]
fn a_failed_command_is_named_with_its_last_words_and_where_all_is() {
    let world = World::new();
    let stdout: String = (1..=40).map(|line| format!("line {line}\n")).collect();
    let stderr =
        "File \"lib/a.ml\", line 3:\nError: Unbound value x\nbactrian-builder: step 4 (dune build -p yojson): exit 1\n";
    let told = world.told(world.failed(Status::Exit(1), &stdout, stderr));
    assert!(told.contains("line 11\n") && !told.contains("line 10\n"), "{told}");
    let told =
        told.lines().filter(|line| !line.contains("  line ")).map(|line| format!("{line}\n")).collect::<String>();
    insta::assert_snapshot!(told, @r#"
    error: yojson 3.0.0 for aarch64-linux-musl: `dune build -p yojson` failed: exit 1
      caused by: line 11
      caused by: File "lib/a.ml", line 3:
        Error: Unbound value x
      hint: all it wrote is in /store/kept/bd938c688f49/root/stdout and /store/kept/bd938c688f49/root/stderr
      hint: `bactrian shell --failed bd938c688f49` goes where it failed
    "#);
}

#[test]
fn other_ends_are_told_as_they_are() {
    let world = World::new();
    let told = world.told(world.failed(Status::Exit(93), "", "bactrian-builder: patch a.patch: hunk 1 does not fit\n"));
    insta::assert_snapshot!(told, @r#"
    error: yojson 3.0.0 for aarch64-linux-musl: failed with exit code 93
      caused by: bactrian-builder: patch a.patch: hunk 1 does not fit
      hint: all it wrote is in /store/kept/bd938c688f49/root/stderr
      hint: `bactrian shell --failed bd938c688f49` goes where it failed
    "#);
    let told = world.told(world.failed(Status::NoOutput, "", ""));
    insta::assert_snapshot!(told, @r#"
    error: yojson 3.0.0 for aarch64-linux-musl: ended well, but left no output
      hint: `bactrian shell --failed bd938c688f49` goes where it failed
    "#);
    let told = world.told(world.failed(Status::TimedOut, "", "slow\n"));
    insta::assert_snapshot!(told, @r#"
    error: yojson 3.0.0 for aarch64-linux-musl: took longer than its limit
      caused by: slow
      hint: all it wrote is in /store/kept/bd938c688f49/root/stderr
      hint: `bactrian shell --failed bd938c688f49` goes where it failed
    "#);
}

#[test]
fn the_failed_step_is_read_whatever_is_in_the_command() {
    for (stderr, rest, told) in [
        ("bactrian-builder: step 1 (make): exit 2\n", "", Some(("make", "exit 2"))),
        ("a\nbactrian-builder: step 12 (sh -c '(a): b'): signal 9\n", "a\n", Some(("sh -c '(a): b'", "signal 9"))),
        ("bactrian-builder: step 1 (make): exit 2\nmore\n", "bactrian-builder: step 1 (make): exit 2\nmore\n", None),
        ("bactrian-builder: step\n", "bactrian-builder: step\n", None),
        ("", "", None),
    ] {
        let (before, step) = failed_step(stderr);
        assert_eq!((before, step.as_ref().map(|step| (step.command.as_str(), step.how))), (rest, told), "{stderr}");
    }
    assert_eq!(shortened(&"é".repeat(161)), format!("{}…", "é".repeat(160)));
}

/// Every place that was asked is told of, in the order of asking, with its answer.
#[test]
fn an_archive_that_nobody_has() {
    let world = World::new();
    let root = world.temp.path();
    std::fs::write(root.join("changed.tbz"), "something else").unwrap();
    let url = |name: &str| Origin::Url(format!("file://{}", root.join(name).display()));
    let source = Source {
        name: "yojson-3.0.0.tbz".to_owned(),
        checksums: [0xab; 32].into(),
        origins: vec![url("gone.tbz"), url("changed.tbz"), Origin::Url("https://archive.test/yojson.tbz".to_owned())],
    };
    let mut config = FetchConfig::new(std::iter::empty().collect(), root.join("apt"));
    config.offline = true;
    config.mirrors = vec![Mirror::Directory(root.join("mirror")), Mirror::parse("https://cache.test/opam")];
    let error = Fetcher::new(config).fetch(&source, root, &|_, _| {}).unwrap_err();
    insta::assert_snapshot!(world.told(error.into()), @r#"
    error: no place has yojson 3.0.0 for aarch64-linux-musl
      caused by: /mirror (yojson-3.0.0.tbz): not found
      caused by: https://cache.test/opam (yojson-3.0.0.tbz): offline
      caused by: file:///gone.tbz (yojson-3.0.0.tbz): not found
      caused by: file:///changed.tbz (yojson-3.0.0.tbz): checksum mismatch: expected sha256 abababababababababababababababababababababababababababababababab, got f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8 (14 bytes)
      caused by: https://archive.test/yojson.tbz (yojson-3.0.0.tbz): offline
      hint: leave out --offline, or name a directory that has it with --mirror
      hint: a file with another checksum is never used: the place has been changed, or is damaged
    "#);
}

#[test]
fn a_library_that_is_not_known_can_be_supplied() {
    let name = |text: &str| opam::name::PackageName::new(text).unwrap();
    let (ui, _, err) = captured::ui(Look::DEFAULT);
    let wanted_by = vec![name("camel"), name("oasis")];
    ui.error(&closure(&ClosureError::UnknownConf { conf: name("conf-water"), wanted_by }));
    let told = err.text();
    for words in [
        "error: `conf-water` stands for something of the system that is not known here",
        "wanted by camel, oasis",
        "known: curl, expat, gmp, ",
        "put a package `conf-water` with `url` and `build:` of its own into a repository",
        "--repo DIR",
    ] {
        assert!(told.contains(words), "{told}");
    }
}
