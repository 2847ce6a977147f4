//! findlib's configuration, for dune: one file for the host and one for each toolchain.
//!
//! dune reads findlib's files itself where `OCAMLFIND_CONF` is set, so no `ocamlfind` program is needed. Every tool is
//! named in each file: dune 3.24 ends with an internal error if one is missing (`facts/ocaml-cross.md` §12).
//! Not here: packages and their METAs.

use std::fmt::Write as _;

use crate::layout;
use crate::ocaml::byte::Code;

/// What a toolchain without native code is said to have for `ocamlopt`: a name that nothing has. dune believes in a program
/// whose path it is given, and takes the host's where it is given none.
const NO_OCAMLOPT: &str = "no-native-code";

/// Tools of an OCaml installation that findlib knows.
const TOOLS: [&str; 13] = [
    "ocaml",
    "ocamlc",
    "ocamlcp",
    "ocamldep",
    "ocamldoc",
    "ocamllex",
    "ocamlmklib",
    "ocamlmktop",
    "ocamlobjinfo",
    "ocamlopt",
    "ocamloptp",
    "ocamlrun",
    "ocamlyacc",
];

/// The configuration of the host's packages.
#[must_use]
pub fn host() -> String {
    let stdlib = format!("/{}/lib/ocaml", layout::OCAML);
    let mut text = format!(
        "path=\"/{host}/lib:/{meta}\"\ndestdir=\"/{host}/lib\"\nstdlib=\"{stdlib}\"\nldconf=\"ignore\"\n",
        host = layout::HOST,
        meta = layout::META
    );
    for tool in TOOLS {
        line(&mut text, tool, "", &format!("/{}/bin/{tool}", layout::OCAML));
    }
    text
}

/// The configuration of the toolchain called `toolchain`, whose OCaml is in `prefix`, an absolute path, and whose packages
/// are in `packages`, a path in the root; its programs are made of `code`.
#[must_use]
pub fn toolchain(toolchain: &str, prefix: &str, packages: &str, code: Code) -> String {
    let of = format!("({toolchain})");
    let stdlib = format!("{prefix}/lib/ocaml");
    let mut text = String::new();
    line(&mut text, "path", &of, &format!("/{packages}/lib:/{}", layout::CROSS_META));
    line(&mut text, "destdir", &of, &format!("/{packages}/lib"));
    line(&mut text, "stdlib", &of, &stdlib);
    line(&mut text, "ldconf", &of, "ignore");
    for tool in TOOLS {
        match (tool, code) {
            ("ocamlopt" | "ocamloptp", Code::Byte) => line(&mut text, tool, &of, NO_OCAMLOPT),
            _ => line(&mut text, tool, &of, &format!("{prefix}/bin/{tool}")),
        }
    }
    text
}

fn line(text: &mut String, name: &str, of: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name}{of}=\"{value}\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_named_for_both_worlds() {
        let (host, cross) = (host(), toolchain("t", "/opt/cross/t", "target/t", Code::Native));
        for tool in TOOLS {
            assert!(host.contains(&format!("\n{tool}=\"/opt/ocaml/bin/{tool}\"\n")), "{tool}");
            assert!(cross.contains(&format!("\n{tool}(t)=\"/opt/cross/t/bin/{tool}\"\n")), "{tool}");
        }
        assert!(cross.contains("stdlib(t)=\"/opt/cross/t/lib/ocaml\"\n"));
    }

    #[test]
    fn dune_finds_no_ocamlopt_where_there_is_none() {
        let text = toolchain("t", "/opt/cross/t", "target/t", Code::Byte);
        assert!(
            text.contains("\nocamlopt(t)=\"no-native-code\"\n") && text.contains("\nocamlc(t)=\"/opt/cross/t/"),
            "{text}"
        );
    }
}
