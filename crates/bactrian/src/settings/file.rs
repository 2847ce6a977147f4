//! `bactrian.toml`: defaults for the options, beside the project.
//!
//! Every key there is stands in [`KEYS`]; any other is an error with its place and the nearest key. All mistakes are
//! reported at once. Not here: precedence (`sources`).

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plan::runner::Choice;
use plan::target::{Goal, OcamlVersion, Target, TargetError};
use toml_edit::{Document, Item, TableLike};

use super::remote::RemoteTable;
use super::toolchain::{BroughtOf, CToolchain};
use crate::error::CommandError;
use crate::text;

/// The file's name.
pub(crate) const NAME: &str = "bactrian.toml";

/// What the file says; what it does not say is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct File {
    pub(crate) targets: Option<Vec<Goal>>,
    pub(crate) ocaml: Option<OcamlVersion>,
    pub(crate) bytecode: Option<bool>,
    /// Directories and URLs as written.
    pub(crate) repositories: Option<Vec<String>>,
    /// Directories and URLs as written.
    pub(crate) mirrors: Option<Vec<String>>,
    /// Files as written.
    pub(crate) quirks: Option<Vec<String>>,
    pub(crate) store: Option<PathBuf>,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) locked: Option<bool>,
    pub(crate) offline: Option<bool>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) bin: Option<String>,
    /// Who runs programs of each target that has a table.
    pub(crate) runners: Vec<(Target, Choice)>,
    /// A CMake toolchain file or build directory, as written.
    pub(crate) cmake: Option<PathBuf>,
    /// C toolchains of targets, paths as written; those with a floor first.
    pub(crate) toolchains: Vec<BroughtOf>,
    pub(crate) remote: RemoteTable,
}

impl File {
    /// Who runs programs of `target`: as its own table says, or that of the same target with the default glibc.
    pub(crate) fn runner(&self, target: Target) -> Option<&Choice> {
        let of = |wanted: Target| self.runners.iter().find(|(known, _)| *known == wanted).map(|(_, choice)| choice);
        of(target).or_else(|| target.spec().name.parse().ok().and_then(of))
    }
}

/// A key, for the reference.
pub(crate) struct Key {
    /// With its table, as in `run.bin`.
    pub(crate) name: &'static str,
    /// The option that says the same and goes before it.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) option: &'static str,
    /// A value, as TOML.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) example: &'static str,
    /// What it does.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) meaning: &'static str,
}

