//! Unified diffs: reading them, and applying one file's hunks to its contents. Behaves as GNU `patch` does by default: hunks may have moved, and up to
//! two lines of context at either end may differ.
//!
//! Not here: files and directories; context and ed diffs; git's binary diffs; applying in reverse.

use std::cmp::Ordering;
use std::fmt;

use crate::Bytes;

/// The changes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The old name as written; `None` if the file is created.
    pub old: Option<Bytes>,
    /// The new name as written; `None` if the file is removed.
    pub new: Option<Bytes>,
    /// Whether git says that `old` becomes `new`; else the names are two spellings of one file.
    pub renamed: bool,
    /// The `x` bit git gives the file, if it says.
    pub executable: Option<bool>,
    hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Hunk {
    /// The line, from 1, at which it was made.
    start: usize,
    lines: Vec<(Mark, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Context,
    Removed,
    Added,
}

/// Why a text is not a patch, or does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchError {
    /// No file is changed by it.
    Empty,
    /// A line of the patch that breaks its format, from 1.
    Malformed(usize),
    /// A hunk, from 1, whose lines are not in the file.
    Mismatch(usize),
    /// A git patch of a binary file, at a line from 1.
    Binary(usize),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "changes no file"),
            Self::Malformed(line) => write!(f, "line {line} is not that of a unified diff"),
            Self::Mismatch(hunk) => write!(f, "hunk {hunk} does not fit"),
            Self::Binary(line) => write!(f, "line {line}: binary patches are not supported"),
        }
    }
}

impl std::error::Error for PatchError {}

/// A name without its first `strip` components, as `patch -p` does; `None` if it has no more than those.
#[must_use]
pub fn strip_components(name: &[u8], strip: u32) -> Option<&[u8]> {
    let mut rest = name;
    for _ in 0..strip {
        let slash = rest.iter().position(|byte| *byte == b'/')?;
        rest = rest.get(slash..)?;
        let doubled = rest.iter().take_while(|byte| **byte == b'/').count();
        rest = rest.get(doubled..)?;
    }
    Some(rest).filter(|rest| !rest.is_empty())
}

/// Reads a patch of any number of files. Text around them (mail headers, explanations) is skipped.
///
/// # Errors
/// If it is malformed or changes nothing.
pub fn parse(text: &[u8]) -> Result<Vec<FilePatch>, PatchError> {
    let mut reader = Reader { lines: text.split_inclusive(|byte| *byte == b'\n').collect(), at: 0 };
    let mut files = Vec::new();
    let mut git = GitHeader::default();
    while let Some(line) = reader.peek() {
        if line.starts_with(b"diff --git ") {
            files.extend(std::mem::take(&mut git).without_hunks());
            git.seen = true;
        } else if git.seen && (line.starts_with(b"GIT binary patch") || line.starts_with(b"Binary files ")) {
            return Err(PatchError::Binary(reader.at + 1));
        } else if line.starts_with(b"--- ") && reader.peek_after().is_some_and(|next| next.starts_with(b"+++ ")) {
            files.push(reader.file(&std::mem::take(&mut git))?);
            continue;
        } else if git.seen {
            git.read(line);
        }
        reader.at += 1;
    }
    files.extend(git.without_hunks());
    if files.is_empty() { Err(PatchError::Empty) } else { Ok(files) }
}

/// What git says between `diff --git` and the hunks.
#[derive(Default)]
struct GitHeader {
    seen: bool,
    from: Option<Bytes>,
    to: Option<Bytes>,
    executable: Option<bool>,
}

impl GitHeader {
    fn read(&mut self, line: &[u8]) {
        let value = |prefix: &[u8]| line.strip_prefix(prefix).map(|rest| Bytes::from(rest.trim_ascii_end()));
        if let Some(from) = value(b"rename from ") {
            self.from = Some(from);
        } else if let Some(to) = value(b"rename to ") {
            self.to = Some(to);
        } else if let Some(mode) = value(b"new mode ").or_else(|| value(b"new file mode ")) {
            self.executable = Some(mode.ends_with(b"755"));
        }
    }

