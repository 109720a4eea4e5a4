//! How work is spread over threads, which the caller owns, and how they share an output.

use std::sync::{Mutex, PoisonError};

/// Spreads work over threads, which the caller owns.
pub trait Parallel: Sync {
    /// Returns the number of threads, at least 1.
    fn threads(&self) -> usize;

    /// Calls `work` once with every number below `count`, in any order and on any thread, and returns when
    /// all is done.
    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync));
}

/// Runs everything on the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Serial;

impl Parallel for Serial {
    fn threads(&self) -> usize {
        1
    }

    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(work);
    }
}

/// An output cut into consecutive pieces, so that threads may write to it side by side.
pub(super) struct Pieces<'a> {
    pieces: Vec<Mutex<&'a mut [f32]>>,
}

impl<'a> Pieces<'a> {
    /// Strips of `rows` rows, each `row` long, of images of `height` rows; an image's last strip may have
    /// fewer.
    pub(super) fn strips(y: &'a mut [f32], height: usize, row: usize, rows: usize) -> Self {
        let images = y.chunks_exact_mut((height * row).max(1));
        let strips = images.flat_map(|image| image.chunks_mut(rows * row));
        Self {
            pieces: strips.map(Mutex::new).collect(),
        }
    }

    /// Pieces of `len` numbers.
    pub(super) fn of(y: &'a mut [f32], len: usize) -> Self {
        Self {
            pieces: y.chunks_mut(len).map(Mutex::new).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Lends piece `i`; another thread at it is waited for.
    pub(super) fn with<R>(&self, i: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
        work(
            &mut self.pieces[i]
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
