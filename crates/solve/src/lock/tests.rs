//! The text form and its reading, its mistakes, and when a lock is stale.

use proptest::prelude::*;

use super::{Lock, LockFault, LockSet, Stale};
use crate::request::Request;
use crate::solution::{Key, Role};
use crate::solve;
use crate::testing::{constraint, environment, local, name, request, universe, version};
use crate::tools::Tools;

const ROWS: &[(&str, &str)] = &[
    (
        "dune.3.1",
        "url { src: \"https://a.test/dune.tbz\" checksum: \"sha256=0a000000000000000000000000000000000000000000000000000000000000ff\" }",
    ),
    ("ppxlib.1", "depends: \"dune\""),
    ("ppx_x.1", "depends: [\"dune\" \"ppxlib\"]"),
    (
        "lib.2.0",
        "depends: [\"dune\" \"ppx_x\" \"win\" {os = \"win32\"} \"base-unix\"] depopts: \"extra\" url { src: \"https://a.test/lib 2.tgz\" mirrors: [\"https://b.test/lib.tgz\"] checksum: [\"md5=00112233445566778899aabbccddeeff\" \"sha256=000000000000000000000000000000000000000000000000000000000000000b\"] } extra-source \"fix \\\"it\\\".patch\" { src: \"https://a.test/p\" checksum: \"md5=00112233445566778899aabbccddeeff\" }",
    ),
    ("lib.1.0", ""),
    ("win.1", "depends: \"conf-w\" {build}"),
    ("conf-w.1", "flags: conf"),
    ("base-unix.base", ""),
    ("extra.1", ""),
    ("another.1", ""),
];

fn asked() -> Request {
    let mut asked = request(&["extra"]);
    asked.project = vec![
        local("app", "depends: [\"lib\" {>= \"1.0\"} \"dune\" {>= \"3.0\"} \"mine\"]"),
        local("mine", "depends: [\"ppx_x\" \"win\" {os = \"win32\"}] depopts: \"extra\""),
    ];
    asked.worlds.targets = vec![
        ("x86_64-windows-gnu".to_owned(), environment("win32", "x86_64")),
        ("aarch64-linux-gnu.2.28".to_owned(), environment("linux", "arm64")),
    ];
    asked
}

fn locked(request: &Request) -> Lock {
    let universe = universe(ROWS);
    Lock::new(&universe, request, solve(&universe, &Tools::standard(), request).unwrap())
}

#[test]
fn text_form() {
    insta::assert_snapshot!(locked(&asked()));
}

#[test]
fn what_is_written_is_read() {
    let lock = locked(&asked());
    assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
}

#[test]
fn the_order_of_a_request_does_not_matter() {
    let mut other = asked();
    other.project.reverse();
    other.worlds.targets.reverse();
    assert_eq!(locked(&other).to_string(), locked(&asked()).to_string());
}

#[test]
fn a_package_more_moves_none() {
    let before = locked(&asked()).to_string();
    let mut more = asked();
    more.project[0] = local("app", "depends: [\"lib\" {>= \"1.0\"} \"dune\" {>= \"3.0\"} \"mine\" \"another\"]");
    let after = locked(&more).to_string();
    let mut lines = after.lines();
    assert!(before.lines().all(|line| lines.any(|other| other == line)), "lines were moved or changed");
    assert_eq!(after.lines().count() - before.lines().count(), 8, "one dependency and one package");
}

