//! Directories of data: files that a tool reads at run time, such as perl's library.
//!
//! What is for developing with the tool is left out: static libraries, C headers, manual pages. A link stays a link if
//! what it leads to is taken too; one to a file elsewhere becomes a copy of it, and any other is left out.

use std::path::{Path, PathBuf};

use action::path::RelPath;

use super::error::CaptureError;
use super::image::{Image, place};
use super::libraries::Libraries;
use super::machine::{Machine, is_executable};

/// Endings of what is not needed for running.
const LEFT_OUT: [&str; 5] = [".a", ".h", ".o", ".pod", ".pm.orig"];

/// Collects data into an image.
pub(super) struct Data {
    /// The directories taken, without links.
    pub(super) roots: Vec<PathBuf>,
    /// Links to directories or files in them: where, and where they lead.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Data {
    /// Finds the directories that match the patterns.
    pub(super) fn find(machine: &mut Machine, patterns: &[String]) -> Result<Self, CaptureError> {
        let mut data = Self { roots: Vec::new(), links: Vec::new() };
        for pattern in patterns {
            for path in machine.matching(Path::new(pattern))? {
                let Some((real, _)) = machine.resolve(&path)?.filter(|(_, metadata)| metadata.is_dir()) else {
                    continue;
                };
                if place(&real)? != place(&path)? {
                    data.links.push((path, real.clone()));
                }
                data.roots.push(real);
            }
        }
        data.roots.sort();
        data.roots.dedup();
        Ok(data)
    }

    /// Adds the files and links, and the libraries that shared objects among the files need.
    pub(super) fn add(
        mut self,
        machine: &mut Machine,
        image: &mut Image,
        libraries: &mut Libraries,
    ) -> Result<(), CaptureError> {
        let mut ahead = self.roots.clone();
        while let Some(directory) = ahead.pop() {
            for name in machine.names_in(&directory)? {
                let path = directory.join(&name);
                let Some((real, metadata)) = machine.resolve(&path)? else { continue };
                let is_link = real != path;
                if is_link && self.has(&real) {
                    self.links.push((path, real));
                } else if metadata.is_dir() && !is_link {
                    ahead.push(path);
                } else if metadata.is_file() && !LEFT_OUT.iter().any(|end| name.to_string_lossy().ends_with(end)) {
                    image.file(place(&path)?, &real, is_executable(&metadata))?;
                    if name.to_string_lossy().contains(".so") {
                        libraries.closure(machine, image, &real, true)?;
                    }
                }
            }
        }
        self.add_links(image)
    }

    fn has(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    /// Links come when all else is there: those whose end was left out are left out as well.
    fn add_links(self, image: &mut Image) -> Result<(), CaptureError> {
        for (path, real) in self.links {
            let (from, to) = (place(&path)?, place(&real)?);
            let below = |there: &RelPath| there.as_str().starts_with(&format!("{to}/"));
            if !image.has(&from) && (image.has(&to) || image.items.keys().any(below)) {
                image.link(from, &to)?;
            }
        }
        Ok(())
    }
}