    /// A pure rename. Its names lack git's `a/` and `b/`, which `-p` counts.
    fn without_hunks(self) -> Option<FilePatch> {
        let (from, to) = (self.from?, self.to?);
        let named = |prefix: &[u8], name: Bytes| Some(Bytes::from([prefix, &name].concat()));
        Some(FilePatch {
            old: named(b"a/", from),
            new: named(b"b/", to),
            renamed: true,
            executable: self.executable,
            hunks: Vec::new(),
        })
    }
}

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at).copied()
    }

    fn peek_after(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at + 1).copied()
    }

    fn malformed<T>(&self) -> Result<T, PatchError> {
        Err(PatchError::Malformed(self.at + 1))
    }

    fn file(&mut self, git: &GitHeader) -> Result<FilePatch, PatchError> {
        let old = self.peek().and_then(file_name);
        let new = self.peek_after().and_then(file_name);
        self.at += 2;
        let mut hunks = Vec::new();
        while self.peek().is_some_and(|line| line.starts_with(b"@@ -")) {
            hunks.push(self.hunk()?);
        }
        if hunks.is_empty() {
            return self.malformed();
        }
        Ok(FilePatch { old, new, renamed: git.from.is_some(), executable: git.executable, hunks })
    }

    fn hunk(&mut self) -> Result<Hunk, PatchError> {
        let Some((start, mut old, mut new)) = self.peek().and_then(hunk_header) else { return self.malformed() };
        self.at += 1;
        // Of no lines at all the header names the one before.
        let mut hunk = Hunk { start: start + usize::from(old == 0), lines: Vec::new() };
        while old > 0 || new > 0 {
            let Some(line) = self.peek() else { return self.malformed() };
            let (mark, text) = match line {
                [b' ', text @ ..] => (Mark::Context, text),
                [b'-', text @ ..] => (Mark::Removed, text),
                [b'+', text @ ..] => (Mark::Added, text),
                // An empty line of context whose blank some editor has removed.
                [b'\n'] | [b'\r', b'\n'] => (Mark::Context, line),
                [b'\\', ..] if self.no_newline(&mut hunk) => continue,
                _ => return self.malformed(),
            };
            let counts = (
                old.checked_sub(usize::from(mark != Mark::Added)),
                new.checked_sub(usize::from(mark != Mark::Removed)),
            );
            let (Some(old_left), Some(new_left)) = counts else { return self.malformed() };
            (old, new) = (old_left, new_left);
            hunk.lines.push((mark, text.to_vec()));
            self.at += 1;
        }
        if self.peek().is_some_and(|line| line.starts_with(b"\\")) {
            self.no_newline(&mut hunk);
        }
        Ok(hunk)
    }

    /// Takes the line `\ No newline at end of file`, which is about the line before it.
    fn no_newline(&mut self, hunk: &mut Hunk) -> bool {
        self.at += 1;
        hunk.lines.last_mut().is_some_and(|(_, text)| text.pop_if(|byte| *byte == b'\n').is_some())
    }
}

/// The name in a `---` or `+++` line: up to a tab, or to the end; `None` for `/dev/null`.
fn file_name(line: &[u8]) -> Option<Bytes> {
    let rest = line.get(4..)?;
    let name = rest.split(|byte| *byte == b'\t').next()?.trim_ascii_end();
    let unquoted = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    if unquoted == b"/dev/null" { None } else { Some(unquoted.into()) }
}

/// `@@ -START[,COUNT] +START[,COUNT] @@`: the old start and both counts.
fn hunk_header(line: &[u8]) -> Option<(usize, usize, usize)> {
    let text = std::str::from_utf8(line.get(..line.len().min(200))?).ok().or_else(|| {
        // The function named after the second `@@` may be in any encoding.
        line.utf8_chunks().next().map(|chunk| chunk.valid())
    })?;
    let (ranges, _) = text.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |range: &str| match range.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((range.parse().ok()?, 1)),
    };
    let (start, old_count): (usize, usize) = range(old)?;
    let (_, new_count): (usize, usize) = range(new)?;
    Some((start, old_count, new_count))
}

