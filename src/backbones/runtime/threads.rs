//! How threads are divided among the sessions of a network.

/// How many sessions of a network run in parallel, and how many threads each has.
///
/// Parallel batches with one thread each keep the cores busier than one batch with all threads, which wait
/// for each other after every layer. But each session holds its own copy of the weights, so a large network
/// gets only one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ThreadShare {
    pub(super) sessions: usize,
    pub(super) threads: usize,
    /// Whether the weights are small enough to be held more than once.
    pub(super) light: bool,
}

impl ThreadShare {
    /// The largest weights that are held more than once, in bytes.
    const MOST_BYTES: u64 = 64 << 20;
    const MOST_SESSIONS: usize = 8;

    /// Divides `threads` among the sessions of a network with weights of this size.
    pub(super) fn of(threads: usize, weight_bytes: u64) -> Self {
        if weight_bytes > Self::MOST_BYTES {
            return Self::one_session(threads);
        }
        let each = threads.div_ceil(Self::MOST_SESSIONS).max(1);
        Self {
            sessions: (threads / each).max(1),
            threads: each,
            light: true,
        }
    }

    /// Returns one session with all threads.
    pub(super) fn one_session(threads: usize) -> Self {
        Self {
            sessions: 1,
            threads: threads.max(1),
            light: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_are_shared_out_among_at_most_eight_sessions() {
        let share = |threads| {
            let share = ThreadShare::of(threads, 1 << 20);
            (share.sessions, share.threads)
        };
        assert_eq!(
            [1, 2, 8, 12, 16, 64].map(share),
            [(1, 1), (2, 1), (8, 1), (6, 2), (8, 2), (8, 8)]
        );
    }

    #[test]
    fn a_large_network_is_held_once() {
        let share = ThreadShare::of(4, 575 << 20);
        assert_eq!((share.sessions, share.threads), (1, 4));
    }
}
