//! Tars that want out, and tars that are broken.

use action::path::PathFault;

use super::archives::{Tar, bzip2, gzip, xz, zstd};
use super::{Cause, Node, Spec, file, refused, unpacked};
use crate::unpack::Limits;

fn tar() -> Tar {
    Tar::default()
}

fn cause(archive: &Tar) -> Cause {
    refused(&archive.clone().end(), &Spec::default()).0
}

#[test]
fn names_that_lead_out() {
    use PathFault::{Absolute, Dots};
    for (name, expected) in [
        ("../victim", Dots),
        ("..", Dots),
        ("a/../../victim", Dots),
        ("a/..", Dots),
        ("./../victim", Dots),
        ("/etc/victim", Absolute),
        ("//victim", Absolute),
    ] {
        for archive in [tar().file(name, "x"), tar().directory(name), tar().link(name, "x"), tar().hard(name, "x")] {
            let (cause, member) = refused(&archive.end(), &Spec::default());
            assert!(matches!(&cause, Cause::Name(error) if error.fault == expected), "{name}: {cause}");
            assert_eq!(member.as_deref(), Some(name));
        }
        for archive in [tar().gnu(b'L', name).file("kind", "x"), tar().pax(&[("path", name)]).file("kind", "x")] {
            let (cause, member) = refused(&archive.end(), &Spec::default());
            assert!(matches!(&cause, Cause::Name(error) if error.fault == expected), "{name}: {cause}");
            assert_eq!(member.as_deref(), Some(name));
        }
    }
}

#[test]
fn stripping_does_not_launder_a_name() {
    let archive = tar().file("../../x/victim", "x").end();
    for strip in 0..5 {
        assert!(matches!(refused(&archive, &Spec { strip, ..Spec::default() }).0, Cause::Name(_)), "{strip}");
    }
}

#[test]
fn impossible_names() {
    let long = "x".repeat(256);
    let deep = "d/".repeat(101);
    let endless = "dddddddddddddddddddddddddddddddddddddd/".repeat(60);
    let named = |name: &str| cause(&tar().pax(&[("path", name)]).file("kind", "x"));
    assert!(matches!(named("a\0b"), Cause::Name(error) if error.fault == PathFault::Character));
    assert!(matches!(named(&long), Cause::Name(error) if error.fault == PathFault::TooLong));
    assert!(matches!(named(&deep), Cause::TooLong));
    assert!(matches!(named(&endless), Cause::TooLong));
    let not_utf8 = tar().member(b'0', b"caf\xe9", b"", 0o644, b"");
    assert!(matches!(cause(&not_utf8), Cause::Name(error) if error.fault == PathFault::NotUtf8));
    let huge = "x".repeat(2 << 20);
    assert!(matches!(cause(&tar().gnu(b'L', &huge).file("kind", "x")), Cause::TooLong));
}

#[test]
fn links_that_lead_out() {
    for (archive, target) in [
        (tar().link("l", "../victim"), "../victim"),
        (tar().link("l", ".."), ".."),
        (tar().directory("d").link("d/l", "../../victim"), "../../victim"),
        (tar().link("d/l", "e/../../../victim"), "e/../../../victim"),
        (tar().link("d/up", "..").link("l", "d/up/../victim"), "d/up/../victim"),
        (tar().link("a/b/c/up", "../../..").link("l", "a/b/c/up/.."), "a/b/c/up/.."),
        (tar().link("z", "d/up/../victim").directory("d").link("d/up", ".."), "d/up/../victim"),
        (tar().link("x", "y/..").link("y", "./z/../."), "y/.."),
    ] {
        let (cause, member) = refused(&archive.end(), &Spec::default());
        assert!(matches!(&cause, Cause::Escape(text) if text == target), "{target}: {cause}");
        assert!(member.is_some());
    }
    for target in ["/etc/passwd", "/", ""] {
        assert!(matches!(cause(&tar().link("l", target)), Cause::Target(text) if text == target), "{target}");
    }
    assert!(matches!(cause(&tar().pax(&[("linkpath", "a\0b")]).link("l", "kind")), Cause::Target(_)));
    assert!(matches!(cause(&tar().gnu(b'K', "/etc/passwd").link("l", "kind")), Cause::Target(_)));
    assert!(matches!(cause(&tar().gnu(b'K', &"x".repeat(5000)).link("l", "kind")), Cause::Target(_)));
}

