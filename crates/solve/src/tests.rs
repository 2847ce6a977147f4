//! Tables: a small universe and a request in, nodes out.

use crate::request::{Preference, Rank};
use crate::solution::Solution;
use crate::testing::{constraint, environment, local, name, request, show, universe, version};
use crate::tools::Tools;
use crate::{Failure, solve};

fn nodes(rows: &[(&str, &str)], roots: &[&str]) -> Vec<String> {
    show(&solved(rows, roots))
}

fn solved(rows: &[(&str, &str)], roots: &[&str]) -> Solution {
    solve(&universe(rows), &Tools::standard(), &request(roots)).unwrap()
}

fn unsolvable(rows: &[(&str, &str)], roots: &[&str]) -> bool {
    matches!(solve(&universe(rows), &Tools::standard(), &request(roots)), Err(Failure::NoSolution(_)))
}

#[test]
fn versions() {
    type Row = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static [&'static str]);
    let table: &[Row] = &[
        // The newest first, and numbers are numbers.
        (&[("a.1", ""), ("a.9", ""), ("a.10", ""), ("a.10~rc1", "")], &["a"], &["T:a.10"]),
        (&[("a.1", ""), ("a.2", "")], &["a < \"2\""], &["T:a.1"]),
        // What is to be avoided is last, but better than nothing.
        (&[("a.1", ""), ("a.2", "flags: avoid-version"), ("a.3", "flags: deprecated")], &["a"], &["T:a.1"]),
        (&[("a.1", ""), ("a.2", "flags: avoid-version")], &["a > \"1\""], &["T:a.2"]),
        // What is not available is not there; what is undefined is false.
        (&[("a.1", ""), ("a.2", "available: os = \"win32\""), ("a.3", "available: nonsense")], &["a"], &["T:a.1"]),
        (&[("a.1", "available: ?nonsense | opam-version >= \"2.1\"")], &["a"], &["T:a.1"]),
        // An older version that can be had is better than none.
        (
            &[("a.2", "depends: \"b\" {>= \"2\"}"), ("a.1", "depends: \"b\""), ("b.1", "")],
            &["a"],
            &["T:a.1 T:b", "T:b.1"],
        ),
        (&[("a.1", "depends: \"b\" {= version}"), ("b.1", ""), ("b.2", "")], &["a"], &["T:a.1 T:b", "T:b.1"]),
        // Of a disjunction, the first that can be had.
        (&[("a.1", "depends: \"b\" | \"c\""), ("b.1", ""), ("c.1", "")], &["a"], &["T:a.1 T:b", "T:b.1"]),
        (&[("a.1", "depends: \"b\" | \"c\""), ("c.1", "")], &["a"], &["T:a.1 T:c", "T:c.1"]),
        (
            &[("a.1", "depends: (\"b\" & \"x\") | (\"c\" & \"d\")"), ("b.1", ""), ("c.1", ""), ("d.1", "")],
            &["a"],
            &["T:a.1 T:c T:d", "T:c.1", "T:d.1"],
        ),
        // Or one that is there anyway; what else is there for another reason is built before.
        (&[("a.1", "depends: \"b\" | \"c\""), ("b.1", ""), ("c.1", "")], &["a", "c"], &["T:a.1 T:c", "T:c.1"]),
        (
            &[("a.1", "depends: \"b\" | \"c\""), ("b.1", ""), ("c.1", "")],
            &["a", "b", "c"],
            &["T:a.1 T:b T:c?", "T:b.1", "T:c.1"],
        ),
        (&[("a.1", "depopts: \"b\""), ("b.1", "")], &["a"], &["T:a.1"]),
        (&[("a.1", "depopts: \"b\""), ("b.1", "")], &["a", "b"], &["T:a.1 T:b?", "T:b.1"]),
        // An optional dependency's constraint is no conflict.
        (&[("a.1", "depopts: \"b\" {>= \"2\"}"), ("b.1", "")], &["a", "b"], &["T:a.1", "T:b.1"]),
        // Filters that do not hold remove what they are about.
        (
            &[
                (
                    "a.1",
                    "depends: [\"x\" {os = \"win32\"} \"y\" {with-test} \"z\" {dev} \"b\" {os = \"linux\" & >= \"2\"}]",
                ),
                ("b.1", ""),
                ("b.2", ""),
            ],
            &["a"],
            &["T:a.1 T:b", "T:b.2"],
        ),
        // After it, in no order: a circle is none.
        (&[("a.1", "depends: \"b\" {post}"), ("b.1", "depends: \"a\"")], &["a"], &["T:a.1 T:b+", "T:b.1 T:a"]),
        // A conflict with itself is none, nor a dependency.
        (&[("a.1", "conflicts: \"a\" depends: \"a\"")], &["a"], &["T:a.1"]),
        (
            &[("a.1", "conflicts: \"b\" {< \"3\"}"), ("b.1", ""), ("b.3", ""), ("b.4", "conflicts: \"a\"")],
            &["a", "b"],
            &["T:a.1", "T:b.3"],
        ),
        // Of a class there is one.
        (
            &[("a.1", "conflict-class: \"k\""), ("b.1", ""), ("b.2", "conflict-class: \"k\"")],
            &["a", "b"],
            &["T:a.1", "T:b.1"],
        ),
    ];
    for (rows, roots, wanted) in table {
        assert_eq!(nodes(rows, roots), *wanted, "{rows:?}");
    }
}

#[test]
fn no_choice() {
    type Row = (&'static [(&'static str, &'static str)], &'static [&'static str]);
    let table: &[Row] = &[
        (&[], &["a"]),
        (&[("a.1", "")], &["a > \"1\""]),
        (&[("a.1", "available: false")], &["a"]),
        (&[("a.1", "depends: \"ocaml\" {< \"5\"}")], &["a"]),
        (&[("a.1", "conflicts: \"b\""), ("b.1", "")], &["a", "b"]),
        (&[("a.1", "conflict-class: \"k\""), ("b.1", "conflict-class: \"k\"")], &["a", "b"]),
        (&[("a.1", "depends: \"b\""), ("b.1", "depends: \"a\" {> \"1\"}")], &["a"]),
        (&[("a.1", "depends: (\"b\" & \"c\") | (\"c\" & \"d\")"), ("b.1", ""), ("d.1", "")], &["a"]),
        // Another compiler is no choice.
        (&[("a.1", "depends: \"mine\""), ("mine.1", "flags: compiler")], &["a"]),
        (&[], &["ocaml-base-compiler = \"4.14.1\""]),
    ];
    for (rows, roots) in table {
        assert!(unsolvable(rows, roots), "{rows:?} {roots:?}");
    }
}

#[test]
fn circles_are_named() {
    let rows = [("a.1", "depends: \"b\""), ("b.1", "depends: \"c\""), ("c.1", "depends: \"b\"")];
    let Err(Failure::Cycle(cycle)) = solve(&universe(&rows), &Tools::standard(), &request(&["a"])) else {
        panic!("no circle");
    };
    let names: Vec<_> = cycle.0.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
}

#[test]
fn roles() {
    let rows = [
        ("dune.3", "depends: \"base-unix\""),
        ("base-unix.base", ""),
        ("ppxlib.1", "depends: [\"dune\" \"sexplib0\"]"),
        ("sexplib0.1", ""),
        ("ppx_x.1", "depends: [\"ppxlib\" \"re\"]"),
        ("re.1", "depends: [\"dune\" \"seq\"]"),
        ("seq.1", ""),
        ("gen.1", ""),
        ("lib.1", "depends: [\"dune\" \"gen\" {build} \"ppx_x\" \"seq\"]"),
        ("user.1", "depends: [\"lib\"]"),
        ("conf-z.1", "flags: conf depends: \"conf-pkg-config\" {build}"),
        ("conf-pkg-config.1", "flags: conf"),
        ("z.1", "depends: \"conf-z\" {build}"),
    ];
    // What is built with is on the host, what is linked on the target, a preprocessor and what it is linked with in both.
    let wanted = [
        "H:base-unix.base",
        "H:dune.3 H:base-unix",
        "H:gen.1",
        "T:lib.1 H:dune! H:gen! H:ppx_x! T:ppx_x T:seq",
        "H:ppx_x.1 H:ppxlib H:re",
        "T:ppx_x.1 H:ppxlib! T:ppxlib H:re! T:re",
        "H:ppxlib.1 H:dune H:sexplib0",
        "T:ppxlib.1 H:dune! H:sexplib0! T:sexplib0",
        "H:re.1 H:dune H:seq",
        "T:re.1 H:dune! T:seq",
        "H:seq.1",
        "T:seq.1",
        "H:sexplib0.1",
        "T:sexplib0.1",
        // Who only uses a user of a preprocessor is none.
        "T:user.1 T:lib",
    ];
    assert_eq!(nodes(&rows, &["user"]), wanted);
    // A C library is where the package is, even if only its headers are said to be needed; its check is on the host.
    assert_eq!(nodes(&rows, &["z"]), ["H:conf-pkg-config.1", "T:conf-z.1 H:conf-pkg-config!", "T:z.1 T:conf-z"]);
    // A tool that is asked for is on the target, and on the host for those who build with it.
    assert_eq!(
        nodes(&rows, &["dune", "re"]),
        [
            "H:base-unix.base",
            "T:base-unix.base",
            "H:dune.3 H:base-unix",
            "T:dune.3 T:base-unix",
            "T:re.1 H:dune! T:seq",
            "T:seq.1"
        ]
    );
    // A preprocessor that is asked for and used by nobody has no twin; what its own build runs has.
    let alone = nodes(&rows, &["ppx_x"]);
    assert!(!alone.iter().any(|node| node.starts_with("H:ppx_x")), "{alone:?}");
    assert!(alone.iter().any(|node| node.starts_with("H:ppxlib")), "{alone:?}");
}

#[test]
fn tables_say_what_opam_files_do_not() {
    let text = "host-only = [\"g\"]\nboth = [\"b\"]\nprovided = [\"p*\"]\n[[extra-host]]\npackage = \"a\"\nversions = '< \"2\"'\nneeds = [\"x\"]";
    let tools = Tools::parse(text).unwrap();
    let rows =
        [("a.1", "depends: [\"g\" \"b\" \"pp\"]"), ("a.2", ""), ("g.1", ""), ("b.1", ""), ("x.1", ""), ("pp.1", "")];
    let solution = solve(&universe(&rows), &tools, &request(&["a < \"2\""])).unwrap();
    assert_eq!(show(&solution), ["T:a.1 H:b! T:b H:g! T:pp H:x!", "H:b.1", "T:b.1", "H:g.1", "T:pp.1", "H:x.1"]);
    let provided = solution.nodes.iter().filter(|(_, node)| node.provided).map(|(key, _)| key.name.as_str());
    assert_eq!(provided.collect::<Vec<_>>(), ["pp"]);
}

#[test]
fn every_world_has_its_own_dependencies() {
    let rows = [
        ("io.1", "depends: [\"io-linux\" {os = \"linux\"} \"io-windows\" {os = \"win32\"} \"bits\"]"),
        ("io-linux.1", "available: os = \"linux\""),
        ("io-windows.1", "available: os = \"win32\" depends: \"winapi\""),
        ("winapi.1", "available: os = \"win32\""),
        ("bits.3", "available: arch != \"s390x\""),
        ("bits.1", ""),
    ];
    let mut request = request(&["io"]);
    request.worlds.targets = vec![
        ("lin".to_owned(), environment("linux", "arm64")),
        ("mac".to_owned(), environment("macos", "arm64")),
        ("win".to_owned(), environment("win32", "x86_64")),
    ];
    let solution = solve(&universe(&rows), &Tools::standard(), &request).unwrap();
    assert_eq!(
        show(&solution),
        [
            "T:bits.3",
            "T:io.1 T:bits T:io-linux@lin T:io-windows@win",
            "T:io-linux.1@lin",
            "T:io-windows.1@win T:winapi",
            "T:winapi.1@win"
        ]
    );
    // One version for all: where the newest is not available on one target, all have the older.
    request.worlds.targets.push(("z".to_owned(), environment("linux", "s390x")));
    let solution = solve(&universe(&rows), &Tools::standard(), &request).unwrap();
    assert!(show(&solution).contains(&"T:bits.1".to_owned()));
}

#[test]
fn the_project_is_in_its_own_universe() {
    let rows = [("mine.9", ""), ("a.1", "depends: \"mine\" {>= \"1\"}"), ("t.1", ""), ("ppxlib.1", ""), ("re.1", "")];
    let mut asked = request(&[]);
    asked.project = vec![
        local("mine", "depends: [\"t\" {with-test} \"d\" {dev & os = \"win32\"}]"),
        local("app", "depends: [\"mine\" {= version} \"a\" \"my_ppx\"]"),
        local("my_ppx", "depends: [\"ppxlib\" \"re\"]"),
    ];
    let universe = universe(&rows);
    let solution = solve(&universe, &Tools::standard(), &asked).unwrap();
    let wanted = [
        "T:a.1 T:mine",
        "T:app.dev T:a T:mine H:my_ppx! T:my_ppx",
        "T:mine.dev",
        "H:my_ppx.dev H:ppxlib H:re",
        "T:my_ppx.dev H:ppxlib! T:ppxlib H:re! T:re",
        "H:ppxlib.1",
        "T:ppxlib.1",
        "H:re.1",
        "T:re.1",
    ];
    assert_eq!(show(&solution), wanted);
    asked.with_test = true;
    asked.project.truncate(1);
    let solution = solve(&universe, &Tools::standard(), &asked).unwrap();
    assert_eq!(show(&solution), ["T:mine.dev T:t", "T:t.1"]);
    // What its generators are linked with it has to say itself.
    asked.project[0].host = vec![name("re")];
    let solution = solve(&universe, &Tools::standard(), &asked).unwrap();
    assert_eq!(show(&solution), ["T:mine.dev H:re! T:t", "H:re.1", "T:t.1"]);
}

#[test]
fn tests_are_those_of_the_roots() {
    let rows = [
        ("a.1", "depends: [\"b\" \"t\" {with-test}]"),
        ("b.1", "depends: \"u\" {with-test}"),
        ("t.1", ""),
        ("u.1", ""),
    ];
    let mut request = request(&["a"]);
    request.with_test = true;
    let solution = solve(&universe(&rows), &Tools::standard(), &request).unwrap();
    assert_eq!(show(&solution), ["T:a.1 T:b T:t", "T:b.1", "T:t.1"]);
}

#[test]
fn preferences() {
    let rows = [("a.1", ""), ("a.2", ""), ("a.3", ""), ("b.1", "depends: \"a\" {< \"3\"}")];
    let universe = universe(&rows);
    let version_of_a = |change: &dyn Fn(&mut crate::request::Request), roots: &[&str]| {
        let mut request = request(roots);
        change(&mut request);
        let solution = solve(&universe, &Tools::standard(), &request).unwrap();
        solution.nodes.iter().find(|(key, _)| key.name.as_str() == "a").unwrap().1.version.to_string()
    };
    let prefer = |versions: &'static str, rank| {
        move |request: &mut crate::request::Request| {
            request.preferences.push(Preference { name: name("a"), versions: constraint(versions), rank });
        }
    };
    assert_eq!(version_of_a(&|_| {}, &["a"]), "3");
    assert_eq!(version_of_a(&prefer("<= \"2\"", Rank::Preferred), &["a"]), "2");
    assert_eq!(version_of_a(&prefer("= \"3\"", Rank::Avoided), &["a"]), "2");
    assert_eq!(version_of_a(&prefer("= \"3\"", Rank::Avoided), &["a = \"3\""]), "3");
    assert_eq!(version_of_a(&|request| drop(request.favoured.insert(name("a"), version("1"))), &["a"]), "1");
    // What is favoured gives way.
    assert_eq!(version_of_a(&|request| drop(request.favoured.insert(name("a"), version("3"))), &["a", "b"]), "2");
    assert_eq!(version_of_a(&|request| request.excluded.push((name("a"), constraint("> \"1\""))), &["a"]), "1");
}

#[test]
fn orders_chains_and_trees() {
    let rows = [
        ("a.1", "depends: [\"b\" \"c\"]"),
        ("b.1", "depends: \"d\""),
        ("c.1", "depends: \"b\""),
        ("d.1", "depends: \"e\" {post}"),
        ("e.1", "depends: \"d\""),
    ];
    let solution = solved(&rows, &["a", "e"]);
    let names = |keys: &[crate::solution::Key]| {
        let mine = keys.iter().filter(|key| !key.name.as_str().starts_with("ocaml"));
        mine.map(|key| key.name.as_str()).collect::<String>()
    };
    assert_eq!(names(&solution.order().unwrap()), "dbcae");
    let chains: Vec<String> = solution.why("d").iter().map(|chain| names(chain)).collect();
    assert_eq!(chains, ["ed", "abd"]);
    assert_eq!(solution.why("x"), Vec::<Vec<_>>::new());
    let tree: Vec<String> = solution
        .tree()
        .iter()
        .filter(|branch| !branch.key.name.as_str().starts_with("ocaml"))
        .map(|branch| {
            format!("{}{}{}", " ".repeat(branch.depth), branch.key.name, if branch.repeated { "*" } else { "" })
        })
        .collect();
    assert_eq!(tree, ["a", " b", "  d", "   e", "    d*", " c", "  b*", "e*"]);
}
