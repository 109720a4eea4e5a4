//! How fast a run was, and what kept it from being faster.

use std::time::Duration;

/// How long CPUs and lanes were at work, or waited for files; those of several threads are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// CPUs without work while files were being read.
    pub read: Duration,
    /// Hashing and decoding files.
    pub decode: Duration,
    /// Resizing, cropping, normalising.
    pub preprocess: Duration,
    /// The network.
    pub forward: Duration,
    /// The sink.
    pub write: Duration,
}

/// What a run did with its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Speed {
    /// Images whose features were computed.
    pub computed: usize,
    /// How long all took.
    pub elapsed: Duration,
    /// How long the stages took.
    pub timings: Timings,
    /// What kept it from being faster; `None` where it was too short to tell.
    pub bound: Option<Bound>,
}

/// What a run spent the most of its time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Waiting for files.
    Reading,
    /// Decoding and resizing on the CPUs.
    Decoding {
        /// About how much shorter the run would have been with JPEGs at a reduced scale; zero if that would
        /// change nothing, or was done.
        reduced_saves: Duration,
    },
    /// The network.
    Network,
}

/// What there was for a run to use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    pub(super) elapsed: Duration,
    pub(super) cpus: usize,
    pub(super) lanes: usize,
    /// Whether lanes share the CPUs with decoding.
    pub(super) on_cpu: bool,
    /// What share of their time images would take to decode if JPEGs were reduced.
    pub(super) reduced: Option<f64>,
}

impl Bound {
    /// Shorter runs are mostly beginning and end.
    const LEAST: Duration = Duration::from_secs(1);

    /// Compares what the CPUs, and the lanes, which may be on another device, were busy with.
    pub(super) fn of(timings: &Timings, means: Means) -> Option<Self> {
        let Means {
            elapsed,
            cpus,
            lanes,
            on_cpu,
            reduced,
        } = means;
        if elapsed < Self::LEAST {
            return None;
        }
        let reading = timings.read / cpus as u32;
        let decoding = (timings.decode + timings.preprocess) / cpus as u32;
        let network = timings.forward / lanes as u32;
        Some(if reading > decoding.max(network) {
            Self::Reading
        } else if network > decoding {
            Self::Network
        } else {
            // Threads that share a CPU take longer by the clock.
            let all = if on_cpu { decoding + network } else { decoding };
            let shared = (elapsed.as_secs_f64() / all.as_secs_f64()).min(1.0);
            let saved = decoding.mul_f64(shared * (1.0 - reduced.unwrap_or(1.0)));
            // On a device of its own the network may come to bound the run.
            let reduced_saves = saved.min(elapsed.saturating_sub(network));
            Self::Decoding { reduced_saves }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Of a run of 10 s on 2 CPUs.
    fn bound(read: u64, decode: u64, forward: u64, lanes: usize) -> Option<Bound> {
        let timings = Timings {
            read: s(read),
            decode: s(decode - 1),
            preprocess: s(1),
            forward: s(forward),
            write: s(9),
        };
        let means = Means {
            elapsed: s(10),
            cpus: 2,
            lanes,
            on_cpu: lanes > 1,
            reduced: Some(0.25),
        };
        Bound::of(&timings, means)
    }

    #[test]
    fn what_took_most_of_the_cpus_bounds_the_run() {
        let reduced_saves = Duration::from_millis(5250);
        assert_eq!(bound(2, 14, 4, 2), Some(Bound::Decoding { reduced_saves }));
        // Decoders and lanes shared the CPUs: 20 of 30 s of the clock are two thirds of the CPUs.
        let reduced_saves = Duration::from_millis(5000);
        assert_eq!(bound(0, 20, 10, 2), Some(Bound::Decoding { reduced_saves }));
        assert_eq!(bound(2, 4, 14, 2), Some(Bound::Network));
        assert_eq!(bound(14, 4, 2, 2), Some(Bound::Reading));
    }

    #[test]
    fn a_device_of_its_own_is_compared_with_the_cpus() {
        // 9 of 10 s on a GPU, 5 of 10 s on two CPUs.
        assert_eq!(bound(0, 10, 9, 1), Some(Bound::Network));
        // Faster decoding would leave 8 of the 10 s to the GPU.
        let reduced_saves = s(2);
        assert_eq!(bound(0, 18, 8, 1), Some(Bound::Decoding { reduced_saves }));
    }

    #[test]
    fn a_short_run_says_nothing() {
        let timings = Timings {
            decode: Duration::from_millis(1900),
            ..Timings::default()
        };
        let means = |milliseconds| Means {
            elapsed: Duration::from_millis(milliseconds),
            cpus: 2,
            lanes: 2,
            on_cpu: true,
            reduced: None,
        };
        assert_eq!(Bound::of(&timings, means(999)), None);
        let reduced_saves = Duration::ZERO;
        let decoding = Bound::Decoding { reduced_saves };
        assert_eq!(Bound::of(&timings, means(1000)), Some(decoding));
    }
}
