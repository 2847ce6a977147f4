use super::*;
use proptest::prelude::*;

/// Strictly ascending; the first lines are the list in opam's manual.
const ASCENDING: &[&str] = &[
    "~~",
    "~",
    "~beta2",
    "~beta10",
    "0.1",
    "1.0~beta",
    "1.0",
    "1.0-test",
    "1.0.1",
    "1.0.10",
    "dev",
    "trunk",
    "v0.9.0",
    "v0.16.0",
    "v0.17~preview.1",
    "v0.17",
    "v0.17.1",
];

fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

#[test]
fn the_table_ascends() {
    for (at, left) in ASCENDING.iter().enumerate() {
        for (other, right) in ASCENDING.iter().enumerate() {
            assert_eq!(version(left).order(&version(right)), at.cmp(&other), "{left} {right}");
            assert_eq!(version(left).cmp(&version(right)), at.cmp(&other), "{left} {right}");
        }
    }
}

#[test]
fn pairs_that_are_easy_to_get_wrong() {
    let table = [
        ("5.3.0~alpha1", "5.3.0"),
        ("5.3.0~", "5.3.0~~"),
        ("5.3.0", "5.3.0+options"),
        ("5.3.0+options", "5.3.0.1"),
        ("1.9", "1.10"),
        ("1.0a", "1.0+"),
        ("1.0", "1.0-1"),
        ("1.0-1", "1.0-2"),
        ("1-2", "1-2-1"),
        ("4.14.1~", "4.14.1"),
        ("transition", "v1"),
        ("9", "99999999999999999999999999999999"),
    ];
    for (left, right) in table {
        let expected = if left == "5.3.0~" { Ordering::Greater } else { Ordering::Less };
        assert_eq!(version(left).order(&version(right)), expected, "{left} {right}");
    }
}

#[test]
fn equal_in_order_and_yet_two() {
    for (left, right) in [("1.0", "1.00"), ("1.0", "1.0-0"), ("1", "1-"), ("1.0", "1.0-00"), ("a", "a0"), ("007", "7")]
    {
        assert_eq!(version(left).order(&version(right)), Ordering::Equal, "{left} {right}");
        assert_ne!(version(left), version(right));
        assert_ne!(version(left).cmp(&version(right)), Ordering::Equal);
    }
}

#[test]
fn what_is_a_version() {
    for bad in ["", "1 0", "1/0", "é", "1:0", "%{v}%"] {
        assert_eq!(Version::new(bad), Err(VersionError(bad.to_owned())));
    }
}

/// The order as dpkg computes it: character by character, with a weight for each.
fn by_weights(left: &str, right: &str) -> Ordering {
    fn weight(byte: Option<u8>) -> i32 {
        match byte {
            Some(b'~') => -1,
            None | Some(b'0'..=b'9') => 0,
            Some(byte) if byte.is_ascii_alphabetic() => i32::from(byte),
            Some(byte) => i32::from(byte) + 256,
        }
    }
    let digit = |text: &[u8], at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        while i < left.len() && !digit(left, i) || j < right.len() && !digit(right, j) {
            let order = weight(left.get(i).copied()).cmp(&weight(right.get(j).copied()));
            if order.is_ne() {
                return order;
            }
            (i, j) = (i + 1, j + 1);
        }
        while left.get(i) == Some(&b'0') {
            i += 1;
        }
        while right.get(j) == Some(&b'0') {
            j += 1;
        }
        let mut first = Ordering::Equal;
        while digit(left, i) && digit(right, j) {
            first = first.then(left[i].cmp(&right[j]));
            (i, j) = (i + 1, j + 1);
        }
        let order = digit(left, i).cmp(&digit(right, j)).then(first);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

proptest! {
    #[test]
    fn agrees_with_weights(left in "[0-2a~.+-]{1,8}", right in "[0-2a~.+-]{1,8}") {
        let parts = |text: &str| text.rsplit_once('-').map_or((text.to_owned(), String::new()), |(a, b)| (a.into(), b.into()));
        let ((left_main, left_last), (right_main, right_last)) = (parts(&left), parts(&right));
        let expected = by_weights(&left_main, &right_main).then(by_weights(&left_last, &right_last));
        prop_assert_eq!(version(&left).order(&version(&right)), expected);
    }

    #[test]
    fn is_a_total_order(mut texts in prop::collection::vec("[0-1ab~.-]{1,5}", 3)) {
        let versions: Vec<_> = texts.drain(..).map(|text| version(&text)).collect();
        let [a, b, c] = versions.as_slice() else { unreachable!() };
        for compare in [Version::order, Version::cmp] {
            prop_assert_eq!(compare(a, b), compare(b, a).reverse());
            if compare(a, b).is_le() && compare(b, c).is_le() {
                prop_assert!(compare(a, c).is_le());
            }
            if compare(a, b).is_eq() {
                prop_assert_eq!(compare(a, c), compare(b, c));
            }
        }
        prop_assert_eq!(a.cmp(b).is_eq(), a == b);
    }
}
