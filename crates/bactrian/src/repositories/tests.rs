use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use exec::fetch::{FetchConfig, Fetcher};
use exec::process::Environment;
use exec::store::{MemoValue, Store};
use tempfile::TempDir;

use super::*;
use crate::commands::Context;
use crate::settings::Wanted;
use crate::surroundings::Surroundings;
use crate::timings::Recorder;
use crate::ui::captured::{Captured, ui};
use crate::ui::{Look, Ui};

/// A store, a place for repositories, and what the user is told.
struct Lab {
    temp: TempDir,
    store: Store,
    ui: Ui,
    told: Captured,
    means: Means,
    git: bool,
}

impl Lab {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(&temp.path().join("store")).unwrap();
        let (ui, _, told) = ui(Look::DEFAULT);
        let means = Means::for_test(temp.path().join("store"));
        Self { temp, store, ui, told, means, git: true }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// A directory that is a repository of these packages, last changed long ago.
    fn repository(&self, name: &str, packages: &[(&str, &str)]) -> PathBuf {
        let root = self.path(name);
        for (package, text) in packages {
            let (short, _) = package.split_once('.').unwrap();
            let directory = root.join("packages").join(short).join(package);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("opam"), text).unwrap();
        }
        age(&root);
        root
    }

    fn universe(&self, places: &[PlaceName], freshness: Freshness) -> Result<Vec<String>, CommandError> {
        let path = if self.git { "/usr/local/bin:/usr/bin:/bin" } else { "/nonexistent" };
        let mut config = FetchConfig::new(Environment::default().with("PATH", path), self.path("apt"));
        config.http.retries = 0;
        config.offline = self.means.offline;
        let fetcher = Fetcher::new(config);
        let loader = Loader { ui: &self.ui, store: &self.store, fetcher: &fetcher, means: &self.means };
        let (universe, _) = universe(&loader, places, freshness)?;
        let shown = |entry: &opam::universe::Entry| {
            format!("{}.{} {}", entry.name(), entry.version(), String::from_utf8_lossy(entry.text()))
        };
        Ok(universe.entries().map(shown).collect())
    }

    fn load(&self, place: &PlaceName) -> Result<Vec<String>, CommandError> {
        self.universe(std::slice::from_ref(place), Freshness::Daily)
    }

    fn refused(&self, place: &PlaceName) -> CommandError {
        self.load(place).unwrap_err()
    }

    /// Whether there is an index of it.
    fn is_indexed(&self, place: &PlaceName) -> bool {
        let key = match place {
            PlaceName::Directory(path) if path.is_dir() => format!("directory {}", path.display()),
            PlaceName::Directory(path) => format!("url file://{}", path.display()),
            PlaceName::Url(url) => format!("url {url}"),
        };
        matches!(self.store.memo_get("repository", key.as_bytes()), Ok(Some(MemoValue::Blob(_))))
    }
}

/// Sets the times of everything below `root` back.
fn age(root: &Path) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        } else {
            set_back(&path);
        }
    }
    set_back(root);
}

fn set_back(path: &Path) {
    fs::File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
}

fn tar(root: &Path) -> Vec<u8> {
    let output = Command::new("tar").arg("-C").arg(root).args(["-cf", "-", "."]).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// A server of one document, which counts who asks and who got it.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<(Vec<u8>, usize, usize)>>);

impl Shelf {
    fn put(&self, bytes: Vec<u8>) {
        self.0.lock().unwrap().0 = bytes;
    }

    /// Requests, and how many of them were answered with the document.
    fn counts(&self) -> (usize, usize) {
        let shelf = self.0.lock().unwrap();
        (shelf.1, shelf.2)
    }

    fn serve(&self) -> PlaceName {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/index.tar.gz", listener.local_addr().unwrap());
        let shelf = self.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let mut shelf = shelf.0.lock().unwrap();
                shelf.1 += 1;
                let tag = format!("\"{}\"", shelf.0.len());
                let answer = if shelf.0.is_empty() {
                    b"HTTP/1.1 503 Closed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
                } else if head.iter().any(|line| line.eq_ignore_ascii_case(&format!("if-none-match: {tag}"))) {
                    b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_vec()
                } else {
                    shelf.2 += 1;
                    let length = shelf.0.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                    );
                    [head.into_bytes(), shelf.0.clone()].concat()
                };
                let _ = stream.write_all(&answer);
            }
        });
        PlaceName::Url(url)
    }
}

