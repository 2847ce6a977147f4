//! Mirrors, `file:` URLs, the order of places, several forms, several threads.

use std::sync::atomic::Ordering;

use action::checksum::{Checksums, Kind};

use super::*;

#[test]
fn a_mirror_directory_comes_before_origins() {
    let mut lab = Lab::new();
    let wanted = source(b"right", &[url("file:///nonexistent")]);
    lab.put("mirror", &cache_path(&wanted), b"right");
    lab.use_mirror();
    assert_eq!(lab.fetch_bytes(&wanted), b"right");
    assert!(lab.path("mirror").join(cache_path(&wanted)).exists());
}

#[test]
fn mirrors_in_every_notation() {
    let mut lab = Lab::new();
    let wanted = source(b"right", &[]);
    let file = lab.put("a mirror", &cache_path(&wanted), b"right");
    let root = file.ancestors().nth(3).unwrap().display().to_string();
    for text in [root.clone(), format!("file://{}", root.replace(' ', "%20")), format!("{root}/")] {
        lab.config.mirrors = vec![Mirror::parse("/nonexistent"), Mirror::parse(&text)];
        assert_eq!(lab.fetch_bytes(&wanted), b"right", "{text}");
        fs::remove_file(lab.scratch().join(wanted.hex())).unwrap();
    }
}

#[test]
fn every_place_is_told_of() {
    let mut lab = Lab::new();
    let other = lab.put("other", "file", b"other");
    let short = lab.put("short", "file", b"righ");
    let folder = lab.put("folder", "file", b"");
    let origins = [
        url(format!("file://{}", other.display())),
        url(format!("file://{}", short.display())),
        url(format!("file://{}", folder.parent().unwrap().display())),
        url("file://elsewhere/a"),
        url("gopher://host/file"),
    ];
    let wanted = source(b"right", &origins);
    lab.use_mirror();
    let error = lab.fetch(&wanted).unwrap_err();
    let causes: Vec<&Cause> = error.attempts.iter().map(|attempt| &attempt.cause).collect();
    assert_eq!(causes[..3], [&Cause::NotFound, &mismatch(&wanted, b"other"), &mismatch(&wanted, b"righ")]);
    assert!(matches!(causes[3], Cause::Io { .. }), "{causes:?}");
    assert!(causes[4..].iter().all(|cause| matches!(cause, Cause::Unusable(_))), "{causes:?}");
    assert_eq!(causes.len(), 6);
    assert_eq!(error.attempts[0].place, Place::Mirror(lab.config.mirrors[0].clone()));
    assert_eq!(error.attempts[1].place, Place::Origin(wanted.origins[0].clone()));
    assert_eq!(lab.left(), [""; 0]);
    assert!(!error.stopped());
}

#[test]
fn forms_are_tried_in_order() {
    let mut lab = Lab::new();
    lab.use_mirror();
    let forms = [source(b"first", &[]), source(b"second", &[]), source(b"third", &[])];
    for form in &forms[1..] {
        lab.put("mirror", &cache_path(form), if form == &forms[1] { b"second" } else { b"third" });
    }
    let wanted = Fetch { label: "a thing".to_owned(), alternatives: forms.to_vec() };
    let fetched = lab.fetcher().fetch_any(&wanted, &lab.scratch(), &|_, _| {}).unwrap();
    assert_eq!(fetched, Fetched { path: lab.scratch().join(forms[1].hex()), alternative: 1 });

    let none = Fetch { label: "no thing".to_owned(), alternatives: vec![forms[0].clone(), source(b"fourth", &[])] };
    let error = lab.fetcher().fetch_any(&none, &lab.scratch(), &|_, _| {}).unwrap_err();
    assert_eq!((error.what.as_str(), error.attempts.len()), ("no thing", 2));
}

#[test]
fn what_is_there_already_is_checked_and_used() {
    let lab = Lab::new();
    let wanted = source(b"right", &[]);
    fs::write(lab.scratch().join(wanted.hex()), b"right").unwrap();
    assert_eq!(lab.fetch_bytes(&wanted), b"right");
    // A run that was killed between the last byte and the renaming.
    fs::rename(lab.scratch().join(wanted.hex()), lab.scratch().join(format!("{}.part", wanted.hex()))).unwrap();
    assert_eq!(lab.fetch_bytes(&wanted), b"right");
    fs::write(lab.scratch().join(wanted.hex()), b"damaged").unwrap();
    assert_eq!(lab.causes(&wanted), []);
    let again = source(b"right", &[url(format!("file://{}", lab.put("there", "file", b"right").display()))]);
    assert_eq!(lab.fetch_bytes(&again), b"right");
}

