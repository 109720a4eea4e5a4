//! Dropout of features.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use crate::head::data::order_generator;

/// Zeroes each feature with probability p and scales the others by 1 / (1 - p), as `torch.nn.Dropout` does.
#[derive(Debug, Clone)]
pub(super) struct Dropout {
    /// p in units of 2^-32; 0 means no dropout.
    threshold: u64,
    scale: f32,
    generator: Xoshiro256PlusPlus,
}

impl Dropout {
    /// Creates a dropout with `p` in [0, 1). Each share of the features has its own random stream, so that
    /// the row order is the same with and without dropout and no thread waits for another.
    pub(super) fn new(p: f32, seed: u64, share: usize) -> Self {
        let mut generator = order_generator(seed);
        (0..=share).for_each(|_| generator.jump());
        Self {
            threshold: (f64::from(p) * 2f64.powi(32)) as u64,
            scale: 1.0 / (1.0 - p),
            generator,
        }
    }

    /// Applies dropout to a row.
    pub(super) fn apply(&mut self, row: &mut [f32]) {
        if self.threshold == 0 {
            return;
        }
        let mut bits = 0;
        for (i, x) in row.iter_mut().enumerate() {
            // One random number serves two features.
            bits = if i % 2 == 0 {
                self.generator.next_u64()
            } else {
                bits >> 32
            };
            let kept = bits & u64::from(u32::MAX) >= self.threshold;
            *x = if kept { *x * self.scale } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_dropout_changes_nothing() {
        let mut row = [1.0, 2.0];
        Dropout::new(0.0, 1, 0).apply(&mut row);
        assert_eq!(row.map(f32::to_bits), [1.0_f32, 2.0].map(f32::to_bits));
    }

    #[test]
    fn dropped_features_are_zero_and_the_others_scaled() {
        let n = 40_001;
        let mut dropout = Dropout::new(0.25, 7, 0);
        let (mut row, mut next) = (vec![3.0; n], vec![3.0; n]);
        dropout.apply(&mut row);
        dropout.apply(&mut next);
        let mut other = vec![3.0; n];
        Dropout::new(0.25, 7, 1).apply(&mut other);
        let dropped = row.iter().filter(|&&x| x == 0.0).count() as f64;
        // A quarter, with a standard deviation of sqrt(n 3/16) = 87.
        assert!((dropped - n as f64 / 4.0).abs() < 400.0, "{dropped}");
        assert!(row.iter().all(|&x| x == 0.0 || (x - 4.0).abs() < 1e-6));
        assert!(row != next && row != other && next != other);
    }
}
