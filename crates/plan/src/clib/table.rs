//! The rows: which C libraries there are, and every fact about each.
//!
//! Not here: what a CPU changes about them ([`super::machines`]), and where their sources come from ([`crate::sources`]).

use action::graph::{Base, Tool};

use crate::target::Os;

/// A C library we build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Library {
    /// `libcurl`, transfers over the network.
    Curl,
    /// XML parser.
    Expat,
    /// GNU multiple precision arithmetic.
    Gmp,
    /// Event loop.
    Libev,
    /// Calls of functions whose types are known at run time only.
    Libffi,
    /// `libssl` and `libcrypto`.
    Openssl,
    /// Perl-compatible regular expressions, 8-bit.
    Pcre2,
    /// The database.
    Sqlite3,
    /// Compression.
    Zlib,
}

/// A row of the table.
#[derive(Debug)]
pub struct Facts {
    /// Its name, for people and on command lines.
    pub name: &'static str,
    /// The version that is built.
    pub version: &'static str,
    /// What `pkg-config` knows it by.
    pub modules: &'static [&'static str],
    /// Packages of the opam repository that stand for it.
    pub conf: &'static [&'static str],
    /// The script of its recipe, below [`crate::layout::BACTRIAN`].
    pub(super) recipe: &'static str,
    /// The recipe's files.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Where it is made by another recipe.
    pub(super) port: Option<Port>,
    /// What of its sources no build reads.
    pub(super) leave_out: &'static [&'static str],
    /// Libraries that it is linked with: whoever has it has these as well.
    pub uses: &'static [Library],
    /// Tools its build wants that not every root has.
    pub(super) needs: Option<Extra>,
}

/// Systems that are so unlike the others that a library has a recipe of its own for them.
#[derive(Debug)]
pub(super) struct Port {
    /// The systems.
    systems: &'static [Os],
    /// The script of the recipe, below [`crate::layout::BACTRIAN`].
    recipe: &'static str,
    /// The recipe's files.
    files: &'static [(&'static str, &'static str)],
}

impl Facts {
    /// The script and the files that make it for `os`.
    pub(super) fn recipe_for(&self, os: Os) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match &self.port {
            Some(port) if port.systems.contains(&os) => (port.recipe, port.files),
            _ => (self.recipe, self.files),
        }
    }
}

/// Tools that not every root has: each is an image of its own, which lies over the base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extra {
    /// m4, which the base image has only where the machine does; here its absence is an error.
    M4,
    /// perl and its own library.
    Perl,
    /// Runs programs for 32-bit x86 on a machine that cannot.
    QemuI386,
}

/// Where distributions have perl's own library: Debian's three; below that those of Fedora, Alpine and Arch.
const PERL_LIBRARY: &[&str] = &[
    "/usr/lib/*/perl-base",
    "/usr/lib/*/perl/5*",
    "/usr/share/perl/5*",
    "/usr/lib64/perl5",
    "/usr/lib/perl5",
    "/usr/share/perl5",
];

impl Extra {
    /// The image that has it.
    pub(super) fn image(self) -> Base {
        // The tool and Debian's package of it.
        let (name, package, data) = match self {
            Self::M4 => ("m4", "m4", &[] as &[_]),
            Self::Perl => ("perl", "perl", PERL_LIBRARY),
            Self::QemuI386 => ("qemu-i386", "qemu-user", &[] as &[_]),
        };
        let tool = Tool { names: vec![name.to_owned()], required: true, package: package.to_owned() };
        let data = data.iter().map(|pattern| (*pattern).to_owned()).collect();
        Base { tools: vec![tool], libraries: Vec::new(), data }
    }
}

/// Systems whose C libraries come of BSD.
const BSD: &[Os] = &[Os::MacOs, Os::FreeBsd];

/// The files of a recipe: what all share, and its own.
macro_rules! files {
    ($($name:literal),+) => {
        &[
            ("clib/common.sh", include_str!("../../recipes/clib/common.sh")),
            $((concat!("clib/", $name), include_str!(concat!("../../recipes/clib/", $name)))),+
        ]
    };
}

const CURL: Facts = Facts {
    name: "curl",
    version: "8.14.1",
    modules: &["libcurl"],
    conf: &["conf-libcurl"],
    recipe: "clib/curl.sh",
    files: files!["curl.sh", "libtool-compile.sh"],
    port: None,
    leave_out: &[
        "CMake",
        "docs/cmdline-opts/*.md",
        "docs/internals",
        "docs/libcurl/*.md",
        "docs/libcurl/opts/*.md",
        "plan9",
        "projects",
        "tests/data/test*",
        "winbuild",
    ],
    uses: &[Library::Openssl, Library::Zlib],
    needs: None,
};

