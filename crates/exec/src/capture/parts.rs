//! Parts of the machine put elsewhere: a compiler's directories, with the shared libraries that its programs need.
//!
//! Unlike a base image's, these files are not where the machine has them: what programs find beside themselves they still
//! find, and a link between parts is a link again. Only files of the machine's own processor are programs here; a
//! compiler's directories hold those of other machines too, which are data.
//!
//! Not here: which parts a compiler has (`plan`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use action::graph::Capture;
use action::path::{Name, RelPath};

use super::elf;
use super::error::CaptureError;
use super::image::{Image, Item, relative};
use super::libraries::Libraries;
use super::machine::{Machine, is_executable};
use super::survey::Survey;

/// What tells an ELF file from all others.
const ELF: &[u8] = b"\x7fELF";
/// A program that every machine has: what it is made for, the machine's programs are made for.
const OWN_PROGRAM: &str = "/bin/sh";

/// Surveys parts of this machine.
///
/// # Errors
/// [`CaptureError::Absent`] for a part that does not exist; the others where something cannot be read.
pub fn survey_parts(capture: &Capture) -> Result<Survey, CaptureError> {
    survey_parts_below(Path::new("/"), capture)
}

/// Surveys parts of the machine whose root directory is `root`.
pub(super) fn survey_parts_below(root: &Path, capture: &Capture) -> Result<Survey, CaptureError> {
    let mut machine = Machine::new(root);
    let mut roots = Vec::new();
    for (from, at) in &capture.parts {
        let found = machine.resolve(Path::new(from))?;
        let (real, metadata) = found.ok_or_else(|| CaptureError::Absent(from.into()))?;
        roots.push(Part {
            real,
            at: at.clone(),
            is_directory: metadata.is_dir(),
            executable: is_executable(&metadata),
        });
    }
    let native = match machine.file(Path::new(OWN_PROGRAM))? {
        Some(shell) => elf::read(&machine.here(&shell))?.map(|object| object.kind),
        None => None,
    };
    let collecting =
        Collecting { machine, capture, native, roots, items: BTreeMap::new(), links: Vec::new(), programs: Vec::new() };
    collecting.run()
}

/// A part of the machine.
struct Part {
    /// Without links.
    real: PathBuf,
    at: RelPath,
    is_directory: bool,
    executable: bool,
}

struct Collecting<'c> {
    machine: Machine,
    capture: &'c Capture,
    /// What the machine's own programs are made for, as ELF says it.
    native: Option<(bool, u16)>,
    roots: Vec<Part>,
    items: BTreeMap<RelPath, Item>,
    /// Links: where, and the machine's path that each leads to.
    links: Vec<(RelPath, PathBuf)>,
    /// Programs and shared libraries of this machine.
    programs: Vec<(PathBuf, elf::Object)>,
}

