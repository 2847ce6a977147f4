//! The root that a user's project is built in: compilers for host and targets, dune, and findlib's configuration.
//!
//! The project itself is no part of the tree: its directory is joined at [`layout::SRC`], so that a second build costs
//! what dune's costs. Not here: what dune is asked for (`bactrian`'s `build`).

use std::collections::BTreeMap;

use action::graph::{Input, Literal, LiteralFile, Node, NodeId};
use action::path::RelPath;
use opam::name::PackageName;

use crate::closure::Planned;
use crate::delivery;
use crate::findlib;
use crate::layout;
use crate::meta;
use crate::ocaml::Release;
use crate::package::add_tools;
use crate::planner::{PlanError, Planner, action_environment, input};
use crate::runner::Inside;
use crate::target::Target;
use crate::world::World;

/// What a project's root must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRoot {
    /// The OCaml to build with.
    pub release: Release,
    /// The targets; none for a root that builds for the build machine alone.
    pub targets: Vec<Target>,
    /// Whether the targets' compiler-libs are wanted: they cost time and 50 MB each.
    pub compiler_libs: bool,
    /// The targets whose programs run inside, and by whom.
    pub runners: Vec<(Target, Inside)>,
}

/// Packages of a project's root, which were planned before.
#[derive(Debug, Clone, Default)]
pub struct Packages {
    nodes: Vec<(World, NodeId)>,
    has_dune: bool,
}

impl From<&Planned> for Packages {
    fn from(planned: &Planned) -> Self {
        let made = |((name, world), node): (&(PackageName, World), &Option<NodeId>)| {
            node.map(|node| (name.as_str() == "dune" && *world == World::Host, (*world, node)))
        };
        let all: Vec<_> = planned.nodes.iter().filter_map(made).collect();
        let has_dune = all.iter().any(|(is_dune, _)| *is_dune);
        Self { nodes: all.into_iter().map(|(_, node)| node).collect(), has_dune }
    }
}

impl Planner {
    /// The root of a project that needs `packages`.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn project_root(&mut self, wanted: &ProjectRoot, packages: &Packages) -> Result<NodeId, PlanError> {
        let base = self.base()?;
        let mut inputs = vec![input("", base)?];
        inputs.extend(self.host_compilers(wanted.release)?);
        if !packages.has_dune {
            inputs.push(input(layout::HOST, self.dune(wanted.release)?)?);
        }
        for (world, node) in &packages.nodes {
            inputs.push(input(&world.place(), *node)?);
        }
        for target in &wanted.targets {
            inputs.extend(self.target_inputs(wanted, *target)?);
        }
        for (target, inside) in &wanted.runners {
            inputs.extend(self.runner(*target, *inside)?);
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
        if wanted.release.serves(target) {
            inputs.extend(self.starters(target.cpu().bits)?);
        }
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

/// A shell's script that writes changed copies of dune files, whose rules run what they have just built, from the directory
/// `$1` to `$2`.
pub const GENERATORS: &str = include_str!("../recipes/package/generators.sh");

/// The environment of dune and of everything that a project's build runs. `targets` decides nothing: the environment
/// is shared by all contexts of a build.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let mut environment = action_environment();
    let path = format!(
        "/{}:/{}/bin:/{}/bin:/{}/{}/bin:/usr/bin:/bin",
        layout::TOOLS,
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
    for (world, place) in [(meta::World::Host, layout::META), (meta::World::Target, layout::CROSS_META)] {
        for (path, text) in meta::metas(wanted.release.number(), world) {
            file(format!("{place}/{path}"), text)?;
        }
    }
    for target in &wanted.targets {
        let name = toolchain_name(*target);
        let code = wanted.release.code_in(World::Target(*target));
        let prefix = format!("/{}/{target}", layout::CROSS);
        let text = findlib::toolchain(&name, &prefix, &layout::target_prefix(*target), code);
        file(format!("{}.d/{name}.conf", layout::FINDLIB_CONF), text)?;
    }
    add_tools(&mut literal, wanted.release, &wanted.targets)?;
    literal.directories.push(RelPath::new(layout::SRC)?);
    Ok(literal)
}
