//! Moments as text, in UTC. Not here: local time, which needs a database of zones.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-23 10:43:28 UTC`.
pub(super) fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// The same for a file's name: `20261123T104328Z`.
pub(super) fn compact(utc: &str) -> String {
    let kept = utc.chars().filter(|character| character.is_ascii_digit() || *character == ' ');
    let text: String = kept.collect::<String>().trim_end().replace(' ', "T");
    format!("{text}Z")
}

/// Year, month and day of the day so many days after 1970-01-01, in the Gregorian calendar.
///
/// # Source
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: years begin in March, so that the leap
/// day is the last.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// As `date -u -d @N` tells them.
    #[test]
    fn moments() {
        for (seconds, text, name) in [
            (0, "1970-01-01 00:00:00 UTC", "19700101T000000Z"),
            (951_782_399, "2000-02-28 23:59:59 UTC", "20000228T235959Z"),
            (951_782_400, "2000-02-29 00:00:00 UTC", "20000229T000000Z"),
            (951_868_800, "2000-03-01 00:00:00 UTC", "20000301T000000Z"),
            (1_795_430_608, "2026-11-23 10:43:28 UTC", "20261123T104328Z"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC", "21000301T000000Z"),
        ] {
            let utc = utc(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!((utc.as_str(), compact(&utc).as_str()), (text, name));
        }
    }
}
