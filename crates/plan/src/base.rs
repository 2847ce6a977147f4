//! The base image: which tools of the build machine make the small system that every root has.
//!
//! perl is not among them: its library is twenty times as many files as everything else together, and only some builds
//! of C libraries ask for it; those roots get an image of their own on top.

use action::graph::{Base, Tool};

/// Debian package, names, whether the image is useless without it. Names joined by commas are alternatives.
const TOOLS: &[(&str, &str, bool)] = &[
    ("dash", "sh", true),
    ("bash", "bash", true),
    ("coreutils", COREUTILS, true),
    ("sed", "sed", true),
    ("grep", "grep egrep fgrep", true),
    ("mawk", "awk", true),
    ("findutils", "find xargs", true),
    ("tar", "tar", true),
    ("gzip", "gzip gunzip zcat", true),
    ("bzip2", "bzip2 bunzip2", true),
    ("xz-utils", "xz unxz", true),
    ("make", "make,gmake", true),
    ("patch", "patch", true),
    ("diffutils", "diff cmp", true),
    ("m4", "m4", false),
    ("hostname", "hostname", true),
    ("debianutils", "which", true),
    ("libc-bin", "getconf", true),
    ("zstd", "zstd unzstd", false),
    ("unzip", "unzip", false),
];

const COREUTILS: &str = "[ arch b2sum base32 base64 basename cat chgrp chmod chown cksum comm cp csplit cut date dd df \
                         dir dirname du echo env expand expr factor false fmt fold groups head id install join link \
                         ln logname ls md5sum mkdir mkfifo mktemp mv nice nl nohup nproc numfmt od paste pathchk pr \
                         printenv printf pwd readlink realpath rm rmdir seq sha1sum sha224sum sha256sum sha384sum \
                         sha512sum shuf sleep sort split stat stty sum sync tac tail tee test timeout touch tr true \
                         truncate tsort tty uname unexpand uniq unlink wc whoami yes";

/// All of glibc's own: a program linked for an older glibc names those that newer ones have merged
/// (`facts/ocaml-cross.md` §11). Absent ones are left out.
pub(crate) const LIBRARIES: &[&str] = &[
    "libBrokenLocale.so.1",
    "libanl.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libmvec.so.1",
    "libnss_files.so.2",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

/// The base image of every root.
#[must_use]
pub fn image() -> Base {
    let tool = |package: &str, names: &str, required| Tool {
        names: names.split(',').map(str::to_owned).collect(),
        required,
        package: package.to_owned(),
    };
    let tools = TOOLS.iter().flat_map(|(package, names, required)| {
        names.split_whitespace().map(move |names| tool(package, names, *required))
    });
    Base {
        tools: tools.collect(),
        libraries: LIBRARIES.iter().map(|name| (*name).to_owned()).collect(),
        data: Vec::new(),
    }
}
