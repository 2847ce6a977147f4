//! What this program is. Not here: how it is printed.

use std::sync::LazyLock;

/// The version: `0.1.0`.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// For which machine it was compiled, and how: `x86_64-linux, release`.
pub(crate) fn build() -> String {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("{}-{}, {profile}", std::env::consts::ARCH, std::env::consts::OS)
}

/// The text of `--version`: enough to know what a report is about.
pub(crate) fn long() -> &'static str {
    static LONG: LazyLock<String> =
        LazyLock::new(|| format!("{VERSION} ({})\nmessages schema {}", build(), crate::messages::SCHEMA));
    &LONG
}
