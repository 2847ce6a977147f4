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

/// The same for the target that `triple` names, which may also be said on the command line: pkgconf has one set of places for
/// each `--personality`, and who builds for Windows asks for one.
#[must_use]
pub fn script_of(triple: &str, prefix: &str) -> String {
    PERSONALITY.replace("@TRIPLE@", triple) + &script(prefix)
}

/// What the script begins with where it is asked for a personality.
const PERSONALITY: &str = r#"#!/bin/sh
# pkgconf's personality: there is one here.
for argument do
  shift
  case $argument in
    --personality=@TRIPLE@) ;;
    *) set -- "$@" "$argument" ;;
  esac
done

"#;