#[test]
fn a_directory_is_read_once_and_again_when_it_changes() {
    let lab = Lab::new();
    let root = lab.repository("repo", &[("a.1", "one"), ("b.1", "one")]);
    let place = PlaceName::Directory(root.clone());
    for _ in 0..2 {
        assert_eq!(lab.load(&place).unwrap(), ["a.1 one", "b.1 one"]);
        assert!(lab.is_indexed(&place));
    }
    lab.repository("repo", &[("a.1", "two"), ("a.2", "two")]);
    for _ in 0..2 {
        assert_eq!(lab.load(&place).unwrap(), ["a.1 two", "a.2 two", "b.1 one"]);
    }
}

#[test]
fn the_index_is_what_is_read() {
    let lab = Lab::new();
    let root = lab.repository("repo", &[("a.1", "one")]);
    let place = PlaceName::Directory(root.clone());
    lab.load(&place).unwrap();
    let slot = index::Slot { store: &lab.store, key: format!("directory {}", root.display()) };
    let identity = slot.find().unwrap().identity;
    let mut other = opam::universe::UniverseBuilder::new();
    let (name, version) = ("planted".parse().unwrap(), opam::version::Version::new("1").unwrap());
    other.add(0, name, version, b"by the test", &[]);
    slot.keep(&identity, &other.build()).unwrap();
    assert_eq!(lab.load(&place).unwrap(), ["planted.1 by the test"]);
    // A damaged one is none.
    let digest = lab.store.put(b"bactrian index 1\n, but nothing more").unwrap();
    lab.store.memo_put("repository", slot.key.as_bytes(), MemoValue::Blob(digest)).unwrap();
    assert_eq!(lab.load(&place).unwrap(), ["a.1 one"]);
}

#[test]
fn what_was_just_changed_is_not_indexed_yet() {
    let lab = Lab::new();
    let root = lab.repository("repo", &[("a.1", "one")]);
    fs::write(root.join("packages/a/a.1/opam"), "new").unwrap();
    let place = PlaceName::Directory(root);
    assert_eq!(lab.load(&place).unwrap(), ["a.1 new"]);
    assert!(!lab.is_indexed(&place));
}

#[test]
fn the_first_repository_goes_before_the_others() {
    let lab = Lab::new();
    let place = |name, packages| PlaceName::Directory(lab.repository(name, packages));
    let first = place("first", &[("a.1", "first"), ("b.2", "first")]);
    let second = place("second", &[("a.1", "second"), ("a.2", "second")]);
    for _ in 0..2 {
        let both = [first.clone(), second.clone()];
        assert_eq!(lab.universe(&both, Freshness::Daily).unwrap(), ["a.1 first", "a.2 second", "b.2 first"]);
        let both = [second.clone(), first.clone()];
        assert_eq!(lab.universe(&both, Freshness::Daily).unwrap(), ["a.1 second", "a.2 second", "b.2 first"]);
    }
}

#[test]
fn a_server_is_asked_once_a_day_and_sends_only_what_is_new() {
    let mut lab = Lab::new();
    let shelf = Shelf::default();
    let place = shelf.serve();
    shelf.put(tar(&lab.repository("repo", &[("a.1", "one")])));
    assert_eq!(lab.load(&place).unwrap(), ["a.1 one"]);
    assert_eq!(shelf.counts(), (1, 1));
    // The same day.
    assert_eq!(lab.load(&place).unwrap(), ["a.1 one"]);
    assert_eq!(shelf.counts(), (1, 1));
    // Asked because of a package that was not found.
    let now = std::slice::from_ref(&place);
    assert_eq!(lab.universe(now, Freshness::Now).unwrap(), ["a.1 one"]);
    assert_eq!(shelf.counts(), (2, 1));
    let padding = "x".repeat(20_000);
    shelf.put(tar(&lab.repository("repo", &[("a.2", &padding)])));
    assert_eq!(lab.universe(now, Freshness::Now).unwrap().len(), 2);
    assert_eq!(shelf.counts(), (3, 2));
    // A day later, which the memo's number says.
    let PlaceName::Url(url) = &place else { unreachable!() };
    let long_ago = MemoValue::Bytes(1_000_000_u64.to_le_bytes().to_vec());
    lab.store.memo_put("repository-checked", format!("url {url}").as_bytes(), long_ago.clone()).unwrap();
    assert_eq!(lab.load(&place).unwrap().len(), 2);
    assert_eq!(shelf.counts(), (4, 2));
    // Offline nobody is asked, however old the copy.
    lab.store.memo_put("repository-checked", format!("url {url}").as_bytes(), long_ago.clone()).unwrap();
    lab.means.offline = true;
    assert_eq!(lab.universe(now, Freshness::Now).unwrap().len(), 2);
    assert_eq!(shelf.counts(), (4, 2));
    // A server that is away costs a warning.
    lab.means.offline = false;
    shelf.put(Vec::new());
    assert_eq!(lab.load(&place).unwrap().len(), 2);
    assert!(lab.told.text().contains("cannot be had now (HTTP status 503)"), "{}", lab.told.text());
}

