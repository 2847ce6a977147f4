//! Runs graphs: stores, fetching, sandbox, local and remote executors, scheduling.
//!
//! Graph in, events and outcomes out. This crate does all the IO and knows neither OCaml nor opam; it never prints.

pub mod event;
