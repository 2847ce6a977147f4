//! Layouts of several distributions, and what is missing from them.

use action::graph::{Base, Tool};

use super::{CaptureError, DEBIAN_LOADER, Elf, Machine, tool, tools};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

#[test]
fn debian() {
    let machine = Machine::debian();
    machine
        .link("etc/alternatives/awk", "/usr/bin/mawk")
        .link("usr/bin/awk", "/etc/alternatives/awk")
        .program("usr/bin/mawk", Elf::program(DEBIAN_LOADER, &["libm.so.6", "libc.so.6"]))
        .link("usr/lib/x86_64-linux-gnu/libm.so.6", "libm-2.36.so")
        .file("usr/lib/x86_64-linux-gnu/libm-2.36.so", Elf::library(&["libc.so.6"]))
        .file("usr/lib/x86_64-linux-gnu/libdl.so.2", Elf::library(&["libc.so.6"]));
    let base = Base { libraries: vec!["libdl.so.2".into(), "libnone.so".into()], ..tools(&["sh", "awk"]) };
    assert_eq!(
        machine.image(&base, PATH),
        [
            "bin -> usr/bin",
            "lib -> usr/lib",
            "lib64 -> usr/lib64",
            "usr/bin/awk* = usr/bin/mawk",
            "usr/bin/sh* = usr/bin/dash",
            "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2* = usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "usr/lib/x86_64-linux-gnu/libc.so.6 = usr/lib/x86_64-linux-gnu/libc.so.6",
            "usr/lib/x86_64-linux-gnu/libdl.so.2 = usr/lib/x86_64-linux-gnu/libdl.so.2",
            "usr/lib/x86_64-linux-gnu/libm.so.6 = usr/lib/x86_64-linux-gnu/libm-2.36.so",
            "usr/lib64/ld-linux-x86-64.so.2 -> ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        ]
    );
}

/// No merged `/usr`, one program under many names, and a loader that is the C library.
#[test]
fn alpine() {
    let machine = Machine::new();
    machine
        .program("bin/busybox", Elf::program("/lib/ld-musl-x86_64.so.1", &["libc.musl-x86_64.so.1"]))
        .link("bin/sh", "/bin/busybox")
        .link("usr/bin/awk", "../../bin/busybox")
        .program("lib/ld-musl-x86_64.so.1", Elf::library(&[]))
        .link("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1");
    assert_eq!(
        machine.image(&tools(&["sh", "awk"]), PATH),
        [
            "bin -> usr/bin",
            "lib -> usr/lib",
            "usr/bin/awk -> sh",
            "usr/bin/sh* = bin/busybox",
            "usr/lib/ld-musl-x86_64.so.1* = lib/ld-musl-x86_64.so.1",
            "usr/lib/libc.musl-x86_64.so.1 -> ld-musl-x86_64.so.1",
        ]
    );
}

/// Every package in a directory of its own, each program told where its libraries are.
#[test]
fn nix() {
    let machine = Machine::new();
    let loader = "/nix/store/b-glibc/lib/ld-linux-x86-64.so.2";
    let sh = Elf::new(Some(loader), &["libc.so.6", "libedit.so.1"]);
    machine
        .program("nix/store/a-sh/bin/sh", sh.runpath("/nix/store/b-glibc/lib:/nix/store/c-edit/lib").bytes())
        .link("run/current-system/sw/bin/sh", "/nix/store/a-sh/bin/sh")
        .program("nix/store/b-glibc/lib/ld-linux-x86-64.so.2", Elf::library(&[]))
        .file("nix/store/b-glibc/lib/libc.so.6", Elf::library(&["ld-linux-x86-64.so.2"]))
        .file(
            "nix/store/c-edit/lib/libedit.so.1",
            Elf::new(None, &["libtinfo.so"]).runpath("$ORIGIN/../../d/lib").bytes(),
        )
        .file("nix/store/d/lib/libtinfo.so", Elf::library(&[]));
    assert_eq!(
        machine.image(&tools(&["sh"]), "/run/current-system/sw/bin"),
        [
            "bin -> usr/bin",
            "nix/store/b-glibc/lib/ld-linux-x86-64.so.2* = nix/store/b-glibc/lib/ld-linux-x86-64.so.2",
            "nix/store/b-glibc/lib/libc.so.6 = nix/store/b-glibc/lib/libc.so.6",
            "nix/store/b-glibc/lib/libedit.so.1 = nix/store/c-edit/lib/libedit.so.1",
            "nix/store/b-glibc/lib/libtinfo.so = nix/store/d/lib/libtinfo.so",
            "usr/bin/sh* = nix/store/a-sh/bin/sh",
        ]
    );
}

#[test]
fn libraries_are_looked_for_as_a_loader_does() {
    let machine = Machine::debian();
    let needs = |names: &[&str]| Elf::new(Some(DEBIAN_LOADER), names);
    machine
        .file(
            "etc/ld.so.conf",
            "# comment\ninclude ld.so.conf.d/*.conf /none/*.conf\ninclude ld.so.conf\nhwcap 1 nosegneg\n",
        )
        .file("etc/ld.so.conf.d/a.conf", "/opt/a/lib # first\n")
        .file("etc/ld.so.conf.d/b.conf", "/opt/b/lib:/opt/c/lib\n")
        .file("etc/ld.so.conf.d/c.txt", "/opt/unread/lib\n")
        .file("opt/unread/lib/libconf.so", Elf::library(&[]))
        .file("opt/c/lib/libconf.so", Elf::library(&["libdeep.so"]))
        .file("usr/lib/libdeep.so", Elf::library(&[]))
        // Another machine's, text, and a directory of the right name.
        .file("opt/a/lib/libconf.so", Elf::new(None, &[]).bits32().bytes())
        .file("opt/b/lib/libconf.so", "INPUT(libother.so)")
        .file("opt/a/lib/libdeep.so/x", "")
        // DT_RUNPATH makes DT_RPATH void.
        .file("own/lib/libown.so", Elf::library(&[]))
        .file("void/libown.so", Elf::library(&["libmissing.so"]))
        .program("usr/bin/tool", needs(&["libconf.so", "libown.so"]).rpath("/void").runpath("none:/own/lib").bytes())
        .program("usr/bin/old", needs(&["libown.so"]).rpath("${ORIGIN}/../../own/lib").bytes());
    let lines = machine.image(&tools(&["tool", "old"]), PATH);
    let has = |library: &str, from: &str| {
        let line = format!("usr/lib/x86_64-linux-gnu/{library} = {from}");
        assert!(lines.contains(&line), "{line} in {lines:#?}");
    };
    has("libconf.so", "opt/c/lib/libconf.so");
    has("libown.so", "own/lib/libown.so");
    has("libdeep.so", "usr/lib/libdeep.so");
}

#[test]
fn missing_tools_are_named_all_at_once() {
    let machine = Machine::debian();
    machine.file("usr/bin/not-executable", "").program("usr/bin/directory/x", "").link("usr/bin/dangling", "nowhere");
    let optional = Tool { required: false, ..tool("optional") };
    let mut base = tools(&["sh", "m4,gm4", "not-executable", "directory", "dangling"]);
    base.tools.push(optional);
    let CaptureError::MissingTools(missing) = machine.survey(&base, PATH).unwrap_err() else { panic!() };
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "m4 or gm4 (package m4,gm4-package)",
            "not-executable (package not-executable-package)",
            "directory (package directory-package)",
            "dangling (package dangling-package)",
        ]
    );
}

