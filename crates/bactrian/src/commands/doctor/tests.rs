use std::os::unix::fs::PermissionsExt as _;

use action::graph::Tool;
use plan::target::Machine;

use super::*;
use crate::args::MessageFormat;
use crate::surroundings::Surroundings;
use crate::timings::Recorder;
use crate::ui::{Look, captured};

/// A machine with these programs and kernel settings, and what `look` finds on it.
fn on_machine<R>(programs: &[&str], settings: &[(&str, &str)], look: impl FnOnce(&Place<'_>) -> R) -> R {
    let directory = tempfile::tempdir().unwrap();
    let bin = directory.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in programs {
        std::fs::write(bin.join(program), "").unwrap();
        std::fs::set_permissions(bin.join(program), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::write(bin.join("not-executable"), "").unwrap();
    for (name, value) in settings {
        let file = directory.path().join("sys").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("{value}\n")).unwrap();
    }
    let around = Surroundings {
        env: [("PATH", bin.to_str().unwrap())].into_iter().collect(),
        machine: Machine::of_rust("x86_64", "linux"),
        ..Surroundings::for_test([])
    };
    let (ui, ..) = captured::ui(Look::DEFAULT);
    let ctx = Context { ui: &ui, around: &around, timings: Recorder::default() };
    look(&Place { ctx: &ctx, sysctl: directory.path().join("sys"), store: &directory.path().join("store") })
}

fn tool(names: &[&str], required: bool, package: &str) -> Tool {
    Tool { names: names.iter().copied().map(str::to_owned).collect(), required, package: package.to_owned() }
}

#[test]
fn tools_are_told_by_package() {
    let wanted = [
        tool(&["gawk", "mawk"], true, "mawk"),
        tool(&["make"], true, "make"),
        tool(&["m4"], true, "m4"),
        tool(&["not-executable"], false, "odd"),
    ];
    let found = |programs: &[&str]| on_machine(programs, &[], |place| checks::tools(place, &wanted));
    let check = found(&["mawk", "apt-get"]);
    assert_eq!((check.status, check.found.as_str()), (Status::Fail, "missing: make, m4"));
    assert_eq!(check.fixes, ["sudo apt-get install m4 make"]);
    let check = found(&["gawk", "make", "m4"]);
    assert_eq!((check.status, check.found.as_str()), (Status::Warn, "4 tools, some builds will miss not-executable"));
    assert_eq!(check.fixes, ["install what Debian calls odd"]);
    let all = on_machine(&["gawk", "make", "m4"], &[], |place| checks::tools(place, &wanted[..3]));
    assert_eq!(all.status, Status::Ok);
}

#[test]
fn emulators_are_told_once_per_processor() {
    let checks = on_machine(&["qemu-aarch64-static", "wine64"], &[], checks::emulators);
    let told: Vec<_> = checks.iter().map(|check| (check.name.as_str(), check.status)).collect();
    let missing = ["qemu-riscv64", "qemu-ppc64le", "qemu-s390x", "qemu-arm", "qemu-i386"];
    let missing = missing.map(|name| (name, Status::Warn));
    assert_eq!(told, [[("qemu-aarch64", Status::Ok)].as_slice(), &missing, &[("wine", Status::Ok)]].concat());
}

#[test]
fn settings_of_the_kernel_are_blamed() {
    let explained =
        |settings: &[(&str, &str)]| on_machine(&[], settings, |place| root::explain(place, "no root")).fixes;
    assert_eq!(
        explained(&[("user/max_user_namespaces", "0"), ("kernel/unprivileged_userns_clone", "1")]),
        ["sudo sysctl user.max_user_namespaces=15000"]
    );
    assert_eq!(
        explained(&[("kernel/apparmor_restrict_unprivileged_userns", "1")]),
        ["sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"]
    );
    assert!(explained(&[]).first().unwrap().contains("container"));
}

#[test]
fn disk_space() {
    let statuses = [0, 1 << 30, 100 << 30].map(|free| checks::space_of(free).status);
    assert_eq!(statuses, [Status::Fail, Status::Warn, Status::Ok]);
}

#[test]
fn stores() {
    on_machine(&[], &[], |place| {
        let (check, store) = checks::store(place);
        assert_eq!((check.status, store.is_some()), (Status::Ok, true));
        std::fs::write(place.store.join("format"), "something else\n").unwrap();
        let (check, store) = checks::store(place);
        assert_eq!((check.status, store.is_some(), check.fixes.len()), (Status::Fail, false, 1));
    });
}

#[test]
fn how_it_is_told() {
    let checks = [
        Check::new(Status::Ok, "store", "there"),
        Check::new(Status::Warn, "npm", "not there").fix("install it"),
        Check::new(Status::Fail, "build roots", "forbidden").fix("allow it").fix("or that"),
    ];
    let told = |look: Look| {
        let (ui, out, _) = captured::ui(look);
        let around = Surroundings::for_test([]);
        (tell(&Context { ui: &ui, around: &around, timings: Recorder::default() }, &checks), out.text())
    };
    let (exit, text) = told(Look::DEFAULT);
    assert_eq!(exit.unwrap_err().exit(), Exit::Environment);
    insta::assert_snapshot!(text, @"
    ok    store        there
    warn  npm          not there
                       fix: install it
    fail  build roots  forbidden
                       fix: allow it
                       fix: or that
    ");
    let (_, lines) = told(Look { format: MessageFormat::Json, ..Look::DEFAULT });
    assert_eq!(lines.lines().count(), 3);
    let around = Surroundings::for_test([]);
    let (ui, ..) = captured::ui(Look::DEFAULT);
    assert_eq!(tell(&Context { ui: &ui, around: &around, timings: Recorder::default() }, &checks[..2]), Ok(Exit::Done));
}

#[test]
fn what_a_worker_makes_otherwise_is_told() {
    let home = tempfile::tempdir().unwrap();
    let store = exec::store::Store::open(&home.path().join("store")).unwrap();
    let tree = |contents: &str, mode: u32| {
        let tree = home.path().join("tree");
        let _ = std::fs::remove_dir_all(&tree);
        std::fs::create_dir_all(tree.join("directory")).unwrap();
        std::fs::write(tree.join("network"), "lo").unwrap();
        std::fs::write(tree.join("directory/program"), contents).unwrap();
        std::fs::set_permissions(tree.join("directory/program"), std::fs::Permissions::from_mode(mode)).unwrap();
        store.ingest(&tree).unwrap()
    };
    let here = tree("x", 0o755);
    let told = |there| {
        let checks = remote::differences(&store, here, there);
        assert!(checks.iter().all(|check| check.status == Status::Fail && check.fixes.len() == 1), "{checks:?}");
        checks.into_iter().map(|check| check.found).collect::<Vec<_>>()
    };
    assert_eq!(told(tree("y", 0o755)), ["directory/program differs: `(executable) x` here, `(executable) y` there"]);
    assert_eq!(told(tree("x", 0o644)), ["directory/program differs: `(executable) x` here, `x` there"]);
    // Whatever it is that nobody can name.
    let unknown = action::digest::DirDigest::of(b"neither here nor there");
    let checks = remote::differences(&store, unknown, unknown);
    assert_eq!(checks.iter().map(|check| check.status).collect::<Vec<_>>(), [Status::Fail]);
}
