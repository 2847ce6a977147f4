//! menhir's sources: a real program of some size, for the demo and the tests.

use std::path::Path;

use action::digest::parse_sha256;
use action::graph::Fetch;
use action::source::{DebianFile, Origin, Source};
use exec::fetch::config::registry_environment;
use exec::fetch::{FetchConfig, Fetcher, Mirror};
use exec::unpack::{Spec, unpack};

/// Newest first; the older one is what Debian's stable suite serves.
fn sources() -> Fetch {
    let debian = |version: &str| Origin::Debian {
        package: "menhir".to_owned(),
        version: version.to_owned(),
        file: DebianFile::Orig,
    };
    let rows = [
        (
            "menhir_20260209+ds.orig.tar.xz",
            "f7f8535e1b95c693be8805bc6eaa624a3f4d0c1bbdfcdf5d76ae1e00e5147a80",
            debian("20260209+ds-3"),
        ),
        (
            "menhir-20260209.tar.bz2",
            "06f6e571aadd7d66cc3da808052d9a65f8be96fe27e0ad7e57bbbf8c20f4a832",
            Origin::Url(
                "https://gitlab.inria.fr/fpottier/menhir/-/archive/20260209/menhir-20260209.tar.bz2".to_owned(),
            ),
        ),
        (
            "menhir_20240715+ds.orig.tar.xz",
            "6adc86fdd54309e3acc309b61266d43ea1206cdb772cfabd58d73c7116ad6cf3",
            debian("20240715+ds-1"),
        ),
    ];
    let source = |(name, sha256, origin): (&str, &str, Origin)| {
        Some(Source { name: name.to_owned(), checksums: parse_sha256(sha256).ok()?.into(), origins: vec![origin] })
    };
    Fetch { label: "menhir".to_owned(), alternatives: rows.into_iter().filter_map(source).collect() }
}

/// Fetches menhir and unpacks it into `directory`, unless it is there.
pub(crate) fn fetch(directory: &Path) -> Result<(), String> {
    if directory.join("dune-project").is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut config = FetchConfig::new(registry_environment(std::env::vars_os()), scratch.path().join("apt"));
    let mirrors = std::env::var("BACTRIAN_MIRROR").unwrap_or_default();
    config.mirrors = mirrors.split_whitespace().map(Mirror::parse).collect();
    let fetched = Fetcher::new(config).fetch_any(&sources(), scratch.path(), &|_, _| ());
    let fetched = fetched.map_err(|error| {
        let tries = error.attempts.iter().map(|attempt| format!("\n  {}: {}", attempt.place, attempt.cause));
        format!("no place has menhir's sources{}", tries.collect::<String>())
    })?;
    // Upstream's archive does not build with its documentation in it.
    let leave_out = action::pattern::Pattern::new("doc").map_err(|error| error.to_string())?;
    let spec = Spec { strip: 1, leave_out: vec![leave_out], ..Spec::default() };
    unpack(&fetched.path, directory, &spec).map_err(|error| error.to_string())?;
    Ok(())
}
