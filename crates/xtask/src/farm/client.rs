//! `bactrian install` as a farm's client, and what it tells of where things were made.
//!
//! Not here: judging that (`corpus`, `chaos`, `hybrid`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{bactrian, command, shared};

use super::process::TIED;

/// The OCaml of the corpus's lists.
pub(super) const OCAML: &str = "5.3.0";

/// What to build, and how.
#[derive(Debug, Clone)]
pub(super) struct Client<'c> {
    pub(super) roots: &'c [String],
    pub(super) targets: &'c str,
    /// The store; the user's own, if there is none.
    pub(super) store: Option<&'c Path>,
    /// The engine and the mode in which it is used.
    pub(super) remote: Option<(String, &'static str)>,
    /// The network namespace to run in.
    pub(super) namespace: Option<&'c str>,
    /// Where sources are besides the corpus.
    pub(super) mirror: Option<&'c Path>,
    /// Where the packages' files and what is told go: an empty directory of its own.
    pub(super) place: &'c Path,
}

/// A client at work; killed if it is dropped before its end.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    begun: Instant,
    place: PathBuf,
}

/// What a client did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) wall: Duration,
    /// How each action ended, by label.
    pub(super) actions: BTreeMap<String, Vec<String>>,
    /// How often an action went back from a worker to the queue.
    pub(super) requeued: usize,
    /// The digest of each package's files, by target and package.
    pub(super) outputs: BTreeMap<String, String>,
    /// What `--verbose` tells of calls and bytes.
    pub(super) traffic: String,
}

impl Client<'_> {
    /// Starts it.
    pub(super) fn start(&self) -> Result<Running, String> {
        let corpus = shared("corpus").ok_or("there is no ../shared/corpus")?;
        let program = bactrian()?;
        let mut line = command("setpriv");
        line.args(TIED);
        if let Some(name) = self.namespace {
            line.args(["ip", "netns", "exec", name]);
        }
        line.arg(program).arg("install").args(self.roots).args(["--ocaml", OCAML, "--target", self.targets]);
        line.args(["--message-format", "json", "--verbose"]);
        line.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
        line.arg("-o").arg(self.place.join("out"));
        if let Some(mirror) = self.mirror {
            line.arg("--mirror").arg(mirror);
        }
        if let Some(store) = self.store {
            line.arg("--store").arg(store);
        }
        match &self.remote {
            Some((address, mode)) => line.args(["--remote", address, "--remote-mode", mode]),
            None => line.args(["--remote", "none"]),
        };
        let file = |name: &str| -> Result<File, String> {
            let path = self.place.join(name);
            File::create(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        line.stdin(Stdio::null()).stdout(file("messages")?).stderr(file("words")?);
        let begun = Instant::now();
        let child = line.spawn().map_err(|error| format!("{line:?}: {error}"))?;
        Ok(Running { child, begun, place: self.place.to_owned() })
    }

    /// Runs it to its end.
    pub(super) fn run(&self) -> Result<Ran, String> {
        self.start()?.end()
    }
}

impl Running {
    /// Whether it is at work still.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, which must be good.
    pub(super) fn end(mut self) -> Result<Ran, String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let wall = self.begun.elapsed();
        let read = |name: &str| fs::read_to_string(self.place.join(name)).unwrap_or_default();
        if !status.success() {
            let words = read("words");
            let lines: Vec<&str> = words.lines().collect();
            let end = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default();
            return Err(format!("bactrian ended with {status}:\n{}", end.join("\n")));
        }
        let mut ran = Ran::of(&read("messages"));
        ran.wall = wall;
        ran.outputs = outputs(&self.place.join("out"));
        let words = read("words");
        ran.traffic = words.lines().rfind(|line| line.contains("grpc://")).unwrap_or_default().trim().to_owned();
        Ok(ran)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ran {
    fn of(messages: &str) -> Self {
        let mut ran = Self {
            wall: Duration::ZERO,
            actions: BTreeMap::new(),
            requeued: 0,
            outputs: BTreeMap::new(),
            traffic: String::new(),
        };
        for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let word = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
            match (word("reason"), word("kind"), word("stage")) {
                ("finished", "run", _) => {
                    ran.actions.entry(word("label").to_owned()).or_default().push(word("end").to_owned());
                }
                ("remote", _, "requeued") => ran.requeued += 1,
                _ => {}
            }
        }
        ran
    }

    /// How many actions ended so.
    pub(super) fn ended(&self, end: &str) -> usize {
        self.actions.values().flatten().filter(|one| *one == end).count()
    }

    /// Those that ended otherwise than by one of `allowed`; an error that names some if there are any.
    pub(super) fn all_ended(&self, allowed: &[&str]) -> Result<(), String> {
        let other = |(label, ends): (&String, &Vec<String>)| {
            let end = ends.iter().find(|end| !allowed.contains(&end.as_str()))?;
            Some(format!("{label}: {end}"))
        };
        let others: Vec<_> = self.actions.iter().filter_map(other).collect();
        match others.as_slice() {
            _ if self.actions.is_empty() => Err("no action was told of".to_owned()),
            [] => Ok(()),
            [first, ..] => {
                Err(format!("{} of {} actions are not {allowed:?}, as {first}", others.len(), self.actions.len()))
            }
        }
    }
}

/// The trees of all packages that were delivered, of their receipts.
fn outputs(out: &Path) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    for target in fs::read_dir(out).into_iter().flatten().filter_map(Result::ok) {
        for receipt in fs::read_dir(target.path().join(".bactrian")).into_iter().flatten().filter_map(Result::ok) {
            let name = format!("{}/{}", target.file_name().to_string_lossy(), receipt.file_name().to_string_lossy());
            let text = fs::read_to_string(receipt.path()).unwrap_or_default();
            outputs.insert(name, text.lines().next().unwrap_or_default().to_owned());
        }
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_counted() {
        let ran = Ran::of(
            "{\"reason\":\"finished\",\"kind\":\"run\",\"label\":\"a\",\"end\":\"made-remotely\"}\n\
             {\"reason\":\"finished\",\"kind\":\"run\",\"label\":\"b\",\"end\":\"made\"}\n\
             {\"reason\":\"finished\",\"kind\":\"unpack\",\"label\":\"c\",\"end\":\"made\"}\n\
             {\"reason\":\"remote\",\"node\":1,\"stage\":\"requeued\"}\n",
        );
        assert_eq!((ran.actions.len(), ran.ended("made-remotely"), ran.requeued), (2, 1, 1));
        assert!(ran.all_ended(&["made-remotely", "made"]).is_ok());
        assert!(ran.all_ended(&["made-remotely"]).is_err_and(|why| why.ends_with("as b: made")));
        assert!(Ran::of("").all_ended(&["made"]).is_err(), "nothing proves nothing");
    }
}
