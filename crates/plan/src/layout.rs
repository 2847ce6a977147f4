//! Where things are inside every root.
//!
//! Roots are `/` to what runs in them, so every path is a constant: compilers may bake them in, results are the same
//! wherever they are made.

use crate::project::toolchain_name;
use crate::target::Target;

/// The host's OCaml.
pub const OCAML: &str = "opt/ocaml";
/// Objects of the host's OCaml that cross compilers are made out of; seen by those actions alone.
pub const OCAML_OBJECTS: &str = "opt/ocaml-objects";
/// OCaml of 32 bits, which compilers of 32-bit targets are made by; seen by those actions alone.
pub const OCAML_32: &str = "opt/ocaml32";
/// Its objects.
pub const OCAML_32_OBJECTS: &str = "opt/ocaml32-objects";
/// The OCaml toolchains of targets, one directory each.
pub const CROSS: &str = "opt/cross";
/// clang, lld and their kin, for all targets.
pub const ZIG: &str = "opt/zig";
/// The C toolchains, one directory each.
pub const CC: &str = "opt/cc";
/// Programs and libraries that run on the build machine, dune first of all.
pub const HOST: &str = "host";
/// Packages for targets, one directory for each toolchain.
pub const TARGET: &str = "target";
/// Tools that choose between host and target, before all others in `PATH`.
pub const TOOLS: &str = "bactrian/tools";
/// Sources of what an action builds; the user's project in `build`.
pub const SRC: &str = "src";
/// Bactrian's own files: the builder, recipes, findlib's configuration.
pub const BACTRIAN: &str = "bactrian";
/// findlib's configuration, which dune reads even where there is no findlib.
pub const FINDLIB_CONF: &str = "bactrian/findlib.conf";
/// The C target of everything that runs on the build machine.
pub const HOST_CC_TARGET: &str = "x86_64-linux-gnu.2.28";
/// findlib's METAs of the libraries that come with OCaml, for the host.
pub const META: &str = "bactrian/meta";
/// The same for targets.
pub const CROSS_META: &str = "bactrian/meta-cross";
/// The workspace in which dune builds for several targets at once.
pub const WORKSPACE: &str = "bactrian/dune-workspace";

/// Where packages for `target` are installed.
#[must_use]
pub fn target_prefix(target: Target) -> String {
    format!("{TARGET}/{}", toolchain_name(target))
}
