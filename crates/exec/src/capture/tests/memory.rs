//! The fingerprint: what it notices, what not, and that it survives being written down.

use std::fs;

use action::graph::{Base, Tool};
use proptest::prelude::*;

use super::{DEBIAN_LOADER, Elf, Machine, tool, tools};
use crate::capture::Fingerprint;

const PATH: &str = "/usr/local/bin:/usr/bin";

type Change = fn(&Machine);

fn machine() -> (Machine, Base) {
    let machine = Machine::debian();
    let needs_conf = Elf::program(DEBIAN_LOADER, &["libconf.so"]);
    machine
        .link("etc/alternatives/awk", "/usr/bin/mawk")
        .link("usr/bin/awk", "/etc/alternatives/awk")
        .program("usr/bin/mawk", &needs_conf)
        .program("usr/bin/gawk", &needs_conf)
        .file("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf")
        .file("etc/ld.so.conf.d/a.conf", "/opt/a:/opt/b")
        .file("opt/b/libconf.so", Elf::library(&[]))
        .file("usr/share/data/x/y", "z");
    let mut base = Base { data: vec!["/usr/share/data*".into()], ..tools(&["sh", "awk"]) };
    base.tools.push(Tool { required: false, ..tool("optional") });
    (machine, base)
}

#[test]
fn notices_what_matters() {
    let changes: [(&str, Change); 14] = [
        ("tool edited", |machine| {
            machine.program("usr/bin/dash", Elf::program(DEBIAN_LOADER, &[]));
        }),
        ("tool replaced", |machine| {
            fs::rename(machine.root().join("usr/bin/gawk"), machine.root().join("usr/bin/mawk")).unwrap();
        }),
        ("tool removed", |machine| fs::remove_file(machine.root().join("usr/bin/dash")).unwrap()),
        ("tool shadowed", |machine| {
            machine.program("usr/local/bin/sh", "");
        }),
        ("optional tool installed", |machine| {
            machine.program("usr/bin/optional", "");
        }),
        ("alternative changed", |machine| {
            fs::remove_file(machine.root().join("etc/alternatives/awk")).unwrap();
            machine.link("etc/alternatives/awk", "/usr/bin/gawk");
        }),
        ("mode changed", |machine| {
            machine.file("usr/bin/dash2", "").program("usr/bin/dash", "");
        }),
        ("library upgraded", |machine| {
            machine.file("opt/b/libconf.so", Elf::library(&["libc.so.6"]));
        }),
        ("library shadowed", |machine| {
            machine.file("opt/a/libconf.so", Elf::library(&[]));
        }),
        ("loader configured", |machine| {
            machine.file("etc/ld.so.conf.d/a.conf", "/opt/b");
        }),
        ("loader's configuration extended", |machine| {
            machine.file("etc/ld.so.conf.d/b.conf", "");
        }),
        ("data edited", |machine| {
            machine.file("usr/share/data/x/y", "other");
        }),
        ("data added", |machine| {
            machine.file("usr/share/data/x/new", "");
        }),
        ("data directory added", |machine| {
            machine.file("usr/share/data2/x", "");
        }),
    ];
    for (what, change) in changes {
        let (machine, base) = machine();
        let survey = machine.survey(&base, PATH).unwrap();
        let fingerprint = survey.fingerprint();
        assert!(fingerprint.holds(), "{what}");
        change(&machine);
        assert!(!fingerprint.holds(), "{what}");
    }
}

#[test]
fn does_not_notice_what_does_not_matter() {
    let (machine, base) = machine();
    let survey = machine.survey(&base, PATH).unwrap();
    machine.program("usr/bin/other", "").file("etc/hostname", "x").file("opt/b/libother.so", "").file("home/x", "");
    assert!(survey.fingerprint().holds());
    assert_eq!(machine.survey(&base, PATH).unwrap(), survey);
}

#[test]
fn survives_being_written_down() {
    let (machine, base) = machine();
    let survey = machine.survey(&base, PATH).unwrap();
    let bytes = survey.fingerprint().encode();
    assert_eq!(Fingerprint::decode(&bytes).as_ref(), Some(survey.fingerprint()));
    for length in 0..bytes.len() {
        assert_eq!(Fingerprint::decode(&bytes[..length]), None, "{length}");
    }
    assert_eq!(Fingerprint::decode(&[&bytes[..], b"\0x\0"].concat()), None);
    let other_version = [b"bactrian capture 0", &bytes[18..]].concat();
    assert_eq!(Fingerprint::decode(&other_version), None);
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes: Vec<u8>) {
        prop_assert_eq!(Fingerprint::decode(&bytes), None);
        let with_magic = [&Fingerprint::default().encode()[..], &bytes].concat();
        let _outcome = Fingerprint::decode(&with_magic);
    }
}
