//! Whether a farm made what this machine makes: digests of outputs, compared.
//!
//! Not here: building anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use action::command::Action;
use action::digest::BlobDigest;
use exec::remote::{Config, Mode, Remote};
use exec::store::Store;

/// Questions underway at once.
const AT_ONCE: usize = 16;

/// The packages' files must be the same.
pub(super) fn outputs(there: &BTreeMap<String, String>, here: &BTreeMap<String, String>) -> Result<usize, String> {
    let differs = here.iter().find(|(name, tree)| there.get(*name) != Some(tree));
    match differs {
        _ if here.is_empty() => Err("no package was delivered".to_owned()),
        Some((name, tree)) => Err(format!("{name} is {tree} here and {:?} there", there.get(name))),
        None if there.len() != here.len() => Err("the farm delivered other packages".to_owned()),
        None => Ok(here.len()),
    }
}

/// Of all actions whose results are in a store, those that a server's action cache has too must have the same there; how many
/// these are. `store` is only read; what is learnt of the server goes to an empty store at `scratch`.
pub(super) fn caches(store: &Path, scratch: &Path, address: &str) -> Result<usize, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let here = Store::open(store).map_err(|error| told(&error))?;
    let config = Config { mode: Mode::Cache, ..Config::new(address.parse().map_err(|error| format!("{error}"))?) };
    let scratch = Arc::new(Store::open(scratch).map_err(|error| told(&error))?);
    let remote = Remote::connect(scratch, config, Arc::default()).map_err(|error| told(&error))?;
    let actions = actions(store)?;
    let (next, same) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ask = || -> Result<(), String> {
        while let Some(bytes) = actions.get(next.fetch_add(1, Ordering::Relaxed)) {
            let digest = BlobDigest::of(bytes);
            let action = Action::decode(bytes, |command| here.read(command.as_blob()).unwrap_or_default());
            let Ok(action) = action else { continue };
            let Some(there) = remote.look_up(&action).map_err(|error| told(&error))? else { continue };
            let Some(result) = here.result(action.encode().digest).map_err(|error| told(&error))? else { continue };
            if result.output != there {
                return Err(format!("action {digest} made {} here and {there} there", result.output));
            }
            same.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    Ok(same.into_inner())
}

/// The actions, encoded, whose results a store has.
fn actions(store: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut actions = Vec::new();
    let told = |error: std::io::Error| format!("{}: {error}", store.display());
    for fan in fs::read_dir(store.join("ac")).map_err(told)? {
        let fan = fan.map_err(told)?;
        for result in fs::read_dir(fan.path()).map_err(told)? {
            let name = result.map_err(told)?.file_name();
            // A result may outlive its action, which nobody needs once it was run.
            actions.extend(fs::read(store.join("cas").join(fan.file_name()).join(name)));
        }
    }
    Ok(actions)
}
