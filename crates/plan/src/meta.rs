//! findlib's METAs of the libraries that come with OCaml.
//!
//! One set serves the host and every target: `+` in a directory is the standard library of whoever reads. The recipes
//! install none, so that there is one place that says what a library is called. Not here: packages' own METAs.

use std::fmt::Write as _;

use crate::target::OcamlVersion;

/// A library of OCaml's, or one inside another.
struct Library {
    name: &'static str,
    requires: &'static str,
    /// Base name of its archives; none for a mere name.
    archive: Option<&'static str>,
    /// Whether it exists as byte code alone, native code alone, or both.
    codes: &'static [(&'static str, &'static str)],
    inner: &'static [Self],
    /// The first major version of OCaml that it comes with, and the first that it does not come with.
    since: u16,
    until: u16,
}

const BYTE: (&str, &str) = ("byte", "cma");
const NATIVE: (&str, &str) = ("native", "cmxa");
const BOTH: &[(&str, &str)] = &[BYTE, NATIVE];

const fn library(name: &'static str, requires: &'static str, archive: &'static str) -> Library {
    Library { name, requires, archive: Some(archive), codes: BOTH, inner: &[], since: 0, until: u16::MAX }
}

const fn name(name: &'static str, requires: &'static str, inner: &'static [Library]) -> Library {
    Library { name, requires, archive: None, codes: BOTH, inner, since: 0, until: u16::MAX }
}

/// All of them, as OCaml 5's own METAs have it, and findlib for what is older.
const LIBRARIES: &[Library] = &[
    name("stdlib", "", &[]),
    // findlib's own, for programs that still ask for it.
    name("bytes", "", &[]),
    // dune's own, for programs that still ask for what is a package of its own.
    name("dune", "", &[name("configurator", "dune-configurator", &[])]),
    library("unix", "", "unix"),
    library("str", "", "str"),
    library("dynlink", "", "dynlink"),
    Library { since: 5, ..library("runtime_events", "", "runtime_events") },
    Library { until: 5, ..library("bigarray", "unix", "bigarray") },
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

/// Where native Dynlink of a target without plugins lies (and before 5, whose compiler does not say it, of the host), seen from its usual place. dune takes its presence there for
/// a sign that plugins (`.cmxs`) can be linked.
const DYNLINK_ASIDE: &str = "dynlink-native/";
/// Libraries whose files lie in the standard library's directory itself: names, and before 5 these too.
const IN_STDLIB: [&str; 3] = ["stdlib", "bytes", "dune"];
const IN_STDLIB_BEFORE_5: [&str; 4] = ["bigarray", "dynlink", "str", "unix"];

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
pub fn metas(version: OcamlVersion, world: World) -> Vec<(String, String)> {
    let meta = |library: &Library| {
        let mut text = String::new();
        let directory = if in_stdlib(library, version) { "" } else { library.name };
        line(&mut text, 0, "directory", &format!("+{directory}"));
        describe(&mut text, 0, library, (version, world));
        (format!("{}/META", library.name), text)
    };
    let there = |library: &&Library| (library.since..library.until).contains(&version.major);
    LIBRARIES.iter().filter(there).map(meta).collect()
}

fn in_stdlib(library: &Library, version: OcamlVersion) -> bool {
    IN_STDLIB.contains(&library.name) || (version.major < 5 && IN_STDLIB_BEFORE_5.contains(&library.name))
}

fn describe(text: &mut String, depth: usize, library: &Library, (version, world): (OcamlVersion, World)) {
    line(text, depth, "version", &version.to_string());
    line(text, depth, "requires", library.requires);
    for (code, extension) in library.codes {
        if let Some(archive) = library.archive {
            let aside = world == World::Target || version.major < 5;
            let aside = aside && library.name == "dynlink" && (*code, *extension) == NATIVE;
            let up = if in_stdlib(library, version) { "" } else { "../" };
            let place = if aside { format!("{up}{DYNLINK_ASIDE}") } else { String::new() };
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
        let metas = metas(OcamlVersion::new(5, 3, 0), World::Host);
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
        let text = |world| {
            metas(OcamlVersion::new(5, 3, 0), world).into_iter().find(|(path, _)| path == "dynlink/META").unwrap().1
        };
        assert!(text(World::Host).contains("archive(native) = \"dynlink.cmxa\""));
        assert!(text(World::Target).contains("archive(native) = \"../dynlink-native/dynlink.cmxa\""));
    }

    #[test]
    fn ocaml_4_has_its_libraries_in_one_directory() {
        let metas = metas(OcamlVersion::new(4, 14, 1), World::Target);
        let text = |name: &str| {
            let path = format!("{name}/META");
            metas.iter().find(|(of, _)| *of == path).map(|(_, text)| text.as_str())
        };
        assert!(text("unix").unwrap().starts_with("directory = \"+\"\n"));
        assert!(text("threads").unwrap().starts_with("directory = \"+threads\"\n"));
        assert!(text("dynlink").unwrap().contains("archive(native) = \"dynlink-native/dynlink.cmxa\""));
        assert!(text("bigarray").is_some() && text("runtime_events").is_none());
    }
}
