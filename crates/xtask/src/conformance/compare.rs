//! Cases compiled in one entering of the target's root, run by the target's runner, and what they print compared.
//!
//! Not here: which cases, and what follows from a difference.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use exec::store::Store;
use plan::ocaml::Release;
use plan::target::{Os, Runner, Target};

use super::case::{Run, Step};
use super::suite::{Named, Suite, sorted};

/// Seconds after which a program has failed; emulators are slow, and machines busy.
const PATIENCE: u64 = 240;
/// What a program answers that cannot be tested here: `ocamltest/actions_helpers.ml`.
const SKIPPED: i32 = 125;

/// Compiles a case, in its directory of the root.
const ONE: &str = "cd \"/src/cases/$1\" && sh ./compile.sh > compile.log 2>&1; echo $? > compile.status\n";

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Passed,
    /// The second time only.
    PassedAgain,
    /// It said itself that it cannot be run.
    Skipped,
    /// How it differs, in a few lines.
    Differs(String),
    /// It was not compiled, for these words of the compiler's.
    NotCompiled(String),
}

/// Cases that have been compiled.
pub(super) struct Compiled<'a> {
    place: PathBuf,
    cases: &'a [Named],
    target: Target,
}

/// What programs are run with: words before the program, and the environment.
#[derive(Debug, Clone, Default)]
pub(super) struct With {
    words: Vec<String>,
    environment: Vec<(String, String)>,
}

impl With {
    /// An emulator, or nothing.
    pub(super) fn emulator(name: Option<&str>) -> Self {
        Self { words: name.into_iter().map(str::to_owned).collect(), environment: Vec::new() }
    }

    /// What the target's programs are run with here.
    pub(super) fn of(target: Target) -> Result<Self, String> {
        match target.runner_on(super::here()) {
            Runner::Native => Ok(Self::default()),
            Runner::Qemu(name) => {
                let mut with = Self::emulator(Some(name));
                if target.glibc().is_some() {
                    with.words.extend(["-L".to_owned(), format!("/usr/{}", target.spec().gnu_triple)]);
                }
                Ok(with)
            }
            Runner::Wine => {
                let wine = ["/usr/bin/wine64", "/usr/bin/wine", "/usr/lib/wine/wine64"];
                let wine = wine.into_iter().find(|file| Path::new(file).is_file()).ok_or("wine is not here")?;
                let store = Store::open(&testkit::store()).map_err(|error| error.to_string())?;
                let prefix =
                    exec::runner::prepare_wine(&store, Path::new(wine), || println!("making wine's directory"));
                let prefix = prefix.map_err(|error| error.to_string())?.to_string_lossy().into_owned();
                let quiet = [
                    ("WINEPREFIX", prefix.as_str()),
                    ("WINEDEBUG", "-all"),
                    ("WINEDLLOVERRIDES", "mscoree,mshtml="),
                    ("LC_ALL", "C.UTF-8"),
                ];
                let environment = quiet.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
                Ok(Self { words: vec![wine.to_owned()], environment })
            }
            Runner::None => Err(format!("nothing here runs programs for {target}")),
        }
    }
}

/// Compiles all cases for `target`, with one entering of its root.
pub(super) fn compile<'a>(
    suite: &Suite,
    cases: &'a [Named],
    (target, bactrian): (Target, &Path),
) -> Result<Compiled<'a>, String> {
    let place = place(suite.release, target);
    let told = |error: std::io::Error| format!("{}: {error}", place.display());
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("cases")).map_err(told)?;
    testkit::copy_tree(&suite.place.join("lib"), &place.join("lib")).map_err(told)?;
    for (number, named) in cases.iter().enumerate() {
        let directory = place.join("cases").join(number.to_string());
        lay_out(named, &directory).map_err(|error| format!("{}: {error}", named.name))?;
    }
    fs::write(place.join("one.sh"), ONE).map_err(told)?;
    let jobs = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let all = format!(
        "set -e\nexport OCAMLOPT=/opt/cross/$BACTRIAN_TARGET/bin/ocamlopt LIB=/src/lib\nSTDLIB=$($OCAMLOPT -where)\nexport STDLIB\ncd /src/lib\n\
         $OCAMLOPT -c testing.mli testing.ml\n$OCAMLOPT -a -linkall testing.cmx -o testing.cmxa\n\
         ls /src/cases | xargs -P {jobs} -n 1 sh /src/one.sh\n"
    );
    fs::write(place.join("all.sh"), all).map_err(told)?;
    let version = suite.release.to_string();
    let mut command = testkit::command(bactrian);
    command.args(["exec", "-q", "--ocaml", &version, "--target", &target.to_string()]).arg(&place);
    let status = command.args(["--", "sh", "/src/all.sh"]).stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{}: {error}", bactrian.display()))?;
    if !status.success() {
        return Err(format!("the tests could not be compiled for {target}: bactrian ended with {status}"));
    }
    Ok(Compiled { place, cases, target })
}

