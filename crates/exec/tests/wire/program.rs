//! Programs on an engine's workers: however they end is theirs, what keeps them from running is the engine's.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use action::digest::{BlobDigest, DirDigest};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::{Directory, Entry};
use exec::remote::{Fault, Program, Ran, RemoteError};
use exec::runner::{Farm, Job, Runner, RunnerError};
use prost::Message as _;
use tonic::Code;
use wire::execution_stage::Value as At;

use super::server::{Do, Fake, Step, failed};
use super::{Client, fault};

fn program(client: &Client) -> Program {
    Program {
        arguments: vec![".bactrian/t.exe".to_owned(), "a b".to_owned()],
        environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        platform: BTreeMap::from([("ISA".to_owned(), "aarch64".to_owned())]),
        root: client.action(b"data").input_root,
        timeout: Duration::from_secs(60),
    }
}

/// The answer that it ended so.
fn ended(code: i32, stdout: &str, stderr: &str) -> wire::ExecuteResponse {
    let (stdout_raw, stderr_raw) = (stdout.as_bytes().to_vec(), stderr.as_bytes().to_vec());
    let result = wire::ActionResult { exit_code: code, stdout_raw, stderr_raw, ..wire::ActionResult::default() };
    wire::ExecuteResponse { result: Some(result), ..wire::ExecuteResponse::default() }
}

fn tell(response: wire::ExecuteResponse) -> Do {
    Do::Tell(vec![Step::Done(Box::new(response))])
}

/// The action that was asked for last, and its command.
fn asked(fake: &Fake) -> (wire::Action, wire::Command) {
    let state = fake.state();
    let (hash, fresh) = state.executed.last().unwrap();
    assert!(*fresh, "what runs is wanted to run");
    let (_, bytes) = state.blobs.iter().find(|(digest, _)| digest.hex() == *hash).unwrap();
    let action = wire::Action::decode(bytes.as_slice()).unwrap();
    let command = BlobDigest::from_wire(action.command_digest.as_ref().unwrap()).unwrap();
    let command = wire::Command::decode(state.blobs[&command].as_slice()).unwrap();
    (action, command)
}

/// The files of a tree that a server has, with what is in them.
fn files(fake: &Fake, root: DirDigest, below: &str) -> Vec<(String, String)> {
    let directory = Directory::decode(&fake.state().blobs[&root.as_blob()]).unwrap();
    let file = |(name, entry): (_, &Entry)| match entry {
        Entry::File { digest, executable } => {
            let text = String::from_utf8(fake.state().blobs[digest].clone()).unwrap();
            vec![(format!("{below}{name}{}", if *executable { "*" } else { "" }), text)]
        }
        Entry::Directory(digest) => files(fake, *digest, &format!("{below}{name}/")),
        Entry::Symlink(target) => panic!("a link to {}", target.as_str()),
    };
    directory.iter().flat_map(|(name, entry)| file((name, entry))).collect()
}

#[test]
fn a_program_ends_as_it_likes() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| {
        config.platform = [("ISA", "x86-64"), ("OSFamily", "linux")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    });
    // Of an action these would be the worker's faults.
    for code in [0, 1, 3, 9, 90, 92, 127, 137, 255] {
        fake.plan("Execute", [tell(ended(code, "out\n", "err\n"))]);
        let ran = client.remote.run_program(&program(&client)).unwrap();
        assert_eq!(ran, Ran { code: Some(code), stdout: b"out\n".into(), stderr: b"err\n".into() });
    }
    assert_eq!(fake.calls("Execute"), 9);
    let (action, command) = asked(&fake);
    assert!(action.do_not_cache);
    assert_eq!(command.arguments, [".bactrian/t.exe", "a b"]);
    let properties: Vec<_> = action.platform.unwrap().properties.into_iter().map(|of| (of.name, of.value)).collect();
    let wanted = [("ISA", "aarch64"), ("OSFamily", "linux")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(properties, wanted);
}

#[test]
fn what_is_printed_is_long_or_lost() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let long = "x".repeat(5 << 20);
    let mut response = ended(0, "", "");
    response.result.as_mut().unwrap().stdout_digest = Some(fake.state().keep(long.as_bytes()).to_wire());
    fake.plan("Execute", [tell(response.clone())]);
    assert_eq!(client.remote.run_program(&program(&client)).unwrap().stdout, long.as_bytes());
    response.result.as_mut().unwrap().stderr_digest = Some(BlobDigest::of(b"gone").to_wire());
    fake.plan("Execute", [tell(response)]);
    assert!(matches!(client.remote.run_program(&program(&client)), Err(RemoteError::Lost(_))));
}

