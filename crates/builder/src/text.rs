//! The text form of recipes: line-based, readable, canonical. Not here: what steps mean.
//!
//! # Format (version 1)
//!
//! ```text
//! bactrian-recipe 1
//! mkdir /build
//! copy /src /build
//! move FROM TO
//! remove PATH
//! write /build/config.mk plain          (or: executable)
//!   "CC = zig cc\n"                     (the contents: one quoted string per line of the file)
//! append PATH
//!   "text\n"
//! substitute PATH FROM TO
//! patch FILE DIR STRIP
//! symlink PATH TARGET
//! union FROM TO
//! run /build CFLAGS=-O2 "GREETING=two words" -- make "all targets"
//! install FILE PACKAGE PREFIX SOURCE
//! ```
//!
//! * Lines end in a newline, the last one too. Words are separated by one space. Nothing else: no comments, no blank lines.
//! * A word is bare if it is not empty and all its bytes are ASCII letters, digits or one of `%+,-./:=@_`; else it is quoted: `"…"` in which `\\`,
//!   `\"`, `\n`, `\t` and `\xHH` (lower-case hexadecimal) stand for a byte; printable ASCII stands for itself; nothing else may occur.
//! * In `run`, the words before the first `--` are the directory and the variables, sorted by name.
//! * [`Recipe::encode`] writes exactly one text per recipe. [`Recipe::parse`] also takes words that are quoted without need.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Bytes, Fault, Recipe, Step};

const HEADER: &[u8] = b"bactrian-recipe 1";

/// Where and why a text is not a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The first line is not `bactrian-recipe 1`.
    Header,
    /// The last line does not end in a newline: the text was cut off.
    Truncated,
    /// A step this version does not know.
    UnknownStep(Bytes),
    /// A word that breaks the rules of quoting; the byte's position in the line, from 0.
    Quoting(usize),
    /// The step's words are too few, too many or of the wrong kind; the form expected.
    Form(&'static str),
    /// A contents line that belongs to no `write` or `append`.
    StrayContents,
    /// The same variable given twice.
    DuplicateVariable(Bytes),
    /// The step is not well-formed.
    Fault(Fault),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.problem {
            Problem::Header => write!(f, "not a recipe of version 1"),
            Problem::Truncated => write!(f, "the text ends in the middle of a line"),
            Problem::UnknownStep(name) => write!(f, "unknown step {name:?}"),
            Problem::Quoting(at) => write!(f, "bad quoting at byte {at}"),
            Problem::Form(form) => write!(f, "expected `{form}`"),
            Problem::StrayContents => write!(f, "contents without a step to take them"),
            Problem::DuplicateVariable(name) => write!(f, "variable {name:?} given twice"),
            Problem::Fault(fault) => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for ParseError {}

impl Recipe {
    /// The canonical text of the recipe (the format is specified at the top of this module's source and in `docs/design`).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::from(HEADER);
        out.push(b'\n');
        for step in &self.steps {
            encode_step(step, &mut out);
        }
        out
    }

    /// Reads the text form; every step has been checked with [`Step::check`].
    ///
    /// # Errors
    /// The first line that is not right.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let mut lines = Lines::new(text)?;
        if lines.next() != Some(HEADER) {
            return Err(ParseError { line: 1, problem: Problem::Header });
        }
        let mut steps = Vec::new();
        while let Some(line) = lines.next() {
            let number = lines.number;
            let at = |problem| ParseError { line: number, problem };
            let step = parse_step(line, &mut lines)
                .map_err(|(line, problem)| ParseError { line: line.unwrap_or(number), problem })?;
            step.check().map_err(|fault| at(Problem::Fault(fault)))?;
            steps.push(step);
        }
        Ok(Self { steps })
    }
}

