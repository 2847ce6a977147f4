//! What a program inside a root cannot do, each with a control that shows the probe works outside; with the real static program, in every
//! mode this machine allows.
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

use std::net::TcpListener;
use std::process::Command;

use common::{Scratch, eventually, is_root, modes, processes, stderr, stdout};

/// Runs a shell script outside, with the same environment.
fn outside(script: &str) -> std::process::Output {
    Command::new("sh").args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
}

#[test]
fn files_of_the_machine_cannot_be_read() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("secret"), "secret").unwrap();
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    for probe in [
        format!("cat {}", scratch.path("secret")),
        format!("ls -d {home}"),
        "ls -d /etc/passwd".to_owned(),
        "ls -d /sys/kernel".to_owned(),
    ] {
        stdout(&outside(&probe));
        for mode in modes() {
            let output = scratch.sh(mode, &probe);
            assert!(
                !output.status.success() && stderr(&output).contains("No such file"),
                "{mode}: {probe}: {output:?}"
            );
        }
    }
}

#[test]
fn nothing_undeclared_is_in_the_root() {
    let scratch = Scratch::new();
    let declared = ["/usr", "/bin", "/lib", "/lib64"].into_iter().filter(|path| std::path::Path::new(path).exists());
    let mut expected: Vec<&str> = declared.map(|path| &path[1..]).chain(["dev", "proc", "tmp"]).collect();
    expected.sort_unstable();
    for mode in modes() {
        let listed = stdout(&scratch.sh(mode, "ls -A /"));
        assert_eq!(listed.lines().collect::<Vec<_>>(), expected, "{mode}");
        let devices = stdout(&scratch.sh(mode, "ls -A /dev"));
        let devices: Vec<&str> = devices.lines().collect();
        assert_eq!(
            devices,
            [
                "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom",
                "zero"
            ],
            "{mode}"
        );
    }
}

#[test]
fn the_network_of_the_machine_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let probe = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}'", listener.local_addr().unwrap().port());
    stdout(&outside(&probe));
    let scratch = Scratch::new();
    for mode in modes() {
        let output = scratch.sh(mode, &probe);
        assert!(stderr(&output).contains("Connection refused"), "{mode}: {output:?}");
        let interfaces = stdout(&scratch.sh(mode, "cat /proc/net/dev"));
        let names: Vec<&str> = interfaces.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
        assert_eq!(names, ["lo"], "{mode}");
    }
}

#[test]
fn only_declared_places_can_be_written() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("ro")).unwrap();
    stdout(&outside(&format!("echo x > {}", scratch.path("ro/control"))));
    for mode in modes() {
        for place in
            ["/file", "/usr/file", "/ro/file", "/dev/file", "/proc/sys/kernel/core_pattern", "/devices/shm/file"]
        {
            let mut command = scratch.enter(mode);
            // A directory with mounts below it, which must be read-only too.
            command.args(["--ro", &scratch.path("ro"), "/ro", "--ro", "/dev", "/devices"]);
            let output = command.args(["--", "sh", "-c", &format!(": >> {place}")]).output().unwrap();
            assert!(
                stderr(&output).contains("Read-only file system") || stderr(&output).contains("Permission denied"),
                "{mode}: {place}: {output:?}"
            );
        }
        let mut command = scratch.enter(mode);
        command.args(["--rw", &scratch.path("rw"), "/out", "--tmpfs", "/memory"]);
        let script = "echo x | tee /tmp/file /memory/file /dev/shm/file /out/file >/dev/null && cat /tmp/file";
        assert_eq!(stdout(&command.args(["--", "sh", "-c", script]).output().unwrap()), "x\n", "{mode}");
        assert_eq!(std::fs::read_to_string(scratch.path("rw/file")).unwrap(), "x\n");
        assert!(!std::path::Path::new(&scratch.path("root/tmp/file")).exists());
    }
}

#[test]
fn joins_can_be_nested_and_the_root_can_be_writable() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("project/_build")).unwrap();
    std::fs::write(scratch.path("single"), "file").unwrap();
    for mode in modes() {
        let mut command = scratch.enter(mode);
        command.args([
            "--ro",
            &scratch.path("project"),
            "/src",
            "--rw",
            &scratch.path("rw"),
            "/src/_build",
            "--rw-root",
            "--cwd",
            "/src",
        ]);
        command.args(["--ro", &scratch.path("single"), "/etc/deep/file"]);
        let script = "pwd; cat /etc/deep/file; echo x > _build/y; echo z > /top; ! touch here 2>/dev/null; ! touch /etc/deep/file 2>/dev/null";
        assert_eq!(stdout(&command.args(["--", "sh", "-c", script]).output().unwrap()), "/src\nfile", "{mode}");
        assert_eq!(std::fs::read_to_string(scratch.path("rw/y")).unwrap(), "x\n", "{mode}");
        assert_eq!(std::fs::read_to_string(scratch.path("root/top")).unwrap(), "z\n", "{mode}");
    }
}

