//! What a compiler's arguments mean to us: which of them name files that it reads, and which are libraries.
//!
//! # Source
//! gcc's manual, "Options for Directory Search", "Options for Linking" and "Preprocessor Options"; clang's command-line
//! reference; GNU ld's manual, "Command-line Options".
//!
//! Only options that are known to name what is read are looked into: `-Wl,-rpath=/usr/lib` and `-DSYSCONFDIR=/etc` speak of
//! the machine that a program will run on. Not here: whether the files exist.

/// A path in an argument, and what is around it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read<'f> {
    /// The option that it is written together with.
    pub before: &'f str,
    /// The absolute path of what is read.
    pub path: &'f str,
    /// Further arguments of the linker.
    pub after: &'f str,
}

/// Options whose path follows at once.
const JOINED: &[&str] = &[
    "--config=",
    "--gcc-install-dir=",
    "--gcc-toolchain=",
    "--ld-path=",
    "--specs=",
    "--sysroot=",
    "-B",
    "-F",
    "-I",
    "-L",
    "-T",
    "-Wa,-I",
    "-fplugin=",
    "-fprofile-instr-use=",
    "-fprofile-use=",
    "-fuse-ld=",
    "-idirafter",
    "-iframework",
    "-imacros",
    "-include",
    "-iquote",
    "-isysroot",
    "-isystem",
    "-ivfsoverlay",
    "-resource-dir=",
    "-specs=",
];

/// Options of the linker whose path follows `=` or a comma, with one minus sign or two.
const LINKER: &[&str] = &[
    "T",
    "dynamic-list",
    "force_load",
    "just-symbols",
    "library-path",
    "rpath-link",
    "script",
    "sysroot",
    "version-script",
];

/// Options whose argument is the next one, and not a path of something that is read here.
const OTHER: &[&str] = &[
    "-D",
    "-MF",
    "-MJ",
    "-MQ",
    "-MT",
    "-U",
    "-Xassembler",
    "-Xclang",
    "-Xlinker",
    "-Xpreprocessor",
    "-aux-info",
    "-dumpdir",
    "-dylib_install_name",
    "-dynamic-linker",
    "-e",
    "-install_name",
    "-o",
    "-rpath",
    "-u",
];

/// Options of links whose argument is the next one, so that nothing is put between.
const PAIRED: &[&str] = &[
    "--sysroot",
    "-B",
    "-F",
    "-I",
    "-L",
    "-T",
    "-Xclang",
    "-Xlinker",
    "-arch",
    "-e",
    "-framework",
    "-isysroot",
    "-isystem",
    "-o",
    "-rpath",
    "-target",
    "-u",
    "-x",
    "-z",
];

/// For each of a compiler's arguments, the absolute path in it of what the compiler reads.
pub fn read(flags: &[String]) -> impl Iterator<Item = Option<Read<'_>>> {
    let before = std::iter::once("").chain(flags.iter().map(String::as_str));
    flags.iter().zip(before).map(|(flag, before)| read_in(before, flag))
}

fn read_in<'f>(option: &str, flag: &'f str) -> Option<Read<'f>> {
    if flag.starts_with('/') {
        return (!OTHER.contains(&option)).then_some(Read { before: "", path: flag, after: "" });
    }
    if let Some(at) = linker_path(flag) {
        let (before, rest) = flag.split_at_checked(at)?;
        let (path, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
        return path.starts_with('/').then_some(Read { before, path, after });
    }
    let path_of = |option: &&str| flag.strip_prefix(*option).filter(|rest| rest.starts_with('/'));
    let path = JOINED.iter().find_map(path_of)?;
    Some(Read { before: flag.strip_suffix(path)?, path, after: "" })
}

/// Where the path begins in an argument for the linker, if its first option has one.
fn linker_path(flag: &str) -> Option<usize> {
    let option = flag.strip_prefix("-Wl,-")?;
    let option = option.strip_prefix('-').unwrap_or(option);
    let rest = LINKER
        .iter()
        .find_map(|name| option.strip_prefix(name)?.strip_prefix(['=', ',']))
        .or_else(|| option.strip_prefix('L'))?;
    Some(flag.len() - rest.len())
}

/// Arguments of a link, and the libraries at their end with what is said of them: a linker takes of an archive what was asked
/// for before it, so these have to follow the objects. What follows a library stays behind it: `-Wl,--end-group`.
#[must_use]
pub fn split_libraries(flags: &[String]) -> (&[String], &[String]) {
    let before = std::iter::once("").chain(flags.iter().map(String::as_str));
    let alone: Vec<_> = flags.iter().zip(before).map(|(flag, before)| (flag, !PAIRED.contains(&before))).collect();
    if !alone.iter().any(|(flag, alone)| *alone && is_library(flag)) {
        return (flags, &[]);
    }
    let first = alone.iter().position(|(flag, alone)| *alone && (is_library(flag) || is_of_libraries(flag)));
    flags.split_at_checked(first.unwrap_or(flags.len())).unwrap_or((flags, &[]))
}

