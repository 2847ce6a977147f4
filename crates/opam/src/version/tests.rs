use super::*;
use proptest::prelude::*;

/// Ascending by opam's order; the members of a row are equal in it.
const GOLDEN: &[&[&str]] =
    &[&["~~"], &["~"], &["0~", "0~0", "~00000", "~0"], &["0", "00", "0-0"], &["0.1~rc1"], &["0.1", "0.01", "0.1-0"]];

fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

#[test]
fn a_row_is_equal() {
    for (left, right) in [("1.0", "1.00"), ("1.0", "1.0-0"), ("1", "1-"), ("1.0", "1.0-00"), ("a", "a0"), ("007", "7")]
    {
        assert_eq!(version(left).order(&version(right)), Ordering::Equal, "{left} {right}");
        assert_ne!(version(left), version(right));
        assert_ne!(version(left).cmp(&version(right)), Ordering::Equal);
    }
}
