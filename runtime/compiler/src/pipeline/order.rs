//! Distributes jobs to threads, and passes their results on in the order of the jobs.
//!
//! Input: a number of jobs, and a taker of the results. Output: each thread gets one job after the other. The taker gets a
//! result as soon as it has all earlier ones, so that few results wait in memory. A thread that is too far ahead of the slowest
//! one waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::code::CompiledFunction;
use crate::compile::panics;
use crate::error::CompileError;

/// Bytes of results that may wait for an earlier result before threads have to wait.
const WAITING_LIMIT: usize = 32 << 20;

/// Allocations for code larger than this, in bytes, are not used again.
const SPARE_LIMIT: usize = 64 << 10;

/// The jobs, and the results that the taker does not have yet.
pub(crate) struct InOrder<'a, T> {
    jobs: usize,
    /// A random order of the jobs, for tests.
    shuffled: Option<Vec<usize>>,
    interrupt: Option<&'a AtomicBool>,
    state: Mutex<State<T>>,
    /// Signals that results were taken or that the work ends.
    moved: Condvar,
}

struct State<T> {
    taker: T,
    /// Number of jobs that were handed out.
    handed_out: usize,
    /// Number of results that were taken.
    taken: usize,
    waiting: BTreeMap<usize, CompiledFunction>,
    /// Bytes in `waiting`.
    weight: usize,
    spare: Vec<CompiledFunction>,
    /// The failure of the first job that failed.
    failure: Option<(usize, CompileError)>,
    interrupted: bool,
}

impl<'a, T: FnMut(usize, &CompiledFunction) -> Result<(), CompileError>> InOrder<'a, T> {
    /// Makes the jobs `0..jobs`. `taker` gets the number and the result of each job, in order. `interrupt` ends the work early.
    /// `shuffle` is the seed of a random order of the jobs.
    pub(crate) fn new(jobs: usize, shuffle: Option<u64>, interrupt: Option<&'a AtomicBool>, taker: T) -> Self {
        Self {
            jobs,
            shuffled: shuffle.map(|seed| permutation(jobs, seed)),
            interrupt,
            state: Mutex::new(State {
                taker,
                handed_out: 0,
                taken: 0,
                waiting: BTreeMap::new(),
                weight: 0,
                spare: Vec::new(),
                failure: None,
                interrupted: false,
            }),
            moved: Condvar::new(),
        }
    }

    /// Does jobs until none is left. `work` fills in the result of a job.
    pub(crate) fn work(&self, mut work: impl FnMut(usize, &mut CompiledFunction) -> Result<(), CompileError>) {
        while let Some((job, mut result)) = self.next() {
            match work(job, &mut result) {
                Ok(()) => self.deliver(job, result),
                Err(error) => self.fail(job, error),
            }
        }
    }

