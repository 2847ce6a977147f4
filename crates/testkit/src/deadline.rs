//! How long the tests may still take: CI has an hour, and a machine that has nothing yet may need more.
//!
//! Not here: how long anything takes. A test knows what it costs where nothing has been made.

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When the tests are to be over, in seconds since 1970. `./test` says it in CI, and nowhere else.
pub const DEADLINE: &str = "BACTRIAN_TEST_DEADLINE";

/// Whether there is time for `what`, which takes up to `minutes` where nothing has been made; if not, it is said that it is left
/// out, past the test runner, which shows nothing of tests that pass.
/// A deadline that is no number is none.
#[must_use]
pub fn has_time_for(what: &str, minutes: u64) -> bool {
    let said = std::env::var(DEADLINE).ok().and_then(|text| text.parse().ok());
    let Some(deadline) = said else { return true };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_secs(deadline).saturating_sub(now);
    if fits(minutes, left) {
        return true;
    }
    let left = left.as_secs() / 60;
    let _ = writeln!(std::io::stderr(), "left out: {what}, which may take {minutes} minutes, and {left} are left");
    false
}

fn fits(minutes: u64, left: Duration) -> bool {
    Duration::from_secs(minutes * 60) <= left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_than_is_left_is_left_out() {
        assert!(fits(5, Duration::from_secs(300)) && !fits(5, Duration::from_secs(299)) && fits(0, Duration::ZERO));
    }
}
