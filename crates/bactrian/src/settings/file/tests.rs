use super::*;

#[test]
fn everything_at_once() {
    let file = parse(
        "targets = ['aarch64-unknown-linux-musl', 'x86_64-linux-gnu.2.17']\nocaml = '5.3.0'\nmirrors = ['a', 'https://b']\n\
         store = 's'\njobs = 3\noffline = true\noutput = 'o'\n[run]\nbin = 'hello'\n",
    )
    .unwrap();
    let targets: Vec<String> = file.targets.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(targets, ["aarch64-linux-musl", "x86_64-linux-gnu.2.17"]);
    assert_eq!(file.ocaml, Some(OcamlVersion::new(5, 3, 0)));
    assert_eq!(file.mirrors.unwrap(), ["a", "https://b"]);
    assert_eq!((file.store, file.output), (Some("s".into()), Some("o".into())));
    assert_eq!((file.jobs.unwrap().get(), file.offline, file.bin), (3, Some(true), Some("hello".to_owned())));
    let runners =
        parse("[target.aarch64-linux-musl]\nrunner = 'ssh:pi'\n[target.aarch64-linux-gnu]\nrunner = 'x y'").unwrap();
    let of = |name: &str| runners.runner(name.parse().unwrap()).cloned();
    assert_eq!(of("aarch64-linux-musl"), Some(Choice::Ssh { destination: "pi".to_owned(), port: None }));
    assert_eq!(of("aarch64-linux-gnu.2.31"), Some(Choice::Command(vec!["x".to_owned(), "y".to_owned()])));
    assert_eq!(of("x86_64-linux-musl"), None);
    assert_eq!(parse("run = { bin = 'x' }").unwrap().bin, Some("x".to_owned()));
    assert_eq!(parse(""), Ok(File::default()));
}

/// Each key of the reference is one the reader knows, with its example.
#[test]
fn keys_and_examples_are_read() {
    for key in KEYS {
        let name = key.name.replace("TARGET", "aarch64-linux-gnu");
        // Those of a toolchain go together with a compiler.
        let alone = ["cc", "cmake", "ndk"].iter().any(|way| name.ends_with(way)) || !name.contains("toolchain.");
        let with = if name.ends_with(".api") { "ndk" } else { "cc" };
        let rest = if alone { String::new() } else { format!("toolchain.aarch64-linux-gnu.{with} = 'x'") };
        let known = parse(&rest);
        let file = parse(&format!("{rest}\n{name} = {}", key.example));
        assert!(file.is_ok() && file != known, "{}: {file:?}", key.name);
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let all = |text: &str| {
        let faults = parse(text).unwrap_err();
        let line = |fault: &Fault| format!("{fault} ({})", fault.hint.as_deref().unwrap_or("-"));
        faults.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(all("jobs = 2\ntarget = ['x']\n[run]\n  bni = 'y'\n"), @"
    2:1: there is no key `target` (did you mean `targets`?)
    4:3: there is no key `run.bni` (did you mean `run.bin`?)
    ");
    insta::assert_snapshot!(all("targets = ['aarch64-linux-musl',\n 'aarch64-linux-msul', 7]\njobs = 0\nocaml = '5'\nrun = 1\n"), @"
    2:2: there is no target `aarch64-linux-msul` (did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all)
    2:24: this is to be a string, not an integer (-)
    3:8: this is to be a positive number, not 0 (-)
    4:9: `5` is not a version of OCaml of the form 5.3.0 (-)
    5:7: this is to be a table, not an integer (-)
    ");
    insta::assert_snapshot!(all("[target.aarch64-linux-msul]\nrunner = 'x'\n[target.aarch64-linux-musl]\nruner = 'x'\nrunner = ' '"), @"
    1:9: there is no target `aarch64-linux-msul` (did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all)
    4:1: there is no key `target.aarch64-linux-musl.runer` (did you mean `target.aarch64-linux-musl.runner`?)
    5:10: a runner is a command, and this is none (-)
    ");
    insta::assert_snapshot!(all(
        "[toolchain.aarch64-linux-msul]\ncc = 'x'\n[toolchain.aarch64-linux-gnu]\ncc = 'x'\nsysrot = 'y'\nldflags = '-s'\n\
         [toolchain.riscv64-linux-musl]\nar = 'x'\n[toolchain.x86_64-linux-musl]\ncc = 'x'\nndk = 'y'\n"), @"
    1:12: there is no target `aarch64-linux-msul` (did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all)
    5:1: there is no key `toolchain.aarch64-linux-gnu.sysrot` (did you mean `toolchain.aarch64-linux-gnu.sysroot`?)
    6:11: this is to be a list of strings, not a string (-)
    7:12: one of `cc`, `cmake` and `ndk` is to be here (say the compiler with `cc`, or where it is said with `cmake` or `ndk`)
    9:12: one of `cc`, `cmake` and `ndk` is to be here (say the compiler with `cc`, or where it is said with `cmake` or `ndk`)
    ");
    insta::assert_snapshot!(all("[remote.target.aarch64-linux-msul]\n[remote.target.aarch64-linux-gnu]\nplatfrom = { a = 'b' }\n"), @"
    1:16: there is no target `aarch64-linux-msul` (did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all)
    3:1: there is no key `remote.target.aarch64-linux-gnu.platfrom` (did you mean `remote.target.aarch64-linux-gnu.platform`?)
    ");
    insta::assert_snapshot!(all("größe = 1"), @"1:3: invalid unquoted key, expected letters, numbers, `-`, `_` (-)");
    insta::assert_snapshot!(all("é = 1\njobs = = 2"), @"2:8: extra `=`, expected nothing (-)");
    insta::assert_snapshot!(all("jobs = 1\njobs = 2"), @"2:1: duplicate key (-)");
    insta::assert_snapshot!(all("targets = 'x'\noffline = 'yes'"), @"
    1:11: this is to be a list of strings, not a string (-)
    2:11: this is to be true or false, not a string (-)
    ");
}
