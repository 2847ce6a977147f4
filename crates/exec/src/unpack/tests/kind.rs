//! Archives as honest programs make them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use action::pattern::Pattern;
use tempfile::TempDir;

use super::archives::{Tar, Zip, ar, bzip2, gzip, xz, zstd};
use super::{Cause, Node, Place, Spec, Summary, Tree, file, refused, tree, unpack, unpacked};

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
}

fn package() -> Tar {
    Tar::default()
        .pax_of_kind(b'g', &[("comment", "0123abcd")])
        .directory("pkg-1.0/")
        .program("pkg-1.0/configure", "#!/bin/sh\n")
        .file("pkg-1.0/src/a.ml", "let a = 1\n")
        .file("./pkg-1.0//src/./b.ml", "")
        .link("pkg-1.0/doc", "src/../src")
        .hard("pkg-1.0/c.ml", "pkg-1.0/src/a.ml")
        .hard("pkg-1.0/doc2", "pkg-1.0/doc")
        .file("README", "outside the directory")
}

#[test]
fn every_compression() {
    let expected: Tree = [
        ("configure", Node::Program(b"#!/bin/sh\n".into())),
        ("src", Node::Directory),
        ("src/a.ml", file("let a = 1\n")),
        ("src/b.ml", file("")),
        ("c.ml", file("let a = 1\n")),
        ("doc", Node::Link("src/../src".into())),
        ("doc2", Node::Link("src/../src".into())),
    ]
    .map(|(path, node)| (path.to_owned(), node))
    .into();
    let tar = package().end();
    let two_members = [gzip(&tar[..700]), gzip(&tar[700..])].concat();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&tar[700..])].concat();
    let two_frames = [zstd(&tar[..700]), skippable].concat();
    let two_streams = [bzip2(&tar[..700]), bzip2(&tar[700..])].concat();
    let debian = ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", &xz(&tar))]);
    let archives = [gzip(&tar), bzip2(&tar), xz(&tar), zstd(&tar), two_members, two_frames, two_streams, debian, tar];
    for (index, archive) in archives.iter().enumerate() {
        let (summary, tree) = Place::new().unpack(archive, &Spec { strip: 1, ..Spec::default() }).unwrap();
        assert_eq!(tree, expected, "{index}");
        assert_eq!(summary, Summary { files: 4, directories: 0, links: 2, skipped: 2, bytes: 30 });
    }
}

