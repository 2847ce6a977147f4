//! What a directory adds to every compilation and link: `add_compile_options` and its kin.
//!
//! # Source
//! cmake-commands(7), version 3.25; a linker's options go through the compiler as `CMAKE_C_LINKER_WRAPPER_FLAG` says for
//! compilers that take gcc's options. Not here: generator expressions ([`crate::generator`]).

use std::collections::BTreeMap;

use crate::error::Fault;
use crate::generator;
use crate::words;

/// Where they are kept until the end. No file can name these.
pub(crate) const FLAGS: &str = " added flags";
/// The same of links.
pub(crate) const LINK_FLAGS: &str = " added link flags";
/// What is linked with everything.
pub(crate) const LIBRARIES: &str = " added libraries";

const SHELL: &str = "SHELL:";
const LINKER: &str = "LINKER:";

/// Adds what a command says; nothing for a command of another kind.
pub(crate) fn add(name: &str, values: &[&str], variables: &mut BTreeMap<String, String>) -> Option<Result<(), Fault>> {
    let (kept, option) = match name {
        "add_compile_options" | "add_definitions" => (FLAGS, ""),
        "add_compile_definitions" => (FLAGS, "-D"),
        "include_directories" => (FLAGS, "-I"),
        "add_link_options" => (LINK_FLAGS, ""),
        "link_directories" => (LINK_FLAGS, "-L"),
        "link_libraries" => (LIBRARIES, "-l"),
        _ => return None,
    };
    let build_type = variables.get("CMAKE_BUILD_TYPE").map_or("", String::as_str);
    // What is a list inside an expression was taken for one outside.
    let items = match generator::evaluated(&values.join(";"), build_type) {
        Ok(items) => items,
        Err(expression) => return Some(Err(Fault::Generator(expression))),
    };
    let items = items.split(';').filter(|item| !item.is_empty());
    let mut added: Vec<String> = Vec::new();
    for item in items {
        // What is seen from the project's directory, and `BEFORE` and `SYSTEM`.
        if matches!(option, "-I" | "-L") && !item.starts_with('/') {
            return Some(Err(Fault::Beyond(format!("{name}({item})"))));
        }
        let option = match name {
            // What is no definition is put into the command line as it is.
            "add_definitions" if !is_definition(item) => SHELL,
            "link_libraries" if matches!(item, "debug" | "general" | "optimized") => {
                return Some(Err(Fault::Beyond(format!("{name}({item} …)"))));
            }
            "link_libraries" if item.starts_with(['-', '/']) => "",
            _ => option,
        };
        added.push(format!("{option}{}", item.strip_prefix(option).unwrap_or(item)));
    }
    let known = variables.entry(kept.to_owned()).or_default();
    for item in added {
        // CMake gives each once; a toolchain file may be read twice.
        if !known.split(';').any(|other| other == item) {
            known.push(';');
            known.push_str(&item);
        }
    }
    Some(Ok(()))
}

fn is_definition(item: &str) -> bool {
    let Some(definition) = item.strip_prefix("-D") else { return false };
    let name = definition.split('=').next().unwrap_or_default();
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What was added, as a compiler's arguments.
pub(crate) fn flags(kept: &str, variables: &BTreeMap<String, String>) -> Vec<String> {
    let items = variables.get(kept).map_or("", String::as_str).split(';').filter(|item| !item.is_empty());
    items.flat_map(arguments).collect()
}

fn arguments(item: &str) -> Vec<String> {
    if let Some(line) = item.strip_prefix(SHELL) {
        return words(line);
    }
    let Some(options) = item.strip_prefix(LINKER) else { return vec![item.to_owned()] };
    let options = options.strip_prefix(SHELL).map_or_else(|| options.to_owned(), |line| words(line).join(","));
    vec![format!("-Wl,{options}")]
}