fn encode_step(step: &Step, out: &mut Vec<u8>) {
    match step {
        Step::Mkdir { path } => line(out, "mkdir", &[path]),
        Step::Copy { from, to } => line(out, "copy", &[from, to]),
        Step::Move { from, to } => line(out, "move", &[from, to]),
        Step::Remove { path } => line(out, "remove", &[path]),
        Step::Write { path, contents, executable } => {
            let kind: &[u8] = if *executable { b"executable" } else { b"plain" };
            line(out, "write", &[path, kind]);
            encode_contents(contents, out);
        }
        Step::Append { path, contents } => {
            line(out, "append", &[path]);
            encode_contents(contents, out);
        }
        Step::Substitute { path, from, to } => line(out, "substitute", &[path, from, to]),
        Step::Patch { file, dir, strip } => line(out, "patch", &[file, dir, strip.to_string().as_bytes()]),
        Step::Symlink { path, target } => line(out, "symlink", &[path, target]),
        Step::Union { from, to } => line(out, "union", &[from, to]),
        Step::Run { argv, cwd, env } => {
            let variables: Vec<Vec<u8>> =
                env.iter().map(|(name, value)| [name, b"=".as_slice(), value].concat()).collect();
            let mut words: Vec<&[u8]> = vec![cwd];
            words.extend(variables.iter().map(Vec::as_slice));
            words.push(b"--");
            words.extend(argv.iter().map(Bytes::as_slice));
            line(out, "run", &words);
        }
        Step::Install { file, package, prefix, source } => line(out, "install", &[file, package, prefix, source]),
    }
}

fn line(out: &mut Vec<u8>, name: &str, words: &[&[u8]]) {
    out.extend_from_slice(name.as_bytes());
    for word in words {
        out.push(b' ');
        encode_word(word, out);
    }
    out.push(b'\n');
}

fn encode_contents(contents: &[u8], out: &mut Vec<u8>) {
    for piece in contents.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(b"  ");
        encode_quoted(piece, out);
        out.push(b'\n');
    }
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&byte)
}

fn encode_word(word: &[u8], out: &mut Vec<u8>) {
    if !word.is_empty() && word.iter().copied().all(is_bare) {
        out.extend_from_slice(word);
    } else {
        encode_quoted(word, out);
    }
}

