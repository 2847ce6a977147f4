//! Where toolchains come from: every archive that a plan may ask for, by checksum.
//!
//! Several forms of one source are listed in order of preference; what is kept of them is chosen so that they hold the
//! same files. Providers (`npm:`, `pypi:`, `debian:`) are for machines that reach package registries alone
//! (`facts/ocaml-cross.md` §2).

use action::digest::parse_sha256;
use action::source::{DebianFile, Origin, Source};

use crate::ocaml::Release;

fn source(name: &str, sha256: &str, origins: Vec<Origin>) -> Option<Source> {
    Some(Source { name: name.to_owned(), sha256: parse_sha256(sha256).ok()?, origins })
}

fn debian(package: &str, version: &str, file: DebianFile) -> Origin {
    Origin::Debian { package: package.to_owned(), version: version.to_owned(), file }
}

/// zig 0.17.1 for a build machine of x86_64 Linux: the wheel of `ziglang`.
#[must_use]
pub fn zig() -> Vec<Source> {
    let wheel = Origin::Pypi {
        package: "ziglang".to_owned(),
        version: "0.17.1".to_owned(),
        platform: Some("manylinux_2_12_x86_64".to_owned()),
    };
    source(
        "ziglang-0.17.1-x86_64.whl",
        "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
        vec![wheel],
    )
    .into_iter()
    .collect()
}

/// A release of OCaml.
#[must_use]
pub fn ocaml(release: Release) -> Vec<Source> {
    let orig = |version: &str| debian("ocaml", version, DebianFile::Orig);
    let npm = |version: &str| Origin::Npm { package: "ocaml".to_owned(), version: version.to_owned() };
    let sources = match release {
        Release::V5_3_0 => vec![
            source(
                "ocaml_5.3.0.orig.tar.xz",
                "b0229336d9ebe0af905954bcd1ae5b293306bbcb08c01ead03500d9e5bc90164",
                vec![orig("5.3.0-3")],
            ),
            source(
                "ocaml-5.3.0.tgz",
                "c4108bac7b45c46325f0e15a988c308f7785cd6c4d29dac190df06f543f7c992",
                vec![npm("5.3.0")],
            ),
        ],
        Release::V5_4_1 => vec![source(
            "ocaml_5.4.1.orig.tar.xz",
            "b1e297adc186635540758eb064c7fab025598ae4436f3b9767e5025188b4e0ab",
            vec![orig("5.4.1-1")],
        )],
    };
    sources.into_iter().flatten().collect()
}

/// dune.
#[must_use]
pub fn dune() -> Vec<Source> {
    source(
        "dune-3.24.1.tar.bz2",
        "0a8eaa62dfcb945802bcaf9a6f2026ca5228333ee391a1bdedd3e70a3f26ea2c",
        vec![],
    )
    .into_iter()
    .collect()
}
