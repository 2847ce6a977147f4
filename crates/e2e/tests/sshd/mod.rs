//! An sshd for tests: on a free port of this machine alone, with keys of its own. Nothing is installed, no service is asked.
//!
//! Not here: what is run over it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use testkit::{command, output};

/// What sshd run by root insists on: a directory, and a user. Here they are in a view of the machine that nobody else sees.
const AS_ROOT: &str = "mount -t tmpfs none /run && mkdir /run/sshd && cp /etc/passwd /run/passwd &&
    { grep -q ^sshd: /run/passwd || echo sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin >>/run/passwd; } &&
    mount --bind /run/passwd /etc/passwd && exec \"$@\"";

/// The program, and where its libraries are that the machine may not have.
struct Sshd {
    program: PathBuf,
    root: PathBuf,
}

/// The machine's own, or what Debian's package brings; without either, a word about it.
fn sshd() -> Option<Sshd> {
    let own = PathBuf::from("/usr/sbin/sshd");
    if own.is_file() {
        return Some(Sshd { program: own, root: "/".into() });
    }
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openssh");
    let program = root.join("usr/sbin/sshd");
    if !program.is_file() {
        fs::create_dir_all(&root).unwrap();
        // The first is needed, the others by one release or another.
        for package in ["openssh-server", "libwrap0", "libwtmpdb0"] {
            let fetch =
                "apt-get -qq -o APT::Sandbox::User=root download \"$1\" && dpkg -x \"$1\"_*.deb . && rm \"$1\"_*.deb";
            let fetched = output(command("sh").args(["-c", fetch, "sh", package]).current_dir(&root));
            if let (Err(error), "openssh-server") = (fetched, package) {
                println!("SKIPPED: there is no sshd, and apt-get does not bring it: {error}");
                return None;
            }
        }
    }
    Some(Sshd { program, root })
}

impl Sshd {
    /// The command that starts it with the configuration in a file.
    fn command(&self, configuration: &Path) -> Option<Command> {
        let is_root = output(Command::new("id").arg("-u")).unwrap().trim() == "0";
        let mut line = if is_root {
            if let Err(error) = output(Command::new("unshare").args(["-m", "true"])) {
                println!("SKIPPED: sshd needs a user of its own, and cannot be shown one: {error}");
                return None;
            }
            let mut line = Command::new("unshare");
            line.args(["-m", "sh", "-c", AS_ROOT, "sh"]).arg(&self.program);
            line
        } else {
            Command::new(&self.program)
        };
        let libraries =
            fs::read_dir(self.root.join("usr/lib")).into_iter().flatten().flatten().map(|entry| entry.path());
        if self.root != Path::new("/") {
            line.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap());
        }
        line.args(["-D", "-e", "-f"]).arg(configuration);
        Some(line)
    }
}

/// A running sshd; its directory has an `ssh` that knows its keys.
pub(crate) struct Server {
    place: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Server {
    /// Starts one; where there is none, nothing but a word about it.
    pub(crate) fn start() -> Option<Self> {
        let sshd = sshd()?;
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for key in ["host", "user"] {
            let status = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(at(key)).status();
            assert!(status.unwrap().success());
        }
        fs::copy(at("user.pub"), at("authorized")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n",
            at("host").display(),
            at("authorized").display()
        );
        // Since 9.8 it consists of several programs.
        for (key, program) in [("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")] {
            let program = sshd.root.join("usr/lib/openssh").join(program);
            if program.is_file() {
                writeln!(configuration, "{key} {}", program.display()).unwrap();
            }
        }
        fs::write(at("config"), configuration).unwrap();
        let child = sshd.command(&at("config"))?.spawn().unwrap();
        let options = format!(
            "-i {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            at("user").display()
        );
        fs::write(at("ssh"), format!("#!/bin/sh\nexec /usr/bin/ssh {options} \"$@\"\n")).unwrap();
        fs::set_permissions(at("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { place, port, child };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "sshd does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// The directory of its `ssh`.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
