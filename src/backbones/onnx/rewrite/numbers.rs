//! The numbers of a weight, in a range of a file.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::inputs::{self, Links};

/// Where the `float32` numbers of a weight lie side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) path: PathBuf,
    /// The first byte.
    pub(super) offset: u64,
    /// How many numbers there are.
    pub(super) len: usize,
}

/// Bytes that are read at once: as much as stays in a core's cache until it is turned into numbers.
const STRETCH: usize = 1 << 17;

impl Numbers {
    /// All of them.
    pub(super) fn read(&self) -> io::Result<Vec<f32>> {
        let mut numbers = vec![0.0; self.len];
        self.read_from(0, &mut numbers)?;
        Ok(numbers)
    }

    /// As many as `numbers` has room for, from `first` on.
    pub(super) fn read_from(&self, first: usize, numbers: &mut [f32]) -> io::Result<()> {
        let mut file = inputs::open(&self.path, Links::Follow)?;
        file.seek(SeekFrom::Start(self.offset + 4 * first as u64))?;
        let mut bytes = vec![0; STRETCH.min(4 * numbers.len())];
        for numbers in numbers.chunks_mut(STRETCH / 4) {
            let bytes = &mut bytes[..4 * numbers.len()];
            file.read_exact(bytes)?;
            for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *number = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}
