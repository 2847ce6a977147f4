//! `bactrian store`: how much is in it, deleting what is old, checking what is there.
//!
//! Not here: what is done (`exec::store`). [`failed`] tells any command's trouble with the store.

use std::path::Path;

use exec::store::{Area, Fault, FaultKind, Policy, Store, StoreError};

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::{Message, StoreArea};
use crate::settings::{self, StoreWork};
use crate::text;
use crate::ui::Role;

pub(crate) fn run(ctx: &Context<'_>, settings: &settings::Store) -> Result<Exit, CommandError> {
    if !settings.directory.exists() {
        // Opening would make one, which nobody asked for; on a fresh machine there is just nothing to be done.
        ctx.ui.note(format_args!("there is no store in {} yet", settings.directory.display()));
        return Ok(Exit::Done);
    }
    let mut store = open(ctx, &settings.directory)?;
    match settings.work {
        StoreWork::Stats => stats(ctx, &store),
        StoreWork::Gc { max_bytes, max_age } => gc(ctx, &mut store, &Policy { max_bytes, max_age }),
        StoreWork::Verify { repair } => verify(ctx, &store, repair),
    }
}

/// Opens the store; tells the user whom it waits for.
pub(crate) fn open(ctx: &Context<'_>, directory: &Path) -> Result<Store, CommandError> {
    let mut waiting = |holders: &[u32]| {
        ctx.ui.note(format_args!("waiting for a collection of the store to end{}", processes(holders)));
    };
    Store::open_telling(directory, &mut waiting).map_err(|error| failed("the store cannot be opened", &error))
}

/// Trouble with the store: whose fault it is, and what helps.
pub(crate) fn failed(what: &str, error: &StoreError) -> CommandError {
    let told = CommandError::environment(what).caused_by(error);
    match error {
        StoreError::ReadOnly { .. } | StoreError::Permission { .. } | StoreError::NotAStore { .. } => {
            told.hint("choose another directory with `--store` or BACTRIAN_STORE")
        }
        StoreError::NoSpace { .. } => {
            told.hint("`bactrian store gc --max-size 5G` makes room; `--store` chooses another directory")
        }
        StoreError::Version { .. } => {
            told.hint("use the version of bactrian that made it, or choose another directory with `--store`")
        }
        StoreError::Busy { holders, .. } => {
            told.hint(format_args!("try again when the other builds have ended{}", processes(holders)))
        }
        StoreError::Corrupt { .. } | StoreError::Missing { .. } | StoreError::Directory { .. } => {
            told.hint("`bactrian store verify --repair` deletes what is damaged, and it is made again")
        }
        StoreError::Io { .. } => told.hint("`bactrian doctor` checks the store's directory"),
        StoreError::Unstorable { .. } | StoreError::TooLong { .. } | StoreError::Kind(_) => told,
    }
}

fn processes(holders: &[u32]) -> String {
    let numbers: Vec<String> = holders.iter().map(u32::to_string).collect();
    if numbers.is_empty() { String::new() } else { format!(" (process {})", numbers.join(", ")) }
}

const fn area_word(area: Area) -> &'static str {
    match area {
        Area::Blobs => "files",
        Area::Trees => "trees",
        Area::Results => "results",
        Area::Memos => "memos",
        Area::Projects => "projects",
        Area::Kept => "failed builds",
        Area::Scratch => "scratch",
    }
}

fn stats(ctx: &Context<'_>, store: &Store) -> Result<Exit, CommandError> {
    let usages = store.stats().map_err(|error| failed("the store cannot be looked through", &error))?;
    let areas: Vec<StoreArea> = usages
        .iter()
        .map(|(area, usage)| StoreArea {
            area: area_word(*area),
            objects: usage.objects,
            files: usage.files,
            bytes: usage.apparent,
            bytes_on_disk: usage.unique,
        })
        .collect();
    let total = areas.iter().map(|area| area.bytes_on_disk).sum();
    let directory = store.root().display().to_string();
    if ctx.ui.is_json() {
        ctx.ui.message(&Message::StoreStats { directory: &directory, bytes_on_disk: total, areas: &areas });
        return Ok(Exit::Done);
    }
    let mut rows = vec![["", "OBJECTS", "SIZE", "ON DISK"].map(str::to_owned)];
    rows.extend(areas.iter().map(|area| {
        [area.area.to_owned(), area.objects.to_string(), text::size(area.bytes), text::size(area.bytes_on_disk)]
    }));
    rows.push(["all".to_owned(), String::new(), String::new(), text::size(total)]);
    ctx.ui.print(format_args!("{}\n{}", ctx.ui.paint_result(Role::Heading, &directory), text::table(&rows)));
    Ok(Exit::Done)
}

fn gc(ctx: &Context<'_>, store: &mut Store, policy: &Policy) -> Result<Exit, CommandError> {
    let freed = store.gc(policy).map_err(|error| failed("the store cannot be collected", &error))?;
    let objects: u64 = freed.objects.iter().map(|(_, number)| number).sum();
    if ctx.ui.is_json() {
        ctx.ui.message(&Message::StoreCollected { objects, bytes: freed.bytes });
        return Ok(Exit::Done);
    }
    let parts: Vec<String> =
        freed.objects.iter().map(|(area, number)| format!("{number} {}", area_word(*area))).collect();
    let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    ctx.ui.print(format_args!("freed {}{parts}\n", text::size(freed.bytes)));
    Ok(Exit::Done)
}

