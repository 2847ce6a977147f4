//! The root that a user's project is built in: compilers for host and targets, dune, and findlib's configuration.
//!
//! The project itself is no part of the tree: its directory is joined at [`layout::SRC`], so that a second build costs
//! what dune's costs. Not here: what dune is asked for (`bactrian`'s `build`).

use std::collections::BTreeMap;

use action::graph::{Input, Literal, LiteralFile, Node, NodeId};
use action::path::RelPath;

use crate::delivery;
use crate::findlib;
use crate::layout;
use crate::meta::{self, World};
use crate::ocaml::Release;
use crate::planner::{PlanError, Planner, action_environment, input};
use crate::target::Target;

/// What a project's root must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRoot {
    /// The OCaml to build with.
    pub release: Release,
    /// The targets; none for a root that builds for the build machine alone.
    pub targets: Vec<Target>,
    /// Whether the targets' compiler-libs are wanted: they cost time and 50 MB each.
    pub compiler_libs: bool,
}

impl Planner {
    /// The root of a project.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn project_root(&mut self, wanted: &ProjectRoot) -> Result<NodeId, PlanError> {
        let base = self.base()?;
        let dune = self.dune(wanted.release)?;
        let mut inputs = vec![input("", base)?];
        inputs.extend(self.host_compilers(wanted.release)?);
        inputs.push(input(layout::HOST, dune)?);
        for target in &wanted.targets {
            inputs.extend(self.target_inputs(wanted, *target)?);
        }
        let own = self.graph.add(Node::Literal(configuration(wanted)?))?;
        inputs.push(input("", own)?);
        Ok(self.graph.add(Node::Compose(inputs))?)
    }

    /// Everything that compiling for `target` needs besides the host's tools.
    pub(crate) fn target_inputs(&mut self, wanted: &ProjectRoot, target: Target) -> Result<Vec<Input>, PlanError> {
        let cross = format!("{}/{target}", layout::CROSS);
        let mut inputs = vec![
            input(&format!("{}/{target}", layout::CC), self.cc(target)?)?,
            input(&cross, self.ocaml_cross(wanted.release, target)?)?,
        ];
        if wanted.compiler_libs {
            inputs.push(input(&cross, self.compiler_libs(wanted.release, target)?)?);
        }
        Ok(inputs)
    }

    /// The OCaml toolchain of `target`, and its C toolchain.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn toolchain(&mut self, release: Release, target: Target) -> Result<[NodeId; 2], PlanError> {
        Ok([self.ocaml_cross(release, target)?, self.cc(target)?])
    }
}

/// The name by which dune and findlib know the toolchain of `target`: part of dune's context `default.<name>`. findlib's
/// files allow neither `-` nor, for dune, a second `.`.
#[must_use]
pub fn toolchain_name(target: Target) -> String {
    target.to_string().replace(['-', '.'], "_")
}

/// The environment of dune and of everything that a project's build runs. `targets` decides nothing: the environment
/// is shared by all contexts of a build.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let mut environment = action_environment();
    let path = format!(
        "/{}/bin:/{}/bin:/{}/{}/bin:/usr/bin:/bin",
        layout::HOST,
        layout::OCAML,
        layout::CC,
        layout::HOST_CC_TARGET
    );
    environment.extend(
        [
            ("PATH", path),
            ("OCAMLFIND_CONF", format!("/{}", layout::FINDLIB_CONF)),
            ("DUNE_CACHE", "disabled".to_owned()),
            ("XDG_CACHE_HOME", "/tmp/cache".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    environment
}

pub(crate) fn configuration(wanted: &ProjectRoot) -> Result<Literal, PlanError> {
    let mut literal = Literal::default();
    let mut file = |path: String, text: String| -> Result<(), PlanError> {
        let contents = text.into_bytes().into();
        literal.files.push(LiteralFile { path: RelPath::new(&path)?, contents, executable: false });
        Ok(())
    };
    file(layout::FINDLIB_CONF.to_owned(), findlib::host())?;
    file(layout::WORKSPACE.to_owned(), delivery::workspace(&wanted.targets))?;
    for (world, place) in [(World::Host, layout::META), (World::Target, layout::CROSS_META)] {
        for (path, text) in meta::metas(wanted.release.version(), world) {
            file(format!("{place}/{path}"), text)?;
        }
    }
    for target in &wanted.targets {
        let name = toolchain_name(*target);
        let text = findlib::toolchain(&name, &format!("/{}/{target}", layout::CROSS), &layout::target_prefix(*target));
        file(format!("{}.d/{name}.conf", layout::FINDLIB_CONF), text)?;
    }
    literal.directories.push(RelPath::new(layout::SRC)?);
    Ok(literal)
}
