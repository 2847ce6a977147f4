//! Whether an engine's queue moves, as far as this client's own actions show it. Not here: what is done if it does not
//! (`operation`).

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::locked;

/// The queue of an engine, as it is seen from here.
#[derive(Debug)]
pub(super) struct Queue(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    /// How many of our actions workers have.
    running: usize,
    /// When one of them was last begun or ended.
    moved: Instant,
}

/// A worker has an action of ours, until this is dropped.
#[derive(Debug)]
pub(super) struct Running<'q> {
    queue: &'q Queue,
    since: Instant,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Seen { running: 0, moved: Instant::now() }))
    }

    /// A worker takes an action of ours.
    pub(super) fn run(&self) -> Running<'_> {
        let mut seen = locked(&self.0);
        let since = Instant::now();
        (seen.running, seen.moved) = (seen.running + 1, since);
        Running { queue: self, since }
    }

    /// An action was answered, whether or not it was said that it ran.
    pub(super) fn answered(&self) {
        locked(&self.0).moved = Instant::now();
    }

    /// For how long nothing has moved. While a worker has an action of ours, others may wait for that worker as long as that takes.
    pub(super) fn still(&self) -> Duration {
        let seen = locked(&self.0);
        if seen.running > 0 { Duration::ZERO } else { seen.moved.elapsed() }
    }
}

impl Running<'_> {
    /// For how long, as seen from here.
    pub(super) fn lasts(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut seen = locked(&self.queue.0);
        (seen.running, seen.moved) = (seen.running.saturating_sub(1), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_moves_as_long_as_something_runs() {
        let queue = Queue::new();
        let pause = Duration::from_millis(5);
        let (one, two) = (queue.run(), queue.run());
        std::thread::sleep(pause);
        assert_eq!(queue.still(), Duration::ZERO);
        drop(one);
        std::thread::sleep(pause);
        assert_eq!(queue.still(), Duration::ZERO);
        assert!(two.lasts() >= 2 * pause);
        let ended = Instant::now();
        drop(two);
        std::thread::sleep(pause);
        assert!(queue.still() >= pause && queue.still() <= ended.elapsed());
        queue.answered();
        assert!(queue.still() < ended.elapsed());
    }
}
