//! Paths of the build machine left in a file. NOT here: which paths those are (the caller says), whether one is
//! acceptable, and compressed bytes (see [`Report::compressed_sections`](crate::Report::compressed_sections)).

use std::collections::HashMap;

use memchr::memmem::Finder;

/// Longer than any path a system takes (`PATH_MAX` of Linux).
const LONGEST_PATH: usize = 4096;
/// How far back a longer path around a finding is looked for.
const LONGEST_LEAD: usize = 256;

/// One path that begins with a forbidden prefix, with all its places in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath<'d> {
    /// The whole string from the prefix to the first byte that paths in programs do not contain: a control
    /// character, a blank, a quote, one of `:;,|<>`, or no UTF-8.
    pub path: &'d [u8],
    /// Which of the prefixes; the longest of those that match here.
    pub prefix: usize,
    /// How it fits the prefix.
    pub fit: Fit,
    /// The first place, in bytes from the start of the file.
    pub offset: u64,
    /// In how many places this path is.
    pub count: u64,
}

/// How a finding fits its prefix. Nothing is left out: what is a leak is for the caller to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fit {
    /// The prefix itself or something below it.
    Below,
    /// The name goes on: `/home/annette` for the prefix `/home/ann`. Never for a prefix that ends in `/`.
    NameGoesOn,
    /// The end of a longer path: `/mnt/home/ann` for the prefix `/home/ann`.
    InLongerPath,
}

/// Finds every path in `bytes` that begins with one of `prefixes`, sorted by first place.
///
/// Empty prefixes find nothing. After a path the search goes on behind its end. Linear in the size of the file for
/// each prefix, at the speed of memory.
#[must_use]
pub fn host_paths<'d>(bytes: &'d [u8], prefixes: &[&[u8]]) -> Vec<HostPath<'d>> {
    let mut searches: Vec<Search<'_>> = prefixes
        .iter()
        .enumerate()
        .filter(|(_, prefix)| !prefix.is_empty())
        .map(|(number, prefix)| Search { number, length: prefix.len(), finder: Finder::new(prefix), next: None })
        .collect();
    searches.iter_mut().for_each(|search| search.advance(bytes, 0));

    let mut found: Vec<HostPath<'d>> = Vec::new();
    let mut known: HashMap<(&[u8], Fit, usize), usize> = HashMap::new();
    while let Some(finding) = next_finding(bytes, &searches) {
        let end = finding.start.saturating_add(finding.path.len());
        match known.get(&(finding.path, finding.fit, finding.prefix)).and_then(|position| found.get_mut(*position)) {
            Some(path) => path.count = path.count.saturating_add(1),
            None => {
                known.insert((finding.path, finding.fit, finding.prefix), found.len());
                found.push(finding.into_host_path());
            }
        }
        searches.iter_mut().for_each(|search| search.advance(bytes, end));
    }
    found
}

/// The search for one prefix.
struct Search<'p> {
    number: usize,
    length: usize,
    finder: Finder<'p>,
    /// The first match not before where the search stands.
    next: Option<usize>,
}

impl Search<'_> {
    /// Moves to the first match at `from` or behind it. One not reached yet stays.
    fn advance(&mut self, bytes: &[u8], from: usize) {
        if from == 0 || self.next.is_some_and(|next| next < from) {
            let rest = bytes.get(from..).unwrap_or_default();
            self.next = self.finder.find(rest).map(|at| from.saturating_add(at));
        }
    }
}

/// One match.
struct Finding<'d> {
    path: &'d [u8],
    start: usize,
    prefix: usize,
    fit: Fit,
}

impl<'d> Finding<'d> {
    fn into_host_path(self) -> HostPath<'d> {
        HostPath { path: self.path, prefix: self.prefix, fit: self.fit, offset: self.start as u64, count: 1 }
    }
}

/// The earliest match of all searches; of several at one place the longest.
fn next_finding<'d>(bytes: &'d [u8], searches: &[Search<'_>]) -> Option<Finding<'d>> {
    let (start, search) = searches
        .iter()
        .filter_map(|search| search.next.map(|next| (next, search)))
        .min_by_key(|(next, search)| (*next, usize::MAX - search.length))?;
    let rest = bytes.get(start..)?;
    let path = rest.get(..path_length(rest, search.length))?;
    let fit = if is_in_longer_path(bytes.get(..start)?) {
        Fit::InLongerPath
    } else if name_goes_on(path, search.length) {
        Fit::NameGoesOn
    } else {
        Fit::Below
    };
    Some(Finding { path, start, prefix: search.number, fit })
}

/// The length of the path that begins here. The prefix belongs to it whatever its bytes are.
fn path_length(rest: &[u8], prefix: usize) -> usize {
    let limit = rest.len().min(prefix.saturating_add(LONGEST_PATH));
    let tail = rest.get(prefix..limit).unwrap_or_default();
    // Text chunk by chunk, so that the first broken character ends it.
    let text = tail.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let end = text.find(ends_path).unwrap_or(text.len());
    prefix.saturating_add(end)
}

fn ends_path(character: char) -> bool {
    character.is_control() || character == ' ' || "\"'`:;,|<>".contains(character)
}

fn name_goes_on(path: &[u8], prefix: usize) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    let ends_a_name = prefix.checked_sub(1).and_then(|last| path.get(last)).is_some_and(is_separator);
    !ends_a_name && path.get(prefix).is_some_and(|byte| is_name_byte(*byte))
}

/// Whether the bytes before a match are a path that the match continues: a name directly before it, and a separator
/// before that name or a `.`. Something glued to the path alone (`-I`, the length byte of a marshalled string) is not one.
fn is_in_longer_path(before: &[u8]) -> bool {
    let lead = before.iter().rev().take(LONGEST_LEAD).take_while(|byte| is_name_byte(**byte) || **byte == b'/');
    let mut lead = lead.copied();
    let Some(last) = lead.next() else { return false };
    // `.`: relative paths such as `../home/ann`. A separator directly before would be an empty name.
    last == b'.' || (last != b'/' && lead.any(|byte| byte == b'/'))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'@' | b'~' | b'%')
}

#[cfg(test)]
mod tests;
