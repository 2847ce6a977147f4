//! placeholder

pub mod target;
