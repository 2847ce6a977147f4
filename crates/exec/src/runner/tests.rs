use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::*;

fn program(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What is called like ssh and runs the command on this machine, as sshd has a shell do it.
fn fake_ssh(directory: &Path) -> Runner {
    let text = "while [ \"$1\" != -- ]; do shift; done; shift 2; unset MARK; exec sh -c \"$*\"";
    Runner::Ssh(Ssh { program: program(directory, "ssh", text), destination: "me@there".into(), port: Some(2222) })
}

fn job_to(file: &Path, program: &Path, arguments: &[&str]) -> Job {
    let out = fs::File::create(file).unwrap();
    let streams = Some([fs::File::open("/dev/null").unwrap().into(), out.try_clone().unwrap().into(), out.into()]);
    let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
    Job { streams, ..Job::new(program, &arguments) }
}

#[test]
fn words_survive_a_shell() {
    for word in ["plain", "", "it's", "a b\nc", "$HOME `x` \\ \"q\" *", "-n", "é'é"] {
        let line = format!("printf %s {}", quoted(OsStr::new(word)).to_str().unwrap());
        let printed = Command::new("sh").args(["-c", &line]).output().unwrap().stdout;
        assert_eq!(String::from_utf8(printed).unwrap(), word);
    }
}

#[test]
fn codes_signals_and_absent_runners() {
    let temp = tempfile::tempdir().unwrap();
    let (out, sh) = (temp.path().join("out"), Path::new("/bin/sh"));
    let run = |runner: &Runner, line: &str| runner.run(job_to(&out, sh, &["-c", line]));
    assert_eq!(run(&Runner::Native, "exit 7").unwrap().code(), Some(7));
    assert_eq!(run(&Runner::Native, "kill -9 $$").unwrap().signal(), Some(9));
    let under = Runner::Under(vec!["env".into(), "A=b".into()]);
    assert_eq!(run(&under, "echo $A; exit 3").unwrap().code(), Some(3));
    assert_eq!(fs::read_to_string(&out).unwrap(), "b\n");
    let absent = Runner::Under(vec!["/no/such/runner".into()]);
    assert!(
        matches!(run(&absent, ""), Err(RunnerError::Start { program, .. }) if program == Path::new("/no/such/runner"))
    );
}

#[test]
fn a_program_goes_to_another_machine_with_its_directory() {
    let temp = tempfile::tempdir().unwrap();
    let ssh = fake_ssh(temp.path());
    let work = temp.path().join("work dir");
    fs::create_dir_all(work.join("sub/.hidden")).unwrap();
    fs::write(work.join("sub/data"), "data").unwrap();
    std::os::unix::fs::symlink("sub/data", work.join("link")).unwrap();
    std::os::unix::fs::symlink("sub", work.join("same")).unwrap();
    std::os::unix::fs::symlink("..", work.join("sub/up")).unwrap();
    let there = program(
        temp.path(),
        "it's me",
        "pwd; cat link sub/data same/data; ls -A sub; printf '<%s>' \"$@\"; echo \"$MARK\"; exit 9",
    );
    let out = temp.path().join("out");
    let mut job = job_to(&out, &there, &["a b", "it's", "$HOME", ""]);
    job.directory = Some(work);
    job.environment = vec![("MARK".into(), "x y".into())];
    assert_eq!(ssh.run(job).unwrap().code(), Some(9));
    let printed = fs::read_to_string(&out).unwrap();
    let (place, rest) = printed.split_once('\n').unwrap();
    assert_eq!(rest, "datadatadatadata\n<a b><it's><$HOME><>x y\n");
    assert!(place.ends_with("/work") && !Path::new(place).parent().unwrap().exists(), "{place} is still there");
    assert_eq!(ssh.run(job_to(&out, Path::new("/bin/sh"), &["-c", "kill -9 $$"])).unwrap().code(), Some(137));
}

#[test]
fn a_machine_that_does_not_answer_is_told_apart() {
    let temp = tempfile::tempdir().unwrap();
    let refuses = program(temp.path(), "ssh", "exit 255");
    let ssh = Runner::Ssh(Ssh { program: refuses, destination: "me@nowhere".into(), port: None });
    let error = ssh.run(job_to(&temp.path().join("out"), Path::new("/bin/sh"), &[])).unwrap_err();
    assert!(matches!(&error, RunnerError::Refused { destination, .. } if destination == "me@nowhere"), "{error}");
    let absent = Runner::Ssh(Ssh { program: "/no/ssh".into(), destination: "x".into(), port: None });
    assert!(matches!(absent.run(Job::new(Path::new("/bin/sh"), &[])), Err(RunnerError::Start { .. })));
}

/// What `recipes/run/client.c` sends.
fn call(socket: &Path, directory: &str, words: &[&str], variables: &[&str]) -> (u8, String) {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let file = fs::File::create(&out).unwrap();
    let mut text = Vec::new();
    text.extend(u32::try_from(words.len()).unwrap().to_ne_bytes());
    text.extend(u32::try_from(variables.len()).unwrap().to_ne_bytes());
    for word in std::iter::once(&directory).chain(words).chain(variables) {
        text.extend(word.bytes().chain([0]));
    }
    let mut connection = UnixStream::connect(socket).unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let files = [null.as_fd(), file.as_fd(), file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
    let length = u32::try_from(text.len()).unwrap().to_ne_bytes();
    sendmsg(&connection, &[IoSlice::new(&length)], &mut control, SendFlags::empty()).unwrap();
    connection.write_all(&text).unwrap();
    let mut code = [0];
    connection.read_exact(&mut code).unwrap();
    (code[0], fs::read_to_string(out).unwrap())
}

#[test]
fn a_root_is_served_from_outside() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("project");
    fs::create_dir_all(here.join("test")).unwrap();
    program(&here.join("test"), "t", "pwd; echo \"$1 $OWN $LC_ALL\"; exit 5");
    // Longer than the path of a socket can be.
    let deep = temp.path().join("x".repeat(120));
    fs::create_dir(&deep).unwrap();
    // A path of the root's may be that of something else outside, as /tmp's are.
    let places = vec![
        Place { inside: "/src".into(), outside: here.clone() },
        Place { inside: temp.path().into(), outside: temp.path().join("root") },
    ];
    let environment = BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]);
    let socket = deep.join("socket");
    let service =
        Service::start(&socket, Runner::Native, places, environment, |error| format!("told: {error}")).unwrap();
    let near = temp.path().join("near");
    std::os::unix::fs::symlink(&deep, &near).unwrap();
    let socket = near.join("socket");
    let (code, printed) =
        call(&socket, "/src/test", &["./t", "/src/test/data"], &["OWN=mine", "LC_ALL=C", "PATH=/none"]);
    assert_eq!(code, 5, "{printed}");
    let test = here.join("test");
    let locale = std::env::var("LC_ALL").unwrap_or_default();
    assert_eq!(printed, format!("{}\n{} mine {locale}\n", test.display(), test.join("data").display()));
    let (code, printed) = call(&socket, "/src", &["./absent"], &[]);
    assert_eq!(code, 126);
    assert!(printed.starts_with("bactrian: told: cannot start"), "{printed}");
    // Whoever asked took it for a program that failed; it is none.
    assert!(matches!(service.end(), Some(RunnerError::Start { .. })));
    assert!(UnixStream::connect(&socket).is_err());
}

#[test]
fn wine_is_started_where_letters_are_more_than_ascii() {
    let of = |said: &[(&str, &str)]| {
        let said: Vec<(String, String)> = said.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        wine::locale(|name| said.iter().find(|(known, _)| known == name).map(|(_, text)| text.into()))
    };
    for none in [
        &[] as &[_],
        &[("LC_ALL", "C")],
        &[("LC_ALL", ""), ("LANG", "POSIX")],
        &[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")],
    ] {
        assert_eq!(of(none), Some(("LC_ALL", "C.UTF-8")), "{none:?}");
    }
    for said in
        [&[("LANG", "de_DE.UTF-8")] as &[_], &[("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], &[("LC_ALL", "C.utf8")]]
    {
        assert_eq!(of(said), None, "{said:?}");
    }
}
