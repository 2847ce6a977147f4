//! Worlds: the build machine, and each target.
//!
//! A package or C library can be needed in several; it is made for each, and lies in each one's own prefix. Not here: what
//! a world's compilers are ([`crate::planner`]).

use crate::layout;
use crate::project::toolchain_name;
use crate::target::{Target, TargetError};

/// For which machine something is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// The build machine.
    Host,
    /// A target.
    Target(Target),
}

impl World {
    /// The name of its toolchain: `host`, or findlib's and dune's.
    #[must_use]
    pub fn toolchain(self) -> String {
        match self {
            Self::Host => "host".to_owned(),
            Self::Target(target) => toolchain_name(target),
        }
    }

    /// Where what is made for it is installed: an absolute path in every root.
    #[must_use]
    pub fn prefix(self) -> String {
        format!("/{}", self.place())
    }

    /// The same, seen from the root.
    #[must_use]
    pub fn place(self) -> String {
        match self {
            Self::Host => layout::HOST.to_owned(),
            Self::Target(target) => layout::target_prefix(target),
        }
    }

    /// The target, if it is one.
    #[must_use]
    pub const fn target(self) -> Option<Target> {
        match self {
            Self::Host => None,
            Self::Target(target) => Some(target),
        }
    }

    /// The target whose C toolchain compiles for it.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn c_target(self) -> Result<Target, TargetError> {
        match self {
            Self::Host => layout::HOST_CC_TARGET.parse(),
            Self::Target(target) => Ok(target),
        }
    }
}
