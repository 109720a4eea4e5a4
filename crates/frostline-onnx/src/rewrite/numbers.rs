//! The values of a weight, in a range of a file.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::super::wire::Open;

/// Where the `float32` values of a weight are, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Numbers {
    pub(super) path: PathBuf,
    /// The position of the first byte.
    pub(super) offset: u64,
    /// The number of values.
    pub(super) len: usize,
}

/// The number of bytes read at a time; they stay in a core's cache until they are converted.
const STRETCH: usize = 1 << 17;

/// The largest value accepted. Next to larger ones, others lose precision in the Winograd domain, and finally
/// results overflow.
const LARGEST: f32 = 1e6;

/// The cause of an [`io::Error`]: a weight is NaN, infinite, or too large for frostline's layers.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a weight is NaN, infinite or too large")]
struct TooLarge;

/// Returns whether reading failed because a weight is NaN, infinite or too large; such a layer is left to
/// ONNX Runtime.
pub fn is_too_large(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>)
}

/// Refuses values that frostline's layers cannot compute with.
pub(super) fn check(numbers: &[f32]) -> io::Result<()> {
    // NaN fails this comparison, too.
    if numbers.iter().all(|number| number.abs() <= LARGEST) {
        Ok(())
    } else {
        Err(io::Error::other(TooLarge))
    }
}

impl Numbers {
    /// Reads all values.
    pub(super) fn read(&self, open: Open) -> io::Result<Vec<f32>> {
        let mut numbers = vec![0.0; self.len];
        self.read_from(open, 0, &mut numbers)?;
        Ok(numbers)
    }

    /// Fills `numbers` with the values from index `first` on; they are [`check`]ed.
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