#[test]
fn links_that_lead_nowhere_are_kept() {
    let archive = tar().link("a", "b").link("b", "a").link("self", "self").link("d/gone", "../missing/x").end();
    let tree = unpacked(&archive, &Spec::default()).unwrap();
    assert_eq!(tree["a"], Node::Link("b".into()));
    assert_eq!(tree["d/gone"], Node::Link("../missing/x".into()));
}

#[test]
fn nothing_is_written_through_a_link() {
    for archive in [
        tar().directory("d").link("l", "d").file("l/x", "x"),
        tar().link("l", "d").directory("l/sub"),
        tar().link("l", "d").directory("l"),
        tar().link("l", "d").link("l/x", "y"),
        tar().file("f", "x").link("l", "d").hard("l/x", "f"),
        tar().link("a", "d").file("a/b/c/x", "x"),
    ] {
        assert!(matches!(cause(&archive), Cause::Through(path) if ["l", "a"].contains(&path.as_str())));
    }
    // Even a link that leads out never exists while files are written.
    assert!(matches!(cause(&tar().link("l", "..").file("l/victim", "x")), Cause::Through(_)));
}

#[test]
fn hard_links_reach_only_files_of_the_archive() {
    assert_eq!(unpacked(&tar().file("f", "x").hard("f", "f").end(), &Spec::default()).unwrap()["f"], file("x"));
    for target in ["missing", "l", "d"] {
        let archive = tar().file("f", "x").directory("d").hard("l", target);
        assert!(matches!(cause(&archive), Cause::HardLink(text) if text == target), "{target}");
    }
    for target in ["../victim", "/etc/passwd", "d/../../victim"] {
        assert!(matches!(cause(&tar().hard("l", target)), Cause::Name(_)), "{target}");
    }
    assert!(matches!(cause(&tar().link("s", "..").hard("l", "s/victim")), Cause::Through(_)));
    // One that is not chosen is not there.
    let spec = Spec { leave_out: vec![action::pattern::Pattern::new("f").unwrap()], ..Spec::default() };
    assert!(matches!(refused(&tar().file("f", "x").hard("l", "f").end(), &spec).0, Cause::HardLink(_)));
}

#[test]
fn only_files_directories_and_links() {
    for (kind, expected) in [(b'3', "device"), (b'4', "device"), (b'6', "named pipe")] {
        let archive = tar().member(kind, b"x", b"", 0o644, b"");
        assert!(matches!(cause(&archive), Cause::Special(what) if what == expected));
    }
    for kind in *b"SMDNZ" {
        assert!(matches!(cause(&tar().member(kind, b"x", b"", 0o644, b"")), Cause::Unsupported(_)), "{kind}");
    }
    for key in ["GNU.sparse.major", "GNU.sparse.name", "GNU.sparse.map"] {
        assert!(matches!(cause(&tar().pax(&[(key, "1")]).file("x", "x")), Cause::Unsupported(_)), "{key}");
    }
    assert!(matches!(cause(&tar().pax(&[("size", "7")]).file("x", "x")), Cause::Unsupported(_)));
    assert!(matches!(cause(&tar().pax(&[("size", "many")]).file("x", "x")), Cause::Corrupt(_)));
    assert!(matches!(cause(&tar().pax_of_kind(b'g', &[("path", "x")]).file("x", "x")), Cause::Unsupported(_)));
}

#[test]
fn what_is_left_out_may_be_anything() {
    let archive = tar().link("x/passwd", "/etc/passwd").member(b'6', b"x/pipe", b"", 0, b"").file("y", "kept").end();
    let spec = Spec { leave_out: vec![action::pattern::Pattern::new("x").unwrap()], ..Spec::default() };
    assert_eq!(unpacked(&archive, &spec).unwrap(), [("y".to_owned(), file("kept"))].into());
}

#[test]
fn the_last_of_a_name_counts() {
    let archive = tar()
        .program("twice", "a longer text")
        .file("twice", "second")
        .link("was-link", "twice")
        .file("was-link", "file")
        .file("was-file", "file")
        .link("was-file", "twice")
        .file("one", "1")
        .hard("other", "one")
        .file("one", "changed")
        .end();
    let tree = unpacked(&archive, &Spec::default()).unwrap();
    assert_eq!(tree["twice"], file("second"));
    assert_eq!(tree["was-link"], file("file"));
    assert_eq!(tree["was-file"], Node::Link("twice".into()));
    assert_eq!((&tree["one"], &tree["other"]), (&file("changed"), &file("1")));
}