#[test]
fn the_first_name_and_the_first_directory_count() {
    let machine = Machine::debian();
    let program = Elf::program(DEBIAN_LOADER, &[]);
    machine
        .program("usr/bin/gmake", &program)
        .program("usr/local/bin/both", &program)
        .program("usr/bin/both", &program)
        .program("here/relative", &program);
    let lines = machine.image(&tools(&["make,gmake,bmake", "both"]), PATH);
    for line in ["usr/bin/make -> gmake", "usr/bin/gmake* = usr/bin/gmake", "usr/bin/bmake -> gmake"] {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:#?}");
    }
    assert!(lines.contains(&"usr/bin/both* = usr/local/bin/both".to_owned()));
    let relative = machine.survey(&tools(&["relative"]), "here:./here::");
    assert!(matches!(relative, Err(CaptureError::MissingTools(_))));
}

#[test]
fn scripts_bring_their_interpreters() {
    let machine = Machine::debian();
    let program = Elf::program(DEBIAN_LOADER, &["libc.so.6"]);
    machine
        .program("usr/bin/which", "#!/bin/sh\nexit 0\n")
        .program("usr/bin/egrep", "#! /opt/lang/bin/lang -w\n")
        .program("opt/lang/bin/lang", &program)
        .program("usr/bin/run", "#!/usr/bin/env -S A=1 python3 -u\n")
        .program("usr/bin/env", &program)
        .program("usr/local/bin/python3", "#!/usr/bin/real-python\n")
        .program("usr/bin/real-python", &program)
        .program("usr/bin/plain", "no interpreter at all");
    let lines = machine.image(&tools(&["which", "egrep", "run", "plain"]), PATH);
    for line in [
        "opt/lang/bin/lang* = opt/lang/bin/lang",
        "usr/bin/env* = usr/bin/env",
        "usr/bin/python3* = usr/local/bin/python3",
        "usr/bin/real-python* = usr/bin/real-python",
        "usr/bin/sh* = usr/bin/dash",
        "usr/bin/plain* = usr/bin/plain",
        "usr/lib/x86_64-linux-gnu/libc.so.6 = usr/lib/x86_64-linux-gnu/libc.so.6",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:#?}");
    }
}

