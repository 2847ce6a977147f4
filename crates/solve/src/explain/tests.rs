//! Tables: a universe without a solution in, the whole tree out.

use std::fmt::Write;

use opam::dependency::Requirement;
use opam::formula::Formula;
use opam::version::Version;

use super::{Cause, Explanation, Place, Reason, Unmet, Who};
use crate::constraint::to_text;
use crate::request::Request;
use crate::testing::{constraint, environment, local, name, request, universe};
use crate::tools::Tools;
use crate::{Failure, solve};

fn list(versions: &[Version]) -> String {
    versions.iter().map(Version::as_str).collect::<Vec<_>>().join(",")
}

fn who(who: &Who) -> String {
    match who {
        Who::Compiler(_) => "compiler".to_owned(),
        Who::Request(_) => "request".to_owned(),
        Who::Project(_) => "project".to_owned(),
        Who::Package { name, versions, place: Place::Host } => format!("{name}.{} on host", list(versions)),
        Who::Package { name, versions, place: Place::Target(target) } if target == "t" => {
            format!("{name}.{}", list(versions))
        }
        Who::Package { name, versions, place: Place::Target(target) } => {
            format!("{name}.{} on {target}", list(versions))
        }
    }
}

fn formula(what: &Formula<Requirement>) -> String {
    let all = |parts: &[Formula<Requirement>], join: &str| parts.iter().map(formula).collect::<Vec<_>>().join(join);
    match what {
        Formula::True => "nothing".to_owned(),
        Formula::False => "the impossible".to_owned(),
        Formula::Atom(Requirement { name, versions: Formula::True }) => name.to_string(),
        Formula::Atom(Requirement { name, versions }) => format!("{name} {}", to_text(versions).replace('"', "")),
        Formula::And(parts) => format!("({})", all(parts, " & ")),
        Formula::Or(parts) => format!("({})", all(parts, " | ")),
    }
}

fn unmet(tree: &Unmet, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    writeln!(text, "{indent}{} requires {}", who(&tree.who), formula(&tree.what)).unwrap();
    for reason in &tree.because {
        match reason {
            Reason::UnknownPackage { name, nearest } => {
                let nearest: Vec<_> = nearest.iter().map(ToString::to_string).collect();
                writeln!(text, "{indent}- {name} is unknown; {}", nearest.join(" or ")).unwrap();
            }
            Reason::NoVersion { name, known, .. } => {
                writeln!(text, "{indent}- {name} there is in {}", list(known)).unwrap();
            }
            Reason::Together { what, unmet: inner } => {
                writeln!(text, "{indent}- {}", formula(what)).unwrap();
                unmet_below(inner, depth, text);
            }
            Reason::Versions { name, versions, cause } => {
                write!(text, "{indent}- {name}.{}: ", list(versions)).unwrap();
                match cause {
                    Cause::Requires(inner) => {
                        text.push('\n');
                        unmet_below(inner, depth, text);
                    }
                    cause => writeln!(text, "{}", tell(cause)).unwrap(),
                }
            }
        }
    }
}

fn unmet_below(inner: &Unmet, depth: usize, text: &mut String) {
    unmet(inner, depth + 1, text);
}

fn tell(cause: &Cause) -> String {
    match cause {
        Cause::Unavailable { filter, .. } => format!("available: {filter}"),
        Cause::OtherCompiler { pinned } => format!("compiler is {pinned}"),
        Cause::Excluded => "excluded".to_owned(),
        Cause::OthersRequired { by, constraint } => {
            format!("{} requires {}", who(by), to_text(constraint).replace('"', ""))
        }
        Cause::OthersTaken { versions } => format!("{} taken", list(versions)),
        Cause::ConflictOf { by } => format!("conflict of {}", who(by)),
        Cause::ConflictWith { name, needed_by } => format!("conflicts with {name} that {} requires", who(needed_by)),
        Cause::Class { class, by } => format!("{class} is {}", who(by)),
        Cause::Requires(_) => String::new(),
    }
}

fn explain(rows: &[(&str, &str)], request: &Request) -> Explanation {
    match solve(&universe(rows), &Tools::standard(), request) {
        Err(Failure::NoSolution(explanation)) => *explanation,
        other => panic!("{other:?}"),
    }
}

fn text(rows: &[(&str, &str)], request: &Request) -> String {
    let mut text = String::new();
    unmet(&explain(rows, request).tree.unwrap(), 0, &mut text);
    text
}

