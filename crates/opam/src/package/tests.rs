use super::*;
use crate::dependency::{Condition, Dependencies};
use crate::error::Fault;
use crate::filter::Value;
use crate::syntax::{EnvOp, RelOp};
use crate::variable::Variable;

fn parse(text: &str) -> (Package, Vec<Error>) {
    Package::parse(PackageName::new("p").unwrap(), Version::new("1.2").unwrap(), text.as_bytes())
}

fn good(text: &str) -> Package {
    let (package, errors) = parse(text);
    assert_eq!(errors, [], "{text}");
    package
}

/// `depends` in a scope where exactly `set` are true, and a few are texts, as text.
fn reduced(depends: &str, set: &[&str]) -> String {
    let scope = |variable: &Variable| {
        let name = variable.to_string();
        match name.as_str() {
            "version" => Some(Value::from("1.2")),
            "os" => Some(Value::from("linux")),
            "nil" => None,
            _ => Some(set.contains(&name.as_str()).into()),
        }
    };
    show(&good(&format!("depends: {depends}")).depends.reduce(&scope))
}

fn show(formula: &Formula<Requirement>) -> String {
    fn join<A>(parts: &[Formula<A>], operator: &str, atom: &dyn Fn(&A) -> String) -> String {
        format!("({})", parts.iter().map(|part| text(part, atom)).collect::<Vec<_>>().join(operator))
    }
    fn text<A>(formula: &Formula<A>, atom: &dyn Fn(&A) -> String) -> String {
        match formula {
            Formula::True => "true".to_owned(),
            Formula::False => "false".to_owned(),
            Formula::Atom(it) => atom(it),
            Formula::And(parts) => join(parts, " & ", atom),
            Formula::Or(parts) => join(parts, " | ", atom),
        }
    }
    text(formula, &|requirement| {
        let versions = text(&requirement.versions, &|bound| format!("{}{}", bound.operator.symbol(), bound.version));
        if versions == "true" { requirement.name.to_string() } else { format!("{}{{{versions}}}", requirement.name) }
    })
}

