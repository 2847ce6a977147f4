//! The base image: which tools of the build machine make the small system that actions run in.

use action::graph::{Base, Tool};

/// The base image of every root.
#[must_use]
pub fn image() -> Base {
    let tool = |name: &str| Tool { names: vec![name.to_owned()], required: true, package: "coreutils".to_owned() };
    Base { tools: ["sh"].map(tool).into(), libraries: Vec::new(), data: Vec::new() }
}
