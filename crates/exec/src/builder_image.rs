//! The static program `bactrian-builder`, as bytes. Built by this crate's `build.rs`; not here: what it does (see the crate `builder`).

/// The executable that belongs at `bactrian/builder` in every input root. Its digest is part of every action's, so its bytes depend only on its sources,
/// `Cargo.lock` and the Rust toolchain: not on the profile, flags or place of this build.
pub const BUILDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bactrian-builder"));
