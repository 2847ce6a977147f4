//! CMake toolchain files and configured build directories, read for what they say of a C toolchain.
//!
//! The bytes of such files go in, the values of the variables that CMake itself would look at come out
//! ([`toolchain::Toolchain`]). Toolchain files are programs: the part of the language that they use to say something is
//! evaluated here ([`evaluate`]); one that does more is told to be [`Beyond`](error::Fault::Beyond), and the caller may ask
//! CMake itself.
//!
//! Not here: files and processes (the caller reads, through [`evaluate::World`]), targets, and any word for people.

#![forbid(unsafe_code)]

mod added;
pub mod cache;
mod condition;
pub mod error;
pub mod evaluate;
mod find;
mod generator;
pub mod syntax;
pub mod toolchain;
mod unknown;
mod words;

pub use words::words;