/// The same protections with the system calls of old kernels.
#[test]
fn old_mounts_protect_as_well() {
    let scratch = Scratch::new();
    for mode in modes() {
        let mut command = scratch.enter(mode);
        command.args(["--old-mounts", "--ro", "/dev", "/devices", "--rw", &scratch.path("rw"), "/out"]);
        let script = "for place in /file /usr/file /dev/file /devices/shm/file /proc/sys/kernel/core_pattern; do ! sh -c \": >> $place\" 2>/dev/null || echo $place; done; echo x > /out/old";
        let output = command.args(["--", "sh", "-c", script]).output().unwrap();
        assert_eq!(stdout(&output), "", "{mode}: writable places");
        assert!(std::path::Path::new(&scratch.path("rw/old")).exists(), "{mode}");
    }
}

#[test]
fn the_host_name_is_hidden() {
    let scratch = Scratch::new();
    let probe = "uname -n; cat /proc/sys/kernel/hostname";
    let real = stdout(&outside(probe));
    assert!(!real.contains("bactrian"), "this machine's own name is {real}");
    for mode in modes() {
        assert_eq!(stdout(&scratch.sh(mode, probe)), "bactrian\nbactrian\n", "{mode}");
    }
}

#[test]
fn no_process_is_left_behind() {
    let scratch = Scratch::new();
    let script = |number: u32| {
        format!(
            "setsid sleep {number} >/dev/null 2>&1 & while ! grep -qs {number} /proc/*/cmdline; do :; done; echo started"
        )
    };
    assert_eq!(stdout(&outside(&script(98_701))), "started\n");
    let stayed = processes("sleep 98701");
    assert_eq!(stayed.len(), 1, "the control");
    stdout(&outside(&format!("kill -9 {}", stayed[0])));
    for mode in modes() {
        assert_eq!(stdout(&scratch.sh(mode, &script(98_702))), "started\n");
        assert!(eventually(|| processes("sleep 98702").is_empty()), "{mode}");
    }
}

#[test]
fn processes_of_the_machine_are_invisible() {
    let scratch = Scratch::new();
    let me = std::process::id();
    let probe = format!("kill -0 {me} 2>&1; ls -d /proc/{me}; ls -d /proc/[0-9]* | wc -l");
    assert!(stdout(&outside(&probe)).contains(&format!("/proc/{me}")));
    for mode in modes() {
        let output = scratch.sh(mode, &probe);
        let seen = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!seen.contains(&format!("/proc/{me}\n")) && seen.contains("No such process"), "{mode}: {seen}");
        let count: u32 = seen.lines().last().unwrap().trim().parse().unwrap();
        assert!(count <= 6, "{mode}: {count} processes");
    }
}

