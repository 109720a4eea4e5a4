//! Spreads work over the caller's threads, and lets them share an output.

use std::sync::{Mutex, PoisonError};

/// Spreads work over threads owned by the caller.
pub trait Parallel: Sync {
    /// Returns the number of threads, at least 1.
    fn threads(&self) -> usize;

    /// Calls `work` once with every number below `count`, in any order and on any thread, and returns when
    /// all calls are done.
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

/// An output split into consecutive pieces, so that threads can write to it in parallel.
pub(super) struct Pieces<'a> {
    pieces: Vec<Mutex<&'a mut [f32]>>,
}

impl<'a> Pieces<'a> {
    /// Splits images of `height` rows, each `row` long, into strips of `rows` rows; an image's last strip may
    /// have fewer.
    pub(super) fn strips(y: &'a mut [f32], height: usize, row: usize, rows: usize) -> Self {
        let images = y.chunks_exact_mut((height * row).max(1));
        let strips = images.flat_map(|image| image.chunks_mut(rows * row));
        Self {
            pieces: strips.map(Mutex::new).collect(),
        }
    }

    /// Splits an output into pieces of `len` values.
    pub(super) fn of(y: &'a mut [f32], len: usize) -> Self {
        Self {
            pieces: y.chunks_mut(len).map(Mutex::new).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Lends piece `i` to `work`, after any other thread that is using it.
    pub(super) fn with<R>(&self, i: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
        work(
            &mut self.pieces[i]
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
