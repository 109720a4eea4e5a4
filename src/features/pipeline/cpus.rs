//! The CPUs of a run: decoding and the network take turns on them, so that all are busy and none is fought over.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// CPUs that are handed out one image or one batch at a time.
///
/// Lanes come first: what they finish can be let go of, and no more images are decoded than they can take.
pub(super) struct Cpus {
    total: usize,
    state: Mutex<State>,
    for_lanes: Condvar,
    for_decoders: Condvar,
}

struct State {
    free: usize,
    /// Lanes that wait for CPUs.
    lanes: usize,
    /// Decoding threads that wait for one.
    decoders: usize,
    /// Files that are being read.
    reading: usize,
    /// How long CPUs were free while files were being read, added up.
    starved: Duration,
    /// Up to when that has been counted.
    counted: Instant,
}

/// CPUs that are in use; dropping it frees them.
pub(super) struct Busy<'a> {
    cpus: &'a Cpus,
    count: usize,
}

/// A file is being read; dropping it says that this is over.
pub(super) struct Reading<'a>(&'a Cpus);

impl Cpus {
    pub(super) fn new(total: usize) -> Self {
        let state = State {
            free: total,
            lanes: 0,
            decoders: 0,
            reading: 0,
            starved: Duration::ZERO,
            counted: Instant::now(),
        };
        Self {
            total,
            state: Mutex::new(state),
            for_lanes: Condvar::new(),
            for_decoders: Condvar::new(),
        }
    }

    /// Waits for a CPU to decode on, after all lanes that wait.
    pub(super) fn decode(&self) -> Busy<'_> {
        let mut state = self.lock();
        state.decoders += 1;
        while state.free == 0 || state.lanes > 0 {
            state = wait(&self.for_decoders, state);
        }
        state.decoders -= 1;
        self.take(&mut state, 1)
    }

    /// Waits for so many CPUs for a batch, all of them at most.
    pub(super) fn forward(&self, count: usize) -> Busy<'_> {
        let count = count.min(self.total);
        let mut state = self.lock();
        state.lanes += 1;
        while state.free < count {
            state = wait(&self.for_lanes, state);
        }
        state.lanes -= 1;
        let busy = self.take(&mut state, count);
        self.call(&state);
        busy
    }

    /// Says that a file is being read.
    pub(super) fn reading(&self) -> Reading<'_> {
        let mut state = self.lock();
        state.count();
        state.reading += 1;
        Reading(self)
    }

    /// How long CPUs had nothing to do while files were being read, added up.
    pub(super) fn starved(&self) -> Duration {
        let mut state = self.lock();
        state.count();
        state.starved
    }

    fn take(&self, state: &mut State, count: usize) -> Busy<'_> {
        state.count();
        state.free -= count;
        Busy { cpus: self, count }
    }

    /// Calls those who may take the free CPUs, and no more of them.
    fn call(&self, state: &State) {
        if state.lanes > 0 {
            self.for_lanes.notify_all();
        } else {
            let called = state.free.min(state.decoders);
            (0..called).for_each(|_| self.for_decoders.notify_one());
        }
    }

    /// The numbers stay right whatever thread panicked, so poison is of no interest.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition
        .wait(state)
        .unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Adds up what has passed since it was last called.
    fn count(&mut self) {
        let now = Instant::now();
        if self.reading > 0 {
            self.starved += (now - self.counted) * self.free as u32;
        }
        self.counted = now;
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.cpus.lock();
        state.count();
        state.free += self.count;
        self.cpus.call(&state);
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.count();
        state.reading -= 1;
    }
}

#[cfg(test)]
impl Cpus {
    /// Returns when so many decoding threads wait for a CPU.
    pub(super) fn wait_for_decoders(&self, count: usize) {
        while self.lock().decoders < count {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn no_more_than_all_cpus_are_busy_and_none_is_lost() {
        let cpus = Cpus::new(3);
        let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let use_one = |count: usize| {
            let now = busy.fetch_add(count, Ordering::SeqCst) + count;
            most.fetch_max(now, Ordering::SeqCst);
            thread::yield_now();
            busy.fetch_sub(count, Ordering::SeqCst);
        };
        thread::scope(|scope| {
            for thread in 0..6 {
                let (cpus, use_one) = (&cpus, &use_one);
                scope.spawn(move || {
                    for _ in 0..300 {
                        let count = thread % 3 + 1;
                        if thread < 3 {
                            let _busy = cpus.decode();
                            use_one(1);
                        } else {
                            let _busy = cpus.forward(count);
                            use_one(count);
                        }
                    }
                });
            }
        });
        assert!(most.into_inner() <= 3);
        assert_eq!(cpus.lock().free, 3);
    }

    #[test]
    fn a_lane_comes_before_decoders_that_waited_longer() {
        let cpus = Cpus::new(1);
        let (order, came) = channel();
        thread::scope(|scope| {
            let busy = cpus.decode();
            for _ in 0..2 {
                let order = order.clone();
                scope.spawn(|| {
                    let _busy = cpus.decode();
                    order.send("decoder").unwrap();
                    drop(order);
                });
            }
            cpus.wait_for_decoders(2);
            scope.spawn(|| {
                let _busy = cpus.forward(1);
                order.send("lane").unwrap();
                drop(order);
            });
            while cpus.lock().lanes == 0 {
                thread::yield_now();
            }
            drop(busy);
        });
        let order: Vec<_> = came.iter().collect();
        assert_eq!(order, ["lane", "decoder", "decoder"]);
    }

    #[test]
    fn a_wish_for_more_cpus_than_there_are_gets_all() {
        let cpus = Cpus::new(2);
        drop(cpus.forward(8));
        let _other_device = cpus.forward(0);
        drop(cpus.forward(2));
        assert_eq!(cpus.lock().free, 2);
    }

    #[test]
    fn only_free_cpus_starve_and_only_while_files_are_read() {
        const PAUSE: Duration = Duration::from_millis(20);
        let cpus = Cpus::new(3);
        thread::sleep(PAUSE);
        let all = cpus.forward(3);
        let reading = cpus.reading();
        thread::sleep(PAUSE);
        assert!(cpus.starved() < PAUSE, "all were busy");
        let start = Instant::now();
        drop(all);
        let one = cpus.decode();
        thread::sleep(PAUSE);
        drop(one);
        let starved = cpus.starved();
        let most = start.elapsed() * 3;
        assert!(starved >= PAUSE * 2 && starved <= most, "{starved:?}");
        drop(reading);
        let starved = cpus.starved();
        thread::sleep(PAUSE);
        drop(cpus.decode());
        assert_eq!(cpus.starved(), starved, "nothing was read");
    }
}
