//! What the tests share: random values, and the real static program.
#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]

use std::process::Output;
use std::sync::OnceLock;

include!("../../image.rs");

/// A small generator of random numbers (xorshift), so that a failure can be repeated by its seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// The static program, built as it is shipped.
pub fn builder() -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        // Kept from one run to the next, so that only the first one waits.
        let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("builder-image");
        build_image(workspace, &target, &target_dir, Path::new(env!("CARGO"))).unwrap()
    })
    .clone()
}

/// The program with a cleared environment but PATH.
pub fn command() -> Command {
    let mut command = Command::new(builder());
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// A command's standard output, which must be all there is to say.
pub fn stdout(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {errors}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
