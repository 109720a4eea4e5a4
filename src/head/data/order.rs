//! The order in which an epoch takes its rows.

use std::borrow::Cow;

use rand_xoshiro::Xoshiro256PlusPlus;

use super::random::{below, order_generator, shuffle};

/// A new order of the images for every epoch, from the seed alone: Fisher–Yates on xoshiro256++, the same on every
/// machine. Of an image with several views, one is drawn for every epoch.
#[derive(Debug, Clone)]
pub(crate) struct RowOrder {
    generator: Xoshiro256PlusPlus,
    images: Vec<usize>,
    views: usize,
}

impl RowOrder {
    /// For N images with V views each.
    pub(crate) fn new(seed: u64, n_samples: usize, views: usize) -> Self {
        Self::of(seed, (0..n_samples).collect(), views)
    }

    /// For some images of a set, in the order in which they would be a set of their own.
    pub(crate) fn of(seed: u64, images: Vec<usize>, views: usize) -> Self {
        Self {
            generator: order_generator(seed),
            images,
            views,
        }
    }

    /// Begins anew with N images, but with the next numbers of the same generator.
    pub(crate) fn restart(&mut self, n_samples: usize) {
        self.images = (0..n_samples).collect();
    }

    /// Puts something else into a new order.
    pub(crate) fn shuffle(&mut self, numbers: &mut [usize]) {
        shuffle(numbers, &mut self.generator);
    }

    /// The rows of the next epoch, one of each image.
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