fn is_library(flag: &str) -> bool {
    let file = flag.rsplit('/').next().unwrap_or_default();
    let ends = [".a", ".lib", ".so", ".dylib", ".tbd"].iter().any(|end| file.ends_with(end));
    flag.starts_with("-l") || flag.starts_with("-Wl,-l") || (!flag.starts_with('-') && ends)
}

/// Whether this says something of the libraries that follow. `--as-needed` is mostly said of all.
fn is_of_libraries(flag: &str) -> bool {
    let Some(options) = flag.strip_prefix("-Wl,") else { return false };
    let first = options.split(',').next().unwrap_or_default();
    matches!(
        first.trim_start_matches('-'),
        "start-group" | "(" | "whole-archive" | "push-state" | "Bstatic" | "Bdynamic" | "dn" | "dy" | "force_load"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(flags: &[&str]) -> Vec<String> {
        flags.iter().map(|flag| (*flag).to_owned()).collect()
    }

    #[test]
    fn what_is_read_is_seen_in_flags() {
        for (flags, paths) in [
            (&["-I/a/b"][..], &[Some("/a/b")][..]),
            (&["--sysroot=/s"], &[Some("/s")]),
            (&["/lib/x.o"], &[Some("/lib/x.o")]),
            (&["-isystem/x", "-isystem", "/y"], &[Some("/x"), None, Some("/y")]),
            (&["-isysroot", "/s", "-T", "/x.ld"], &[None, Some("/s"), None, Some("/x.ld")]),
            (&["-O2", "/x/crt.o"], &[None, Some("/x/crt.o")]),
            (&["-Wl,-rpath-link=/a", "-Wl,--rpath-link,/b,-z,now"], &[Some("/a"), Some("/b")]),
            (&["-Wl,-L/a", "-Wl,--version-script=/v"], &[Some("/a"), Some("/v")]),
            (&["-specs=/x.specs", "-fuse-ld=/bin/ld.x"], &[Some("/x.specs"), Some("/bin/ld.x")]),
            (&["-DX=/etc", "-D", "X=/etc", "-U", "/x"], &[None; 5]),
            (&["-Wl,-rpath=/usr/local/lib", "-Wl,-rpath,/usr/lib"], &[None, None]),
            (&["-Wl,-rpath", "-Wl,/usr/lib", "-Xlinker", "/usr/lib"], &[None, None, None, None]),
            (&["-rpath", "/usr/lib", "-install_name", "/usr/lib/x.dylib"], &[None, None, None, None]),
            (&["-Wl,--dynamic-linker=/lib64/ld.so", "-Wl,-dynamic-linker,/lib/ld.so"], &[None, None]),
            (&["-ffile-prefix-map=/home/me=/src", "-I=/usr/include", "-Irelative"], &[None, None, None]),
        ] {
            let flags = owned(flags);
            let read: Vec<_> = read(&flags).map(|read| read.map(|read| read.path)).collect();
            assert_eq!(read, paths, "{flags:?}");
        }
        let flags = owned(&["-Wl,--rpath-link,/b,-z,now"]);
        let around: Vec<_> = read(&flags).flatten().map(|read| (read.before, read.after)).collect();
        assert_eq!(around, [("-Wl,--rpath-link,", ",-z,now")]);
    }

    #[test]
    fn libraries_are_told_from_other_flags() {
        for (flags, options, libraries) in [
            (&["-static"][..], &["-static"][..], &[][..]),
            (&["-Wl,-Bstatic"], &["-Wl,-Bstatic"], &[]),
            (&["-L/x", "-latomic", "-Wl,-z,relro"], &["-L/x"], &["-latomic", "-Wl,-z,relro"]),
            (&["-L", "/x.a", "/x/liby.a"], &["-L", "/x.a"], &["/x/liby.a"]),
            (&["-Xlinker", "-lx", "-O1"], &["-Xlinker", "-lx", "-O1"], &[]),
            (&["-Wl,--as-needed", "-lx"], &["-Wl,--as-needed"], &["-lx"]),
            (
                &["-O1", "-Wl,--start-group", "-la", "-lb", "-Wl,--end-group"],
                &["-O1"],
                &["-Wl,--start-group", "-la", "-lb", "-Wl,--end-group"],
            ),
            (&["-l", "x"], &[], &["-l", "x"]),
        ] {
            let flags = owned(flags);
            let split = split_libraries(&flags);
            assert_eq!(split, (owned(options).as_slice(), owned(libraries).as_slice()), "{flags:?}");
        }
    }
}