#[test]
fn privileges_are_gone_and_stay_gone() {
    let scratch = Scratch::new();
    if is_root() {
        assert!(!stdout(&outside("grep CapEff /proc/self/status")).contains("0000000000000000"), "the control");
    }
    for mode in modes() {
        let status = stdout(&scratch.sh(mode, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; id -u"));
        let words: Vec<&str> = status.split_whitespace().collect();
        let none = "0000000000000000";
        let expected = [
            "CapInh:",
            none,
            "CapPrm:",
            none,
            "CapEff:",
            none,
            "CapBnd:",
            none,
            "CapAmb:",
            none,
            "NoNewPrivs:",
            "1",
            "0",
        ];
        assert_eq!(words, expected, "{mode}");
        for probe in [
            "mount -t tmpfs none /tmp",
            "mount -o remount,rw,bind /usr",
            "unshare -m true",
            "unshare -p -f true",
            "umount /usr",
            "chroot / true",
        ] {
            assert!(!scratch.sh(mode, probe).status.success(), "{mode}: {probe}");
        }
    }
}

#[test]
fn user_namespaces_cannot_be_nested() {
    let scratch = Scratch::new();
    if !modes().contains(&"userns") {
        return;
    }
    // The control is that the mode works at all: that is such a namespace.
    let output = scratch.sh("userns", "unshare -U true");
    assert!(!output.status.success(), "{output:?}");
    // And the builder, started again inside, says in one line why there is no root to be had.
    let mut command = scratch.enter("userns");
    command.args(["--ro", &scratch.path("builder"), "/builder", "--", "/builder", "enter", "/tmp", "--", "true"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(90), "{output:?}");
    assert_eq!(stderr(&output).lines().count(), 1);
    assert!(stderr(&output).contains("sysctl user.max_user_namespaces="), "{}", stderr(&output));
}

#[test]
fn descriptors_do_not_leak() {
    let scratch = Scratch::new();
    let script = |inner: &str| format!("exec 5</; {inner}");
    let probe = "ls /proc/self/fd/5/ | grep -c .";
    stdout(&outside(&script(probe)));
    for mode in modes() {
        let mut command = scratch.enter(mode);
        command.args(["--", "sh", "-c", probe]);
        let line: Vec<String> =
            command.get_args().map(|argument| format!("'{}'", argument.to_str().unwrap())).collect();
        let output = outside(&script(&format!("{} {}", scratch.path("builder"), line.join(" "))));
        assert!(stderr(&output).contains("No such file") && !output.status.success(), "{mode}: {output:?}");
    }
}

#[test]
fn links_in_the_root_lead_nowhere_else() {
    let scratch = Scratch::new();
    std::os::unix::fs::symlink(scratch.path("rw"), scratch.path("root/link")).unwrap();
    std::os::unix::fs::symlink("../../../../../../..", scratch.path("root/up")).unwrap();
    for mode in modes() {
        for to in ["/link/made", "/up/made"] {
            // Whether it can be mounted does not matter here.
            scratch.enter(mode).args(["--ro", "/usr", to, "--", "true"]).output().unwrap();
            assert!(!std::path::Path::new(&scratch.path("rw/made")).exists(), "{mode}: {to}");
            assert!(!std::path::Path::new("/made").exists(), "{mode}: {to}");
        }
    }
    let output = scratch.enter("userns").args(["--ro", "/usr", "/a/../../b", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(91));
}

#[test]
fn killing_the_parent_kills_the_tree() {
    let scratch = Scratch::new();
    for (index, mode) in modes().into_iter().enumerate() {
        for (whom, number) in [("parent", 97_100 + index), ("builder", 97_200 + index)] {
            let mut enter = scratch.enter(mode);
            enter.args(["--", "sh", "-c", &format!("setsid sleep {number} & sleep {number}")]);
            let line: Vec<String> =
                enter.get_args().map(|argument| format!("'{}'", argument.to_str().unwrap())).collect();
            let script = format!("{} {} & echo $!; wait", scratch.path("builder"), line.join(" "));
            let mut parent =
                Command::new("sh").args(["-c", &script]).stdout(std::process::Stdio::piped()).spawn().unwrap();
            let sleeping = format!("sleep {number}");
            assert!(
                eventually(|| processes(&sleeping).iter().filter(|pid| is_sleep(**pid)).count() >= 2),
                "{mode}: never started"
            );
            match whom {
                "parent" => parent.kill().unwrap(),
                _ => {
                    let mut pid = String::new();
                    std::io::BufRead::read_line(&mut std::io::BufReader::new(parent.stdout.take().unwrap()), &mut pid)
                        .unwrap();
                    stdout(&outside(&format!("kill -9 {pid}")));
                }
            }
            parent.wait().unwrap();
            assert!(eventually(|| processes(&sleeping).is_empty()), "{mode}: {whom} killed, the tree lives");
        }
    }
}

fn is_sleep(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
}

/// The same command, with the signals' own effects: in the background of a script SIGINT is ignored, and what is ignored when
/// a shell starts it cannot trap.
fn with_default_signals(command: &Command) -> Command {
    let mut wrapped = Command::new("/usr/bin/env");
    wrapped.env_clear().arg("--default-signal=INT,QUIT,TERM,HUP").arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped
}

#[test]
fn signals_reach_the_program() {
    let scratch = Scratch::new();
    for mode in modes() {
        for (signal, script, expected) in [
            ("TERM", "trap 'exit 7' TERM; touch /out/ready; while :; do sleep 0.01; done", 7),
            ("INT", "trap 'exit 8' INT; touch /out/ready; while :; do sleep 0.01; done", 8),
            ("TERM", "touch /out/ready; exec sleep 96000", 128 + 15),
            ("HUP", "touch /out/ready; exec sleep 96000", 128 + 1),
        ] {
            let ready = scratch.path("rw/ready");
            let mut command = scratch.enter(mode);
            command.args(["--rw", &scratch.path("rw"), "/out", "--", "sh", "-c", script]);
            let mut child = with_default_signals(&command).spawn().unwrap();
            assert!(eventually(|| std::fs::remove_file(&ready).is_ok()), "{mode}: never started");
            stdout(&outside(&format!("kill -{signal} {}", child.id())));
            assert_eq!(child.wait().unwrap().code(), Some(expected), "{mode}: {signal}: {script}");
        }
    }
}

#[test]
fn exit_codes_and_environment_pass_through() {
    let scratch = Scratch::new();
    for mode in modes() {
        for (script, code) in [("exit 3", 3), ("kill -9 $$", 137), ("exit 0", 0)] {
            assert_eq!(scratch.sh(mode, script).status.code(), Some(code), "{mode}: {script}");
        }
        let output = scratch.enter(mode).args(["--", "no-such-program"]).output().unwrap();
        assert_eq!(output.status.code(), Some(127));
        let output = scratch.enter(mode).args(["--", "/usr"]).output().unwrap();
        assert_eq!(output.status.code(), Some(126));
        let output = scratch.enter(mode).env("FOO", "a b\n").args(["--", "env", "-0"]).output().unwrap();
        let environment = stdout(&output);
        let mut variables: Vec<&str> = environment.trim_end_matches('\0').split('\0').collect();
        variables.sort_unstable();
        assert_eq!(variables, ["FOO=a b\n", "PATH=/usr/bin:/bin"], "{mode}");
    }
}

#[test]
fn orphans_are_reaped() {
    let scratch = Scratch::new();
    for mode in modes() {
        let script = "(setsid true &); (setsid true &); sleep 0.2; grep -h ^State /proc/[0-9]*/status | grep -c Z";
        assert_eq!(String::from_utf8_lossy(&scratch.sh(mode, script).stdout), "0\n", "{mode}");
    }
}

#[test]
fn ordinary_users_can_enter() {
    use std::os::unix::process::CommandExt;
    if !is_root() || !modes().contains(&"userns") {
        println!("SKIPPED: not root (so the other tests have shown it), or no user namespaces");
        return;
    }
    let scratch = Scratch::new();
    let mut command = scratch.enter("userns");
    command.uid(65_534).gid(65_534).args([
        "--rw",
        &scratch.path("rw"),
        "/out",
        "--",
        "sh",
        "-c",
        "id -u; id -g; echo x > /out/mine",
    ]);
    assert_eq!(stdout(&command.output().unwrap()), "0\n0\n");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(scratch.path("rw/mine")).unwrap());
    assert_eq!(owner, 65_534);
    for mode in ["ns", "chroot"] {
        let output = scratch.enter(mode).uid(65_534).gid(65_534).args(["--", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(90), "{output:?}");
        assert!(stderr(&output).contains("not root") && stderr(&output).lines().count() == 1, "{output:?}");
    }
}

#[test]
fn failures_name_what_and_why() {
    let scratch = Scratch::new();
    for mode in modes() {
        let output = scratch.enter(mode).args(["--ro", "/no/such/source", "/x", "--", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(92), "{output:?}");
        assert_eq!(
            stderr(&output),
            "bactrian-builder: cannot bind /no/such/source: No such file or directory (os error 2)\n"
        );
        let output = scratch.enter(mode).args(["--cwd", "/nowhere", "--", "true"]).output().unwrap();
        assert_eq!(
            stderr(&output),
            "bactrian-builder: cannot enter /nowhere: No such file or directory (os error 2)\n"
        );
    }
    for arguments in [
        vec!["fly"],
        vec![],
        vec!["enter"],
        vec!["enter", "/", "--bad", "--", "x"],
        vec!["enter", "/"],
        vec!["build", "--mode", "x"],
    ] {
        let output = common::command().args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(91), "{arguments:?}: {output:?}");
    }
}

/// A shell with job control needs a process group that exists inside, and a name for its terminal.
#[test]
fn interactive_shells_get_the_terminal_and_give_it_back() {
    if !outside("command -v script").status.success() {
        println!("SKIPPED: there is no `script` to make a terminal with");
        return;
    }
    let scratch = Scratch::new();
    for mode in modes() {
        let in_terminal = |options: &str, after: &str| {
            let mut command = scratch.enter(mode);
            command.args(options.split_whitespace()).args(["--", "sh", "-ic", "tty; sleep 0.01 & wait; exit 5"]);
            let line: Vec<&str> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
            let line = line.join("\" \"");
            let file = scratch.path("script");
            std::fs::write(&file, format!("{} \"{line}\"; echo code $?; {after}", scratch.path("builder"))).unwrap();
            stdout(&outside(&format!("timeout 20 script -qec 'sh {file}' /dev/null </dev/null")))
        };
        let without = in_terminal("", "true");
        assert!(without.contains("not a tty"), "{mode}: the control: {without}");
        let with = in_terminal("--terminal", "sh -ic tty");
        let lines: Vec<&str> = with.lines().map(str::trim).collect();
        assert_eq!((lines[0], lines[1], lines.len()), ("/dev/console", "code 5", 3), "{mode}: {with}");
        assert!(lines[2].starts_with("/dev/pts/"), "{mode}: {with}");
    }
}