#[test]
fn what_keeps_a_program_from_running_is_the_engines_fault() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let run = || client.remote.run_program(&program(&client));
    // A program that takes too long has run.
    let mut late = failed(Code::DeadlineExceeded, "Action timeout reached");
    late.result = ended(137, "half", "").result;
    fake.plan("Execute", [tell(late)]);
    assert_eq!(run().unwrap(), Ran { code: None, stdout: b"half".into(), stderr: Vec::new() });

    let foreign = || tell(ended(1, "", "bwrap: execvp .bactrian/t.exe: Exec format error\n"));
    fake.plan("Execute", [foreign(), tell(ended(0, "second\n", ""))]);
    assert_eq!(run().unwrap().stdout, b"second\n", "another worker may be of the right kind");
    fake.plan("Execute", [foreign(), foreign(), foreign()]);
    assert!(matches!(run(), Err(RemoteError::Worker { message }) if message.ends_with("Exec format error")));
    fake.plan("Execute", [Do::Refuse(Code::FailedPrecondition, "Unregistered platform property")]);
    assert_eq!(fault(run()), Some(Fault::Platform));

    fake.state().capabilities.execution_capabilities = None;
    let cache = Client::with(&fake, |config| config.mode = exec::remote::Mode::Cache);
    assert!(matches!(cache.remote.run_program(&program(&cache)), Err(RemoteError::NoExecution)));
}

#[test]
fn a_program_that_nobody_waits_for_is_cancelled() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), Step::Hang])]);
    thread::scope(|scope| {
        let ran = scope.spawn(|| client.remote.run_program(&program(&client)));
        while fake.calls("Execute") == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(100));
        client.stop.store(true, Ordering::Relaxed);
        assert!(matches!(ran.join().unwrap(), Err(RemoteError::Stopped)));
    });
    assert_eq!(fake.state().cancelled.len(), 1);
}

/// A runner of these workers, a program in a directory, and where it prints to.
fn job(client: &Client, place: &Path) -> (Runner, Job) {
    let work = place.join("work");
    fs::create_dir_all(work.join("sub")).unwrap();
    fs::create_dir(work.join(".objs")).unwrap();
    fs::write(work.join(".objs/t.o"), "object").unwrap();
    fs::write(work.join("sub/data"), "data").unwrap();
    symlink("sub/data", work.join("link")).unwrap();
    let program = work.join("t.exe");
    fs::write(&program, "program").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let farm = Farm { remote: Arc::clone(&client.remote), store: Arc::clone(&client.store), platform: BTreeMap::new() };
    let [out, err] = ["out", "err"].map(|name| File::create(place.join(name)).unwrap().into());
    let job = Job {
        directory: Some(work),
        environment: vec![("HOME".into(), "/home".into()), ("MARK".into(), "x".into())],
        streams: Some([File::open("/dev/null").unwrap().into(), out, err]),
        ..Job::new(&program, &["--flag".into()])
    };
    (Runner::Farm(farm), job)
}

#[test]
fn a_program_goes_to_a_worker_with_its_directory() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let temp = tempfile::tempdir().unwrap();
    let (runner, job) = job(&client, temp.path());
    fake.plan("Execute", [tell(ended(3, "out", "err"))]);
    assert_eq!(runner.run(job).unwrap().code(), Some(3));
    let printed = ["out", "err"].map(|name| fs::read_to_string(temp.path().join(name)).unwrap());
    assert_eq!(printed, ["out", "err"]);
    let (action, command) = asked(&fake);
    assert_eq!(command.arguments, [".bactrian/t.exe", "--flag"]);
    let variables: Vec<_> = command.environment_variables.into_iter().map(|of| (of.name, of.value)).collect();
    let wanted =
        [("HOME", "/home"), ("LC_ALL", "C.UTF-8"), ("MARK", "x"), ("PATH", "/usr/bin:/bin"), ("TMPDIR", "/tmp")];
    assert_eq!(variables, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let root = DirDigest::from_wire(&action.input_root_digest.unwrap()).unwrap();
    let sent = [(".bactrian/t.exe*", "program"), ("link", "data"), ("sub/data", "data")];
    assert_eq!(files(&fake, root, ""), sent.map(|(name, text)| (name.to_owned(), text.to_owned())));
}

#[test]
fn what_a_worker_cannot_be_told_is_told_here() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let temp = tempfile::tempdir().unwrap();
    let (runner, mut reads) = job(&client, temp.path());
    let streams = reads.streams.as_mut().unwrap();
    streams[0] = File::open(temp.path().join("work/sub/data")).unwrap().into();
    assert!(matches!(runner.run(reads), Err(RunnerError::Input)));
    let other = tempfile::tempdir().unwrap();
    let (runner, mut odd) = job(&client, other.path());
    odd.arguments.push(std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]));
    let wanted: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
    assert!(matches!(runner.run(odd), Err(RunnerError::Text(word)) if word == wanted));
    assert_eq!(fake.calls("Execute"), 0);
}
