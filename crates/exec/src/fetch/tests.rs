//! The fetcher against real directories, a real (bad) web server and real (fake) tools.

mod debian;
mod documents;
mod full_disk;
mod git;
mod http;
mod places;
mod providers;
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use action::checksum::Checksum;
use action::digest::BlobDigest;
use action::source::{Origin, Source};
use tempfile::TempDir;

use super::*;
use crate::process::Environment;

/// A fetcher with a scratch directory, a mirror and a `PATH` of its own.
struct Lab {
    dir: TempDir,
    config: FetchConfig,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["bin", "into", "mirror"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let path = format!("{}:/usr/bin:/bin", dir.path().join("bin").display());
        let tools = Environment::default().with("PATH", path).with("LAB", dir.path());
        let mut config = FetchConfig::new(tools, dir.path().join("apt"));
        config.http.pause = Duration::from_millis(5);
        // Long, for busy machines; tests of stalls have their own.
        config.http.stall = Duration::from_secs(20);
        Self { dir, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn scratch(&self) -> PathBuf {
        self.path("into")
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::new(self.config.clone())
    }

    fn fetch(&self, source: &Source) -> Result<PathBuf, FetchError> {
        self.fetcher().fetch(source, &self.scratch(), &|_, _| {})
    }

    /// Fetches what must be had, and looks at it.
    fn fetch_bytes(&self, source: &Source) -> Vec<u8> {
        let path = self.fetch(source).unwrap_or_else(|error| panic!("{error}: {:#?}", error.attempts));
        assert_eq!(path, self.scratch().join(source.hex()));
        assert_eq!(self.left(), [source.hex()], "nothing else may stay");
        fs::read(path).unwrap()
    }

    /// Fetches what must not be had; the causes of all attempts.
    fn causes(&self, source: &Source) -> Vec<Cause> {
        let error = self.fetch(source).unwrap_err();
        assert_eq!(error.what, source.name);
        error.attempts.into_iter().map(|attempt| attempt.cause).collect()
    }

    /// What is in the scratch directory.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.scratch()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn put(&self, root: &str, path: &str, bytes: &[u8]) -> PathBuf {
        let file = self.path(root).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        file
    }

    /// A program on the tools' `PATH`.
    fn tool(&self, name: &str, script: &str) {
        executable(&self.path("bin").join(name), &format!("#!/bin/sh\n{script}"));
    }

    fn use_mirror(&mut self) {
        self.config.mirrors = vec![Mirror::Directory(self.path("mirror"))];
    }
}

fn executable(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn source(bytes: &[u8], origins: &[Origin]) -> Source {
    let checksums = (*BlobDigest::of(bytes).hash()).into();
    Source { name: "thing.tar.gz".to_owned(), checksums, origins: origins.to_vec() }
}

/// Where opam's download cache keeps a file.
fn cache_path(source: &Source) -> String {
    source.checksums.identity().cache_path()
}

fn url(text: impl Into<String>) -> Origin {
    Origin::Url(text.into())
}

/// Bytes that look alike nowhere.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn mismatch(source: &Source, found: &[u8]) -> Cause {
    let digest = BlobDigest::of(found);
    Cause::mismatch(*source.checksums.identity(), Checksum::Sha256(*digest.hash()), digest.size())
}
