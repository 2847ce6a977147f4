use proptest::prelude::*;

use super::*;

const PREFIXES: &[&[u8]] = &[b"/home/ann", b"/home/ann/proj", b"/tmp/", b""];

/// Path, prefix, fit, first place, count.
type Row<'a> = (&'a [u8], usize, Fit, u64, u64);

fn rows<'d>(bytes: &'d [u8], prefixes: &[&[u8]]) -> Vec<Row<'d>> {
    host_paths(bytes, prefixes)
        .into_iter()
        .map(|found| (found.path, found.prefix, found.fit, found.offset, found.count))
        .collect()
}

#[test]
fn paths_and_fits() {
    use Fit::{Below, InLongerPath, NameGoesOn};
    let table: &[(&[u8], &[Row<'_>])] = &[
        (b"", &[]),
        (b"/home/bob", &[]),
        (b"/home/ann", &[(b"/home/ann", 0, Below, 0, 1)]),
        (b"\0/home/ann/x.ml\0", &[(b"/home/ann/x.ml", 0, Below, 1, 1)]),
        // The longest prefix, once.
        (b"\0/home/ann/proj/x.ml\0", &[(b"/home/ann/proj/x.ml", 1, Below, 1, 1)]),
        (b"/home/annette/x", &[(b"/home/annette/x", 0, NameGoesOn, 0, 1)]),
        (b"/home/ann/project", &[(b"/home/ann/project", 1, NameGoesOn, 0, 1)]),
        // A prefix that ends in a separator has no name to go on.
        (b"/tmp/x", &[(b"/tmp/x", 2, Below, 0, 1)]),
        (b"/mnt/home/ann/x", &[(b"/home/ann/x", 0, InLongerPath, 4, 1)]),
        (b"../home/ann/x", &[(b"/home/ann/x", 0, InLongerPath, 2, 1)]),
        // Glued to something that is no path: an option, a URL, lengths of marshalled strings.
        (b"-I/home/ann/x", &[(b"/home/ann/x", 0, Below, 2, 1)]),
        (b"file:///home/ann/x", &[(b"/home/ann/x", 0, Below, 7, 1)]),
        (b"\x09a/home/ann/x", &[(b"/home/ann/x", 0, Below, 2, 1)]),
        (b"\x09//home/ann/x", &[(b"/home/ann/x", 0, Below, 2, 1)]),
        // What ends a path.
        (b"/tmp/a:/tmp/b", &[(b"/tmp/a", 2, Below, 0, 1), (b"/tmp/b", 2, Below, 7, 1)]),
        (b"(\"/tmp/a\")", &[(b"/tmp/a", 2, Below, 2, 1)]),
        (b"/tmp/a b", &[(b"/tmp/a", 2, Below, 0, 1)]),
        (b"/tmp/\xc3\xa9t\xc3\xa9\x90\x80", &[("/tmp/\u{e9}t\u{e9}".as_bytes(), 2, Below, 0, 1)]),
        // Equal paths are counted, different fits apart.
        (b"/tmp/a\0/tmp/b\0/tmp/a", &[(b"/tmp/a", 2, Below, 0, 2), (b"/tmp/b", 2, Below, 7, 1)]),
        (b"/tmp/a\0/var/tmp/a", &[(b"/tmp/a", 2, Below, 0, 1), (b"/tmp/a", 2, InLongerPath, 11, 1)]),
    ];
    for (bytes, expected) in table {
        assert_eq!(rows(bytes, PREFIXES), *expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn blanks_inside_a_prefix_belong_to_the_path() {
    let found = rows(b"\0C:\\Users\\Ann B\\proj\\x.c\0", &[b"C:\\Users\\Ann B"]);
    assert_eq!(found, [(&b"C:\\Users\\Ann B\\proj\\x.c"[..], 0, Fit::Below, 1, 1)]);
}

#[test]
fn long_runs_end_at_the_longest_path() {
    let bytes = [b"/tmp/".as_slice(), &[b'a'; 20_000]].concat();
    let found = host_paths(&bytes, PREFIXES);
    assert_eq!(found.iter().map(|found| found.path.len()).collect::<Vec<_>>(), [5 + LONGEST_PATH]);
}

/// Every place where some prefix is, by looking at every place.
fn covered_by_brute_force(bytes: &[u8], prefixes: &[&[u8]]) -> Vec<usize> {
    let begins = |at: &usize| prefixes.iter().any(|prefix| !prefix.is_empty() && bytes[*at..].starts_with(prefix));
    (0..bytes.len()).filter(begins).collect()
}

proptest! {
    /// No match is left out: each is the start of a reported path or inside one; the reported text is in the file.
    #[test]
    fn agrees_with_looking_everywhere(
        bytes in proptest::collection::vec(prop::sample::select(b"/abt.\0: ".to_vec()), 0..200),
        prefixes in proptest::collection::vec(proptest::collection::vec(prop::sample::select(b"/ab".to_vec()), 0..4), 0..4),
    ) {
        let prefixes: Vec<&[u8]> = prefixes.iter().map(Vec::as_slice).collect();
        let found = host_paths(&bytes, &prefixes);
        let mut inside = vec![false; bytes.len()];
        let mut places = 0;
        for path in &found {
            let first = usize::try_from(path.offset).unwrap();
            prop_assert!(bytes[first..].starts_with(path.path));
            prop_assert!(path.path.starts_with(prefixes[path.prefix]));
            places += path.count;
        }
        // Walk the matches as the documentation says: the first one, then on behind its path.
        let mut at = 0;
        let matches = covered_by_brute_force(&bytes, &prefixes);
        let mut walked = 0;
        while let Some(start) = matches.iter().copied().find(|start| *start >= at) {
            let path = found.iter().filter(|path| bytes[start..].starts_with(path.path)).max_by_key(|path| path.path.len());
            prop_assert!(path.is_some(), "match at {start} not reported");
            at = start + path.unwrap().path.len();
            inside[start..at].iter_mut().for_each(|place| *place = true);
            walked += 1;
        }
        prop_assert_eq!(walked, places);
        prop_assert!(matches.iter().all(|start| inside[*start]));
        prop_assert!(found.windows(2).all(|pair| pair[0].offset < pair[1].offset));
    }
}
