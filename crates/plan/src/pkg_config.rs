//! `pkg-config`, answering for one prefix alone: the world it is asked from.
//!
//! A shell script (`recipes/tools/pkg-config`) that runs in roots, so that nothing need be built for it. It reads the `.pc`
//! files below its prefix and no variable of the environment: a package's build cannot be led to another world's libraries.
//! Not here: which files are there ([`crate::clib`]).

const SCRIPT: &str = include_str!("../recipes/tools/pkg-config");

/// The program for `prefix`, an absolute path such as `/target`.
#[must_use]
pub fn script(prefix: &str) -> String {
    SCRIPT.replace("@PREFIX@", prefix)
}
