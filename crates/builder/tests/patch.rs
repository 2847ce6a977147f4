//! Applying unified diffs, against random edits whose results are known.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test"
)]

mod common;

use builder::patch::{self, PatchError};
use common::Random;

/// A file before and after some edits: `(line, removed, added)`.
struct Edited {
    old: Vec<String>,
    new: Vec<String>,
    edits: Vec<(usize, usize, Vec<String>)>,
}

fn edited(random: &mut Random) -> Edited {
    let old: Vec<String> =
        (0..random.below(40) + 1).map(|line| format!("line {line} {}\n", random.below(100))).collect();
    let mut edits = Vec::new();
    let mut new = Vec::new();
    let mut at = 0;
    while at < old.len() {
        if random.below(12) == 0 {
            let removed = random.below(3).min(old.len() - at);
            let added: Vec<String> = (0..random.below(3)).map(|_| format!("new {}\n", random.below(1000))).collect();
            if removed + added.len() > 0 {
                new.extend(added.iter().cloned());
                edits.push((at, removed, added));
                at += removed;
                continue;
            }
        }
        new.push(old[at].clone());
        at += 1;
    }
    Edited { old, new, edits }
}

/// A unified diff of the edits, each in a hunk of its own with up to three lines of context that no other edit touches.
fn diff(file: &Edited) -> String {
    let mut text = "--- a/f\n+++ b/f\n".to_owned();
    let mut shift = 0_isize;
    let mut earlier = 0;
    for (index, (at, removed, added)) in file.edits.iter().enumerate() {
        let later = file.edits.get(index + 1).map_or(file.old.len(), |edit| edit.0);
        let start = at.saturating_sub(3).max(earlier);
        let end = (at + removed + 3).min(later);
        earlier = end;
        let (old, new) = (end - start, end - start - removed + added.len());
        let first = |count: usize| start + usize::from(count > 0);
        text += &format!("@@ -{},{old} +{},{new} @@\n", first(old), first(new).checked_add_signed(shift).unwrap());
        text.extend(file.old[start..*at].iter().map(|line| format!(" {line}")));
        text.extend(file.old[*at..at + removed].iter().map(|line| format!("-{line}")));
        text.extend(added.iter().map(|line| format!("+{line}")));
        text.extend(file.old[at + removed..end].iter().map(|line| format!(" {line}")));
        shift += added.len().cast_signed() - removed.cast_signed();
    }
    text
}

#[test]
fn random_edits_apply() {
    let mut seen = 0;
    for seed in 1..3000 {
        let mut random = Random::seeded(seed);
        let file = edited(&mut random);
        if file.edits.is_empty() {
            continue;
        }
        seen += 1;
        let text = diff(&file);
        let parsed = patch::parse(text.as_bytes()).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let result = parsed[0]
            .apply(file.old.concat().as_bytes())
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(String::from_utf8(result).unwrap(), file.new.concat(), "seed {seed}\n{text}");
    }
    assert!(seen > 1000);
}

fn apply(text: &str, contents: &str) -> Result<String, PatchError> {
    patch::parse(text.as_bytes())?[0].apply(contents.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
}

const SWAP: &str = "--- a/f\n+++ b/f\n@@ -4,7 +4,7 @@ fun\n d\n e\n f\n-g\n+G\n h\n i\n j\n";

#[test]
fn hunks_that_have_moved_apply() {
    let file = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n";
    assert_eq!(apply(SWAP, file).unwrap(), file.replace('g', "G"));
    let moved = format!("{}{file}", "x\n".repeat(17));
    assert_eq!(apply(SWAP, &moved).unwrap(), moved.replace('g', "G"));
    let earlier = "d\ne\nf\ng\nh\ni\nj\n";
    assert_eq!(apply(SWAP, earlier).unwrap(), earlier.replace('g', "G"));
}

#[test]
fn outer_context_may_differ_but_not_inner() {
    let fuzzy = "a\nb\nc\nD\nE\nf\ng\nh\nI\nJ\n";
    assert_eq!(apply(SWAP, fuzzy).unwrap(), fuzzy.replace('g', "G"), "the file's own context stays");
    assert_eq!(apply(SWAP, "a\nb\nc\nd\ne\nF\ng\nH\ni\nj\n"), Err(PatchError::Mismatch(1)));
    assert_eq!(apply(SWAP, "a\n"), Err(PatchError::Mismatch(1)));
}

#[test]
fn the_nearest_of_several_places_is_taken() {
    let text = "--- f\n+++ f\n@@ -5,1 +5,1 @@\n-x\n+y\n";
    assert_eq!(apply(text, "x\n1\n2\n3\n4\nx\n6\n7\nx\n").unwrap(), "x\n1\n2\n3\n4\ny\n6\n7\nx\n");
}

#[test]
fn files_are_created_and_removed() {
    let text = "--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n";
    let files = patch::parse(text.as_bytes()).unwrap();
    assert_eq!((&files[0].old, files[0].new.as_deref()), (&None, Some(b"b/new".as_slice())));
    assert_eq!(files[0].apply(b"").unwrap(), b"one\ntwo");
    assert_eq!((files[1].old.as_deref(), &files[1].new), (Some(b"a/old".as_slice()), &None));
    assert_eq!(files[1].apply(b"gone\n").unwrap(), b"");
}

#[test]
fn git_headers_are_understood() {
    let text = "From: x\n---\n f | 2 +-\ndiff --git a/p b/q\nsimilarity index 100%\nrename from p\nrename to q\n\
                diff --git a/s b/s\nold mode 100644\nnew mode 100755\n--- a/s\n+++ b/s\n@@ -1 +1 @@\n-a\n+b\n-- \n2.40\n";
    let files = patch::parse(text.as_bytes()).unwrap();
    assert_eq!(files.len(), 2);
    assert!(files[0].renamed && files[0].apply(b"same").unwrap() == b"same");
    assert_eq!((files[0].old.as_deref(), files[0].new.as_deref()), (Some(b"a/p".as_slice()), Some(b"b/q".as_slice())));
    assert_eq!((files[1].executable, files[1].apply(b"a\n").unwrap().as_slice()), (Some(true), b"b\n".as_slice()));
}

#[test]
fn what_is_no_patch_is_refused() {
    assert_eq!(patch::parse(b"hello\n"), Err(PatchError::Empty));
    assert_eq!(patch::parse(b"--- a\n+++ b\n@@ -1,2 +1 @@\n-x\n"), Err(PatchError::Malformed(5)));
    assert_eq!(patch::parse(b"--- a\n+++ b\n@@ -1 +1 @@\n*x\n"), Err(PatchError::Malformed(4)));
    assert_eq!(patch::parse(b"diff --git a/x b/x\nGIT binary patch\n"), Err(PatchError::Binary(2)));
}

#[test]
fn components_are_stripped() {
    for (name, strip, expected) in [
        ("a/b/c", 0, Some("a/b/c")),
        ("a/b/c", 1, Some("b/c")),
        ("a//b", 1, Some("b")),
        ("/a/b", 1, Some("a/b")),
        ("a", 1, None),
        ("a/", 1, None),
    ] {
        assert_eq!(patch::strip_components(name.as_bytes(), strip), expected.map(str::as_bytes), "{name} -p{strip}");
    }
}
