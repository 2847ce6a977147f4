//! The providers with fake tools that behave like the real ones: same arguments, files, words and exit statuses.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use super::*;

/// `npm pack NAME@VERSION … --pack-destination DIR`, with packages at `$LAB/npm/NAME@VERSION.tgz`.
const NPM: &str = r#"
[ "$1" = pack ] || exit 9
spec=$2; shift 2
while [ $# -gt 0 ]; do case $1 in --pack-destination) out=$2; shift;; --prefix) prefix=$2; shift;; esac; shift; done
[ "$prefix" = "$PWD" ] && [ "$LC_ALL" = C ] && [ -d "$TMPDIR" ] || { echo "badly called" >&2; exit 9; }
[ -f "$LAB/npm/$spec.tgz" ] || { printf 'npm error code ETARGET\nnpm error notarget No matching version found for %s.\n' "$spec" >&2; exit 1; }
echo "npm notice package: $spec" >&2
cp "$LAB/npm/$spec.tgz" "$out/"; echo "$spec.tgz"
"#;

/// `pip download … --dest DIR --requirement FILE`, with wheels at `$LAB/pypi/PLATFORM/`.
const PIP: &str = r#"
[ "$1" = download ] || exit 9
platform=own
while [ $# -gt 0 ]; do case $1 in --dest) out=$2; shift;; --requirement) wanted=$2; shift;; --platform) platform=$2; shift;; esac; shift; done
read -r spec hash < "$wanted"
hash=${hash#--hash=sha256:}
[ -d "$LAB/pypi/$platform" ] || { printf 'ERROR: Could not find a version that satisfies the requirement %s (from versions: none)\nERROR: No matching distribution found for %s\n' "$spec" "$spec" >&2; exit 1; }
for wheel in "$LAB/pypi/$platform"/*.whl; do
  got=$(sha256sum "$wheel"); got=${got%% *}
  [ "$got" = "$hash" ] && { cp "$wheel" "$out/"; echo "Saved $wheel"; exit 0; }
done
printf 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    %s:\n        Expected sha256 %s\n             Got        %s\n' "$spec" "$hash" "$got" >&2; exit 1
"#;

fn npm(package: &str, version: &str) -> Origin {
    Origin::Npm { package: package.to_owned(), version: version.to_owned() }
}

fn pypi(version: &str, platform: Option<&str>) -> Origin {
    Origin::Pypi { package: "ziglang".to_owned(), version: version.to_owned(), platform: platform.map(str::to_owned) }
}

#[test]
fn npm_packs() {
    let lab = Lab::new();
    lab.tool("npm", NPM);
    lab.put("npm", "ocaml@5.3.0.tgz", b"right");
    lab.put("npm", "@scope/x@1.0.0-rc.1+b.tgz", b"scoped");
    assert_eq!(lab.fetch_bytes(&source(b"right", &[npm("ocaml", "5.3.0")])), b"right");
    fs::remove_dir_all(lab.scratch()).unwrap();
    fs::create_dir(lab.scratch()).unwrap();
    assert_eq!(lab.fetch_bytes(&source(b"scoped", &[npm("@scope/x", "1.0.0-rc.1+b")])), b"scoped");
    let other = source(b"other", &[npm("ocaml", "5.3.0"), npm("ocaml", "5.3.1")]);
    assert_eq!(lab.causes(&other), [mismatch(&other, b"right"), Cause::NotFound]);
}

#[test]
fn pip_chooses_by_checksum() {
    let lab = Lab::new();
    lab.tool("pip3", PIP);
    lab.put("pypi", "own/a.whl", b"one");
    lab.put("pypi", "own/b.whl", b"right");
    lab.put("pypi", "manylinux_2_12_x86_64/c.whl", b"other platform");
    assert_eq!(lab.fetch_bytes(&source(b"right", &[pypi("0.17.1", None)])), b"right");
    let there = source(b"other platform", &[pypi("0.17.1", None), pypi("0.17.1", Some("manylinux_2_12_x86_64"))]);
    assert_eq!(fs::read(lab.fetch(&there).unwrap()).unwrap(), b"other platform");
    let none = source(b"none", &[pypi("0.17.1", None), pypi("0.17.1", Some("win32"))]);
    let found = Checksum::Sha256(*BlobDigest::of(b"right").hash());
    assert_eq!(lab.causes(&none), [Cause::mismatch(*none.checksums.identity(), found, 0), Cause::NotFound]);
}

#[test]
fn names_that_a_tool_could_take_for_something_else_are_not_passed_on() {
    let lab = Lab::new();
    for tool in ["npm", "pip3", "apt-get", "apt-cache"] {
        lab.tool(tool, "touch $LAB/called; exit 1");
    }
    let bad = ["", "-g", "--prefix=/", "../up", "a b", "git+https://host/x", "a/b", "a;b", "é", "x\n-y", ".hidden"];
    for bad in bad {
        let debian = |package: &str, version: &str| {
            let (package, version) = (package.to_owned(), version.to_owned());
            Origin::Debian { package, version, file: action::source::DebianFile::Orig }
        };
        let pypi = |package: &str, version: &str, platform: Option<&str>| {
            let platform = platform.map(str::to_owned);
            Origin::Pypi { package: package.to_owned(), version: version.to_owned(), platform }
        };
        let origins = [
            npm(bad, "1"),
            npm("a", bad),
            npm(&format!("@{bad}/b"), "1"),
            pypi(bad, "1", None),
            pypi("a", bad, None),
            pypi("a", "1", Some(bad)),
            debian(bad, "1"),
            debian("a", bad),
        ];
        for cause in lab.causes(&source(b"right", &origins)) {
            assert!(matches!(cause, Cause::Unusable(_)), "{bad:?}: {cause:?}");
        }
    }
    assert!(!lab.path("called").exists());
}

#[test]
fn missing_tools_are_named_with_their_package() {
    let mut lab = Lab::new();
    lab.config.tools.environment = Environment::default().with("PATH", lab.path("bin"));
    let causes = lab.causes(&source(b"right", &[npm("a", "1"), pypi("1", None)]));
    let missing = |tool, package| Cause::ToolMissing { tool, package };
    assert_eq!(causes, [missing("npm", "npm"), missing("pip", "python3-pip")]);
    // Python without pip; then Python with it.
    lab.tool("python3", "echo \"$0: No module named pip\" >&2; exit 1");
    assert_eq!(lab.causes(&source(b"right", &[pypi("1", None)])), [missing("pip", "python3-pip")]);
    lab.config.tools.environment = Lab::new().config.tools.environment;
    let lab = Lab::new();
    lab.tool("python3", &format!("[ \"$1 $2\" = '-m pip' ] || exit 9; shift 2\n{PIP}"));
    lab.tool("pip3", "exit 99");
    fs::set_permissions(lab.path("bin").join("pip3"), fs::Permissions::from_mode(0o644)).unwrap();
    lab.put("pypi", "own/b.whl", b"right");
    let mut only_ours = Lab { config: lab.config.clone(), dir: lab.dir };
    let coreutils = ["sh", "sha256sum", "cp", "touch"];
    for tool in coreutils {
        let real = Environment::default().with("PATH", "/usr/bin:/bin").find(tool).unwrap();
        std::os::unix::fs::symlink(real, only_ours.path("bin").join(tool)).unwrap();
    }
    let environment = Environment::default().with("PATH", only_ours.path("bin")).with("LAB", only_ours.dir.path());
    only_ours.config.tools.environment = environment;
    assert_eq!(only_ours.fetch_bytes(&source(b"right", &[pypi("1", None)])), b"right");
}

#[test]
fn failures_keep_the_last_words() {
    let lab = Lab::new();
    lab.tool("npm", "for i in $(seq 40); do echo \"line $i\" >&2; done; echo >&2; exit 7");
    lab.tool("pip3", "echo 'No space left on device' >&2; exit 2");
    let wanted = source(b"right", &[npm("a", "1"), pypi("1", None), url("file:///never/asked")]);
    let causes = lab.causes(&wanted);
    let Cause::ToolFailed { tool: "npm", exit: Some(7), stderr } = &causes[0] else { panic!("{causes:?}") };
    assert_eq!((stderr.len(), stderr[0].as_str(), stderr[11].as_str()), (12, "line 29", "line 40"));
    assert!(matches!(causes[1..], [Cause::DiskFull { .. }]), "a full disk ends the search: {causes:?}");
    lab.tool("npm", "kill -9 $$");
    assert!(matches!(lab.causes(&wanted)[0], Cause::ToolFailed { exit: None, .. }));
    assert_eq!(lab.left(), [""; 0]);
}

#[test]
fn tools_are_killed_when_stopped_or_too_slow_and_leave_nothing() {
    let mut lab = Lab::new();
    lab.tool("npm", "touch out/half; touch $LAB/begun; sleep 60; touch $LAB/survived");
    let wanted = source(b"right", &[npm("a", "1"), url("file:///b")]);
    let begun = Instant::now();
    thread::scope(|scope| {
        let fetch = scope.spawn(|| lab.fetch(&wanted));
        while !lab.path("begun").exists() {
            thread::sleep(Duration::from_millis(5));
        }
        lab.config.stop.store(true, Ordering::Relaxed);
        assert!(fetch.join().unwrap().unwrap_err().stopped());
    });
    lab.config.stop.store(false, Ordering::Relaxed);
    lab.config.tools.time = Duration::from_millis(100);
    assert_eq!(lab.causes(&wanted), [Cause::Timeout(Duration::from_millis(100)), Cause::NotFound]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(lab.left(), [""; 0]);
    assert!(!lab.path("survived").exists());
}
