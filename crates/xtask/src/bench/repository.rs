//! Repositories of the public one's size: loading one and choosing a closure of packages in it, against the real `opam`.
//!
//! The repository is made of the corpus: each package under several names, which need each other under the same names, and
//! in several versions. Both programs choose the same package from the same files; opam has had its own cache made by `opam
//! init`, as on a user's machine, and is asked with `--dry-run`. What is timed is the whole process.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{bactrian, command, output};

use super::{TARGET, median, timed, with_peak};

/// About what the public repository has.
const FILES: usize = 19_000;
/// Versions of each package; the public repository has a little more than four.
const VERSIONS: usize = 4;
/// What is chosen: packages with some sixty others behind them.
const ROOTS: [&str; 5] = ["ppx_expect", "ppx_cstruct", "opam-state", "lwt_ssl", "cryptokit"];
const COMPILER: &str = "5.3.0";
const RUNS: usize = 9;
const OPAM_RUNS: usize = 3;
/// Packages that stand for the compiler and what comes with it: there is one of each.
const SINGLE: [&str; 5] = ["ocaml", "ocaml-base-compiler", "ocaml-config", "ocaml-options-vanilla", "base-"];

pub(crate) fn run() -> Result<(), String> {
    let corpus = testkit::shared("corpus/repo").ok_or("the corpus is not beside the checkout")?;
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let repository = temp.path().join("repository");
    let files = plant(&corpus, &repository)?;
    let store = temp.path().join("store");
    // The builder's own blob, and the directories of a store.
    output(&mut tree(&corpus, &store, &["fmt"])?)?;
    let tree = || tree(&repository, &store, &ROOTS);
    settle(&repository)?;
    let (without, printed) = without_index(&tree, &repository)?;
    touch(&repository)?;
    let (again, peak_without) = with_peak(&mut tree()?)?;
    let closure = names(&printed);
    if printed != again {
        return Err("the choice is not always the same".to_owned());
    }
    let (_, peak_with) = with_peak(&mut tree()?)?;
    let with = (0..RUNS).map(|_| timed(&mut tree()?)).collect::<Result<Vec<_>, _>>()?;
    let with = median(with);
    println!("repository: {files} opam files, a closure of {} packages", closure.len());
    println!(
        "repository: bactrian tree {:.0} ms without an index, {:.0} ms with one; peak {} and {} MiB",
        without * 1e3,
        with * 1e3,
        peak_without >> 20,
        peak_with >> 20
    );
    let theirs = opam(temp.path(), &repository)?;
    println!("repository: opam install --dry-run {theirs:.2} s");
    println!("repository: opam takes {:.1} and {:.1} times as long", theirs / without, theirs / with);
    Ok(())
}

fn tree(repository: &Path, store: &Path, packages: &[&str]) -> Result<Command, String> {
    let mut line = command(bactrian()?);
    line.args(["tree", "--target", TARGET, "--ocaml", COMPILER, "--store"]).arg(store);
    line.arg("--repo").arg(repository);
    for package in packages {
        line.args(["--package", package]);
    }
    Ok(line)
}

/// Several runs, each of which finds that the repository has changed; the median, and what one printed.
fn without_index(tree: &impl Fn() -> Result<Command, String>, repository: &Path) -> Result<(f64, String), String> {
    let mut times = Vec::new();
    let mut printed = String::new();
    for _ in 0..3 {
        touch(repository)?;
        let begun = Instant::now();
        printed = output(&mut tree()?)?;
        times.push(begun.elapsed());
    }
    Ok((median(times), printed))
}

/// Changes the repository, but in nothing that matters, and as if long ago: the index is then made, and kept.
fn touch(repository: &Path) -> Result<(), String> {
    let packages = repository.join("packages");
    let file = fs::File::open(&packages).map_err(|error| error.to_string())?;
    let before = file.metadata().and_then(|is| is.modified()).map_err(|error| error.to_string())?;
    file.set_modified(before - Duration::from_secs(1)).map_err(|error| error.to_string())
}

