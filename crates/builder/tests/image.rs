//! The program's bytes are part of every digest: they must not depend on where or how they were built.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_image_is_static_and_names_no_directory_of_this_machine() {
    let bytes = fs::read(common::builder()).unwrap();
    let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(contains("/proc/self/setgroups"), "the control: what the program names is found");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let home = std::env::var("HOME").unwrap();
    for directory in [workspace.to_str().unwrap(), &format!("{home}/"), "/registry/src/", "/rustlib/src/"] {
        assert!(!contains(directory), "{directory}");
    }
    assert!(!has_interpreter(&bytes), "a dynamic program needs files that the root may not have");
    assert!(has_interpreter(&fs::read(std::env::current_exe().unwrap()).unwrap()), "the control: this test is one");
}

/// Whether a 64-bit ELF file has a program header of the type `PT_INTERP`.
fn has_interpreter(elf: &[u8]) -> bool {
    let number =
        |at: usize, size: usize| elf[at..at + size].iter().rev().fold(0, |all, byte| all << 8 | usize::from(*byte));
    let (headers, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|index| number(headers + index * size, 4) == 3)
}

#[test]
#[ignore = "builds the program once more: a minute"]
fn another_checkout_gives_the_same_bytes() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("some/where/else");
    fs::create_dir_all(&copy).unwrap();
    for item in ["Cargo.toml", "Cargo.lock", "crates"] {
        assert!(Command::new("cp").arg("-r").arg(workspace.join(item)).arg(&copy).status().unwrap().success());
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let image = common::build_image(&copy, &target, &copy.join("t"), Path::new(env!("CARGO"))).unwrap();
    assert!(fs::read(image).unwrap() == fs::read(common::builder()).unwrap());
}
