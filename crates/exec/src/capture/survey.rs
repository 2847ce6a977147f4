//! The survey: from names of tools to a list of files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use action::graph::{Base, Tool};
use action::path::{Name, RelPath};

use super::data::Data;
use super::error::{CaptureError, MissingTool};
use super::fingerprint::Fingerprint;
use super::image::{self, Image, Item, place};
use super::libraries::Libraries;
use super::machine::Machine;

/// As much of a script as Linux reads to find its interpreter.
const FIRST_LINE: u64 = 256;

/// What a base image consists of on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    items: BTreeMap<RelPath, Item>,
    fingerprint: Fingerprint,
}

/// Surveys this machine; `search` is the value of its `PATH`.
///
/// # Errors
/// [`CaptureError::MissingTools`] with all required tools that are missing; the others where something is broken.
pub fn survey(base: &Base, search: &OsStr) -> Result<Survey, CaptureError> {
    survey_below(Path::new("/"), base, search)
}

/// Surveys the machine whose root directory is `root`.
pub(super) fn survey_below(root: &Path, base: &Base, search: &OsStr) -> Result<Survey, CaptureError> {
    let machine = Machine::new(root);
    let mut surveying = Surveying { machine, image: Image::default(), search };
    let programs = surveying.tools(&base.tools)?;
    let mut libraries = Libraries::new(&mut surveying.machine)?;
    for path in &programs {
        surveying.runnable(path, &mut libraries)?;
    }
    let Surveying { mut machine, mut image, .. } = surveying;
    for name in &base.libraries {
        libraries.named(&mut machine, &mut image, name)?;
    }
    Data::find(&mut machine, &base.data)?.add(&mut machine, &mut image, &mut libraries)?;
    let items = image.finish()?.into_iter().map(|(place, item)| (place, machine.located(item))).collect();
    Ok(Survey { items, fingerprint: machine.looked_at })
}

impl Survey {
    pub(super) fn new(items: BTreeMap<RelPath, Item>, fingerprint: Fingerprint) -> Self {
        Self { items, fingerprint }
    }

    /// What goes where, sorted by path.
    pub fn items(&self) -> impl ExactSizeIterator<Item = (&RelPath, &Item)> {
        self.items.iter()
    }

    /// What was looked at. If it still holds after the files were copied, they were all of one state.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Writes the image into the directory `into`, which must be absent or empty.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn materialise(&self, into: &Path) -> Result<(), CaptureError> {
        image::write(&self.items, into)
    }
}

/// A survey under way.
struct Surveying<'a> {
    machine: Machine,
    image: Image,
    search: &'a OsStr,
}

impl Surveying<'_> {
    /// Puts the tools into the image; returns their files.
    fn tools(&mut self, tools: &[Tool]) -> Result<Vec<PathBuf>, CaptureError> {
        let mut files = Vec::new();
        let mut missing = Vec::new();
        for tool in tools {
            match self.tool(tool)? {
                Some(file) => files.push(file),
                None if tool.required => {
                    missing.push(MissingTool { names: tool.names.clone(), package: tool.package.clone() });
                }
                None => {}
            }
        }
        if missing.is_empty() { Ok(files) } else { Err(CaptureError::MissingTools(missing)) }
    }

    fn tool(&mut self, tool: &Tool) -> Result<Option<PathBuf>, CaptureError> {
        let mut first: Option<(RelPath, PathBuf)> = None;
        for name in &tool.names {
            let place = bin(name)?;
            if let Some((first, _)) = &first {
                self.image.link(place, first)?;
            } else if let Some(file) = self.machine.program(name, self.search)? {
                self.image.file(place.clone(), &file, true)?;
                first = Some((place, file));
            }
        }
        let Some((first, file)) = first else { return Ok(None) };
        for name in tool.names.iter().take_while(|name| !first.as_str().ends_with(&format!("/{name}"))) {
            self.image.link(bin(name)?, &first)?;
        }
        Ok(Some(file))
    }

    /// Adds what a program needs to run: its loader and libraries, or its interpreter and what that needs.
    fn runnable(&mut self, path: &Path, libraries: &mut Libraries) -> Result<(), CaptureError> {
        let start = self.machine.start_of(path, FIRST_LINE)?;
        let Some(line) = start.strip_prefix(b"#!") else {
            return libraries.closure(&mut self.machine, &mut self.image, path, false);
        };
        let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
        let mut words = line.split_ascii_whitespace();
        let interpreter = words.next().unwrap_or_default();
        self.interpreter(path, interpreter, libraries)?;
        if !interpreter.ends_with("/env") {
            return Ok(());
        }
        // `env -S NAME=value program …`
        let program = words.find(|word| !word.starts_with('-') && !word.contains('='));
        let Some(program) = program.filter(|program| !program.contains('/')) else { return Ok(()) };
        let place = bin(program)?;
        if self.image.has(&place) {
            return Ok(());
        }
        let missing = CaptureError::MissingInterpreter { interpreter: program.into(), needed_by: path.into() };
        let file = self.machine.program(program, self.search)?.ok_or(missing)?;
        self.image.file(place, &file, true)?;
        self.runnable(&file, libraries)
    }

    /// Adds an interpreter at the path that a script names, unless something is there already: a tool comes before.
    fn interpreter(&mut self, of: &Path, named: &str, libraries: &mut Libraries) -> Result<(), CaptureError> {
        let place = place(Path::new(named))?;
        if self.image.has(&place) {
            return Ok(());
        }
        let file = self.machine.file(Path::new(named))?.filter(|_| named.starts_with('/'));
        let missing = CaptureError::MissingInterpreter { interpreter: named.into(), needed_by: of.into() };
        let file = file.ok_or(missing)?;
        self.image.file(place, &file, true)?;
        self.runnable(&file, libraries)
    }
}

/// Where a tool of this name is in the image.
fn bin(name: &str) -> Result<RelPath, CaptureError> {
    Ok(RelPath::new("usr/bin")?.child(&Name::new(name)?))
}