/// A directory that stays, so that what failed can be looked at.
fn place(release: Release, target: Target) -> PathBuf {
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| testkit::checkout().join("target"), PathBuf::from);
    built.join("conformance").join(release.to_string()).join(target.to_string())
}

/// The test's directory, and the script that compiles the case.
fn lay_out(named: &Named, directory: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    fs::create_dir_all(directory).map_err(told)?;
    for file in sorted(&named.directory)? {
        let Some(name) = file.file_name() else { continue };
        let wanted = |list: &[String]| list.iter().any(|wanted| wanted.as_str() == name);
        if file.is_file() {
            copy(&file, &directory.join(name)).map_err(told)?;
        } else if wanted(&named.case.directories) {
            testkit::copy_tree(&file, &directory.join(name)).map_err(told)?;
        }
    }
    // Files that are named by a path beside the directory.
    for name in named.case.files.iter().filter(|name| name.contains('/')) {
        let from = named.directory.join(name);
        if let Some(base) = from.file_name() {
            copy(&from, &directory.join(base)).map_err(told)?;
        }
    }
    let mut script = String::new();
    for step in &named.case.steps {
        if let Step::Compile { line, exit, .. } = step {
            let _ = write!(script, "{line}\n[ $? = {exit} ] || exit 1\n");
        }
    }
    fs::write(directory.join("compile.sh"), script).map_err(told)
}

/// A copy that may be written to: what is in the store may not.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::write(to, fs::read(from)?)?;
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

