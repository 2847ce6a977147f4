//! The remote client against a server of this process, which misbehaves as planned: one test for each way to fail
//! (`docs/design/remote.md`, "Failures").
//!
//! Not here: that actions run as they do on a real engine, which is `crates/e2e`'s.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests panic to fail"
)]

mod calls;
mod damage;
mod execution;
mod graphs;
mod lines;
mod operations;
mod program;
mod reach;
mod server;
mod stop;
mod telling;
mod transfers;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use action::command::{Action, Command};
use action::outcome::Outcome;
use exec::remote::{Config, Fault, Mode, Remote, RemoteError, Stage, Told};
use exec::store::Store;
use server::Fake;

/// A client with a store of its own, in no mood to wait.
struct Client {
    remote: Arc<Remote>,
    store: Arc<Store>,
    stop: Arc<AtomicBool>,
    _home: tempfile::TempDir,
}

impl Client {
    fn of(fake: &Fake) -> Self {
        Self::with(fake, |_| ())
    }

    fn with(fake: &Fake, change: impl FnOnce(&mut Config)) -> Self {
        Self::try_with(fake, change).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn try_with(fake: &Fake, change: impl FnOnce(&mut Config)) -> Result<Self, RemoteError> {
        let home = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&home.path().join("store")).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let mut config = impatient(&fake.address());
        change(&mut config);
        let remote = Arc::new(Remote::connect(Arc::clone(&store), config, Arc::clone(&stop))?);
        Ok(Self { remote, store, stop, _home: home })
    }

    /// An action over one file, with these contents.
    fn action(&self, contents: &[u8]) -> Action {
        let scratch = self.store.scratch().unwrap();
        let tree = scratch.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("input"), contents).unwrap();
        let command = Command {
            arguments: vec!["bactrian/builder".to_owned()],
            environment: BTreeMap::new(),
            platform: BTreeMap::new(),
        };
        Action { command, input_root: self.store.ingest(&tree).unwrap(), timeout: Duration::from_secs(60) }
    }

    /// Runs an action over nothing special; what became of it, and which stages were told.
    fn run(&self) -> (Result<Outcome, RemoteError>, Vec<Stage>) {
        let (outcome, told) = self.run_telling();
        let stage = |told| if let Told::At(stage) = told { Some(stage) } else { None };
        (outcome, told.into_iter().filter_map(stage).collect())
    }

    fn run_telling(&self) -> (Result<Outcome, RemoteError>, Vec<Told>) {
        self.run_seeing(|_| ())
    }

    /// The same, where `see` is called with all that is told as it is told.
    fn run_seeing(&self, see: impl Fn(&Told) + Sync) -> (Result<Outcome, RemoteError>, Vec<Told>) {
        let all = Mutex::new(Vec::new());
        let told = |told| {
            see(&told);
            all.lock().unwrap().push(told);
        };
        let outcome = self.remote.execute(&self.action(b"input"), &told);
        (outcome, all.into_inner().unwrap())
    }

    /// Does `work`, which must not take long: it is stopped if it does.
    fn soon<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let work = scope.spawn(work);
            let begun = std::time::Instant::now();
            while !work.is_finished() {
                std::thread::sleep(Duration::from_millis(2));
                if begun.elapsed() > Duration::from_secs(10) {
                    self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            }
            work.join().unwrap()
        })
    }

    /// The contents of a file of a tree that is on the server.
    fn read(&self, tree: action::digest::DirDigest, path: impl AsRef<Path>) -> Vec<u8> {
        self.remote.bring(tree).unwrap();
        std::fs::read(self.store.checkout(tree).unwrap().join(path)).unwrap()
    }
}

fn impatient(address: &str) -> Config {
    Config { mode: Mode::Execute, patience: Duration::from_millis(500), ..Config::new(address.parse().unwrap()) }
}

/// What a failure means, if the server said it.
fn fault<T: std::fmt::Debug>(result: Result<T, RemoteError>) -> Option<Fault> {
    result.unwrap_err().fault()
}
