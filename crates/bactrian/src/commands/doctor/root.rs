//! The check that matters most: can a process have its own `/` here? It is tried, as every action does it.
//!
//! Only if that fails is it looked up which kernel setting is likely to forbid it.

use std::fs;
use std::path::{Path, PathBuf};

use exec::builder_image::BUILDER;
use exec::sandbox::{NoWay, Way, probe};
use exec::store::{Store, StoreError};

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
        Ok(Way::Joined) => Check::new(Status::Ok, NAME, "in namespaces of their own"),
        Ok(Way::Whole) => weak(place),
        Err(NoWay::Forbidden { message }) => explain(place, &message),
        Err(NoWay::Stage(error)) => Check::new(Status::Fail, NAME, words(&error)),
    }
}

fn attempt(store: &Store) -> Result<Way, NoWay> {
    let builder = store.put(BUILDER).and_then(|digest| store.blob_path(digest, true));
    probe(store, &builder.map_err(|error: StoreError| NoWay::Stage(error.into()))?)
}

/// An error with its causes, in one line.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// It works, but not as well as it could.
fn weak(place: &Place<'_>) -> Check {
    let found = "by chroot alone: commands see this machine's network, host name and process numbers, have no /proc, and \
                 could write to their inputs";
    advise(place, Check::new(Status::Warn, NAME, found))
}

/// A failed attempt, with the setting that is to blame if one is.
pub(super) fn explain(place: &Place<'_>, why: &str) -> Check {
    advise(place, Check::new(Status::Fail, NAME, why))
}

/// Adds what allows namespaces.
fn advise(place: &Place<'_>, check: Check) -> Check {
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
