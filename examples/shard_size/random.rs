//! Random numbers of the distributions that the simulation needs.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Returns a number in (0, 1].
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Returns a number of the exponential distribution.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.uniform().ln()
    }

    /// Returns a number of the log-normal distribution with median 1.
    pub(crate) fn log_normal(&mut self, sigma: f64) -> f64 {
        // Box and Muller's transform.
        let angle = std::f64::consts::TAU * self.uniform();
        (sigma * (-2.0 * self.uniform().ln()).sqrt() * angle.cos()).exp()
    }
}
