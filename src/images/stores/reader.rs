//! Reads parts of an object as if it were a file, in blocks that grow while it is read in order.

use std::io::{self, Read, Seek, SeekFrom};

use super::faults::io_error;
use super::object::Object;

/// The sizes of a block, in bytes.
const SMALLEST: u64 = 256 << 10;
const LARGEST: u64 = 8 << 20;

/// Reads an object.
#[derive(Debug)]
pub(in crate::images) struct ObjectReader {
    object: Object,
    length: u64,
    position: u64,
    /// Where the current block begins, and its bytes.
    block: (u64, Vec<u8>),
    /// The size of the next block.
    next: u64,
}

impl ObjectReader {
    /// Reads an object of this length.
    pub(in crate::images) fn new(object: &Object, length: u64) -> Self {
        Self {
            object: object.clone(),
            length,
            position: 0,
            block: (0, Vec::new()),
            next: SMALLEST,
        }
    }

    fn available(&self) -> &[u8] {
        let (start, bytes) = &self.block;
        let at = self
            .position
            .checked_sub(*start)
            .and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| bytes.get(at..)).unwrap_or_default()
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if self.available().is_empty() {
            let end = self.block.0 + self.block.1.len() as u64;
            self.next = if self.position == end {
                (2 * self.next).min(LARGEST)
            } else {
                SMALLEST
            };
            let size = self.next.max(buffer.len() as u64).min(left).min(LARGEST);
            let got = self.object.get(Some((self.position, size)));
            let bytes = got.and_then(super::object::Got::whole).map_err(io_error)?;
            self.block = (self.position, bytes);
        }
        let available = self.available();
        let read = available.len().min(buffer.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let moved = match position {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = moved.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
