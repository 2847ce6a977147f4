//! C toolchains that the user brings: what settings say becomes what is captured.
//!
//! The compiler is asked which files are its own ([`compiler`]), once for each command; that it works is found out inside a
//! root ([`check`]). Not here: how its programs are started there (`plan::cc::brought`).

mod check;
mod cmake;
mod compiler;
mod ndk;

use plan::cc::brought::{Brought, BroughtError};

use crate::error::CommandError;
use crate::settings::Bring;
use crate::surroundings::Surroundings;

pub(crate) use self::cmake::targets as targets_of_cmake;
pub(crate) use check::{broken, check};

/// What is captured of the machine for a toolchain.
pub(crate) fn find(bring: &Bring, around: &Surroundings) -> Result<Brought, CommandError> {
    let said = &bring.toolchain;
    let toolchain = match (&said.cmake, &said.ndk) {
        (Some(path), _) => cmake::said(path, bring, around)?,
        (None, Some(directory)) => ndk::said(directory, bring)?,
        (None, None) => said.clone(),
    };
    let bring = &Bring { toolchain, ..bring.clone() };
    let description = compiler::describe(bring, around)?;
    Brought::new(bring.target, &description).map_err(|error| {
        let told = CommandError::usage(format_args!("{} cannot be used", bring.place)).caused_by(&error);
        match error {
            BroughtError::Host { .. } => told.hint(
                "name another glibc floor: the toolchain's own is that of its sysroot, as in x86_64-linux-gnu.2.36",
            ),
            BroughtError::Outside { .. } => told.hint("add its directory to `directories`"),
            BroughtError::Path(_) => told,
        }
    })
}

#[cfg(test)]
mod tests;
