//! Debian's archive through fake apt tools that keep lists in the directories they are told of, as the real ones do.

use std::thread;

use action::source::DebianFile;

use super::*;

/// `$LAB/archive/SUITE/KIND` lists `package version file` lines, `$LAB/pool/` has the files, `$LAB/calls` the calls.
const APT: &str = r#"
echo "${0##*/} $*" >> "$LAB/calls"
if [ "$1" = indextargets ]; then cat "$LAB/targets"; exit; fi
[ "$1" = -c ] && [ "$3" = -qq ] && [ "$LC_ALL" = C ] && [ -d "$TMPDIR" ] || { echo "badly called" >&2; exit 9; }
conf=$2; command=$4
for last; do :; done
setting() { sed -n "s/^$1 \"\(.*\)\";/\1/p" "$conf"; }
lists=$(setting Dir::State::lists)
[ -d "$lists/partial" ] && [ -d "$(setting Dir::Cache::archives)/partial" ] && [ -f "$(setting Dir::State::status)" ] || exit 9
mkdir "$lists/busy" || { echo "E: Could not get lock $lists/lock" >&2; exit 100; }
trap 'rmdir "$lists/busy"' EXIT
case $command in
update)
  rm -rf "$TMPDIR/new"; mkdir "$TMPDIR/new"
  sed 's/ \[[^]]*\]//' "$(setting Dir::Etc::sourcelist)" > "$TMPDIR/sources"
  while read -r kind archive suite component; do
    [ "$archive $component" = "http://host.invalid/debian main" ] && [ -f "$LAB/archive/$suite/$kind" ] ||
      { echo "E: The repository '$archive $suite Release' does not have a Release file." >&2; exit 100; }
    cp "$LAB/archive/$suite/$kind" "$TMPDIR/new/$suite"
  done < "$TMPDIR/sources"
  rm -f "$lists"/* 2>/dev/null; cp "$TMPDIR/new"/* "$lists";;
madison)
  for list in "$lists"/*; do [ -f "$list" ] && sed -n "s/^$last \([^ ]*\) .*/ $last | \1 | here/p" "$list"; done; true;;