impl FilePatch {
    /// Applies the hunks to the contents of the file.
    ///
    /// # Errors
    /// [`PatchError::Mismatch`] with the first hunk that fits nowhere.
    pub fn apply(&self, contents: &[u8]) -> Result<Vec<u8>, PatchError> {
        let lines: Vec<&[u8]> = contents.split_inclusive(|byte| *byte == b'\n').collect();
        let mut out = Vec::with_capacity(contents.len());
        let mut done = 0;
        let mut shift = 0_isize;
        for (index, hunk) in self.hunks.iter().enumerate() {
            let wanted = hunk.start.saturating_sub(1).saturating_add_signed(shift);
            let found = hunk.find(&lines, wanted, done).ok_or(PatchError::Mismatch(index + 1))?;
            out.extend(lines.get(done..found.at).unwrap_or_default().concat());
            out.extend(hunk.replacement(&lines, &found));
            done = found.at + found.length;
            // Line numbers fit, since there are that many lines in memory.
            shift = found.at.cast_signed() - found.skipped.cast_signed() - hunk.start.saturating_sub(1).cast_signed();
        }
        out.extend(lines.get(done..).unwrap_or_default().concat());
        Ok(out)
    }
}

/// Where a hunk fits.
struct Found {
    at: usize,
    /// How many lines it covers there.
    length: usize,
    /// How many lines of context were left out at its beginning and end.
    skipped: usize,
    skipped_end: usize,
}

impl Hunk {
    /// The place nearest to the wanted one, with as little context left out as possible.
    fn find(&self, lines: &[&[u8]], wanted: usize, from: usize) -> Option<Found> {
        const MAX_FUZZ: usize = 2;
        let old: Vec<&[u8]> =
            self.lines.iter().filter(|(mark, _)| *mark != Mark::Added).map(|(_, text)| text.as_slice()).collect();
        let before = self.lines.iter().take_while(|(mark, _)| *mark == Mark::Context).count();
        let after = self.lines.iter().rev().take_while(|(mark, _)| *mark == Mark::Context).count();
        let context = before.max(after);
        for fuzz in 0..=MAX_FUZZ.min(context) {
            let skipped = (fuzz + before).saturating_sub(context);
            let skipped_end = (fuzz + after).saturating_sub(context);
            let core = old.get(skipped..old.len().checked_sub(skipped_end)?)?;
            let last = lines.len().checked_sub(core.len());
            let Some(last) = last.filter(|last| *last >= from) else { continue };
            let fits = |at: &usize| lines.get(*at..*at + core.len()) == Some(core);
            let wanted = wanted + skipped;
            // Less context at one end than at the other says that the file begins or ends there, if it was made by `diff`.
            let anchor = match (before.cmp(&after), self.start) {
                (Ordering::Less, 1) => Some(from),
                (Ordering::Greater, _) => Some(last),
                _ => None,
            };
            let anywhere = by_distance(wanted.clamp(from, last), from, last);
            if let Some(at) = anchor.filter(|_| fuzz == 0).into_iter().chain(anywhere).find(fits) {
                return Some(Found { at, length: core.len(), skipped, skipped_end });
            }
        }
        None
    }

    /// The lines in place of those found: context as it is in the file.
    fn replacement(&self, lines: &[&[u8]], found: &Found) -> Vec<u8> {
        let end = self.lines.len() - found.skipped_end;
        let mut at = found.at;
        let mut out = Vec::new();
        for (mark, text) in self.lines.get(found.skipped..end).unwrap_or_default() {
            match mark {
                Mark::Added => out.extend_from_slice(text),
                Mark::Removed => at += 1,
                Mark::Context => {
                    out.extend_from_slice(lines.get(at).copied().unwrap_or_default());
                    at += 1;
                }
            }
        }
        out
    }
}

/// The numbers from `first` to `last`, those nearest to `wanted` first.
fn by_distance(wanted: usize, first: usize, last: usize) -> impl Iterator<Item = usize> {
    let below = move |distance: usize| wanted.checked_sub(distance).filter(|at| distance > 0 && *at >= first);
    let above = move |distance: usize| wanted.checked_add(distance).filter(|at| *at <= last);
    (0..=last - first).flat_map(move |distance| [above(distance), below(distance)]).flatten()
}
