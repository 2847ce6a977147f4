//! Byte code for targets of 32 bits that a release has no native code for: the host's libraries and compiler, the target's
//! runtime.
//!
//! The recipes are `recipes/ocaml/byte*.sh`. Not here: whether somebody asked for byte code (`bactrian`'s lanes).

use action::graph::NodeId;

use super::{RECIPES, Release};
use crate::layout;
use crate::planner::{Job, PlanError, Planner, input, part, script};
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
        let sources = self.ocaml_sources(release)?;
        let ocaml = self.ocaml_host(release)?;
        let cc = self.cc(target)?;
        let mut inputs = self.host_compilers(release)?;
        inputs.push(part(layout::OCAML_OBJECTS, ocaml, "objects")?);
        inputs.push(input(&format!("{}/{target}", layout::CC), cc)?);
        inputs.push(input(layout::SRC, sources)?);
        let (recipe, what) =
            if compiler_libs { (BYTE_COMPILER_LIBS, "compiler-libs in byte code") } else { (BYTE, "OCaml byte code") };
        if compiler_libs {
            let cross = self.ocaml_byte(release, target, false)?;
            inputs.push(input(&format!("{}/{target}", layout::CROSS), cross)?);
        }
        self.once(format!("{what} {release} for {target}"), |planner| {
            planner.run(Job {
                label: format!("{what} {release} for {target}"),
                inputs,
                files: [RECIPES, OWN].concat(),
                steps: vec![script(recipe)],
                environment: vec![
                    ("OCAML_VERSION", release.to_string()),
                    ("TARGET", target.to_string()),
                    ("TRIPLE", target.spec().gnu_triple.to_owned()),
                ],
            })
        })
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
