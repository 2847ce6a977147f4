//! Small machines made of a directory each, and this one.

mod elf_file;
mod fake_machine;
mod memory;
mod parts;
mod real_machine;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use action::graph::{Base, Tool};
use tempfile::TempDir;

use super::survey::survey_below;
use super::{CaptureError, Item, Survey};
use elf_file::Elf;

/// A machine's root directory.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, path: &str, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    fn program(&self, path: &str, contents: impl AsRef<[u8]>) -> &Self {
        self.file(path, contents);
        fs::set_permissions(self.root().join(path), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn link(&self, path: &str, target: &str) -> &Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    /// A machine laid out as Debian is, with a C library and a shell.
    fn debian() -> Self {
        let machine = Self::new();
        machine
            .link("bin", "usr/bin")
            .link("lib", "usr/lib")
            .link("lib64", "usr/lib64")
            .link("usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
            .program("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", Elf::library(&[]))
            .file("usr/lib/x86_64-linux-gnu/libc.so.6", Elf::library(&["ld-linux-x86-64.so.2"]))
            .program("usr/bin/dash", Elf::program(DEBIAN_LOADER, &["libc.so.6"]))
            .link("usr/bin/sh", "dash");
        machine
    }

    fn survey(&self, base: &Base, search: &str) -> Result<Survey, CaptureError> {
        survey_below(self.root(), base, search.as_ref())
    }

    /// The image as lines, without what every image has: `path = file`, `path* = file` if it may be executed,
    /// `path -> target`.
    fn image(&self, base: &Base, search: &str) -> Vec<String> {
        let survey = self.survey(base, search).unwrap();
        let mut lines = Vec::new();
        for (path, item) in survey.items() {
            match item {
                Item::File { from, executable } => {
                    let from = from.strip_prefix(self.root()).unwrap().display();
                    lines.push(format!("{path}{} = {from}", if *executable { "*" } else { "" }));
                }
                Item::Link(target) => lines.push(format!("{path} -> {}", target.as_str())),
                Item::Text(_) => assert!(["etc/passwd", "etc/group"].contains(&path.as_str())),
                Item::Directory => assert_eq!(path.as_str(), "tmp"),
            }
        }
        lines
    }
}

const DEBIAN_LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

fn tool(names: &str) -> Tool {
    Tool { names: names.split(',').map(str::to_owned).collect(), required: true, package: format!("{names}-package") }
}

fn tools(names: &[&str]) -> Base {
    Base { tools: names.iter().map(|names| tool(names)).collect(), ..Base::default() }
}
