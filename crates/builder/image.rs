// How the static program is built: shared by `crates/exec/build.rs`, which embeds its bytes, and by the tests of this crate. By hand the same is
//
//   CARGO_ENCODED_RUSTFLAGS=$'-Ctarget-feature=+crt-static\x1f-Crelocation-model=static' \
//     cargo build -p builder --bin bactrian-builder --features program --profile builder --target x86_64-unknown-linux-gnu
//
// without the path remapping that makes the bytes the same in every checkout.
//
// The bytes are part of every digest, so they depend on nothing but the sources, Cargo.lock and the toolchain: a profile of its own, flags of its own, a
// cleared environment, and every directory of the machine mapped to a constant.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program for `target` into `target_dir`, with `cargo`, and returns where it lies.
///
/// # Errors
/// A sentence, with what cargo printed.
pub fn build_image(workspace: &Path, target: &str, target_dir: &Path, cargo: &Path) -> Result<PathBuf, String> {
    let mut known = flags(workspace);
    loop {
        run_cargo(workspace, target, target_dir, cargo, &known)?;
        // A registry that was unpacked only now has left its directory in the bytes.
        let now = flags(workspace);
        if now == known {
            return Ok(target_dir.join(target).join("builder").join("bactrian-builder"));
        }
        known = now;
    }
}

fn run_cargo(workspace: &Path, target: &str, target_dir: &Path, cargo: &Path, flags: &OsString) -> Result<(), String> {
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args(["build", "--quiet", "--package", "builder", "--bin", "bactrian-builder"]);
    command.args(["--features", "program", "--profile", "builder", "--target", target]);
    command.arg("--target-dir").arg(target_dir);
    // Wrappers, flags and profile overrides meant for the outer build must not change the bytes.
    command.env_clear();
    let kept = ["PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
    let kept = kept.into_iter().chain(["CARGO_NET_OFFLINE", "CARGO_MAKEFLAGS", "RUSTC"]);
    command.envs(kept.filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags).env("CARGO_INCREMENTAL", "0").env("CARGO_TERM_COLOR", "never");
    let output = command.output().map_err(|error| format!("cannot run {}: {error}", cargo.display()))?;
    if !output.status.success() {
        return Err(format!("cannot build bactrian-builder:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(())
}

/// Static, at a fixed address, and with no directory of this machine in it; separated as cargo wants them.
fn flags(workspace: &Path) -> OsString {
    let mut flags = OsString::from("-Ctarget-feature=+crt-static\u{1f}-Crelocation-model=static");
    let mut remap = |from: &Path, to: &str| {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    };
    remap(workspace, "/bactrian");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    // One directory per registry, named after its address: a mirror must not show in the bytes either.
    let registries = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let mut registries: Vec<PathBuf> = registries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    registries.sort();
    for registry in registries {
        remap(&registry, "/crates");
    }
    // Where the sources of the standard library are installed, rustc shows them by that place instead of this one.
    if let Some((sources, commit)) = rust_sources() {
        remap(&sources, &format!("/rustc/{commit}"));
    }
    flags
}

/// Where the standard library's sources lie if they are installed, and the commit of the toolchain.
fn rust_sources() -> Option<(PathBuf, String)> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let ask = |arguments: &[&str]| {
        let output = Command::new(&rustc).args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let sysroot = ask(&["--print", "sysroot"])?;
    let version = ask(&["--version", "--verbose"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
    Some((Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust"), commit.to_owned()))
}
