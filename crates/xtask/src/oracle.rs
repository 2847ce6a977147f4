//! Is `solve` right? Every package of the corpus at every compiler of it, decided by us and by the real `opam`.
//!
//! `opam` (from the distribution) works in a private root on the corpus as its only repository and installs nothing. It is
//! asked twice: whether the package can be had at all, and whether our choice of versions is one it accepts as it is.
//! Not here: which solution is the better one; opam has other preferences.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use opam::formula::{Formula, VersionBound};
use opam::name::PackageName;
use opam::syntax::RelOp;
use opam::universe::{Universe, UniverseBuilder};
use opam::version::Version;
use solve::request::{Environment, Request, Root, Worlds};
use solve::tools::Tools;
use solve::{Failure, solve};

const COMPILERS: [&str; 3] = ["5.3.0", "5.4.1", "4.14.1"];

pub(crate) fn run() -> Result<(), String> {
    let repository = testkit::shared("corpus/repo").ok_or("the corpus is not beside the checkout")?;
    let universe = read(&repository.join("packages"))?;
    let root = tempfile::tempdir().map_err(|error| error.to_string())?;
    let oracle = Oracle { root: root.path().join("opam"), host: host() };
    oracle.init(&repository)?;
    let mut disagreements = 0;
    for ocaml in COMPILERS {
        let (mut yes, mut no) = (0, 0);
        for entry in universe.entries() {
            let package = format!("{}.{}", entry.name(), entry.version());
            match oracle.compare(&universe, &package, ocaml) {
                Ok(true) => yes += 1,
                Ok(false) => no += 1,
                Err(why) => {
                    disagreements += 1;
                    println!("{ocaml} {package}: {why}");
                }
            }
        }
        println!("{ocaml}: both say yes to {yes} packages and no to {no}");
    }
    if disagreements == 0 { Ok(()) } else { Err(format!("{disagreements} disagreements")) }
}

/// The repository whose packages are in this directory.
fn read(packages: &Path) -> Result<Universe, String> {
    let mut builder = UniverseBuilder::new();
    for version in walkdir::WalkDir::new(packages).min_depth(2).max_depth(2) {
        let version = version.map_err(|error| error.to_string())?;
        let directory = version.file_name().to_string_lossy().into_owned();
        let (name, number) = directory.split_once('.').ok_or_else(|| format!("{directory} is no package"))?;
        let path = version.path().join("opam");
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = PackageName::new(name).map_err(|error| error.to_string())?;
        builder.add(0, name, Version::new(number).map_err(|error| error.to_string())?, &text, &[]);
    }
    Ok(builder.build())
}

struct Oracle {
    root: PathBuf,
    host: Environment,
}

impl Oracle {
    fn opam(&self, arguments: &[&str]) -> Command {
        let mut command = testkit::command("opam");
        command.env("OPAMROOT", &self.root).env("OPAMCOLOR", "never").env("OPAMYES", "1").env("OPAMNODEPEXTS", "1");
        command.env("OPAMROOTISOK", "1").args(arguments);
        command
    }

    fn init(&self, repository: &Path) -> Result<(), String> {
        let repository = repository.to_string_lossy();
        let init = ["init", "--bare", "--disable-sandboxing", "--no-setup", "-k", "local", "corpus", &repository];
        testkit::output(&mut self.opam(&init))?;
        testkit::output(&mut self.opam(&["switch", "create", "oracle", "--empty"])).map(drop)
    }

    /// What opam would install for these, or what it says against it.
    fn install(&self, packages: &[String]) -> Result<BTreeSet<String>, String> {
        let mut arguments = vec!["install", "--dry-run", "--switch", "oracle"];
        arguments.extend(packages.iter().map(String::as_str));
        let output = self.opam(&arguments).output().map_err(|error| format!("opam: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0) => Ok(text
                .lines()
                .filter_map(|line| line.split_once(" installed "))
                .map(|(_, it)| it.to_owned())
                .collect()),
            // "There is no solution": all else is trouble of its own.
            Some(20) => Err(String::from_utf8_lossy(&output.stderr).into_owned() + &text),
            code => Err(format!("opam ended with {code:?}: {text}{}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// Whether the package can be had, if we agree about it.
    fn compare(&self, universe: &Universe, package: &str, ocaml: &str) -> Result<bool, String> {
        let compiler = format!("ocaml-base-compiler.{ocaml}");
        let theirs = self.install(&[package.to_owned(), compiler]);
        match (solve(universe, &Tools::standard(), &self.request(package, ocaml)?), theirs) {
            (Err(Failure::NoSolution(_)), Err(_)) => Ok(false),
            (Err(Failure::NoSolution(explanation)), Ok(_)) => {
                Err(format!("opam has a solution, we say {explanation:?}"))
            }
            (Err(failure @ Failure::Cycle(_)), _) => Err(failure.to_string()),
            (Ok(_), Err(text)) => Err(format!("we have a solution, opam says {text}")),
            (Ok(solution), Ok(_)) => {
                let nodes = solution.nodes.iter();
                let ours: BTreeSet<String> =
                    nodes.map(|(key, node)| format!("{}.{}", key.name, node.version)).collect();
                let accepted = self.install(&ours.iter().cloned().collect::<Vec<_>>());
                let accepted = accepted.map_err(|text| format!("opam does not accept {ours:?}: {text}"))?;
                let differences: Vec<_> = accepted.symmetric_difference(&ours).collect();
                if differences.is_empty() { Ok(true) } else { Err(format!("one of us installs {differences:?} too")) }
            }
        }
    }

    fn request(&self, package: &str, ocaml: &str) -> Result<Request, String> {
        let (name, number) = package.split_once('.').ok_or("no version")?;
        let version = |text| Version::new(text).map_err(|error| error.to_string());
        let (name, number) = (PackageName::new(name).map_err(|error| error.to_string())?, version(number)?);
        let versions = Formula::Atom(VersionBound { operator: RelOp::Eq, version: number });
        Ok(Request {
            roots: vec![Root { name, versions }],
            project: Vec::new(),
            worlds: Worlds { host: self.host.clone(), targets: vec![("same".to_owned(), self.host.clone())] },
            ocaml: version(ocaml)?,
            with_test: false,
            preferences: Vec::new(),
            favoured: BTreeMap::new(),
            excluded: Vec::new(),
        })
    }
}

/// This machine, as opam sees it.
fn host() -> Environment {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let distribution = field("ID");
    let family = field("ID_LIKE").split(' ').next().filter(|like| !like.is_empty()).unwrap_or(&distribution).to_owned();
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { std::env::consts::ARCH };
    Environment::new([
        ("arch", arch),
        ("os", "linux"),
        ("os-distribution", &distribution),
        ("os-family", &family),
        ("os-version", &field("VERSION_ID")),
    ])
}
