//! Git repositories, made by the machine's git; what needs it says so loudly where it is absent.

use std::process::Command;

use super::*;

/// A repository with a commit, and how to make more.
struct Upstream {
    directory: PathBuf,
    environment: Environment,
}

impl Upstream {
    fn new(lab: &Lab) -> Option<Self> {
        if lab.config.tools.environment.find("git").is_none() {
            eprintln!("SKIPPED: git is not installed");
            return None;
        }
        let directory = lab.path("upstream");
        fs::create_dir(&directory).unwrap();
        let upstream = Self { directory, environment: lab.config.tools.environment.clone() };
        upstream.git(&["init", "--quiet", "--initial-branch=main", "."]);
        upstream.commit("first");
        Some(upstream)
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new(self.environment.find("git").unwrap());
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear();
        let output = git.env("PATH", self.environment.get("PATH").unwrap()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self, text: &str) {
        fs::write(self.directory.join("file"), text).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", text]);
    }

    fn place(&self, branch: &str) -> GitPlace {
        GitPlace::parse(&format!("git+file://{}{branch}", self.directory.display())).unwrap().unwrap()
    }
}

/// The file in the newest commit.
fn newest(lab: &Lab, place: &GitPlace) -> (Commit, String) {
    let (fetcher, clone, tar) = (lab.fetcher(), lab.path("clones/one"), lab.path("tar"));
    let commit = fetcher.git_fetch(place, &clone).unwrap();
    fetcher.git_archive(&clone, &commit, &tar).unwrap();
    let mut text = String::new();
    crate::unpack::read(&tar, crate::unpack::Limits::default(), |path, contents, _| {
        assert_eq!(path.as_str(), "file");
        contents.read_to_string(&mut text).map(drop)
    })
    .unwrap();
    (commit, text)
}

#[test]
fn the_newest_commit_of_a_branch() {
    let mut lab = Lab::new();
    // It is on this machine, so there is no need of a network.
    lab.config.offline = true;
    let Some(upstream) = Upstream::new(&lab) else { return };
    let place = upstream.place("");
    let (first, text) = newest(&lab, &place);
    assert_eq!(text, "first");
    assert_eq!(newest(&lab, &place).0, first);
    upstream.commit("second");
    let (second, text) = newest(&lab, &place);
    assert_eq!(text, "second");
    assert_ne!(first, second);
    upstream.git(&["checkout", "--quiet", "-b", "side", first.as_str()]);
    upstream.commit("third");
    assert_eq!(newest(&lab, &upstream.place("#side")).1, "third");
    assert_eq!(newest(&lab, &upstream.place("#main")).1, "second");
    upstream.git(&["tag", "old", first.as_str()]);
    assert_eq!(newest(&lab, &upstream.place("#old")).1, "first");
}

#[test]
fn what_cannot_be_had() {
    let lab = Lab::new();
    let Some(upstream) = Upstream::new(&lab) else { return };
    let failed = |place: &GitPlace| lab.fetcher().git_fetch(place, &lab.path("clones/one")).unwrap_err();
    let absent = GitPlace::parse("git+file:///nonexistent/repository").unwrap().unwrap();
    for place in [absent, upstream.place("#nowhere")] {
        match failed(&place) {
            Cause::ToolFailed { tool: "git", stderr, .. } => assert!(!stderr.is_empty()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn without_git_or_network() {
    let mut lab = Lab::new();
    lab.config.tools.environment = Environment::default().with("PATH", lab.path("bin"));
    let place = GitPlace::parse("git+https://host.invalid/x").unwrap().unwrap();
    let failed = |lab: &Lab| lab.fetcher().git_fetch(&place, &lab.path("clone")).unwrap_err();
    assert_eq!(failed(&lab), Cause::ToolMissing { tool: "git", package: "git" });
    lab.config.offline = true;
    assert_eq!(failed(&lab), Cause::Offline);
}

#[test]
fn places() {
    for (text, shown) in [
        ("git+https://host/x.git", "git+https://host/x.git"),
        ("GIT+https://me:secret@host/x.git#main", "git+https://host/x.git#main"),
        ("git+ssh://git@host/x#HEAD", "git+ssh://host/x"),
    ] {
        assert_eq!(GitPlace::parse(text).unwrap().unwrap().to_string(), shown);
    }
    for text in ["git+ext::sh -c x", "git+/a", "git+https://a#", "git+https://a#-x", "git+https://a#a:b", "git+-x://a"]
    {
        assert!(matches!(GitPlace::parse(text), Some(Err(Cause::Unusable(_)))), "{text}");
    }
    for text in ["https://a", "", "git", "git:x"] {
        assert_eq!(GitPlace::parse(text), None);
    }
}