const EXPAT: Facts = Facts {
    name: "expat",
    version: "2.8.3",
    modules: &["expat"],
    conf: &["conf-expat"],
    recipe: "clib/expat.sh",
    files: files!["expat.sh", "expat-config.h"],
    port: Some(Port { systems: BSD, recipe: "clib/expat-bsd.sh", files: files!["expat-bsd.sh", "expat-config.h"] }),
    leave_out: &["testdata", "expat/doc", "expat/examples", "expat/fuzz", "expat/tests", "expat/win32", "expat/xmlwf"],
    uses: &[],
    needs: None,
};

const GMP: Facts = Facts {
    name: "gmp",
    version: "6.3.0",
    modules: &["gmp"],
    conf: &["conf-gmp", "conf-gmp-powm-sec"],
    recipe: "clib/gmp.sh",
    files: files!["gmp.sh", "libtool-compile.sh"],
    port: None,
    leave_out: &[],
    uses: &[],
    needs: Some(Extra::M4),
};

const LIBEV: Facts = Facts {
    name: "libev",
    version: "4.33",
    modules: &["libev"],
    conf: &["conf-libev"],
    recipe: "clib/libev.sh",
    files: files!["libev.sh"],
    port: None,
    leave_out: &[],
    uses: &[],
    needs: None,
};

const LIBFFI: Facts = Facts {
    name: "libffi",
    version: "3.4.8",
    modules: &["libffi"],
    conf: &["conf-libffi"],
    recipe: "clib/libffi.sh",
    files: files!["libffi.sh", "libffi-config.h"],
    port: None,
    leave_out: &["testsuite", "doc", "man", "msvc_build", "libffi.xcodeproj"],
    uses: &[],
    needs: None,
};

const OPENSSL: Facts = Facts {
    name: "openssl",
    version: "3.0.20",
    modules: &["libcrypto", "libssl", "openssl"],
    conf: &["conf-libssl", "conf-openssl"],
    recipe: "clib/openssl.sh",
    files: files!["openssl.sh"],
    port: None,
    leave_out: &["demos", "test", "wycheproof"],
    uses: &[],
    needs: Some(Extra::Perl),
};

const PCRE2: Facts = Facts {
    name: "pcre2",
    version: "10.46",
    modules: &["libpcre2-8", "libpcre2-posix"],
    conf: &["conf-libpcre2-8"],
    recipe: "clib/pcre2.sh",
    files: files!["pcre2.sh"],
    port: None,
    leave_out: &["testdata"],
    uses: &[],
    needs: None,
};

const SQLITE3: Facts = Facts {
    name: "sqlite3",
    version: "3.46.1",
    modules: &["sqlite3"],
    conf: &["conf-sqlite3"],
    recipe: "clib/sqlite3.sh",
    files: files!["sqlite3.sh", "sqlite3-opcodes.awk"],
    port: None,
    leave_out: &["art", "autoconf", "contrib", "doc", "mptest", "test", "vsixtest", "ext/wasm", "ext/jni"],
    uses: &[],
    needs: None,
};

const ZLIB: Facts = Facts {
    name: "zlib",
    version: "1.3.1",
    modules: &["zlib"],
    conf: &["conf-zlib"],
    recipe: "clib/zlib.sh",
    files: files!["zlib.sh"],
    port: None,
    leave_out: &["contrib", "doc", "examples", "test"],
    uses: &[],
    needs: None,
};

impl Library {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Curl,
        Self::Expat,
        Self::Gmp,
        Self::Libev,
        Self::Libffi,
        Self::Openssl,
        Self::Pcre2,
        Self::Sqlite3,
        Self::Zlib,
    ];

    /// Everything that is known of it.
    #[must_use]
    pub const fn facts(self) -> &'static Facts {
        match self {
            Self::Curl => &CURL,
            Self::Expat => &EXPAT,
            Self::Gmp => &GMP,
            Self::Libev => &LIBEV,
            Self::Libffi => &LIBFFI,
            Self::Openssl => &OPENSSL,
            Self::Pcre2 => &PCRE2,
            Self::Sqlite3 => &SQLITE3,
            Self::Zlib => &ZLIB,
        }
    }

    /// The library called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|library| library.facts().name == name)
    }

    /// The library that the opam package `conf` stands for.
    #[must_use]
    pub fn for_conf(conf: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|library| library.facts().conf.contains(&conf))
    }
}
