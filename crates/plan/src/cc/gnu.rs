//! What compilers that take gcc's options say of themselves, and how their tools are named.
//!
//! # Source
//! gcc's manual, "Developer Options" (`-print-search-dirs`) and "Preprocessor Options" (`-v`); clang answers alike.
//! Not here: asking them (`bactrian`).

/// Directories that belong to a machine and not to one compiler on it, below `/` and `/usr`.
const SHARED: &[&str] =
    &["", "bin", "include", "lib", "lib32", "lib64", "libexec", "local", "opt", "sbin", "share", "usr"];

/// What compilers are called, after the prefix that tells the target; the longest first.
const COMPILERS: &[&str] = &["clang", "gcc", "cc"];

/// How tools are named that belong to clang.
pub const LLVM_PREFIX: &str = "llvm-";

/// The directories that a compiler searches, of what it wrote for `-print-search-dirs` and for `-E -v`; without those that
/// belong to the machine. Sorted, none twice, without `..`.
#[must_use]
pub fn own_directories(search_dirs: &str, verbose: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in search_dirs.lines() {
        let Some((what, list)) = line.split_once(": ") else { continue };
        if matches!(what, "install" | "programs" | "libraries") {
            found.extend(list.trim_start_matches('=').split(':'));
        }
    }
    let included = verbose.lines().skip_while(|line| !line.starts_with("#include <")).skip(1);
    found.extend(included.take_while(|line| line.starts_with(' ')).map(str::trim));
    let mut own: Vec<_> =
        found.into_iter().filter(|path| path.starts_with('/')).map(normal).filter(|path| !is_shared(path)).collect();
    own.sort();
    own.dedup();
    own
}

/// Whether a directory belongs to a whole machine: taking it would take the machine.
#[must_use]
pub fn is_shared(directory: &str) -> bool {
    let below = directory.trim_matches('/');
    let below = below.strip_prefix("usr/").unwrap_or(below);
    let below = below.strip_prefix("local/").unwrap_or(below);
    // A processor's own directory of libraries or headers: /usr/lib/x86_64-linux-gnu.
    let multiarch = ["lib/", "include/"].iter().find_map(|directory| below.strip_prefix(directory));
    SHARED.contains(&below) || multiarch.is_some_and(|name| name.ends_with("-linux-gnu") && !name.contains('/'))
}

/// The path without `.` and `..`, by its text alone.
fn normal(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// What the names of a compiler's tools begin with: `aarch64-linux-gnu-` for `aarch64-linux-gnu-gcc-12`, nothing for
/// `gcc`; `None` for a name that does not say.
#[must_use]
pub fn tool_prefix(compiler: &str) -> Option<&str> {
    let at = COMPILERS.iter().find_map(|name| {
        let at = compiler.rfind(name)?;
        let rest = compiler.get(at + name.len()..)?;
        (rest.is_empty() || rest.starts_with('-')).then_some(at)
    })?;
    compiler.get(..at).filter(|prefix| prefix.is_empty() || prefix.ends_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_in_the_systems_directories_has_its_own_ones_there() {
        let search = "install: /usr/lib/gcc/x86_64-w64-mingw32/12-posix/\n\
             programs: =/usr/lib/gcc/x86_64-w64-mingw32/12-posix/:/usr/lib/gcc/x86_64-w64-mingw32/12-posix/../../../../x86_64-w64-mingw32/bin/\n\
             libraries: =/usr/lib/gcc/x86_64-w64-mingw32/12-posix/:/lib/:/usr/lib/x86_64-linux-gnu/:/usr/lib/";
        let verbose = "ignoring nonexistent directory \"/x\"\n#include \"...\" search starts here:\n\
             #include <...> search starts here:\n /usr/lib/gcc/x86_64-w64-mingw32/12-posix/include\n \
             /usr/lib/gcc/x86_64-w64-mingw32/12-posix/../../../../x86_64-w64-mingw32/include\n /usr/local/include\n\
             End of search list.\n";
        assert_eq!(
            own_directories(search, verbose),
            [
                "/usr/lib/gcc/x86_64-w64-mingw32/12-posix",
                "/usr/lib/gcc/x86_64-w64-mingw32/12-posix/include",
                "/usr/x86_64-w64-mingw32/bin",
                "/usr/x86_64-w64-mingw32/include",
            ]
        );
        assert_eq!(own_directories("", ""), Vec::<String>::new());
    }

    #[test]
    fn tools_are_named_like_their_compiler() {
        for (compiler, prefix) in [
            ("aarch64-linux-gnu-gcc-12", Some("aarch64-linux-gnu-")),
            ("x86_64-w64-mingw32-gcc-posix", Some("x86_64-w64-mingw32-")),
            ("aarch64-linux-android21-clang", Some("aarch64-linux-android21-")),
            ("gcc", Some("")),
            ("clang-14", Some("")),
            ("x-cc", Some("x-")),
            ("tcc", None),
            ("compiler.sh", None),
        ] {
            assert_eq!(tool_prefix(compiler), prefix, "{compiler}");
        }
    }

    #[test]
    fn what_belongs_to_the_machine() {
        for shared in
            ["/", "/usr", "/usr/bin/", "/lib", "/usr/local", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/opt"]
        {
            assert!(is_shared(shared), "{shared}");
        }
        for own in ["/usr/x86_64-w64-mingw32", "/opt/gcc", "/usr/lib/llvm-14", "/usr/lib/gcc/x86_64-linux-gnu/12"] {
            assert!(!is_shared(own), "{own}");
        }
    }
}
