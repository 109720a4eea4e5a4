//! Ends the process if a mutant hangs.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A mutant that takes longer counts as hanging.
const LONGEST: Duration = Duration::from_secs(10);

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
            let (mut seen, mut since) = (0, Instant::now());
            loop {
                thread::sleep(Duration::from_millis(200));
                let now = watch.steps.load(Ordering::SeqCst);
                if now != seen || now.is_multiple_of(2) {
                    (seen, since) = (now, Instant::now());
                } else if since.elapsed() > LONGEST {
                    eprintln!("FAILED: a mutant takes more than {LONGEST:?}\n  saved in {kept}");
                    process::exit(1);
                }
            }
        });
    }
}
