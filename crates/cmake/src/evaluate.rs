//! Evaluating the part of CMake's language that toolchain files are written in.
//!
//! `set`, `unset`, `list(APPEND|PREPEND)`, `string(APPEND|PREPEND|CONCAT|TOLOWER|TOUPPER|STRIP)`, `if`, `include`,
//! `get_filename_component`, `find_program`, `message` and the like. Any other command is
//! [`Fault::Beyond`], unless it cannot change a variable; so is what depends on a variable that CMake alone knows
//! ([`crate::unknown`]).
//!
//! # Source
//! cmake-language(7), cmake-commands(7), version 3.25. Not here: which variables matter ([`crate::toolchain`]).

use std::collections::BTreeMap;
use std::ops::Range;

use crate::added;
use crate::condition;
use crate::error::{Error, Fault};
use crate::find;
use crate::syntax::{Argument, Command, Form, parse};
use crate::unknown;

/// Files that include each other deeper than this are a circle; names of variables that are put together of references in
/// references deeper than this are nobody's.
const DEEPEST: usize = 16;

/// Commands without effect on what is asked for here.
const WITHOUT_EFFECT: &[&str] =
    &["cmake_minimum_required", "cmake_policy", "include_guard", "mark_as_advanced", "enable_language", "project"];

/// What a file sees around itself.
pub trait World {
    /// The text of a file; nothing if there is none.
    fn read(&self, path: &str) -> Option<String>;
    /// Whether something is at a path.
    fn exists(&self, path: &str) -> bool;
    /// Whether a program is at a path.
    fn is_program(&self, path: &str) -> bool;
    /// The path without links; nothing if nothing is there.
    fn real(&self, path: &str) -> Option<String>;
    /// A variable of the environment.
    fn environment(&self, name: &str) -> Option<String>;
}

/// The state of an evaluation.
pub struct Evaluation<'w> {
    pub(crate) world: &'w dyn World,
    pub(crate) variables: BTreeMap<String, String>,
    /// The files being read, the innermost last, with the depth of their `if`s.
    files: Vec<String>,
    /// Where a variable that is not known was first handed on.
    handed_on: BTreeMap<String, (String, Range<usize>)>,
}

impl<'w> Evaluation<'w> {
    /// One that knows nothing but these variables.
    pub fn new(world: &'w dyn World, variables: BTreeMap<String, String>) -> Self {
        Self { world, variables, files: Vec::new(), handed_on: BTreeMap::new() }
    }

    /// The same where CMake would know more.
    #[must_use]
    pub fn below_cmake(mut self) -> Self {
        for name in unknown::NAMES {
            self.variables.entry((*name).to_owned()).or_insert_with(|| unknown::value(name));
        }
        self
    }

    /// Nothing unknown is in the values of these variables.
    ///
    /// # Errors
    /// [`Fault::Beyond`] where what is unknown came from.
    pub(crate) fn depends_on<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<(), Error> {
        let values = names.into_iter().filter_map(|name| self.variables.get(name));
        let Some(name) = values.filter_map(|value| unknown::first(value)).next() else { return Ok(()) };
        let (file, span) = self.handed_on.get(name).cloned().unwrap_or_default();
        Err(Error { file, span, fault: Fault::Beyond(format!("${{{name}}}")) })
    }

    /// The variables.
    #[must_use]
    pub fn finish(self) -> BTreeMap<String, String> {
        self.variables
    }

    /// Evaluates the file at `path`, whose text is `text`.
    ///
    /// # Errors
    /// The first thing that is wrong, or that is not evaluated here.
    pub fn run(&mut self, path: &str, text: &str) -> Result<(), Error> {
        let at = |(span, fault)| Error { file: path.to_owned(), span, fault };
        let commands = parse(text).map_err(at)?;
        if self.files.len() >= DEEPEST {
            return Err(at((0..0, Fault::TooDeep)));
        }
        let around = [LIST_FILE, LIST_DIR].map(|name| (name, self.variables.get(name).cloned()));
        self.files.push(path.to_owned());
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        self.variables.insert(LIST_FILE.to_owned(), path.to_owned());
        self.variables.insert(LIST_DIR.to_owned(), directory.to_owned());
        let result = self.commands(&commands);
        self.files.pop();
        for (name, value) in around {
            match value {
                Some(value) => self.variables.insert(name.to_owned(), value),
                None => self.variables.remove(name),
            };
        }
        result
    }

