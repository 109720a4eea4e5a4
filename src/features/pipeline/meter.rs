//! How long CPUs had nothing to do while files were being read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Told by all threads of a run of what they begin and end.
pub(super) struct Meter {
    cpus: usize,
    state: Mutex<State>,
}

struct State {
    /// CPUs that threads are at work on; more than there are where these share some.
    busy: usize,
    /// Files that are being read.
    reading: usize,
    starved: Duration,
    /// Up to when that has been counted.
    counted: Instant,
}

/// Something that goes on until this is dropped.
pub(super) struct Going<'a> {
    meter: &'a Meter,
    busy: usize,
    reading: usize,
}

impl Meter {
    /// Of a run on so many CPUs.
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

    /// Begins some work on so many CPUs.
    pub(super) fn busy(&self, cpus: usize) -> Going<'_> {
        self.begin(cpus, 0)
    }

    /// Begins to read a file.
    pub(super) fn reading(&self) -> Going<'_> {
        self.begin(0, 1)
    }

    /// How long CPUs had nothing to do while files were being read, added up.
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

    /// The state, after adding up what has passed since it last changed. The numbers stay right whatever
    /// thread panicked, so poison is of no interest.
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
    /// Returns when so many files are being read.
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
        assert!(starved >= PAUSE * 2, "two were free: {starved:?}");
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