#[test]
fn files_and_directories_do_not_mix() {
    for archive in [
        tar().file("a", "x").file("a/b", "x"),
        tar().file("a/b", "x").file("a", "x"),
        tar().directory("a").link("a", "b"),
        tar().file("a", "x").directory("a"),
        tar().link("d/l", "x").link("d", "x"),
    ] {
        assert!(matches!(cause(&archive), Cause::Conflict(_)));
    }
}

#[test]
fn limits() {
    let limited = |bytes, members| Spec { limits: Limits { bytes, members }, ..Spec::default() };
    let archive = tar().file("a", "12345").file("b", "12345").hard("c", "b").end();
    assert!(unpacked(&archive, &limited(15, 3)).is_ok());
    assert!(matches!(refused(&archive, &limited(14, 3)), (Cause::Bytes(14), Some(member)) if member == "c"));
    assert!(matches!(refused(&archive, &limited(15, 2)).0, Cause::Members(2)));
    // A bomb: what is skipped counts as well, since it must be decompressed.
    let zeros = "\0".repeat(1 << 20);
    let bomb = gzip(&(0..50).fold(tar(), |tar, _| tar.file("skipped", &zeros)).end());
    assert!(bomb.len() < 1 << 20);
    let spec = Spec { strip: 1, ..limited(10 << 20, 1000) };
    assert!(matches!(refused(&bomb, &spec).0, Cause::Bytes(_)));
    // Zeros without end after the end.
    let mut padded = tar().file("a", "x").end();
    padded.resize(20 << 20, 0);
    assert!(matches!(refused(&gzip(&padded), &Spec::default()).0, Cause::Corrupt(_)));
}

#[test]
fn set_id_bits_are_dropped() {
    let archive = tar()
        .member(b'0', b"root", b"", 0o4755, b"")
        .member(b'0', b"open", b"", 0o7666, b"")
        .member(b'0', b"group", b"", 0o2075, b"")
        .member(b'5', b"d", b"", 0o1777, b"")
        .end();
    let tree = unpacked(&archive, &Spec::default()).unwrap();
    assert_eq!(tree["root"], Node::Program(Vec::new()));
    assert_eq!((&tree["open"], &tree["group"], &tree["d"]), (&file(""), &file(""), &Node::Directory));
}

#[test]
fn cut_short_anywhere() {
    let contents = "0123456789".repeat(90);
    let body = tar().pax(&[("path", "long/name")]).file("x", &contents).directory("d").file("d/y", &contents);
    let whole = body.clone().end();
    let headers = [0, 1024, 2560, 3072, body.open_end().len()];
    for length in (0..whole.len()).step_by(97).chain(headers) {
        let outcome = unpacked(&whole[..length], &Spec::default());
        // A plain tar without its end cannot be told from one that was written so. But a header needs its member.
        let may_pass = headers.contains(&length) && length >= 2560 || length > headers[4];
        assert!(outcome.is_err() || may_pass, "{length}");
    }
    let within = refused(&whole[..2000], &Spec::default());
    assert!(matches!(&within, (Cause::Corrupt(_), Some(member)) if member == "long/name"), "{within:?}");
    let before = refused(&whole[..1024], &Spec::default());
    assert!(matches!(&before, (Cause::Corrupt(_), None)), "{before:?}");
    for compress in [gzip, bzip2, xz, zstd] {
        let whole = compress(&whole);
        for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
            assert!(unpacked(&whole[..length], &Spec::default()).is_err(), "{length} of {}", whole.len());
        }
    }
}

#[test]
fn corrupt() {
    let whole = tar().file("x", "text").end();
    let mut header = whole.clone();
    header[0] ^= 1;
    assert!(matches!(refused(&header, &Spec::default()).0, Cause::Format));
    let mut second = tar().file("w", "text").file("x", "text").end();
    second[1024] ^= 1;
    assert!(matches!(refused(&second, &Spec::default()).0, Cause::Corrupt(_)));
    for compress in [gzip, bzip2, xz] {
        let mut archive = compress(&whole);
        let middle = archive.len() / 2;
        archive[middle] ^= 0x10;
        assert!(unpacked(&archive, &Spec::default()).is_err());
        assert!(matches!(refused(&compress(b"no tar at all"), &Spec::default()).0, Cause::Format));
    }
    for nothing in [&b""[..], b"x", b"\x1f", &[7; 600], b"%PDF-1.7"] {
        assert!(matches!(refused(nothing, &Spec::default()), (Cause::Format, None)));
    }
}