#[test]
fn what_cannot_run_is_an_error() {
    let machine = Machine::debian();
    machine
        .program("usr/bin/script", "#!/usr/bin/nothing\n")
        .program("usr/bin/empty", "#!\n")
        .program("usr/bin/circle", "#!/usr/bin/env nothing\n")
        .program("usr/bin/env", Elf::program(DEBIAN_LOADER, &[]))
        .program("usr/bin/foreign", Elf::program("/lib/ld-other.so", &[]))
        .program("usr/bin/lost", Elf::program(DEBIAN_LOADER, &["libmiddle.so"]))
        .file("usr/lib/libmiddle.so", Elf::library(&["libgone.so"]))
        .program("usr/bin/broken", &Elf::program(DEBIAN_LOADER, &["libc.so.6"])[..80]);
    let error = |name: &str| machine.survey(&tools(&[name]), PATH).unwrap_err();
    for (name, wanted) in
        [("script", "/usr/bin/nothing"), ("empty", ""), ("circle", "nothing"), ("foreign", "/lib/ld-other.so")]
    {
        let missing = error(name);
        assert!(
            matches!(&missing, CaptureError::MissingInterpreter { interpreter, needed_by }
                if interpreter == wanted && needed_by.ends_with(name)),
            "{missing}"
        );
    }
    let lost = error("lost");
    assert!(
        matches!(&lost, CaptureError::MissingLibrary { library, needed_by }
            if library == "libgone.so" && needed_by.ends_with("libmiddle.so")),
        "{lost}"
    );
    assert!(matches!(error("broken"), CaptureError::Object { path, .. } if path.ends_with("broken")));
}

#[test]
fn two_libraries_of_one_name_conflict() {
    let machine = Machine::debian();
    for name in ["a", "b"] {
        let program = Elf::new(Some(DEBIAN_LOADER), &["libx.so"]).runpath(&format!("/opt/{name}"));
        machine.program(&format!("usr/bin/{name}"), program.bytes());
        machine.file(&format!("opt/{name}/libx.so"), Elf::library(&[]));
    }
    let error = machine.survey(&tools(&["a", "b"]), PATH).unwrap_err();
    assert!(matches!(&error, CaptureError::Conflict { at, .. } if at.as_str().ends_with("libx.so")), "{error}");
}

#[test]
fn data() {
    let machine = Machine::debian();
    machine
        .file("usr/share/perl/5.36.0/strict.pm", "package strict;")
        .file("usr/share/perl/5.36.0/pod/perl.pod", "=pod")
        .program("usr/share/perl/5.36.0/bin/run", "#!/bin/sh\n")
        .link("usr/share/perl/5.36", "5.36.0")
        .link("usr/share/perl/5.36.0/inside.pm", "/usr/share/perl/5.36.0/strict.pm")
        .link("usr/share/perl/5.36.0/to-left-out", "pod/perl.pod")
        .link("usr/share/perl/5.36.0/outside.pm", "/etc/site.pm")
        .link("usr/share/perl/5.36.0/dangling.pm", "nowhere")
        .link("usr/share/perl/5.36.0/elsewhere", "/etc")
        .file("etc/site.pm", "package site;")
        .file("usr/lib/x86_64-linux-gnu/perl/5.36.0/auto/Db.so", Elf::library(&["libdb.so", "libmissing.so"]))
        .file("usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE/perl.h", "")
        .file("usr/lib/libdb.so", Elf::library(&[]));
    let data = ["/usr/share/perl/5*", "/lib/*/perl/5*", "/usr/share/none", "/usr/lib64/*/none"];
    let base = Base { data: data.map(str::to_owned).into(), ..tools(&["sh"]) };
    let lines = machine.image(&base, PATH);
    let found: Vec<_> = lines.iter().filter(|line| line.contains("5.36") || line.contains("libdb")).collect();
    assert_eq!(
        found,
        [
            "usr/lib/x86_64-linux-gnu/libdb.so = usr/lib/libdb.so",
            "usr/lib/x86_64-linux-gnu/perl/5.36.0/auto/Db.so = usr/lib/x86_64-linux-gnu/perl/5.36.0/auto/Db.so",
            "usr/share/perl/5.36 -> 5.36.0",
            "usr/share/perl/5.36.0/bin/run* = usr/share/perl/5.36.0/bin/run",
            "usr/share/perl/5.36.0/inside.pm -> strict.pm",
            "usr/share/perl/5.36.0/outside.pm = etc/site.pm",
            "usr/share/perl/5.36.0/strict.pm = usr/share/perl/5.36.0/strict.pm",
        ]
    );
}