#[test]
fn offline_reads_files_and_nothing_else() {
    let mut lab = Lab::new();
    lab.config.offline = true;
    lab.config.mirrors = vec![Mirror::parse("http://127.0.0.1:1/")];
    lab.tool("npm", "touch $LAB/called");
    lab.tool("pip3", "touch $LAB/called");
    lab.tool("apt-get", "touch $LAB/called");
    let (package, version) = ("a".to_owned(), "1".to_owned());
    let file = action::source::DebianFile::Orig;
    let mut origins = vec![
        url("https://127.0.0.1:1/a"),
        Origin::Npm { package: package.clone(), version: version.clone() },
        Origin::Pypi { package: package.clone(), version: version.clone(), platform: None },
        Origin::Debian { package, version, file },
    ];
    let causes = lab.causes(&source(b"right", &origins));
    assert_eq!(causes, vec![Cause::Offline; 4 + lab.config.debian.suites.len()]);
    assert!(!lab.path("called").exists());
    origins.push(url(format!("file://{}", lab.put("there", "file", b"right").display())));
    assert_eq!(lab.fetch_bytes(&source(b"right", &origins)), b"right");
}

#[test]
fn stopped_before_the_first_place() {
    let mut lab = Lab::new();
    lab.use_mirror();
    lab.config.stop.store(true, Ordering::Relaxed);
    let error = lab.fetch(&source(b"right", &[url("file:///a"), url("file:///b")])).unwrap_err();
    assert!(error.stopped());
    assert_eq!(error.attempts.len(), 1);
}

/// Of `right`, as coreutils tell them.
fn right(kind: Kind) -> Checksum {
    let digits = match kind {
        Kind::Md5 => "7c4f29407893c334a6cb7a87bf045c0d",
        Kind::Sha256 => "27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9",
        Kind::Sha512 => {
            "55c972106a0b3267b1e1fa7af7d584ddcf6051ee51630da49cce80d953992390\
             cd6e4c718adc852beb7618a7221b7e3a03eeae6c6fb52d3a8805665c357f6b1f"
        }
    };
    Checksum::parse(kind, digits).unwrap()
}

fn by(checksums: &[Checksum], origins: &[Origin]) -> Source {
    let checksums = Checksums::new(checksums.iter().copied()).unwrap();
    Source { name: "thing.tar.gz".to_owned(), checksums, origins: origins.to_vec() }
}

#[test]
fn a_mirror_is_asked_by_every_checksum() {
    let kinds = [Kind::Sha256, Kind::Sha512, Kind::Md5];
    for given in [&kinds[..], &kinds[1..], &kinds[2..], &[Kind::Sha256, Kind::Md5]] {
        for there in given {
            let mut lab = Lab::new();
            lab.use_mirror();
            let all: Vec<Checksum> = given.iter().map(|kind| right(*kind)).collect();
            let wanted = by(&all, &[]);
            assert_eq!(lab.causes(&wanted), [Cause::NotFound], "one place, one answer");
            lab.put("mirror", &right(*there).cache_path(), b"right");
            assert_eq!(lab.fetch_bytes(&wanted), b"right", "{given:?} by {there:?}");
        }
    }
}

#[test]
fn all_checksums_must_hold_wherever_the_bytes_come_from() {
    let mut lab = Lab::new();
    lab.use_mirror();
    let wrong = Checksum::Md5([1; 16]);
    let wanted = by(&[right(Kind::Sha256), wrong], &[]);
    let expected = [Cause::mismatch(wrong, right(Kind::Md5), 5)];
    lab.put("mirror", &right(Kind::Sha256).cache_path(), b"right");
    assert_eq!(lab.causes(&wanted), expected);
    // Also what somebody else fetched, who knew but one of them.
    assert_eq!(lab.fetch_bytes(&by(&[right(Kind::Sha256)], &[])), b"right");
    assert_eq!(lab.causes(&wanted), expected);
}

#[test]
fn mirrors_then_the_sources_own_addresses_each_in_its_order() {
    let mut lab = Lab::new();
    lab.config.mirrors = vec![Mirror::parse("/nonexistent"), Mirror::Directory(lab.path("mirror"))];
    let wanted =
        by(&[right(Kind::Sha512)], &["a", "b", "c"].map(|name| url(format!("file://{}", lab.path(name).display()))));
    fs::write(lab.path("b"), b"wrong").unwrap();
    let error = lab.fetch(&wanted).unwrap_err();
    let told: Vec<String> = error.attempts.iter().map(|attempt| attempt.place.to_string()).collect();
    let mirror = lab.path("mirror").display().to_string();
    let own = ["a", "b", "c"].map(|name| format!("file://{}", lab.path(name).display()));
    assert_eq!(told, [&["/nonexistent".to_owned(), mirror], &own[..]].concat());
    assert!(matches!(error.attempts[3].cause, Cause::Mismatch { .. }), "{:?}", error.attempts);
    assert!([0, 1, 2, 4].iter().all(|at| error.attempts[*at].cause == Cause::NotFound), "{:?}", error.attempts);
    fs::write(lab.path("c"), b"right").unwrap();
    assert_eq!(lab.fetch_bytes(&wanted), b"right");
}