    fn commands(&mut self, commands: &[Command]) -> Result<(), Error> {
        let mut branches: Vec<Branch> = Vec::new();
        for command in commands {
            let live = branches.iter().all(|branch| branch.live);
            match command.name.as_str() {
                "if" => {
                    let holds = live && self.condition(command)?;
                    branches.push(Branch { live: holds, taken: holds || !live });
                }
                "elseif" | "else" => {
                    let Some(branch) = branches.pop() else {
                        return Err(self.error(command, Fault::Unbalanced(command.name.clone())));
                    };
                    let outer = branches.iter().all(|branch| branch.live);
                    let open = outer && !branch.taken;
                    let holds = open && (command.name == "else" || self.condition(command)?);
                    branches.push(Branch { live: holds, taken: branch.taken || holds });
                }
                "endif" => {
                    let unbalanced = || self.error(command, Fault::Unbalanced("endif".to_owned()));
                    branches.pop().ok_or_else(unbalanced)?;
                }
                "return" if live => return Ok(()),
                _ if live => self.command(command)?,
                _ => {}
            }
        }
        match (branches.is_empty(), commands.last()) {
            (false, Some(last)) => Err(self.error(last, Fault::Unbalanced("if".to_owned()))),
            _ => Ok(()),
        }
    }

    fn condition(&self, command: &Command) -> Result<bool, Error> {
        let mut terms = Vec::new();
        for argument in &command.arguments {
            for text in self.values(argument).map_err(|fault| self.error(command, fault))? {
                terms.push(condition::Term { text, form: argument.form });
            }
        }
        condition::holds(&terms, self).map_err(|fault| self.error(command, fault))
    }

    fn command(&mut self, command: &Command) -> Result<(), Error> {
        if WITHOUT_EFFECT.contains(&command.name.as_str()) {
            return Ok(());
        }
        let mut values = Vec::new();
        for argument in &command.arguments {
            values.extend(self.values(argument).map_err(|fault| self.error(command, fault))?);
        }
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        if let Some(name) = values.iter().find_map(|value| unknown::first(value)) {
            if !hands_on(&command.name, &values) {
                let fault = Fault::Beyond(format!("{}(… ${{{name}}} …)", command.name));
                return Err(self.error(command, fault));
            }
            let place = (self.files.last().cloned().unwrap_or_default(), command.span.clone());
            self.handed_on.entry(name.to_owned()).or_insert(place);
        }
        let beyond = || self.error(command, beyond(&command.name, &values));
        match (command.name.as_str(), values.as_slice()) {
            ("set", [name, values @ ..]) => {
                if let Some(name) = name.strip_prefix("ENV{") {
                    return Err(self.error(command, Fault::Beyond(format!("set(ENV{{{name}"))));
                }
                self.set(name, values);
            }
            ("unset", [name, ..]) => {
                self.variables.remove(*name);
            }
            ("option", [name, _help, rest @ ..]) => {
                let value = rest.first().copied().unwrap_or("OFF");
                self.variables.entry((*name).to_owned()).or_insert_with(|| value.to_owned());
            }
            ("list", [verb @ ("APPEND" | "PREPEND"), name, items @ ..]) => {
                let known = self.variables.get(*name).map(String::as_str).filter(|known| !known.is_empty());
                let joined: Vec<&str> = match *verb {
                    "APPEND" => known.into_iter().chain(items.iter().copied()).collect(),
                    _ => items.iter().copied().chain(known).collect(),
                };
                let joined = joined.join(";");
                self.variables.insert((*name).to_owned(), joined);
            }
            ("string", [verb, rest @ ..]) => match string(verb, rest, &self.variables) {
                Some((name, value)) => {
                    self.variables.insert(name, value);
                }
                None => return Err(beyond()),
            },
            ("get_filename_component", [name, path, part] | [name, path, part, "CACHE"]) => {
                match component(path, part, self) {
                    Some(value) => {
                        self.variables.insert((*name).to_owned(), value);
                    }
                    None => return Err(beyond()),
                }
            }
            ("find_program", [name, rest @ ..]) => {
                if !self.variables.get(*name).is_some_and(|known| condition::is_true(known)) {
                    let found = find::program(rest, self).map_err(|fault| self.error(command, fault))?;
                    self.variables.insert((*name).to_owned(), found.unwrap_or_else(|| format!("{name}-NOTFOUND")));
                }
            }
            ("include", [path, options @ ..]) => return self.include(command, path, options.contains(&"OPTIONAL")),
            ("message", ["FATAL_ERROR" | "SEND_ERROR", text @ ..]) => {
                return Err(self.error(command, Fault::Fatal(unknown::shown(&text.concat()))));
            }
            ("message", _) => {}
            // Of the directory's: what its targets are compiled with, too.
            ("set_property", [scope, ..]) if *scope != "DIRECTORY" => {}
            (name, values) => match added::add(name, values, &mut self.variables) {
                Some(added) => added.map_err(|fault| self.error(command, fault))?,
                None => return Err(self.error(command, self::beyond(name, values))),
            },
        }
        Ok(())
    }

