//! The checks but the one of build roots: machine, store, disk, tools, providers, emulators.

use action::graph::Tool;
use exec::store::Store;
use plan::target::{Runner, Target};

use super::super::store;
use super::{Check, Place, Status};
use crate::text;

/// The toolchain of one target, its sources and its build need about this much.
const ONE_TARGET: u64 = 3 << 30;
/// With less than this nothing is even unpacked.
const NOTHING: u64 = 1 << 30;

pub(super) fn machine(place: &Place<'_>) -> Check {
    let name = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    let machine = place.ctx.around.machine;
    match (machine.os, machine.cpu) {
        (Some(_), Some(_)) => {
            let processors = text::count(place.ctx.around.processors.get(), "processor");
            Check::new(Status::Ok, "machine", format!("{name}, {processors}"))
        }
        (Some(_), None) => {
            Check::new(Status::Fail, "machine", format!("{name}: no compiler for this processor is known"))
        }
        (None, _) => Check::new(Status::Fail, "machine", format!("{name}: builds are made on Linux alone"))
            .fix("use a Linux machine, or a Linux container on this one"),
    }
}

/// Whether the store can be opened and written, and the store if so.
pub(super) fn store(place: &Place<'_>) -> (Check, Option<Store>) {
    let directory = place.store.display();
    let opened = Store::open(place.store).and_then(|store| store.scratch().map(drop).map(|()| store));
    match opened {
        Ok(store) => (Check::new(Status::Ok, "store", format!("{directory}, writable")), Some(store)),
        Err(error) => {
            let told = store::failed("", &error);
            let check = Check::new(Status::Fail, "store", error.to_string());
            (told.hints.into_iter().fold(check, Check::fix), None)
        }
    }
}

pub(super) fn space(place: &Place<'_>) -> Check {
    // The directory may not be there yet: then the nearest one above it is what counts.
    let Some(directory) = place.store.ancestors().find(|directory| directory.is_dir()) else {
        return Check::new(Status::Warn, "disk space", "unknown: there is no such directory");
    };
    match rustix::fs::statvfs(directory) {
        Ok(disk) => space_of(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => Check::new(Status::Warn, "disk space", format!("unknown: {error}")),
    }
}

pub(super) fn space_of(free: u64) -> Check {
    let found = format!("{} free, a target takes about {}", text::size(free), text::size(ONE_TARGET));
    let status = match free {
        0..NOTHING => Status::Fail,
        NOTHING..ONE_TARGET => Status::Warn,
        _ => return Check::new(Status::Ok, "disk space", found),
    };
    Check::new(status, "disk space", found)
        .fix("`bactrian store gc --max-size 5G`, or a store on another disk with `--store`")
}

/// Whether this machine has the tools that build roots are made of.
pub(super) fn tools(place: &Place<'_>, tools: &[Tool]) -> Check {
    let is_here = |tool: &&Tool| tool.names.iter().any(|name| place.find(name).is_some());
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !is_here(tool)).collect();
    let names =
        |tools: &[&Tool]| tools.iter().filter_map(|tool| tool.names.first()).cloned().collect::<Vec<_>>().join(", ");
    let required: Vec<&Tool> = missing.iter().copied().filter(|tool| tool.required).collect();
    let number = text::count(tools.len(), "tool");
    let (status, found, wanted) = match (required.is_empty(), missing.is_empty()) {
        (_, true) => return Check::new(Status::Ok, "tools", number),
        (true, false) => (Status::Warn, format!("{number}, some builds will miss {}", names(&missing)), missing),
        (false, _) => (Status::Fail, format!("missing: {}", names(&required)), required),
    };
    let mut packages: Vec<&str> = wanted.iter().map(|tool| tool.package.as_str()).collect();
    packages.sort_unstable();
    packages.dedup();
    Check::new(status, "tools", found).fix(place.install(&packages))
}

/// Whether sources can be had through the machine's package tools.
pub(super) fn providers(place: &Place<'_>) -> Vec<Check> {
    let rows: [(&str, &[&str], &str); 3] =
        [("npm", &["npm"], "npm"), ("pip", &["pip", "pip3"], "python3-pip"), ("apt-get", &["apt-get"], "apt")];
    let check = |(name, programs, package): (&str, &[&str], &str)| match programs
        .iter()
        .find_map(|program| place.find(program))
    {
        Some(path) => Check::new(Status::Ok, name, path.display().to_string()),
        None => {
            Check::new(Status::Warn, name, "not there: sources are asked for elsewhere").fix(place.install(&[package]))
        }
    };
    rows.map(check).into()
}

/// Whether programs of each target can be run here.
pub(super) fn emulators(place: &Place<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for target in Target::all().filter(|target| target.has_own_cc()) {
        let check = match target.runner_on(place.ctx.around.machine) {
            // Nothing is lacking where nothing could be brought: `run` tells of those.
            Runner::Native | Runner::None => continue,
            Runner::Wine => match crate::runner::wine(&place.ctx.around.env) {
                Some(path) => Check::new(Status::Ok, "wine", path.display().to_string()),
                None => Check::new(Status::Warn, "wine", format!("not there: programs for {target} cannot be run"))
                    .fix(place.install(&["wine64"])),
            },
            Runner::Qemu(program) => match place.find(program).or_else(|| place.find(&format!("{program}-static"))) {
                Some(path) => Check::new(Status::Ok, program, path.display().to_string()),
                None => Check::new(
                    Status::Warn,
                    program,
                    format!("not there: programs for {} cannot be run", target.cpu().name),
                )
                .fix(place.install(&["qemu-user"])),
            },
        };
        if !checks.contains(&check) {
            checks.push(check);
        }
    }
    checks
}
