use super::*;
use crate::filter::Value;
use crate::variable::Variable;
use proptest::prelude::*;

/// What an opam file with `depends` says, without places.
fn as_opam(depends: &str) -> Vec<(String, Formula<Condition>)> {
    let (package, errors) = opam_file("p.opam", format!("depends: {depends}").as_bytes()).unwrap();
    assert_eq!(errors, [], "{depends}");
    listed(&package)
}

fn listed(package: &Package) -> Vec<(String, Formula<Condition>)> {
    package.depends.atoms().into_iter().map(|atom| (atom.name.to_string(), atom.condition.clone())).collect()
}

fn dune(depends: &str) -> (DuneProject, Vec<Error>) {
    DuneProject::parse(format!("(package (name p) (depends {depends}))").as_bytes())
}

#[test]
fn dune_says_the_same_as_opam() {
    let table = [
        ("a b", r#"["a" "b"]"#),
        ("(a (>= 1.0))", r#""a" {>= "1.0"}"#),
        ("(a :with-test)", r#""a" {with-test}"#),
        ("(a (and :with-test (>= 1.0) (< 2.0)))", r#""a" {with-test & >= "1.0" & < "2.0"}"#),
        ("(a (or :build (<> 1.0)))", r#""a" {build | != "1.0"}"#),
        ("(a (= :version))", r#""a" {= version}"#),
        ("(a (= :os linux))", r#""a" {os = "linux"}"#),
        ("(a (not (> 1)))", r#""a" {<= "1"}"#),
        ("\"a\" ; comment )\n (b :build (= \"1\"))", r#"["a" "b" {build & = "1"}]"#),
        ("", "[]"),
    ];
    for (written, opam) in table {
        let (project, errors) = dune(written);
        assert_eq!(errors, [], "{written}");
        assert_eq!(listed(&project.packages[0]), as_opam(opam), "{written}");
    }
}

#[test]
fn a_whole_project() {
    let text = br#"(lang dune 3.17)
(using menhir 2.1)
(package
 (name one)
 (synopsis "a \"quoted\" \x41\
   thing")
 (description
  "\| several (lines)
  "\| of "text"
 )
 (depends (ocaml (>= 4.14)))
 (depopts zarith)
 (conflicts (old (< 2))))
(name proj)
(package (name two) (version 9))
(version 1.2)
(generate_opam_files)
"#;
    let (project, errors) = DuneProject::parse(text);
    assert_eq!(errors, []);
    assert_eq!((project.name.as_deref(), project.generates_opam_files), (Some("proj"), true));
    assert_eq!(project.lang, Some(Version::new("3.17").unwrap()));
    let shown: Vec<_> =
        project.packages.iter().map(|package| format!("{}.{}", package.name, package.version)).collect();
    assert_eq!(shown, ["one.1.2", "two.9"]);
    let [one, two] = project.packages.as_slice() else { unreachable!() };
    let scope = |_: &Variable| None::<Value>;
    assert_eq!(one.depends.reduce(&scope).atoms().len(), 2);
    assert_eq!(two.depends.atoms()[0].name.as_str(), "dune");
    assert_eq!(one.conflicts.atoms()[0].name.as_str(), "old");
    assert_eq!(one.depopts.atoms()[0].name.as_str(), "zarith");
}

#[test]
fn what_is_wrong_is_told() {
    let table = [
        ("(a (>= 1.0 2 3))", "a comparison with one or two operands"),
        ("(a (xor b c))", "`and`, `or`, `not` or a comparison"),
        ("(a ((x)))", "a constraint"),
        ("((a))", "packages and constraints"),
        ("(a (= (x)))", "a variable or a text"),
    ];
    for (written, message) in table {
        let (_, errors) = dune(written);
        assert!(
            matches!(&errors[0].fault, Fault::Value { expected, .. } if *expected == message),
            "{written} {errors:?}"
        );
    }
    assert!(matches!(DuneProject::parse(b"(package)").1[0].fault, Fault::Missing { field: "name", .. }));
    assert!(matches!(DuneProject::parse(b"(name x").1[0].fault, Fault::Expected { .. }));
    assert!(matches!(DuneProject::parse(b"x)").1[0].fault, Fault::Expected { .. }));
    let deep = DuneProject::parse("(".repeat(100_000).as_bytes()).1;
    assert!(matches!(deep.as_slice(), [Error { fault: Fault::Depth, .. }]));
    assert_eq!(DuneProject::parse(b"(a (b (c").1.len(), 1);
    assert!(DuneProject::parse(b"(name \"x").1.iter().any(|error| error.fault == Fault::UnclosedString));
}

#[test]
fn an_opam_file_of_a_project() {
    let version = |text: &str| opam_file("my-lib.opam", text.as_bytes()).unwrap().0.version;
    assert_eq!(version("version: \"3\"").as_str(), "3");
    assert_eq!(version("synopsis: \"x\"").as_str(), "dev");
    assert!(opam_file("opam", b"").is_none());
    assert!(opam_file("a b.opam", b"").is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_read(text in "[()\";\\\\|>a-c :=\n]{0,60}") {
        for error in DuneProject::parse(text.as_bytes()).1 {
            prop_assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
        }
        let _ = DuneProject::parse(format!("(package (name p) (depends {text}))").as_bytes());
    }
}
