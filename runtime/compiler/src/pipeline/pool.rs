//! Runs work on several threads.
//!
//! Input: the work of each thread. Output: the result of each thread. With one thread, the work runs on the calling thread and
//! no thread is started.

use std::num::NonZeroUsize;
use std::thread;

/// The threads, or `None` for the calling thread alone.
pub(crate) struct Pool(Option<rayon::ThreadPool>);

impl Pool {
    /// Makes a pool of `threads` threads, by default the parallelism of the machine, and at most as many as there are `jobs`.
    /// If no thread can be started, the pool is the calling thread alone.
    pub(crate) fn new(threads: Option<NonZeroUsize>, jobs: usize) -> Self {
        let available = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = threads.map_or_else(available, NonZeroUsize::get).min(jobs);
        if threads <= 1 {
            return Self(None);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("compile-{index}"))
            .build();
        Self(
            pool.inspect_err(|error| log::info!("compiling on one thread: {error}"))
                .ok(),
        )
    }

    /// Runs `work` on every thread at once and waits for all of them.
    pub(crate) fn run<R: Send>(&self, work: impl Fn() -> R + Sync) -> Vec<R> {
        match &self.0 {
            Some(pool) => pool.broadcast(|_| work()),
            None => vec![work()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_the_calling_one() {
        for (threads, jobs) in [(1, 100), (4, 1), (4, 0)] {
            let pool = Pool::new(NonZeroUsize::new(threads), jobs);
            assert_eq!(
                pool.run(|| thread::current().id()),
                [thread::current().id()],
                "{threads} {jobs}"
            );
        }
    }

    #[test]
    fn each_thread_works_once() {
        let ids = Pool::new(NonZeroUsize::new(3), 100).run(|| thread::current().id());
        assert_eq!(ids.len(), 3);
        assert!(
            ids.iter()
                .all(|id| ids.iter().filter(|other| *other == id).count() == 1)
        );
    }
}
