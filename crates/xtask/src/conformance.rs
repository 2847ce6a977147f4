//! Conformance: OCaml's own tests, compiled for each target and run by its runner, compared with their reference files.
//!
//! `cargo xtask conformance [--target T,…] [--ocaml V] [--only DIR] [--bactrian FILE] [--write]`: every target that can be run here unless told
//! otherwise. Ends with an error if anything differs that `data/conformance.tsv` does not explain. `--write` writes the
//! table into the docs. Not here: what compilers say of wrong programs, bytecode, the toplevel: that is the host's.

mod case;
mod compare;
mod explain;
mod report;
mod suite;
mod tsl;

use std::path::{Path, PathBuf};

use plan::ocaml::Release;
use plan::target::{Abi, Machine, OcamlVersion, Runner, Target};

use suite::Suite;

/// The directories of tests that are run: those of issue 4.
const DIRECTORIES: &[&str] =
    &["basic*", "lib-*", "misc*", "float-unboxing", "effects", "parallel", "weak-ephe-final", "unicode"];

/// What is asked for.
struct Asked {
    targets: Vec<Target>,
    /// Those that could be run if the machine had their C library.
    lacking: Vec<Target>,
    ocaml: Option<Release>,
    directories: Vec<String>,
    bactrian: PathBuf,
    write: bool,
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let asked = asked(arguments)?;
    let mut reports = Vec::new();
    for target in &asked.targets {
        let release = asked.ocaml.map_or_else(|| newest(*target), Ok)?;
        println!("conformance: OCaml {release} for {target}");
        let suite = Suite::open(release, &asked.directories)?;
        let report = report::of(&suite, *target, &asked.bactrian)?;
        println!("{}", report.summary());
        reports.push(report);
    }
    let shown = report::show_emulators(&reports, &asked)?;
    let page = report::page(&reports, &shown, &asked.lacking);
    println!("{page}");
    if asked.write {
        let path = testkit::checkout().join("docs/reference/conformance.md");
        std::fs::write(&path, &page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let unexplained: usize = reports.iter().map(report::Report::unexplained).sum();
    let refuted: Vec<String> = shown.iter().filter_map(report::Shown::refuted).collect();
    match (unexplained, refuted.as_slice()) {
        (0, []) => Ok(()),
        (0, refuted) => Err(refuted.join("; ")),
        (number, _) => Err(format!("{number} tests differ, and nothing explains it")),
    }
}

fn asked(arguments: &[&str]) -> Result<Asked, String> {
    let (mut targets, mut directories, mut ocaml, mut bactrian, mut write) =
        (Vec::new(), Vec::new(), None, None, false);
    let mut lacking = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| format!("{word} wants a value"));
        match *word {
            "--target" => {
                for name in value()?.split(',') {
                    targets.push(name.parse::<Target>().map_err(|error| error.to_string())?);
                }
            }
            "--ocaml" => ocaml = Some(value()?.parse::<Release>().map_err(|error| error.to_string())?),
            "--only" => directories.push(value()?.to_owned()),
            "--bactrian" => bactrian = Some(PathBuf::from(value()?)),
            "--write" => write = true,
            other => return Err(format!("conformance knows no `{other}`")),
        }
    }
    if targets.is_empty() {
        let runnable = |target: &Target| newest(*target).is_ok() && target.runner_on(here()) != Runner::None;
        (targets, lacking) = Target::all().filter(runnable).partition(|target| has_libraries(*target));
    }
    if directories.is_empty() {
        directories = DIRECTORIES.iter().map(|name| (*name).to_owned()).collect();
    }
    let bactrian = bactrian.map_or_else(testkit::bactrian, Ok)?;
    Ok(Asked { targets, lacking, ocaml, directories, bactrian, write })
}

/// Whether the machine has what dynamic programs of a target need under an emulator.
fn has_libraries(target: Target) -> bool {
    let spec = target.spec();
    let is_foreign = spec.abi == Abi::Gnu && target.runner_on(here()) != Runner::Native;
    let loader = spec.loader.filter(|_| is_foreign).map(|loader| loader.path.trim_start_matches('/'));
    loader.is_none_or(|loader| Path::new("/usr").join(spec.gnu_triple).join(loader).exists())
}

/// The newest release that compiles to native code for a target.
fn newest(target: Target) -> Result<Release, String> {
    let version = |release: &Release| release.version().parse::<OcamlVersion>().ok();
    let native = |release: &Release| version(release).is_some_and(|version| target.has_native_ocaml(version));
    let default = Some(Release::default()).filter(&native);
    default
        .or_else(|| Release::ALL.into_iter().rev().find(native))
        .ok_or_else(|| format!("no OCaml that can be built compiles to native code for {target}"))
}

fn here() -> Machine {
    Machine::of_rust(std::env::consts::ARCH, std::env::consts::OS)
}
