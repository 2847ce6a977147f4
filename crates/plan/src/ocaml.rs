//! OCaml: the host's compilers, and for each target a toolchain made mostly of the host's objects.
//!
//! The recipes are `recipes/ocaml`, their reasons `docs/design/ocaml-recipes.md`.

use std::fmt;
use std::str::FromStr;

use action::graph::{Fetch, Input, Node, NodeId, Unpack};
use action::pattern::Pattern;
use builder::Step;

use self::byte::Code;
use crate::layout;
use crate::planner::{Job, PlanError, Planner, input, part, script};
use crate::sources;
use crate::target::{OcamlVersion, Os, Target};

pub mod byte;

/// A release of OCaml that the recipes are known to work for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// 4.14.1, the last line with native code for 32 bits.
    V4_14_1,
    /// 5.3.0
    V5_3_0,
    /// 5.4.1
    V5_4_1,
}

impl Release {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::V4_14_1, Self::V5_3_0, Self::V5_4_1];

    /// The version's text.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V4_14_1 => "4.14.1",
            Self::V5_3_0 => "5.3.0",
            Self::V5_4_1 => "5.4.1",
        }
    }

    /// The version's numbers.
    #[must_use]
    pub const fn number(self) -> OcamlVersion {
        match self {
            Self::V4_14_1 => OcamlVersion::new(4, 14, 1),
            Self::V5_3_0 => OcamlVersion::new(5, 3, 0),
            Self::V5_4_1 => OcamlVersion::new(5, 4, 1),
        }
    }

    /// Whether programs of `target` can be made with it, in native code.
    #[must_use]
    pub fn serves(self, target: Target) -> bool {
        target.has_native_ocaml(self.number()) && !(self.has_own_recipes() && target.spec().os == Os::Windows)
    }

    /// Whether its build is so unlike that of OCaml 5 that its recipes are its own. They are for Unix: its Windows has another `unix`
    /// library, and wants FlexDLL.
    const fn has_own_recipes(self) -> bool {
        match self {
            Self::V4_14_1 => true,
            Self::V5_3_0 | Self::V5_4_1 => false,
        }
    }
}

impl Default for Release {
    /// The newest: what a project gets that asks for nothing.
    fn default() -> Self {
        Self::V5_4_1
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.version())
    }
}

/// A text that is not the version of a known release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("OCaml {0} is not among the known releases")]
pub struct UnknownRelease(pub String);

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, UnknownRelease> {
        Self::ALL.into_iter().find(|release| release.version() == text).ok_or_else(|| UnknownRelease(text.to_owned()))
    }
}

/// What no build reads; without it the archives of different places hold the same files.
const LEFT_OUT: &[&str] = &["testsuite", "flexdll", "winpthreads", ".github", ".gitmodules", "package.json"];

const COMPILER_LIBS: &str = "ocaml/compiler-libs.sh";

/// The recipes' files, by path below [`layout::BACTRIAN`].
const RECIPES: &[(&str, &str)] = &[
    ("ocaml/common.sh", include_str!("../recipes/ocaml/common.sh")),
    ("ocaml/compiler-libs.sh", include_str!("../recipes/ocaml/compiler-libs.sh")),
    ("ocaml/cross.sh", include_str!("../recipes/ocaml/cross.sh")),
    ("ocaml/host.sh", include_str!("../recipes/ocaml/host.sh")),
];

/// The same for OCaml 4, whose recipes are its own: `recipes/ocaml/v4*.sh`.
const RECIPES_4: &[(&str, &str)] = &[
    ("ocaml/common.sh", include_str!("../recipes/ocaml/common.sh")),
    ("ocaml/v4.sh", include_str!("../recipes/ocaml/v4.sh")),
    ("ocaml/v4-compiler-libs.sh", include_str!("../recipes/ocaml/v4-compiler-libs.sh")),
    ("ocaml/v4-cross.sh", include_str!("../recipes/ocaml/v4-cross.sh")),
    ("ocaml/v4-host.sh", include_str!("../recipes/ocaml/v4-host.sh")),
];

/// What compilers of 32-bit targets run on: programs of this target are static, and x86_64 Linux runs them.
const HOST_32: &str = "x86-linux-musl";

/// What is read besides for Windows.
const WINDOWS: &[(&str, &str)] = &[
    ("ocaml/flexlink", include_str!("../recipes/ocaml/flexlink")),
    ("ocaml/windows.sh", include_str!("../recipes/ocaml/windows.sh")),
];

/// What is read besides for macOS.
const DARWIN: &[(&str, &str)] = &[("ocaml/darwin.sh", include_str!("../recipes/ocaml/darwin.sh"))];

