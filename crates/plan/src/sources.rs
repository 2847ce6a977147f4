//! Where toolchains come from: every archive that a plan may ask for, by checksum.
//!
//! Several forms of one source stand in order of preference. Providers (`npm:`, `pypi:`, `debian:`) are for machines
//! that reach package registries alone; where an URL and a provider stand in one row they serve the same bytes. Every
//! row was fetched and checked, or its URL and checksum stand together in the public opam repository or in Homebrew.

use action::digest::parse_sha256;
use action::source::{DebianFile, Origin, Source};

use crate::clib::Library;
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
        Some(Source { name: name.to_owned(), checksums: parse_sha256(sha256).ok()?.into(), origins })
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
        // npm numbers it 4.14.1000.
        Release::V4_14_1 => vec![(
            "ocaml-4.14.1.tgz",
            "a238effbd1de2b4af1dd7708b8a56598bec6b4000d360a999c35352f7cdede2d",
            vec![Origin::Npm { package: "ocaml".to_owned(), version: "4.14.1000".to_owned() }],
        )],
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

/// A C library. The archives are Debian's, which are upstream's but for gmp's documentation (not free in Debian's sense).
#[must_use]
pub fn library(library: Library) -> Vec<Source> {
    let (name, sha256, package, version) = match library {
        Library::Curl => (
            "curl-8.14.1.tar.gz",
            "6766ada7101d292b42b8b15681120acd68effa4a9660935853cf6d61f0d984d4",
            "curl",
            "8.14.1-2+deb13u5",
        ),
        Library::Expat => (
            "expat-2.8.3.tar.gz",
            "533659a16e0184035a99fd8e783f1ad61a887a7bf8586a8681740b9d7ed42389",
            "expat",
            "2.8.3-1~deb13u1",
        ),
        Library::Gmp => (
            "gmp-6.3.0.tar.xz",
            "bd2966e6d277f79328e894a5a9f3ba3fbf2ed2be81def5f48623e30c23fb1572",
            "gmp",
            "2:6.3.0+dfsg-3",
        ),
        Library::Libev => (
            "libev-4.33.tar.gz",
            "507eb7b8d1015fbec5b935f34ebed15bf346bed04a11ab82b8eee848c4205aea",
            "libev",
            "1:4.33-1",
        ),
        Library::Libffi => (
            "libffi-3.4.8.tar.gz",
            "cbb7f0b3b095dc506387ec1e35b891bfb4891d05b90a495bc69a10f2293f80ff",
            "libffi",
            "3.4.8-2",
        ),
        Library::Openssl => (
            "openssl-3.0.20.tar.gz",
            "c80a01dfc70ece4dc21168932c37739042d404d46ccc81a5986dd75314ecda6f",
            "openssl",
            "3.0.20-1~deb12u2",
        ),
        Library::Pcre2 => (
            "pcre2-10.46.tar.gz",
            "8d28d7f2c3b970c3a4bf3776bcbb5adfc923183ce74bc8df1ebaad8c1985bd07",
            "pcre2",
            "10.46-1",
        ),
        Library::Sqlite3 => (
            "sqlite3-3.46.1.tar.xz",
            "d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c",
            "sqlite3",
            "3.46.1-7",
        ),
        Library::Zlib => (
            "zlib-1.3.1.tar.gz",
            "60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb",
            "zlib",
            "1:1.3.dfsg+really1.3.1-1",
        ),
    };
    sources(vec![(name, sha256, vec![debian(package, version, DebianFile::Orig)])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_checksum_is_one() {
        assert_eq!(zig().len(), 1);
        assert_eq!(ocaml(Release::V4_14_1).len(), 1);
        assert_eq!(ocaml(Release::V5_3_0).len(), 3);
        assert_eq!(ocaml(Release::V5_4_1).len(), 2);
        assert_eq!(dune(Release::V5_3_0).len(), 2);
        assert_eq!(dune(Release::V5_4_1).len(), 1);
    }
}