#[test]
fn mistakes() {
    let good = locked(&asked()).to_string();
    let change = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        let text = good.replacen(from, to, 1);
        let error = Lock::parse(&text).unwrap_err();
        let place = error.span.and_then(|span| text.get(span)).map(str::to_owned);
        (error.fault, place.unwrap_or_default())
    };
    type Row = (&'static str, &'static str, fn(&LockFault) -> bool, &'static str);
    let table: &[Row] = &[
        ("version = 1", "version = 2", |fault| *fault == LockFault::Format(2), "2"),
        ("version = 1", "version = \"1\"", |fault| matches!(fault, LockFault::Type(_)), "\"1\""),
        ("version = 1\n", "", |fault| *fault == LockFault::Missing("version".to_owned()), ""),
        ("ocaml = \"5.3.0\"", "ocaml = \"5 3\"", |fault| matches!(fault, LockFault::Version(_)), "\"5 3\""),
        ("with-test = false", "with-tests = false", |fault| matches!(fault, LockFault::Unknown(_)), "false"),
        ("with-test = false", "with-test = 0", |fault| matches!(fault, LockFault::Type(_)), "0"),
        ("name = \"app\"", "name = \"1\"", |fault| matches!(fault, LockFault::Name(_)), "\"1\""),
        ("name = \"app\"", "name = \"mine\"", |fault| matches!(fault, LockFault::Twice(_)), "\"mine\""),
        ("constraint = \"*\"", "constraint = \"1\"", |fault| matches!(fault, LockFault::Constraint(_)), "\"1\""),
        ("  \"dune\",", "  \"dun\",", |fault| *fault == LockFault::Dangling(name("dun")), "\"dun\""),
        ("@ x86_64-windows-gnu", "@ moon", |fault| *fault == LockFault::Target("moon".to_owned()), "\"win @ moon\""),
        (
            "\"md5=00",
            "\"md5=0",
            |fault| matches!(fault, LockFault::Checksum(_)),
            "\"md5=0112233445566778899aabbccddeeff\"",
        ),
        ("opam = \"sha256=", "opam = \"md5=", |fault| matches!(fault, LockFault::Checksum(_)), ""),
        ("[\"ppx\"]", "[\"pxx\"]", |fault| matches!(fault, LockFault::Unknown(_)), "[\"pxx\"]"),
        ("[host]", "[host", |fault| matches!(fault, LockFault::Toml(_)), ""),
    ];
    for (from, to, wanted, at) in table {
        let (fault, place) = change(from, to);
        assert!(wanted(&fault), "{from}: {fault:?}");
        assert!(at.is_empty() || place == *at, "{from}: {place}");
    }
}

#[test]
fn stale() {
    let lock = locked(&asked());
    let tools = Tools::standard();
    let after = |change: &dyn Fn(&mut Request)| {
        let mut request = asked();
        change(&mut request);
        lock.check(&request, &tools)
    };
    let project = |at: usize, fields: &'static str| {
        move |request: &mut Request| {
            let of = request.project[at].name.to_string();
            request.project[at] = local(&of, fields);
        }
    };
    // What changes nothing.
    for same in [
        &(|_: &mut Request| {}) as &dyn Fn(&mut Request),
        &|request| request.worlds.targets.reverse(),
        &|request| drop(request.worlds.host.0.insert("os-distribution".to_owned(), "alpine".to_owned())),
        &project(0, "depends: [\"lib\" {>= \"2.0\"} \"dune\" {>= \"3.1\"} \"mine\" \"t\" {with-test}]"),
        &|request| request.roots[0].versions = constraint("= \"1\""),
    ] {
        assert_eq!(after(same), Ok(()));
    }
    // What does.
    let target = "aarch64-linux-gnu.2.28".to_owned();
    let on = |of: &str, role| Key { name: name(of), role };
    type Change = Box<dyn Fn(&mut Request)>;
    let changes: Vec<(Change, Stale)> = vec![
        (
            Box::new(|request| request.ocaml = version("4.14.1")),
            Stale::Ocaml { locked: version("5.3.0"), wanted: version("4.14.1") },
        ),
        (Box::new(|request| request.with_test = true), Stale::WithTest { wanted: true }),
        (Box::new(|request| drop(request.worlds.targets.pop())), Stale::TargetLeft(target.clone())),
        (
            Box::new(|request| request.worlds.targets[0].0.push('x')),
            Stale::TargetMissing("x86_64-windows-gnux".to_owned()),
        ),
        (
            Box::new(|request| drop(request.worlds.targets[1].1.0.insert("os".to_owned(), "android".to_owned()))),
            Stale::Variable {
                target,
                variable: "os".to_owned(),
                locked: Some("linux".to_owned()),
                wanted: Some("android".to_owned()),
            },
        ),
        (Box::new(|request| request.roots.clear()), Stale::RootLeft(name("extra"))),
        (Box::new(|request| request.roots[0].name = name("lib")), Stale::RootMissing(name("lib"))),
        (
            Box::new(|request| request.roots[0].versions = constraint("> \"1\"")),
            Stale::Root { name: name("extra"), locked: version("1"), constraint: constraint("> \"1\"") },
        ),
        (
            Box::new(|request| request.excluded.push((name("lib"), constraint("= \"2.0\"")))),
            Stale::Excluded(name("lib"), version("2.0")),
        ),
        (Box::new(|request| drop(request.project.pop())), Stale::ProjectLeft(name("mine"))),
        (Box::new(|request| request.project.push(local("new", ""))), Stale::ProjectMissing(name("new"))),
        (
            Box::new(project(1, "depends: [\"ppx_x\" \"win\" {os = \"win32\"} \"lib\"] depopts: \"extra\"")),
            Stale::DependencyMissing { package: name("mine"), on: on("lib", Role::Target) },
        ),
        (
            Box::new(project(1, "depends: [\"ppx_x\" {build} \"win\" {os = \"win32\"}] depopts: \"extra\"")),
            Stale::DependencyLeft { package: name("mine"), on: on("ppx_x", Role::Target) },
        ),
        (
            Box::new(project(1, "depends: [\"ppx_x\" \"win\" {os = \"win32\"}]")),
            Stale::DependencyLeft { package: name("mine"), on: on("extra", Role::Target) },
        ),
        (
            Box::new(|request| request.project[1].host.push(name("dune"))),
            Stale::DependencyMissing { package: name("mine"), on: on("dune", Role::Host) },
        ),
    ];
    for (change, reason) in changes {
        assert_eq!(after(&*change), Err(reason));
    }
    let Err(Stale::Unmet { package, what, locked }) = after(&project(0, "depends: [\"lib\" {> \"2.0\"} | \"other\"]"))
    else {
        panic!("not stale");
    };
    assert_eq!((package.as_str(), what.atoms().len()), ("app", 2));
    assert_eq!(locked, [(name("lib"), Some(version("2.0"))), (name("other"), None)]);
    // On one target alone.
    assert!(matches!(
        after(&project(1, "depends: [\"ppx_x\" \"win\"] depopts: \"extra\"")),
        Err(Stale::Unmet { what, .. }) if what.atoms()[0].name.as_str() == "win"
    ));
}