/// All keys, in the order of the reference.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "targets",
        option: "--target",
        example: r#"["x86_64-linux-musl", "aarch64-linux-gnu.2.28"]"#,
        meaning: "What to build for.",
    },
    Key { name: "ocaml", option: "--ocaml", example: r#""5.3.0""#, meaning: "Version of OCaml to build with." },
    Key {
        name: "bytecode",
        option: "--bytecode",
        example: "true",
        meaning: "Where that OCaml has no native code for a target, make programs of byte code, with the runtime inside.",
    },
    Key {
        name: "repositories",
        option: "--repo",
        example: r#"["repo", "https://opam.example/index.tar.gz"]"#,
        meaning: "Opam repositories: directories, seen from the file, or URLs; a package of an earlier one hides those of \
                  later ones.",
    },
    Key {
        name: "mirrors",
        option: "--mirror",
        example: r#"["archives", "https://mirror.example/opam-cache"]"#,
        meaning: "Directories, seen from the file, or URLs with archives by checksum; asked in this order before any \
                  other origin.",
    },
    Key {
        name: "quirks",
        option: "--quirks",
        example: r#"["quirks.opam"]"#,
        meaning: "Files, seen from the file, that say how packages are built where their own opam files do not suffice.",
    },
    Key {
        name: "store",
        option: "--store",
        example: r#""/var/cache/bactrian""#,
        meaning: "Directory of the store, seen from the file.",
    },
    Key { name: "jobs", option: "--jobs", example: "4", meaning: "How many processes may work at once." },
    Key { name: "locked", option: "--locked", example: "true", meaning: "Never renew `bactrian.lock`." },
    Key { name: "offline", option: "--offline", example: "true", meaning: "Use no network." },
    Key {
        name: "output",
        option: "--output",
        example: r#""dist""#,
        meaning: "Where programs are put, in a directory per target; seen from the file.",
    },
    Key {
        name: "target.aarch64-linux-musl.runner",
        option: "--runner",
        example: r#""ssh:pi@kitchen""#,
        meaning: "Who runs the programs of the target whose name stands there: `native`, `qemu`, `wine`, `remote`, \
                  `ssh:[user@]host[:port]`, or a command, seen from the file, that is given the program and its arguments.",
    },
    Key {
        name: "cmake",
        option: "--cmake",
        example: r#""toolchain.cmake""#,
        meaning: "CMake toolchain file, or a configured CMake build directory, whose compiler is the C compiler of the target; \
                  seen from the file.",
    },
    Key {
        name: "toolchain.TARGET.cc",
        option: "",
        example: r#""/opt/x-tools/bin/aarch64-linux-gnu-gcc""#,
        meaning: "The target's C compiler: a path seen from the file, or a name in `PATH`. Its directory becomes part of \
                  everything that is built with it.",
    },
    Key {
        name: "toolchain.TARGET.cmake",
        option: "",
        example: r#""aarch64.cmake""#,
        meaning: "CMake toolchain file or build directory of the target; instead of `cc`.",
    },
    Key {
        name: "toolchain.TARGET.ndk",
        option: "",
        example: r#""/opt/android-ndk-r27c""#,
        meaning: "Directory of Android's NDK; instead of `cc`.",
    },
    Key {
        name: "toolchain.TARGET.api",
        option: "",
        example: "24",
        meaning: "The oldest API level of Android that programs are to run on; 21 if it is not said.",
    },
    Key {
        name: "toolchain.TARGET.sysroot",
        option: "",
        example: r#""sysroot""#,
        meaning: "Where the target's headers and libraries are, if the compiler does not know.",
    },
    Key {
        name: "toolchain.TARGET.cflags",
        option: "",
        example: r#"["-mcpu=cortex-a72"]"#,
        meaning: "Arguments of every compilation and link.",
    },
    Key {
        name: "toolchain.TARGET.asmflags",
        option: "",
        example: r#"["-Wa,--noexecstack"]"#,
        meaning: "Arguments of every assembly, if the compiler assembles.",
    },
    Key {
        name: "toolchain.TARGET.ldflags",
        option: "",
        example: r#"["-Wl,-z,relro"]"#,
        meaning: "Arguments of every link; from the first library on, after the objects.",
    },
    Key {
        name: "toolchain.TARGET.directories",
        option: "",
        example: r#"["/opt/sdk"]"#,
        meaning: "What else the compiler reads; absolute paths in flags lead there inside as well.",
    },
    Key {
        name: "toolchain.TARGET.ar",
        option: "",
        example: r#""llvm-ar""#,
        meaning: "Another program than the one beside the compiler; so are `as`, `dlltool`, `ld`, `nm`, `objcopy`, `objdump`, \
                  `ranlib`, `readelf`, `strip` and `windres`.",
    },
    Key {
        name: "remote.url",
        option: "--remote",
        example: r#""grpc://farm:8980""#,
        meaning: "Remote Execution engine or cache to build with: `grpc[s]://host:port[/instance]`.",
    },
    Key {
        name: "remote.mode",
        option: "--remote-mode",
        example: r#""hybrid""#,
        meaning: "What it is used for: `cache`, `execute` or `hybrid`.",
    },
    Key {
        name: "remote.jobs",
        option: "",
        example: "200",
        meaning: "How many actions are underway there at once; 64 if it is not said.",
    },
    Key {
        name: "remote.ca",
        option: "",
        example: r#""farm-ca.pem""#,
        meaning: "Authorities that the server's certificate may be of, instead of the usual ones; a file in PEM, seen from the file.",
    },
    Key {
        name: "remote.certificate",
        option: "",
        example: r#""client.pem""#,
        meaning: "This client's certificate, for servers that want one; with `remote.key`.",
    },
    Key { name: "remote.key", option: "", example: r#""client.key""#, meaning: "The key of `remote.certificate`." },
    Key {
        name: "remote.server-name",
        option: "",
        example: r#""farm.example""#,
        meaning: "The name in the server's certificate, if it is not that of the address.",
    },
    Key {
        name: "remote.token-file",
        option: "",
        example: r#""/run/secrets/farm""#,
        meaning: "A file with a bearer token. It is read again when the server no longer takes the token.",
    },
    Key {
        name: "remote.headers",
        option: "",
        example: r#"{ x-team = "compilers" }"#,
        meaning: "Further headers of every call.",
    },
    Key {
        name: "remote.platform",
        option: "",
        example: r#"{ OSFamily = "linux", ISA = "x86-64" }"#,
        meaning: "Platform properties of every action, by which the engine chooses workers.",
    },
    Key {
        name: "remote.target.TARGET.platform",
        option: "",
        example: r#"{ pool = "large" }"#,
        meaning: "Platform properties of actions that are made for that target, besides or instead of those; a glibc floor is no part \
                  of its name.",
    },
    Key {
        name: "remote.target.TARGET.run-platform",
        option: "",
        example: r#"{ ISA = "aarch64" }"#,
        meaning: "Platform properties of workers that run that target's programs with the runner `remote`, besides or instead of \
                  `remote.platform`.",
    },
    Key {
        name: "remote.patience",
        option: "",
        example: "300",
        meaning: "Seconds that an unreachable server is tried again; 120 if it is not said.",
    },
    Key {
        name: "remote.queue-timeout",
        option: "",
        example: "1800",
        meaning: "Seconds that actions may be queued without any of them being run; 600 if it is not said.",
    },
    Key { name: "run.bin", option: "--bin", example: r#""hello""#, meaning: "The program that `bactrian run` runs." },
];

/// A mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// First line is 1.
    pub(crate) line: usize,
    /// First character is 1.
    pub(crate) column: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// What the file in `directory` says; nothing if there is none.
pub(crate) fn load(directory: &Path) -> Result<File, CommandError> {
    let path = directory.join(NAME);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(File::default());
        }
        Err(error) => {
            return Err(CommandError::usage(format_args!("cannot read {}", path.display())).cause(error));
        }
    };
    parse(&text).map_err(|faults| tell(&path, &faults))
}

