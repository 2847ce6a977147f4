use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::*;
use crate::unpack::Cause;

fn shape() -> Shape {
    let patterns = ["packages/*/*/opam", "packages/*/*/files", "repo"].map(|text| Pattern::new(text).unwrap());
    Shape { patterns: patterns.to_vec(), limits: Limits::default() }
}

fn plant(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

const FILES: [(&str, &str); 7] = [
    ("packages/a/a.1/opam", "one"),
    ("packages/a/a.2/opam", "two"),
    ("packages/a/a.2/files/deep/p.patch", "patch"),
    ("packages/a/a.2/url", "not chosen"),
    ("packages/README", "not chosen"),
    ("other/a/a.1/opam", "not chosen"),
    ("repo", "about"),
];

fn shown(members: &[Member]) -> Vec<(&str, &str)> {
    members.iter().map(|member| (member.path.as_str(), std::str::from_utf8(&member.bytes).unwrap())).collect()
}

const CHOSEN: [(&str, &str); 4] = [
    ("packages/a/a.1/opam", "one"),
    ("packages/a/a.2/files/deep/p.patch", "patch"),
    ("packages/a/a.2/opam", "two"),
    ("repo", "about"),
];

#[test]
fn what_patterns_choose_is_read() {
    let temp = tempfile::tempdir().unwrap();
    plant(temp.path(), &FILES);
    let (members, _) = directory(temp.path(), &shape()).unwrap();
    assert_eq!(shown(&members), CHOSEN);
}

#[test]
fn a_change_of_any_kind_shows() {
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 8] = [
        ("contents", |root| fs::write(root.join("packages/a/a.1/opam"), "three").unwrap()),
        ("contents of the same length", |root| fs::write(root.join("packages/a/a.1/opam"), "oen").unwrap()),
        ("a new version", |root| plant(root, &[("packages/a/a.3/opam", "")])),
        ("a new package", |root| plant(root, &[("packages/b/b.1/opam", "")])),
        ("a new file", |root| plant(root, &[("packages/a/a.1/files/x", "")])),
        ("a file gone", |root| fs::remove_file(root.join("packages/a/a.1/opam")).unwrap()),
        ("a package gone", |root| fs::remove_dir_all(root.join("packages/a")).unwrap()),
        ("the repository gone", |root| fs::remove_dir_all(root).unwrap()),
    ];
    for (what, change) in changes {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("root");
        plant(&root, &FILES);
        let encoded = directory(&root, &shape()).unwrap().1.encode();
        assert!(Listing::holds(&encoded, &root), "nothing changed");
        // What is not looked at may change, where it makes no new name on the way.
        fs::write(root.join("packages/README"), "changed, and longer").unwrap();
        assert!(Listing::holds(&encoded, &root), "nothing of interest changed");
        // Times of files are no finer than the system's tick.
        std::thread::sleep(Duration::from_millis(20));
        change(&root);
        assert!(!Listing::holds(&encoded, &root), "{what}");
    }
}

#[test]
fn damaged_listings_hold_nowhere() {
    let temp = tempfile::tempdir().unwrap();
    plant(temp.path(), &FILES);
    let encoded = directory(temp.path(), &shape()).unwrap().1.encode();
    for length in 0..encoded.len() {
        assert!(!Listing::holds(&encoded[..length], temp.path()), "{length} bytes of it");
    }
}

#[test]
fn a_listing_made_right_after_a_change_is_not_to_be_trusted() {
    let temp = tempfile::tempdir().unwrap();
    plant(temp.path(), &[("repo", "")]);
    let (_, listing) = directory(temp.path(), &shape()).unwrap();
    let now = SystemTime::now();
    assert!(!listing.is_settled(now));
    assert!(listing.is_settled(now + Duration::from_secs(3)));
}

#[test]
fn links_are_followed_and_pipes_refused() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("root");
    plant(temp.path(), &[("elsewhere/a.1/opam", "linked")]);
    fs::create_dir_all(root.join("packages")).unwrap();
    symlink(temp.path().join("elsewhere"), root.join("packages/a")).unwrap();
    let (members, listing) = directory(&root, &shape()).unwrap();
    assert_eq!(shown(&members), [("packages/a/a.1/opam", "linked")]);
    let encoded = listing.encode();
    std::thread::sleep(Duration::from_millis(20));
    plant(temp.path(), &[("elsewhere/a.1/opam", "changed")]);
    assert!(!Listing::holds(&encoded, &root));

    let pipe = root.join("repo");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    assert!(matches!(directory(&root, &shape()), Err(CollectionError::Special(at)) if at == pipe));
}

#[test]
fn what_cannot_be_read_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let absent = temp.path().join("absent");
    assert!(matches!(directory(&absent, &shape()), Err(CollectionError::Absent(at)) if at == absent));
    plant(temp.path(), &[("packages/a/a.1/opam", "")]);
    let link = temp.path().join("packages/b");
    symlink("nowhere", &link).unwrap();
    assert!(matches!(directory(temp.path(), &shape()), Err(CollectionError::Io { path, .. }) if path == link));
}

#[test]
fn too_much_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    plant(temp.path(), &FILES);
    for limits in [Limits { bytes: 10, members: 100 }, Limits { bytes: 1000, members: 3 }] {
        let refused = directory(temp.path(), &Shape { limits, ..shape() });
        assert!(matches!(refused, Err(CollectionError::TooLarge { .. })), "{limits:?}");
    }
}

fn tar(prefix: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{prefix}{path}"), text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn archives_are_read_with_and_without_a_directory_of_their_own() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("archive");
    for prefix in ["", "./", "repository-1.2/"] {
        let plain = tar(prefix, &FILES);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        for bytes in [plain, gzip.finish().unwrap()] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(shown(&archive(&file, &shape()).unwrap()), CHOSEN, "{prefix}");
        }
    }
    let twice = [("repo", "first"), ("repo", "last")];
    fs::write(&file, tar("", &twice)).unwrap();
    assert_eq!(shown(&archive(&file, &shape()).unwrap()), [("repo", "last")]);
}

#[test]
fn archives_that_are_none_or_too_much() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("archive");
    let cause = |bytes: &[u8], limits| {
        fs::write(&file, bytes).unwrap();
        match archive(&file, &Shape { limits, ..shape() }) {
            Err(CollectionError::Archive(error)) => error.cause,
            other => panic!("{other:?}"),
        }
    };
    let whole = tar("", &FILES);
    assert!(matches!(cause(b"<html>no archive</html>", Limits::default()), Cause::Format));
    assert!(matches!(cause(b"PK\x03\x04", Limits::default()), Cause::Unsupported(_)));
    assert!(matches!(cause(&whole[..700], Limits::default()), Cause::Corrupt(_)));
    assert!(matches!(cause(&whole, Limits { bytes: 10, members: 100 }), Cause::Bytes(10)));
    assert!(matches!(cause(&whole, Limits { bytes: 1000, members: 3 }), Cause::Members(3)));
}
