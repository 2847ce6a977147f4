//! Android's NDK: its files are where they are expected, and its compiler is the target's.
//!
//! Not here: where they are (`plan::cc::ndk`).

use std::fs;
use std::path::Path;

use plan::cc::ndk::{self, DEFAULT_API};

use crate::error::CommandError;
use crate::settings::Bring;
use crate::settings::toolchain::CToolchain;

/// The NDK's name of the machines that it runs on here.
const HOST: &str = "linux-x86_64";

/// The toolchain of the NDK in `directory`.
pub(super) fn said(directory: &Path, bring: &Bring) -> Result<CToolchain, CommandError> {
    let (place, target) = (&bring.place, bring.target);
    let api = bring.toolchain.api.unwrap_or(DEFAULT_API);
    let Some(layout) = ndk::layout(target, HOST, api) else {
        return Err(CommandError::usage(format_args!("{place}: the NDK makes programs for Android, not for {target}"))
            .hint("name an Android target, such as aarch64-linux-android"));
    };
    let lacks = |what: &str| {
        CommandError::usage(format_args!("{place}: {} is no NDK that can be used", directory.display()))
            .cause(format_args!("there is no {what} in it"))
            .hint("give the directory that has `source.properties`, of an NDK r19 or later for 64-bit Linux")
    };
    let properties = fs::read_to_string(directory.join(layout.properties)).map_err(|_| lacks(layout.properties))?;
    if ndk::version(&properties).is_none() {
        return Err(lacks("version (Pkg.Revision) in source.properties"));
    }
    if !directory.join(&layout.prebuilt).is_dir() {
        return Err(lacks(&layout.prebuilt));
    }
    let levels = levels(&directory.join(&layout.levels));
    if levels.is_empty() {
        return Err(lacks(&layout.levels));
    }
    let compiler = directory.join(&layout.compiler);
    if !levels.contains(&api) || !compiler.is_file() {
        let known: Vec<_> = levels.iter().map(u32::to_string).collect();
        return Err(CommandError::usage(format_args!(
            "{place}: this NDK has no compiler for API level {api} of {target}"
        ))
        .cause(format_args!("there is no {}", layout.compiler))
        .hint(format_args!("its levels are {}: say one of them with `api`", known.join(", "))));
    }
    Ok(CToolchain { cc: Some(compiler), ndk: None, api: None, ..bring.toolchain.clone() })
}

/// The API levels that a directory of libraries is for, lowest first.
fn levels(directory: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut levels: Vec<u32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    levels.sort_unstable();
    levels
}
