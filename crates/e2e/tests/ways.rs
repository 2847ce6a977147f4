//! Machines that forbid namespaces: plain chroot does instead, and where that is forbidden too the user is told.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use exec::builder_image::BUILDER;
use exec::engine::{Engine, Value};
use exec::fetch::{FetchConfig, Fetcher};
use exec::store::Store;
use plan::planner::Planner;
use testkit::{bactrian, checkout, command, copy_tree, link_store, output, store};

const TARGET: &str = "riscv64-linux-musl";
/// What Docker leaves to the root of a container, unless told otherwise.
const CAPABILITIES: &str = "--bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,\
                            +net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap";

/// Root without the right to mount, in a changed root, where the kernel refuses user namespaces: like a container.
struct Jail {
    /// Where `/` is bound to, in a mount namespace of each command.
    root: tempfile::TempDir,
}

impl Jail {
    /// `None` where it cannot be arranged: it takes all the rights of root.
    fn new() -> Option<Self> {
        let jail = Self { root: tempfile::tempdir().unwrap() };
        let check = "! unshare -U true && ! unshare -m true && chroot / true && mknod \"$0\" c 1 3";
        let node = jail.root.path().with_extension("node");
        let arranged = jail.command("sh").args(["-c", check]).arg(&node).stderr(Stdio::null()).status();
        let _ = fs::remove_file(node);
        if arranged.is_ok_and(|status| status.success()) {
            return Some(jail);
        }
        println!("skipped: this machine does not let a test take its own right to mount away");
        None
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let script = format!("mount --rbind / \"$0\" && exec setpriv {CAPABILITIES} chroot \"$0\" \"$@\"");
        let mut command = command("unshare");
        command.args(["-m", "sh", "-c", &script]).arg(self.root.path()).arg(program).stdin(Stdio::null());
        command
    }

    fn bactrian(&self, store: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(bactrian().unwrap());
        command.args(arguments).arg("--store").arg(store);
        command
    }
}

/// A store of the test's own with everything that the shared one has.
fn private_store() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in(store().parent().unwrap()).unwrap();
    link_store(directory.path()).unwrap();
    directory
}

fn project(temp: &Path) -> PathBuf {
    let project = temp.join("project");
    copy_tree(&checkout().join("examples/first-light"), &project).unwrap();
    fs::write(project.join(RULES), rules()).unwrap();
    project
}

/// A dune file of the example, with its generator named as a dependency: then a copy of the file stands in for it.
const RULES: &str = "geometry/dune";

fn rules() -> String {
    let text = fs::read_to_string(checkout().join("examples/first-light").join(RULES)).unwrap();
    let named = "(deps (:gen ../generator/primes.exe))\n (action";
    let rules = text.replace("(action", named).replace("(run ../generator/primes.exe", "(run %{gen}");
    assert!(rules.contains(named) && rules.contains("(run %{gen} "), "{rules}");
    rules
}

fn good(line: &mut Command) -> String {
    output(line).unwrap_or_else(|error| panic!("{error}"))
}

fn failing(line: &mut Command) -> (i32, String) {
    let Output { status, stderr, .. } = line.output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&stderr).into_owned())
}

/// What the store has of the project: the build directory and the copy, and a root while somebody is in it.
fn home(store: &Path) -> PathBuf {
    let mut projects = fs::read_dir(store.join("projects")).unwrap();
    projects.next().unwrap().unwrap().path().join("dir")
}

#[test]
fn the_doctor_says_which_way_is_gone() {
    let told = good(command(bactrian().unwrap()).arg("doctor"));
    assert!(told.contains("in namespaces of their own"), "{told}");
    let Some(jail) = Jail::new() else { return };
    let told = good(jail.command(bactrian().unwrap()).arg("doctor"));
    assert!(told.contains("by chroot alone") && told.contains("network"), "{told}");
}

