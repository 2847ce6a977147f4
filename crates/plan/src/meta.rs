//! findlib's METAs of the libraries that come with OCaml 5.
//!
//! One set serves the host and every target: `+` in a directory is the standard library of whoever reads. The recipes
//! install none, so that there is one place that says what a library is called. Not here: packages' own METAs.

use std::fmt::Write as _;

/// A library of OCaml's, or one inside another.
struct Library {
    name: &'static str,
    requires: &'static str,
    /// Base name of its archives; none for a mere name.
    archive: Option<&'static str>,
    /// Whether it exists as byte code alone, native code alone, or both.
    codes: &'static [(&'static str, &'static str)],
    inner: &'static [Self],
}

const BYTE: (&str, &str) = ("byte", "cma");
const NATIVE: (&str, &str) = ("native", "cmxa");
const BOTH: &[(&str, &str)] = &[BYTE, NATIVE];

const fn library(name: &'static str, requires: &'static str, archive: &'static str) -> Library {
    Library { name, requires, archive: Some(archive), codes: BOTH, inner: &[] }
}

const fn name(name: &'static str, requires: &'static str, inner: &'static [Library]) -> Library {
    Library { name, requires, archive: None, codes: BOTH, inner }
}

/// All of them, as OCaml 5's own METAs have it.
const LIBRARIES: &[Library] = &[
    name("stdlib", "", &[]),
    // findlib's own, for programs that still ask for it.
    name("bytes", "", &[]),
    // dune's own, for programs that still ask for what is a package of its own.
    name("dune", "", &[name("configurator", "dune-configurator", &[])]),
    library("unix", "", "unix"),
    library("str", "", "str"),
    library("dynlink", "", "dynlink"),
    library("runtime_events", "", "runtime_events"),
    Library { inner: &[name("posix", "threads", &[])], ..library("threads", "unix", "threads") },
    name(
        "compiler-libs",
        "",
        &[
            library("common", "compiler-libs", "ocamlcommon"),
            library("bytecomp", "compiler-libs.common", "ocamlbytecomp"),
            library("optcomp", "compiler-libs.common", "ocamloptcomp"),
            Library { codes: &[BYTE], ..library("toplevel", "compiler-libs.bytecomp", "ocamltoplevel") },
        ],
    ),
];

/// Where native Dynlink of a target without plugins lies, seen from its usual place. dune takes its presence there for
/// a sign that plugins (`.cmxs`) can be linked.
const DYNLINK_ASIDE: &str = "../dynlink-native/";

/// Who reads METAs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Builds for the build machine.
    Host,
    /// Builds for a target, whose OCaml has no shared libraries.
    Target,
}

/// Path below findlib's directory of METAs, and text, of each META.
#[must_use]
pub fn metas(version: &str, world: World) -> Vec<(String, String)> {
    let meta = |library: &Library| {
        let mut text = String::new();
        // These are the directory itself.
        let directory = if ["stdlib", "bytes", "dune"].contains(&library.name) { "" } else { library.name };
        line(&mut text, 0, "directory", &format!("+{directory}"));
        describe(&mut text, 0, library, (version, world));
        (format!("{}/META", library.name), text)
    };
    LIBRARIES.iter().map(meta).collect()
}

fn describe(text: &mut String, depth: usize, library: &Library, (version, world): (&str, World)) {
    line(text, depth, "version", version);
    line(text, depth, "requires", library.requires);
    for (code, extension) in library.codes {
        if let Some(archive) = library.archive {
            let aside = world == World::Target && library.name == "dynlink" && (*code, *extension) == NATIVE;
            let place = if aside { DYNLINK_ASIDE } else { "" };
            line(text, depth, &format!("archive({code})"), &format!("{place}{archive}.{extension}"));
        }
    }
    if library.name == "threads" {
        line(text, depth, "type_of_threads", "posix");
    }
    for inner in library.inner {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:depth$}package \"{}\" (", "", inner.name);
        describe(text, depth + 2, inner, (version, world));
        let _ = writeln!(text, "{:depth$})", "");
    }
}

fn line(text: &mut String, depth: usize, name: &str, value: &str) {
    let _ = writeln!(text, "{:depth$}{name} = \"{value}\"", "");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads() {
        let metas = metas("5.3.0", World::Host);
        let (_, text) = metas.iter().find(|(path, _)| path == "threads/META").unwrap();
        assert_eq!(
            text,
            "directory = \"+threads\"\nversion = \"5.3.0\"\nrequires = \"unix\"\narchive(byte) = \"threads.cma\"\n\
             archive(native) = \"threads.cmxa\"\ntype_of_threads = \"posix\"\npackage \"posix\" (\n  version = \"5.3.0\"\n  \
             requires = \"threads\"\n)\n"
        );
    }

    #[test]
    fn native_dynlink_of_targets_is_aside() {
        let text = |world| metas("5.3.0", world).into_iter().find(|(path, _)| path == "dynlink/META").unwrap().1;
        assert!(text(World::Host).contains("archive(native) = \"dynlink.cmxa\""));
        assert!(text(World::Target).contains("archive(native) = \"../dynlink-native/dynlink.cmxa\""));
    }
}
