//! Builds the static program that lies in every input root, so that `builder_image` can embed its bytes.
//!
//! It is a cargo inside cargo because the two need different flags; it has a target directory of its own, so neither waits for the other's lock. Nothing is
//! downloaded that the outer build has not fetched: the program's dependencies are among this crate's.

use std::process::ExitCode;

include!("../builder/image.rs");

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={}", problem.replace('\n', "\ncargo::error="));
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), String> {
    let variable =
        |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo has not set {name}"));
    let manifest_dir = variable("CARGO_MANIFEST_DIR")?;
    let workspace = manifest_dir.ancestors().nth(2).ok_or("this crate is not in its workspace")?;
    // What the bytes depend on, and nothing else.
    for source in ["src", "image.rs", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join("crates/builder").join(source).display());
    }
    for shared in ["Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(shared).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").map_err(|error| format!("TARGET: {error}"))?;
    if !target.contains("-linux-") {
        return Err(format!("roots are made by Linux; there is no builder for {target}"));
    }
    let out = variable("OUT_DIR")?;
    let image = build_image(workspace, &target, &out.join("image"), &variable("CARGO")?)?;
    std::fs::copy(&image, out.join("bactrian-builder"))
        .map_err(|error| format!("cannot copy {}: {error}", image.display()))?;
    Ok(())
}
