//! Parts of a machine put elsewhere.

use std::path::Path;

use action::graph::Capture;
use action::path::RelPath;
use action::pattern::Pattern;

use super::{CaptureError, DEBIAN_LOADER, Elf, Item, Machine};
use crate::capture::parts::survey_parts_below;

fn capture(parts: &[(&str, &str)]) -> Capture {
    Capture {
        label: "compiler".to_owned(),
        parts: parts.iter().map(|(from, at)| ((*from).to_owned(), RelPath::new(at).unwrap())).collect(),
        leave_out: vec![Pattern::new("usr/share/doc").unwrap()],
        libraries: RelPath::new("libraries").unwrap(),
        provided: vec!["libc.so.6".to_owned()],
    }
}

fn image(machine: &Machine, parts: &[(&str, &str)]) -> Vec<String> {
    let survey = survey_parts_below(machine.root(), &capture(parts)).unwrap();
    let line = |(path, item): (&RelPath, &Item)| match item {
        Item::File { from, executable } => {
            let from = from.strip_prefix(machine.root()).unwrap().display().to_string();
            format!("{path}{} = {from}", if *executable { "*" } else { "" })
        }
        Item::Link(target) => format!("{path} -> {}", target.as_str()),
        other => panic!("{other:?}"),
    };
    survey.items().map(line).collect()
}

fn compiler() -> Machine {
    let machine = Machine::debian();
    let needs = |libraries: &[&str]| Elf::program(DEBIAN_LOADER, libraries);
    machine
        .program("usr/bin/x-gcc-12", needs(&["libc.so.6"]))
        .link("usr/bin/x-gcc", "/etc/alternatives/x-gcc")
        .link("etc/alternatives/x-gcc", "/usr/bin/x-gcc-12")
        .program("usr/bin/x-as", needs(&["libopcodes.so", "libc.so.6"]))
        .file("usr/lib/x86_64-linux-gnu/libopcodes.so", Elf::library(&["libbfd.so"]))
        .file("usr/lib/x86_64-linux-gnu/libbfd.so", Elf::library(&["libc.so.6"]))
        .program("usr/lib/gcc/x/12/cc1", needs(&["libgone.so"]))
        .link("usr/x/bin/as", "../../bin/x-as")
        .link("usr/x/lib/libm.so", "../../../opt/elsewhere/libm.so")
        .file("opt/elsewhere/libm.so", "script")
        .link("usr/x/lib/up", "..")
        .link("usr/x/lib/broken", "nothing")
        .file("usr/x/include/stdio.h", "")
        .file("usr/share/doc/x", "");
    machine
}

#[test]
fn programs_find_each_other_where_they_are_put() {
    let parts = [
        ("/usr/bin/x-gcc", "usr/bin/x-gcc"),
        ("/usr/bin/x-as", "usr/bin/x-as"),
        ("/usr/lib/gcc/x", "usr/lib/gcc/x"),
        ("/usr/x", "usr/x"),
    ];
    assert_eq!(
        image(&compiler(), &parts),
        [
            "libraries/libbfd.so = usr/lib/x86_64-linux-gnu/libbfd.so",
            "libraries/libopcodes.so = usr/lib/x86_64-linux-gnu/libopcodes.so",
            "usr/bin/x-as* = usr/bin/x-as",
            "usr/bin/x-gcc* = usr/bin/x-gcc-12",
            "usr/lib/gcc/x/12/cc1* = usr/lib/gcc/x/12/cc1",
            "usr/x/bin/as -> ../../bin/x-as",
            "usr/x/include/stdio.h = usr/x/include/stdio.h",
            "usr/x/lib/libm.so = opt/elsewhere/libm.so",
            "usr/x/lib/up -> ..",
        ]
    );
}

/// A toolchain that was unpacked somewhere brings its own libraries, though the machine's loader would not find them.
#[test]
fn libraries_among_the_parts_are_used() {
    let machine = Machine::debian();
    machine
        .program("opt/x/bin/gcc", Elf::program(DEBIAN_LOADER, &["libbfd.so", "libc.so.6"]))
        .file("opt/x/lib/libbfd.so", Elf::library(&["libc.so.6"]))
        .file("opt/x/target/libc.so.6", Elf::new(None, &["ld-foreign.so"]).bits32().bytes())
        .file("opt/x/share/doc/gcc", "");
    assert_eq!(
        image(&machine, &[("/opt/x", "usr")]),
        [
            "libraries/libbfd.so -> ../usr/lib/libbfd.so",
            "usr/bin/gcc* = opt/x/bin/gcc",
            "usr/lib/libbfd.so = opt/x/lib/libbfd.so",
            "usr/target/libc.so.6 = opt/x/target/libc.so.6",
        ]
    );
}

#[test]
fn a_part_that_is_gone_is_named() {
    let machine = Machine::debian();
    let error = survey_parts_below(machine.root(), &capture(&[("/opt/none", "usr")])).unwrap_err();
    assert!(matches!(error, CaptureError::Absent(path) if path == Path::new("/opt/none")));
}

#[test]
fn a_changed_part_is_noticed() {
    let machine = compiler();
    let survey = survey_parts_below(machine.root(), &capture(&[("/usr/x", "usr/x")])).unwrap();
    assert!(survey.fingerprint().holds());
    machine.file("usr/x/include/math.h", "");
    assert!(!survey.fingerprint().holds());
}
