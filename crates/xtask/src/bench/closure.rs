//! The corpus's closure of packages for one further target, against `opam install` of the same packages on the same machine;
//! and the time of that build against what no order of work could beat.
//!
//! Before the clock starts, both have what is made once: ours the host's part, by a build for another target, and the
//! target's compilers; opam its compiler. C libraries are told by themselves, for opam takes the system's. All archives come
//! from the corpus. The store is the user's, which must not have the target's packages yet; it takes twenty minutes, or
//! forty with an empty one (`BACTRIAN_STORE`).

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use exec::process::cpu_time;
use testkit::{bactrian, command, output};

use super::JOBS;

const OCAML: &str = "5.3.0";
/// One that no test builds packages for; `BACTRIAN_TARGET` names another.
const TARGET: &str = "riscv64-linux-musl";
/// The target for which the host's part is made.
const FIRST: &str = "x86_64-linux-musl";
/// A package of one file: building it has compiler-libs made.
const ONE_FILE: [&str; 1] = ["seq"];
/// What opam's packages want of the system.
const LIBRARIES: [&str; 5] = ["gmp", "zlib", "libffi", "sqlite3", "openssl"];

pub(crate) fn run() -> Result<(), String> {
    let corpus = testkit::shared("corpus").ok_or("the corpus is not beside the checkout")?;
    for library in LIBRARIES {
        let asked = command("pkg-config").args(["--exists", library]).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Err(format!("opam's build wants {library} of the system: install its -dev package"));
        }
    }
    let roots = fs::read_to_string(corpus.join("ci-roots.txt")).map_err(|error| error.to_string())?;
    let roots: Vec<&str> = roots.split_whitespace().collect();
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let target = std::env::var("BACTRIAN_TARGET").unwrap_or_else(|_| TARGET.to_owned());
    let closure = fs::read_to_string(corpus.join("ci-closure.txt")).map_err(|error| error.to_string())?;
    let system = closure.split_whitespace().filter(|name| name.starts_with("conf-")).chain(ONE_FILE);
    let ours = ours(temp.path(), &corpus, (&system.collect::<Vec<_>>(), &roots, &target))?;
    let (packages, wall, before) = (ours.packages, ours.wall.as_secs_f64(), ours.before.as_secs_f64());
    println!(
        "closure: {packages} packages for {target} in {wall:.1} s; C libraries and compiler-libs before them {before:.1} s"
    );
    let bound = ours.longest.max(ours.cpu / JOBS.parse::<u32>().unwrap_or(1));
    println!(
        "closure: longest way {:.1} s, processors {:.1} s / {JOBS}: {:.2} of the bound",
        ours.longest.as_secs_f64(),
        ours.cpu.as_secs_f64(),
        ours.wall.as_secs_f64() / bound.as_secs_f64()
    );
    let theirs = opam(temp.path(), &corpus, &roots)?;
    println!(
        "closure: opam install {:.1} s; ours is {:.2} of it, {:.2} with the C libraries",
        theirs.as_secs_f64(),
        wall / theirs.as_secs_f64(),
        (wall + before) / theirs.as_secs_f64()
    );
    Ok(())
}

struct Ours {
    /// How long C libraries took, and what of the compiler only packages want.
    before: Duration,
    packages: usize,
    wall: Duration,
    cpu: Duration,
    longest: Duration,
}

fn ours(temp: &Path, corpus: &Path, (system, roots, target): (&[&str], &[&str], &str)) -> Result<Ours, String> {
    let line = |words: &[&str]| -> Result<Command, String> {
        let mut line = command(bactrian()?);
        line.args(words).args(["--ocaml", OCAML, "-j", JOBS]);
        line.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
        Ok(line)
    };
    let out = temp.join("out");
    output(line(&["install", "--target", FIRST])?.arg("-o").arg(&out).args(roots))?;
    output(&mut line(&["toolchain", "build", "--target", target])?)?;
    let begun = Instant::now();
    output(line(&["install", "--target", target])?.arg("-o").arg(&out).args(system))?;
    let preparation = begun.elapsed();
    let timings = temp.join("timings");
    let mut further = line(&["install", "--target", target, "--message-format", "json"])?;
    further.arg(format!("--timings={}", timings.display())).arg("-o").arg(&out).args(roots);
    let (begun, before) = (Instant::now(), cpu_time().unwrap_or_default());
    let printed = output(&mut further)?;
    let (wall, cpu) = (begun.elapsed(), cpu_time().unwrap_or_default().saturating_sub(before));
    let made: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains("\"reason\":\"finished\"") && line.contains("\"end\":\"made\""))
        .filter(|line| line.contains("\"kind\":\"run\""))
        .collect();
    if let Some(again) = made.iter().find(|line| line.contains("for this machine")) {
        return Err(format!("something of the host was made again: {again}"));
    }
    // The store knows them already if few were made: then nothing was measured.
    if made.len() < roots.len() {
        return Err(format!("the store has packages for {target} already: name an empty one with BACTRIAN_STORE"));
    }
    Ok(Ours { before: preparation, packages: made.len(), wall, cpu, longest: longest(&timings)? })
}

/// The critical path of the one trace in `directory`.
fn longest(directory: &Path) -> Result<Duration, String> {
    let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
    let traces = entries.filter_map(Result::ok).map(|entry| entry.path());
    let trace = traces.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json"));
    let text = fs::read_to_string(trace.ok_or("no trace was written")?).map_err(|error| error.to_string())?;
    let (_, rest) = text.split_once("\"critical path\": ").ok_or("the trace does not tell its critical path")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map(Duration::from_micros).map_err(|error| format!("{digits}: {error}"))
}

/// How long opam takes for the same packages, once it has its compiler.
fn opam(temp: &Path, corpus: &Path, roots: &[&str]) -> Result<Duration, String> {
    let opam = |words: &[&str]| {
        let mut line = command("opam");
        line.env("OPAMROOT", temp.join("opam")).env("OPAMCOLOR", "never").env("OPAMYES", "1").env("OPAMJOBS", JOBS);
        line.env("OPAMROOTISOK", "1").env("OPAMNODEPEXTS", "1").args(words);
        line
    };
    let repository = temp.join("repo");
    testkit::copy_tree(&corpus.join("repo"), &repository).map_err(|error| error.to_string())?;
    declare_all(&repository)?;
    let repository = repository.display().to_string();
    output(&mut opam(&["init", "--bare", "--disable-sandboxing", "--no-setup", "-k", "local", "corpus", &repository]))?;
    // The corpus is in the layout of opam's own cache.
    let (archives, cache) = (corpus.join("archives/sha256"), temp.join("opam/download-cache/sha256"));
    testkit::copy_tree(&archives, &cache).map_err(|error| error.to_string())?;
    output(&mut opam(&["switch", "create", "native", &format!("ocaml-base-compiler.{OCAML}")]))?;
    let begun = Instant::now();
    output(opam(&["install", "--switch", "native"]).args(roots))?;
    Ok(begun.elapsed())
}

/// Says what the corpus's ppxlib leaves out: it uses stdlib-shims, which must be there first. Ours has that in a table.
fn declare_all(repository: &Path) -> Result<(), String> {
    let versions = fs::read_dir(repository.join("packages/ppxlib")).map_err(|error| error.to_string())?;
    for version in versions.filter_map(Result::ok) {
        let file = version.path().join("opam");
        let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let text = text.replacen("depends: [", "depends: [\"stdlib-shims\" ", 1);
        fs::write(&file, text).map_err(|error| error.to_string())?;
    }
    Ok(())
}