#[test]
fn an_older_lock_is_favoured() {
    let mut request = asked();
    let lock = locked(&request);
    request.favoured = lock.versions();
    request.favoured.insert(name("lib"), version("1.0"));
    let again = locked(&request);
    assert_eq!(again.versions().get("lib"), Some(&version("1.0")));
    request.favoured = lock.versions();
    assert_eq!(locked(&request), lock);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(at in 0..10_000_usize, cut in 0..40_usize, put in "[a-z\"\\[\\]=\n0-9]{0,3}") {
        let text = locked(&asked()).to_string();
        let at = at % text.len();
        let damaged = format!("{}{put}{}", text.get(..at).unwrap(), text.get((at + cut).min(text.len())..).unwrap());
        if let Ok(lock) = Lock::parse(&damaged) {
            // What is understood is understood completely.
            prop_assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
        }
    }
}

/// Two OCamls in one file: the first as if it were alone, but for the format.
#[test]
fn several_locks_in_one_file() {
    let one = locked(&asked());
    let mut narrow = asked();
    narrow.ocaml = version("4.14.1");
    narrow.worlds.targets = vec![("armv7-linux-musleabihf".to_owned(), environment("linux", "arm32"))];
    let other = locked(&narrow);
    let set = LockSet::new(vec![other.clone(), one.clone()]).unwrap();
    let text = set.to_string();
    assert_eq!(LockSet::parse(&text), Ok(set.clone()));
    assert_eq!(set.iter().collect::<Vec<_>>(), [&one, &other]);
    assert!(text.starts_with(&one.to_string().replacen("version = 1\n", "version = 2\n", 1)), "nothing moves");
    assert!(text.contains("\n[[also]]\nocaml = \"4.14.1\"\n"), "{text}");
    let alone = LockSet::new(vec![one.clone()]).unwrap();
    assert_eq!(alone.to_string(), one.to_string());
    assert_eq!(LockSet::parse(&one.to_string()), Ok(alone));
    assert_eq!(LockSet::new(Vec::new()), None);
    // A table of several in a file that says it has one.
    let error = LockSet::parse(&text.replacen("version = 2", "version = 1", 1)).unwrap_err();
    assert_eq!(error.fault, LockFault::Unknown("also".to_owned()));
    let error = LockSet::parse("version = 3").unwrap_err();
    assert_eq!(error.fault, LockFault::Format(3));
}
