//! The whole corpus: every package of its lists, for targets, each told by itself.
//!
//! `cargo xtask corpus [nightly] [--target T,…] [--ocaml V] [--write]`. Every package of a list is asked for alone, so that one
//! that cannot be built says so and hides no other; what it shares with others is built once all the same. `--write` puts what
//! came of it into the docs. Not here: whether what was built works (`crates/e2e/tests/corpus.rs`).

mod page;

use std::path::{Path, PathBuf};
use std::time::Instant;

use plan::ocaml::Release;
use plan::target::{OcamlVersion, Target};
use testkit::{bactrian, checkout, command, shared};

use page::{Page, Row};

/// The OCaml of the corpus's lists, for targets that it serves.
const OCAML: &str = "5.3.0";
/// That of targets of 32 bits.
const OLD: &str = "4.14.1";
const TARGETS: &str = "aarch64-linux-musl,x86_64-linux-musl";

/// What is asked for.
struct Asked {
    list: &'static str,
    targets: Vec<Target>,
    ocaml: Option<String>,
    write: bool,
}

/// What became of a package.
enum End {
    Built,
    /// No version of it fits what is asked for, or the table of quirks knows that it cannot be built; why.
    Impossible(String),
    /// It should have been built.
    Failed(String),
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let asked = asked(arguments)?;
    let corpus = shared("corpus").ok_or("there is no ../shared/corpus")?;
    let file = corpus.join(asked.list);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let packages: Vec<&str> = text.split_whitespace().collect();
    let mut failed = Vec::new();
    for target in &asked.targets {
        let ocaml = asked.ocaml.clone().unwrap_or_else(|| ocaml_for(*target).to_owned());
        let row = one_by_one(&corpus, &packages, &Way { target: *target, ocaml: &ocaml })?;
        println!("{row}");
        failed.extend(row.failed.iter().map(|(package, _)| format!("{package} for {target}")));
        // At once: what comes after it may take an hour.
        if asked.write {
            write(&row)?;
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not built: {}", failed.join(", "))) }
}

fn asked(arguments: &[&str]) -> Result<Asked, String> {
    let mut asked = Asked { list: "ci-roots.txt", targets: Vec::new(), ocaml: None, write: false };
    let mut targets = TARGETS;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| format!("{word} wants a value"));
        match *word {
            "nightly" => (asked.list, targets) = ("nightly-closure.txt", "aarch64-linux-musl"),
            "--target" => targets = value()?,
            "--ocaml" => asked.ocaml = Some(value()?.to_owned()),
            "--write" => asked.write = true,
            other => return Err(format!("corpus knows no `{other}`")),
        }
    }
    if asked.write && asked.list != "ci-roots.txt" {
        return Err("the docs tell of the shorter list: leave out `nightly` or `--write`".to_owned());
    }
    let parsed = targets.split(',').map(|name| name.parse().map_err(|error| format!("{name}: {error}")));
    asked.targets = parsed.collect::<Result<_, String>>()?;
    Ok(asked)
}

/// The OCaml for a target.
fn ocaml_for(target: Target) -> &'static str {
    let serves = |text: &str| text.parse::<OcamlVersion>().is_ok_and(|version| target.has_native_ocaml(version));
    let known = Release::ALL.iter().any(|release| release.version() == OCAML);
    if known && serves(OCAML) { OCAML } else { OLD }
}

/// What packages are built for, and with what.
struct Way<'w> {
    target: Target,
    ocaml: &'w str,
}

fn one_by_one(corpus: &Path, packages: &[&str], way: &Way<'_>) -> Result<Row, String> {
    let mut row =
        Row { target: way.target.to_string(), ocaml: way.ocaml.to_owned(), asked: packages.len(), ..Row::default() };
    for package in packages {
        let begun = Instant::now();
        let end = install(corpus, package, way)?;
        let seconds = begun.elapsed().as_secs_f64();
        match end {
            End::Built => {
                println!("{package}: {seconds:.1} s");
                row.built += 1;
            }
            End::Impossible(why) => {
                println!("{package}: not possible: {why}");
                row.impossible.push(((*package).to_owned(), why));
            }
            End::Failed(why) => {
                println!("{package}: FAILED\n{}", last_lines(&why));
                row.failed.push(((*package).to_owned(), String::new()));
            }
        }
    }
    Ok(row)
}

fn install(corpus: &Path, package: &str, way: &Way<'_>) -> Result<End, String> {
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut line = command(bactrian()?);
    line.args(["install", package, "--ocaml", way.ocaml, "--target", &way.target.to_string(), "-o"]).arg(temp.path());
    line.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
    let ended = line.output().map_err(|error| format!("{line:?}: {error}"))?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    // Exit codes: docs/reference/exit-codes.md.
    Ok(match ended.status.code() {
        Some(0) => End::Built,
        Some(3) => End::Impossible(reason(&told)),
        _ => End::Failed(told),
    })
}

/// Why there is no solution, in one line of those that were told: what the compiler would have to be.
fn reason(told: &str) -> String {
    let lines = || told.lines().map(str::trim);
    let of_ocaml = lines().rfind(|line| line.contains(" requires ocaml ") && !line.contains("on this machine"));
    let cause = || lines().find_map(|line| line.strip_prefix("caused by: "));
    of_ocaml.or_else(cause).or_else(|| lines().next()).unwrap_or("no reason was told").to_owned()
}

fn write(row: &Row) -> Result<(), String> {
    let path: PathBuf = checkout().join("docs/reference/corpus.md");
    let mut page = Page::parse(&std::fs::read_to_string(&path).unwrap_or_default());
    page.insert(row);
    std::fs::write(&path, page.to_string()).map_err(|error| format!("{}: {error}", path.display()))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('[')).collect();
    lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_the_compiler_would_have_to_be() {
        let told = "error: no choice of package versions is possible\n  caused by: the compiler must be ocaml-base-compiler = 4.14.1\n\
                    \x20     you asked for ppxlib\n        ocaml-base-compiler 4.14.1 (on this machine) requires ocaml = 4.14.1\n\
                    \x20           ocaml-compiler-libs v0.17.0 requires ocaml >= 5.2.0\n              ocaml 5.4.1 does not fit\n";
        assert_eq!(reason(told), "ocaml-compiler-libs v0.17.0 requires ocaml >= 5.2.0");
        assert_eq!(reason("error: a\n  caused by: b\n"), "b");
        assert_eq!(reason("error: a\n"), "error: a");
    }

    #[test]
    fn a_target_has_the_ocaml_that_serves_it() {
        let of = |name: &str| ocaml_for(name.parse().unwrap());
        assert_eq!([of("s390x-linux-musl"), of("armv7-linux-musleabihf")], [OCAML, OLD]);
    }
}
