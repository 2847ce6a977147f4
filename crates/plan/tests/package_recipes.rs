//! Recipes of packages that read opam's own files, run by the shell over files of the test's own.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a script is tested by running it; the crate itself does no IO"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn recipe(name: &str, arguments: &[&Path], environment: &[(&str, &str)]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/package").join(name);
    let mut line = Command::new("sh");
    line.env_clear().env("PATH", "/usr/bin:/bin").envs(environment.iter().copied()).arg(script).args(arguments);
    line.output().unwrap()
}

/// What becomes of a `.config` file: its variables, or what is told of it.
fn given(name: &str, text: &str) -> Result<Vec<(String, String)>, String> {
    let here = directory(name);
    let [install, config, to] = ["x.install", "x.config", "variables"].map(|file| here.join(file));
    fs::write(&config, text).unwrap();
    let output = recipe("results.sh", &[&install, &config, &to], &[]);
    assert!(install.is_file());
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let mut found: Vec<_> = fs::read_dir(&to)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect();
    found.sort();
    Ok(found)
}

#[test]
fn variables_that_a_package_gives_become_files() {
    let text = "opam-version: \"2.0\"\nfile-depends: [\"/usr/bin/x\" \"md5=0\"]\n# a comment }\n\
                variables {\n  cmd: \"a \\\"b\\\" \\\\c\" yes: true\n  flags: [\"-lx\" \"-ly\"]\n  empty: \"\" none: []\n}\n";
    let expected = [("cmd", "a \"b\" \\c"), ("empty", ""), ("flags", "-lx -ly"), ("none", ""), ("yes", "true")];
    assert_eq!(given("given", text).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(given("given-nothing", "opam-version: \"2.0\"\n").unwrap(), []);
}

#[test]
fn a_malformed_file_of_variables_fails_the_build() {
    for (text, why) in [
        ("variables { a: \"x", "a text without an end"),
        ("variables { a \"x\" }", "`:` is missing behind a"),
        ("variables { a: [ b ] }", "a list has texts in it, and no b"),
        ("variables { a: { } }", "a variable is a text, a truth value or a list of texts, and no {"),
        ("variables { a: \"x\"", "a variable has a name"),
        ("others { }", "`:` is missing behind others"),
    ] {
        let told = given("malformed", text).unwrap_err();
        assert!(told.contains(why), "{text}: {told}");
    }
}

#[test]
fn a_package_without_either_file_leaves_nothing() {
    let here = directory("neither");
    let [install, config, to] = ["x.install", "x.config", "variables"].map(|file| here.join(file));
    assert!(recipe("results.sh", &[&install, &config, &to], &[]).status.success());
    assert_eq!(fs::read(&install).unwrap(), b"");
    assert!(!to.exists());
}

#[test]
fn variables_are_put_into_files() {
    let here = directory("substitute");
    let (target, host) = (here.join("target"), here.join("host"));
    fs::create_dir_all(target.join(".bactrian/b.config")).unwrap();
    fs::create_dir_all(host.join(".bactrian/tool.config")).unwrap();
    fs::write(target.join(".bactrian/b.config/flags"), "-lb -lm").unwrap();
    fs::write(host.join(".bactrian/tool.config/cmd"), "tool 1\ntool 2").unwrap();
    let table = here.join("variables");
    let known = ":prefix\t/target\n:name\tx\n_:version\t1.0\na:installed\ttrue\nb:installed\ttrue\nb:lib\t/t/lib/b\n";
    fs::write(&table, known).unwrap();
    let prefixes = format!("{}:{}", target.display(), host.display());
    let substitute = |text: &str| {
        let file = here.join("file");
        fs::write(here.join("file.in"), text).unwrap();
        let environment = [("VARIABLES", table.to_str().unwrap()), ("PREFIXES", &prefixes)];
        let output = recipe("substitute.sh", &[&file], &environment);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(file).unwrap()
    };
    for (text, expected) in [
        ("nothing % at {all}%\n", "nothing % at {all}%\n"),
        ("%{prefix}%/x %{name}%.%{_:version}%\n", "/target/x x.1.0\n"),
        ("100%% of %{b:lib}%, & \\1\n", "100% of /t/lib/b, & \\1\n"),
        ("[%{nobody:lib}%] [%{nowhere}%]\n", "[] []\n"),
        ("%{a:installed}% %{c:installed}% %{a+b:installed}% %{a+c:installed}%\n", "true false true false\n"),
        ("%{a:installed?yes:no}% %{c:installed?yes:no}% %{a:enable}% %{c:enable}%\n", "yes no enable disable\n"),
        ("%{b:flags}%|%{tool:cmd}%|%{b:none}%\n", "-lb -lm|tool 1\ntool 2|\n"),
        ("left open: %{prefix\n%{name}%\n", "left open: %{prefix\nx\n"),
        ("%{prefix}%%{name}%\n", "/targetx\n"),
    ] {
        assert_eq!(substitute(text), expected, "{text}");
    }
}

#[test]
fn a_file_to_be_made_of_nothing_is_told() {
    let here = directory("substitute-absent");
    let output = recipe("substitute.sh", &[&here.join("gone")], &[("VARIABLES", "/dev/null"), ("PREFIXES", "/none")]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("gone.in, which is not there"));
}

/// What becomes of a dune file; nothing if it stays as it is.
fn hosted(name: &str, text: &str) -> Option<String> {
    let here = directory(name);
    let (from, to) = (here.join("from"), here.join("to"));
    for place in ["sub", "_build", ".hidden"] {
        fs::create_dir_all(from.join(place)).unwrap();
        fs::write(from.join(place).join("dune"), text).unwrap();
    }
    fs::create_dir(&to).unwrap();
    let output = recipe("generators.sh", &[&from, &to], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!to.join("_build/dune").exists() && !to.join(".hidden/dune").exists());
    assert_eq!(fs::read_to_string(from.join("sub/dune")).unwrap(), text);
    fs::read_to_string(to.join("sub/dune")).ok()
}

#[test]
fn rules_run_the_build_machine_s_generators() {
    for (text, expected) in [
        (
            "(executable (name gen))\n(rule\n (targets x.ml)\n (deps (:gen gen.exe) data)\n (action (with-stdout-to %{targets} (run %{gen} a))))\n",
            "(executable (name gen))\n(rule\n (targets x.ml)\n (deps  data)\n (action (with-stdout-to %{targets} (run %{exe:gen.exe} a))))\n",
        ),
        // The action before the dependency, over lines, two programs, one of them by a shell.
        (
            "(rule (action (progn (run\n  %{a}) (system \"%{b-2} -x\")))\n (deps (:a ../g/a.exe) (:b-2\n  b.exe)))\n",
            "(rule (action (progn (run\n  %{exe:../g/a.exe}) (system \"%{exe:b.exe} -x\")))\n (deps  ))\n",
        ),
    ] {
        assert_eq!(hosted("hosted", text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        // Copied, or given to another program: the target's own is meant.
        "(rule (deps (:gen gen.exe)) (action (copy %{gen} x)))\n",
        "(rule (deps (:gen gen.exe)) (action (run tool %{gen})))\n",
        "(rule (deps (:gen gen.exe)) (action (progn (run %{gen}) (copy %{gen} x))))\n",
        // A name of another stanza, of several files, and no program.
        "(rule (deps (:gen gen.exe)) (action (run tool)))\n(rule (deps (:gen a.sh)) (action (run %{gen})))\n",
        "(rule (deps (:gen a.exe b.exe)) (action (run %{gen})))\n",
        "(rule (deps (:gen %{exe:gen.exe})) (action (run %{gen})))\n",
        "(rule (deps (:x data)) (action (run gen.exe %{x})))\n",
    ] {
        assert_eq!(hosted("unhosted", text), None, "{text}");
    }
}
