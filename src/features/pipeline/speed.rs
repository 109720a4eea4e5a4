//! The speed of a run, and what limited it.

use std::time::Duration;

use super::trial::Reducible;

/// How long CPUs and lanes worked or waited for files, summed over all threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// CPUs idle while files were being read.
    pub read: Duration,
    /// Hashing and decoding files.
    pub decode: Duration,
    /// Resizing, cropping and normalising.
    pub preprocess: Duration,
    /// Running the network.
    pub forward: Duration,
    /// Processing the results, such as writing them.
    pub write: Duration,
}

/// How fast a run was, and what limited it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Speed {
    /// Number of images whose features were computed.
    pub computed: usize,
    /// The duration of the run.
    pub elapsed: Duration,
    /// How long the stages took.
    pub timings: Timings,
    /// The stage that limited the speed. `None` if the run was too short to tell, or spent most of its time
    /// on something else, such as waiting for file names.
    pub bound: Option<Bound>,
}

/// The stage that limited the speed of a run.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Reading files.
    Reading,
    /// Decoding and resizing on the CPUs.
    Decoding(Reduced),
    /// Running the network.
    Network,
}

/// How much time decoding JPEGs at a reduced scale would have saved.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduced {
    /// Little or nothing: most of the time was spent on other formats, or on JPEGs that are small or already
    /// decoded at a reduced scale.
    Nothing,
    /// Unknown, because the run was too short to try.
    Untried,
    /// Approximately this much time.
    Saves(Duration),
}

/// The duration of a run and the resources that it used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    pub(super) elapsed: Duration,
    pub(super) cpus: usize,
    pub(super) lanes: usize,
    /// Whether the lanes share the CPUs with decoding.
    pub(super) on_cpu: bool,
    pub(super) reducible: Reducible,
}

impl Speed {
    /// Evaluates a run that computed the features of `computed` images.
    pub(super) fn of(computed: usize, timings: Timings, means: Means) -> Self {
        Self {
            computed,
            elapsed: means.elapsed,
            timings,
            bound: Bound::of(&timings, means),
        }
    }
}

impl Bound {
    /// The shortest run that is evaluated. A shorter one is not worth making faster, and startup and shutdown
    /// are a large part of it.
    const LEAST: Duration = Duration::from_secs(10);

    /// Finds the stage that kept the CPUs or the lanes, possibly on another device, busy the longest.
    pub(super) fn of(timings: &Timings, means: Means) -> Option<Self> {
        let Means { cpus, lanes, .. } = means;
        if means.elapsed < Self::LEAST {
            return None;
        }
        let reading = timings.read / cpus as u32;
        let decoding = (timings.decode + timings.preprocess) / cpus as u32;
        let network = timings.forward / lanes as u32;
        let shared = if means.on_cpu {
            network
        } else {
            Duration::ZERO
        };
        if (reading + decoding + shared).max(network) * 2 < means.elapsed {
            return None;
        }
        Some(if reading > decoding.max(network) {
            Self::Reading
        } else if network > decoding {
            Self::Network
        } else {
            Self::Decoding(Reduced::of(decoding, network, means))
        })
    }
}

impl Reduced {
    fn of(decoding: Duration, network: Duration, means: Means) -> Self {
        let Means {
            elapsed,
            cpus,
            on_cpu,
            reducible,
            ..
        } = means;
        let spent = reducible.spent / cpus as u32;
        match reducible.share {
            _ if spent * 2 < decoding => Self::Nothing,
            None => Self::Untried,
            Some(share) => {
                // The measured times of threads that share a CPU are too long.
                let all = if on_cpu { decoding + network } else { decoding };
                let shared = (elapsed.as_secs_f64() / all.as_secs_f64()).min(1.0);
                let saved = spent.mul_f64(shared * (1.0 - share));
                // The network, if it is on another device, may become the new limit.
                Self::Saves(saved.min(elapsed.saturating_sub(network)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn saves(milliseconds: u64) -> Bound {
        Bound::Decoding(Reduced::Saves(Duration::from_millis(milliseconds)))
    }

    /// Evaluates a run of 10 s on 2 CPUs that spent one second on decoding other formats than JPEG.
    fn bound(read: u64, decode: u64, forward: u64, lanes: usize) -> Option<Bound> {
        of(read, decode, forward, lanes, (decode - 1, Some(0.25)))
    }

    fn of(
        read: u64,
        decode: u64,
        forward: u64,
        lanes: usize,
        (spent, share): (u64, Option<f64>),
    ) -> Option<Bound> {
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
            reducible: Reducible {
                spent: s(spent),
                share,
            },
        };
        Bound::of(&timings, means)
    }

    #[test]
    fn what_took_most_of_the_cpus_bounds_the_run() {
        // Saves three quarters of 12 s on two CPUs.
        assert_eq!(bound(2, 13, 4, 2), Some(saves(4500)));
        assert_eq!(bound(2, 4, 14, 2), Some(Bound::Network));
        assert_eq!(bound(14, 4, 2, 2), Some(Bound::Reading));
    }

    #[test]
    fn threads_that_share_the_cpus_save_less_than_the_clock_says() {
        // The measured 10 + 5 s are 10 s of each CPU, so it saves three quarters of two thirds of 9 s.
        assert_eq!(of(0, 20, 10, 2, (18, Some(0.25))), Some(saves(4500)));
    }

    #[test]
    fn a_device_of_its_own_is_compared_with_the_cpus() {
        // 9 of 10 s on a GPU, 5 of 10 s on two CPUs.
        assert_eq!(bound(0, 10, 9, 1), Some(Bound::Network));
        // Faster decoding would leave 8 of the 10 s to the GPU.
        assert_eq!(bound(0, 18, 8, 1), Some(saves(2000)));
    }

    #[test]
    fn what_was_not_tried_or_is_little_has_no_number() {
        let decoding = |reduced| Some(Bound::Decoding(reduced));
        assert_eq!(of(0, 16, 2, 2, (9, None)), decoding(Reduced::Untried));
        assert_eq!(of(0, 16, 2, 2, (7, None)), decoding(Reduced::Nothing));
        assert_eq!(of(0, 16, 2, 2, (7, Some(0.5))), decoding(Reduced::Nothing));
    }

    #[test]
    fn a_run_that_waited_for_its_input_says_nothing() {
        // Each CPU was busy for 4 of 10 s in the first run, and for 6 of 10 s in the second.
        assert_eq!(of(1, 5, 2, 2, (0, None)), None);
        let decoding = Bound::Decoding(Reduced::Nothing);
        assert_eq!(of(1, 8, 3, 2, (0, None)), Some(decoding));
    }

    #[test]
    fn a_short_run_says_nothing() {
        let timings = Timings {
            decode: s(19),
            ..Timings::default()
        };
        let means = |milliseconds| Means {
            elapsed: Duration::from_millis(milliseconds),
            cpus: 2,
            lanes: 2,
            on_cpu: true,
            reducible: Reducible::default(),
        };
        assert_eq!(Bound::of(&timings, means(9_999)), None);
        let decoding = Bound::Decoding(Reduced::Nothing);
        assert_eq!(Bound::of(&timings, means(10_000)), Some(decoding));
    }
}
