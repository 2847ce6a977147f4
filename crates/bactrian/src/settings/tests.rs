use clap::Parser as _;

use super::look as look_of;
use super::*;

/// The settings of a command line in a project with this `bactrian.toml`.
fn settle(line: &str, variables: &[(&str, &str)], toml: &str) -> Result<Command, CommandError> {
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join(file::NAME), toml).unwrap();
    let home = [("HOME", "/home/me")];
    let around = Surroundings {
        directory: project.path().to_owned(),
        env: home.iter().chain(variables).copied().collect(),
        ..Surroundings::for_test([])
    };
    let args = Args::try_parse_from(std::iter::once("bactrian").chain(line.split_whitespace())).unwrap();
    command(args, &around).map(|command| relative(command, &project))
}

/// The same settings with the project at `/p`.
fn relative(command: Command, project: &tempfile::TempDir) -> Command {
    let moved = |path: PathBuf| path.strip_prefix(project).map_or(path.clone(), |rest| PathBuf::from("/p").join(rest));
    match command {
        Command::Build(mut build) => {
            build.means.store = moved(build.means.store);
            for mirror in &mut build.means.mirrors {
                if let PlaceName::Directory(directory) = mirror {
                    *directory = moved(directory.clone());
                }
            }
            for file in &mut build.means.quirks {
                *file = moved(file.clone());
            }
            let timings = build.timings.map(moved);
            Command::Build(Build { project: moved(build.project), output: moved(build.output), timings, ..build })
        }
        other => other,
    }
}

fn build(line: &str, variables: &[(&str, &str)], toml: &str) -> Build {
    match settle(line, variables, toml).unwrap() {
        Command::Build(build) => build,
        other => panic!("{other:?}"),
    }
}

