//! An output cut into pieces, so that threads may write to it side by side.

use std::sync::{Mutex, PoisonError};

/// Pieces of an output that follow one another.
pub(super) struct Pieces<'a> {
    pieces: Vec<Mutex<&'a mut [f32]>>,
}

impl<'a> Pieces<'a> {
    /// Strips of `rows` rows, each `row` long, of images of `height` rows; an image's last strip may have fewer.
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
