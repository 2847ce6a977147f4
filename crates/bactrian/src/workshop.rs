//! Where things are made: the store, the fetcher and the engine of one command, opened once.
//!
//! Not here: what is made (the commands), and what is said when it fails ([`crate::failure`]).

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use action::graph::{Graph, NodeId};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, Report, Value};
use exec::event::Sink;
use exec::fetch::config::registry_environment;
use exec::fetch::{self, FetchConfig, Fetcher};
use exec::store::Store;
use opam::name::PackageName;
use plan::cc::brought::Brought;
use plan::closure::Planned;
use plan::ocaml::Release;
use plan::planner::{PlanError, Planner};
use plan::project::{Packages, ProjectRoot};
use plan::world::World;

use crate::brought;
use crate::commands::Context;
use crate::commands::install::Trees;
use crate::error::CommandError;
use crate::failure;
use crate::leaks::LeakScan;
use crate::resolution::Resolution;
use crate::settings::{Bring, Means, PlaceName};
use crate::ui::Ui;

/// The means of one command.
pub(crate) struct Workshop<'c> {
    pub(crate) store: Store,
    /// The builder program on this machine.
    pub(crate) builder: PathBuf,
    pub(crate) fetcher: Fetcher,
    ctx: &'c Context<'c>,
    jobs: usize,
    stop: Arc<AtomicBool>,
    /// C toolchains that the user brings, and what is captured for them.
    brings: Vec<Bring>,
    brought: OnceCell<Vec<Brought>>,
    /// Whether they were checked.
    checked: Cell<bool>,
}

impl<'c> Workshop<'c> {
    /// Opens the store and what else `means` names.
    pub(crate) fn open(ctx: &'c Context<'c>, means: &Means) -> Result<Self, CommandError> {
        let told = &mut |holders: &[u32]| {
            let holders = holders.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            ctx.ui.note(format_args!("waiting for the store: process {holders} is collecting garbage"));
        };
        let store = Store::open_telling(&means.store, told).map_err(|error| failure::store(&error))?;
        let builder = store
            .put(BUILDER)
            .and_then(|digest| store.blob_path(digest, true))
            .map_err(|error| failure::store(&error))?;
        let stop = Arc::new(AtomicBool::new(false));
        let variables = ctx.around.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut config = FetchConfig::new(registry_environment(variables), means.store.join("downloads/apt"));
        config.mirrors = means.mirrors.iter().map(mirror).collect();
        config.offline = means.offline;
        config.stop = Arc::clone(&stop);
        let (fetcher, jobs, checked) = (Fetcher::new(config), means.jobs.get(), Cell::new(false));
        let (brings, brought) = (means.toolchains.clone(), OnceCell::new());
        Ok(Self { store, builder, fetcher, ctx, jobs, stop, brings, brought, checked })
    }

