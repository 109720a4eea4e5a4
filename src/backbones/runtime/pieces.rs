//! Runs images in pieces, which become smaller if they fail.

use std::ops::Range;

use super::batch_sizes::BatchSizes;
use super::network::RunFault;
use crate::error::Result;

/// How images are divided into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    /// As is fastest; one image at a time if several fail to run together.
    Fastest,
    /// As large as possible.
    AsLarge,
}

impl Pieces {
    /// Runs `n` images; `run` gets the range of a piece, and again smaller ones of it if it fails.
    pub(super) fn run(
        self,
        sizes: &BatchSizes,
        n: usize,
        mut run: impl FnMut(Range<usize>) -> Result<(), RunFault>,
    ) -> Result<()> {
        let mut done = 0;
        while done < n {
            let piece = match self {
                Self::Fastest => sizes.piece(n - done),
                Self::AsLarge => sizes.most(n - done),
            };
            match run(done..done + piece) {
                Ok(()) => done += piece,
                Err(RunFault::OutOfMemory(_)) if sizes.halve(piece) => {}
                Err(RunFault::Other(_)) if self == Self::Fastest && sizes.try_single(piece) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }
}
