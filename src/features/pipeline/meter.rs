//! Measures how long CPUs were idle while files were being read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Records when the threads of a run start and finish work.
pub(super) struct Meter {
    cpus: usize,
    state: Mutex<State>,
}

struct State {
    /// Number of CPUs in use. It can exceed the number of CPUs if threads share them.
    busy: usize,
    /// Number of files that are being read.
    reading: usize,
    starved: Duration,
    /// The time up to which `starved` has been counted.
    counted: Instant,
}

/// Work that lasts until this is dropped.
pub(super) struct Going<'a> {
    meter: &'a Meter,
    busy: usize,
    reading: usize,
}

impl Meter {
    /// Creates a meter for a run on `cpus` CPUs.
    pub(super) fn new(cpus: usize) -> Self {
        let state = State {
            busy: 0,
            reading: 0,
            starved: Duration::ZERO,
            counted: Instant::now(),
        };
        Self {
            cpus,
            state: Mutex::new(state),
        }
    }

    /// Starts some work on `cpus` CPUs.
    pub(super) fn busy(&self, cpus: usize) -> Going<'_> {
        self.begin(cpus, 0)
    }

    /// Starts reading a file.
    pub(super) fn reading(&self) -> Going<'_> {
        self.begin(0, 1)
    }

    /// Returns how long CPUs were idle while files were being read, summed over the CPUs.
    pub(super) fn starved(&self) -> Duration {
        self.counted().starved
    }

    fn begin(&self, busy: usize, reading: usize) -> Going<'_> {
        let mut state = self.counted();
        state.busy += busy;
        state.reading += reading;
        Going {
            meter: self,
            busy,
            reading,
        }
    }

    /// Returns the state with the time since its last change added. A poisoned lock is fine, since a panic
    /// cannot leave the state inconsistent.
    fn counted(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.reading > 0 {
            let free = self.cpus.saturating_sub(state.busy) as u32;
            let starved = (now - state.counted) * free;
            state.starved += starved;
        }
        state.counted = now;
        state
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        let mut state = self.meter.counted();
        state.busy -= self.busy;
        state.reading -= self.reading;
    }
}

#[cfg(test)]
impl Meter {
    /// Waits until at least `count` files are being read.
    pub(super) fn wait_for_readers(&self, count: usize) {
        while self.counted().reading < count {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const PAUSE: Duration = Duration::from_millis(20);

    #[test]
    fn free_cpus_starve_while_files_are_read() {
        let meter = Meter::new(3);
        let start = Instant::now();
        let (one, reading) = (meter.busy(1), meter.reading());
        thread::sleep(PAUSE);
        drop(reading);
        drop(one);
        let starved = meter.starved();
        assert!(starved >= PAUSE * 2, "two were idle: {starved:?}");
        assert!(starved <= start.elapsed() * 2, "{starved:?}");
        thread::sleep(PAUSE);
        assert_eq!(meter.starved(), starved, "nothing was read");
    }

    #[test]
    fn busy_cpus_do_not_starve() {
        let meter = Meter::new(2);
        let (decoding, network) = (meter.busy(1), meter.busy(2));
        let reading = meter.reading();
        thread::sleep(PAUSE);
        drop(reading);
        drop((decoding, network));
        assert_eq!(meter.starved(), Duration::ZERO);
    }
}
