//! A real Remote Execution engine for tests: buildbox-casd, brought up by a script of the workplace.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shared;

/// A running engine; ended, by its pid, when dropped.
#[derive(Debug)]
pub struct Casd {
    script: PathBuf,
    directory: PathBuf,
    port: u16,
    pid: Option<String>,
    /// A command that runs what follows it, in surroundings of its own; none if empty.
    within: Vec<String>,
}

impl Casd {
    /// Starts an engine that keeps everything in `directory`; none where there is no script for it.
    ///
    /// # Errors
    /// If the script fails.
    pub fn start(directory: &Path) -> Result<Option<Self>, String> {
        Self::start_within(directory, Vec::new())
    }

    /// The same by a command that runs what follows its words, as `env` does. The engine keeps the surroundings that gives it.
    ///
    /// # Errors
    /// As [`Casd::start`].
    pub fn start_within(directory: &Path, within: Vec<String>) -> Result<Option<Self>, String> {
        let Some(script) = shared("tools/reapi/casd-up") else { return Ok(None) };
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        drop(listener);
        let mut casd = Self { script, directory: directory.to_owned(), port, pid: None, within };
        casd.begin()?;
        Ok(Some(casd))
    }

    /// Starts it again on the same port, with what it has kept.
    ///
    /// # Errors
    /// If the script fails.
    pub fn begin(&mut self) -> Result<(), String> {
        let mut line = self.within.iter().map(String::as_str).chain(["bash"]);
        let mut script = Command::new(line.next().unwrap_or("bash"));
        let script = script.args(line).arg(&self.script).arg(&self.directory).arg(self.port.to_string()).status();
        let status = script.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("casd-up: {status}"));
        }
        let pid = std::fs::read_to_string(self.directory.join("casd.pid")).map_err(|error| error.to_string())?;
        self.pid = Some(pid.trim().to_owned());
        Ok(())
    }

    /// Kills it, and takes away what a killed one leaves: roots of actions that it was running are mounted.
    pub fn kill(&mut self) {
        if let Some(pid) = self.pid.take() {
            let _ = Command::new("kill").args(["-9", &pid]).status();
            while Path::new("/proc").join(&pid).join("exe").exists() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            for place in self.mounted() {
                let _ = Command::new(self.directory.join("bin/fusermount3")).arg("-uz").arg(place).status();
            }
        }
    }

    /// What is mounted in its directory.
    #[must_use]
    pub fn mounted(&self) -> Vec<PathBuf> {
        // Space is `\040` there; our directories have none.
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let places = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(PathBuf::from);
        places.filter(|place| place.starts_with(&self.directory)).collect()
    }

    /// Where it answers, as `--remote` takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    /// Where it keeps everything.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Casd {
    fn drop(&mut self) {
        self.kill();
    }
}
