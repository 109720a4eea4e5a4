//! The random order of the rows in each epoch, determined by a seed.

use std::borrow::Cow;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Creates the generator of the row order: xoshiro256++ with its published seeding (`SplitMix64`), the same
/// on every machine.
pub(crate) fn order_generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Shuffles the rows (Fisher–Yates).
pub(crate) fn shuffle(rows: &mut [usize], generator: &mut impl Rng) {
    for last in (1..rows.len()).rev() {
        rows.swap(last, below(last + 1, generator));
    }
}

/// Returns a random number below `n` (by multiplication, Lemire 2019; the bias is below `n / 2^64`).
pub(crate) fn below(n: usize, generator: &mut impl Rng) -> usize {
    ((u128::from(generator.next_u64()) * n as u128) >> 64) as usize
}

/// A new order of the images for every epoch, determined by the seed alone: Fisher–Yates on xoshiro256++, the
/// same on every machine. If images have several views, one of each is drawn in every epoch.
#[derive(Debug, Clone)]
pub(crate) struct RowOrder {
    generator: Xoshiro256PlusPlus,
    images: Vec<usize>,
    views: usize,
}

impl RowOrder {
    /// Creates the order of N images with V views each.
    pub(crate) fn new(seed: u64, n_samples: usize, views: usize) -> Self {
        Self::of(seed, (0..n_samples).collect(), views)
    }

    /// Creates the order of some images of a set, the same order as if they were a set of their own.
    pub(crate) fn of(seed: u64, images: Vec<usize>, views: usize) -> Self {
        Self {
            generator: order_generator(seed),
            images,
            views,
        }
    }

    /// Restarts with N images, continuing with the same generator.
    pub(crate) fn restart(&mut self, n_samples: usize) {
        self.images = (0..n_samples).collect();
    }

    /// Shuffles other numbers with the same generator.
    pub(crate) fn shuffle(&mut self, numbers: &mut [usize]) {
        shuffle(numbers, &mut self.generator);
    }

    /// Returns the rows of the next epoch, one for each image.
    pub(crate) fn next_epoch(&mut self) -> Cow<'_, [usize]> {
        shuffle(&mut self.images, &mut self.generator);
        if self.views == 1 {
            return Cow::Borrowed(&self.images);
        }
        let (views, generator) = (self.views, &mut self.generator);
        let row = |image: &usize| image * views + below(views, generator);
        Cow::Owned(self.images.iter().map(row).collect())
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
        // Each is expected 1000 times, with a standard deviation of 29.
        assert!(
            counts.iter().all(|&n| (850..1150).contains(&n)),
            "{counts:?}"
        );
    }

    #[test]
    fn the_order_is_the_same_on_every_machine() {
        // From a second implementation of the published algorithms, in Python.
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
        // From the state 1, 2, 3, 4, the first output is rotl(1 + 4, 23) + 1.
        let mut seed = [0; 32];
        (1..=4).for_each(|i| seed[8 * (i - 1)] = i as u8);
        assert_eq!(
            Xoshiro256PlusPlus::from_seed(seed).next_u64(),
            (5 << 23) + 1
        );
    }

    #[test]
    fn every_image_comes_once_in_every_epoch() {
        let mut order = RowOrder::new(7, 20, 3);
        let (first, second) = (order.next_epoch().into_owned(), order.next_epoch());
        assert_ne!(first, *second);
        for epoch in [first.as_slice(), &second] {
            let mut images: Vec<_> = epoch.iter().map(|row| row / 3).collect();
            images.sort_unstable();
            assert_eq!(images, (0..20).collect::<Vec<_>>());
        }
        assert!(first.iter().any(|row| row % 3 != first[0] % 3));
    }
}
