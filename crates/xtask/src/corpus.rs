//! The whole corpus: every package of its lists, for two targets or one, each told by itself.
//!
//! Not here: whether what was built works (`crates/e2e/tests/corpus.rs`).

use std::path::Path;
use std::time::Instant;

use testkit::{bactrian, command, output, shared};

const OCAML: &str = "5.3.0";

/// Arguments: `nightly` for the larger list.
pub(crate) fn run(names: &[&str]) -> Result<(), String> {
    let corpus = shared("corpus").ok_or("there is no ../shared/corpus")?;
    if !names.contains(&"nightly") {
        return all_at_once(&corpus, "ci-roots.txt", "aarch64-linux-musl,x86_64-linux-musl");
    }
    one_by_one(&corpus, "nightly-closure.txt", "aarch64-linux-musl")
}

fn list(corpus: &Path, name: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(corpus.join(name)).map_err(|error| format!("{name}: {error}"))?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

fn install(corpus: &Path, packages: &[String], targets: &str) -> Result<String, String> {
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut line = command(bactrian()?);
    line.args(["install", "--ocaml", OCAML, "--target", targets, "-o"]).arg(temp.path());
    line.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
    output(line.args(packages))
}

fn all_at_once(corpus: &Path, name: &str, targets: &str) -> Result<(), String> {
    let packages = list(corpus, name)?;
    let begun = Instant::now();
    install(corpus, &packages, targets)?;
    println!("{} packages for {targets}: {:.1} s", packages.len(), begun.elapsed().as_secs_f64());
    Ok(())
}

fn one_by_one(corpus: &Path, name: &str, target: &str) -> Result<(), String> {
    let packages = list(corpus, name)?;
    let mut failed = Vec::new();
    for package in &packages {
        let begun = Instant::now();
        match install(corpus, std::slice::from_ref(package), target) {
            Ok(_) => println!("{package}: {:.1} s", begun.elapsed().as_secs_f64()),
            Err(why) => {
                println!("{package}: FAILED\n{}", last_lines(&why));
                failed.push(package.as_str());
            }
        }
    }
    println!("{} of {} packages for {target}", packages.len() - failed.len(), packages.len());
    if failed.is_empty() { Ok(()) } else { Err(format!("not built: {}", failed.join(" "))) }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('[')).collect();
    lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
}
