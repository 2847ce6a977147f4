//! No bytes make it panic, loop or use up memory.

#![allow(clippy::unwrap_used, reason = "what every test calls is not in a test itself")]

mod support;

use inspect::{Content, Expectation, Part, check, host_paths, inspect, locate};
use proptest::prelude::*;
use support::elf::Image;
use support::{holders, one_of_each};

/// Everything the crate does, on these bytes. That it returns is the test; that it agrees with itself another.
fn exercise(bytes: &[u8]) {
    if let Ok(content) = inspect(bytes) {
        let items = content.items();
        let violations = check(&content, &Expectation { glibc_ceiling: Some((2, 17)), ..Expectation::default() });
        let unreadable = items.iter().filter(|item| item.report.is_err()).count();
        assert!(violations.len() >= unreadable);
        for item in items {
            let _ = item.report.map(|report| report.glibc().is_some());
        }
    }
    for path in host_paths(bytes, &[b"/", b"lib"]) {
        let at = usize::try_from(path.offset).unwrap();
        assert_eq!(bytes.get(at..at + path.path.len()), Some(path.path));
    }
    let _ = locate(bytes, bytes.len() as u64 / 2);
}

#[test]
fn every_truncation_of_every_format() {
    for file in one_of_each() {
        for length in 0..=file.len() {
            exercise(&file[..length]);
        }
    }
}

#[test]
fn every_byte_of_every_header_replaced() {
    for file in one_of_each() {
        for at in 0..file.len().min(320) {
            for value in [0, 0x7f, 0xff] {
                let mut changed = file.clone();
                changed[at] = value;
                exercise(&changed);
            }
        }
    }
}

#[test]
fn truncated_programs_are_errors_not_facts() {
    for file in [Image::glibc_program().build(), support::macho::Program::default().build()] {
        for length in 64..file.len() {
            assert!(inspect(&file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
    }
}

/// Thousands of entries that name one long string: refused, not read for hours.
#[test]
fn shared_long_names_are_refused() {
    let long: &'static str = Box::leak("l".repeat(100_000).into_boxed_str());
    let needed: &'static [&'static str] = Box::leak(vec![long].into_boxed_slice());
    let file = Image { needed, versions: &[], sections: false, ..Image::glibc_program() }.build();
    // A new dynamic table behind the file: the entry for that string again and again, then the old table.
    let field = |at: usize| usize::from_le_bytes(file[at..at + 8].try_into().unwrap());
    let segment = (0..4).map(|number| 64 + 56 * number).find(|at| file[*at] == 2).unwrap();
    let (old, old_size) = (field(segment + 8), field(segment + 32));
    let old = &file[old..old + old_size];
    assert_eq!(old[0], 1, "the first entry is DT_NEEDED");
    let table = [old[..16].repeat(50_000), old.to_vec()].concat();
    let mut hostile = file.clone();
    hostile[segment + 8..segment + 16].copy_from_slice(&file.len().to_le_bytes());
    hostile[segment + 32..segment + 40].copy_from_slice(&table.len().to_le_bytes());
    hostile.extend_from_slice(&table);
    assert_eq!(inspect(&hostile).map_err(|error| error.part), Err(Part::DynamicStrings));
}

#[test]
fn nested_archives_end() {
    let mut bytes = b"x".to_vec();
    for _ in 0..100 {
        bytes = holders::archive(&[("inner.a", &bytes)]);
    }
    let Content::Archive(archive) = inspect(&bytes).unwrap() else { panic!() };
    assert_eq!(archive.members[0].object, Ok(None));
    exercise(&bytes);
}

/// The magics, so that random bytes get past the first test.
const MAGICS: [&[u8]; 14] = [
    b"\x7fELF\x01\x01\x01",
    b"\x7fELF\x02\x01\x01",
    b"\x7fELF\x01\x02\x01",
    b"\x7fELF\x02\x02\x01",
    b"\xfe\xed\xfa\xce",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe\0\0\0\x02",
    b"\xca\xfe\xba\xbf\0\0\0\x01",
    b"!<arch>\n",
    b"!<thin>\n",
    b"MZ",
    b"\x64\x86",
    b"\0\0\xff\xff\0\0",
    b"\0\0\xff\xff\x02\0",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_behind_every_magic(
        magic in prop::sample::select(MAGICS.to_vec()),
        rest in proptest::collection::vec(prop_oneof![3 => Just(0u8), 2 => 1u8..64, 1 => any::<u8>()], 0..600),
    ) {
        exercise(&[magic, &rest].concat());
    }

    /// Real files with a few fields overwritten anywhere, also with the values that break arithmetic.
    #[test]
    fn mutated_files(
        file in prop::sample::select(one_of_each()),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<[u8; 4]>(), Just([0xff; 4]), Just([0; 4]), Just([0xff, 0xff, 0xff, 0x7f]), Just([0, 0, 0, 0x80]),
            (0u8..64).prop_map(|low| [low, 0, 0, 0]), (0u8..64).prop_map(|low| [0, 0, 0, low]),
        ]), 1..6),
    ) {
        let mut changed = file.clone();
        for (index, value) in edits {
            let at = index.index(changed.len());
            let end = changed.len().min(at + 4);
            changed[at..end].copy_from_slice(&value[..end - at]);
        }
        exercise(&changed);
    }
}