source|download)
  file=$(cat "$lists"/* 2>/dev/null | sed -n "s/^${last%%=*} ${last#*=} //p" | head -1)
  [ -n "$file" ] || { echo "E: Version '${last#*=}' for '${last%%=*}' was not found" >&2; exit 100; }
  [ -f "$LAB/pool/$file" ] || { echo "E: Failed to fetch http://host.invalid/debian/pool/$file  404  Not Found [IP: ::1 80]" >&2; exit 100; }
  sleep 0.05; cp "$LAB/pool/$file" .;;
*) exit 9;;
esac
"#;

const TARGETS: &str = "Debian|http://host.invalid/debian/|bookworm|oldstable|bookworm\n";

impl Lab {
    /// With fake tools and the suites bookworm (the machine's own), stable, testing and unstable.
    fn debian() -> Self {
        let lab = Self::new();
        lab.tool("apt-get", APT);
        lab.tool("apt-cache", APT);
        // A package here is just the tar archive of its files.
        lab.tool("dpkg-deb", "[ \"$1\" = --fsys-tarfile ] && exec cat \"$2\"; exit 9");
        lab.put("", "targets", TARGETS.as_bytes());
        for suite in ["bookworm", "stable", "testing", "unstable"] {
            lab.list(suite, "");
        }
        lab
    }

    fn list(&self, suite: &str, lines: &str) {
        for kind in ["deb", "deb-src"] {
            self.put("archive", &format!("{suite}/{kind}"), lines.as_bytes());
        }
    }

    /// How often a tool was called so.
    fn calls(&self, words: &str) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.contains(words)).count()
    }
}

fn debian(package: &str, version: &str, file: DebianFile) -> Origin {
    Origin::Debian { package: package.to_owned(), version: version.to_owned(), file }
}

fn orig(version: &str) -> Origin {
    debian("menhir", version, DebianFile::Orig)
}

#[test]
fn suites_are_asked_in_order_until_one_serves() {
    let lab = Lab::debian();
    lab.list("stable", "menhir 1-1 a.orig.tar.xz\n");
    lab.list("testing", "menhir 2-1 b.orig.tar.xz\n");
    lab.put("pool", "a.orig.tar.xz", b"one");
    lab.put("pool", "b.orig.tar.xz", b"two");
    assert_eq!(lab.fetch_bytes(&source(b"one", &[orig("1-1")])), b"one");
    assert_eq!(lab.calls("update"), 2, "testing and unstable need not be known");
    assert_eq!(lab.calls("source --download-only --tar-only --only-source menhir=1-1"), 1);
    let error = lab.fetch(&source(b"three", &[orig("2-1")])).unwrap_err();
    let told: Vec<String> = error.attempts.iter().map(|attempt| attempt.place.to_string()).collect();
    let suites = ["this machine's own suite", "stable", "testing", "unstable"];
    assert_eq!(told, suites.map(|suite| format!("debian-source:menhir@2-1 ({suite})")));
    let causes: Vec<Cause> = error.attempts.into_iter().map(|attempt| attempt.cause).collect();
    let wrong = mismatch(&source(b"three", &[]), b"two");
    assert_eq!(causes, [Cause::NotFound, Cause::NotFound, wrong, Cause::NotFound]);
}

#[test]
fn lists_are_renewed_once_by_a_process_and_kept_between_runs() {
    let mut lab = Lab::debian();
    lab.config.debian.suites = vec![Suite::Named("stable".to_owned())];
    let fetcher = lab.fetcher();
    let absent = source(b"one", &[orig("1-1")]);
    for _ in 0..2 {
        fetcher.fetch(&absent, &lab.scratch(), &|_, _| {}).unwrap_err();
    }
    assert_eq!((lab.calls("update"), lab.calls("indextargets")), (1, 1));
    // It appears: this process has looked already, another looks again before it gives up.
    lab.list("stable", "menhir 1-1 a.orig.tar.xz\n");
    lab.put("pool", "a.orig.tar.xz", b"one");
    fetcher.fetch(&absent, &lab.scratch(), &|_, _| {}).unwrap_err();
    assert_eq!(lab.fetch_bytes(&absent), b"one");
    assert_eq!(lab.calls("update"), 2);
    // Known from fresh lists: no need to look again; from stale ones there is.
    fs::remove_file(lab.scratch().join(absent.hex())).unwrap();
    assert_eq!(lab.fetch_bytes(&absent), b"one");
    assert_eq!(lab.calls("update"), 2);
    fs::remove_file(lab.scratch().join(absent.hex())).unwrap();
    lab.config.debian.max_age = Duration::ZERO;
    assert_eq!(lab.fetch_bytes(&absent), b"one");
    assert_eq!(lab.calls("update"), 3);
}

#[test]
fn lists_of_other_sources_are_not_used() {
    let mut lab = Lab::debian();
    lab.config.debian.suites = vec![Suite::Own];
    lab.list("bookworm", "menhir 1-1 a.tar\n");
    lab.list("testing", "menhir 1-1 b.tar\n");
    lab.put("pool", "a.tar", b"one");
    lab.put("pool", "b.tar", b"two");
    let (one, two) = (source(b"one", &[orig("1-1")]), source(b"two", &[orig("1-1")]));
    assert_eq!(fs::read(lab.fetch(&one).unwrap()).unwrap(), b"one");
    lab.put("", "targets", TARGETS.replace("bookworm", "testing").as_bytes());
    assert_eq!(fs::read(lab.fetch(&two).unwrap()).unwrap(), b"two", "the machine was upgraded meanwhile");
}

#[test]
fn lists_that_cannot_be_renewed_are_used_as_they_are() {
    let mut lab = Lab::debian();
    lab.config.debian.suites = vec![Suite::Named("stable".to_owned())];
    lab.config.debian.max_age = Duration::ZERO;
    lab.list("stable", "menhir 1-1 a.orig.tar.xz\n");
    lab.put("pool", "a.orig.tar.xz", b"one");
    let wanted = source(b"one", &[orig("1-1")]);
    lab.fetch_bytes(&wanted);
    fs::remove_dir_all(lab.path("archive")).unwrap();
    fs::remove_file(lab.scratch().join(wanted.hex())).unwrap();
    assert_eq!(lab.fetch_bytes(&wanted), b"one");
    let causes = lab.causes(&source(b"two", &[orig("2-1")]));
    let [Cause::ToolFailed { tool: "apt-get", exit: Some(100), stderr }] = &causes[..] else { panic!("{causes:?}") };
    assert!(stderr[0].contains("does not have a Release file"));
}

#[test]
fn another_revision_serves_as_well() {
    let mut lab = Lab::debian();
    lab.config.debian.suites = vec![Suite::Own];
    lab.list("bookworm", "menhir 1-3 new.tar\nmenhir 1-2 old.tar\nmenhir 2-1 next.tar\n");
    lab.put("pool", "new.tar", b"upstream");
    assert_eq!(lab.fetch_bytes(&source(b"upstream", &[orig("1-1")])), b"upstream");
    // But a package itself is never the same in another revision.
    let package = debian("menhir", "1-1", DebianFile::Package);
    assert_eq!(lab.causes(&source(b"package", &[package])), [Cause::NotFound]);
}

#[test]
fn files_that_are_listed_and_not_there() {
    let mut lab = Lab::debian();
    lab.config.debian.suites.truncate(1);
    lab.list("bookworm", "menhir 1-1 gone.tar\n");
    assert_eq!(lab.causes(&source(b"one", &[orig("1-1")])), [Cause::Status(404)]);
    assert_eq!(lab.left(), [""; 0]);
}

#[test]
fn packages_and_members_of_packages() {
    let mut lab = Lab::debian();
    lab.config.debian.suites = vec![Suite::Named("sid".to_owned())];
    lab.list("sid", "x-source 1-1 x-source_1-1_all.deb\n");
    let tar = |name: &str, bytes: &[u8]| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
        builder.into_inner().unwrap()
    };
    let package = tar("usr/src/x.tar", &tar("x-1/x.orig.tar.xz", b"upstream"));
    lab.put("pool", "x-source_1-1_all.deb", &package);
    let from = |file| debian("x-source", "1-1", file);
    let member = |path: &str| from(DebianFile::Member(path.to_owned()));
    assert_eq!(fs::read(lab.fetch(&source(&package, &[from(DebianFile::Package)])).unwrap()).unwrap(), package);
    fs::remove_dir_all(lab.scratch()).unwrap();
    fs::create_dir(lab.scratch()).unwrap();
    let upstream = source(b"upstream", &[member("usr/src/x.tar/x-1/x.orig.tar.xz")]);
    assert_eq!(lab.fetch_bytes(&upstream), b"upstream");
    let wrong = source(b"other", &[member("usr/src/x.tar/x-1/x.orig.tar.xz"), member("usr/src/y.tar")]);
    assert_eq!(lab.causes(&wrong), [mismatch(&wrong, b"upstream"), Cause::NotFound]);
    assert_eq!(lab.calls("deb-src"), 0, "package lists are enough");
}

#[test]
fn a_suite_that_is_the_machines_own_is_not_listed_twice() {
    let mut lab = Lab::debian();
    lab.config.debian.suites.push(Suite::Named("oldstable".to_owned()));
    lab.put("", "targets", TARGETS.replace("oldstable", "stable").as_bytes());
    lab.config.debian.suites.truncate(2);
    assert_eq!(lab.causes(&source(b"one", &[orig("1-1")])), [Cause::NotFound, Cause::NotFound]);
    assert_eq!(lab.calls("update"), 1);
}

#[test]
fn machines_without_debian() {
    let mut lab = Lab::debian();
    lab.config.debian.suites.truncate(2);
    lab.put("", "targets", b"Ubuntu|http://host.invalid/ubuntu/|noble|noble|noble\n");
    lab.list("stable", "menhir 1-1 a.tar\n");
    lab.put("pool", "a.tar", b"one");
    let wanted = source(b"one", &[orig("1-1")]);
    assert_eq!(lab.causes(&wanted), [Cause::NoDebianArchive, Cause::NoDebianArchive]);
    assert_eq!(lab.calls("indextargets"), 1);
    // Unless one is configured.
    lab.config.debian.archive = Some("http://host.invalid/debian".to_owned());
    assert_eq!(lab.fetch_bytes(&wanted), b"one");
}

#[test]
fn nothing_of_the_systems_is_touched() {
    let lab = Lab::debian();
    lab.list("unstable", "menhir 1-1 a.tar\n");
    lab.put("pool", "a.tar", b"one");
    lab.fetch_bytes(&source(b"one", &[orig("1-1")]));
    let apt = lab.path("apt").display().to_string();
    let calls = fs::read_to_string(lab.path("calls")).unwrap();
    for call in calls.lines().filter(|call| !call.starts_with("apt-get indextargets ")) {
        let conf = call.split(' ').nth(2).unwrap();
        assert!(conf.starts_with(&apt), "{call}");
        let settings = fs::read_to_string(conf).unwrap();
        for place in ["Dir::Etc::sourcelist", "Dir::State", "Dir::State::lists", "Dir::State::status", "Dir::Cache"] {
            assert!(settings.contains(&format!("{place} \"{apt}/")), "{place}");
        }
        assert!(settings.contains("#clear APT::Update::Post-Invoke;"), "the machine's hooks must not run");
    }
}

#[test]
fn processes_that_share_the_lists_take_turns() {
    let mut lab = Lab::debian();
    lab.config.debian.suites = vec![Suite::Own];
    let names: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    lab.list("bookworm", &names.iter().map(|name| format!("{name} 1-1 {name}.tar\n")).collect::<String>());
    for name in &names {
        lab.put("pool", &format!("{name}.tar"), name.as_bytes());
    }
    thread::scope(|scope| {
        for name in &names {
            let fetcher = lab.fetcher();
            let wanted = source(name.as_bytes(), &[debian(name, "1-1", DebianFile::Orig)]);
            let scratch = lab.scratch();
            scope.spawn(move || {
                fetcher.fetch(&wanted, &scratch, &|_, _| {}).unwrap_or_else(|error| panic!("{error:?}"))
            });
        }
    });
    assert_eq!(lab.calls("update"), 1, "the others find fresh lists");
}