impl Compiled<'_> {
    /// Runs all cases, a few at once; those that differ once more, alone.
    pub(super) fn run(&self, with: &With) -> Vec<Ended> {
        let results: Vec<Mutex<Option<Ended>>> = self.cases.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let jobs = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        let Some(slot) = results.get(number) else { break };
                        let ended = self.run_case(number, with);
                        *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(ended);
                    }
                });
            }
        });
        let mut ended: Vec<Ended> = results
            .into_iter()
            .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(|| Ended::Differs("it was not run".to_owned())))
            .collect();
        for (number, one) in ended.iter_mut().enumerate() {
            if matches!(one, Ended::Differs(_)) {
                match self.run_case(number, with) {
                    Ended::Passed => *one = Ended::PassedAgain,
                    other => *one = other,
                }
            }
        }
        ended
    }

    fn run_case(&self, number: usize, with: &With) -> Ended {
        let directory = self.place.join("cases").join(number.to_string());
        let Some(named) = self.cases.get(number) else { return Ended::Skipped };
        let status = fs::read_to_string(directory.join("compile.status")).unwrap_or_default();
        if status.trim() != "0" {
            let log = fs::read(directory.join("compile.log")).unwrap_or_default();
            return Ended::NotCompiled(first_lines(&String::from_utf8_lossy(&log), 4));
        }
        let source = Path::new(named.name.split('#').next().unwrap_or_default());
        let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for step in &named.case.steps {
            let Step::Run(run) = step else { continue };
            // wine starts a program's programs itself.
            let wraps = self.target.spec().os != Os::Windows;
            if let Err(error) = if wraps { wrap_others(named, run, &directory, with) } else { Ok(()) } {
                return Ended::Differs(error);
            }
            match self.run_program(run, (&directory, &stem), with) {
                Ok(Ended::Passed) => {}
                Ok(other) => return other,
                Err(error) => return Ended::Differs(error),
            }
        }
        Ended::Passed
    }

    fn run_program(&self, run: &Run, (directory, stem): (&Path, &str), with: &With) -> Result<Ended, String> {
        let output = directory.join("program.output");
        let file = File::create(&output).map_err(|error| error.to_string())?;
        let stdin = match &run.stdin {
            Some(name) => Stdio::from(File::open(directory.join(name)).map_err(|error| format!("{name}: {error}"))?),
            None => Stdio::null(),
        };
        let mut command = Command::new("timeout");
        command.args(["-k", "5", &PATIENCE.to_string()]);
        let program = directory.join(run.program.trim_start_matches("./"));
        let hook = directory.join(format!("{stem}.run"));
        if hook.is_file() {
            // A shell's script that runs it in its own way: `ocamltest/actions_helpers.ml`.
            command.arg("sh").arg(&hook);
        } else {
            command.args(&with.words).arg(&program).args(&run.arguments);
        }
        command.current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "dumb").env("HOME", "/tmp");
        command.envs(with.environment.iter().map(|(name, value)| (name, value)));
        let words = with.words.iter().cloned().chain([program.to_string_lossy().into_owned()]);
        let words = words.collect::<Vec<_>>().join(" ");
        let reference = run.reference.as_ref().map(|name| directory.join(name)).unwrap_or_default();
        let of_hooks = |command: &mut Command| {
            command.env("program", &words).env("output", &output).env("reference", &reference).env("SORT", "sort");
            command.env("test_source_directory", directory).env("test_build_directory", directory);
            command.env("TEST_PASS", "0").env("TEST_FAIL", "1").env("TEST_SKIP", SKIPPED.to_string());
        };
        if hook.is_file() {
            of_hooks(&mut command);
        }
        for (name, value) in &run.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // A script writes the output itself, and nothing else is to be in it.
        let file = if hook.is_file() { File::create(directory.join("hook.log")) } else { Ok(file) };
        let file = file.map_err(|error| error.to_string())?;
        let again = file.try_clone().map_err(|error| error.to_string())?;
        let status = command.stdin(stdin).stdout(file).stderr(again).status().map_err(|error| error.to_string())?;
        let printed = fs::read(&output).map_err(|error| error.to_string())?;
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        if code == Some(SKIPPED) {
            return Ok(Ended::Skipped);
        }
        if code == Some(124) && run.exit != 124 {
            return Ok(Ended::Differs(format!("does not end in {PATIENCE} seconds")));
        }
        if code != Some(run.exit) {
            let last = last_lines(&String::from_utf8_lossy(&printed), 3);
            return Ok(Ended::Differs(format!("ends with {code:?}, not {}: {last}", run.exit)));
        }
        let Some(reference) = &run.reference else { return Ok(Ended::Passed) };
        let check = directory.join(format!("{stem}.check-program-output"));
        if check.is_file() {
            let mut command = Command::new("sh");
            command.arg(&check).current_dir(directory).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
            of_hooks(&mut command);
            let status = command.stdout(Stdio::null()).status().map_err(|error| error.to_string())?;
            let said = last_lines(&String::from_utf8_lossy(&printed), 3);
            return Ok(if status.success() {
                Ended::Passed
            } else {
                Ended::Differs(format!("its own check fails: {said}"))
            });
        }
        // Without a file it is to print nothing.
        let expected = fs::read(directory.join(reference)).unwrap_or_default();
        Ok(self.compared(&printed, &expected))
    }

    fn compared(&self, printed: &[u8], expected: &[u8]) -> Ended {
        let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
            let windows = self.target.spec().os == Os::Windows;
            let text = bytes.split(|byte| *byte == b'\n');
            let line =
                |line: &[u8]| if windows { line.strip_suffix(b"\r").unwrap_or(line).to_vec() } else { line.to_vec() };
            let mut lines: Vec<Vec<u8>> = text.map(line).collect();
            // A newline at the end makes no difference.
            while lines.last().is_some_and(Vec::is_empty) {
                lines.pop();
            }
            lines
        };
        let (printed, expected) = (lines(printed), lines(expected));
        if printed == expected {
            return Ended::Passed;
        }
        let at = printed.iter().zip(&expected).take_while(|(one, other)| one == other).count();
        let show = |lines: &[Vec<u8>]| {
            lines.get(at).map_or_else(|| "nothing".to_owned(), |line| format!("`{}`", String::from_utf8_lossy(line)))
        };
        Ended::Differs(format!("line {}: {} instead of {}", at + 1, show(&printed), show(&expected)))
    }
}

/// Programs that a script of the test's starts by their name are started by the runner as well.
fn wrap_others(named: &Named, run: &Run, directory: &Path, with: &With) -> Result<(), String> {
    for step in &named.case.steps {
        let Step::Compile { program, .. } = step else { continue };
        let name = program.trim_start_matches("./");
        let (file, kept) = (directory.join(name), directory.join(format!("{name}.program")));
        if with.words.is_empty() || *program == run.program || !file.is_file() || kept.exists() {
            continue;
        }
        fs::rename(&file, &kept).map_err(|error| format!("{name}: {error}"))?;
        let text = format!("#!/bin/sh\nexec {} {} \"$@\"\n", with.words.join(" "), kept.display());
        fs::write(&file, text).map_err(|error| format!("{name}: {error}"))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&file, mode).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn first_lines(text: &str, number: usize) -> String {
    text.lines().take(number).collect::<Vec<_>>().join(" / ")
}

fn last_lines(text: &str, number: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(number)..).unwrap_or_default().join(" / ")
}