/// What is made for a target, and how.
struct Made<'m> {
    /// What it is called, before the release and the target.
    what: &'m str,
    files: Vec<(&'static str, &'static str)>,
    steps: Vec<Step>,
}

/// Makes a target's OCaml, and puts native Dynlink where dune does not see it ([`crate::meta`]).
fn cross_steps(recipe: &str) -> Vec<Step> {
    let aside = |file: &str| Step::Move {
        from: format!("/out/lib/ocaml/dynlink/{file}").into(),
        to: format!("/out/lib/ocaml/dynlink-native/{file}").into(),
    };
    vec![script(recipe), aside("dynlink.cmxa"), aside("dynlink.a")]
}

impl Planner {
    fn ocaml_sources(&mut self, release: Release) -> Result<NodeId, PlanError> {
        let archive = self.once(format!("ocaml {release} archive"), |_| {
            Ok(Node::Fetch(Fetch { label: format!("OCaml {release} sources"), alternatives: sources::ocaml(release) }))
        })?;
        self.once(format!("ocaml {release} sources"), |_| {
            let leave_out = LEFT_OUT.iter().map(|path| Pattern::new(path)).collect::<Result<_, _>>()?;
            Ok(Node::Unpack(Unpack { archive, strip: 1, keep: Vec::new(), leave_out, executable: Vec::new() }))
        })
    }

    /// The host's OCaml (`ocaml`), and the objects that cross compilers reuse (`objects`).
    pub(crate) fn ocaml_host(&mut self, release: Release) -> Result<NodeId, PlanError> {
        if release.has_own_recipes() {
            return self.ocaml_host_4(release, layout::HOST_CC_TARGET);
        }
        let sources = self.ocaml_sources(release)?;
        let mut inputs = self.host_cc_inputs()?;
        inputs.push(input(layout::SRC, sources)?);
        self.once(format!("ocaml {release}"), |planner| {
            planner.run(Job {
                label: format!("OCaml {release} for this machine"),
                inputs,
                files: RECIPES.to_vec(),
                steps: vec![script("ocaml/host.sh")],
                environment: vec![("OCAML_VERSION", release.to_string())],
                target: None,
            })
        })
    }

    /// OCaml 4 that runs on `host`, a name of a C toolchain, and compiles for it.
    fn ocaml_host_4(&mut self, release: Release, host: &'static str) -> Result<NodeId, PlanError> {
        let sources = self.ocaml_sources(release)?;
        let mut inputs = self.host_cc_inputs()?;
        if host != layout::HOST_CC_TARGET {
            let cc = self.own_cc(host.parse()?)?;
            inputs.push(input(&format!("{}/{host}", layout::CC), cc)?);
        }
        inputs.push(input(layout::SRC, sources)?);
        inputs.extend(self.starters(if host == HOST_32 { 32 } else { 64 })?);
        self.once(format!("ocaml {release} on {host}"), |planner| {
            let bits = if host == HOST_32 { " of 32 bits" } else { "" };
            planner.run(Job {
                label: format!("OCaml {release}{bits} for this machine"),
                inputs,
                files: RECIPES_4.to_vec(),
                steps: vec![script("ocaml/v4-host.sh")],
                environment: vec![("HOST", host.to_owned()), ("OCAML_VERSION", release.to_string())],
                target: None,
            })
        })
    }

    /// zig and the host's C toolchain.
    pub(crate) fn host_cc_inputs(&mut self) -> Result<Vec<Input>, PlanError> {
        let (zig, cc) = (self.zig()?, self.host_cc()?);
        Ok(vec![input(layout::ZIG, zig)?, input(&format!("{}/{}", layout::CC, layout::HOST_CC_TARGET), cc)?])
    }

    /// The host's OCaml and what it needs to link.
    pub(crate) fn host_compilers(&mut self, release: Release) -> Result<Vec<Input>, PlanError> {
        let ocaml = self.ocaml_host(release)?;
        let mut inputs = self.host_cc_inputs()?;
        inputs.push(part(layout::OCAML, ocaml, "ocaml")?);
        Ok(inputs)
    }

    /// The OCaml toolchain of `target`, laid out for [`layout::CROSS`]`/<target>`.
    pub(crate) fn ocaml_cross(&mut self, release: Release, target: Target) -> Result<NodeId, PlanError> {
        if release.code(target) == Some(Code::Byte) {
            return self.ocaml_byte(release, target, false);
        }
        let recipe = match target.spec().os {
            Os::Windows => "ocaml/windows.sh",
            Os::MacOs => "ocaml/darwin.sh",
            Os::Linux | Os::FreeBsd => "ocaml/cross.sh",
        };
        self.ocaml_for_target(release, target, recipe, "OCaml")
    }

