//! The dispatching tools: one program under the names of many, first in the PATH of everything that is built.
//!
//! Not here: how it decides for whom it answers (`recipes/tools/dispatch`).

use action::graph::{Literal, LiteralFile};
use action::path::RelPath;
use action::tree;

use crate::layout;
use crate::ocaml::Release;
use crate::ocaml::byte::Code;
use crate::pkg_config;
use crate::planner::PlanError;
use crate::target::{Os, Target};
use crate::world::World;

const DISPATCH: &str = include_str!("../../recipes/tools/dispatch");
/// `uname` where a target is not Linux.
const UNAME: &str = include_str!("../../recipes/tools/uname");

/// Names under which the dispatching tool is found before all others.
const TOOLS: &[&str] = &[
    "ar",
    "as",
    "cc",
    "clang",
    "cpp",
    "gcc",
    "ld",
    "nm",
    "ocaml",
    "ocamlc",
    "ocamlc.opt",
    "ocamlcp",
    "ocamldep",
    "ocamldep.opt",
    "ocamllex",
    "ocamlmklib",
    "ocamlmktop",
    "ocamlobjinfo",
    "ocamlopt",
    "ocamlopt.opt",
    "ocamloptp",
    "ocamlrun",
    "ocamlyacc",
    "pkg-config",
    "pkgconf",
    "ranlib",
    "strip",
    "uname",
];

/// What belongs to native code. Where no target of a root has any, these are not there: many look for them to find out.
const NATIVE_TOOLS: &[&str] = &["ocamlopt", "ocamlopt.opt", "ocamloptp"];

/// The dispatching tools, and for each toolchain where its compilers are.
pub(crate) fn add_tools(literal: &mut Literal, release: Release, targets: &[Target]) -> Result<(), PlanError> {
    let mut file = |path: String, text: &str, executable| -> Result<(), PlanError> {
        let contents = text.as_bytes().into();
        literal.files.push(LiteralFile { path: RelPath::new(&path)?, contents, executable });
        Ok(())
    };
    let only_linux = targets.iter().all(|target| target.spec().os == Os::Linux);
    let only_byte = !targets.is_empty() && targets.iter().all(|target| release.code(*target) == Some(Code::Byte));
    for tool in TOOLS.iter().filter(|tool| !(only_byte && NATIVE_TOOLS.contains(tool))) {
        let text = if *tool == "uname" && !only_linux { UNAME } else { DISPATCH };
        file(format!("{}/{tool}", layout::TOOLS), text, true)?;
    }
    let of = |target: &Target| (World::Target(*target), format!("{}/{target}", layout::CROSS));
    let host = (World::Host, layout::OCAML.to_owned());
    for (world, ocaml) in std::iter::once(host).chain(targets.iter().map(of)) {
        let place = format!("{}/toolchains/{}", layout::BACTRIAN, world.toolchain());
        let target = world.c_target()?;
        file(format!("{place}/machine"), &format!("{}\n", target.cpu().name), false)?;
        if !only_linux {
            file(format!("{place}/system"), &format!("{}\n", system(target.spec().os)), false)?;
        }
        let script = match target.spec().os {
            Os::Windows => pkg_config::script_of(target.spec().gnu_triple, &world.prefix()),
            Os::Linux | Os::MacOs | Os::FreeBsd => pkg_config::script(&world.prefix()),
        };
        file(format!("{place}/pkg-config"), &script, true)?;
        for (link, to) in [("cc", format!("{}/{target}/bin", layout::CC)), ("ocaml", ocaml)] {
            let to = tree::Target::new(&format!("../../../{to}"))?;
            literal.links.push((RelPath::new(&format!("{place}/{link}"))?, to));
        }
    }
    Ok(())
}

/// What `uname` says of a system, and its release. Windows has none of its own: this is MSYS2's, for whoever asks means
/// mingw-w64.
const fn system(os: Os) -> &'static str {
    match os {
        Os::Linux => "Linux 6.0",
        Os::Windows => "MINGW64_NT-10.0 3.5",
        Os::MacOs => "Darwin 23.0.0",
        Os::FreeBsd => "FreeBSD 14.0-RELEASE",
    }
}
