//! How sizes, times and lists read, and what a mistyped word was to be. Pure.

use std::time::Duration;

/// A size in bytes as people read it: `512 B`, `1.5 KiB`, `23 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if value < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A time as people read it: `3 s`, `41.2 s`, `12 min 3 s`, `2 h 5 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 if time.subsec_millis() == 0 => format!("{seconds} s"),
        0..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 node`, `2 nodes`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// `a`, `a or b`, `a, b or c`, each in backquotes.
pub(crate) fn any_of<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// The known word that `given` was to be, if one is near enough.
pub(crate) fn nearest<'w>(given: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let scored = known.into_iter().map(|word| (strsim::damerau_levenshtein(given, word), word));
    let (distance, word) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= (given.len().max(word.len()) / 3).max(1)).then_some(word)
}

/// Rows as a table: columns as wide as their widest cell, two spaces apart, nothing at the end of lines.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Why a text is no size or no age.
pub(crate) type QuantityError = &'static str;

/// A size as it is typed: bytes, or with `K`, `M`, `G`, `T` (powers of 1024; `KiB`, `KB` and lower case too).
pub(crate) fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = split_unit(text)?;
    let unit = unit.to_ascii_uppercase();
    let power = match unit.strip_suffix("IB").or_else(|| unit.strip_suffix('B')).unwrap_or(&unit) {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err("is no size: say 10G, 500M or a number of bytes"),
    };
    number.checked_mul(1 << (10 * power)).ok_or("is too large")
}

/// An age as it is typed: a whole number with `s`, `m`, `h`, `d` or `w`.
pub(crate) fn parse_age(text: &str) -> Result<Duration, QuantityError> {
    let (number, unit) = split_unit(text)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err("is no age: say 30d, 12h or 2w"),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or("is too large")
}

fn split_unit(text: &str) -> Result<(u64, &str), QuantityError> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Ok((number.parse().map_err(|_| "does not begin with a whole number")?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 << 10, "10 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn durations_read_well() {
        for (millis, text) in [
            (0, "0 s"),
            (20, "0.0 s"),
            (349, "0.3 s"),
            (41_250, "41.2 s"),
            (59_999, "59.9 s"),
            (723_000, "12 min 3 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn quantities_as_typed() {
        for (text, bytes) in [("10G", Ok(10 << 30)), ("500MiB", Ok(500 << 20)), ("7 kb", Ok(7 << 10)), ("12", Ok(12))] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
        for text in ["", "G", "1X", "-1", "1.5G", "99999999999T"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(parse_age("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for text in ["30", "d", "1y", "99999999999999999w"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nearest_word() {
        let known = ["targets", "ocaml", "jobs"];
        for (given, word) in
            [("target", Some("targets")), ("ocmal", Some("ocaml")), ("job", Some("jobs")), ("xyz", None)]
        {
            assert_eq!(nearest(given, known), word, "{given}");
        }
    }

    #[test]
    fn tables_are_aligned() {
        let rows = [["a", "long", "z"], ["bcd", "é", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    long  z\nbcd  é\n");
    }

    #[test]
    fn lists() {
        assert_eq!(
            (any_of::<&str>(&[]), any_of(&["a"]), any_of(&["a", "b", "c"])),
            (String::new(), "`a`".into(), "`a`, `b` or `c`".into())
        );
        assert_eq!((count(1, "node"), count(0, "node")), ("1 node".into(), "0 nodes".into()));
    }
}