fn encode_quoted(word: &[u8], out: &mut Vec<u8>) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let hex = |digit: u8| HEX.get(usize::from(digit)).map_or(b'0', |digit| *digit as u8);
    out.push(b'"');
    for byte in word {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b' '..=b'~' => out.push(*byte),
            _ => out.extend_from_slice(&[b'\\', b'x', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    out.push(b'"');
}

/// The lines of a text that ends in a newline.
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Result<Self, ParseError> {
        if text.last() == Some(&b'\n') {
            return Ok(Self { rest: text, number: 0 });
        }
        let line = text.split(|byte| *byte == b'\n').count();
        Err(ParseError { line, problem: Problem::Truncated })
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        self.number += 1;
        Some(line)
    }

    /// The contents lines that follow, joined.
    fn contents(&mut self) -> Result<Bytes, (Option<usize>, Problem)> {
        let mut contents = Vec::new();
        while self.rest.starts_with(b"  ") {
            let line = self.next().unwrap_or_default();
            let here = |problem| (Some(self.number), problem);
            let words = words(line.get(2..).unwrap_or_default()).map_err(|at| here(Problem::Quoting(at + 2)))?;
            let [piece] = words.as_slice() else { return Err(here(Problem::Form("\"one quoted string\""))) };
            contents.extend_from_slice(piece);
        }
        Ok(contents.into())
    }
}

type StepError = (Option<usize>, Problem);

fn parse_step(line: &[u8], lines: &mut Lines<'_>) -> Result<Step, StepError> {
    if line.starts_with(b"  ") {
        return Err((None, Problem::StrayContents));
    }
    let mut words = words(line).map_err(|at| (None, Problem::Quoting(at)))?.into_iter();
    let name = words.next().unwrap_or_default();
    match name.as_slice() {
        b"write" => {
            let [path, kind] = fixed(words, "write PATH plain|executable")?;
            let executable = match kind.as_slice() {
                b"executable" => true,
                b"plain" => false,
                _ => return Err((None, Problem::Form("write PATH plain|executable"))),
            };
            Ok(Step::Write { path, contents: lines.contents()?, executable })
        }
        b"append" => {
            let [path] = fixed(words, "append PATH")?;
            Ok(Step::Append { path, contents: lines.contents()? })
        }
        b"run" => parse_run(words),
        _ => parse_simple(name, words),
    }
}

fn parse_simple(name: Bytes, words: impl Iterator<Item = Bytes>) -> Result<Step, StepError> {
    Ok(match name.as_slice() {
        b"mkdir" => fixed(words, "mkdir PATH").map(|[path]| Step::Mkdir { path })?,
        b"copy" => fixed(words, "copy FROM TO").map(|[from, to]| Step::Copy { from, to })?,
        b"move" => fixed(words, "move FROM TO").map(|[from, to]| Step::Move { from, to })?,
        b"remove" => fixed(words, "remove PATH").map(|[path]| Step::Remove { path })?,
        b"substitute" => {
            fixed(words, "substitute PATH FROM TO").map(|[path, from, to]| Step::Substitute { path, from, to })?
        }
        b"symlink" => fixed(words, "symlink PATH TARGET").map(|[path, target]| Step::Symlink { path, target })?,
        b"union" => fixed(words, "union FROM TO").map(|[from, to]| Step::Union { from, to })?,
        b"patch" => {
            let [file, dir, strip] = fixed(words, "patch FILE DIR STRIP")?;
            let strip = number(&strip).ok_or((None, Problem::Form("patch FILE DIR STRIP")))?;
            Step::Patch { file, dir, strip }
        }
        b"install" => fixed(words, "install FILE PACKAGE PREFIX SOURCE")
            .map(|[file, package, prefix, source]| Step::Install { file, package, prefix, source })?,
        _ => return Err((None, Problem::UnknownStep(name))),
    })
}

fn parse_run(mut words: impl Iterator<Item = Bytes>) -> Result<Step, StepError> {
    const FORM: &str = "run DIRECTORY NAME=VALUE... -- PROGRAM ARGUMENT...";
    let malformed = || (None, Problem::Form(FORM));
    let cwd = words.next().ok_or_else(malformed)?;
    let mut env = BTreeMap::new();
    loop {
        let word = words.next().ok_or_else(malformed)?;
        if word.as_slice() == b"--" {
            break;
        }
        let equals = word.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
        let (name, value) = word.split_at(equals);
        let name = Bytes::from(name);
        if env.insert(name.clone(), Bytes::from(value.get(1..).unwrap_or_default())).is_some() {
            return Err((None, Problem::DuplicateVariable(name)));
        }
    }
    Ok(Step::Run { argv: words.collect(), cwd, env })
}

fn fixed<const N: usize>(words: impl Iterator<Item = Bytes>, form: &'static str) -> Result<[Bytes; N], StepError> {
    words.collect::<Vec<_>>().try_into().map_err(|_| (None, Problem::Form(form)))
}

fn number(word: &[u8]) -> Option<u32> {
    let canonical = word == b"0" || !word.starts_with(b"0") && word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| canonical)?.parse().ok()
}

/// Splits a line into words; on bad quoting, the byte's position.
fn words(line: &[u8]) -> Result<Vec<Bytes>, usize> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        let (word, end) = if line.get(at) == Some(&b'"') { quoted(line, at + 1)? } else { bare(line, at)? };
        words.push(word);
        match line.get(end) {
            None => return Ok(words),
            Some(b' ') => at = end + 1,
            Some(_) => return Err(end),
        }
    }
}

fn bare(line: &[u8], start: usize) -> Result<(Bytes, usize), usize> {
    let rest = line.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| !is_bare(*byte)).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    if word.is_empty() { Err(start) } else { Ok((word.into(), start + length)) }
}

fn quoted(line: &[u8], start: usize) -> Result<(Bytes, usize), usize> {
    let mut word = Vec::new();
    let mut at = start;
    loop {
        match line.get(at).ok_or(at)? {
            b'"' => return Ok((word.into(), at + 1)),
            b'\\' => {
                let (byte, length) = escape(line.get(at + 1..).unwrap_or_default()).ok_or(at)?;
                word.push(byte);
                at += 1 + length;
            }
            byte @ b' '..=b'~' => {
                word.push(*byte);
                at += 1;
            }
            _ => return Err(at),
        }
    }
}

/// The byte that an escape stands for and its length, given what follows the backslash.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    match rest {
        [b'n', ..] => Some((b'\n', 1)),
        [b't', ..] => Some((b'\t', 1)),
        [quoted @ (b'\\' | b'"'), ..] => Some((*quoted, 1)),
        [b'x', high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 3)),
        _ => None,
    }
}
