//! Apple's SDK for macOS, which only its users may have: `toolchain add macos-sdk`, its place in the list, taking it back.
//!
//! Not here: what it changes about a C toolchain (`plan::cc`).

use std::fs;
use std::path::Path;

use action::digest::DirDigest;
use action::path::Name;
use action::tree::Entry;
use exec::store::Store;

use super::size;
use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::failure;
use crate::messages::Message;
use crate::settings::Means;
use crate::text;
use crate::workshop::{MACOS_SDK, Workshop};

/// What tells an SDK from other directories: the file with its version, and the library that every program is linked with.
const SETTINGS: &str = "SDKSettings.json";
const SYSTEM: &str = "usr/lib/libSystem.tbd";

pub(super) fn add(ctx: &Context<'_>, directory: &Path, means: &Means) -> Result<Exit, CommandError> {
    for part in plan::cc::MACOS_SDK.iter().copied().chain([SYSTEM]) {
        if !directory.join(part).exists() {
            return Err(CommandError::usage(format_args!("{} is no SDK for macOS", directory.display()))
                .cause(format_args!("it has no {part}"))
                .hint("it is the directory called MacOSX.sdk or the like, inside Xcode or its command line tools"));
        }
    }
    let settings = directory.join(SETTINGS);
    let settings = fs::read(&settings)
        .map_err(|error| CommandError::environment(format_args!("cannot read {}", settings.display())).cause(error))?;
    let Some(version) = version(&settings) else {
        return Err(CommandError::usage(format_args!("{} is no SDK for macOS", directory.display()))
            .cause(format_args!("its {SETTINGS} does not tell a version for macOS")));
    };
    let workshop = Workshop::open(ctx, means)?;
    let registered = workshop.store.register(MACOS_SDK, directory, plan::cc::MACOS_SDK);
    registered.map_err(|error| failure::store(&error))?;
    ctx.ui.note(format_args!("added the SDK of macOS {version}; programs for macOS are built with it from now on"));
    Ok(Exit::Done)
}

pub(super) fn take_back(ctx: &Context<'_>, means: &Means) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, means)?;
    if workshop.store.unregister(MACOS_SDK).map_err(|error| failure::store(&error))? {
        ctx.ui.note("forgot the SDK of macOS; `bactrian store gc` frees its space");
    } else {
        ctx.ui.warning("there is no SDK of macOS");
    }
    Ok(Exit::Done)
}

/// The line of `toolchain list`, if there is an SDK.
pub(super) fn list(ctx: &Context<'_>, workshop: &Workshop<'_>) -> Result<(), CommandError> {
    let Some(tree) = workshop.store.registered(MACOS_SDK).map_err(|error| failure::store(&error))? else {
        return Ok(());
    };
    let settings = read(&workshop.store, tree, SETTINGS)?;
    let version = settings.as_deref().and_then(version).unwrap_or_else(|| "?".to_owned());
    let bytes = size(workshop, &[tree])?;
    ctx.ui.message(&Message::Addition { name: MACOS_SDK, version: &version, bytes });
    if !ctx.ui.is_json() {
        ctx.ui.print(format_args!("{version:<8}{MACOS_SDK:<28}{}\n", text::size(bytes)));
    }
    Ok(())
}

/// The SDK's own version, if it is one for macOS.
fn version(settings: &[u8]) -> Option<String> {
    let settings: serde_json::Value = serde_json::from_slice(settings).ok()?;
    // Told by a canonical name such as `macosx14.5`: SDKs for Apple's other systems have the same files.
    settings.get("CanonicalName")?.as_str()?.strip_prefix("macosx").filter(|rest| !rest.is_empty())?;
    Some(settings.get("Version")?.as_str()?.to_owned())
}

/// A file at the top of a tree.
fn read(store: &Store, tree: DirDigest, name: &str) -> Result<Option<Vec<u8>>, CommandError> {
    let directory = store.directory(tree).map_err(|error| failure::store(&error))?;
    let wanted = |entry: &(&Name, &Entry)| entry.0.as_str() == name;
    match directory.iter().find(wanted) {
        Some((_, Entry::File { digest, .. })) => store.read(*digest).map(Some).map_err(|error| failure::store(&error)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (settings, expected) in [
            (r#"{"CanonicalName":"macosx14.5","Version":"14.5","Other":[]}"#, Some("14.5")),
            (r#"{"CanonicalName":"iphoneos17.0","Version":"17.0"}"#, None),
            (r#"{"CanonicalName":"macosx","Version":"14"}"#, None),
            (r#"{"CanonicalName":"macosx14"}"#, None),
            ("not JSON", None),
        ] {
            assert_eq!(version(settings.as_bytes()).as_deref(), expected, "{settings}");
        }
    }
}