    /// `set(NAME VALUE… [CACHE TYPE DOC [FORCE]] [PARENT_SCOPE])`. A file that is read once makes no difference between the
    /// cache and its own variables, but that a variable goes before the cache.
    fn set(&mut self, name: &str, values: &[&str]) {
        let cached = values.iter().position(|value| *value == "CACHE");
        let values = match values {
            [values @ .., "PARENT_SCOPE"] => values,
            values => values,
        };
        if let Some(at) = cached {
            let forced = values.last() == Some(&"FORCE");
            if forced || !self.variables.contains_key(name) {
                let value = values.get(..at).unwrap_or_default().join(";");
                self.variables.insert(name.to_owned(), value);
            }
        } else if values.is_empty() {
            self.variables.remove(name);
        } else {
            self.variables.insert(name.to_owned(), values.join(";"));
        }
    }

    fn include(&mut self, command: &Command, path: &str, optional: bool) -> Result<(), Error> {
        let path = self.absolute(path);
        let Some(text) = self.world.read(&path) else {
            if optional {
                return Ok(());
            }
            // A module's name: what CMake's own modules do is not known here.
            let is_module = !path.ends_with(".cmake");
            let fault = if is_module { Fault::Beyond(format!("include({path})")) } else { Fault::Absent(path) };
            return Err(self.error(command, fault));
        };
        self.run(&path, &text)
    }

    /// A path as it is seen from the file being read.
    pub(crate) fn absolute(&self, path: &str) -> String {
        match self.variables.get(LIST_DIR) {
            Some(directory) if !path.starts_with('/') => format!("{directory}/{path}"),
            _ => path.to_owned(),
        }
    }

    /// The values of an argument: one if it is quoted, else the elements of a list.
    fn values(&self, argument: &Argument) -> Result<Vec<String>, Fault> {
        match argument.form {
            Form::Bracket | Form::Parenthesis => Ok(vec![argument.text.clone()]),
            Form::Quoted => Ok(vec![unescaped(&self.referred(&argument.text)?)]),
            Form::Plain => {
                let value = self.referred(&argument.text)?;
                Ok(elements(&value).iter().filter(|element| !element.is_empty()).map(|text| unescaped(text)).collect())
            }
        }
    }

    /// The text with references to variables replaced, the innermost first. Values are escaped like the text around them, so
    /// that what they hold is not taken for CMake's own signs.
    fn referred(&self, text: &str) -> Result<String, Fault> {
        self.referred_within(text, DEEPEST)
    }

    /// The same, where names of variables may hold references of `depth` levels.
    fn referred_within(&self, text: &str, depth: usize) -> Result<String, Fault> {
        let mut done = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['$', '\\']) {
            let (before, from) = rest.split_at(at);
            done.push_str(before);
            let kinds = [("${", ""), ("$ENV{", "ENV"), ("$CACHE{", "CACHE")];
            let reference = kinds.iter().find_map(|(open, kind)| Some((from.strip_prefix(open)?, *kind)));
            if let Some((inner, kind)) = reference {
                let end = closing(inner).ok_or(Fault::Reference)?;
                let below = depth.checked_sub(1).ok_or(Fault::Nested)?;
                let name = unescaped(&self.referred_within(inner.get(..end).unwrap_or_default(), below)?);
                if unknown::first(&name).is_some() {
                    return Err(Fault::Beyond(format!("${{{}}}", unknown::shown(&name))));
                }
                let value = match kind {
                    "ENV" => self.world.environment(&name),
                    _ => self.variables.get(&name).cloned(),
                };
                done.push_str(&value.unwrap_or_default().replace('\\', "\\\\"));
                rest = inner.get(end + 1..).unwrap_or_default();
            } else {
                let length = if from.starts_with('\\') { from.chars().take(2).map(char::len_utf8).sum() } else { 1 };
                done.push_str(from.get(..length).unwrap_or_default());
                rest = from.get(length..).unwrap_or_default();
            }
        }
        done.push_str(rest);
        Ok(done)
    }

    fn error(&self, command: &Command, fault: Fault) -> Error {
        Error { file: self.files.last().cloned().unwrap_or_default(), span: command.span.clone(), fault }
    }
}