#[test]
fn a_project_is_built_by_plain_chroot_and_again_incrementally() {
    let Some(jail) = Jail::new() else { return };
    // What the project's root is made of is other tests' business.
    let temp = tempfile::tempdir().unwrap();
    let project = project(temp.path());
    let path = project.to_str().unwrap();
    good(command(bactrian().unwrap()).args(["build", "--target", TARGET, path]));
    let program = project.join("dist").join(TARGET).join("first-light");
    let expected = fs::read(&program).unwrap();
    fs::remove_dir_all(project.join("dist")).unwrap();
    let store = private_store();
    let store = store.path();
    let build = || jail.bactrian(store, &["build", "--target", TARGET, path]);

    good(&mut build());
    assert!(fs::read(&program).unwrap() == expected, "the program differs from that built in namespaces");
    let home = home(store);
    assert!(home.join("_build/default").is_dir() && !home.join("root").exists());
    // A change of one module compiles that one.
    let object = |module: &str| {
        let objects = format!("_build/default.{}/{module}", TARGET.replace('-', "_"));
        fs::metadata(home.join(objects)).unwrap().modified().unwrap()
    };
    let modules = ["bin/.main.eobjs/native/dune__exe__Main.o", "geometry/.geometry.objs/native/geometry.o"];
    let before = modules.map(object);
    let main = project.join("bin/main.ml");
    fs::write(&main, fs::read_to_string(&main).unwrap() + "let () = print_endline \"and more\"\n").unwrap();
    good(&mut build());
    let after = modules.map(object);
    assert!(after[0] > before[0] && after[1] == before[1], "{before:?} {after:?}");

    // What a command does to the sources is done to the project's.
    let script = "echo made > made; rm README.md; test ! -e dist; exit 7";
    let status = jail
        .bactrian(store, &["exec", "--target", TARGET])
        .args([path, "--", "sh", "-c", script])
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(7));
    assert!(project.join("made").is_file() && !project.join("README.md").exists());
    assert_eq!(fs::read_to_string(project.join(RULES)).unwrap(), rules());

    // Failures leave things in order, and so does, in the end, a violent death.
    let sound = fs::read_to_string(&main).unwrap();
    fs::write(&main, "let () = print_endline 42\n").unwrap();
    let (code, told) = failing(&mut build());
    assert!(code == 1 && told.contains("print_endline 42"), "{code}: {told}");
    assert!(home.join("_build/default").is_dir());
    fs::write(&main, sound).unwrap();
    kill_inside(&jail, store, path, &home);
    assert!(!home.join("_build").exists(), "the test killed too early or too late");
    good(&mut build());
    assert_eq!(object(modules[1]), before[1]);
    assert!(!home.join("root").exists());
}

/// Kills bactrian while a command is in the root.
fn kill_inside(jail: &Jail, store: &Path, project: &str, home: &Path) {
    let mut child = jail
        .bactrian(store, &["exec", "--target", TARGET])
        .args([project, "--", "sh", "-c", "echo > /src/begun; sleep 60"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !home.join("root/src/begun").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the command did not begin");
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Nothing may be left that sleeps in there.
    thread::sleep(Duration::from_millis(300));
}

/// What a store has of the target's toolchains.
fn toolchains(directory: &Path) -> Vec<Option<Value>> {
    let store = Store::open(directory).unwrap();
    let apt = tempfile::tempdir().unwrap();
    let fetcher = Fetcher::new(FetchConfig::new(std::iter::empty().collect(), apt.path().to_owned()));
    let stop = AtomicBool::new(false);
    let engine = Engine::new(&store, &fetcher, std::env::var_os("PATH").unwrap(), &stop).unwrap();
    let mut planner = Planner::new(BUILDER);
    let goals = planner.toolchain(plan::ocaml::Release::default(), TARGET.parse().unwrap()).unwrap();
    engine.look_up(&planner.finish(), &goals).unwrap()
}

#[test]
fn toolchains_made_by_plain_chroot_are_the_same() {
    let Some(jail) = Jail::new() else { return };
    good(command(bactrian().unwrap()).args(["toolchain", "build", "--target", TARGET]));
    let expected = toolchains(&store());
    let private = private_store();
    good(command(bactrian().unwrap()).args(["toolchain", "remove", "--target", TARGET, "--store"]).arg(private.path()));
    assert!(toolchains(private.path()).iter().all(Option::is_none));
    good(&mut jail.bactrian(private.path(), &["toolchain", "build", "--target", TARGET]));
    assert_eq!(toolchains(private.path()), expected);
}

#[test]
fn no_way_at_all_is_told_with_what_to_do() {
    let (temp, bactrian) = (tempfile::tempdir().unwrap(), bactrian().unwrap());
    let project = project(temp.path());
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && \
                  exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs \"$@\"";
    let bare = || {
        let mut line = command("unshare");
        line.args(["-Ur", "sh", "-c", script, "sh"]).stdin(Stdio::null());
        line
    };
    if !bare().arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("skipped: this machine does not let a test take its own rights away");
        return;
    }
    // Of the toolchains nothing needs a root any more.
    good(command(&bactrian).args(["build", "--target", TARGET]).arg(&project));
    let (code, told) = failing(bare().arg(&bactrian).args(["build", "--target", TARGET]).arg(&project));
    assert_eq!(code, 4, "{told}");
    for word in ["does not let a process have a root of its own", "hint: allow user namespaces", "CAP_SYS_CHROOT"] {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert!(!told.contains("run bactrian as root"), "{told}");
    let (code, _) = failing(bare().arg(&bactrian).arg("doctor"));
    assert_eq!(code, 4);
}