    /// The target's compiler-libs, laid out for the same directory.
    pub(crate) fn compiler_libs(&mut self, release: Release, target: Target) -> Result<NodeId, PlanError> {
        if release.code(target) == Some(Code::Byte) {
            return self.ocaml_byte(release, target, true);
        }
        self.ocaml_for_target(release, target, COMPILER_LIBS, "compiler-libs")
    }

    fn ocaml_for_target(
        &mut self,
        release: Release,
        target: Target,
        recipe: &str,
        what: &str,
    ) -> Result<NodeId, PlanError> {
        if release.has_own_recipes() {
            return self.ocaml_for_target_4(release, target, recipe == COMPILER_LIBS, what);
        }
        let own = match target.spec().os {
            Os::Windows => WINDOWS,
            Os::MacOs => DARWIN,
            Os::Linux | Os::FreeBsd => &[],
        };
        let cross = if recipe == COMPILER_LIBS { Some(self.ocaml_cross(release, target)?) } else { None };
        let steps = if recipe == COMPILER_LIBS { vec![script(recipe)] } else { cross_steps(recipe) };
        self.ocaml_5_for(release, target, cross, Made { what, files: [RECIPES, own].concat(), steps })
    }

    /// What OCaml 5's compiler of the host makes for `target`, of OCaml's sources; from the target's toolchain `cross` on, if
    /// that comes before it.
    fn ocaml_5_for(
        &mut self,
        release: Release,
        target: Target,
        cross: Option<NodeId>,
        made: Made<'_>,
    ) -> Result<NodeId, PlanError> {
        let sources = self.ocaml_sources(release)?;
        let ocaml = self.ocaml_host(release)?;
        let cc = self.cc(target)?;
        let mut inputs = self.host_compilers(release)?;
        inputs.push(part(layout::OCAML_OBJECTS, ocaml, "objects")?);
        inputs.push(input(&format!("{}/{target}", layout::CC), cc)?);
        inputs.push(input(layout::SRC, sources)?);
        if let Some(cross) = cross {
            inputs.push(input(&format!("{}/{target}", layout::CROSS), cross)?);
        }
        let label = format!("{} {release} for {target}", made.what);
        self.once(label.clone(), |planner| {
            planner.run(Job {
                label,
                inputs,
                files: made.files,
                steps: made.steps,
                environment: vec![
                    ("OCAML_VERSION", release.to_string()),
                    ("TARGET", target.to_string()),
                    ("TRIPLE", target.spec().gnu_triple.to_owned()),
                ],
                target: Some(target),
            })
        })
    }

    fn ocaml_for_target_4(
        &mut self,
        release: Release,
        target: Target,
        compiler_libs: bool,
        what: &str,
    ) -> Result<NodeId, PlanError> {
        let (host, ocaml_at, objects_at) = match target.cpu().bits {
            32 => (HOST_32, layout::OCAML_32, layout::OCAML_32_OBJECTS),
            _ => (layout::HOST_CC_TARGET, layout::OCAML, layout::OCAML_OBJECTS),
        };
        let sources = self.ocaml_sources(release)?;
        let ocaml = self.ocaml_host_4(release, host)?;
        let mut inputs = self.host_cc_inputs()?;
        let host_cc: Target = host.parse()?;
        // Both have one place if the target is what its compilers run on: then the target's own links them as well.
        if host != layout::HOST_CC_TARGET && host_cc != target {
            let cc = self.own_cc(host_cc)?;
            inputs.push(input(&format!("{}/{host}", layout::CC), cc)?);
        }
        if target.to_string() != layout::HOST_CC_TARGET {
            let cc = self.cc(target)?;
            inputs.push(input(&format!("{}/{target}", layout::CC), cc)?);
        }
        inputs.extend(self.starters(target.cpu().bits)?);
        inputs.push(part(ocaml_at, ocaml, "ocaml")?);
        inputs.push(part(objects_at, ocaml, "objects")?);
        inputs.push(input(layout::SRC, sources)?);
        if compiler_libs {
            let cross = self.ocaml_cross(release, target)?;
            inputs.push(input(&format!("{}/{target}", layout::CROSS), cross)?);
        }
        self.once(format!("{what} {release} for {target}"), |planner| {
            planner.run(Job {
                label: format!("{what} {release} for {target}"),
                inputs,
                files: RECIPES_4.to_vec(),
                steps: vec![script(if compiler_libs { "ocaml/v4-compiler-libs.sh" } else { "ocaml/v4-cross.sh" })],
                environment: vec![
                    ("HOST", host.to_owned()),
                    ("OCAML_VERSION", release.to_string()),
                    ("TARGET", target.to_string()),
                    ("TRIPLE", target.spec().gnu_triple.to_owned()),
                ],
                target: Some(target),
            })
        })
    }
}
