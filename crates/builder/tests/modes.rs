//! Every way a directory becomes `/`: under a worker that has changed root, by namespaces, by a plain chroot, and not at all.
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

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use builder::{Recipe, Step};
use common::{Scratch, builder, eventually, is_root, modes, processes, stderr, stdout};

/// An input root with real copies of a shell and some tools, as a worker stages it, and a recipe.
fn staged(script: &str) -> Scratch {
    let scratch = Scratch::new();
    let put = |from: &Path, to: &str| {
        let to = scratch.path(&format!("root{to}"));
        fs::create_dir_all(Path::new(&to).parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    put(&builder(), "/bactrian/builder");
    for tool in ["sh", "sleep", "setsid", "cat", "ls", "uname"] {
        let directory =
            ["/usr/bin", "/bin"].into_iter().find(|directory| Path::new(directory).join(tool).exists()).unwrap();
        let path = Path::new(directory).join(tool);
        put(&path, &format!("/bin/{tool}"));
        let libraries =
            stdout(&Command::new("ldd").arg(&path).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap());
        for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
            put(Path::new(library), library);
        }
    }
    let recipe = Recipe { steps: vec![Step::run("/", ["sh", "-c", script])] };
    fs::write(scratch.path("root/bactrian/recipe"), recipe.encode()).unwrap();
    scratch
}

fn build(scratch: &Scratch) -> Command {
    let mut command = Command::new(scratch.path("root/bactrian/builder"));
    command.arg0("bactrian/builder").current_dir(scratch.path("root")).env_clear().env("PATH", "/bin").arg("build");
    command
}

fn all_modes() -> Vec<&'static str> {
    let mut all = modes();
    if is_root() {
        all.push("chroot");
    } else {
        println!("SKIPPED: chroot needs root");
    }
    all
}

const LOOK: &str = "ls -d /etc /usr/bin 2>/dev/null; ls -d /bactrian/builder /out; cat </dev/null; echo x >/tmp/x; echo made > /out/result; echo to stderr >&2";

fn look(output: &Output, scratch: &Scratch, mode: &str) {
    assert_eq!(stdout(output), "/bactrian/builder\n/out\n", "{mode}");
    assert_eq!(stderr(output), "to stderr\n", "{mode}");
    let result = scratch.path("root/out/result");
    assert_eq!(fs::read_to_string(&result).unwrap(), "made\n", "{mode}");
    fs::remove_file(result).unwrap();
}

#[test]
fn the_working_directory_becomes_the_root() {
    let scratch = staged(LOOK);
    for mode in all_modes() {
        look(&build(&scratch).args(["--mode", mode]).output().unwrap(), &scratch, mode);
    }
    look(&build(&scratch).output().unwrap(), &scratch, "chosen by itself");
}

#[test]
fn a_root_that_is_already_made_is_used() {
    let scratch = staged(LOOK);
    // As a worker does it: the input root is /, without capabilities; another root could not be made.
    let mode = *modes().first().expect("this machine allows no namespaces at all");
    let mut command = Command::new(scratch.path("builder"));
    command.env_clear().env("PATH", "/bin").args(["enter", &scratch.path("root"), "--rw-root", "--mode", mode]);
    look(&command.args(["--", "bactrian/builder", "build"]).output().unwrap(), &scratch, "made by a worker");
}

#[test]
fn ordinary_users_can_build() {
    if !is_root() || !modes().contains(&"userns") {
        println!("SKIPPED: not root (so the other tests have shown it), or no user namespaces");
        return;
    }
    let scratch = staged(LOOK);
    look(&build(&scratch).uid(65_534).gid(65_534).output().unwrap(), &scratch, "nobody");
}

#[test]
fn without_namespaces_nothing_is_left_behind_either() {
    if !is_root() {
        println!("SKIPPED: chroot needs root");
        return;
    }
    let scratch = staged(
        "setsid sleep 95100 >/dev/null 2>&1 & (setsid sh -c 'sleep 95100; sleep 95100' &) >/dev/null 2>&1; sleep 0.2; echo done",
    );
    let child = build(&scratch).args(["--mode", "chroot"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    assert!(eventually(|| processes("sleep 95100").len() >= 2), "the control: they do run");
    assert_eq!(stdout(&child.wait_with_output().unwrap()), "done\n");
    assert!(eventually(|| processes("sleep 95100").is_empty()));
    // And when the builder is killed without warning.
    let scratch = staged("setsid sleep 95200 >/dev/null 2>&1 & sleep 95200");
    let mut child = build(&scratch).args(["--mode", "chroot"]).spawn().unwrap();
    assert!(eventually(|| processes("sleep 95200").len() >= 2), "the control: they do run");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(eventually(|| processes("sleep 95200").is_empty()));
}

#[test]
fn a_chroot_joins_nothing() {
    let scratch = staged(LOOK);
    let output = scratch.enter("chroot").args(["--", "true"]).output().unwrap();
    let why = if is_root() { "cannot join directories without mounting" } else { "not root" };
    assert!(output.status.code() == Some(90) && stderr(&output).contains(why), "{output:?}");
}
