//! Spreads a layer's work over threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use ort::operator::ComputeContext;

use crate::threads::on_threads;
use frostline_kernels::Parallel;

/// The threads of the session that computes a layer.
pub(super) struct SessionThreads<'c> {
    pub(super) context: &'c ComputeContext,
    pub(super) threads: usize,
}

// SAFETY: the context is a pointer that ONNX Runtime passes to a kernel. It is used only to spread work, and
// only from the thread that called the kernel.
#[allow(unsafe_code)]
unsafe impl Sync for SessionThreads<'_> {}

impl Parallel for SessionThreads<'_> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        // One batch for each job, so that a thread that has finished one takes the next.
        let spread = self.context.par_for(count, count, work);
        spread.expect("ONNX Runtime accepts any work");
    }
}

/// Threads started by frostline, for work before there is a session.
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
        on_threads(self.0.min(count), work);
    }
}
