//! How many images run together: what the file fixes, what memory allows, and what is fastest on the device.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The batch sizes of a network, shared by its replicas.
#[derive(Debug)]
pub(super) struct BatchSizes {
    /// The fixed batch size of the file, if it has one.
    fixed: Option<usize>,
    liked: Liked,
    /// Whether the network has failed to run several images together.
    single: AtomicBool,
    /// The smallest batch known not to fit into memory; 0 if there is none.
    too_large: AtomicUsize,
    /// The largest batch so far.
    largest: AtomicUsize,
}

/// The batches that run fastest on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Liked {
    /// Batches of any size.
    Any,
    /// Batches of the same size: for each new size, a GPU searches for the fastest convolutions again.
    Even,
    /// Single images: the output of a layer stays in the CPU's cache for the next layer.
    Single,
}

impl BatchSizes {
    pub(super) fn new(fixed: Option<usize>, liked: Liked) -> Self {
        Self {
            fixed,
            liked,
            single: AtomicBool::new(false),
            too_large: AtomicUsize::new(0),
            largest: AtomicUsize::new(0),
        }
    }

    /// Returns the fixed batch size of the file, if it has one.
    pub(super) fn fixed(&self) -> Option<usize> {
        self.fixed
    }

    /// Returns how many of `n` images to run together for the highest speed, at least 1.
    pub(super) fn piece(&self, n: usize) -> usize {
        match (self.liked, self.fixed) {
            (Liked::Single, None) => 1,
            _ => self.most(n),
        }
    }

    /// Returns how many of `n` images can run together, at least 1.
    pub(super) fn most(&self, n: usize) -> usize {
        let most = self.too_large().map_or(n, |too_large| too_large / 2);
        let most = if self.is_single() { 1 } else { most };
        n.min(self.fixed.unwrap_or(n)).min(most).max(1)
    }

    /// Returns the size of the batch for `n` images, which is filled up with blank images.
    pub(super) fn batch(&self, n: usize) -> usize {
        match self.fixed {
            Some(fixed) => fixed,
            None if self.liked == Liked::Even && !self.is_single() => {
                self.largest.fetch_max(n, Ordering::Relaxed).max(n)
            }
            None => n,
        }
    }

    /// Returns whether the network has failed to run several images together, so that they run one at a time.
    pub(super) fn is_single(&self) -> bool {
        self.single.load(Ordering::Relaxed)
    }

    /// Records that `n` images failed to run together, and returns whether they can be tried one at a time.
    pub(super) fn try_single(&self, n: usize) -> bool {
        let may = n > 1 && self.fixed.is_none();
        self.single.fetch_or(may, Ordering::Relaxed);
        may
    }

    /// Returns the batch size that did not fit into memory, if any.
    pub(super) fn too_large(&self) -> Option<usize> {
        let too_large = self.too_large.load(Ordering::Relaxed);
        (too_large > 0).then_some(too_large)
    }

    /// Records that `n` images do not fit into memory, and returns whether fewer can be tried.
    pub(super) fn halve(&self, n: usize) -> bool {
        let may = n > 1 && self.fixed.is_none();
        if may {
            // Another lane may have found a smaller one.
            let smaller = |known| (known == 0 || n < known).then_some(n);
            let order = Ordering::Relaxed;
            let _ = self.too_large.fetch_update(order, order, smaller);
            self.largest.store(0, Ordering::Relaxed);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_batch_is_filled_up() {
        let sizes = BatchSizes::new(Some(4), Liked::Single);
        assert_eq!((sizes.piece(10), sizes.batch(4)), (4, 4));
        assert_eq!((sizes.piece(3), sizes.batch(3)), (3, 4));
        assert!(!sizes.halve(4), "no smaller batch can be tried");
    }

    #[test]
    fn the_smallest_batch_that_did_not_fit_counts() {
        let sizes = BatchSizes::new(None, Liked::Even);
        assert!(sizes.halve(32) && sizes.halve(64), "another lane was later");
        assert_eq!(sizes.too_large(), Some(32));
    }

    #[test]
    fn a_cpu_takes_what_comes_or_one_and_a_gpu_always_the_same() {
        let small = BatchSizes::new(None, Liked::Single);
        assert_eq!((small.piece(8), small.batch(1), small.most(8)), (1, 1, 8));
        let cpu = BatchSizes::new(None, Liked::Any);
        assert_eq!([cpu.piece(8), cpu.batch(8), cpu.batch(3)], [8, 8, 3]);
        let gpu = BatchSizes::new(None, Liked::Even);
        assert_eq!([gpu.batch(1), gpu.batch(8), gpu.batch(3)], [1, 8, 8]);
    }

    #[test]
    fn what_does_not_run_together_runs_one_at_a_time() {
        let sizes = BatchSizes::new(None, Liked::Even);
        assert_eq!((sizes.piece(8), sizes.batch(8)), (8, 8));
        assert!(sizes.try_single(8));
        assert_eq!((sizes.piece(8), sizes.batch(1)), (1, 1));
        assert!(!sizes.try_single(1), "there is nothing left to try");
        assert!(!BatchSizes::new(Some(8), Liked::Any).try_single(8));
    }

    #[test]
    fn what_does_not_fit_is_halved_down_to_one() {
        let sizes = BatchSizes::new(None, Liked::Even);
        assert_eq!(sizes.batch(100), 100);
        let mut tried = Vec::new();
        loop {
            let piece = sizes.piece(100);
            tried.push(sizes.batch(piece));
            if !sizes.halve(piece) {
                break;
            }
        }
        assert_eq!(tried, [100, 50, 25, 12, 6, 3, 1]);
        assert_eq!(sizes.too_large(), Some(3));
    }
}
