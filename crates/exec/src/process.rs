//! Child processes of the machine's own tools: made in one place.
//!
//! A child gets a directory of its own, an environment that the caller chose word by word, no standard input and the
//! `C` locale; its output is kept in memory files, so that nothing can block on a full pipe. It leads a process group
//! and is killed with it when the caller is stopped or the time is up.
//!
//! Not here: the sandbox of actions, which has its own way of starting; and reading the environment, which is the
//! command line's.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::MemfdFlags;
use rustix::process::{Pid, Signal};

/// Variables for a child; nothing else is passed on to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The same with one more, or other, variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Looks `program` up in `PATH`, as a shell would.
    #[must_use]
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let path = self.get("PATH")?;
        let candidates = path.as_bytes().split(|&byte| byte == b':').filter(|directory| !directory.is_empty());
        candidates.map(|directory| Path::new(OsStr::from_bytes(directory)).join(program)).find(|file| {
            file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        })
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// What to run.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The program's file, as found by [`Environment::find`].
    pub program: &'a Path,
    /// Arguments after the program's name.
    pub arguments: Vec<OsString>,
    /// The directory to run in.
    pub directory: &'a Path,
    /// The whole environment, but for `LC_ALL`.
    pub environment: &'a Environment,
    /// Where standard output goes, if it is not to be kept in memory.
    pub output: Option<File>,
}

/// How long a child may run.
pub struct Limits<'a> {
    /// Kills the child when true.
    pub stop: &'a AtomicBool,
    /// Kills the child after this time.
    pub time: Duration,
    /// Called a few times a second while the child runs.
    pub tick: &'a dyn Fn(),
}

/// A child that ended by itself.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output; empty if it went to a file.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Why a child did not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started, watched or read.
    #[error("{program}: {error}")]
    Io {
        /// The program's file.
        program: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It was killed because the caller was stopped.
    #[error("stopped")]
    Stopped,
    /// It was killed because it took too long.
    #[error("not finished after {0:?}")]
    Timeout(Duration),
}

/// Runs a program to its end.
///
/// # Errors
/// If it cannot be started, or is killed for one of the `limits`; never for its exit status.
pub fn run(invocation: Invocation<'_>, limits: &Limits<'_>) -> Result<Finished, ProcessError> {
    let program = invocation.program;
    let failed = |error| ProcessError::Io { program: program.to_path_buf(), error };
    let stdout = memory_file().map_err(failed)?;
    let stderr = memory_file().map_err(failed)?;
    let to = match invocation.output {
        Some(file) => file,
        None => stdout.try_clone().map_err(failed)?,
    };
    let mut child = Command::new(program)
        .args(&invocation.arguments)
        .current_dir(invocation.directory)
        .env_clear()
        .envs(&invocation.environment.0)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(to)
        .stderr(stderr.try_clone().map_err(failed)?)
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let watched = watch(&mut child, limits);
    if !matches!(watched, Ok(Ok(_))) {
        kill(&mut child);
    }
    let status = watched.map_err(failed)??;
    Ok(Finished { status, stdout: contents(stdout).map_err(failed)?, stderr: contents(stderr).map_err(failed)? })
}

