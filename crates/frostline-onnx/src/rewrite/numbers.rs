//! The numbers of a weight, in a range of a file.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::super::wire::Open;

/// Where the `float32` numbers of a weight lie side by side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Numbers {
    pub(super) path: PathBuf,
    /// The first byte.
    pub(super) offset: u64,
    /// How many numbers there are.
    pub(super) len: usize,
}

/// Bytes that are read at once: as much as stays in a core's cache until it is turned into numbers.
const STRETCH: usize = 1 << 17;

/// Numbers beside larger ones than this lose their digits in the Winograd domain, and then overflow.
const LARGEST: f32 = 1e6;

/// The cause of an [`io::Error`]: a weight is NaN, infinite, or too large for layers of our own.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a weight is not finite, or too large")]
struct TooLarge;

/// Whether reading failed since weights are not finite, or too large: ONNX Runtime has to say what they are
/// good for.
pub fn is_too_large(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>)
}

/// Refuses numbers that layers of our own cannot compute with.
pub(super) fn check(numbers: &[f32]) -> io::Result<()> {
    // NaN is not below either.
    if numbers.iter().all(|number| number.abs() <= LARGEST) {
        Ok(())
    } else {
        Err(io::Error::other(TooLarge))
    }
}

impl Numbers {
    /// All of them.
    pub(super) fn read(&self, open: Open) -> io::Result<Vec<f32>> {
        let mut numbers = vec![0.0; self.len];
        self.read_from(open, 0, &mut numbers)?;
        Ok(numbers)
    }

    /// As many as `numbers` has room for, from `first` on; they are [`check`]ed.
    pub(super) fn read_from(
        &self,
        open: Open,
        first: usize,
        numbers: &mut [f32],
    ) -> io::Result<()> {
        let mut file = open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset + 4 * first as u64))?;
        let mut bytes = vec![0; STRETCH.min(4 * numbers.len())];
        for numbers in numbers.chunks_mut(STRETCH / 4) {
            let bytes = &mut bytes[..4 * numbers.len()];
            file.read_exact(bytes)?;
            for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *number = f32::from_le_bytes(*bytes);
            }
            check(numbers)?;
        }
        Ok(())
    }
}
