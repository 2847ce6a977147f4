//! Everything built twice: two stores at different places, one after the other, must hold the same digests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use action::digest::DirDigest;
use action::outcome::CachedResult;
use action::remote_apis::build::bazel::remote::execution::v2::ActionResult;
use prost::Message as _;
use testkit::{bactrian, command, output};

/// Arguments: targets; `aarch64-linux-musl` if none.
pub(crate) fn run(targets: &[&str]) -> Result<(), String> {
    let targets = if targets.is_empty() { "aarch64-linux-musl".to_owned() } else { targets.join(",") };
    let places = [tempfile::tempdir(), tempfile::Builder::new().prefix("another-place-").tempdir()];
    let mut results = Vec::new();
    for place in places {
        let place = place.map_err(|error| error.to_string())?;
        let store = place.path().join("store");
        println!("building {targets} in a store of its own");
        let line = ["toolchain", "build", "--target", &targets, "--store"];
        output(command(bactrian()?).args(line).arg(&store))?;
        results.push(action_results(&store)?);
    }
    let [first, second] = results.as_slice() else { return Err("there are not two results".to_owned()) };
    if first != second {
        let differ: Vec<_> = first.iter().filter(|(key, value)| second.get(*key) != Some(value)).collect();
        return Err(format!(
            "{} of {} actions have other results the second time: {differ:?}",
            differ.len(),
            first.len()
        ));
    }
    println!("{} actions, the same digests and the same results in both", first.len());
    Ok(())
}

/// The action cache: action digests and the digests of their outputs. Logs are left out: some tell seconds.
fn action_results(store: &Path) -> Result<BTreeMap<String, DirDigest>, String> {
    let mut results = BTreeMap::new();
    let error = |error: std::io::Error| error.to_string();
    for fan in fs::read_dir(store.join("ac")).map_err(error)? {
        for entry in fs::read_dir(fan.map_err(error)?.path()).map_err(error)? {
            let entry = entry.map_err(error)?;
            let bytes = fs::read(entry.path()).map_err(error)?;
            let message = ActionResult::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
            let result = CachedResult::from_wire(&message).map_err(|error| error.to_string())?;
            results.insert(entry.file_name().to_string_lossy().into_owned(), result.output);
        }
    }
    Ok(results)
}
