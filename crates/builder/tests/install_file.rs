//! Reading `.install` files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test"
)]

use builder::install::{self, InstallProblem, Section};

fn targets(text: &str) -> Vec<(String, String)> {
    let entries = install::parse(text.as_bytes()).unwrap();
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    entries.iter().map(|entry| (show(&entry.source), show(&entry.target(b"pkg", b"/out").unwrap()))).collect()
}

/// Section by section, the place of a file without and with a name of its own.
#[test]
fn sections() {
    for (section, plain, named) in [
        ("lib", "lib/pkg/b.c", "lib/pkg/d/e"),
        ("lib_root", "lib/b.c", "lib/d/e"),
        ("libexec", "lib/pkg/b.c", "lib/pkg/d/e"),
        ("libexec_root", "lib/b.c", "lib/d/e"),
        ("bin", "bin/b.c", "bin/d/e"),
        ("sbin", "sbin/b.c", "sbin/d/e"),
        ("toplevel", "lib/toplevel/b.c", "lib/toplevel/d/e"),
        ("share", "share/pkg/b.c", "share/pkg/d/e"),
        ("share_root", "share/b.c", "share/d/e"),
        ("etc", "etc/pkg/b.c", "etc/pkg/d/e"),
        ("doc", "doc/pkg/b.c", "doc/pkg/d/e"),
        ("stublibs", "lib/stublibs/b.c", "lib/stublibs/d/e"),
    ] {
        let text = format!("{section}: [ \"a/b.c\" \"?x\" {{\"d/e\"}} ]");
        let expected = [("a/b.c".to_owned(), plain.to_owned()), ("x".to_owned(), named.to_owned())];
        assert_eq!(targets(&text), expected, "{section}");
    }
}

#[test]
fn what_dune_and_opam_write() {
    let text = r#"
# a comment
lib: [
  "_build/install/default/lib/pkg/META" (* another (* nested *) *)
  "_build/install/default/lib/pkg/p.cmi" {"sub/p.cmi"}
  "x" {"../../aarch64-sysroot/lib/x"}
]
man: [ "doc/pkg.1" "m.3o" {"man3/m.3o"} "z.5.gz" ]
bin: "a.exe" {"a"}
misc: [ "k" {"/out/share/k"} ]
doc: []
"#;
    let expected = [
        ("_build/install/default/lib/pkg/META", "lib/pkg/META"),
        ("_build/install/default/lib/pkg/p.cmi", "lib/pkg/sub/p.cmi"),
        ("x", "aarch64-sysroot/lib/x"),
        ("doc/pkg.1", "man/man1/pkg.1"),
        ("m.3o", "man/man3/m.3o"),
        ("z.5.gz", "man/man5/z.5.gz"),
        ("a.exe", "bin/a"),
        ("k", "share/k"),
    ];
    assert_eq!(targets(text), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn optional_files_and_execute_bits() {
    let entries = install::parse(b"stublibs: [\"?a.so\"] lib: [\"b\"]").unwrap();
    assert!(entries[0].optional && entries[0].section.is_executable() && entries[0].section == Section::Stublibs);
    assert!(!entries[1].optional && !entries[1].section.is_executable());
}

#[test]
fn escapes() {
    assert_eq!(
        targets(r#"lib: ["a\x20b\"\\\065" {"""q"uoted"""}]"#),
        [("a b\"\\A".to_owned(), "lib/pkg/q\"uoted".to_owned())]
    );
}

#[test]
fn errors_have_spans() {
    for (text, span, problem) in [
        ("lib: [ \"a\" ", 11, InstallProblem::Expected("a string")),
        ("lib: [ \"a ", 7, InstallProblem::Unterminated),
        ("(* (* *)", 0, InstallProblem::Unterminated),
        ("lib \"a\"", 4, InstallProblem::Expected("`:`")),
        ("lub: []", 0, InstallProblem::UnknownSection("lub".into())),
        ("lib: [\"a\" {\"b\" \"c\"}]", 15, InstallProblem::Expected("`}`")),
        ("lib: [\"\\q\"]", 7, InstallProblem::Escape),
        ("{", 0, InstallProblem::Expected("the name of a section")),
    ] {
        let error = install::parse(text.as_bytes()).expect_err(text);
        assert_eq!((error.span.start, &error.problem), (span, &problem), "{text}");
        assert!(error.span.end <= text.len().max(error.span.start), "{text}: {:?}", error.span);
    }
}

#[test]
fn nothing_leaves_the_prefix() {
    for (text, expected) in [
        ("lib: [\"a\" {\"../../../etc/passwd\"}]", InstallProblem::Outside("../../../etc/passwd".into())),
        ("bin: [\"..\"]", InstallProblem::Outside("..".into())),
        ("misc: [\"a\" {\"/etc/passwd\"}]", InstallProblem::Outside("/etc/passwd".into())),
        ("misc: [\"a\" {\"/out/../etc/passwd\"}]", InstallProblem::Outside("../etc/passwd".into())),
        ("misc: [\"a\" {\"/outside\"}]", InstallProblem::Outside("/outside".into())),
        ("misc: [\"a\"]", InstallProblem::NoDestination),
        ("man: [\"a\"]", InstallProblem::ManualPage("a".into())),
    ] {
        let entries = install::parse(text.as_bytes()).unwrap();
        let error = entries[0].target(b"pkg", b"/out").expect_err(text);
        assert_eq!(error.problem, expected, "{text}");
    }
}
