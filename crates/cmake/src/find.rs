//! `find_program`.
//!
//! # Source
//! cmake-commands(7), `find_program`, version 3.25; the order of directories is that of `cmFindProgramCommand.cxx` before a
//! platform is known. Not here: looking at files ([`World`](crate::evaluate::World)).

use crate::error::Fault;
use crate::evaluate::{Evaluation, normal};

/// Options without effect where nothing but hints, `PATH` and paths is searched, or on whether something is found.
const PASSED_OVER: &[&str] =
    &["NO_CACHE", "NO_CMAKE_INSTALL_PREFIX", "NO_CMAKE_SYSTEM_PATH", "NO_PACKAGE_ROOT_PATH", "REQUIRED"];

/// Variables by which other directories are searched before all others.
const BEFORE: &[&str] = &["CMAKE_PREFIX_PATH", "CMAKE_PROGRAM_PATH", "CMAKE_APPBUNDLE_PATH"];
/// Variables by which directories are looked for below others.
const BELOW: &[&str] = &["CMAKE_FIND_ROOT_PATH", "CMAKE_STAGING_PREFIX", "CMAKE_SYSROOT", "CMAKE_SYSROOT_COMPILE"];

/// What is searched for, and where.
#[derive(Default)]
struct Search {
    names: Vec<String>,
    hints: Vec<String>,
    paths: Vec<String>,
    suffixes: Vec<String>,
    without: Vec<&'static str>,
}

/// `find_program(VARIABLE words…)`: the program's path, if there is one.
pub(crate) fn program(words: &[&str], evaluation: &Evaluation<'_>) -> Result<Option<String>, Fault> {
    let search = Search::parse(words, evaluation)?;
    if let Some(name) = search.more(evaluation) {
        return Err(Fault::Beyond(format!("find_program(…) with {name}")));
    }
    let mut directories = search.hints.clone();
    if !search.is_without("NO_DEFAULT_PATH") && !search.is_without("NO_SYSTEM_ENVIRONMENT_PATH") {
        directories.extend(listed(evaluation, "PATH"));
    }
    directories.extend(search.paths.iter().cloned());
    let below = |directory: &String| -> Vec<String> {
        let below = search.suffixes.iter().map(|suffix| format!("{directory}/{suffix}"));
        below.chain(std::iter::once(directory.clone())).collect()
    };
    let directories: Vec<String> = directories.iter().flat_map(below).collect();
    let candidates = |name: &String| -> Vec<String> {
        if name.starts_with('/') {
            return vec![normal(name)];
        }
        directories.iter().map(|directory| normal(&format!("{directory}/{name}"))).collect()
    };
    Ok(search.names.iter().flat_map(candidates).find(|path| evaluation.world.is_program(path)))
}

/// The absolute directories of a list in the environment.
fn listed(evaluation: &Evaluation<'_>, variable: &str) -> Vec<String> {
    let list = evaluation.world.environment(variable).unwrap_or_default();
    list.split(':').filter(|directory| directory.starts_with('/')).map(str::to_owned).collect()
}

impl Search {
    fn parse(words: &[&str], evaluation: &Evaluation<'_>) -> Result<Self, Fault> {
        const WITHOUT: &[&str] = &[
            "NO_CMAKE_ENVIRONMENT_PATH",
            "NO_CMAKE_FIND_ROOT_PATH",
            "NO_CMAKE_PATH",
            "NO_DEFAULT_PATH",
            "NO_SYSTEM_ENVIRONMENT_PATH",
        ];
        let mut search = Self::default();
        let mut section = "NAMES";
        let mut keywords = false;
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let beyond = || Fault::Beyond(format!("find_program(… {word} …)"));
            if matches!(word, "NAMES" | "HINTS" | "PATHS" | "PATH_SUFFIXES" | "DOC") {
                (section, keywords) = (word, true);
            } else if let Some(without) = WITHOUT.iter().copied().find(|without| *without == word) {
                search.without.push(without);
                (section, keywords) = ("", true);
            } else if PASSED_OVER.contains(&word) {
                (section, keywords) = ("", true);
            } else {
                match section {
                    "" => return Err(beyond()),
                    _ if is_option(word) => return Err(beyond()),
                    "NAMES" => search.names.push(word.to_owned()),
                    "HINTS" | "PATHS" => {
                        let found = match word {
                            "ENV" => listed(evaluation, words.next().unwrap_or_default()),
                            // Seen from the project's directory.
                            _ if !word.starts_with('/') => return Err(beyond()),
                            _ => vec![word.to_owned()],
                        };
                        if section == "HINTS" { search.hints.extend(found) } else { search.paths.extend(found) }
                    }
                    "PATH_SUFFIXES" => search.suffixes.push(word.to_owned()),
                    _ => {}
                }
            }
        }
        if !keywords && search.names.len() > 1 {
            // A name and directories.
            search.paths = search.names.split_off(1);
        }
        Ok(search)
    }

    fn is_without(&self, what: &str) -> bool {
        self.without.contains(&what)
    }

    /// A variable by which more is searched.
    fn more(&self, evaluation: &Evaluation<'_>) -> Option<&'static str> {
        let is_set = |name: &&str| evaluation.variables.get(*name).is_some_and(|value| !value.is_empty());
        let below = BELOW.iter().copied().find(is_set);
        let never = evaluation.variables.get("CMAKE_FIND_ROOT_PATH_MODE_PROGRAM").is_some_and(|mode| mode == "NEVER");
        if below.is_some() && !never && !self.is_without("NO_CMAKE_FIND_ROOT_PATH") {
            return below;
        }
        if self.is_without("NO_DEFAULT_PATH") {
            return None;
        }
        let own = BEFORE.iter().copied().find(is_set).filter(|_| !self.is_without("NO_CMAKE_PATH"));
        let around = BEFORE.iter().copied().find(|name| evaluation.world.environment(name).is_some());
        own.or_else(|| around.filter(|_| !self.is_without("NO_CMAKE_ENVIRONMENT_PATH")))
    }
}

/// Whether a word is an option that is not known here.
fn is_option(word: &str) -> bool {
    let options =
        ["CMAKE_FIND_ROOT_PATH_BOTH", "NAMES_PER_DIR", "ONLY_CMAKE_FIND_ROOT_PATH", "REGISTRY_VIEW", "VALIDATOR"];
    options.contains(&word) || word.starts_with("NO_")
}