impl Collecting<'_> {
    fn run(mut self) -> Result<Survey, CaptureError> {
        let roots = std::mem::take(&mut self.roots);
        let mut ahead = Vec::new();
        for part in &roots {
            match part.is_directory {
                true => ahead.push((part.real.clone(), part.at.clone())),
                false => self.file(&part.real, part.at.clone(), part.executable)?,
            }
        }
        self.roots = roots;
        let mut seen = BTreeSet::new();
        while let Some((directory, at)) = ahead.pop() {
            // A directory that a link leads to is taken where the link is, once there: links can go in circles.
            if seen.insert((directory.clone(), at.clone())) {
                ahead.extend(self.directory(&directory, &at)?);
            }
        }
        self.add_links()?;
        self.add_libraries()?;
        let items = self.items.into_iter().map(|(at, item)| (at, self.machine.located(item))).collect();
        Ok(Survey::new(items, self.machine.looked_at))
    }

    /// Takes the files of a directory; returns the directories in it.
    fn directory(&mut self, directory: &Path, at: &RelPath) -> Result<Vec<(PathBuf, RelPath)>, CaptureError> {
        let mut deeper = Vec::new();
        for name in self.machine.names_in(directory)? {
            let Some(name) = name.to_str().and_then(|name| Name::new(name).ok()) else { continue };
            let (path, at) = (directory.join(name.as_str()), at.child(&name));
            if self.capture.leave_out.iter().any(|pattern| pattern.matches(&at)) {
                continue;
            }
            let Some((real, metadata)) = self.machine.resolve(&path)? else { continue };
            if real != path && self.place(&real)?.is_some() {
                self.links.push((at, real));
            } else if metadata.is_dir() {
                // A link to a directory above itself has no end.
                if !path.starts_with(&real) || real == path {
                    deeper.push((real, at));
                }
            } else if metadata.is_file() {
                self.file(&real, at, is_executable(&metadata))?;
            }
        }
        Ok(deeper)
    }

    fn file(&mut self, from: &Path, at: RelPath, executable: bool) -> Result<(), CaptureError> {
        if executable || at.as_str().contains(".so") {
            let start = self.machine.start_of(from, ELF.len() as u64)?;
            let object = if start == ELF { elf::read(&self.machine.here(from))? } else { None };
            if let Some(object) = object.filter(|object| Some(object.kind) == self.native) {
                self.programs.push((from.to_owned(), object));
            }
        }
        self.items.insert(at, Item::File { from: from.to_owned(), executable });
        Ok(())
    }

    /// Where one of the machine's files is put; nothing if no part holds it.
    fn place(&self, real: &Path) -> Result<Option<RelPath>, CaptureError> {
        let holding = self.roots.iter().filter(|part| real.starts_with(&part.real));
        let Some(part) = holding.max_by_key(|part| part.real.as_os_str().len()) else { return Ok(None) };
        let Some(rest) = real.strip_prefix(&part.real).ok().and_then(Path::to_str) else { return Ok(None) };
        if rest.is_empty() {
            return Ok(Some(part.at.clone()));
        }
        Ok(Some(part.at.join(&RelPath::new(rest)?)))
    }

    /// Links come when all else is there: those whose end was left out are left out as well.
    fn add_links(&mut self) -> Result<(), CaptureError> {
        for (at, real) in std::mem::take(&mut self.links) {
            let Some(to) = self.place(&real)? else { continue };
            let inside = format!("{to}/");
            let exists =
                self.items.contains_key(&to) || self.items.keys().any(|path| path.as_str().starts_with(&inside));
            if exists && to != at {
                self.items.insert(at.clone(), Item::Link(relative(&at, &to)?));
            }
        }
        Ok(())
    }

    /// Adds the libraries that programs need and no root has; their loader is every root's own.
    fn add_libraries(&mut self) -> Result<(), CaptureError> {
        let programs = std::mem::take(&mut self.programs);
        let loader = |object: &elf::Object| Some(object.interpreter.as_ref()?.rsplit('/').next()?.to_owned());
        let loaders: BTreeSet<String> = programs.iter().filter_map(|(_, object)| loader(object)).collect();
        let mut libraries = Libraries::new(&mut self.machine)?;
        let beside = programs.iter().filter(|(path, object)| object.interpreter.is_none() && is_library(path));
        let directories: BTreeSet<PathBuf> = beside.filter_map(|(path, _)| Some(path.parent()?.to_owned())).collect();
        libraries.look_into(directories);
        let mut needed = Image::default();
        // Programs first: libraries go by the loader that a program names.
        let (main, others): (Vec<_>, Vec<_>) = programs.iter().partition(|(_, object)| object.interpreter.is_some());
        for (path, _) in main.into_iter().chain(others) {
            libraries.closure(&mut self.machine, &mut needed, path, true)?;
        }
        for (place, item) in needed.items {
            let Some((_, name)) = place.split_last() else { continue };
            let known = |provided: &String| provided == name.as_str();
            let Item::File { from, .. } = item else { continue };
            if loaders.contains(name.as_str()) || self.capture.provided.iter().any(known) {
                continue;
            }
            let at = self.capture.libraries.child(&name);
            let item = match self.place(&from)? {
                Some(to) if to == at => continue,
                Some(to) => Item::Link(relative(&at, &to)?),
                None => Item::File { from, executable: false },
            };
            self.items.insert(at, item);
        }
        Ok(())
    }
}

fn is_library(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so"))
}
