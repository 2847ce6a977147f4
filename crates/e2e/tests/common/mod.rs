//! What tests of packages share: a repository made of `packages/`, packages of it installed from there, and what is told.
//!
//! Each package is a directory: `opam`, `files/` as in a repository, `extra/` with what is fetched besides, and the rest,
//! which becomes its archive. Not here: what is expected of them.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use action::digest::BlobDigest;
use testkit::{bactrian, checkout, command, output, shared};

pub(crate) const OCAML: &str = "5.3.0";
pub(crate) const NATIVE: &str = "x86_64-linux-musl";
pub(crate) const FOREIGN: &str = "aarch64-linux-musl";
const EMULATOR: &str = "qemu-aarch64";

/// What `bactrian install` delivered.
pub(crate) struct Installed {
    temp: tempfile::TempDir,
}

impl Installed {
    /// What was installed by the command of [`command_for`] that came with `temp`.
    pub(crate) fn at(temp: tempfile::TempDir) -> Self {
        Self { temp }
    }

    /// Where the files for `target` are.
    pub(crate) fn place(&self, target: &str) -> PathBuf {
        self.temp.path().join("out").join(target)
    }

    /// What the installed `program` of `target` says, which must end well; a foreign one runs under its emulator.
    pub(crate) fn run(&self, target: &str, program: &str, arguments: &[&str]) -> String {
        self.run_with(target, program, arguments, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn run_with(
        &self,
        target: &str,
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> String {
        let file = self.place(target).join("bin").join(program);
        let mut line = if target == NATIVE { Command::new(&file) } else { Command::new(EMULATOR) };
        if target != NATIVE {
            line.arg(&file);
        }
        line.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(self.temp.path());
        line.envs(variables.iter().copied()).args(arguments);
        output(&mut line).unwrap_or_else(|error| panic!("{error}"))
    }

    /// All files for `target`, relative and sorted, but for the receipt.
    pub(crate) fn files(&self, target: &str) -> Vec<String> {
        let place = self.place(target);
        let name = |file: PathBuf| file.strip_prefix(&place).unwrap().to_str().unwrap().to_owned();
        let mut all: Vec<String> = files(&place).into_iter().map(name).collect();
        all.retain(|file| !file.starts_with(".bactrian/"));
        all.sort();
        all
    }

    /// The contents of a file for `target`.
    pub(crate) fn file(&self, target: &str, path: &str) -> Vec<u8> {
        fs::read(self.place(target).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// Runs `line`, which must end with the exit code `code` and say all `words` on standard error.
pub(crate) fn told(line: &mut Command, code: i32, words: &[&str]) {
    let Output { status, stderr, .. } = line.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(code), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
}

/// Installs `packages` for both targets; without the corpus, nothing but a word about it.
pub(crate) fn install(packages: &[&str]) -> Option<Installed> {
    let (temp, mut line) = command_for(packages)?;
    output(&mut line).unwrap_or_else(|error| panic!("{error}"));
    Some(Installed { temp })
}

/// The command that installs `packages` for both targets, and the directory with all that belongs to it.
pub(crate) fn command_for(packages: &[&str]) -> Option<(tempfile::TempDir, Command)> {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there are no compilers and build tools of the opam world");
        return None;
    };
    let temp = tempfile::tempdir().unwrap();
    for package in fs::read_dir(checkout().join("crates/e2e/packages")).unwrap() {
        add_package(temp.path(), &package.unwrap().path());
    }
    let mut line = command(bactrian().unwrap());
    line.args(["install", "--ocaml", OCAML, "--target", &format!("{FOREIGN},{NATIVE}")]);
    line.arg("-o").arg(temp.path().join("out")).args(packages);
    line.arg("--repo").arg(temp.path().join("repo")).arg("--repo").arg(corpus.join("repo"));
    line.arg("--mirror").arg(corpus.join("archives"));
    Some((temp, line))
}

/// Adds the package in `from` to the repository in `temp`, and beside it what its file names as fetched.
fn add_package(temp: &Path, from: &Path) {
    let name = from.file_name().unwrap().to_str().unwrap();
    let to = temp.join("repo/packages").join(name).join(format!("{name}.1.0"));
    fs::create_dir_all(&to).unwrap();
    let mut opam = vec![fs::read_to_string(from.join("opam")).unwrap()];
    let (mut archive, mut extra_files) = (tar::Builder::new(Vec::new()), Vec::new());
    for file in files(from) {
        let path = file.strip_prefix(from).unwrap();
        let (bytes, shown) = (fs::read(&file).unwrap(), path.to_str().unwrap());
        if let Ok(extra) = path.strip_prefix("extra") {
            let source = fetched(temp, &format!("{name}-{}", BlobDigest::of(&bytes).hex()), &bytes);
            let extra_source = format!("extra-source {:?} {{ {source} }}\n", extra.to_str().unwrap());
            opam.push(extra_source);
        } else if let Ok(extra) = path.strip_prefix("files") {
            let place = to.join("files").join(extra);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, &bytes).unwrap();
            extra_files.push(format!("[{:?} \"sha256={}\"]", extra.to_str().unwrap(), BlobDigest::of(&bytes).hex()));
        } else {
            append(&mut archive, &format!("{name}-1.0/{shown}"), &file, &bytes);
        }
    }
    if !extra_files.is_empty() {
        opam.push(format!("extra-files: [{}]\n", extra_files.join(" ")));
    }
    // A package of nothing but its opam file has no archive.
    if files(from).len() > 1 {
        let source = fetched(temp, &format!("{name}-1.0.tar"), &archive.into_inner().unwrap());
        opam.push(format!("url {{ {source} }}\n"));
    }
    fs::write(to.join("opam"), opam.concat()).unwrap();
}

/// Puts `bytes` where they can be fetched; how an opam file says so.
fn fetched(temp: &Path, name: &str, bytes: &[u8]) -> String {
    let place = temp.join("fetched");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join(name), bytes).unwrap();
    let url = format!("file://{}", place.join(name).display());
    format!("src: {url:?} checksum: \"sha256={}\"", BlobDigest::of(bytes).hex())
}

/// The same entry on every machine and at any time.
fn append(archive: &mut tar::Builder<Vec<u8>>, path: &str, file: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    let executable = fs::metadata(file).unwrap().permissions().mode() & 0o100 != 0;
    let mut header = tar::Header::new_ustar();
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_mtime(1_000_000_000);
    header.set_size(u64::try_from(bytes.len()).unwrap());
    archive.append_data(&mut header, path, bytes).unwrap();
}

/// All files below `directory`, sorted.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}