#[test]
fn one_file_of_this_machine() {
    let lab = Lab::new();
    let root = lab.repository("repo", &[("a.1", "one")]);
    let file = lab.path("one.tar");
    fs::write(&file, tar(&root)).unwrap();
    let place = PlaceName::Directory(file.clone());
    for _ in 0..2 {
        assert_eq!(lab.load(&place).unwrap(), ["a.1 one"]);
        assert!(lab.is_indexed(&place));
    }
    lab.repository("repo", &[("a.2", "two")]);
    fs::write(&file, tar(&root)).unwrap();
    assert_eq!(lab.load(&place).unwrap(), ["a.1 one", "a.2 two"]);
}

#[test]
fn a_git_repository() {
    let lab = Lab::new();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments).current_dir(lab.path("repo"));
        git.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").output().map(|output| output.status.success())
    };
    let root = lab.repository("repo", &[("a.1", "one")]);
    if !git(&["init", "--quiet", "--initial-branch=main", "."]).unwrap_or(false) {
        eprintln!("SKIPPED: git is not installed");
        return;
    }
    let commit = || assert!(git(&["add", "."]).unwrap() && git(&["commit", "--quiet", "-m", "x"]).unwrap());
    commit();
    let place = PlaceName::Url(format!("git+file://{}#main", root.display()));
    for _ in 0..2 {
        assert_eq!(lab.load(&place).unwrap(), ["a.1 one"]);
        assert!(lab.is_indexed(&place));
    }
    lab.repository("repo", &[("a.2", "two")]);
    commit();
    let now = std::slice::from_ref(&place);
    assert_eq!(lab.universe(now, Freshness::Now).unwrap(), ["a.1 one", "a.2 two"]);
    let absent = lab.refused(&PlaceName::Url(format!("git+file://{}#absent", root.display())));
    assert!(absent.causes.iter().any(|cause| cause.contains("`git` failed")), "{absent:?}");
}

#[test]
fn each_fault_has_its_own_words() {
    let mut lab = Lab::new();
    let url = |url: &str| PlaceName::Url(url.to_owned());
    let directory = |path: &Path| PlaceName::Directory(path.to_owned());
    let root = lab.repository("repo", &[("a.1", "one")]);
    let check = |lab: &Lab, place: &PlaceName, code: u8, message: &str, cause: &str, hint: &str| {
        let error = lab.refused(place);
        assert_eq!(error.exit().code(), code, "{error:?}");
        assert!(error.message.contains(message), "{message}: {error:?}");
        assert!(error.causes.join("\n").contains(cause), "{cause}: {error:?}");
        assert!(error.hints.join("\n").contains(hint), "{hint}: {error:?}");
    };
    check(&lab, &directory(&lab.path("absent")), 2, "there is nothing", "", "--repo");
    let project = lab.path("project");
    fs::create_dir(&project).unwrap();
    check(&lab, &directory(&project), 2, "is no opam repository", "no directory `packages`", "NAME.VERSION");
    let inside = root.join("packages");
    check(&lab, &directory(&inside), 2, "is no opam", "", &format!("did you mean {}?", root.display()));
    fs::create_dir(project.join("packages")).unwrap();
    check(&lab, &directory(&project), 2, "is empty", "no package", "NAME.VERSION");
    let text = lab.path("text");
    fs::write(&text, "no archive").unwrap();
    check(&lab, &directory(&text), 4, "cannot read the repository", "neither a tar", "compressed");
    check(&lab, &url("http://127.0.0.1:1/x"), 4, "cannot be had", "connection refused", "");
    check(&lab, &url("ftp://127.0.0.1/x"), 4, "cannot be had", "", "");
    check(&lab, &url("git+ext://x"), 4, "cannot be had", "git+", "--repo");
    let dangling = root.join("packages/b");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    check(&lab, &directory(&root), 4, "cannot read", &dangling.display().to_string(), "");
    lab.git = false;
    check(&lab, &url("git+https://127.0.0.1/x"), 4, "cannot be had", "not installed", "apt-get install git");
    lab.means.offline = true;
    check(&lab, &url(PUBLIC), 4, "the public opam repository", "offline", "--repo");
    check(&lab, &url("http://127.0.0.1:1/x"), 4, "cannot be had", "offline", "--offline");
}

