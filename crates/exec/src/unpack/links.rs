//! The symbolic links of an archive, kept aside until all its files are written.
//!
//! While files are written there is not one link in the directory, so none can be followed; and where a link leads can
//! only be told when all are known. Not here: making the links ([`super::writer`]).

use std::collections::BTreeMap;

use action::path::RelPath;
use action::tree::Target;

use super::error::{Cause, Fault, shown};

/// How many links Linux follows before it gives up (`ELOOP`): a longer chain leads nowhere.
const MOST_HOPS: usize = 40;
/// Linux's `PATH_MAX`: no longer link can be made.
const LONGEST_TARGET: usize = 4096;

/// Links by path.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: BTreeMap<RelPath, Target>,
}

impl Links {
    /// Refuses a path that has a link above it.
    pub(super) fn check_parents(&self, path: &RelPath) -> Result<(), Cause> {
        if self.links.is_empty() {
            return Ok(());
        }
        let mut parent = path.split_last().map(|(parent, _)| parent);
        while let Some(path) = parent.filter(|path| !path.is_root()) {
            if self.links.contains_key(&path) {
                return Err(Cause::Through(path));
            }
            parent = path.split_last().map(|(parent, _)| parent);
        }
        Ok(())
    }

    /// Refuses a path that is a link, or has one above it.
    pub(super) fn check(&self, path: &RelPath) -> Result<(), Cause> {
        if self.links.contains_key(path) {
            return Err(Cause::Through(path.clone()));
        }
        self.check_parents(path)
    }

    /// Notes a link; one of the same path is replaced.
    pub(super) fn add(&mut self, path: RelPath, target: &[u8]) -> Result<(), Cause> {
        let text = std::str::from_utf8(target).ok().filter(|text| text.len() < LONGEST_TARGET);
        let usable = text.and_then(|text| Target::new(text).ok());
        self.links.insert(path, usable.ok_or_else(|| Cause::Target(shown(target)))?);
        Ok(())
    }

    /// Forgets a link whose name another member takes.
    pub(super) fn remove(&mut self, path: &RelPath) {
        self.links.remove(path);
    }

    /// The target of the link of that path.
    pub(super) fn get(&self, path: &RelPath) -> Option<&Target> {
        self.links.get(path)
    }

    /// All links, if none of them leads out.
    pub(super) fn finish(self) -> Result<BTreeMap<RelPath, Target>, Fault> {
        for (path, target) in &self.links {
            self.check_parents(path).map_err(Fault::of(path.as_str().as_bytes()))?;
            if self.escapes(path, target) {
                return Err(Fault::of(path.as_str().as_bytes())(Cause::Escape(shown(target.as_str().as_bytes()))));
            }
        }
        Ok(self.links)
    }

    /// Walks as the kernel would, expanding links on the way, and tells whether it ever goes above the root.
    fn escapes(&self, path: &RelPath, target: &Target) -> bool {
        let mut here: Vec<String> = path.names().map(|name| name.as_str().to_owned()).collect();
        here.pop();
        let mut ahead: Vec<&str> = target.as_str().split('/').rev().collect();
        let mut hops = 0;
        while let Some(part) = ahead.pop() {
            match part {
                "" | "." => {}
                ".." if here.pop().is_none() => return true,
                ".." => {}
                name => {
                    here.push(name.to_owned());
                    let link = RelPath::new(&here.join("/")).ok().and_then(|path| self.links.get(&path));
                    let Some(target) = link else { continue };
                    hops += 1;
                    if hops > MOST_HOPS {
                        return false;
                    }
                    here.pop();
                    ahead.extend(target.as_str().split('/').rev());
                }
            }
        }
        false
    }
}