#[test]
fn dependencies_in_a_scope() {
    let table: &[(&str, &[&str], &str)] = &[
        (r#"["a" "b" {>= "1" & < "2~"}]"#, &[], "(a & b{(>=1 & <2~)})"),
        (r#""a""#, &[], "a"),
        ("[]", &[], "true"),
        (r#"["a" {build} "b"]"#, &["build"], "(a & b)"),
        (r#"["a" {build} "b"]"#, &[], "b"),
        (r#"["a" {with-test} | "b"]"#, &[], "b"),
        (r#"["a" {with-test}]"#, &[], "true"),
        (r#"["a" {with-test} & ("b" {with-doc} | "c" {with-doc})]"#, &[], "true"),
        (r#"["a" {with-test & >= "2"}]"#, &["with-test"], "a{>=2}"),
        (r#"["a" {with-test | >= "2"}]"#, &["with-test"], "a"),
        (r#"["a" {with-test | >= "2"}]"#, &[], "a{>=2}"),
        (r#"["a" {= version}]"#, &[], "a{=1.2}"),
        (r#"["a" {>= "%{version}%~"}]"#, &[], "a{>=1.2~}"),
        (r#"["a" {= nil}]"#, &[], "a"),
        (r#"["a" {nil}]"#, &[], "true"),
        (r#"["a" {!nil}]"#, &[], "true"),
        (r#"["a" {os = "linux" & > "1"} "b" {os != "linux"}]"#, &[], "a{>1}"),
        (r#"["a" {!(>= "2" & build)}]"#, &["build"], "a{<2}"),
        (r#"["a" {post} {= "1"}]"#, &["post"], ""),
        (r#"["a" | "b" | "c" & "d"]"#, &[], "(a | b | (c & d))"),
        (r#"[("a" | "b") ("c" "d")]"#, &[], "((a | b) & c & d)"),
    ];
    for (written, set, expected) in table {
        if expected.is_empty() {
            assert_eq!(parse(&format!("depends: {written}")).1.len(), 1, "{written}");
        } else {
            assert_eq!(reduced(written, set), *expected, "{written}");
        }
    }
}

#[test]
fn constraints_admit_by_opams_order() {
    let constraint = |text: &str| {
        let scope = |_: &Variable| None;
        let formula = good(&format!("depends: \"a\" {{{text}}}")).depends.reduce(&scope);
        formula.atoms()[0].versions.clone()
    };
    let table = [
        (r#">= "4.08" & < "5.0~""#, "4.14.1", true),
        (r#">= "4.08" & < "5.0~""#, "5.0~alpha", false),
        (r#"< "5.0""#, "5.0~alpha", true),
        (r#"= "1.0""#, "1.00", true),
        (r#"!= "1.0""#, "1.0-0", false),
        (r#"= "1" | > "3""#, "4", true),
        (r#"= "1" | > "3""#, "2", false),
    ];
    for (written, version, expected) in table {
        assert_eq!(constraint(written).admits(&Version::new(version).unwrap()), expected, "{written} {version}");
    }
}

#[test]
fn every_field() {
    let package = good(
        r#"
opam-version: "2.0"
name: "p"
synopsis: "s"
depopts: ["x" "y" {>= "2"}]
conflicts: ["u" {< "1"} "v"]
conflict-class: "core"
available: os != "win32" & arch = "x86_64"
flags: [conf compiler avoid-version deprecated plugin light-uninstall verbose new]
build: ["make"]
install: [["make" "install"] {os = "linux"}]
run-test: [make "test"]
substs: ["a.ml" "b"]
patches: ["one.patch" "two.patch" {os = "linux"}]
setenv: [[A = "1"] [B += "%{bin}%"]]
build-env: C =+ "x"
depexts: [["libgmp-dev"] {os-family = "debian"} ["gmp"] {os = "macos"}]
pin-depends: ["q.2.0" "git+https://q.invalid"]
extra-files: [["f" "md5=00112233445566778899aabbccddeeff"]]
x-thing: [1 2]
messages: ["hi" {success}]
url {
  src: "https://a.invalid/p.tgz"
  mirrors: "https://b.invalid/p.tgz"
  checksum: ["md5=00112233445566778899aabbccddeeff"]
  subpath: "dir"
}
extra-source "e.patch" { src: "https://a.invalid/e" checksum: "00112233445566778899aabbccddeeff" }
"#,
    );
    assert!(matches!(&package.depopts, Dependencies::Or(parts) if parts.len() == 2));
    let Dependencies::Or(conflicts) = &package.conflicts else { panic!("{:?}", package.conflicts) };
    let Formula::Atom(first) = &conflicts[0] else { panic!("{conflicts:?}") };
    assert!(matches!(&first.condition, Formula::Atom(Condition::Version(RelOp::Lt, _))));
    assert_eq!(package.conflict_classes, [PackageName::new("core").unwrap()]);
    let linux = |variable: &Variable| match variable.to_string().as_str() {
        "os" => Some("linux".into()),
        "arch" => Some("x86_64".into()),
        _ => None,
    };
    assert!(package.available.holds(&linux));
    assert!(package.has_flag(&Flag::Conf) && package.has_flag(&Flag::Other("new".into())));
    assert_eq!(package.flags.len(), 8);
    assert_eq!(package.build[0].eval(&linux), Some(vec!["make".to_owned()]));
    assert_eq!(package.install[0].eval(&|_: &Variable| None), None);
    assert_eq!(package.run_test.len(), 1);
    assert_eq!(package.substs, ["a.ml", "b"]);
    assert_eq!(package.patches.iter().filter_map(|patch| patch.eval(&|_: &Variable| None)).count(), 1);
    let operators: Vec<_> = package.setenv.iter().chain(&package.build_env).map(|update| update.operator).collect();
    assert_eq!(operators, [EnvOp::Set, EnvOp::Prepend, EnvOp::Append]);
    assert_eq!(package.depexts.len(), 2);
    assert_eq!(package.pin_depends[0].version.as_str(), "2.0");
    assert_eq!(package.extra_files[0].0, "f");
    let source = package.source.as_ref().unwrap();
    assert_eq!((source.mirrors.len(), source.checksums.len(), source.subpath.as_deref()), (1, 1, Some("dir")));
    assert_eq!(package.extra_sources[0].source.checksums[0].kind(), "md5");
    assert_eq!(package.other("x-thing").unwrap().to_string(), "[1 2]");
    assert!(package.other("messages").is_some());
}

#[test]
fn what_is_wrong_is_told_and_the_rest_is_read() {
    let (package, errors) = parse(
        "depends: [\"a b\" \"c\" {>= 3} 4]\nflags: [conf 1]\nflags: compiler\nbuild: [[\"x\" (y) true 1]]\n\
         url { checksum: \"sha1=00\" }\nconflict-class: x\navailable: [\"l\" {x}]\n",
    );
    let kinds: Vec<_> = errors.iter().map(|error| &error.fault).collect();
    assert!(matches!(kinds[0], Fault::Name(_)), "{kinds:?}");
    assert!(matches!(kinds[1], Fault::Value { expected: "a version", .. }));
    assert!(kinds.iter().any(|fault| matches!(fault, Fault::Twice(name) if name == "flags")));
    assert!(kinds.iter().any(|fault| matches!(fault, Fault::Checksum(_))));
    assert!(kinds.iter().any(|fault| matches!(fault, Fault::Missing { field: "src", .. })));
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    assert_eq!(package.flags, [Flag::Conf]);
    assert_eq!(package.depends.atoms().len(), 1);
    assert!(!package.available.holds(&|_: &Variable| Some(true.into())));
}

#[test]
fn conflicts_are_those_of_the_scope() {
    let package = good(r#"conflicts: ["a" {with-test} ("b" {< "2"} | "c" {nil}) "d" {!with-test}]"#);
    let names = |test: bool| {
        let scope = |variable: &Variable| (variable.to_string() == "with-test").then(|| test.into());
        package.conflicts_in(&scope).iter().map(|requirement| requirement.name.to_string()).collect::<String>()
    };
    assert_eq!((names(true).as_str(), names(false).as_str()), ("ab", "bd"));
}

#[test]
fn an_empty_list_of_conflicts_is_none() {
    for text in ["", "conflicts: []"] {
        assert_eq!(good(text).conflicts, Formula::False);
        assert_eq!(good(text).depopts, Formula::True);
    }
}
