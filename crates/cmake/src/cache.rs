//! `CMakeCache.txt`: the variables of a configured build directory.
//!
//! # Source
//! CMake's `cmCacheManager.cxx`: `NAME:TYPE=VALUE`, names in quotes if they hold a colon, `//` and `#` begin comments.

use std::collections::BTreeMap;

/// The variables of a cache. What is no entry is passed over, as CMake does.
#[must_use]
pub fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(entry).map(|(name, _, value)| (name, value)).collect()
}

/// Variables of CMake's that are kept under other names, and what it sets itself while it reads a project.
pub(crate) fn of_project(cache: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (kept, names) in [
        (HOME, ["CMAKE_SOURCE_DIR", "CMAKE_CURRENT_SOURCE_DIR", "PROJECT_SOURCE_DIR"]),
        (BUILD, ["CMAKE_BINARY_DIR", "CMAKE_CURRENT_BINARY_DIR", "PROJECT_BINARY_DIR"]),
    ] {
        let Some(value) = cache.get(kept) else { continue };
        variables.extend(names.map(|name| (name.to_owned(), value.clone())));
    }
    let numbers = ["MAJOR", "MINOR", "PATCH"].map(|part| (part, cache.get(&format!("CMAKE_CACHE_{part}_VERSION"))));
    if let [(_, Some(major)), (_, Some(minor)), (_, Some(patch))] = numbers {
        variables.insert("CMAKE_VERSION".to_owned(), format!("{major}.{minor}.{patch}"));
        let known = numbers.into_iter().filter_map(|(part, number)| Some((part, number?)));
        variables.extend(known.map(|(part, number)| (format!("CMAKE_{part}_VERSION"), number.clone())));
    }
    variables
}

/// Where a cache has the directory of its project's sources.
pub const HOME: &str = "CMAKE_HOME_DIRECTORY";
/// Its own directory.
pub const BUILD: &str = "CMAKE_CACHEFILE_DIR";

/// What of a cache a toolchain file may read when CMake is asked what it means, as arguments of CMake: what was said on the
/// command line and is declared by no project, and what is not CMake's own.
#[must_use]
pub fn said(text: &str) -> Vec<String> {
    let said = |(name, kind, value): (String, String, String)| match kind.as_str() {
        _ if name == "CMAKE_TOOLCHAIN_FILE" => None,
        "UNINITIALIZED" => Some(format!("-D{name}={value}")),
        "BOOL" | "FILEPATH" | "PATH" | "STRING" if !name.starts_with("CMAKE_") || name == "CMAKE_BUILD_TYPE" => {
            Some(format!("-D{name}:{kind}={value}"))
        }
        _ => None,
    };
    text.lines().filter_map(entry).filter_map(said).collect()
}

/// Name, type and value.
fn entry(line: &str) -> Option<(String, String, String)> {
    if line.starts_with("//") || line.starts_with('#') {
        return None;
    }
    let (name, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\":")?,
        None => line.split_once(':')?,
    };
    let (kind, value) = rest.split_once('=')?;
    // A value with space at an end is in single quotes.
    let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
    Some((name.to_owned(), kind.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn entries() {
        let cache = super::parse(
            "# comment\n//CXX compiler\nCMAKE_C_COMPILER:FILEPATH=/usr/bin/cc\nCMAKE_C_FLAGS:STRING= -O2\n\"a:b\":BOOL=ON\n\
             X:STRING=' y '\nbroken\nEMPTY:STRING=\n",
        );
        let get = |name: &str| cache.get(name).map(String::as_str);
        assert_eq!(get("CMAKE_C_COMPILER"), Some("/usr/bin/cc"));
        assert_eq!(get("CMAKE_C_FLAGS"), Some(" -O2"));
        assert_eq!((get("a:b"), get("X"), get("EMPTY")), (Some("ON"), Some(" y "), Some("")));
        assert_eq!(cache.len(), 5);
        let said = super::said(
            "CMAKE_C_FLAGS:STRING=-O2\nANDROID_ABI:UNINITIALIZED=arm64-v8a\nSDK:PATH=/opt/sdk\nCMAKE_X:UNINITIALIZED=1\n\
             p_BINARY_DIR:STATIC=/p\nCMAKE_BUILD_TYPE:STRING=Debug\nCMAKE_TOOLCHAIN_FILE:UNINITIALIZED=x.cmake\n",
        );
        assert_eq!(
            said,
            ["-DANDROID_ABI=arm64-v8a", "-DSDK:PATH=/opt/sdk", "-DCMAKE_X=1", "-DCMAKE_BUILD_TYPE:STRING=Debug"]
        );
    }
}
