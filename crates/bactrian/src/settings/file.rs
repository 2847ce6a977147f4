//! `bactrian.toml`: defaults for the options, beside the project.
//!
//! Every key there is stands in [`KEYS`]; any other is an error with its place and the nearest key. All mistakes are
//! reported at once. Not here: precedence (`sources`).

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plan::runner::Choice;
use plan::target::{Goal, OcamlVersion, Target};
use toml_edit::{Document, Item, TableLike};

use crate::error::CommandError;
use crate::text;

/// The file's name.
pub(crate) const NAME: &str = "bactrian.toml";

/// What the file says; what it does not say is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct File {
    pub(crate) targets: Option<Vec<Goal>>,
    pub(crate) ocaml: Option<OcamlVersion>,
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
        meaning: "Who runs the programs of the target whose name stands there: `native`, `qemu`, `wine`, `ssh:[user@]host[:port]`, \
                  or a command, seen from the file, that is given the program and its arguments.",
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
                "locked" => file.locked = self.expect(item, item.as_bool(), "true or false"),
                "offline" => file.offline = self.expect(item, item.as_bool(), "true or false"),
                "output" => file.output = self.string(item).map(PathBuf::from),
                "target" if item.is_table_like() => self.target_tables(item, file),
                "run" => match item.as_table_like() {
                    Some(run) => self.run(run, file),
                    None => self.mistyped(item, "a table"),
                },
                _ => self.unknown(table, key, ""),
            }
        }
    }

    fn run(&mut self, table: &dyn TableLike, file: &mut File) {
        for (key, item) in table.iter() {
            match key {
                "bin" => file.bin = self.string(item),
                _ => self.unknown(table, key, "run."),
            }
        }
    }

    fn target_tables(&mut self, item: &Item, file: &mut File) {
        for (name, inner) in item.as_table_like().into_iter().flat_map(TableLike::iter) {
            let target = match name.parse::<Target>() {
                Ok(target) => target,
                Err(error) => {
                    let span = item.as_table_like().and_then(|table| table.key(name)).and_then(toml_edit::Key::span);
                    self.fault(span, &error.to_string(), Some(super::sources::target_hint(&error)));
                    continue;
                }
            };
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
        let known = KEYS.iter().filter_map(|known| known.name.strip_prefix(prefix));
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
mod tests {
    use super::*;

    #[test]
    fn everything_at_once() {
        let file = parse(
            "targets = ['aarch64-unknown-linux-musl', 'x86_64-linux-gnu.2.17']\nocaml = '5.3.0'\nmirrors = ['a', 'https://b']\n\
             store = 's'\njobs = 3\noffline = true\noutput = 'o'\n[run]\nbin = 'hello'\n",
        )
        .unwrap();
        let targets: Vec<String> = file.targets.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(targets, ["aarch64-linux-musl", "x86_64-linux-gnu.2.17"]);
        assert_eq!(file.ocaml, Some(OcamlVersion::new(5, 3, 0)));
        assert_eq!(file.mirrors.unwrap(), ["a", "https://b"]);
        assert_eq!((file.store, file.output), (Some("s".into()), Some("o".into())));
        assert_eq!((file.jobs.unwrap().get(), file.offline, file.bin), (3, Some(true), Some("hello".to_owned())));
        let runners =
            parse("[target.aarch64-linux-musl]\nrunner = 'ssh:pi'\n[target.aarch64-linux-gnu]\nrunner = 'x y'")
                .unwrap();
        let of = |name: &str| runners.runner(name.parse().unwrap()).cloned();
        assert_eq!(of("aarch64-linux-musl"), Some(Choice::Ssh { destination: "pi".to_owned(), port: None }));
        assert_eq!(of("aarch64-linux-gnu.2.31"), Some(Choice::Command(vec!["x".to_owned(), "y".to_owned()])));
        assert_eq!(of("x86_64-linux-musl"), None);
        assert_eq!(parse("run = { bin = 'x' }").unwrap().bin, Some("x".to_owned()));
        assert_eq!(parse(""), Ok(File::default()));
    }

    /// Each key of the reference is one the reader knows, with its example.
    #[test]
    fn keys_and_examples_are_read() {
        for key in KEYS {
            let file = parse(&format!("{} = {}", key.name, key.example));
            assert!(file.is_ok_and(|file| file != File::default()), "{}", key.name);
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let all = |text: &str| {
            let faults = parse(text).unwrap_err();
            let line = |fault: &Fault| format!("{fault} ({})", fault.hint.as_deref().unwrap_or("-"));
            faults.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(all("jobs = 2\ntarget = ['x']\n[run]\n  bni = 'y'\n"), @"
        2:1: there is no key `target` (did you mean `targets`?)
        4:3: there is no key `run.bni` (did you mean `run.bin`?)
        ");
        insta::assert_snapshot!(all("targets = ['aarch64-linux-musl',\n 'aarch64-linux-msul', 7]\njobs = 0\nocaml = '5'\nrun = 1\n"), @"
        2:2: there is no target `aarch64-linux-msul` (did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all)
        2:24: this is to be a string, not an integer (-)
        3:8: this is to be a positive number, not 0 (-)
        4:9: `5` is not a version of OCaml of the form 5.3.0 (-)
        5:7: this is to be a table, not an integer (-)
        ");
        insta::assert_snapshot!(all("[target.aarch64-linux-msul]\nrunner = 'x'\n[target.aarch64-linux-musl]\nruner = 'x'\nrunner = ' '"), @"
        1:9: there is no target `aarch64-linux-msul` (did you mean `aarch64-linux-musl` or `aarch64-linux-gnu`? `bactrian target list` shows all)
        4:1: there is no key `target.aarch64-linux-musl.runer` (did you mean `target.aarch64-linux-musl.runner`?)
        5:10: a runner is a command, and this is none (-)
        ");
        insta::assert_snapshot!(all("größe = 1"), @"1:3: invalid unquoted key, expected letters, numbers, `-`, `_` (-)");
        insta::assert_snapshot!(all("é = 1\njobs = = 2"), @"2:8: extra `=`, expected nothing (-)");
        insta::assert_snapshot!(all("jobs = 1\njobs = 2"), @"2:1: duplicate key (-)");
        insta::assert_snapshot!(all("targets = 'x'\noffline = 'yes'"), @"
        1:11: this is to be a list of strings, not a string (-)
        2:11: this is to be true or false, not a string (-)
        ");
    }
}
