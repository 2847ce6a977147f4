//! Digests, paths, trees, actions, graphs and outcomes: the machine language of Bactrian.
//!
//! Everything here is a value. What must be hashed is encoded as the very messages of the Remote Execution API v2, so
//! an action has one digest wherever it runs. This crate does no IO, and knows neither OCaml nor who executes.
//!
//! Read [`digest`], [`path`] and [`tree`] first: they set the style of the rest.

#![forbid(unsafe_code)]

pub mod checksum;
pub mod command;
pub mod compose;
pub mod critical;
pub mod digest;
pub mod graph;
pub mod outcome;
pub mod path;
pub mod pattern;
pub mod source;
pub mod tree;

/// The Remote Execution API's messages, for the one crate that puts them on a wire.
pub use bazel_remote_apis as remote_apis;