#[test]
fn choosing() {
    let spec = Spec {
        strip: 1,
        keep: patterns(&["src", "configure", "*.ml"]),
        leave_out: patterns(&["src/b*"]),
        executable: patterns(&["src/a.ml"]),
        ..Spec::default()
    };
    let expected: Tree = [
        ("configure", Node::Program(b"#!/bin/sh\n".into())),
        ("src", Node::Directory),
        ("src/a.ml", Node::Program(b"let a = 1\n".into())),
        ("c.ml", Node::Program(b"let a = 1\n".into())),
    ]
    .map(|(path, node)| (path.to_owned(), node))
    .into();
    let mut found = unpacked(&package().end(), &spec).unwrap();
    // A hard link takes the mode that its file was given.
    assert_eq!(found, expected);
    let zip = Zip::default()
        .of_mode("w/", 0o040_755, "")
        .file("w/src/a.ml", "let a = 1\n")
        .file("w/src/b.ml", "left out")
        .file("w/c.ml", "let a = 1\n")
        .of_mode("w/configure", 0o100_755, "#!/bin/sh\n")
        .file("top", "stripped")
        .end();
    found = unpacked(&zip, &Spec { executable: patterns(&["src/a.ml", "c.ml"]), ..spec }).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn long_names() {
    let name = format!("{}/{}", ["directory"; 30].join("/"), "n".repeat(255));
    let target = ["up"; 60].join("/");
    for tar in [
        Tar::default().gnu(b'L', &name).file("short", "x").gnu(b'K', &target).link("l", "short"),
        Tar::default().pax(&[("path", &name)]).file("short", "x").pax(&[("linkpath", &target)]).link("l", "short"),
    ] {
        let tree = unpacked(&tar.end(), &Spec::default()).unwrap();
        assert_eq!(tree[&name], file("x"));
        assert_eq!(tree["l"], Node::Link(target.clone()));
        assert!(!tree.contains_key("short"));
    }
}

#[test]
fn debian_packages_without_data() {
    let tar = gzip(&package().end());
    assert!(matches!(refused(&ar(&[("debian-binary", b"2.0\n")]), &Spec::default()).0, Cause::Format));
    assert!(matches!(refused(&ar(&[("data.tar", b"no tar")]), &Spec::default()).0, Cause::Format));
    let whole = ar(&[("debian-binary", b"2.0"), ("data.tar.gz", &tar)]);
    assert!(unpacked(&whole, &Spec::default()).is_ok());
    for length in 0..whole.len() - 1 {
        assert!(unpacked(&whole[..length], &Spec::default()).is_err(), "{length}");
    }
    // Where a tar alone would not tell.
    let plain = ar(&[("data.tar", &package().end())]);
    let without_end = plain.len() - 1024;
    assert!(matches!(refused(&plain[..without_end], &Spec::default()).0, Cause::Corrupt(_)));
}

#[test]
fn a_wrong_checksum_of_a_zstd_frame() {
    let mut archive = zstd(&package().end());
    assert_eq!(archive[4] & 4, 4, "the encoder writes checksums");
    let last = archive.len() - 1;
    archive[last] ^= 1;
    assert!(matches!(refused(&archive, &Spec::default()).0, Cause::Corrupt(_)));
}

#[test]
fn where_to() {
    let place = TempDir::new().unwrap();
    let (archive, into) = (place.path().join("archive"), place.path().join("into"));
    fs::write(&archive, package().end()).unwrap();
    let spec = Spec::default();
    fs::create_dir(&into).unwrap();
    unpack(&archive, &into, &spec).unwrap();
    assert!(matches!(unpack(&archive, &into, &spec).unwrap_err().cause, Cause::NotEmpty(path) if path == into));
    let link = place.path().join("link");
    fs::create_dir(place.path().join("empty")).unwrap();
    symlink("empty", &link).unwrap();
    assert!(matches!(unpack(&archive, &link, &spec).unwrap_err().cause, Cause::Io { path, .. } if path == link));
    let nowhere = place.path().join("a/b");
    assert!(matches!(unpack(&archive, &nowhere, &spec).unwrap_err().cause, Cause::Io { path, .. } if path == nowhere));
    let missing = unpack(&nowhere, &into, &spec).unwrap_err();
    assert!(missing.to_string().starts_with(&nowhere.display().to_string()), "{missing}");
}

/// The system's own tar, in its formats, as the maker.
#[test]
fn of_the_systems_tar() {
    let place = TempDir::new().unwrap();
    let from = place.path().join("from");
    fill(&from);
    for options in [&["--format=gnu"][..], &["--format=pax"], &["--format=gnu", "--gzip"]] {
        let archive = place.path().join("archive");
        let mut tar = Command::new("tar");
        tar.arg("--create").args(options).arg("--file").arg(&archive).arg("--directory").arg(&from).arg(".");
        let Ok(status) = tar.status() else { return };
        assert!(status.success());
        let into = TempDir::new().unwrap();
        unpack(&archive, into.path(), &Spec::default()).unwrap();
        assert_eq!(tree(into.path()), tree(&from), "{options:?}");
    }
}

fn fill(directory: &Path) {
    let long = directory.join("long/".repeat(30)).join("n".repeat(200));
    fs::create_dir_all(long.parent().unwrap()).unwrap();
    fs::write(&long, "x".repeat(100_000)).unwrap();
    fs::create_dir(directory.join("empty")).unwrap();
    fs::write(directory.join("é"), "").unwrap();
    fs::hard_link(&long, directory.join("hard")).unwrap();
    symlink("t/".repeat(150), directory.join("link")).unwrap();
    let mut program = fs::File::create(directory.join("program")).unwrap();
    program.write_all(b"#!/bin/sh\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    program.set_permissions(mode).unwrap();
}
