//! C libraries that OCaml packages bind to: built for a target, or for the build machine, as nodes of the graph.
//!
//! Each [`Library`] is a row ([`table`]) and a recipe (`recipes/clib`). Every one is static and position independent; what a
//! node makes is `include`, `lib/*.a` and `lib/pkgconfig`, laid out for the prefix of its [`World`], with no file of libtool's,
//! no documentation and no program. A library that is linked with others brings them: who asks for it gets all of them in
//! one tree. What a `conf-*` package means is in [`conf`].
//!
//! Not here: which package asks for what (the solver's business), and finding libraries ([`crate::pkg_config`]).

pub mod conf;
mod machines;
mod table;

use action::graph::{Fetch, Input, Node, NodeId, TreeRef, Unpack};
use action::path::RelPath;
use action::pattern::Pattern;

use crate::layout;
use crate::planner::{Job, PlanError, Planner, input, script};
use crate::sources;
use crate::target::Target;
use crate::world::World;
pub use table::{Extra, Facts, Library};

impl Planner {
    /// `library` and all that it uses, laid out for the prefix of `world` ([`World::prefix`]).
    ///
    /// # Errors
    /// [`PlanError::NoLibrary`] if one of them cannot be built for that target.
    pub fn library(&mut self, library: Library, world: World) -> Result<TreeRef, PlanError> {
        let facts = library.facts();
        let uses = facts.uses.iter().map(|used| self.library(*used, world)).collect::<Result<Vec<_>, _>>()?;
        let own = self.library_alone(library, world, &uses)?;
        if uses.is_empty() {
            return Ok(own.into());
        }
        let all = self.once(format!("{} and what it uses in {}", facts.name, whom(world)), |_| {
            let trees = uses.into_iter().chain([own.into()]);
            Ok(Node::Compose(trees.map(|from| Input { at: RelPath::root(), from }).collect()))
        })?;
        Ok(all.into())
    }

    /// What the recipe of `library` makes, from the libraries that it uses.
    fn library_alone(&mut self, library: Library, world: World, uses: &[TreeRef]) -> Result<NodeId, PlanError> {
        let facts = library.facts();
        let target = world.c_target()?;
        let mut inputs = self.compilers_for(target)?;
        if let Some(extra) = facts.needs {
            inputs.push(self.extra(extra)?);
        }
        inputs.push(input(layout::SRC, self.library_sources(library)?)?);
        for used in uses {
            inputs.push(Input { at: RelPath::new(&world.place())?, from: used.clone() });
        }
        let columns = machines::columns(library, target)?;
        let (recipe, files) = facts.recipe_for(target.spec().os);
        let whom = whom(world);
        self.once(format!("{} in {whom}", facts.name), |planner| {
            let mut environment = vec![
                ("CC_TARGET", target.to_string()),
                ("PREFIX", world.prefix()),
                ("TRIPLE", target.spec().gnu_triple.to_owned()),
                ("VERSION", facts.version.to_owned()),
            ];
            environment.extend(columns.iter().map(|(name, value)| (*name, (*value).to_owned())));
            planner.run(Job {
                label: format!("{} {} for {whom}", facts.name, facts.version),
                inputs,
                files: files.to_vec(),
                steps: vec![script(recipe)],
                environment,
                target: world.target(),
            })
        })
    }

    /// What compiling C for `world` needs of a root: base image, zig, the C toolchains of the host and of the target.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn c_inputs(&mut self, world: World) -> Result<Vec<Input>, PlanError> {
        let base = self.base()?;
        let mut inputs = vec![input("", base)?];
        inputs.extend(self.compilers_for(world.c_target()?)?);
        Ok(inputs)
    }

    fn library_sources(&mut self, library: Library) -> Result<NodeId, PlanError> {
        let facts = library.facts();
        let label = format!("{} {} sources", facts.name, facts.version);
        let archive = self.once(format!("{} archive", facts.name), |_| {
            Ok(Node::Fetch(Fetch { label, alternatives: sources::library(library) }))
        })?;
        self.once(format!("{} sources", facts.name), |_| {
            let leave_out = facts.leave_out.iter().map(|path| Pattern::new(path)).collect::<Result<_, _>>()?;
            Ok(Node::Unpack(Unpack { archive, strip: 1, keep: Vec::new(), leave_out, executable: Vec::new() }))
        })
    }

    /// zig, the host's C toolchain (for programs that a build makes for itself) and that of `target`.
    fn compilers_for(&mut self, target: Target) -> Result<Vec<Input>, PlanError> {
        let mut inputs = self.host_cc_inputs()?;
        if target != layout::HOST_CC_TARGET.parse()? {
            let cc = self.cc(target)?;
            inputs.push(input(&format!("{}/{target}", layout::CC), cc)?);
        }
        Ok(inputs)
    }

    /// A tool that not every root has, to be put over the base image.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn extra(&mut self, extra: Extra) -> Result<Input, PlanError> {
        let node = self.once(format!("image of {extra:?}"), |_| Ok(Node::Base(extra.image())))?;
        Ok(input("", node)?)
    }
}

/// The world, for people.
fn whom(world: World) -> String {
    match world {
        World::Host => "this machine".to_owned(),
        World::Target(target) => target.to_string(),
    }
}

#[cfg(test)]
mod tests;
