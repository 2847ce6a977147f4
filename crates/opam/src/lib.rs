//! The opam language: from bytes to names, versions, formulas, filters, packages and a [`universe`] of them.
//!
//! Two stages: [`syntax`] says what was written, [`package`] what is meant. Everything that reads text returns a value
//! *and* every error found in it, each with its place. This crate does no IO and knows nothing of targets: whoever
//! evaluates a [`filter`] says, as its [`filter::Scope`], what the variables are.
//!
//! Read [`syntax`], [`filter`] and [`dependency`] first.

#![forbid(unsafe_code)]

pub mod checksum;
pub mod command;
pub mod config;
pub mod dependency;
pub mod environment;
pub mod error;
pub mod filter;
pub mod formula;
pub mod manifest;
pub mod name;
pub mod package;
pub mod repository;
pub mod syntax;
pub mod template;
pub mod universe;
pub mod variable;
pub mod version;