    /// Where the user is told things.
    pub(crate) fn ui(&self) -> &'c Ui {
        self.ctx.ui
    }

    /// Makes what `goals` adds to an empty plan.
    pub(crate) fn make(
        &self,
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<Report, CommandError> {
        self.check_brought()?;
        let (graph, goals) = self.plan(goals)?;
        let report = self.ctx.watch(&graph, |sink| self.engine(sink).run(&graph, &goals));
        report.map_err(|error| failure::run(&error, &self.store))
    }

    /// Makes all packages of a resolution.
    pub(crate) fn packages(&self, resolution: &Resolution) -> Result<Trees, CommandError> {
        self.check_brought()?;
        let mut planner = self.planner()?;
        let planned = planner.closure(&resolution.closure()).map_err(|error| failure::closure(&error))?;
        let (keys, goals): (Vec<_>, Vec<_>) =
            planned.nodes.iter().filter_map(|(key, node)| Some((key.clone(), (*node)?))).unzip();
        let report = self.make_packages(planner, &planned, &goals)?;
        Ok(keys.into_iter().zip(report.values).filter_map(|(key, value)| Some((key, value.tree().ok()?))).collect())
    }

    /// Makes the root of a project and the packages it needs.
    pub(crate) fn root(&self, wanted: &ProjectRoot, resolution: Option<&Resolution>) -> Result<Report, CommandError> {
        self.check_brought()?;
        let mut planner = self.planner()?;
        let planned = match resolution {
            Some(resolution) => planner.closure(&resolution.closure()).map_err(|error| failure::closure(&error))?,
            None => Planned::default(),
        };
        let root = planner.project_root(wanted, &Packages::from(&planned));
        let root = root.map_err(|error| CommandError::bug("the plan is wrong").caused_by(&error))?;
        self.make_packages(planner, &planned, &[root])
    }

    /// Runs a plan in which every object of a target's package is looked at before anything is linked with it.
    fn make_packages(&self, planner: Planner, planned: &Planned, goals: &[NodeId]) -> Result<Report, CommandError> {
        let target = |world| match world {
            World::Host => None,
            World::Target(target) => Some(target),
        };
        let of_target = |((name, world), node): (&(PackageName, World), &Option<NodeId>)| {
            Some(((*node)?, (name.to_string(), target(*world)?)))
        };
        let scan = LeakScan { store: &self.store, nodes: planned.nodes.iter().filter_map(of_target).collect() };
        let graph = planner.finish();
        let report = self.ctx.watch(&graph, |sink| {
            let engine = Engine { inspector: Some(&scan), ..self.engine(sink) };
            engine.run(&graph, goals)
        });
        report.map_err(|error| failure::run(&error, &self.store))
    }

    /// Those of `goals` that have been made.
    pub(crate) fn look_up(
        &self,
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<Vec<Option<Value>>, CommandError> {
        let (graph, goals) = self.plan(goals)?;
        self.engine(&|_| ()).look_up(&graph, &goals).map_err(|error| failure::run(&error, &self.store))
    }

    /// Forgets the results of `goals`; returns how many there were.
    pub(crate) fn forget(
        &self,
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<usize, CommandError> {
        let (graph, goals) = self.plan(goals)?;
        self.engine(&|_| ()).forget(&graph, &goals).map_err(|error| failure::run(&error, &self.store))
    }

    /// An empty plan, in which C code is compiled by what the user brings.
    fn planner(&self) -> Result<Planner, CommandError> {
        let mut planner = Planner::new(BUILDER);
        if self.brought.get().is_none() {
            // Asked when something is planned: choosing versions needs no compiler.
            let find = |bring| brought::find(bring, self.ctx.around);
            let _ = self.brought.set(self.brings.iter().map(find).collect::<Result<_, _>>()?);
        }
        self.brought.get().into_iter().flatten().for_each(|brought| planner.bring(brought.clone()));
        Ok(planner)
    }

    fn plan(
        &self,
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<(Graph, Vec<NodeId>), CommandError> {
        let mut planner = self.planner()?;
        let goals = goals(&mut planner).map_err(|error| CommandError::bug("the plan is wrong").caused_by(&error))?;
        Ok((planner.finish(), goals))
    }

    /// Finds out whether the compilers that the user brings work, before anything is built with them or besides.
    fn check_brought(&self) -> Result<(), CommandError> {
        if self.checked.replace(true) || self.brings.is_empty() {
            return Ok(());
        }
        let toolchains = |planner: &mut Planner| {
            self.brings.iter().map(|bring| planner.c_toolchain(bring.target)).collect::<Result<Vec<_>, _>>()
        };
        let (graph, goals) = self.plan(toolchains)?;
        let report = self.ctx.watch(&graph, |sink| self.engine(sink).run(&graph, &goals));
        let report = report.map_err(|error| brought::broken(&error, &self.brings, &self.store))?;
        for (bring, value) in self.brings.iter().zip(report.values) {
            let tree = value.tree().map_err(|error| CommandError::bug("a toolchain is no tree").caused_by(&error))?;
            brought::check(&self.store, bring, tree)?;
        }
        Ok(())
    }

    fn engine<'e>(&'e self, sink: &'e dyn Sink) -> Engine<'e> {
        Engine {
            store: &self.store,
            fetcher: &self.fetcher,
            builder: self.builder.clone(),
            path: self.ctx.around.env.get("PATH").unwrap_or_default().to_owned(),
            jobs: self.jobs,
            sink,
            stop: &self.stop,
            inspector: None,
        }
    }
}

/// The release that settings ask for.
pub(crate) fn release(means: &Means) -> Result<Release, CommandError> {
    let Some(version) = means.ocaml else { return Ok(Release::default()) };
    version.to_string().parse().map_err(|error| {
        let known = Release::ALL.map(Release::version).join(" and ");
        CommandError::usage(error).hint(format_args!("{known} can be built"))
    })
}

fn mirror(mirror: &PlaceName) -> fetch::Mirror {
    match mirror {
        PlaceName::Directory(path) => fetch::Mirror::Directory(path.clone()),
        PlaceName::Url(url) => fetch::Mirror::parse(url),
    }
}
