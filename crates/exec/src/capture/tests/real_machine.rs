//! The machine the tests run on: an image of it works with nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use action::graph::Base;
use tempfile::TempDir;

use super::{Elf, Machine, tools};
use crate::capture::{Survey, survey};

/// Runs a program with `root` as its root directory; nothing if this machine does not let us.
fn inside(root: &Path, arguments: &[&str]) -> Option<Output> {
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(["--user", "--map-root-user"]);
        command.args(arguments).output().ok()
    };
    unshare(&["true"]).filter(|probe| probe.status.success())?;
    let root = format!("--root={}", root.display());
    unshare(&[&[root.as_str(), "--"], arguments].concat())
}

fn capture(base: &Base) -> Survey {
    survey(base, &std::env::var_os("PATH").unwrap()).unwrap()
}

#[test]
fn runs_with_nothing_else() {
    let base = Base {
        libraries: ["libc.so.6", "libpthread.so.0", "libdl.so.2"].map(str::to_owned).into(),
        ..tools(&["sh", "sed", "awk", "sort", "tr", "find", "ls"])
    };
    let image = TempDir::new().unwrap();
    capture(&base).materialise(image.path()).unwrap();
    let script = "printf 'b\\na\\n' | sort | sed s/a/x/ | awk '{ print NR $1 }' | tr x y; \
                  command -v sh; find / -name passwd";
    let Some(output) = inside(image.path(), &["/bin/sh", "-c", script]) else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "1y\n2b\n/usr/bin/sh\n/etc/passwd\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is on disk is what was announced, with the two modes and relative links that a tree can hold.
#[test]
fn materialised_as_surveyed() {
    let survey = capture(&tools(&["sh", "awk", "env"]));
    let image = TempDir::new().unwrap();
    survey.materialise(image.path()).unwrap();
    for (path, item) in survey.items() {
        let path = image.path().join(path);
        let metadata = path.symlink_metadata().unwrap();
        match item {
            crate::capture::Item::File { from, executable } => {
                assert_eq!(fs::read(&path).unwrap(), fs::read(from).unwrap());
                let mode = metadata.permissions().mode() & 0o7777;
                assert_eq!(mode, if *executable { 0o755 } else { 0o644 }, "{}", path.display());
            }
            crate::capture::Item::Text(text) => assert_eq!(fs::read_to_string(path).unwrap(), *text),
            crate::capture::Item::Link(target) => {
                assert_eq!(fs::read_link(&path).unwrap(), Path::new(target.as_str()));
                assert!(path.exists(), "{} dangles", path.display());
            }
            crate::capture::Item::Directory => assert!(metadata.is_dir()),
        }
    }
    assert!(survey.fingerprint().holds());
}

/// The reader of ELF files against real ones: the libraries it names are those of the program that runs this test.
#[test]
fn a_real_program() {
    let object = crate::capture::elf::read(&std::env::current_exe().unwrap()).unwrap().unwrap();
    assert!(object.needed.iter().any(|name| name.starts_with("libc.")), "{object:?}");
    assert!(object.interpreter.is_some_and(|path| Path::new(&path).exists()));
    let machine = Machine::new();
    machine.file("x", Elf::new(Some("/l"), &["a", "b"]).rpath("/r:$ORIGIN").bits32().bytes()).file("y", "text");
    let object = crate::capture::elf::read(&machine.root().join("x")).unwrap().unwrap();
    assert_eq!((object.needed, object.search), (vec!["a".into(), "b".into()], vec!["/r".into(), "$ORIGIN".into()]));
    assert_eq!((object.interpreter.as_deref(), object.kind), (Some("/l"), (false, 3)));
    assert_eq!(crate::capture::elf::read(&machine.root().join("y")).unwrap(), None);
}
