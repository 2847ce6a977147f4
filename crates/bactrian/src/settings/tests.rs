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
        name: "remote",
        option: "--remote grpc://option",
        variable: Some(("BACTRIAN_REMOTE", "grpcs://variable:2/instance")),
        toml: "remote.url = 'grpc://file:3'",
        show: |build| build.means.remote.as_ref().map_or_else(String::new, |config| config.address.to_string()),
        expected: ["grpc://option:80", "grpcs://variable:2/instance", "grpc://file:3", ""],
    },
    Row {
        name: "remote, taken back",
        option: "--remote none",
        variable: Some(("BACTRIAN_REMOTE", "none")),
        toml: "remote.url = 'grpc://file:3'",
        show: |build| build.means.remote.is_some().to_string(),
        expected: ["false", "false", "true", "false"],
    },
    Row {
        name: "remote-mode",
        option: "--remote-mode execute",
        variable: Some(("BACTRIAN_REMOTE_MODE", "hybrid")),
        toml: "remote = { url = 'grpc://file', mode = 'cache' }",
        show: |build| build.means.remote.as_ref().map_or_else(String::new, |config| format!("{:?}", config.mode)),
        expected: ["Execute", "Hybrid", "Cache", ""],
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

/// What is said of an engine; none without one.
fn engine(line: &str, variables: &[(&str, &str)], toml: &str) -> Option<exec::remote::Config> {
    build(&format!("build -t x86_64-linux-musl {line}"), variables, toml).means.remote
}

#[test]
fn an_engine_is_taken_as_the_file_says() {
    use exec::remote::Mode;
    use exec::remote::config::{JOBS, PATIENCE, QUEUE_TIMEOUT, Token};

    let bare = engine("--remote grpc://farm", &[], "").unwrap();
    assert_eq!(
        (bare.mode, bare.jobs, bare.patience, bare.queue_timeout),
        (Mode::Execute, JOBS, PATIENCE, QUEUE_TIMEOUT)
    );
    assert_eq!((bare.token, bare.headers.len(), bare.platform.len()), (None, 0, 0));
    assert_eq!(bare.tls, exec::remote::config::Tls::default());

    let toml = "[remote]\nurl = 'grpcs://farm'\nca = 'ca.pem'\ncertificate = 'client.pem'\nkey = '/keys/client.key'\n\
        server-name = 'farm.example'\ntoken-file = 'token'\njobs = 200\npatience = 7\nqueue-timeout = 8\n\
        headers = { X-Team = 'blue' }\nplatform = { OSFamily = 'linux', ISA = 'x86-64' }\n\
        [remote.target.aarch64-linux-gnu]\nplatform = { pool = 'large' }\n\
        [remote.target.aarch64-linux-musl]\nrun-platform = { ISA = 'aarch64' }\n";
    let said = engine("", &[], toml).unwrap();
    // Paths are the project's.
    assert!(said.tls.ca.as_deref().is_some_and(|path| path.is_absolute() && path.ends_with("ca.pem")));
    let (certificate, key) = said.tls.client.clone().unwrap();
    assert!(certificate.is_absolute() && certificate.ends_with("client.pem"));
    assert_eq!(key, Path::new("/keys/client.key"));
    assert_eq!(said.tls.name.as_deref(), Some("farm.example"));
    assert!(matches!(&said.token, Some(Token::File(path)) if path.is_absolute() && path.ends_with("token")));
    let seconds = Duration::from_secs;
    assert_eq!((said.jobs, said.patience, said.queue_timeout), (200, seconds(7), seconds(8)));
    assert_eq!(said.headers, [("X-Team".to_owned(), "blue".to_owned())].into());
    let platform = [("ISA", "x86-64"), ("OSFamily", "linux")];
    assert_eq!(said.platform, platform.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let large = [("pool".to_owned(), "large".to_owned())].into();
    assert_eq!(said.targets, [("aarch64-linux-gnu".to_owned(), large)].into());
    let arm = [("ISA".to_owned(), "aarch64".to_owned())].into();
    assert_eq!(said.programs, [("aarch64-linux-musl".to_owned(), arm)].into());

    // The rest of the table is also that of an engine that is said elsewhere.
    let elsewhere = engine("--remote grpc://other", &[("BACTRIAN_REMOTE_TOKEN", "secret")], toml).unwrap();
    assert_eq!((elsewhere.address.to_string().as_str(), elsewhere.jobs), ("grpc://other:80", 200));
    assert_eq!(elsewhere.token, Some(Token::Text("secret".to_owned())), "the variable goes before the file");
    assert_eq!(engine("--offline", &[], toml), None);
}

#[test]
fn an_engine_that_makes_no_sense_is_a_usage_error_with_its_place() {
    let target = "build -t x86_64-linux-musl";
    for (line, variables, toml, message) in [
        ("--remote farm", &[][..], "", "--remote: `farm` is no address of an engine"),
        ("", &[("BACTRIAN_REMOTE", "ftp://farm")], "", "BACTRIAN_REMOTE: `ftp://farm` is no address of an engine"),
        ("", &[], "remote.url = 'farm'", "`remote.url` in bactrian.toml: `farm` is no address of an engine"),
        (
            "",
            &[("BACTRIAN_REMOTE_MODE", "often")],
            "remote.url = 'grpc://farm'",
            "BACTRIAN_REMOTE_MODE: `often` is none of `cache`, `execute` or `hybrid`",
        ),
        (
            "",
            &[],
            "remote = { url = 'grpc://farm', mode = 'often' }",
            "`remote.mode` in bactrian.toml: `often` is none of `cache`, `execute` or `hybrid`",
        ),
        (
            "",
            &[],
            "remote = { url = 'grpcs://farm', key = 'client.key' }",
            "`remote.certificate` in bactrian.toml: a certificate and its key go together",
        ),
    ] {
        let error = settle(&format!("{target} {line}"), variables, toml).unwrap_err();
        assert_eq!((error.exit().code(), error.message.as_str()), (2, message), "{line} {toml}");
    }
    let error = settle(target, &[], "[remote]\nplatfrom = {}").unwrap_err();
    assert_eq!((error.exit().code(), error.hints), (2, vec!["did you mean `remote.platform`?".to_owned()]));
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

#[test]
fn a_runner_is_said_by_the_option_the_variable_or_the_targets_table() {
    let toml = "[target.aarch64-linux-musl]\nrunner = 'ssh:file'\n";
    let variable = [("BACTRIAN_RUNNER", "ssh:variable")];
    let of = |line: &str, variables: &[(&str, &str)]| match settle(line, variables, toml) {
        Ok(Command::Test(test)) => test.targets.into_iter().map(|(_, runner)| runner).collect::<Vec<_>>(),
        Ok(Command::Run(run)) => vec![run.runner],
        Ok(Command::Build(build)) => build.runners.into_iter().map(|(_, runner)| runner).collect(),
        other => panic!("{other:?}"),
    };
    let ssh = |destination: &str| Some(Choice::Ssh { destination: destination.to_owned(), port: None });
    assert_eq!(of("run -t aarch64-linux-musl --runner ssh:option", &variable), [ssh("option")]);
    assert_eq!(of("run -t aarch64-linux-musl", &variable), [ssh("variable")]);
    assert_eq!(of("test -t aarch64-linux-musl,riscv64-linux-musl", &[]), [ssh("file"), None]);
    assert_eq!(of("build -t x86_64-linux-musl --runner qemu", &[]), [Some(Choice::Qemu)]);
    for (line, variables, place) in [
        ("run -t aarch64-linux-musl --runner ssh:", &[][..], "--runner: `ssh:` names no machine"),
        (
            "test -t aarch64-linux-musl",
            &[("BACTRIAN_RUNNER", "a 'b")][..],
            "BACTRIAN_RUNNER: a quotation in `a 'b` does not end",
        ),
    ] {
        let error = settle(line, variables, toml).unwrap_err();
        assert_eq!((error.exit().code(), error.message.as_str()), (2, place));
    }
}