fn tell(path: &Path, faults: &[Fault]) -> CommandError {
    let place = |fault: &Fault| format!("{}:{fault}", path.display());
    let error = match faults {
        [fault] => CommandError::usage(place(fault)),
        faults => {
            let error =
                CommandError::usage(format_args!("{} has {}", path.display(), text::count(faults.len(), "mistake")));
            faults.iter().fold(error, |error, fault| error.cause(place(fault)))
        }
    };
    faults.iter().filter_map(|fault| fault.hint.as_deref()).fold(error, CommandError::hint)
}

/// What a file with this text says, or everything that is wrong with it.
pub(crate) fn parse(text: &str) -> Result<File, Vec<Fault>> {
    let mut reader = Reader { text, faults: Vec::new() };
    let mut file = File::default();
    match Document::parse(text) {
        Ok(document) => reader.root(document.as_table(), &mut file),
        Err(error) => reader.fault(error.span(), error.message(), None),
    }
    let mut faults = reader.faults;
    faults.sort_by_key(|fault| (fault.line, fault.column));
    if faults.is_empty() { Ok(file) } else { Err(faults) }
}

struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn root(&mut self, table: &dyn TableLike, file: &mut File) {
        for (key, item) in table.iter() {
            match key {
                "targets" => file.targets = self.strings(item).map(|texts| self.targets(texts)),
                "ocaml" => file.ocaml = self.string(item).and_then(|text| self.parsed(item, &text)),
                "mirrors" => file.mirrors = self.texts(item),
                "repositories" => file.repositories = self.texts(item),
                "quirks" => file.quirks = self.texts(item),
                "store" => file.store = self.string(item).map(PathBuf::from),
                "jobs" => file.jobs = self.positive(item),
                "bytecode" => file.bytecode = self.expect(item, item.as_bool(), "true or false"),
                "locked" => file.locked = self.expect(item, item.as_bool(), "true or false"),
                "offline" => file.offline = self.expect(item, item.as_bool(), "true or false"),
                "output" => file.output = self.string(item).map(PathBuf::from),
                "target" if item.is_table_like() => self.target_tables(item, file),
                "run" => match item.as_table_like() {
                    Some(run) => self.run(run, file),
                    None => self.mistyped(item, "a table"),
                },
                "remote" => match item.as_table_like() {
                    Some(remote) => self.remote(remote, file),
                    None => self.mistyped(item, "a table"),
                },
                "cmake" => file.cmake = self.string(item).map(PathBuf::from),
                "toolchain" => match item.as_table_like() {
                    Some(toolchains) => self.toolchains(toolchains, file),
                    None => self.mistyped(item, "a table"),
                },
                _ => self.unknown(table, key, ""),
            }
        }
    }

    fn toolchains(&mut self, table: &dyn TableLike, file: &mut File) {
        for (key, item) in table.iter() {
            let span = table.key(key).and_then(toml_edit::Key::span);
            let Some(target) = self.target(key, span.clone()) else { continue };
            let Some(table) = self.expect(item, item.as_table_like(), "a table") else { continue };
            let toolchain = self.toolchain(table, key);
            let ways = [&toolchain.cc, &toolchain.cmake, &toolchain.ndk].iter().filter(|way| way.is_some()).count();
            if ways != 1 {
                let hint = "say the compiler with `cc`, or where it is said with `cmake` or `ndk`".to_owned();
                self.fault(span.clone(), "one of `cc`, `cmake` and `ndk` is to be here", Some(hint));
            }
            if toolchain.api.is_some() && toolchain.ndk.is_none() {
                self.fault(span, "`api` is of `ndk`, which is not here", None);
            }
            file.toolchains.push(BroughtOf { target, with_floor: key.contains('.'), toolchain });
        }
        file.toolchains.sort_by_key(|toolchain| !toolchain.with_floor);
    }

    fn toolchain(&mut self, table: &dyn TableLike, target: &str) -> CToolchain {
        let mut toolchain = CToolchain::default();
        for (key, item) in table.iter() {
            let path = |reader: &mut Self| reader.string(item).map(PathBuf::from);
            let texts = |reader: &mut Self| reader.texts(item).unwrap_or_default();
            match key {
                "cc" => toolchain.cc = path(self),
                "cmake" => toolchain.cmake = path(self),
                "ndk" => toolchain.ndk = path(self),
                "api" => toolchain.api = self.positive(item).and_then(|number| u32::try_from(number.get()).ok()),
                "sysroot" => toolchain.sysroot = path(self),
                "cflags" => toolchain.cflags = texts(self),
                "asmflags" => toolchain.asmflags = texts(self),
                "ldflags" => toolchain.ldflags = texts(self),
                "directories" => toolchain.directories = texts(self).into_iter().map(PathBuf::from).collect(),
                tool if CToolchain::is_tool(tool) => {
                    toolchain.tools.extend(path(self).map(|path| (tool.to_owned(), path)));
                }
                _ => self.unknown_of(table, key, &format!("toolchain.{target}."), "toolchain.TARGET."),
            }
        }
        toolchain
    }

    fn run(&mut self, table: &dyn TableLike, file: &mut File) {
        for (key, item) in table.iter() {
            match key {
                "bin" => file.bin = self.string(item),
                _ => self.unknown(table, key, "run."),
            }
        }
    }

    fn remote(&mut self, table: &dyn TableLike, file: &mut File) {
        let remote = &mut file.remote;
        for (key, item) in table.iter() {
            match key {
                "url" => remote.url = self.string(item),
                "mode" => remote.mode = self.string(item),
                "jobs" => remote.jobs = self.positive(item),
                "ca" => remote.ca = self.string(item).map(PathBuf::from),
                "certificate" => remote.certificate = self.string(item).map(PathBuf::from),
                "key" => remote.key = self.string(item).map(PathBuf::from),
                "server-name" => remote.server_name = self.string(item),
                "token-file" => remote.token_file = self.string(item).map(PathBuf::from),
                "headers" => remote.headers = self.names_and_texts(item),
                "platform" => remote.platform = self.names_and_texts(item),
                "target" => self.remote_targets(item, remote),
                "patience" => remote.patience = self.positive(item),
                "queue-timeout" => remote.queue_timeout = self.positive(item),
                _ => self.unknown(table, key, "remote."),
            }
        }
    }

    /// Platform properties by target.
    fn remote_targets(&mut self, item: &Item, remote: &mut RemoteTable) {
        let Some(targets) = self.expect(item, item.as_table_like(), "a table") else { return };
        for (name, inner) in targets.iter() {
            let span = targets.key(name).and_then(toml_edit::Key::span);
            let Some(target) = self.target(name, span) else { continue };
            let Some(table) = self.expect(inner, inner.as_table_like(), "a table") else { continue };
            for (key, item) in table.iter() {
                let said = match key {
                    "platform" => &mut remote.targets,
                    "run-platform" => &mut remote.programs,
                    _ => {
                        self.unknown_of(table, key, &format!("remote.target.{name}."), "remote.target.TARGET.");
                        continue;
                    }
                };
                said.insert(target.spec().name.to_owned(), self.names_and_texts(item));
            }
        }
    }

    /// The target that is the name of a table.
    fn target(&mut self, name: &str, span: Option<Range<usize>>) -> Option<Target> {
        name.parse()
            .map_err(|error: TargetError| {
                self.fault(span, &error.to_string(), Some(super::sources::target_hint(&error)));
            })
            .ok()
    }

    /// A table of names of the user's choice.
    fn names_and_texts(&mut self, item: &Item) -> BTreeMap<String, String> {
        let Some(table) = self.expect(item, item.as_table_like(), "a table") else { return BTreeMap::new() };
        table.iter().filter_map(|(name, item)| Some((name.to_owned(), self.string(item)?))).collect()
    }

    fn target_tables(&mut self, item: &Item, file: &mut File) {
        for (name, inner) in item.as_table_like().into_iter().flat_map(TableLike::iter) {
            let span = item.as_table_like().and_then(|table| table.key(name)).and_then(toml_edit::Key::span);
            let Some(target) = self.target(name, span) else { continue };
            let Some(table) = inner.as_table_like() else {
                self.mistyped(inner, "a table");
                continue;
            };
            for (key, item) in table.iter() {
                match key {
                    "runner" => {
                        let choice = self.string(item).and_then(|text| self.parsed(item, &text));
                        file.runners.extend(choice.map(|choice| (target, choice)));
                    }
                    _ => self.unknown(table, key, "target.aarch64-linux-musl."),
                }
            }
        }
    }

    fn unknown(&mut self, table: &dyn TableLike, key: &str, prefix: &str) {
        self.unknown_of(table, key, prefix, prefix);
    }

    /// A key that is not in [`KEYS`], in the table that is called `prefix` here and `family` there.
    fn unknown_of(&mut self, table: &dyn TableLike, key: &str, prefix: &str, family: &str) {
        let known = KEYS.iter().filter_map(|known| known.name.strip_prefix(family));
        let known = known.map(|name| if prefix.is_empty() { name.split('.').next().unwrap_or(name) } else { name });
        // What is there, but is no table.
        let hint = text::nearest(key, known.filter(|known| *known != key))
            .map(|near| format!("did you mean `{prefix}{near}`?"));
        let all = || {
            let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            format!("the keys are {}", names.join(", "))
        };
        let span = table.key(key).and_then(toml_edit::Key::span);
        self.fault(span, &format!("there is no key `{prefix}{key}`"), hint.or_else(|| Some(all())));
    }

    fn targets(&mut self, texts: Vec<(String, Option<Range<usize>>)>) -> Vec<Goal> {
        let mut targets = Vec::new();
        for (text, span) in texts {
            match text.parse::<Goal>() {
                Ok(target) => targets.push(target),
                Err(error) => self.fault(span, &error.to_string(), Some(super::sources::target_hint(&error))),
            }
        }
        targets
    }

    fn texts(&mut self, item: &Item) -> Option<Vec<String>> {
        Some(self.strings(item)?.into_iter().map(|(text, _)| text).collect())
    }

    fn strings(&mut self, item: &Item) -> Option<Vec<(String, Option<Range<usize>>)>> {
        let array = self.expect(item, item.as_array(), "a list of strings")?;
        let mut strings = Vec::new();
        for value in array {
            match value.as_str() {
                Some(text) => strings.push((text.to_owned(), value.span())),
                None => self.fault(value.span(), &mistyped("a string", value.type_name()), None),
            }
        }
        Some(strings)
    }

    fn string(&mut self, item: &Item) -> Option<String> {
        self.expect(item, item.as_str().map(str::to_owned), "a string")
    }

    fn positive(&mut self, item: &Item) -> Option<NonZeroUsize> {
        let number = item.as_integer().and_then(|number| usize::try_from(number).ok()).and_then(NonZeroUsize::new);
        match item.as_integer() {
            Some(other) if number.is_none() => {
                self.fault(item.span(), &format!("this is to be a positive number, not {other}"), None);
                None
            }
            _ => self.expect(item, number, "a positive number"),
        }
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(&mut self, item: &Item, text: &str) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.fault(item.span(), &error.to_string(), None)).ok()
    }

    fn expect<T>(&mut self, item: &Item, value: Option<T>, form: &str) -> Option<T> {
        if value.is_none() {
            self.mistyped(item, form);
        }
        value
    }

    fn mistyped(&mut self, item: &Item, form: &str) {
        self.fault(item.span(), &mistyped(form, item.type_name()), None);
    }

    fn fault(&mut self, span: Option<Range<usize>>, message: &str, hint: Option<String>) {
        let before = span.and_then(|span| self.text.get(..span.start)).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        self.faults.push(Fault { line, column, message: message.trim_end().replace('\n', ", "), hint });
    }
}

fn mistyped(form: &str, found: &str) -> String {
    format!("this is to be {form}, not {} {found}", if found.starts_with(['a', 'i', 'o']) { "an" } else { "a" })
}

#[cfg(test)]
mod tests;
