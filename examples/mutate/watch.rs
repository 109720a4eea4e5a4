//! Ends the process if a mutant hangs.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A mutant that takes more CPU time counts as hanging; on a busy machine it may take more time than that.
const LONGEST: Duration = Duration::from_secs(10);

/// A mutant that takes more time counts as hanging even if it waits.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Ends the process if a mutant takes too long.
#[derive(Default)]
pub(crate) struct Watch {
    /// Number of mutants started plus finished: odd while one runs.
    steps: AtomicU64,
}

impl Watch {
    pub(crate) fn begin(&self) {
        self.steps.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end(&self) {
        self.steps.fetch_add(1, Ordering::SeqCst);
    }

    /// Starts watching; `kept` is the path of the mutant.
    pub(crate) fn start(self: &Arc<Self>, kept: String) {
        let watch = Arc::clone(self);
        thread::spawn(move || {
            let (mut seen, mut since, mut busy) = (0, Instant::now(), cpu_time());
            loop {
                thread::sleep(Duration::from_millis(200));
                let now = watch.steps.load(Ordering::SeqCst);
                let (took, used) = (since.elapsed(), cpu_time().saturating_sub(busy));
                if now != seen || now.is_multiple_of(2) {
                    (seen, since, busy) = (now, Instant::now(), cpu_time());
                } else if used > LONGEST || took > LONGEST_WAIT {
                    eprintln!(
                        "FAILED: a mutant takes {took:?} and {used:?} of CPU time\n  saved in {kept}"
                    );
                    process::exit(1);
                }
            }
        });
    }
}

/// Returns the CPU time of the process; the time that has passed is the only limit on other systems.
fn cpu_time() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::try_from(time).unwrap_or_default()
    }
    #[cfg(not(unix))]
    Duration::ZERO
}
