//! A full disk: a tiny file system of our own in a user namespace, where the machine allows one.

use std::process::Command;

use super::*;

const NAME: &str = "fetch::tests::full_disk::a_full_disk_ends_the_search_and_is_given_back";
const INSIDE: &str = "BACTRIAN_TEST_TINY_DISK";

#[test]
fn a_full_disk_ends_the_search_and_is_given_back() {
    match std::env::var_os(INSIDE) {
        Some(disk) => on_tiny_disk(Path::new(&disk)),
        None => again_on_tiny_disk(),
    }
}

/// Runs this very test once more where a disk of 256 KiB is mounted.
fn again_on_tiny_disk() {
    let dir = tempfile::tempdir().unwrap();
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        let mount = format!("mount -t tmpfs -o size=256k none \"${INSIDE}\" && {script}");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount]).env(INSIDE, dir.path());
        command
    };
    if !unshare("true").output().is_ok_and(|tried| tried.status.success()) {
        println!("skipped: this machine grants no user namespaces, or has no `unshare`");
        return;
    }
    let test = std::env::current_exe().unwrap();
    let ran = unshare(&format!("exec \"$TEST\" --exact {NAME} --nocapture")).env("TEST", test).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&ran.stderr));
}

fn on_tiny_disk(disk: &Path) {
    let mut lab = Lab::new();
    let bytes = noise(1_000_000);
    let wanted = source(&bytes, &[url("file:///never/asked")]);
    lab.put("mirror", &cache_path(&wanted), &bytes);
    lab.use_mirror();
    let error = lab.fetcher().fetch(&wanted, disk, &|_, _| {}).unwrap_err();
    assert!(matches!(&error.attempts[..], [Attempt { cause: Cause::DiskFull { .. }, .. }]), "{error:?}");
    assert_eq!(fs::read_dir(disk).unwrap().count(), 0);
}
