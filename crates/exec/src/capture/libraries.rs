//! Shared libraries: where a loader would find them, and what they need in turn.
//!
//! # Source
//! ld.so(8) and ldconfig(8). The machine's own loader looks into `ld.so.cache`, which is made of the directories in
//! `ld.so.conf`; here those directories are searched themselves. `LD_LIBRARY_PATH` is not heeded: an image must not
//! depend on the shell it was captured from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::elf::{self, Object};
use super::error::CaptureError;
use super::image::{Image, place};
use super::machine::Machine;

/// What loaders search without being told.
const STANDARD: [&str; 5] = ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"];
/// Includes in includes of `ld.so.conf` beyond this are a circle.
const DEEPEST_INCLUDE: usize = 5;

/// A program's loader.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Loader {
    /// Its file's own directory, where it looks for libraries without configuration.
    directory: PathBuf,
}

/// What is known of shared libraries so far.
pub(super) struct Libraries {
    /// The directories of `ld.so.conf`.
    configured: Vec<PathBuf>,
    /// The loader of the first program that has one: the machine's own.
    main: Option<(Loader, (bool, u16))>,
    /// Objects dealt with.
    seen: BTreeSet<(PathBuf, Option<Loader>)>,
}

impl Libraries {
    pub(super) fn new(machine: &mut Machine) -> Result<Self, CaptureError> {
        let mut configured = Vec::new();
        read_configuration(machine, Path::new("/etc/ld.so.conf"), DEEPEST_INCLUDE, &mut configured)?;
        Ok(Self { configured, main: None, seen: BTreeSet::new() })
    }

    /// Looks into these directories too, after those that the machine's configuration names.
    pub(super) fn look_into(&mut self, directories: impl IntoIterator<Item = PathBuf>) {
        self.configured.extend(directories);
    }

    /// Adds all that an object needs: its loader, its libraries, and what those need. Nothing if it is no ELF file.
    ///
    /// `optional`: the object is data, such as a plug-in, that works or not; what it lacks is no error.
    pub(super) fn closure(
        &mut self,
        machine: &mut Machine,
        image: &mut Image,
        path: &Path,
        optional: bool,
    ) -> Result<(), CaptureError> {
        let Some(object) = elf::read(&machine.here(path))? else { return Ok(()) };
        let loader = match &object.interpreter {
            Some(interpreter) => Some(self.loader(machine, image, path, interpreter, object.kind)?),
            None => self.main.as_ref().map(|(loader, _)| loader.clone()),
        };
        let mut ahead = vec![(path.to_owned(), object)];
        while let Some((path, object)) = ahead.pop() {
            if !self.seen.insert((path.clone(), loader.clone())) {
                continue;
            }
            for name in &object.needed {
                let found = self.find(machine, name, &path, &object, loader.as_ref())?;
                match found {
                    Some((found, object)) => {
                        self.put(image, &found, name, loader.as_ref())?;
                        ahead.push((found, object));
                    }
                    None if optional => {}
                    None => {
                        return Err(CaptureError::MissingLibrary { library: name.clone(), needed_by: path });
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds a library by name, and what it needs; nothing if the machine has none of that name.
    pub(super) fn named(&mut self, machine: &mut Machine, image: &mut Image, name: &str) -> Result<(), CaptureError> {
        let Some((loader, kind)) = self.main.clone() else { return Ok(()) };
        let anyone = Object { kind, ..Object::default() };
        let found = self.find(machine, name, Path::new("/"), &anyone, Some(&loader))?;
        let Some((found, _)) = found else { return Ok(()) };
        self.put(image, &found, name, Some(&loader))?;
        self.closure(machine, image, &found, false)
    }

    /// Adds a program's loader, at the path that the program names.
    fn loader(
        &mut self,
        machine: &mut Machine,
        image: &mut Image,
        program: &Path,
        interpreter: &str,
        kind: (bool, u16),
    ) -> Result<Loader, CaptureError> {
        let named = Path::new(interpreter);
        let missing =
            || CaptureError::MissingInterpreter { interpreter: interpreter.to_owned(), needed_by: program.to_owned() };
        let real = machine.file(named)?.filter(|_| named.is_absolute()).ok_or_else(missing)?;
        let loader = Loader { directory: real.parent().unwrap_or(Path::new("/")).to_owned() };
        // Libraries name the loader as a library too, by the last part of this path.
        let library = named.file_name().map(|name| loader.directory.join(name)).ok_or_else(missing)?;
        image.file(place(&library)?, &real, true)?;
        image.file(place(named)?, &real, true)?;
        self.main.get_or_insert_with(|| (loader.clone(), kind));
        Ok(loader)
    }

    /// Puts a library where its loader looks of itself.
    fn put(&self, image: &mut Image, from: &Path, name: &str, loader: Option<&Loader>) -> Result<(), CaptureError> {
        let directory = loader.map_or_else(|| from.parent(), |loader| Some(&loader.directory));
        // glibc marks libraries executable on some distributions and not on others; nothing asks.
        image.file(place(&directory.unwrap_or(Path::new("/usr/lib")).join(name))?, from, false)
    }

    /// The first library of that name that is of the object's kind.
    fn find(
        &self,
        machine: &mut Machine,
        name: &str,
        of: &Path,
        object: &Object,
        loader: Option<&Loader>,
    ) -> Result<Option<(PathBuf, Object)>, CaptureError> {
        let origin = of.parent().unwrap_or(Path::new("/")).to_string_lossy();
        let own = object.search.iter().map(|path| path.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin));
        let own = own.map(PathBuf::from).filter(|path| path.is_absolute());
        let others = loader.map(|loader| loader.directory.clone()).into_iter();
        let directories = own.chain(self.configured.iter().cloned()).chain(others);
        // A name with a slash is a path and not looked for.
        let paths: Vec<PathBuf> = if name.contains('/') {
            vec![name.into()]
        } else {
            directories.chain(STANDARD.iter().map(PathBuf::from)).map(|directory| directory.join(name)).collect()
        };
        for path in paths {
            let Some(found) = machine.file(&path)? else { continue };
            let library = elf::read(&machine.here(&found))?;
            if let Some(library) = library.filter(|library| library.kind == object.kind) {
                return Ok(Some((found, library)));
            }
        }
        Ok(None)
    }
}

/// Reads the directories of a file like `ld.so.conf`, and of those it includes.
fn read_configuration(
    machine: &mut Machine,
    path: &Path,
    deeper: usize,
    directories: &mut Vec<PathBuf>,
) -> Result<(), CaptureError> {
    let Some(path) = machine.file(path)? else { return Ok(()) };
    let bytes = machine.start_of(&path, 1 << 20)?;
    for line in String::from_utf8_lossy(&bytes).lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let included = line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t']));
        if let Some(patterns) = included {
            for pattern in patterns.split_whitespace().filter(|_| deeper > 0) {
                let pattern = path.parent().unwrap_or(Path::new("/")).join(pattern);
                for path in machine.matching(&pattern)? {
                    read_configuration(machine, &path, deeper - 1, directories)?;
                }
            }
        } else if !line.starts_with("hwcap") {
            let parts = line.split([':', ',', ' ', '\t']).map(PathBuf::from);
            directories.extend(parts.filter(|directory| directory.is_absolute()));
        }
    }
    Ok(())
}
