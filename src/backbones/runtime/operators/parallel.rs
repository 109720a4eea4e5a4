//! Spreading a layer's work over threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ort::operator::ComputeContext;

use frostline_kernels::Parallel;

/// The threads of the session that a layer is computed in.
pub(super) struct SessionThreads<'c> {
    pub(super) context: &'c ComputeContext,
    pub(super) threads: usize,
}

// SAFETY: the context is a pointer to what ONNX Runtime calls a kernel with, and asking it to spread work is
// all that is done with it, from the one thread that it called.
#[allow(unsafe_code)]
unsafe impl Sync for SessionThreads<'_> {}

impl Parallel for SessionThreads<'_> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        // As many batches as there is work: each thread takes the next when it is done with one.
        let spread = self.context.par_for(count, count, work);
        spread.expect("ONNX Runtime spreads any work");
    }
}

/// Threads of our own, for what is done before there is a session.
pub(super) struct Threads(pub(super) usize);

impl Parallel for Threads {
    fn threads(&self) -> usize {
        self.0
    }

    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    break;
                }
                work(i);
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.0.min(count) {
                scope.spawn(work);
            }
            work();
        });
    }
}
