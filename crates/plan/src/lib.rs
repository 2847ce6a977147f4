//! Plans: what must exist before a project can be built, as a graph of actions.
//!
//! Targets and releases in, a [`Graph`](action::graph::Graph) out. The recipes themselves are shell scripts beside the
//! sources (`recipes/`), run in sealed roots. This crate does no IO, and does not know where or by whom a graph is run.

#![forbid(unsafe_code)]

pub mod assess;
pub mod base;
pub mod cc;
pub mod clib;
pub mod closure;
pub mod delivery;
mod dune;
pub mod findlib;
pub mod instructions;
pub mod layout;
pub mod meta;
pub mod ocaml;
pub mod package;
pub mod pkg_config;
pub mod planner;
pub mod project;
pub mod quirk;
pub mod sources;
pub mod target;
pub mod world;