/// One setting, seen as text, as said by option, variable, file and default.
struct Row {
    name: &'static str,
    option: &'static str,
    variable: Option<(&'static str, &'static str)>,
    toml: &'static str,
    show: fn(&Build) -> String,
    /// In the order of precedence: option, variable, file, default.
    expected: [&'static str; 4],
}

const ROWS: &[Row] = &[
    Row {
        name: "targets",
        option: "-t x86_64-linux-musl",
        variable: Some(("BACTRIAN_TARGET", "aarch64-linux-musl,riscv64-linux-musl")),
        toml: "targets = ['x86_64-linux-gnu']",
        show: |build| build.goals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        expected: ["x86_64-linux-musl", "aarch64-linux-musl riscv64-linux-musl", "x86_64-linux-gnu.2.28", "-"],
    },
    Row {
        name: "ocaml",
        option: "--ocaml 5.1.0",
        variable: Some(("BACTRIAN_OCAML", "5.2.0")),
        toml: "ocaml = '5.3.0'",
        show: |build| format!("{:?}", build.means.ocaml.map(|version| version.to_string())),
        expected: ["Some(\"5.1.0\")", "Some(\"5.2.0\")", "Some(\"5.3.0\")", "None"],
    },
    Row {
        name: "store",
        option: "--store a",
        variable: Some(("BACTRIAN_STORE", "b")),
        toml: "store = 'c'",
        show: |build| build.means.store.display().to_string(),
        expected: ["/p/a", "/p/b", "/p/c", "/home/me/.cache/bactrian"],
    },
    Row {
        name: "mirrors",
        option: "--mirror a --mirror https://b",
        variable: Some(("BACTRIAN_MIRROR", "http://c,/d")),
        toml: "mirrors = ['e']",
        show: |build| format!("{:?}", build.means.mirrors),
        expected: [
            r#"[Directory("/p/a"), Url("https://b")]"#,
            r#"[Url("http://c"), Directory("/d")]"#,
            r#"[Directory("/p/e")]"#,
            "[]",
        ],
    },
    Row {
        name: "quirks",
        option: "--quirks a --quirks /b",
        variable: Some(("BACTRIAN_QUIRKS", "c,/d")),
        toml: "quirks = ['e']",
        show: |build| format!("{:?}", build.means.quirks),
        expected: [r#"["/p/a", "/b"]"#, r#"["/p/c", "/d"]"#, r#"["/p/e"]"#, "[]"],
    },
    Row {
        name: "offline",
        option: "--offline",
        variable: Some(("BACTRIAN_OFFLINE", "no")),
        toml: "offline = true",
        show: |build| build.means.offline.to_string(),
        expected: ["true", "false", "true", "false"],
    },
    Row {
        name: "jobs",
        option: "-j7",
        variable: Some(("BACTRIAN_JOBS", "6")),
        toml: "jobs = 5",
        show: |build| build.means.jobs.to_string(),
        expected: ["7", "6", "5", "2"],
    },
    Row {
        name: "output",
        option: "-o a",
        variable: None,
        toml: "output = 'c'",
        show: |build| build.output.display().to_string(),
        expected: ["/p/a", "/p/c", "/p/c", "/p/dist"],
    },
];

/// Option, variables, file.
type Said = (&'static str, &'static [(&'static str, &'static str)], &'static str);

#[test]
fn precedence() {
    for row in ROWS {
        // Something must be built for, whatever row is looked at.
        let base = if row.name == "targets" { "" } else { "-t x86_64-linux-musl" };
        let said: [Said; 4] = [
            (row.option, row.variable.as_slice(), row.toml),
            ("", row.variable.as_slice(), row.toml),
            ("", &[], row.toml),
            ("", &[], ""),
        ];
        for ((option, variables, toml), expected) in said.into_iter().zip(row.expected) {
            if expected != "-" {
                let build = build(&format!("build {base} {option}"), variables, toml);
                assert_eq!((row.show)(&build), expected, "{} {option:?} {variables:?} {toml:?}", row.name);
            }
        }
    }
}

#[test]
fn the_cache_of_the_user() {
    let target = "build -t x86_64-linux-musl";
    assert_eq!(build(target, &[("XDG_CACHE_HOME", "/c")], "").means.store, PathBuf::from("/c/bactrian"));
    assert_eq!(build(target, &[("XDG_CACHE_HOME", "c")], "").means.store, PathBuf::from("/home/me/.cache/bactrian"));
    assert_eq!(settle(target, &[("HOME", "")], "").unwrap_err().exit().code(), 4);
}

#[test]
fn targets_are_not_repeated() {
    let build = build("build -t x86_64-linux-gnu,x86_64-pc-linux-gnu.2.28", &[], "");
    assert_eq!(build.goals.len(), 1);
}

#[test]
fn what_makes_no_sense() {
    for (line, variables, toml, message) in [
        ("build", &[][..], "", "there is no target to build for"),
        ("build -t x86", &[], "", "--target: there is no target `x86`"),
        ("build", &[("BACTRIAN_TARGET", "a,b")], "", "BACTRIAN_TARGET: there is no target `a`"),
        ("build -t x86_64-linux-musl -j 0", &[], "", "--jobs: `0` is no positive number"),
        (
            "build -t x86_64-linux-musl",
            &[("BACTRIAN_OFFLINE", "maybe")],
            "",
            "BACTRIAN_OFFLINE: `maybe` is neither `1` nor `0`",
        ),
        ("build -t x86_64-linux-musl --ocaml 5", &[], "", "--ocaml: `5` is not a version of OCaml of the form 5.3.0"),
        ("run", &[], "targets = ['x86_64-linux-musl', 'aarch64-linux-musl']", "this takes one target, and there are 2"),
        ("store gc --max-size much", &[], "", "`--max-size much`: `much` does not begin with a whole number"),
    ] {
        let error = settle(line, variables, toml).unwrap_err();
        assert_eq!((error.exit().code(), error.message.as_str()), (2, message), "{line}");
    }
}

#[test]
fn mistakes_in_the_file_are_usage_errors_with_their_place() {
    let error = settle("build", &[], "\ntarget = 1").unwrap_err();
    assert_eq!(error.exit().code(), 2);
    assert!(error.message.ends_with("bactrian.toml:2:1: there is no key `target`"), "{}", error.message);
    assert_eq!(error.hints, ["did you mean `targets`?"]);
}

#[test]
fn how_output_looks() {
    let look = |line: &str, variables: &[(&str, &str)]| {
        let args = Args::try_parse_from(std::iter::once("bactrian").chain(line.split_whitespace())).unwrap();
        let around = Surroundings { env: variables.iter().copied().collect(), ..Surroundings::for_test([]) };
        look_of(&args, &around)
    };
    let all = [("BACTRIAN_MESSAGE_FORMAT", "json"), ("BACTRIAN_COLOR", "never"), ("BACTRIAN_VERBOSITY", "quiet")];
    assert_eq!(look("target list", &[]).unwrap(), Look::DEFAULT);
    let said = look("target list", &all).unwrap();
    assert_eq!(said.format, args::MessageFormat::Json);
    assert_eq!((said.color, said.verbosity), (args::ColorChoice::Never, Verbosity::Quiet));
    let said = look("target list -v --color always --message-format human", &all).unwrap();
    assert_eq!(said.format, args::MessageFormat::Human);
    assert_eq!((said.color, said.verbosity), (args::ColorChoice::Always, Verbosity::Verbose));
    let error = look("target list", &[("BACTRIAN_COLOR", "red")]).unwrap_err();
    assert_eq!(error.message, "BACTRIAN_COLOR: `red` is none of `auto`, `always` or `never`");
    assert!(look("exec -t x -- y", &[]).unwrap().stdout_is_taken);
}

#[test]
fn timings_go_beside_what_is_delivered_or_where_they_are_said_to() {
    for (line, place) in [
        ("build -t x86_64-linux-musl", None),
        ("build -t x86_64-linux-musl --timings", Some("/p/dist")),
        ("build -t x86_64-linux-musl --timings -o out", Some("/p/out")),
        ("build -t x86_64-linux-musl --timings=where -o out", Some("/p/where")),
    ] {
        let timings = build(line, &[], "").timings;
        assert_eq!(timings.as_deref().map(Path::display).map(|path| path.to_string()).as_deref(), place, "{line}");
    }
}
