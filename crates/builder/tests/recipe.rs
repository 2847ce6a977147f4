//! The text form of recipes: round trips of random recipes, one golden text, and what is refused.
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

mod common;

use std::collections::BTreeMap;

use builder::{Bytes, Fault, Problem, Recipe, Step};
use common::Random;

fn bytes(random: &mut Random) -> Bytes {
    const INTERESTING: [&[u8]; 12] =
        [b" ", b"\n", b"\"", b"\\", b"\t", b"--", b"=", b"x", b"\xff", b"\xc3\xa9", b"\r", b"\x7f"];
    let mut out = Vec::new();
    for _ in 0..random.below(6) {
        match random.below(3) {
            0 => out.extend_from_slice(INTERESTING[random.below(INTERESTING.len())]),
            1 => out.push(u8::try_from(random.below(255) + 1).unwrap()),
            _ => out.extend_from_slice(b"word"),
        }
    }
    out.into()
}

fn some(random: &mut Random) -> Bytes {
    Bytes::from([b"s", bytes(random).as_slice()].concat())
}

fn path(random: &mut Random) -> Bytes {
    let mut out = Vec::new();
    for _ in 0..=random.below(3) {
        out.push(b'/');
        out.push(b'p');
        out.extend(bytes(random).iter().filter(|byte| **byte != b'/'));
    }
    out.into()
}

fn contents(random: &mut Random) -> Bytes {
    let mut out = Vec::new();
    for _ in 0..random.below(4) {
        out.extend_from_slice(&bytes(random));
        let ends: [&[u8]; 4] = [b"\n", b"", b"\0", b"\n\n"];
        out.extend_from_slice(ends[random.below(ends.len())]);
    }
    out.into()
}

fn step(random: &mut Random) -> Step {
    match random.below(12) {
        0 => Step::Mkdir { path: path(random) },
        1 => Step::Copy { from: path(random), to: path(random) },
        2 => Step::Move { from: path(random), to: path(random) },
        3 => Step::Remove { path: path(random) },
        4 => Step::Write { path: path(random), contents: contents(random), executable: random.below(2) == 0 },
        5 => Step::Append { path: path(random), contents: contents(random) },
        6 => Step::Substitute { path: path(random), from: some(random), to: contents(random) },
        7 => Step::Patch { file: path(random), dir: path(random), strip: u32::try_from(random.below(12)).unwrap() },
        8 => Step::Symlink { path: path(random), target: some(random) },
        9 => Step::Union { from: path(random), to: path(random) },
        10 => {
            let name = |random: &mut Random| {
                some(random).iter().copied().filter(|byte| *byte != b'=').collect::<Vec<_>>().into()
            };
            let env = (0..random.below(4)).map(|_| (name(random), bytes(random))).collect();
            let mut argv = vec![some(random)];
            argv.extend((0..random.below(4)).map(|_| bytes(random)));
            Step::Run { argv, cwd: path(random), env }
        }
        _ => {
            let package = some(random).iter().copied().filter(|byte| *byte != b'/').collect::<Vec<_>>().into();
            Step::Install { file: path(random), package, prefix: path(random), source: path(random) }
        }
    }
}