fn verify(ctx: &Context<'_>, store: &Store, repair: bool) -> Result<Exit, CommandError> {
    let mut tell = |fault: &Fault| {
        let path = fault.path.strip_prefix(store.root()).unwrap_or(&fault.path).display().to_string();
        let what = fault_words(&fault.kind);
        if ctx.ui.is_json() {
            ctx.ui.message(&Message::StoreFault { path: &path, fault: &what });
        } else {
            ctx.ui.print(format_args!("{path}: {what}\n"));
        }
    };
    let found = store.verify(repair, &mut tell).map_err(|error| failed("the store cannot be verified", &error))?;
    ctx.ui.message(&Message::StoreVerified {
        objects: found.objects,
        bytes: found.bytes,
        faults: found.faults,
        repaired: repair,
    });
    let faults = match (found.faults, repair) {
        (0, _) => "no faults".to_owned(),
        (number, true) => format!("{}, repaired", text::count(usize::try_from(number).unwrap_or(usize::MAX), "fault")),
        (number, false) => text::count(usize::try_from(number).unwrap_or(usize::MAX), "fault"),
    };
    if !ctx.ui.is_json() {
        ctx.ui.print(format_args!("{} objects, {} read: {faults}\n", found.objects, text::size(found.bytes)));
    }
    if found.faults == 0 || repair {
        return Ok(Exit::Done);
    }
    Err(CommandError::build("the store is damaged").hint("`bactrian store verify --repair` deletes what is damaged"))
}

fn fault_words(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Stray => "nothing of the store has such a name".to_owned(),
        FaultKind::Unreadable(kind) => format!("cannot be read: {kind}"),
        FaultKind::Content => "its bytes are not those of its name".to_owned(),
        FaultKind::Mode { found, wanted } => format!("has mode {found:o}, not {wanted:o}"),
        FaultKind::Time { found } => format!("has the wrong time, {found} s after 1970"),
        FaultKind::Entry => "cannot be decoded".to_owned(),
        FaultKind::Missing { digest } => format!("refers to {digest}, which is missing or damaged"),
        FaultKind::Directory { digest, error } => format!("refers to {digest}, which is no directory: {error}"),
        FaultKind::Orphan => "is a copy of a tree that is missing or damaged".to_owned(),
        FaultKind::Lacks => "is missing from a copy of a tree".to_owned(),
        FaultKind::Extra => "does not belong into a copy of a tree".to_owned(),
        FaultKind::Differs => "is not what its tree has there".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::Surroundings;
    use crate::timings::Recorder;
    use crate::ui::{Look, captured};

    fn play(directory: &Path, work: StoreWork) -> (Result<Exit, CommandError>, String) {
        let (ui, out, _) = captured::ui(Look::DEFAULT);
        let settings = settings::Store { directory: directory.to_owned(), work };
        let exit =
            run(&Context { ui: &ui, around: &Surroundings::for_test([]), timings: Recorder::default() }, &settings);
        (exit, out.text())
    }

    #[test]
    fn damage_is_found_and_repaired() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("store");
        let store = Store::open(&root).unwrap();
        let digest = store.put(b"hello").unwrap();
        let blob = store.blob_path(digest, false).unwrap();
        drop(store);
        let (exit, out) = play(&root, StoreWork::Verify { repair: false });
        assert_eq!((exit, out.as_str()), (Ok(Exit::Done), "1 objects, 5 B read: no faults\n"));

        std::fs::remove_file(&blob).unwrap();
        std::fs::write(&blob, b"jello").unwrap();
        let (exit, out) = play(&root, StoreWork::Verify { repair: false });
        assert_eq!(exit.unwrap_err().exit(), Exit::Failed);
        assert!(out.contains("its bytes are not those of its name"), "{out}");
        let (exit, _) = play(&root, StoreWork::Verify { repair: true });
        assert_eq!(exit, Ok(Exit::Done));
        let (exit, _) = play(&root, StoreWork::Verify { repair: false });
        assert_eq!(exit, Ok(Exit::Done));
    }

    #[test]
    fn what_nothing_refers_to_is_collected() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("store");
        Store::open(&root).unwrap().put(b"hello").unwrap();
        let (_, out) = play(&root, StoreWork::Stats);
        let files = out.lines().find(|line| line.starts_with("files")).unwrap();
        assert_eq!(files.split_whitespace().take(4).collect::<Vec<_>>(), ["files", "1", "5", "B"]);
        let (exit, out) = play(&root, StoreWork::Gc { max_bytes: Some(0), max_age: None });
        assert_eq!(exit, Ok(Exit::Done));
        assert!(out.starts_with("freed ") && out.contains("1 files"), "{out}");
    }

    #[test]
    fn no_store_is_made_by_asking() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("store");
        assert_eq!(play(&root, StoreWork::Stats), (Ok(Exit::Done), String::new()));
        assert!(!root.exists());
    }

    #[test]
    fn other_directories_are_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("precious"), b"x").unwrap();
        let error = play(directory.path(), StoreWork::Stats).0.unwrap_err();
        assert_eq!(error.exit(), Exit::Environment);
        assert!(error.hints.iter().any(|hint| hint.contains("--store")), "{error:?}");
    }
}
