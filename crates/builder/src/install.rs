//! Reading `.install` files: which files of a build go where below a prefix.
//!
//! The format is opam's (manual, "`<pkgname>.install`"), also written by dune: sections, each a list of strings, each optionally
//! followed by its name at the destination in braces. Not here: copying; whether a file exists.

use std::fmt;
use std::ops::Range;

use crate::Bytes;

/// One file to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kind of place it goes to.
    pub section: Section,
    /// The file, relative to the build directory (without the `?` that marks an optional one).
    pub source: Bytes,
    /// Whether its absence is fine.
    pub optional: bool,
    /// Its name in the place, if given.
    pub destination: Option<Bytes>,
    /// Where the entry stands in the text.
    pub span: Range<usize>,
}

/// The kinds of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the file format")]
pub enum Section {
    Lib,
    LibRoot,
    Libexec,
    LibexecRoot,
    Bin,
    Sbin,
    Toplevel,
    Share,
    ShareRoot,
    Etc,
    Doc,
    Stublibs,
    Man,
    Misc,
    Root,
    Rootexec,
}

/// Name, section, directory below the prefix, whether the package's name follows, whether files get the `x` bit.
const SECTIONS: [(&str, Section, &str, bool, bool); 16] = [
    ("lib", Section::Lib, "lib", true, false),
    ("lib_root", Section::LibRoot, "lib", false, false),
    ("libexec", Section::Libexec, "lib", true, true),
    ("libexec_root", Section::LibexecRoot, "lib", false, true),
    ("bin", Section::Bin, "bin", false, true),
    ("sbin", Section::Sbin, "sbin", false, true),
    ("toplevel", Section::Toplevel, "lib/toplevel", false, false),
    ("share", Section::Share, "share", true, false),
    ("share_root", Section::ShareRoot, "share", false, false),
    ("etc", Section::Etc, "etc", true, false),
    ("doc", Section::Doc, "doc", true, false),
    ("stublibs", Section::Stublibs, "lib/stublibs", false, true),
    ("man", Section::Man, "man", false, false),
    ("misc", Section::Misc, "", false, false),
    ("root", Section::Root, "", false, false),
    ("rootexec", Section::Rootexec, "", false, true),
];

impl Section {
    /// Whether files of this section get the `x` bit.
    #[must_use]
    pub fn is_executable(self) -> bool {
        SECTIONS.iter().any(|(_, section, _, _, executable)| *section == self && *executable)
    }

    fn directory(self, package: &[u8]) -> Vec<u8> {
        let Some((_, _, directory, of_package, _)) = SECTIONS.iter().find(|(_, section, ..)| *section == self) else {
            return Vec::new();
        };
        if *of_package { [directory.as_bytes(), b"/", package].concat() } else { directory.as_bytes().to_vec() }
    }
}

/// What is wrong with an `.install` file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallError {
    /// The bytes of the text it is about.
    pub span: Range<usize>,
    /// What is wrong there.
    pub problem: InstallProblem,
}

/// What is wrong with an `.install` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallProblem {
    /// Something other than what the grammar wants here.
    Expected(&'static str),
    /// A string or comment without an end.
    Unterminated,
    /// A backslash followed by something that is no escape.
    Escape,
    /// A section that does not exist.
    UnknownSection(Bytes),
    /// A destination outside the prefix.
    Outside(Bytes),
    /// A manual page whose name does not say which section it belongs to.
    ManualPage(Bytes),
    /// A file of `misc` without a destination.
    NoDestination,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            InstallProblem::Expected(what) => write!(f, "expected {what}"),
            InstallProblem::Unterminated => write!(f, "never ends"),
            InstallProblem::Escape => write!(f, "unknown escape"),
            InstallProblem::UnknownSection(name) => write!(f, "unknown section {name:?}"),
            InstallProblem::Outside(path) => write!(f, "{path:?} is outside the prefix"),
            InstallProblem::ManualPage(name) => write!(f, "{name:?} does not end in the number of a manual section"),
            InstallProblem::NoDestination => write!(f, "a file of `misc` needs a destination"),
        }
    }
}

impl std::error::Error for InstallError {}

/// The line of a position in a text, from 1.
#[must_use]
pub fn line_of(text: &[u8], position: usize) -> usize {
    1 + text.iter().take(position).filter(|byte| **byte == b'\n').count()
}

impl Entry {
    /// Where the file goes, relative to the prefix and without `..`. `prefix` is needed for `misc`, whose destinations are absolute.
    ///
    /// # Errors
    /// If that is outside the prefix, or is not said.
    pub fn target(&self, package: &[u8], prefix: &[u8]) -> Result<Bytes, InstallError> {
        let error = |problem| InstallError { span: self.span.clone(), problem };
        let base = self.source.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let name = match (&self.destination, self.section) {
            (Some(name), Section::Misc) => {
                let inside = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(b"/"));
                inside.ok_or_else(|| error(InstallProblem::Outside(name.clone())))?.to_vec()
            }
            (None, Section::Misc) => return Err(error(InstallProblem::NoDestination)),
            (Some(name), _) => name.to_vec(),
            (None, Section::Man) => manual_page(base).ok_or_else(|| error(InstallProblem::ManualPage(base.into())))?,
            (None, _) => base.to_vec(),
        };
        let path = [self.section.directory(package).as_slice(), &name].join(&b'/');
        normalise(&path)
            .filter(|path| !path.is_empty())
            .map(Bytes::from)
            .ok_or_else(|| error(InstallProblem::Outside(name.into())))
    }
}

