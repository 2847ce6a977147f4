//! Runs graphs: stores, fetching, sandbox, local and remote executors, scheduling.
//!
//! Graph in, events and outcomes out. This crate does all the IO and knows neither OCaml nor opam; it never prints.

pub mod builder_image;
pub mod capture;
pub mod collection;
pub mod engine;
pub mod event;
pub mod fetch;
pub mod i386;
pub mod local;
pub mod process;
pub mod remote;
pub mod replica;
pub mod runner;
pub mod sandbox;
pub mod store;
pub mod unpack;
mod zstd;
