//! `pkg-config`, run by the shell over files of its own.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a script is tested by running it; the crate itself does no IO"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Path below the prefix, and contents.
const FILES: &[(&str, &str)] = &[
    (
        "lib/pkgconfig/gmp.pc",
        "prefix=/target\nexec_prefix=${prefix}\nlibdir=${exec_prefix}/lib\nincludedir = ${prefix}/include\n\n\
         Name: GNU MP\nDescription: bignums\nURL: https://gmplib.org\nVersion: 6.3.0\n\
         Cflags: -I${includedir}\nLibs: -L${libdir} -lgmp\n",
    ),
    (
        "lib/pkgconfig/ssl.pc",
        "libdir=/target/lib\nName: ssl\nDescription: tls\nVersion: 3.0.20\nRequires.private: crypto >= 3.0, gmp\n\
         Libs: -L${libdir} -lssl\nLibs.private: -pthread\nCflags: -I/target/include/ssl\n",
    ),
    (
        "share/pkgconfig/crypto.pc",
        "# a comment\r\nName: crypto\r\nDescription: c\r\nVersion: 3.0.20\r\n\
         Libs: -L/target/lib -lcrypto \\\n -pthread\nLibs.private: -ldl \"-L/with space\" -Wl,-z,now\n\
         Cflags: -I/target/include -DX='a \"b\"' # not this\nCflags.private: -DSTATIC\n",
    ),
    ("lib/pkgconfig/old.pc", "Name: old\nDescription: o\nVersion: 1.0\nRequires: gmp < 6\nLibs: -lold\n"),
    (
        "lib/pkgconfig/orphan.pc",
        "Name: orphan\nDescription: o\nVersion: 1.0\nRequires.private: nowhere\nLibs: -lorphan\n",
    ),
    ("lib/pkgconfig/loop-a.pc", "Name: a\nDescription: a\nVersion: 1\nRequires: loop-b\nLibs: -la -framework Frame\n"),
    (
        "lib/pkgconfig/loop-b.pc",
        "Name: b\nDescription: b\nVersion: 2rc1\nRequires: loop-a\nLibs: -lb -framework Frame\n",
    ),
    (
        "lib/pkgconfig/odd.pc",
        "sharp=a\\#b\nprice=$$5\nquoted=\"some text\"\nhere=${pcfiledir}\nName: odd\nDescription:\nVersion: 1~beta2\n\
         Cflags: -DS=${sharp} -DP=${price} -DQ=\\\"q\\\" -isystem /x -I /y\nLibs: -L /z -l odd ${nothing}\n",
    ),
];

/// What is asked, what is printed (`@` stands for the prefix), whether it succeeds.
const CASES: &[(&[&str], &str, bool)] = &[
    (&["--version"], "1.8.1\n", true),
    (&["--atleast-pkgconfig-version", "0.9.0"], "", true),
    (&["--atleast-pkgconfig-version=2"], "", false),
    (&["--exists", "gmp"], "", true),
    (&["--exists", "gmp", "crypto"], "", true),
    (&["--exists", "nowhere"], "", false),
    (&["--exists", "gmp", "nowhere"], "", false),
    (&["--exists", "orphan"], "", false),
    (&["--exists", "gmp >= 6"], "", true),
    (&["--exists", "gmp>=6,crypto<4 ssl"], "", true),
    (&["--exists", "gmp", ">=", "6.3.0"], "", true),
    (&["--exists", "gmp > 6.3.0"], "", false),
    (&["--exists", "gmp < 6.10"], "", true),
    (&["--exists", "gmp != 6.3.0"], "", false),
    (&["--exists", "gmp = 6.3"], "", false),
    (&["--exists", "loop-b < 2.0"], "", true),
    (&["--exists", "odd < 1"], "", true),
    (&["--exists", "odd > 1~beta1"], "", true),
    (&["--atleast-version=6.2", "gmp"], "", true),
    (&["--atleast-version", "6.4", "gmp"], "", false),
    (&["--exact-version=6.3.0", "gmp"], "", true),
    (&["--exact-version=6.3.1", "gmp"], "", false),
    (&["--max-version=6.3.0", "gmp"], "", true),
    (&["--max-version=6.2.9", "gmp"], "", false),
    (&["--modversion", "gmp"], "6.3.0\n", true),
    (&["--modversion", "ssl", "gmp"], "3.0.20\n6.3.0\n", true),
    (&["--cflags", "gmp"], "-I/target/include\n", true),
    (&["--libs", "gmp"], "-L/target/lib -lgmp\n", true),
    (&["--cflags", "--libs", "gmp"], "-I/target/include -L/target/lib -lgmp\n", true),
    // All is static, asked for or not; a library comes before what it needs.
    (&["--libs", "ssl"], "-L/target/lib -L/with\\ space -lssl -pthread -lcrypto -ldl -Wl,-z,now -lgmp\n", true),
    (
        &["--libs", "--static", "gmp", "ssl"],
        "-L/target/lib -L/with\\ space -lssl -pthread -lcrypto -ldl -Wl,-z,now -lgmp\n",
        true,
    ),
    (&["--libs", "crypto", "gmp"], "-L/target/lib -L/with\\ space -lcrypto -pthread -ldl -Wl,-z,now -lgmp\n", true),
    (&["--libs-only-l", "ssl"], "-lssl -lcrypto -ldl -lgmp\n", true),
    (&["--libs-only-L", "ssl"], "-L/target/lib -L/with\\ space\n", true),
    (&["--libs-only-other", "ssl"], "-pthread -Wl,-z,now\n", true),
    (&["--libs-only-other", "gmp"], "\n", true),
    (&["--cflags", "ssl"], "-DX=a\\ \\\"b\\\" -DSTATIC -I/target/include/ssl -I/target/include\n", true),
    (&["--cflags-only-I", "ssl"], "-I/target/include/ssl -I/target/include\n", true),
    (&["--cflags-only-other", "ssl"], "-DX=a\\ \\\"b\\\" -DSTATIC\n", true),
    // Modules that need each other end, and arguments in two words stay together.
    (&["--libs", "loop-a"], "-la -framework Frame -lb -framework Frame\n", true),
    (&["--cflags", "odd"], "-DS=a\\#b -DP=\\$5 -DQ=\\\"q\\\" -isystem /x -I/y\n", true),
    (&["--silence-errors", "--libs", "odd"], "-L/z -lodd\n", true),
    (&["--variable=libdir", "gmp"], "/target/lib\n", true),
    (&["--variable", "includedir", "gmp"], "/target/include\n", true),
    (&["--variable=none", "gmp"], "\n", true),
    (&["--variable=quoted", "odd"], "some text\n", true),
    (&["--variable=here", "odd"], "@/lib/pkgconfig\n", true),
    (&["--define-variable=prefix=/p", "--libs", "gmp"], "-L/p/lib -lgmp\n", true),
    (&["--define-variable=prefix=/p", "--variable=prefix", "gmp"], "/p\n", true),
    (&["--variable=pc_path", "pkg-config"], "@/lib/pkgconfig:@/share/pkgconfig\n", true),
    (&["--print-requires", "loop-a"], "loop-b\n", true),
    (&["--print-requires-private", "ssl"], "crypto >= 3.0\ngmp\n", true),
    (&["--list-package-names"], "gmp\nloop-a\nloop-b\nodd\nold\norphan\nssl\ncrypto\n", true),
    (&["--uninstalled", "gmp"], "", false),
    (
        &["--errors-to-stdout", "--print-errors", "--exists", "nowhere"],
        "Package 'nowhere' not found in @/lib/pkgconfig:@/share/pkgconfig\n",
        false,
    ),
    (
        &["--errors-to-stdout", "--libs", "orphan"],
        "Package 'nowhere', required by 'orphan', not found in @/lib/pkgconfig:@/share/pkgconfig\n",
        false,
    ),
    (&["--errors-to-stdout", "--cflags", "gmp >= 7"], "Requested 'gmp >= 7' but version of gmp is 6.3.0\n", false),
    (&["--errors-to-stdout", "--libs", "old"], "Package 'old' requires 'gmp < 6' but version of gmp is 6.3.0\n", false),
    (&["--errors-to-stdout", "--silence-errors", "--libs", "nowhere"], "", false),
    (&["--libs"], "", false),
    (&["--no-such-option", "gmp"], "", false),
];

