//! SIGKILL at random moments: the store stays whole, and the next build succeeds.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use testkit::{bactrian, checkout, command, copy_tree, output};

/// A small generator with a seed that is printed, so that a failure can be repeated.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let seed = u64::try_from(seed & u128::from(u64::MAX)).unwrap() | 1;
        println!("seed {seed}");
        Self(seed)
    }

    /// Any duration below `limit`.
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        limit.mul_f64((self.0 % 10_000) as f64 / 10_000.0)
    }
}

/// Starts `line` and kills it after `moment`; says whether it had ended by itself.
fn killed(line: &mut Command, moment: Duration) -> bool {
    let mut child = line.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(moment);
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

fn verify(store: &Path) {
    output(command(bactrian().unwrap()).args(["store", "verify", "--store"]).arg(store)).unwrap();
}

#[test]
fn while_toolchains_are_made() {
    let temp = tempfile::tempdir().unwrap();
    let store = temp.path().join("store");
    let mut moments = Moments::new();
    for _ in 0..40 {
        let mut line = command(bactrian().unwrap());
        line.args(["toolchain", "build", "--target", "x86_64-linux-gnu.2.28", "--store"]).arg(&store);
        killed(&mut line, moments.below(Duration::from_secs(5)));
        if store.join("format").exists() {
            verify(&store);
        }
    }
}

#[test]
fn while_a_project_is_built() {
    let temp = tempfile::tempdir().unwrap();
    let mut moments = Moments::new();
    let build = |project: &Path| {
        let mut line = command(bactrian().unwrap());
        line.args(["build", "--target", "aarch64-linux-musl"]).arg(project);
        line
    };
    // Toolchains are other tests' business.
    let warm = temp.path().join("warm");
    copy_tree(&checkout().join("examples/first-light"), &warm).unwrap();
    output(&mut build(&warm)).unwrap();
    let project = temp.path().join("project");
    copy_tree(&checkout().join("examples/first-light"), &project).unwrap();
    for _ in 0..10 {
        killed(&mut build(&project), moments.below(Duration::from_millis(1500)));
    }
    verify(&testkit::store());
    output(&mut build(&project)).unwrap();
    assert!(project.join("dist/aarch64-linux-musl/first-light").is_file());
}