    /// Returns, after the work, the failure of the first job that failed, if there is one.
    pub(crate) fn finish(self) -> Result<(), CompileError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.failure {
            Some((_, error)) => Err(error),
            None if state.interrupted => Err(CompileError::Interrupted),
            None if state.taken == self.jobs => Ok(()),
            None => Err(CompileError::Bug(format!(
                "{} of {} functions were compiled",
                state.taken, self.jobs
            ))),
        }
    }

    /// Takes the next job, with an allocation for its result.
    fn next(&self) -> Option<(usize, CompiledFunction)> {
        let mut state = self.lock();
        // The thread with the first missing result is working and does not wait here, so this wait ends. With a shuffled order
        // there may be no such thread.
        while state.weight > WAITING_LIMIT && self.shuffled.is_none() && !state.ends() {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) && state.handed_out < self.jobs {
            state.interrupted = true;
            self.moved.notify_all();
        }
        if state.ends() || state.handed_out == self.jobs {
            return None;
        }
        let job = state.handed_out;
        state.handed_out += 1;
        let job = self.shuffled.as_ref().map_or(job, |order| order[job]);
        Some((job, state.spare.pop().unwrap_or_default()))
    }

    fn deliver(&self, job: usize, result: CompiledFunction) {
        let mut state = self.lock();
        state.weight += result.weight();
        state.waiting.insert(job, result);
        state.drain();
        self.moved.notify_all();
    }

    /// Ends the work after a failure. Jobs are handed out in order, so all earlier ones are done or in progress. If one of them
    /// fails too, its failure counts. So the reported failure does not depend on timing.
    fn fail(&self, job: usize, error: CompileError) {
        self.lock().fail(job, error);
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code panics while it holds the lock: panics of the taker are caught.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: FnMut(usize, &CompiledFunction) -> Result<(), CompileError>> State<T> {
    /// Returns true if no more jobs are to be handed out.
    fn ends(&self) -> bool {
        self.failure.is_some() || self.interrupted
    }

    fn fail(&mut self, job: usize, error: CompileError) {
        if self.failure.as_ref().is_none_or(|(first, _)| job < *first) {
            self.failure = Some((job, error));
        }
    }

    /// Passes the next results to the taker, up to the first missing one or the first failure.
    fn drain(&mut self) {
        while self.failure.as_ref().is_none_or(|(first, _)| self.taken < *first)
            && let Some(mut result) = self.waiting.remove(&self.taken)
        {
            let job = self.taken;
            self.weight -= result.weight();
            self.taken += 1;
            let taken = panics::catch(|| (self.taker)(job, &result))
                .map_err(|reason| CompileError::Bug(format!("linking: {reason}")))
                .flatten();
            if let Err(error) = taken {
                self.fail(job, error);
            } else if result.code.capacity() <= SPARE_LIMIT {
                result.clear();
                self.spare.push(result);
            }
        }
    }
}

/// Returns the numbers below `count` in an order that depends on `seed`.
fn permutation(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = seed | 1;
    for last in (1..count).rev() {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let below = last as u64 + 1;
        order.swap(last, usize::try_from(state % below).expect("below a usize"));
    }
    order
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    const JOBS: usize = 200;

    /// Runs all jobs on three threads. Returns the order in which results were taken, and the outcome.
    fn run(
        shuffle: Option<u64>,
        interrupt: Option<&AtomicBool>,
        work: impl Fn(usize, &mut CompiledFunction) -> Result<(), CompileError> + Sync,
    ) -> (Vec<usize>, Result<(), CompileError>) {
        let mut seen = Vec::new();
        let outcome = {
            let jobs = InOrder::new(JOBS, shuffle, interrupt, |job, result: &CompiledFunction| {
                assert_eq!(result.code, [job.to_le_bytes()[0]]);
                seen.push(job);
                Ok(())
            });
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| jobs.work(&work));
                }
            });
            jobs.finish()
        };
        (seen, outcome)
    }

    fn fill(job: usize, result: &mut CompiledFunction) -> Result<(), CompileError> {
        result.code.push(job.to_le_bytes()[0]);
        Ok(())
    }

    #[test]
    fn results_come_in_order_whatever_the_order_of_work() {
        for shuffle in [None, Some(1), Some(77)] {
            let (seen, outcome) = run(shuffle, None, |job, result| {
                thread::sleep(Duration::from_micros((job as u64 * 37) % 100));
                fill(job, result)
            });
            assert_eq!(outcome, Ok(()));
            assert_eq!(seen, (0..JOBS).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_failure_counts_although_a_later_one_comes_earlier() {
        let (seen, outcome) = run(None, None, |job, result| match job {
            50 => {
                thread::sleep(Duration::from_millis(20));
                Err(CompileError::Limit("first".to_owned()))
            }
            51 | 52 => Err(CompileError::Limit("later".to_owned())),
            _ => fill(job, result),
        });
        assert_eq!(outcome, Err(CompileError::Limit("first".to_owned())));
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn an_interrupt_ends_the_work() {
        let interrupt = AtomicBool::new(false);
        let (seen, outcome) = run(None, Some(&interrupt), |job, result| {
            interrupt.store(job == 20, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
            interrupt.fetch_or(job >= 20, Ordering::Relaxed);
            fill(job, result)
        });
        assert_eq!(outcome, Err(CompileError::Interrupted));
        assert!(seen.len() < JOBS);
    }

    #[test]
    fn a_panic_of_the_taker_is_an_error_and_nobody_waits_for_ever() {
        let jobs = InOrder::new(JOBS, None, None, |job, _: &CompiledFunction| match job {
            9 => panic!("out of order"),
            _ => Ok(()),
        });
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| jobs.work(fill));
            }
        });
        let error = jobs.finish().expect_err("it panicked").to_string();
        assert!(
            error.contains("bug in wrun") && error.contains("out of order"),
            "{error}"
        );
    }

    #[test]
    fn threads_that_are_far_ahead_wait_for_the_slowest() {
        let limit = WAITING_LIMIT >> 20;
        let ahead = Mutex::new(0);
        let slow = AtomicBool::new(true);
        let jobs = InOrder::new(JOBS, None, None, |_, _: &CompiledFunction| Ok(()));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    jobs.work(|job, result| {
                        if job == 0 {
                            let begin = Instant::now();
                            while *ahead.lock().expect("no panic") < limit && begin.elapsed().as_secs() < 10 {
                                thread::sleep(Duration::from_millis(1));
                            }
                            // Gives threads that do not wait the time to run further ahead.
                            thread::sleep(Duration::from_millis(50));
                            slow.store(false, Ordering::Relaxed);
                        } else if slow.load(Ordering::Relaxed) {
                            *ahead.lock().expect("no panic") += 1;
                        }
                        result.code.resize(1 << 20, 0);
                        Ok(())
                    });
                });
            }
        });
        jobs.finish().expect("all done");
        let ahead = *ahead.lock().expect("no panic");
        assert!((limit..limit + 4).contains(&ahead), "{ahead} results of 1 MiB waited");
    }
}