/// Waits until the repository's files are old enough for an index to be trusted.
fn settle(repository: &Path) -> Result<(), String> {
    std::thread::sleep(Duration::from_millis(2500));
    output(command("sync").arg("-f").arg(repository)).map(drop)
}

fn names(printed: &str) -> BTreeSet<&str> {
    printed.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// Makes the repository; returns how many opam files it has.
fn plant(corpus: &Path, repository: &Path) -> Result<usize, String> {
    let packages = read(&corpus.join("packages"))?;
    let single = |name: &str| SINGLE.iter().any(|one| name == *one || one.ends_with('-') && name.starts_with(one));
    let renamed: BTreeSet<&str> = packages.iter().map(|one| one.name.as_str()).filter(|name| !single(name)).collect();
    let mut count = 0;
    let mut write = |name: &str, version: &str, text: &str| {
        let directory = repository.join(format!("packages/{name}/{name}.{version}"));
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(directory.join("opam"), text))
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        count += 1;
        Ok::<_, String>(count)
    };
    for package in packages.iter().filter(|package| single(&package.name)) {
        write(&package.name, &package.version, &package.text)?;
    }
    'enough: for copy in 0.. {
        let suffix = if copy == 0 { String::new() } else { format!("-copy{copy}") };
        for package in packages.iter().filter(|package| !single(&package.name)) {
            let text = rename(&package.text, &renamed, &suffix);
            for number in 0..VERSIONS {
                // `~` comes before nothing: these are older.
                let version = if number == 0 { String::new() } else { format!("~{number}") };
                let written =
                    write(&format!("{}{suffix}", package.name), &format!("{}{version}", package.version), &text)?;
                if written >= FILES && copy > 0 {
                    break 'enough;
                }
            }
        }
    }
    let about = fs::write(repository.join("repo"), "opam-version: \"2.0\"\n");
    about.map_err(|error| error.to_string())?;
    Ok(count)
}

struct Package {
    name: String,
    version: String,
    text: String,
}

fn read(packages: &Path) -> Result<Vec<Package>, String> {
    let mut found = Vec::new();
    for version in walkdir::WalkDir::new(packages).min_depth(2).max_depth(2).sort_by_file_name() {
        let version = version.map_err(|error| error.to_string())?;
        let directory = version.file_name().to_string_lossy().into_owned();
        let (name, number) = directory.split_once('.').ok_or_else(|| format!("{directory} is no package"))?;
        let path = version.path().join("opam");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        found.push(Package { name: name.to_owned(), version: number.to_owned(), text });
    }
    Ok(found)
}

/// The text with every string that is the name of a renamed package under its new name.
fn rename(text: &str, renamed: &BTreeSet<&str>, suffix: &str) -> String {
    let mut parts = text.split('"');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('"');
        out.push_str(part);
        if renamed.contains(part) {
            out.push_str(suffix);
        }
    }
    out
}

/// How long opam takes for the same, in a private root.
fn opam(temp: &Path, repository: &Path) -> Result<f64, String> {
    let root: PathBuf = temp.join("opam");
    let opam = |arguments: &[&str]| {
        let mut line = command("opam");
        line.env("OPAMROOT", &root).env("OPAMCOLOR", "never").env("OPAMYES", "1").env("OPAMNODEPEXTS", "1");
        line.env("OPAMROOTISOK", "1").args(arguments);
        line
    };
    let repository = repository.to_string_lossy();
    let init = ["init", "--bare", "--disable-sandboxing", "--no-setup", "-k", "local", "bench", &repository];
    output(&mut opam(&init))?;
    output(&mut opam(&["switch", "create", "bench", "--empty"]))?;
    let compiler = format!("ocaml-base-compiler.{COMPILER}");
    let arguments = [&["install", "--dry-run", "--switch", "bench", &compiler][..], &ROOTS].concat();
    let install = || opam(&arguments);
    // Once for nothing: then its caches are warm, as ours are.
    output(&mut install())?;
    (0..OPAM_RUNS).map(|_| timed(&mut install())).collect::<Result<Vec<_>, _>>().map(median)
}
