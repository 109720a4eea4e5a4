//! Chance, and what it does to a fit: the order of the rows and the features that are left out.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The generator of the row order: xoshiro256++ from its published seeding (`SplitMix64`), the same on every machine.
pub(crate) fn order_generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Puts the rows into a random order (Fisher–Yates).
pub(crate) fn shuffle(rows: &mut [usize], generator: &mut impl Rng) {
    for last in (1..rows.len()).rev() {
        rows.swap(last, below(last + 1, generator));
    }
}

/// A number below `n` (the bound by multiplication, Lemire 2019: bias below `n / 2^64`).
pub(crate) fn below(n: usize, generator: &mut impl Rng) -> usize {
    ((u128::from(generator.next_u64()) * n as u128) >> 64) as usize
}

/// Leaves out each feature with probability p and scales the others by 1 / (1 - p), as `torch.nn.Dropout`.
#[derive(Debug, Clone)]
pub(crate) struct Dropout {
    /// p in units of 2^-32; 0 is no dropout.
    threshold: u64,
    scale: f32,
    generator: Xoshiro256PlusPlus,
}

impl Dropout {
    /// `p` in [0, 1); a stream of its own for each share of the features, so that the row order is the same with and
    /// without dropout, and no thread waits for another's numbers.
    pub(crate) fn new(p: f32, seed: u64, share: usize) -> Self {
        let mut generator = order_generator(seed);
        (0..=share).for_each(|_| generator.jump());
        Self {
            threshold: (f64::from(p) * 2f64.powi(32)) as u64,
            scale: 1.0 / (1.0 - p),
            generator,
        }
    }

    /// Turns a row into what the layer sees of it.
    pub(crate) fn apply(&mut self, row: &mut [f32]) {
        if self.threshold == 0 {
            return;
        }
        let mut bits = 0;
        for (i, x) in row.iter_mut().enumerate() {
            // Two features for each number drawn.
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
    fn a_shuffle_is_a_permutation_and_each_order_comes_as_often() {
        let mut generator = order_generator(0);
        let mut counts = [0; 6];
        for _ in 0..6000 {
            let mut rows = [0, 1, 2];
            shuffle(&mut rows, &mut generator);
            let order = [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ];
            counts[order.iter().position(|&order| order == rows).unwrap()] += 1;
        }
        // 1000 each with a standard deviation of 29.
        assert!(
            counts.iter().all(|&n| (850..1150).contains(&n)),
            "{counts:?}"
        );
    }

    #[test]
    fn the_order_is_the_same_on_every_machine() {
        // The published algorithms once more, in Python's integers.
        let orders = [
            (0, [1, 4, 5, 8, 6, 7, 0, 2, 9, 3]),
            (42, [5, 3, 1, 0, 9, 6, 4, 7, 2, 8]),
        ];
        for (seed, order) in orders {
            let mut rows: Vec<usize> = (0..10).collect();
            shuffle(&mut rows, &mut order_generator(seed));
            assert_eq!(rows, order);
        }
    }

    #[test]
    fn the_generator_is_xoshiro256plusplus() {
        // The state 1, 2, 3, 4 gives rotl(1 + 4, 23) + 1 first.
        let mut seed = [0; 32];
        (1..=4).for_each(|i| seed[8 * (i - 1)] = i as u8);
        assert_eq!(
            Xoshiro256PlusPlus::from_seed(seed).next_u64(),
            (5 << 23) + 1
        );
    }

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
