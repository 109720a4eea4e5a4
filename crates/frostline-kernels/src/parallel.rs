//! How work is spread over threads, which belong to somebody else.

/// Who spreads work over threads.
pub trait Parallel: Sync {
    /// How many threads there are, at least 1.
    fn threads(&self) -> usize;

    /// Calls `work` once with every number below `count`, in any order and on any thread, and returns when all is done.
    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync));
}

/// Everything on the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Serial;

impl Parallel for Serial {
    fn threads(&self) -> usize {
        1
    }

    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(work);
    }
}