#[test]
fn random_recipes_survive_the_round_trip() {
    for seed in 1..2000 {
        let mut random = Random::seeded(seed);
        let recipe = Recipe { steps: (0..random.below(6)).map(|_| step(&mut random)).collect() };
        let text = recipe.encode();
        assert_eq!(Recipe::parse(&text).as_ref(), Ok(&recipe), "seed {seed}:\n{}", text.escape_ascii());
        assert!(text.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')), "seed {seed} is not readable");
    }
}

#[test]
fn damaged_texts_never_panic_and_never_read_as_something_else() {
    for seed in 1..2000 {
        let mut random = Random::seeded(seed);
        let recipe = Recipe { steps: (0..3).map(|_| step(&mut random)).collect() };
        let mut text = recipe.encode();
        let at = random.below(text.len());
        text[at] = *random.pick(b"\"\\ \n/x-\xff=");
        if let Ok(other) = Recipe::parse(&text) {
            assert_eq!(Recipe::parse(&other.encode()), Ok(other), "seed {seed}");
        }
    }
}

/// The digest of every action depends on these bytes: whoever changes them changes the version in the first line.
#[test]
fn golden() {
    let env = BTreeMap::from([("CFLAGS".into(), "-O2 -g".into()), ("A".into(), "".into())]);
    let recipe = Recipe {
        steps: vec![
            Step::Mkdir { path: "/build".into() },
            Step::Copy { from: "/src".into(), to: "/build/a b".into() },
            Step::Move { from: "/a".into(), to: "/b".into() },
            Step::Remove { path: "/b".into() },
            Step::Write {
                path: "/build/config.mk".into(),
                contents: "CC = \"zig cc\"\n\nend".into(),
                executable: false,
            },
            Step::Write { path: "/empty".into(), contents: "".into(), executable: true },
            Step::Append { path: "/build/config.mk".into(), contents: "\u{e9}\t\0\n".into() },
            Step::Substitute { path: "/f".into(), from: "\\".into(), to: "".into() },
            Step::Patch { file: "/p.diff".into(), dir: "/build".into(), strip: 1 },
            Step::Symlink { path: "/l".into(), target: "../x".into() },
            Step::Union { from: "/deps/zarith".into(), to: "/target".into() },
            Step::Run {
                argv: vec!["sh".into(), "-c".into(), "make && true".into(), "--".into()],
                cwd: "/".into(),
                env,
            },
            Step::Install {
                file: "/b/x.install".into(),
                package: "x".into(),
                prefix: "/out".into(),
                source: "/b".into(),
            },
        ],
    };
    let text = r#"bactrian-recipe 1
mkdir /build
copy /src "/build/a b"
move /a /b
remove /b
write /build/config.mk plain
  "CC = \"zig cc\"\n"
  "\n"
  "end"
write /empty executable
append /build/config.mk
  "\xc3\xa9\t\x00\n"
substitute /f "\\" ""
patch /p.diff /build 1
symlink /l ../x
union /deps/zarith /target
run / A= "CFLAGS=-O2 -g" -- sh -c "make && true" --
install /b/x.install x /out /b
"#;
    assert_eq!(String::from_utf8(recipe.encode()).unwrap(), text);
    assert_eq!(Recipe::parse(text.as_bytes()), Ok(recipe));
}

#[test]
fn bad_texts_are_refused_with_their_line() {
    let table: &[(&str, usize, Problem)] = &[
        ("bactrian-recipe 2\n", 1, Problem::Header),
        ("", 1, Problem::Truncated),
        ("bactrian-recipe 1\nmkdir /a", 2, Problem::Truncated),
        ("bactrian-recipe 1\n\n", 2, Problem::Quoting(0)),
        ("bactrian-recipe 1\nfly /a\n", 2, Problem::UnknownStep("fly".into())),
        ("bactrian-recipe 1\nmkdir  /a\n", 2, Problem::Quoting(6)),
        ("bactrian-recipe 1\nmkdir /a\nmkdir \"/a\n", 3, Problem::Quoting(9)),
        ("bactrian-recipe 1\nmkdir \"/\\q\"\n", 2, Problem::Quoting(8)),
        ("bactrian-recipe 1\nmkdir\n", 2, Problem::Form("mkdir PATH")),
        ("bactrian-recipe 1\nmkdir /a /b\n", 2, Problem::Form("mkdir PATH")),
        ("bactrian-recipe 1\n  \"x\"\n", 2, Problem::StrayContents),
        ("bactrian-recipe 1\nwrite /a plain\n  x y\n", 3, Problem::Form("\"one quoted string\"")),
        ("bactrian-recipe 1\nwrite /a sticky\n", 2, Problem::Form("write PATH plain|executable")),
        ("bactrian-recipe 1\npatch /a /b 01\n", 2, Problem::Form("patch FILE DIR STRIP")),
        ("bactrian-recipe 1\nrun / A=1 A=2 -- x\n", 2, Problem::DuplicateVariable("A".into())),
        ("bactrian-recipe 1\nrun / =2 -- x\n", 2, Problem::Fault(Fault::VariableName("".into()))),
        ("bactrian-recipe 1\nrun / --\n", 2, Problem::Fault(Fault::NoProgram)),
        ("bactrian-recipe 1\nmkdir a\n", 2, Problem::Fault(Fault::NotARootPath("a".into()))),
        ("bactrian-recipe 1\nmkdir /a/../b\n", 2, Problem::Fault(Fault::NotARootPath("/a/../b".into()))),
        ("bactrian-recipe 1\nmkdir /a//b\n", 2, Problem::Fault(Fault::NotARootPath("/a//b".into()))),
        ("bactrian-recipe 1\nmkdir \"/\\x00\"\n", 2, Problem::Fault(Fault::ZeroByte("/\0".into()))),
        ("bactrian-recipe 1\nsubstitute /a \"\" b\n", 2, Problem::Fault(Fault::Empty("what to substitute"))),
        ("bactrian-recipe 1\ninstall /a ../b /c /d\n", 2, Problem::Fault(Fault::PackageName("../b".into()))),
    ];
    for (text, line, problem) in table {
        let error = Recipe::parse(text.as_bytes()).expect_err(text);
        assert_eq!((error.line, &error.problem), (*line, problem), "{text}");
    }
}
