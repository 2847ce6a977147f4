//! How often and when a call or an action is tried again: pure tables of faults. Not here: sleeping, calling.

use std::time::Duration;

use super::fault::Fault;

/// The first pause, unless patience is short; each is twice the one before.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);
/// How often something is tried again that may be nobody's passing trouble.
const FEW: u32 = 4;
/// How often an action is tried on an engine that says it could not run it.
const TRIES: u32 = 3;

/// The attempts of one call, or one action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retry {
    patience: Duration,
    failures: u32,
}

impl Retry {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { patience, failures: 0 }
    }

    /// How long to wait before the next attempt, `since` after the first failure; none if there is to be no other.
    pub(super) fn after(&mut self, fault: Fault, since: Duration) -> Option<Duration> {
        let pause = self.pause();
        let again = match fault {
            Fault::Unreachable => since + pause <= self.patience,
            // Room may come free while others are served; it will not if they are not.
            Fault::Stumbled | Fault::Full => self.failures <= FEW,
            Fault::Missing
            | Fault::Unauthenticated
            | Fault::Forbidden
            | Fault::Unsupported
            | Fault::Platform
            | Fault::Abandoned
            | Fault::Cancelled
            | Fault::Refused => false,
        };
        again.then_some(pause)
    }

    /// As [`Self::after`], of an action that an engine says it could not run: another try may be another worker's.
    pub(super) fn after_try(&mut self, fault: Fault, since: Duration) -> Option<Duration> {
        let pause = self.pause();
        let again = match fault {
            Fault::Unreachable => self.failures < TRIES || since + pause <= self.patience,
            Fault::Full => self.failures <= FEW,
            Fault::Missing | Fault::Stumbled | Fault::Abandoned | Fault::Cancelled => self.failures < TRIES,
            Fault::Unauthenticated | Fault::Forbidden | Fault::Unsupported | Fault::Platform | Fault::Refused => false,
        };
        again.then_some(pause)
    }

    /// Another failure; the pause that it asks for.
    fn pause(&mut self) -> Duration {
        let first = FIRST.min(self.patience / 100);
        let pause = first.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(fault: Fault, patience: u64) -> Vec<u128> {
        all(patience, |retry, since| retry.after(fault, since))
    }

    fn all(patience: u64, after: impl Fn(&mut Retry, Duration) -> Option<Duration>) -> Vec<u128> {
        let mut retry = Retry::new(Duration::from_secs(patience));
        let mut since = Duration::ZERO;
        let mut all = Vec::new();
        while let Some(pause) = after(&mut retry, since) {
            since += pause;
            all.push(pause.as_millis());
            assert!(all.len() < 100);
        }
        all
    }

    #[test]
    fn as_long_as_patience_lasts() {
        assert_eq!(pauses(Fault::Unreachable, 12), [100, 200, 400, 800, 1600, 3200, 5000]);
        assert_eq!(pauses(Fault::Unreachable, 1), [10, 20, 40, 80, 160, 320]);
    }

    #[test]
    fn a_few_times_or_never() {
        for fault in [Fault::Stumbled, Fault::Full] {
            assert_eq!(pauses(fault, 120), [100, 200, 400, 800]);
            assert_eq!(pauses(fault, 1), [10, 20, 40, 80]);
        }
        for fault in [Fault::Missing, Fault::Unauthenticated, Fault::Forbidden, Fault::Platform, Fault::Abandoned] {
            assert_eq!(pauses(fault, 100), [0; 0], "{fault:?}");
        }
    }
    #[test]
    fn actions() {
        for (fault, expected) in [
            (Fault::Unreachable, [100, 200, 400, 800, 1600, 3200, 5000].as_slice()),
            (Fault::Full, &[100, 200, 400, 800]),
            (Fault::Stumbled, &[100, 200]),
            (Fault::Missing, &[100, 200]),
            (Fault::Abandoned, &[100, 200]),
            (Fault::Cancelled, &[100, 200]),
            (Fault::Platform, &[]),
            (Fault::Refused, &[]),
        ] {
            assert_eq!(all(12, |retry, since| retry.after_try(fault, since)), expected, "{fault:?}");
        }
        // However long the tries themselves take.
        let late = |retry: &mut Retry, since| retry.after_try(Fault::Unreachable, since + Duration::from_secs(600));
        assert_eq!(all(12, late), [100, 200]);
    }
}
