//! Doing one thing to many items on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads for work that waits for the disk: removing and syncing a file may take milliseconds of nothing but waiting,
/// and file systems do many at once as fast as one.
pub(crate) const WAITING: usize = 16;

/// Threads for work that computes.
pub(crate) fn computing() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does `work` on all items with up to so many threads; results in the order of the items, or the first failure of one
/// of the threads.
pub(crate) fn in_parallel<T: Sync, R: Send, E: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = threads.min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let one_thread = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(done) };
            done.push((index, work(item)?));
        }
    };
    let parts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|told| std::panic::resume_unwind(told)));
        joined.collect::<Result<Vec<_>, E>>()
    })?;
    let mut all: Vec<_> = parts.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}