/// `man3/List.3o` for `List.3o`; also behind `.gz`.
fn manual_page(name: &[u8]) -> Option<Vec<u8>> {
    let plain = name.strip_suffix(b".gz").unwrap_or(name);
    let extension = plain.rsplit(|byte| *byte == b'.').next().filter(|extension| extension.len() < plain.len())?;
    let digit = extension.first().filter(|digit| digit.is_ascii_digit())?;
    Some([b"man", [*digit].as_slice(), b"/", name].concat())
}

/// A relative path without `.`, `..` and empty components; `None` if it leads out or cannot be a path.
fn normalise(path: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            part if part.contains(&0) => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

/// Reads an `.install` file.
///
/// # Errors
/// The first thing that is not right.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, InstallError> {
    let mut parser = Parser { text, at: 0 };
    let mut entries = Vec::new();
    loop {
        parser.skip_blank()?;
        if parser.peek().is_none() {
            return Ok(entries);
        }
        let start = parser.at;
        let name = parser.name()?;
        parser.expect(b':', "`:`")?;
        if name == b"opam-version" {
            parser.string()?;
            continue;
        }
        let known = SECTIONS.iter().find(|(section, ..)| section.as_bytes() == name);
        let unknown =
            || InstallError { span: start..start + name.len(), problem: InstallProblem::UnknownSection(name.into()) };
        let (_, section, ..) = *known.ok_or_else(unknown)?;
        if parser.take(b'[')? {
            while !parser.take(b']')? {
                entries.push(parser.entry(section)?);
            }
        } else {
            entries.push(parser.entry(section)?);
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error<T>(&self, start: usize, problem: InstallProblem) -> Result<T, InstallError> {
        Err(InstallError { span: start..self.at.max(start + 1).min(self.text.len().max(start)), problem })
    }

    /// Skips white space, `# …` and `(* … *)`, which nests.
    fn skip_blank(&mut self) -> Result<(), InstallError> {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => self.at += 1,
                [b'#', rest @ ..] => self.at += 1 + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
                [b'(', b'*', ..] => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), InstallError> {
        let start = self.at;
        let mut depth = 0;
        loop {
            match self.rest() {
                [b'(', b'*', ..] => (depth, self.at) = (depth + 1, self.at + 2),
                [b'*', b')', ..] => (depth, self.at) = (depth - 1, self.at + 2),
                [_, ..] => self.at += 1,
                [] => return self.error(start, InstallProblem::Unterminated),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, byte: u8) -> Result<bool, InstallError> {
        self.skip_blank()?;
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        Ok(found)
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), InstallError> {
        if self.take(byte)? { Ok(()) } else { self.error(self.at, InstallProblem::Expected(what)) }
    }

    fn name(&mut self) -> Result<&'a [u8], InstallError> {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-';
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len());
        if length == 0 {
            return self.error(self.at, InstallProblem::Expected("the name of a section"));
        }
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn entry(&mut self, section: Section) -> Result<Entry, InstallError> {
        self.skip_blank()?;
        let start = self.at;
        let text = self.string()?;
        let span = start..self.at;
        let (source, optional) = text.strip_prefix(b"?").map_or((text.as_slice(), false), |rest| (rest, true));
        let source = Bytes::from(source);
        let mut destination = None;
        if self.take(b'{')? {
            destination = Some(Bytes::from(self.string()?));
            self.expect(b'}', "`}`")?;
        }
        Ok(Entry { section, source, optional, destination, span })
    }

    fn string(&mut self) -> Result<Vec<u8>, InstallError> {
        self.skip_blank()?;
        let start = self.at;
        let quote: &[u8] = match self.rest() {
            [b'"', b'"', b'"', ..] => b"\"\"\"",
            [b'"', ..] => b"\"",
            _ => return self.error(start, InstallProblem::Expected("a string")),
        };
        self.at += quote.len();
        let mut text = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                return Ok(text);
            }
            match rest {
                [] => return self.error(start, InstallProblem::Unterminated),
                [b'\\', after @ ..] => {
                    let Some((byte, length)) = escape(after) else {
                        return self.error(self.at, InstallProblem::Escape);
                    };
                    text.extend(byte);
                    self.at += 1 + length;
                }
                [byte, ..] => {
                    text.push(*byte);
                    self.at += 1;
                }
            }
        }
    }
}

/// What an escape stands for (nothing, for an escaped line end with the blanks after it) and its length behind the backslash.
fn escape(rest: &[u8]) -> Option<(Option<u8>, usize)> {
    let simple = |byte| Some((Some(byte), 1));
    match rest {
        [b'n', ..] => simple(b'\n'),
        [b't', ..] => simple(b'\t'),
        [b'r', ..] => simple(b'\r'),
        [b'b', ..] => simple(8),
        [byte @ (b'\\' | b'"' | b'\'' | b' '), ..] => simple(*byte),
        [b'\n', after @ ..] => {
            Some((None, 1 + after.iter().take_while(|byte| **byte == b' ' || **byte == b'\t').count()))
        }
        [b'x', digits @ ..] => number(digits.get(..2)?, 16).map(|byte| (Some(byte), 3)),
        digits => number(digits.get(..3)?, 10).map(|byte| (Some(byte), 3)),
    }
}

fn number(digits: &[u8], base: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u8::from_str_radix(digits, base).ok()
}
