//! The engines' programs: brought once by the workplace's script, kept beside what cargo builds.
//!
//! Not here: running them (`grid`).

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{checkout, command, output, shared};

use super::process::free_ports;

/// Where the programs are.
#[derive(Debug, Clone)]
pub(super) struct Engines {
    directory: PathBuf,
}

impl Engines {
    /// Brings the programs, unless they are here.
    pub(super) fn bring() -> Result<Self, String> {
        let script = |name| shared(&format!("tools/reapi/{name}")).ok_or("there is no ../shared/tools/reapi");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from);
        let engines = Self { directory: target.join("farm/engines") };
        if engines.worker("buildbox-worker").is_file() && engines.server().is_file() {
            return Ok(engines);
        }
        println!("farm: bringing the engines");
        // No worker: the server is started once, which leaves everything in place, and stopped.
        let [port] = free_ports()?;
        let mut up = command("bash");
        up.arg(script("farm-up")?).arg(&engines.directory).args(["0", &port.to_string()]);
        up.env("PYTHON", python());
        output(&mut up)?;
        output(command("bash").arg(script("farm-down")?).arg(&engines.directory))?;
        Ok(engines)
    }

    /// A program of buildbox.
    pub(super) fn worker(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    /// A command with nothing of our environment, for what runs actions passes its own on.
    pub(super) fn hermetic(&self, mut command: Command) -> Command {
        command.env_clear().env("PATH", format!("{}:/usr/sbin:/usr/bin:/bin", self.bin().display()));
        command
    }

    /// Where buildbox's programs are.
    fn bin(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// An emulator for arm64 that needs no libraries: Debian's, unpacked and not installed.
    pub(super) fn emulator(&self) -> Result<PathBuf, String> {
        let place = self.directory.join("qemu");
        let program = place.join("usr/bin/qemu-aarch64-static");
        if !program.is_file() {
            println!("farm: bringing qemu-user-static");
            std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
            let fetch =
                "apt-get -qq -o APT::Sandbox::User=root download qemu-user-static && dpkg -x qemu-user-static_*.deb .";
            output(command("sh").args(["-c", fetch]).current_dir(&place))?;
        }
        Ok(program)
    }

    /// BuildGrid.
    pub(super) fn server(&self) -> PathBuf {
        self.directory.join("venv/bin/bgd")
    }
}

/// A Python that BuildGrid takes: 3.13 or newer.
fn python() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let named = std::env::var_os("PYTHON").map(PathBuf::from);
    let of_pyenv = std::fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().filter_map(Result::ok);
    let of_pyenv = of_pyenv.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.strip_prefix("3.")
            .and_then(|rest| rest.split('.').next()?.parse::<u32>().ok())
            .is_some_and(|minor| minor >= 13)
    });
    named.or_else(|| of_pyenv.map(|path| path.join("bin/python3"))).unwrap_or_else(|| PathBuf::from("python3"))
}

/// PostgreSQL's own programs; its newest version's.
pub(super) fn postgres() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir(Path::new("/usr/lib/postgresql")).into_iter().flatten().filter_map(Result::ok);
    let newest = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("postgres").is_file()).max();
    newest.ok_or_else(|| "there is no PostgreSQL: install the package `postgresql`".to_owned())
}