/// A prefix of the test's own, with the program in it.
fn prefix(name: &str) -> PathBuf {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if prefix.exists() {
        fs::remove_dir_all(&prefix).unwrap();
    }
    for (path, contents) in FILES {
        let path = prefix.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    fs::write(prefix.join("pkg-config"), plan::pkg_config::script(prefix.to_str().unwrap())).unwrap();
    prefix
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Command {
    let mut line = Command::new("sh");
    line.env_clear().env("PATH", "/usr/bin:/bin").arg(prefix.join("pkg-config")).args(arguments);
    line
}

#[test]
fn it_answers_as_expected() {
    let prefix = prefix("answers");
    for (arguments, expected, success) in CASES {
        let output = pkg_config(&prefix, arguments).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(printed, expected.replace('@', prefix.to_str().unwrap()), "{arguments:?}: {told}");
        assert_eq!(output.status.success(), *success, "{arguments:?}: {told}");
    }
}

#[test]
fn the_environment_does_not_lead_it_astray() {
    let (prefix, other) = (prefix("here"), prefix("elsewhere"));
    fs::write(other.join("lib/pkgconfig/stranger.pc"), "Name: s\nDescription: s\nVersion: 1\n").unwrap();
    let elsewhere = other.join("lib/pkgconfig");
    let mut line = pkg_config(&prefix, &["--exists", "stranger"]);
    for name in ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
        line.env(name, &elsewhere);
    }
    assert!(!line.status().unwrap().success());
    let mut line = pkg_config(&prefix, &["--cflags", "gmp"]);
    line.env("PKG_CONFIG_SYSROOT_DIR", "/sysroot").env("PKG_CONFIG_PREFIX", "/p");
    assert_eq!(line.output().unwrap().stdout, b"-I/target/include\n");
    // The same question where the module is: it could have been found.
    assert!(pkg_config(&other, &["--exists", "stranger"]).status().unwrap().success());
}

#[test]
fn what_goes_wrong_is_told_unless_only_existence_was_asked() {
    let prefix = prefix("errors");
    let told = |arguments: &[&str]| {
        let output = pkg_config(&prefix, arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(told(&["--exists", "nowhere"]), "");
    assert!(told(&["--libs", "nowhere"]).contains("'nowhere'"));
    assert!(told(&["--print-errors", "--exists", "nowhere"]).contains("'nowhere'"));
    assert!(told(&["--no-such-option", "gmp"]).contains("--no-such-option"));
}

/// pkgconf knows targets by `--personality`; a target's script takes its own for what it is, and no other.
#[test]
fn a_target_may_be_asked_for_by_name() {
    let prefix = prefix("personality");
    let script = plan::pkg_config::script_of("x86_64-w64-mingw32", prefix.to_str().unwrap());
    fs::write(prefix.join("pkg-config"), script).unwrap();
    let ask = |personality: &str| {
        let output = pkg_config(&prefix, &[personality, "--cflags", "gmp >= 6"]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(ask("--personality=x86_64-w64-mingw32"), (true, "-I/target/include\n".to_owned()));
    assert_eq!(ask("--personality=i686-w64-mingw32"), (false, String::new()));
}
