//! The recipe language: what the small static program inside every input root is told to do.
//!
//! A [`Recipe`] is a list of typed [`Step`]s. The crate `plan` writes recipes; the program `bactrian-builder` (the binary of
//! this package) reads one from `/bactrian/recipe` and runs it with the input root as `/`. [`install`] reads the
//! `.install` files that the step `Install` interprets, [`patch`] applies the unified diffs of the step `Patch`.
//!
//! Not here: IO of any kind, and dependencies. Everything is a pure function on bytes. How the root is made and how a step is carried out is
//! the program's business (`src/bin/bactrian-builder`).

mod bytes;
pub mod install;
pub mod patch;
mod recipe;
mod text;

pub use bytes::Bytes;
pub use recipe::{Fault, Recipe, Step};
pub use text::{ParseError, Problem};

/// Where the program looks for its recipe, inside the root.
pub const RECIPE_PATH: &str = "/bactrian/recipe";

/// Where the program itself lies, inside the root (without the leading `/`: what a Command's `arguments[0]` is).
pub const BUILDER_PATH: &str = "bactrian/builder";

/// The one directory whose contents are the result of an action.
pub const OUT_PATH: &str = "/out";

/// The modification time given to every file and directory a step writes: 2011-11-11T11:11:09Z, in seconds since the epoch.
/// One time for all, so that `make` sees no order between files that were merely unpacked or edited.
pub const FIXED_MTIME: i64 = 1_321_009_871;
