//! What a thread that could not be started is for.

/// The purpose of a group of threads, which decides what sets their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThreadsFor {
    /// Reading and decoding images, and running the network: set by the parameter `threads`.
    Images,
    /// Computing on features with all CPUs: set by the environment variable `RAYON_NUM_THREADS`.
    Features,
}