#[test]
fn what_is_no_package_is_left_out_with_a_warning() {
    let lab = Lab::new();
    let root = lab.repository("repo", &[("a.1", "one"), ("b.1", "one")]);
    fs::rename(root.join("packages/b/b.1"), root.join("packages/b/b-1")).unwrap();
    fs::write(root.join("packages/README"), "read me").unwrap();
    assert_eq!(lab.load(&PlaceName::Directory(root)).unwrap(), ["a.1 one"]);
    assert!(lab.told.text().contains("left out: packages/b/b-1"), "{}", lab.told.text());
}

#[test]
fn nothing_named_is_the_public_one() {
    let lab = Lab::new();
    assert_eq!(places(&lab.means), [PlaceName::Url(PUBLIC.to_owned())]);
    let named = vec![PlaceName::Url("http://a/".to_owned())];
    assert_eq!(places(&Means { repositories: named.clone(), ..lab.means }), named);
}

/// No choice is possible without the compiler.
const COMPILER: (&str, &str) = ("ocaml-base-compiler.5.4.1", "");

impl Lab {
    /// What is chosen for one package.
    fn choose(&self, place: &PlaceName, package: &str) -> Result<Vec<String>, CommandError> {
        let around = Surroundings::for_test([]);
        let ctx = Context { ui: &self.ui, around: &around, timings: Recorder::default() };
        let means = Means { repositories: vec![place.clone()], ..self.means.clone() };
        let workshop = Workshop::open(&ctx, &means)?;
        let wanted = [Wanted { name: package.parse().unwrap(), version: None }];
        let targets = ["aarch64-linux-musl".parse().unwrap()];
        let resolutions = Resolution::of_packages(&workshop, &means, &wanted, &targets)?;
        let nodes = resolutions[0].solution.nodes.iter().filter(|(_, node)| !node.provided);
        Ok(nodes.map(|(key, node)| format!("{}.{}", key.name, node.version)).collect())
    }
}

#[test]
fn a_malformed_file_matters_when_it_is_chosen() {
    let lab = Lab::new();
    let root =
        lab.repository("repo", &[COMPILER, ("a.1", ""), ("b.1", "synopsis: \"b\"\ndepends: [\"a\" }\n"), ("c.1", "!")]);
    let place = PlaceName::Directory(root.clone());
    assert_eq!(lab.choose(&place, "a").unwrap(), ["a.1"]);
    let error = lab.choose(&place, "b").unwrap_err();
    assert_eq!(error.exit().code(), 3, "{error:?}");
    let shown = error.causes.join("\n");
    assert!(shown.contains(&format!("{}/packages/b/b.1/opam:2:15: ", root.display())), "{shown}");
    assert!(shown.contains("2 | depends: [\"a\" }\n  |               ^"), "{shown}");
}

#[test]
fn a_repository_without_a_compiler_is_not_enough() {
    let lab = Lab::new();
    let place = PlaceName::Directory(lab.repository("repo", &[("a.1", "")]));
    let error = lab.choose(&place, "a").unwrap_err();
    assert_eq!(error.exit().code(), 3);
    assert!(error.hints.iter().any(|hint| hint.contains(&format!("--repo {PUBLIC}"))), "{error:?}");
}

#[test]
fn what_is_not_found_is_looked_for_once_more() {
    let lab = Lab::new();
    let shelf = Shelf::default();
    let place = shelf.serve();
    shelf.put(tar(&lab.repository("repo", &[COMPILER, ("a.1", "")])));
    assert_eq!(lab.choose(&place, "a").unwrap(), ["a.1"]);
    assert_eq!(lab.choose(&place, "b").unwrap_err().exit().code(), 3);
    assert_eq!(shelf.counts(), (2, 1), "asked again, and there was nothing new");
    let padding = format!("synopsis: \"{}\"", "x".repeat(20_000));
    shelf.put(tar(&lab.repository("repo", &[("b.1", &padding)])));
    assert_eq!(lab.choose(&place, "b").unwrap(), ["b.1"]);
    assert_eq!(lab.choose(&place, "a").unwrap(), ["a.1"]);
    assert_eq!(shelf.counts(), (3, 2));
}
