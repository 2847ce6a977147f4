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

/// What was said on CMake's command line (`-DNAME=VALUE`) and declared by no project: toolchain files read such variables.
#[must_use]
pub fn undeclared(text: &str) -> Vec<(String, String)> {
    let undeclared = text.lines().filter_map(entry).filter(|(_, kind, _)| kind == "UNINITIALIZED");
    undeclared.map(|(name, _, value)| (name, value)).collect()
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
        let said = super::undeclared("CMAKE_C_FLAGS:STRING=-O2\nANDROID_ABI:UNINITIALIZED=arm64-v8a\n");
        assert_eq!(said, [("ANDROID_ABI".to_owned(), "arm64-v8a".to_owned())]);
    }
}