/// Waits for the child or for a limit, whichever comes first.
fn watch(child: &mut Child, limits: &Limits<'_>) -> io::Result<Result<ExitStatus, ProcessError>> {
    let begun = Instant::now();
    let mut ticked = begun;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ok(status));
        }
        if limits.stop.load(Ordering::Relaxed) {
            return Ok(Err(ProcessError::Stopped));
        }
        if begun.elapsed() >= limits.time {
            return Ok(Err(ProcessError::Timeout(limits.time)));
        }
        if ticked.elapsed() >= Duration::from_millis(200) {
            ticked = Instant::now();
            (limits.tick)();
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Kills the child's whole group before the child is reaped, while its number cannot yet be another's.
fn kill(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Nothing can be done about a failure; `wait` below would tell if the child lived on.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

fn memory_file() -> io::Result<File> {
    Ok(File::from(rustix::fs::memfd_create(c"output", MemfdFlags::CLOEXEC)?))
}

fn contents(mut file: File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The processor time of this process and of all children it has waited for, with theirs; none if the system does not say.
///
/// # Source
/// proc(5), `/proc/pid/stat`: `utime`, `stime`, `cutime` and `cstime` are its fields 14 to 17, in clock ticks.
#[must_use]
pub fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    Some(Duration::from_secs(1).mul_f64(cpu_ticks(&stat)? as f64 / rustix::param::clock_ticks_per_second() as f64))
}

fn cpu_ticks(stat: &str) -> Option<u32> {
    // The second field, the program's name in parentheses, may have anything in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let times: Vec<u32> = rest.split_whitespace().skip(11).take(4).map_while(|field| field.parse().ok()).collect();
    (times.len() == 4).then(|| times.iter().sum())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn shell(script: &str, directory: &Path, limits: &Limits<'_>) -> Result<Finished, ProcessError> {
        let environment = Environment::default().with("PATH", "/usr/bin:/bin").with("CHOSEN", "yes");
        let program = environment.find("sh").unwrap();
        let arguments = vec!["-c".into(), script.into()];
        run(Invocation { program: &program, arguments, directory, environment: &environment, output: None }, limits)
    }

    #[test]
    fn chosen_environment_directory_and_streams() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { stop: &NEVER, time: Duration::from_secs(20), tick: &|| {} };
        let script = "env | grep -v -e ^PWD -e ^SHLVL -e ^_ -e ^OLDPWD | sort; pwd; cat; echo oops >&2; exit 3";
        let done = shell(script, dir.path(), &limits).unwrap();
        let real = dir.path().canonicalize().unwrap();
        let expected = format!("CHOSEN=yes\nLC_ALL=C\nPATH=/usr/bin:/bin\n{}\n", real.display());
        assert_eq!(String::from_utf8(done.stdout).unwrap(), expected);
        assert_eq!(done.stderr, b"oops\n");
        assert_eq!(done.status.code(), Some(3));
    }

    #[test]
    fn more_output_than_a_pipe_holds() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { stop: &NEVER, time: Duration::from_secs(20), tick: &|| {} };
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
        let done = shell(script, dir.path(), &limits).unwrap();
        assert_eq!((done.stdout.len(), done.stderr.len()), (300_000, 300_000));
    }

    #[test]
    fn output_to_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { stop: &NEVER, time: Duration::from_secs(20), tick: &|| {} };
        let environment = Environment::default().with("PATH", "/usr/bin:/bin");
        let program = environment.find("echo").unwrap();
        let output = Some(File::create(dir.path().join("out")).unwrap());
        let arguments = vec!["hello".into()];
        let what =
            Invocation { program: &program, arguments, directory: dir.path(), environment: &environment, output };
        assert_eq!(run(what, &limits).unwrap().stdout, b"");
        assert_eq!(fs::read(dir.path().join("out")).unwrap(), b"hello\n");
    }

    #[test]
    fn grandchildren_die_with_the_child_on_timeout_and_stop() {
        let dir = tempfile::tempdir().unwrap();
        let script = "(sleep 1; echo alive > survivor) & echo begun > begun; sleep 30";
        let short = Limits { stop: &NEVER, time: Duration::from_millis(300), tick: &|| {} };
        assert!(matches!(shell(script, dir.path(), &short), Err(ProcessError::Timeout(_))));
        let _ = fs::remove_file(dir.path().join("begun"));
        let stop = AtomicBool::new(false);
        let ticks = Cell::new(0);
        let tick = || {
            ticks.set(ticks.get() + 1);
            stop.store(dir.path().join("begun").exists(), Ordering::Relaxed);
        };
        let stopped = Limits { stop: &stop, time: Duration::from_secs(20), tick: &tick };
        assert!(matches!(shell(script, dir.path(), &stopped), Err(ProcessError::Stopped)));
        assert!(ticks.get() > 0);
        thread::sleep(Duration::from_millis(1200));
        assert!(!dir.path().join("survivor").exists());
    }

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let dir = tempfile::tempdir().unwrap();
        for (name, mode) in [("data", 0o644), ("tool", 0o755)] {
            fs::write(dir.path().join(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir(dir.path().join("folder")).unwrap();
        let environment = Environment::default().with("PATH", format!("/nonexistent::{}", dir.path().display()));
        assert_eq!(environment.find("tool"), Some(dir.path().join("tool")));
        for absent in ["data", "folder", "sh", "no-such-tool"] {
            assert_eq!(environment.find(absent), None, "{absent}");
        }
        assert_eq!(Environment::default().find("sh"), None);
    }

    #[test]
    fn a_program_that_is_not_there() {
        let environment = Environment::default();
        let limits = Limits { stop: &NEVER, time: Duration::from_secs(1), tick: &|| {} };
        let program = Path::new("/nonexistent/tool");
        let arguments = Vec::new();
        let what =
            Invocation { program, arguments, directory: Path::new("/"), environment: &environment, output: None };
        let failure = run(what, &limits).unwrap_err();
        assert!(matches!(failure, ProcessError::Io { program: named, .. } if named == program));
    }

    #[test]
    fn processor_time_is_read_past_any_name() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 100 20 3000 400 20 0 1\n";
        assert_eq!(cpu_ticks(stat), Some(3520));
        for broken in
            ["", "12 (a) S 1 2", "12 (a S 1 2 3 4 5 6 7 8 9 10 100 20 3000 400", "1 (a) S 1 2 3 4 5 6 7 8 9 10 x 1 1 1"]
        {
            assert_eq!(cpu_ticks(broken), None, "{broken}");
        }
        let before = cpu_time().unwrap();
        let mut sum = 0_u64;
        while cpu_time().unwrap() < before + Duration::from_millis(30) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(1));
        }
    }
}