#[test]
fn trees() {
    type Row = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static str);
    let table: &[Row] = &[
        (&[("astring.1", "")], &["astrin"], "request requires astrin\n- astrin is unknown; astring\n"),
        (&[("a.1", ""), ("a.2", "")], &["a >= \"3\""], "request requires a >= 3\n- a there is in 1,2\n"),
        (
            &[("a.1", "available: os = \"win32\""), ("a.2", "available: os = \"win32\"")],
            &["a"],
            "request requires a\n- a.1,2: available: os = \"win32\"\n",
        ),
        // What is not to the point is not in it.
        (
            &[
                ("x.1", "depends: [\"y\" \"z\"]"),
                ("y.1", ""),
                ("z.1", ""),
                ("a.1", "depends: \"b\""),
                ("b.1", "depends: \"c\""),
            ],
            &["x", "a", "z"],
            "request requires a\n- a.1: \n  a.1 requires b\n  - b.1: \n    b.1 requires c\n    - c is unknown; a or b or x\n",
        ),
        // The compiler.
        (
            &[("a.1", "depends: \"ocaml\" {< \"5\"}")],
            &["a"],
            "compiler requires ocaml-base-compiler = 5.3.0\n- ocaml-base-compiler.5.3.0: \n  request requires a\n  - a.1: \n    \
             a.1 requires ocaml < 5\n    - ocaml.4.14.1: ocaml-base-compiler.5.3.0 on host requires = 5.3.0\n",
        ),
        (
            &[],
            &["ocaml-base-compiler = \"4.14.1\""],
            "request requires ocaml-base-compiler = 4.14.1\n- ocaml-base-compiler.4.14.1: compiler requires = 5.3.0\n",
        ),
        // Two who want different things.
        (
            &[("a.1", "depends: \"c\" {< \"2\"}"), ("b.1", "depends: \"c\" {>= \"2\"}"), ("c.1", ""), ("c.2", "")],
            &["a", "b"],
            "request requires a\n- a.1: \n  request requires b\n  - b.1: \n    b.1 requires c >= 2\n    - c.2: a.1 requires < 2\n",
        ),
        // Versions that ask for the same are one way.
        (
            &[
                ("a.1", "depends: \"c\" {< \"2\"}"),
                ("a.2", "depends: \"c\" {< \"2\"}"),
                ("a.3", "depends: \"d\" {> \"1\"}"),
                ("c.2", ""),
                ("d.1", ""),
            ],
            &["a"],
            "request requires a\n- a.1,2: \n  a.1,2 requires c < 2\n  - c there is in 2\n- a.3: \n  a.3 requires d > 1\n  - d there is in 1\n",
        ),
        // Conflicts, of either.
        (
            &[("a.1", "conflicts: \"b\" {< \"2\"}"), ("b.1", "")],
            &["a", "b"],
            "request requires a\n- a.1: conflicts with b that request requires\n",
        ),
        (
            &[("a.1", "conflict-class: \"k\""), ("b.1", "conflict-class: \"k\"")],
            &["a", "b"],
            "request requires a\n- a.1: \n  request requires b\n  - b.1: k is a.1\n",
        ),
        // All branches.
        (
            &[("a.1", "depends: \"b\" | (\"c\" & \"d\")"), ("b.1", "available: false"), ("c.1", "")],
            &["a"],
            "request requires a\n- a.1: \n  a.1 requires (b | (c & d))\n  - b.1: available: false\n  - (c & d)\n    \
             a.1 requires d\n    - d is unknown; a or b or c\n",
        ),
    ];
    let all = |texts: Vec<String>| texts.join("\n");
    let found = table.iter().map(|(rows, roots, _)| text(rows, &request(roots)));
    let wanted = table.iter().map(|(_, _, wanted)| (*wanted).to_owned());
    assert_eq!(all(found.collect()), all(wanted.collect()));
}

#[test]
fn the_request_can_be_the_reason() {
    let mut asked = request(&["a"]);
    asked.excluded.push((name("a"), constraint("*")));
    assert_eq!(text(&[("a.1", "")], &asked), "request requires a\n- a.1: excluded\n");
    let mut asked = request(&[]);
    asked.project.push(local("p", "depends: \"nothing\""));
    let wanted = "project requires p\n- p.dev: \n  p.dev requires nothing\n  - nothing is unknown; \n";
    assert_eq!(text(&[], &asked), wanted);
}

#[test]
fn the_place_is_told() {
    let rows = [
        ("a.1", "depends: [\"g\" {build} \"b\"]"),
        ("g.1", "depends: \"c\" {< \"2\"}"),
        ("b.1", "depends: \"c\" {> \"2\"}"),
        ("c.1", ""),
        ("c.3", ""),
    ];
    let mut asked = request(&["a"]);
    asked.worlds.targets[0] = ("far".to_owned(), environment("win32", "x86_64"));
    let found = text(&rows, &asked);
    assert!(found.contains("g.1 on host") && found.contains("b.1 on far"), "{found}");
}

#[test]
fn only_what_matters_is_named() {
    let rows = [("a.1", "depends: [\"b\" \"c\"]"), ("b.1", ""), ("c.1", "depends: \"d\""), ("e.1", "")];
    let about = explain(&rows, &request(&["a", "e"])).about;
    let about: Vec<_> = about.iter().map(opam::name::PackageName::as_str).collect();
    assert_eq!(about, ["a", "c", "d"]);
}
