use std::path::PathBuf;

use super::*;
use crate::args::MessageFormat;
use crate::messages::GlibcNeed;
use crate::timings::Recorder;
use crate::ui::{Look, captured};

/// The header of a relocatable ELF file for 64-bit Arm with no sections, and bytes behind it.
fn object(rest: &str) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    header.extend([1, 0, 183, 0, 1, 0, 0, 0]);
    header.resize(52, 0);
    header.extend([64, 0, 56, 0, 0, 0, 64, 0, 0, 0, 0, 0]);
    header.extend(rest.as_bytes());
    header
}

/// An archive of these members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, contents) in members {
        bytes.extend(format!("{name:16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, contents.len()).bytes());
        bytes.extend(*contents);
        bytes.extend(b"\n".iter().take(contents.len() % 2));
    }
    bytes
}

fn play(look: Look, files: &[(&str, &[u8])]) -> (Result<Exit, CommandError>, String) {
    let directory = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        if !name.starts_with("missing") {
            std::fs::write(directory.path().join(name), contents).unwrap();
        }
    }
    let (ui, out, _) = captured::ui(look);
    let around = Surroundings {
        directory: directory.path().to_owned(),
        ..Surroundings::for_test([("HOME", "/data/people/ann")])
    };
    let settings = Inspect { files: files.iter().map(|(name, _)| PathBuf::from(name)).collect() };
    (run(&Context { ui: &ui, around: &around, timings: Recorder::default() }, &settings), out.text())
}

#[test]
fn objects_archives_and_others() {
    let leak =
        object("x /home/bob/src/a.c\0/data/people/ann/b.c /data/people/annette /mnt/home/bob \0/home/bob/src/a.c\0");
    let lib = archive(&[("a.o/", &object("")), ("notes.txt/", b"hello"), ("b.o/", b"\x7fELF\x02")]);
    let (exit, out) = play(Look::DEFAULT, &[("leak.o", &leak), ("lib.a", &lib), ("text", b"hello")]);
    assert_eq!(exit, Ok(Exit::Failed));
    insta::assert_snapshot!(out, @"
    leak.o
      what        ELF relocatable
      machine     aarch64, 64-bit, little-endian
      host paths  /home/bob/src/a.c, 2 times
                  /data/people/ann/b.c

    lib.a
      what        archive of 2 objects
      host paths  none
      MEMBER  WHAT                                                                   MACHINE                         SYSTEM
      a.o     ELF relocatable                                                        aarch64, 64-bit, little-endian
      b.o     damaged: FileHeader at byte 258: Invalid ELF header size or alignment

    text
      what  no object file
    ");
}

#[test]
fn for_machines() {
    let json = Look { format: MessageFormat::Json, ..Look::DEFAULT };
    let (exit, out) = play(json, &[("a.o", &object("/home/bob/a"))]);
    assert_eq!(exit, Ok(Exit::Done));
    insta::assert_snapshot!(out, @r#"{"schema":1,"reason":"inspected","file":"a.o","container":null,"objects":[{"slice":null,"member":null,"damage":null,"format":"ELF","kind":"relocatable","cpu":"aarch64","bits":64,"endian":"little","float_abi":null,"system":null,"oldest_release":null,"libc":null,"signature":null,"linkage":null,"interpreter":null,"own_name":null,"libraries":[],"optional_libraries":[],"search_path":[],"glibc":null}],"host_paths":[{"path":"/home/bob/a","count":1,"section":null}]}"#);
}

#[test]
fn unreadable_files_do_not_hide_the_others() {
    let (exit, out) = play(Look::DEFAULT, &[("missing", b""), ("a.o", &object(""))]);
    let error = exit.unwrap_err();
    assert_eq!((error.exit(), error.message.as_str()), (Exit::Usage, "cannot read missing"));
    assert!(out.contains("a.o"));
}

#[test]
fn a_program_for_people() {
    let object = Object {
        format: Some("ELF"),
        kind: Some("executable"),
        cpu: Some("aarch64".to_owned()),
        bits: Some(64),
        endian: Some("little"),
        system: Some("Linux".to_owned()),
        oldest_release: Some("3.7.0".to_owned()),
        libc: Some("glibc"),
        linkage: Some("dynamic"),
        interpreter: Some("/lib/ld-linux-aarch64.so.1".to_owned()),
        libraries: vec!["libm.so.6".to_owned(), "libc.so.6".to_owned()],
        search_path: vec!["$ORIGIN".to_owned()],
        glibc: Some(GlibcNeed {
            floor: Some("2.28".to_owned()),
            because_of: ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned).into(),
            private: vec!["h".to_owned()],
        }),
        ..Object::default()
    };
    let file = Inspected { file: "hello".to_owned(), container: None, objects: vec![object], host_paths: Vec::new() };
    let (ui, ..) = captured::ui(Look::DEFAULT);
    insta::assert_snapshot!(human::render(&ui, &file), @"
    hello
      what         ELF executable, dynamic
      machine      aarch64, 64-bit, little-endian
      system       Linux 3.7.0 or later, glibc
      glibc        2.28 or later, because of a, b, c, d, e and 2 more; exactly this build, because of h
      interpreter  /lib/ld-linux-aarch64.so.1
      libraries    libm.so.6, libc.so.6
      search path  $ORIGIN
      host paths   none
    ");
}
