//! What the tests share: random values, and the real static program.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::process::Output;
use std::sync::OnceLock;

include!("../../image.rs");

/// A small generator of random numbers (xorshift), so that a failure can be repeated by its seed.
pub struct Random(pub u64);

impl Random {
    /// Neighbouring seeds give unrelated numbers.
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

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
    IMAGE
        .get_or_init(|| {
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
            let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
            // Kept from one run to the next, so that only the first one waits.
            let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("builder-image");
            build_image(workspace, &target, &target_dir, Path::new(env!("CARGO"))).unwrap()
        })
        .clone()
}

/// Copies the program, by another process: while this one had the copy open for writing, another thread's child would have it
/// open as well until it becomes a program of its own, and the copy could not be started (`ETXTBSY`).
fn copy_program(to: &Path) {
    assert!(Command::new("cp").arg(builder()).arg(to).status().unwrap().success(), "{}", to.display());
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

/// The ways to make a root that this machine allows; says which it skips.
pub fn modes() -> Vec<&'static str> {
    static MODES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let works = |mode: &&str| {
        let output = Scratch::new().enter(mode).args(["--", "true"]).output().unwrap();
        if !output.status.success() {
            println!("SKIPPED on this machine: mode {mode}: {}", stderr(&output));
        }
        output.status.success()
    };
    MODES.get_or_init(|| ["userns", "ns"].into_iter().filter(works).collect()).clone()
}

/// Whether these tests run as root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A temporary directory with an empty root in it, and a copy of the program anybody may run.
pub struct Scratch {
    pub dir: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().to_path_buf(), dir.path().join("root"), dir.path().join("rw")] {
            std::fs::create_dir_all(&path).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
        }
        copy_program(&dir.path().join("builder"));
        Self { dir }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// `enter` with the machine's tools joined read-only, ready for more options.
    pub fn enter(&self, mode: &str) -> Command {
        let mut command = Command::new(self.path("builder"));
        command.env_clear().env("PATH", "/usr/bin:/bin").args(["enter", &self.path("root"), "--mode", mode]);
        for directory in ["/usr", "/bin", "/lib", "/lib64"].into_iter().filter(|path| Path::new(path).exists()) {
            command.args(["--ro", directory, directory]);
        }
        command
    }

    /// Runs a shell script in the root.
    pub fn sh(&self, mode: &str, script: &str) -> Output {
        self.enter(mode).args(["--", "sh", "-c", script]).output().unwrap()
    }

    /// Runs a recipe in the root, made writable, with the machine's tools.
    pub fn build(&self, recipe: &builder::Recipe) -> Output {
        self.build_command(recipe).output().unwrap()
    }

    /// The command that [`Scratch::build`] runs.
    pub fn build_command(&self, recipe: &builder::Recipe) -> Command {
        std::fs::create_dir_all(self.path("root/bactrian")).unwrap();
        copy_program(Path::new(&self.path("root/bactrian/builder")));
        std::fs::write(self.path("root/bactrian/recipe"), recipe.encode()).unwrap();
        let mode = *modes().first().expect("this machine allows no namespaces at all: recipes cannot be tested");
        let mut command = self.enter(mode);
        command.args(["--rw-root", "--", "/bactrian/builder", "build"]);
        command
    }
}

/// The command lines of all processes of the machine that contain a text.
pub fn processes(text: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let has = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(text)
    };
    pids.filter(has).collect()
}

/// Whether something comes true within ten seconds.
pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 10 {
        if condition() {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    false
}