const LIST_FILE: &str = "CMAKE_CURRENT_LIST_FILE";
const LIST_DIR: &str = "CMAKE_CURRENT_LIST_DIR";

/// A branch of an `if`.
struct Branch {
    /// Whether its commands are carried out.
    live: bool,
    /// Whether one of its kin was carried out, or none may be.
    taken: bool,
}

/// That a command is more than is evaluated here.
fn beyond(command: &str, values: &[&str]) -> Fault {
    let first = values.first().map_or_else(String::new, |first| format!("({} …)", unknown::shown(first)));
    Fault::Beyond(format!("{command}{first}"))
}

/// Whether a command only puts into variables what it is given, or into nothing, and its variable is known.
fn hands_on(command: &str, values: &[&str]) -> bool {
    match (command, values) {
        ("set" | "option", [variable, ..])
        | ("list", ["APPEND" | "PREPEND", variable, ..])
        | ("string", ["APPEND" | "PREPEND" | "CONCAT", variable, ..]) => unknown::first(variable).is_none(),
        ("message" | "set_property" | "link_libraries", _) => true,
        (command, _) => command.starts_with("add_"),
    }
}

/// Where the brace that opened before `text` closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The elements of a list, separated by semicolons that no backslash and no bracket hides.
fn elements(text: &str) -> Vec<&str> {
    let (mut elements, mut start, mut escaped, mut brackets) = (Vec::new(), 0, false, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {}
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            ';' if brackets == 0 => {
                elements.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    elements.push(text.get(start..).unwrap_or_default());
    elements
}

/// Without backslashes: `\t`, `\n` and `\r` are what they are everywhere, any other character is itself.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            c => c,
        });
    }
    plain
}

/// `string(VERB …)`: the variable it sets, and to what; nothing for a verb that is not known here.
fn string(verb: &str, rest: &[&str], variables: &BTreeMap<String, String>) -> Option<(String, String)> {
    let (name, value) = match (verb, rest) {
        ("APPEND", [name, parts @ ..]) => (*name, variables.get(*name).cloned().unwrap_or_default() + &parts.concat()),
        ("PREPEND", [name, parts @ ..]) => (*name, parts.concat() + variables.get(*name).map_or("", String::as_str)),
        ("CONCAT", [name, parts @ ..]) => (*name, parts.concat()),
        ("JOIN", [glue, name, parts @ ..]) => (*name, parts.join(glue)),
        ("TOLOWER", [text, name]) => (*name, text.to_lowercase()),
        ("TOUPPER", [text, name]) => (*name, text.to_uppercase()),
        ("STRIP", [text, name]) => (*name, text.trim().to_owned()),
        ("REPLACE", [from, to, name, texts @ ..]) if !from.is_empty() => (*name, texts.concat().replace(from, to)),
        _ => return None,
    };
    Some((name.to_owned(), value))
}

/// `get_filename_component(NAME PATH PART)`; nothing for a part that is not known here.
fn component(path: &str, part: &str, evaluation: &Evaluation<'_>) -> Option<String> {
    let split = path.trim_end_matches('/').rsplit_once('/');
    let name = split.map_or(path, |(_, name)| name);
    let dot = name.get(1..).unwrap_or_default().find('.').map(|at| at + 1);
    Some(match part {
        "DIRECTORY" | "PATH" => split.map_or("", |(directory, _)| directory).to_owned(),
        "NAME" => name.to_owned(),
        "NAME_WE" => dot.and_then(|dot| name.get(..dot)).unwrap_or(name).to_owned(),
        "EXT" => dot.and_then(|dot| name.get(dot..)).unwrap_or_default().to_owned(),
        // What is not absolute is seen from the project's directory.
        "ABSOLUTE" if path.starts_with('/') => normal(path),
        "REALPATH" if path.starts_with('/') => evaluation.world.real(path)?,
        _ => return None,
    })
}

/// The path without `.` and `..`, by its text alone.
pub(crate) fn normal(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}
