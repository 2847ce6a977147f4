//! The check that matters most: can an action have its own `/` here? It is tried, with an action that does nothing.
//!
//! Only if that fails is it looked up which kernel setting is likely to forbid it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use builder::{BUILDER_PATH, RECIPE_PATH, Recipe};
use exec::builder_image::BUILDER;
use exec::process::{Environment, Invocation, Limits, run};
use exec::store::Store;

use super::{Check, Place, Status};

const NAME: &str = "build roots";

/// A kernel setting, the value that forbids namespaces, and one that allows them.
const SETTINGS: [(&str, &str, &str); 3] = [
    ("user.max_user_namespaces", "0", "15000"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
];

pub(super) fn check(place: &Place<'_>, store: &Store) -> Check {
    match attempt(store) {
        Ok(()) => Check::new(Status::Ok, NAME, "an action ran in a root of its own"),
        Err(why) => explain(place, &why),
    }
}

/// Runs an empty recipe as every action is run. Says why it could not.
fn attempt(store: &Store) -> Result<(), String> {
    let scratch = store.scratch().map_err(|error| error.to_string())?;
    let root = scratch.path();
    let told = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| format!("{}: {error}", path.display())
    };
    let program = root.join(BUILDER_PATH);
    let recipe = root.join(RECIPE_PATH.trim_start_matches('/'));
    for directory in [program.parent(), recipe.parent()].into_iter().flatten() {
        fs::create_dir_all(directory).map_err(told(directory))?;
    }
    fs::write(&program, BUILDER).map_err(told(&program))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).map_err(told(&program))?;
    fs::write(&recipe, Recipe::default().encode()).map_err(told(&recipe))?;
    let invocation = Invocation {
        program: &program,
        arguments: vec!["build".into()],
        directory: root,
        environment: &Environment::default(),
        output: None,
    };
    let limits = Limits { stop: &AtomicBool::new(false), time: Duration::from_secs(30), tick: &|| () };
    let finished = run(invocation, &limits).map_err(|error| error.to_string())?;
    if finished.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stderr).trim().trim_start_matches("bactrian-builder: ").to_owned();
    Err(if said.is_empty() { finished.status.to_string() } else { said })
}

/// A failed attempt, with the setting that is to blame if one is.
pub(super) fn explain(place: &Place<'_>, why: &str) -> Check {
    let check = Check::new(Status::Fail, NAME, why);
    let read = |name: &str| fs::read_to_string(file(&place.sysctl, name)).ok();
    let forbids =
        |(name, forbidden, _): &&(&str, &str, &str)| read(name).is_some_and(|value| value.trim() == *forbidden);
    let mut blamed = SETTINGS.iter().filter(forbids).peekable();
    if blamed.peek().is_none() {
        return check.fix(
            "allow user namespaces; in a container, run it with `--security-opt seccomp=unconfined \
             --security-opt apparmor=unconfined`, or as root with `--privileged`",
        );
    }
    blamed.fold(check, |check, (name, _, allowed)| check.fix(format!("sudo sysctl {name}={allowed}")))
}

fn file(sysctl: &Path, name: &str) -> PathBuf {
    name.split('.').fold(sysctl.to_owned(), |path, part| path.join(part))
}
