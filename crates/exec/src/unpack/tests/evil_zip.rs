//! Zips that want out, and zips that are broken.

use action::path::PathFault;

use super::archives::{Zip, ZipMember, crc};
use super::{Cause, Node, Place, Spec, file, refused, unpacked};
use crate::unpack::Limits;

fn zip() -> Zip {
    Zip::default()
}

fn cause(archive: &Zip) -> Cause {
    refused(&archive.clone().end(), &Spec::default()).0
}

#[test]
fn names_that_lead_out() {
    use PathFault::{Absolute, Character, Dots};
    for (name, expected) in [
        ("../victim", Dots),
        ("a/../../victim", Dots),
        ("/victim", Absolute),
        ("//victim", Absolute),
        ("../", Dots),
        ("a\0b", Character),
    ] {
        for archive in [zip().file(name, "x"), zip().link(name, "x")] {
            let (cause, member) = refused(&archive.end(), &Spec::default());
            assert!(matches!(&cause, Cause::Name(error) if error.fault == expected), "{name}: {cause}");
            assert_eq!(member.as_deref(), Some(name));
        }
    }
}

#[test]
fn links_that_lead_out() {
    for (archive, target) in [
        (zip().link("l", "../victim"), "../victim"),
        (zip().link("l", "d/up/../victim").link("d/up", ".."), "d/up/../victim"),
    ] {
        assert!(matches!(cause(&archive), Cause::Escape(text) if text == target));
    }
    for target in ["/etc/passwd", "", "a\0b"] {
        assert!(matches!(cause(&zip().link("l", target)), Cause::Target(_)), "{target:?}");
    }
    assert!(matches!(cause(&zip().link("l", &"x".repeat(5000))), Cause::Target(_)));
    let tree = unpacked(&zip().link("d/l", "../f").file("f", "x").end(), &Spec::default()).unwrap();
    assert_eq!(tree["d/l"], Node::Link("../f".into()));
}

#[test]
fn nothing_is_written_through_a_link() {
    for archive in [
        zip().link("l", "d").file("l/x", "x"),
        zip().file("l/x", "x").link("l", "d"),
        zip().link("l", "..").file("l/victim", "x"),
        zip().link("l", "d").of_mode("l/sub/", 0o040_755, ""),
        zip().link("l/x", "y").link("l", "d"),
    ] {
        assert!(matches!(cause(&archive), Cause::Through(path) if path.as_str() == "l"));
    }
}

#[test]
fn each_name_once() {
    assert!(matches!(cause(&zip().file("a", "1").file("a", "2")), Cause::Corrupt(_)));
    for (one, other) in [("a", "./a"), ("a", "a//"), ("a/b", "a//b"), ("a/", "./a")] {
        let archive = zip().file(one, "").file(other, "");
        assert!(matches!(cause(&archive), Cause::Conflict(_)), "{one} {other}");
    }
    assert!(matches!(cause(&zip().file("a", "1").file("a/b", "2")), Cause::Conflict(_)));
    assert!(matches!(cause(&zip().link("a", "b").file("./a", "x")), Cause::Conflict(_)));
}

#[test]
fn only_files_directories_and_links() {
    for mode in [0o010_644, 0o020_644, 0o060_644, 0o140_644] {
        assert!(matches!(cause(&zip().of_mode("x", mode, "")), Cause::Special(_)), "{mode:o}");
    }
    let archive = zip().of_mode("suid", 0o104_755, "x").of_mode("dos", 0, "y").of_mode("d/", 0o040_700, "").end();
    let tree = unpacked(&archive, &Spec::default()).unwrap();
    assert_eq!((&tree["suid"], &tree["dos"]), (&Node::Program(b"x".into()), &file("y")));
    assert_eq!(tree["d"], Node::Directory);
}

#[test]
fn limits() {
    let limited = |bytes, members| Spec { limits: Limits { bytes, members }, ..Spec::default() };
    let archive = zip().file("a", "12345").file("b", "12345").end();
    assert!(unpacked(&archive, &limited(10, 2)).is_ok());
    assert!(matches!(refused(&archive, &limited(9, 2)).0, Cause::Bytes(9)));
    assert!(matches!(refused(&archive, &limited(10, 1)).0, Cause::Members(1)));
    let bomb = zip().deflated("bomb", &vec![0; 50 << 20]).end();
    assert!(bomb.len() < 100 << 10);
    assert!(matches!(refused(&bomb, &limited(1 << 20, 10)), (Cause::Bytes(_), Some(member)) if member == "bomb"));
    // What is not chosen is not inflated.
    let spec = Spec { leave_out: vec![action::pattern::Pattern::new("bomb").unwrap()], ..limited(0, 10) };
    assert!(unpacked(&bomb, &spec).unwrap().is_empty());
}

#[test]
fn corrupt() {
    let honest =
        ZipMember { name: b"x", mode: 0o100_644, deflated: false, contents: b"text", size: 4, crc: crc(b"text") };
    assert!(unpacked(&zip().member(&honest).end(), &Spec::default()).is_ok());
    for lie in [
        ZipMember { crc: 1, ..honest.clone() },
        ZipMember { size: 3, ..honest.clone() },
        ZipMember { size: 5, ..honest.clone() },
        ZipMember { deflated: true, ..honest.clone() },
    ] {
        let archive = zip().member(&lie).end();
        assert!(matches!(refused(&archive, &Spec::default()), (Cause::Corrupt(_), Some(name)) if name == "x"));
    }
    let whole = zip().file("a", "text").deflated("b/c", &[7; 5000]).end();
    for length in 0..whole.len() {
        assert!(unpacked(&whole[..length], &Spec::default()).is_err(), "{length}");
    }
}

/// Many files of all sizes over all threads, each with what is its own.
#[test]
fn side_by_side() {
    let contents = |index: usize| index.to_string().repeat(if index % 100 == 7 { 800_000 } else { index % 900 });
    let name = |index: usize| format!("d{}/e{}/f{index}", index % 7, index % 3);
    let archive = (0..1000).fold(zip(), |zip, index| zip.deflated(&name(index), contents(index).as_bytes())).end();
    let (summary, tree) = Place::new().unpack(&archive, &Spec::default()).unwrap();
    for index in 0..1000 {
        assert!(tree[&name(index)] == Node::Program(contents(index).into_bytes()), "{index}");
    }
    let bytes = (0..1000).map(|index| contents(index).len() as u64).sum::<u64>();
    assert_eq!((summary.files, summary.bytes, summary.skipped), (1000, bytes, 0));
}
