//! `bactrian inspect`: what object files are for, what they need, and what of the build machine is left in them.
//!
//! Files that are no objects are told and make the command end with 1, so that `bactrian inspect dist/*/*` is a check.
//! Not here: reading the formats (the crate `inspect`), words ([`words`]), layout ([`human`]).

mod human;
mod words;

use std::path::Path;

use inspect::Fit;

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::{HostPath, Inspected, Message, Object};
use crate::settings::Inspect;
use crate::surroundings::Surroundings;

/// Where people's files are: a path below one of these is of the machine it was built on.
const HOMES: [&str; 3] = ["/home/", "/Users/", "/root/"];

/// How a file in which nothing can be inspected is told.
const NO_OBJECT: &str = "no object file";

pub(crate) fn run(ctx: &Context<'_>, settings: &Inspect) -> Result<Exit, CommandError> {
    let prefixes = prefixes(ctx.around);
    let mut exit = Exit::Done;
    let mut unreadable = None;
    for (number, file) in settings.files.iter().enumerate() {
        let name = file.display().to_string();
        let bytes = match std::fs::read(ctx.around.absolute(file)) {
            Ok(bytes) => bytes,
            Err(error) => {
                let error = CommandError::usage(format_args!("cannot read {name}")).cause(error);
                unreadable.get_or_insert(error);
                continue;
            }
        };
        let facts = facts(&name, &bytes, &prefixes);
        if facts.objects.is_empty() || facts.objects.iter().any(|object| object.damage.is_some()) {
            exit = Exit::Failed;
        }
        if ctx.ui.is_json() {
            ctx.ui.message(&Message::Inspected(facts));
        } else {
            ctx.ui.print(if number == 0 { "" } else { "\n" });
            ctx.ui.print(human::render(ctx.ui, &facts));
        }
    }
    unreadable.map_or(Ok(exit), Err)
}

/// Beginnings of paths that are the build machine's: people's homes, this user's, and the working directory.
fn prefixes(around: &Surroundings) -> Vec<String> {
    let home = around.env.get(crate::env_vars::HOME.name).map(Path::new);
    // Short ones, such as `/src` or `/`, are the same everywhere, so say nothing of a machine.
    let telling = |path: &&Path| path.is_absolute() && path.components().count() > 2;
    let own = home.into_iter().chain([around.directory.as_path()]).filter(telling);
    let own = own.filter_map(Path::to_str).map(|path| format!("{}/", path.trim_end_matches('/')));
    let mut prefixes: Vec<String> = HOMES.into_iter().map(str::to_owned).chain(own).collect();
    prefixes.sort();
    prefixes.dedup();
    prefixes
}

/// Everything there is to tell of a file.
fn facts(name: &str, bytes: &[u8], prefixes: &[String]) -> Inspected {
    let (container, objects) = match inspect::inspect(bytes) {
        Err(error) => (None, vec![Object { damage: Some(error.to_string()), ..Object::default() }]),
        Ok(content) => {
            let object = |item: &inspect::Item<'_, '_>| {
                let object = match item.report {
                    Ok(report) => words::object(report),
                    Err(error) => Object { damage: Some(error.to_string()), ..Object::default() },
                };
                Object { slice: item.place.slice, member: item.place.member.map(str::to_owned), ..object }
            };
            (words::container(&content), content.items().iter().map(object).collect())
        }
    };
    Inspected { file: name.to_owned(), container, objects, host_paths: host_paths(bytes, prefixes) }
}

fn host_paths(bytes: &[u8], prefixes: &[String]) -> Vec<HostPath> {
    let prefixes: Vec<&[u8]> = prefixes.iter().map(String::as_bytes).collect();
    let found = inspect::host_paths(bytes, &prefixes);
    let path = |path: &inspect::HostPath<'_>| HostPath {
        path: String::from_utf8_lossy(path.path).into_owned(),
        count: path.count,
        section: inspect::locate(bytes, path.offset).section.map(std::borrow::Cow::into_owned),
    };
    found.iter().filter(|path| path.fit == Fit::Below).map(path).collect()
}

#[cfg(test)]
mod tests;
