//! How much went over the wire, and how long something did. Not here: what a single action cost (`errand`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::locked;

/// Calls, and bytes of blobs, since the connection was made.
#[derive(Debug, Default)]
pub struct Traffic {
    calls: AtomicU64,
    sending: Way,
    receiving: Way,
}

/// A copy of the numbers, as they are at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Calls.
    pub calls: u64,
    /// Bytes of blobs that were sent, as they went over the wire.
    pub sent: u64,
    /// Bytes of blobs that were received.
    pub received: u64,
    /// How long blobs were being sent, several at once counted once.
    pub sending: Duration,
    /// How long blobs were being received.
    pub receiving: Duration,
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    bytes: AtomicU64,
    busy: Mutex<Busy>,
}

/// How long something was underway.
#[derive(Debug, Default)]
struct Busy {
    underway: usize,
    since: Option<Instant>,
    total: Duration,
}

/// Something is underway, until dropped.
#[derive(Debug)]
pub(super) struct Underway<'t>(&'t Way);

impl Way {
    fn begin(&self) -> Underway<'_> {
        let mut busy = locked(&self.busy);
        busy.underway += 1;
        busy.since.get_or_insert_with(Instant::now);
        Underway(self)
    }

    fn time(&self) -> Duration {
        let busy = locked(&self.busy);
        busy.total + busy.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let mut busy = locked(&self.0.busy);
        busy.underway -= 1;
        if busy.underway == 0 {
            let took = busy.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            busy.total += took;
        }
    }
}

impl Traffic {
    /// All of it.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            calls: self.calls(),
            sent: self.sent(),
            received: self.received(),
            sending: self.sending.time(),
            receiving: self.receiving.time(),
        }
    }

    /// Bytes of blobs that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sending.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of blobs that were received.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.receiving.bytes.load(Ordering::Relaxed)
    }

    /// Calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn add_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_sent(&self, bytes: u64) {
        self.sending.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_received(&self, bytes: u64) {
        self.receiving.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Blobs are being sent from now on.
    pub(super) fn begin_sending(&self) -> Underway<'_> {
        self.sending.begin()
    }

    /// Blobs are being received from now on.
    pub(super) fn begin_receiving(&self) -> Underway<'_> {
        self.receiving.begin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_underway_at_once_counts_once() {
        let traffic = Traffic::default();
        let begun = Instant::now();
        let (one, two) = (traffic.begin_sending(), traffic.begin_sending());
        std::thread::sleep(Duration::from_millis(5));
        drop(one);
        assert!(traffic.totals().sending >= Duration::from_millis(5), "also while it is underway");
        drop(two);
        let total = traffic.totals().sending;
        assert!(total >= Duration::from_millis(5) && total <= begun.elapsed(), "{total:?}");
        assert_eq!(traffic.totals().sending, total, "nothing is underway");
        assert_eq!(traffic.totals().receiving, Duration::ZERO);
    }
}
