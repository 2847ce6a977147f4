//! Sources: bytes known by their checksum, and where they may be had.
//!
//! The checksums are what a source is; an [`Origin`] is only a hint where to look after the store and the archive mirrors.
//! Not here: the looking (`exec::fetch`).

use crate::checksum::Checksums;

/// An archive or file, by its checksums.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// A file name for messages, such as `ocaml_5.3.0.orig.tar.xz`; its ending does not decide the format.
    pub name: String,
    /// What the bytes must match, all of it.
    pub checksums: Checksums,
    /// Where to ask, in this order, after the store and the mirrors.
    pub origins: Vec<Origin>,
}

/// A place that may serve a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An `https:`, `http:` or `file:` URL.
    Url(String),
    /// The tarball of an npm package, through the machine's own `npm`.
    Npm {
        /// The package's name.
        package: String,
        /// Its exact version.
        version: String,
    },
    /// A wheel or source archive of PyPI, through the machine's own `pip`.
    Pypi {
        /// The project's name.
        package: String,
        /// Its exact version.
        version: String,
        /// Wheel platform tag to ask for, such as `manylinux_2_12_x86_64`; none for the machine's own.
        platform: Option<String>,
    },
    /// A file of Debian's archive, through the machine's own `apt-get` with private directories.
    Debian {
        /// The package's name, binary or source.
        package: String,
        /// Its exact Debian version.
        version: String,
        /// What to take.
        file: DebianFile,
    },
}

/// Which file of a Debian package is the source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DebianFile {
    /// The source package's upstream archive (`*.orig.tar.*`).
    Orig,
    /// A file inside the binary package, by its path there.
    Member(String),
    /// The binary package itself.
    Package,
}

impl Source {
    /// The identity as lower-case hexadecimal digits: 64 for SHA-256, 128 for SHA-512, 32 for MD5.
    #[must_use]
    pub fn hex(&self) -> String {
        self.checksums.identity().hex()
    }
}
