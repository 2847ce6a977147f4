//! Where things are made: the store, the fetcher and the engine of one command, opened once.
//!
//! Not here: what is made (the commands), and what is said when it fails ([`crate::failure`]).

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use action::digest::DirDigest;
use action::graph::{Graph, NodeId};
use exec::builder_image::BUILDER;
use exec::engine::{Engine, Report, Value};
use exec::event::Sink;
use exec::fetch::config::registry_environment;
use exec::fetch::{self, FetchConfig, Fetcher};
use exec::remote::{Config, Mode, Remote, RemoteError};
use exec::store::Store;
use opam::name::PackageName;
use plan::cc::brought::Brought;
use plan::closure::Planned;
use plan::ocaml::Release;
use plan::planner::{PlanError, Planner};
use plan::project::{Packages, ProjectRoot};
use plan::target::Target;
use plan::world::World;

use crate::brought;
use crate::commands::Context;
use crate::commands::install::Trees;
use crate::error::CommandError;
use crate::failure;
use crate::leaks::LeakScan;
use crate::progress;
use crate::resolution::Resolution;
use crate::settings::{Bring, Means, PlaceName};
use crate::text;
use crate::ui::Ui;

/// What Apple's SDK is registered as in the store.
pub(crate) const MACOS_SDK: &str = "macos-sdk";

