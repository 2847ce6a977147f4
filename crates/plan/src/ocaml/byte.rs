//! Byte code for targets of 32 bits that a release has no native code for: the host's libraries and compiler, the target's
//! runtime.
//!
//! The recipes are `recipes/ocaml/byte*.sh`. Not here: whether somebody asked for byte code (`bactrian`'s lanes).

use action::graph::NodeId;

use super::{Made, RECIPES, Release};
use crate::planner::{PlanError, Planner, script};
use crate::target::{Os, Target};
use crate::world::World;

/// What a target's programs are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Instructions of the target's CPU.
    Native,
    /// OCaml's byte code and the runtime that interprets it, in one file.
    Byte,
}

const BYTE: &str = "ocaml/byte.sh";
const BYTE_COMPILER_LIBS: &str = "ocaml/byte-compiler-libs.sh";

/// Read besides what all recipes read.
const OWN: &[(&str, &str)] = &[
    (BYTE, include_str!("../../recipes/ocaml/byte.sh")),
    (BYTE_COMPILER_LIBS, include_str!("../../recipes/ocaml/byte-compiler-libs.sh")),
];

impl Release {
    /// What this release makes programs of `target` of; none if it makes none.
    #[must_use]
    pub fn code(self, target: Target) -> Option<Code> {
        if self.serves(target) {
            return Some(Code::Native);
        }
        let has_runtime = !self.has_own_recipes() && target.cpu().bits == 32 && target.spec().os == Os::Linux;
        has_runtime.then_some(Code::Byte)
    }

    /// What this release makes programs of `world` of, which is one it makes programs of.
    pub(crate) fn code_in(self, world: World) -> Code {
        match world {
            World::Host => Code::Native,
            World::Target(target) => self.code(target).unwrap_or(Code::Native),
        }
    }
}

impl Planner {
    /// The toolchain of `target` without native code, or its compiler-libs; laid out as others are.
    pub(super) fn ocaml_byte(
        &mut self,
        release: Release,
        target: Target,
        compiler_libs: bool,
    ) -> Result<NodeId, PlanError> {
        let files = [RECIPES, OWN].concat();
        if !compiler_libs {
            let made = Made { what: "OCaml byte code", files, steps: vec![script(BYTE)] };
            return self.ocaml_5_for(release, target, None, made);
        }
        let cross = self.ocaml_byte(release, target, false)?;
        let made = Made { what: "compiler-libs in byte code", files, steps: vec![script(BYTE_COMPILER_LIBS)] };
        self.ocaml_5_for(release, target, Some(cross), made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_code_is_for_machines_of_32_bits_that_have_nothing_else() {
        for (release, target, code) in [
            (Release::V5_3_0, "armv7-linux-musleabihf", Code::Byte),
            (Release::V5_4_1, "x86-linux-musl", Code::Byte),
            (Release::V4_14_1, "x86-linux-musl", Code::Native),
            (Release::V5_3_0, "aarch64-linux-musl", Code::Native),
            (Release::V5_4_1, "x86_64-windows-gnu", Code::Native),
        ] {
            assert_eq!(release.code(target.parse().unwrap()), Some(code), "{release} {target}");
        }
    }
}