/// The means of one command.
pub(crate) struct Workshop<'c> {
    pub(crate) store: Arc<Store>,
    /// The builder program on this machine.
    pub(crate) builder: PathBuf,
    pub(crate) fetcher: Fetcher,
    ctx: &'c Context<'c>,
    jobs: usize,
    emulate_x86: Option<bool>,
    stop: Arc<AtomicBool>,
    remote: Option<Config>,
    connection: OnceCell<Result<Arc<Remote>, RemoteError>>,
    /// Whether it was said that there is no connection.
    warned: Cell<bool>,
    macos_sdk: Option<DirDigest>,
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
        let macos_sdk = store.registered(MACOS_SDK).map_err(|error| failure::store(&error))?;
        Ok(Self {
            store: Arc::new(store),
            builder,
            fetcher: Fetcher::new(config),
            ctx,
            jobs: means.jobs.get(),
            emulate_x86: means.emulate_x86,
            stop,
            remote: means.remote.clone(),
            connection: OnceCell::new(),
            warned: Cell::new(false),
            macos_sdk,
            brings: means.toolchains.clone(),
            brought: OnceCell::new(),
            checked: Cell::new(false),
        })
    }

    /// Where the user is told things.
    pub(crate) fn ui(&self) -> &'c Ui {
        self.ctx.ui
    }

    /// An empty plan for `targets`, on this machine, in which what the user brings is used.
    fn planner(&self, targets: impl IntoIterator<Item = Target>) -> Result<Planner, CommandError> {
        let mut planner = Planner::new(BUILDER);
        self.macos_sdk.into_iter().for_each(|sdk| planner.use_macos_sdk(sdk));
        self.brought()?.iter().for_each(|brought| planner.bring(brought.clone()));
        if targets.into_iter().all(|target| target.cpu().bits != 32) {
            return Ok(planner);
        }
        let emulates = match self.emulate_x86 {
            Some(emulates) => emulates,
            None => {
                let scratch = self.store.scratch().map_err(|error| failure::store(&error))?;
                !exec::i386::runs(scratch.path()).map_err(|error| {
                    CommandError::environment(format_args!("cannot write to {}", scratch.path().display())).cause(error)
                })?
            }
        };
        Ok(planner.emulating_x86(emulates))
    }

    /// Makes what `goals` adds to an empty plan for `targets`.
    pub(crate) fn make(
        &self,
        targets: &[Target],
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<Report, CommandError> {
        self.check_brought()?;
        let (graph, goals) = plan(self.planner(targets.iter().copied())?, goals)?;
        let remote = self.remote()?;
        let report = self.ctx.watch(&graph, |sink| Engine { remote, ..self.engine(sink) }.run(&graph, &goals));
        self.tell_traffic();
        report.map_err(|error| failure::run(&error, &self.store))
    }

    /// Makes all packages of resolutions. Of a host's package that several have, one tree is returned.
    pub(crate) fn packages(&self, resolutions: &[Resolution]) -> Result<Trees, CommandError> {
        self.check_brought()?;
        let targets = resolutions.iter().flat_map(|resolution| &resolution.targets);
        let mut planner = self.planner(targets.copied())?;
        let planned = resolutions.iter().map(|resolution| planner.closure(&resolution.closure()));
        let planned = planned.collect::<Result<Vec<_>, _>>().map_err(|error| failure::closure(&error))?;
        let nodes = planned.iter().flat_map(|planned| &planned.nodes);
        let (keys, goals): (Vec<_>, Vec<_>) = nodes.filter_map(|(key, node)| Some((key.clone(), (*node)?))).unzip();
        let report = self.make_packages(planner, &planned, &goals)?;
        Ok(keys.into_iter().zip(report.values).filter_map(|(key, value)| Some((key, value.tree().ok()?))).collect())
    }

    /// Makes the roots of a project and the packages they need. The report's values are the roots, in order.
    pub(crate) fn roots(&self, wanted: &[(ProjectRoot, Option<&Resolution>)]) -> Result<Report, CommandError> {
        self.check_brought()?;
        let mut planner = self.planner(wanted.iter().flat_map(|(root, _)| &root.targets).copied())?;
        let (mut planned, mut roots) = (Vec::new(), Vec::new());
        for (wanted, resolution) in wanted {
            let packages = match resolution {
                Some(resolution) => planner.closure(&resolution.closure()).map_err(|error| failure::closure(&error))?,
                None => Planned::default(),
            };
            let root = planner.project_root(wanted, &Packages::from(&packages));
            roots.push(root.map_err(|error| CommandError::bug("the plan is wrong").caused_by(&error))?);
            planned.push(packages);
        }
        self.make_packages(planner, &planned, &roots)
    }

    /// Runs a plan in which every object of a target's package is looked at before anything is linked with it.
    fn make_packages(&self, planner: Planner, planned: &[Planned], goals: &[NodeId]) -> Result<Report, CommandError> {
        let target = |world| match world {
            World::Host => None,
            World::Target(target) => Some(target),
        };
        let of_target = |((name, world), node): (&(PackageName, World), &Option<NodeId>)| {
            Some(((*node)?, (name.to_string(), target(*world)?)))
        };
        let nodes = planned.iter().flat_map(|planned| &planned.nodes);
        let scan = LeakScan { store: &self.store, nodes: nodes.filter_map(of_target).collect() };
        let graph = planner.finish();
        let remote = self.remote()?;
        let report = self.ctx.watch(&graph, |sink| {
            let engine = Engine { inspector: Some(&scan), remote, ..self.engine(sink) };
            engine.run(&graph, goals)
        });
        self.tell_traffic();
        report.map_err(|error| failure::run(&error, &self.store))
    }

    /// Those of `goals` that have been made.
    pub(crate) fn look_up(
        &self,
        target: Target,
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<Vec<Option<Value>>, CommandError> {
        let (graph, goals) = plan(self.planner([target])?, goals)?;
        self.engine(&|_| ()).look_up(&graph, &goals).map_err(|error| failure::run(&error, &self.store))
    }

    /// Forgets the results of `goals`; returns how many there were.
    pub(crate) fn forget(
        &self,
        target: Target,
        goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
    ) -> Result<usize, CommandError> {
        let (graph, goals) = plan(self.planner([target])?, goals)?;
        self.engine(&|_| ()).forget(&graph, &goals).map_err(|error| failure::run(&error, &self.store))
    }

    /// What is captured for the toolchains that the user brings. Asked when something is planned: choosing versions needs no
    /// compiler.
    fn brought(&self) -> Result<&[Brought], CommandError> {
        if self.brought.get().is_none() {
            let find = |bring| brought::find(bring, self.ctx.around);
            let _ = self.brought.set(self.brings.iter().map(find).collect::<Result<_, _>>()?);
        }
        Ok(self.brought.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// Finds out whether the compilers that the user brings work, before anything is built with them or besides.
    fn check_brought(&self) -> Result<(), CommandError> {
        if self.checked.replace(true) || self.brings.is_empty() {
            return Ok(());
        }
        let toolchains = |planner: &mut Planner| {
            self.brings.iter().map(|bring| planner.c_toolchain(bring.target)).collect::<Result<Vec<_>, _>>()
        };
        let (graph, goals) = plan(self.planner(self.brings.iter().map(|bring| bring.target))?, toolchains)?;
        let remote = self.remote()?;
        let report = self.ctx.watch(&graph, |sink| Engine { remote, ..self.engine(sink) }.run(&graph, &goals));
        let report = report.map_err(|error| brought::broken(&error, &self.brings, &self.store))?;
        for (bring, value) in self.brings.iter().zip(report.values) {
            let tree = value.tree().map_err(|error| CommandError::bug("a toolchain is no tree").caused_by(&error))?;
            brought::check(&self.store, bring, tree)?;
        }
        Ok(())
    }

    /// The engine or cache elsewhere, connected to when something is made: choosing versions needs none. None as well if it cannot
    /// be reached and can be done without, which is said once.
    pub(crate) fn remote(&self) -> Result<Option<&Remote>, CommandError> {
        match self.connected() {
            None => Ok(None),
            Some((_, Ok(remote))) => Ok(Some(remote)),
            // As of a server that fails later on.
            Some((Config { mode: Mode::Cache | Mode::Hybrid, .. }, Err(error))) if error.is_of_the_server() => {
                if !self.warned.replace(true) {
                    progress::tell_remote_off(self.ctx.ui, &failure::remote::in_a_line(error));
                }
                Ok(None)
            }
            Some((_, Err(error))) => Err(failure::remote::failed(None, error)),
        }
    }

    /// The same for who outlives this, and does nothing without.
    pub(crate) fn connection(&self) -> Result<Option<Arc<Remote>>, CommandError> {
        let Some((_, connection)) = self.connected() else { return Ok(None) };
        let remote = connection.as_ref().map_err(|error| failure::remote::failed(None, error))?;
        Ok(Some(Arc::clone(remote)))
    }

    /// The connection, or why there is none; tried once.
    fn connected(&self) -> Option<(&Config, &Result<Arc<Remote>, RemoteError>)> {
        let config = self.remote.as_ref()?;
        let connect = || {
            let waiting = |error: &RemoteError| {
                // What can be done without is not waited for long enough to speak of it.
                if config.mode == Mode::Execute {
                    let why = failure::remote::in_a_line(error);
                    self.ctx.ui.note(format_args!("waiting for the remote engine: {why}"));
                }
            };
            let remote = Remote::reach(&self.store, config, &self.stop, &waiting)?;
            remote.stop_on_interrupt();
            Ok(Arc::new(remote))
        };
        Some((config, self.connection.get_or_init(connect)))
    }

    fn tell_traffic(&self) {
        if let Some(Ok(remote)) = self.connection.get() {
            let (address, totals) = (&remote.config().address, remote.traffic().totals());
            self.ctx.timings.traffic(address, totals);
            let calls = text::count(usize::try_from(totals.calls).unwrap_or(usize::MAX), "call");
            let moved = |bytes: u64, took| match bytes {
                0 => "nothing".to_owned(),
                bytes => format!("{} in {}", text::size(bytes), text::duration(took)),
            };
            let (sent, received) = (moved(totals.sent, totals.sending), moved(totals.received, totals.receiving));
            self.ctx.ui.note(format_args!("{address}: {calls}, sent {sent}, received {received}"));
        }
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
            remote: None,
        }
    }
}

fn plan(
    mut planner: Planner,
    goals: impl FnOnce(&mut Planner) -> Result<Vec<NodeId>, PlanError>,
) -> Result<(Graph, Vec<NodeId>), CommandError> {
    let goals = goals(&mut planner).map_err(|error| CommandError::bug("the plan is wrong").caused_by(&error))?;
    Ok((planner.finish(), goals))
}

/// The release that settings ask for.
pub(crate) fn release(means: &Means) -> Result<Release, CommandError> {
    let Some(version) = means.ocaml else { return Ok(Release::default()) };
    version.to_string().parse().map_err(|error| {
        let known = text::any_of(&Release::ALL.map(Release::version));
        CommandError::usage(error).hint(format_args!("ask for {known}"))
    })
}

fn mirror(mirror: &PlaceName) -> fetch::Mirror {
    match mirror {
        PlaceName::Directory(path) => fetch::Mirror::Directory(path.clone()),
        PlaceName::Url(url) => fetch::Mirror::parse(url),
    }
}

#[cfg(test)]
mod tests;
