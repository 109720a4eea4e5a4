//! The input of a resize: the rows of a decoded image, read from memory or computed from a JPEG's planes.

use std::ops::Range;

use super::RgbImage;

/// A rectangular part of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) rows: Range<u32>,
    pub(crate) columns: Range<u32>,
}

impl Part {
    /// Returns the whole of an image of this size.
    pub(super) fn whole((width, height): (u32, u32)) -> Self {
        Self {
            rows: 0..height,
            columns: 0..width,
        }
    }

    /// Returns the smallest part that contains both.
    pub(super) fn with(self, other: &Self) -> Self {
        let with = |a: &Range<u32>, b: &Range<u32>| a.start.min(b.start)..a.end.max(b.end);
        Self {
            rows: with(&self.rows, &other.rows),
            columns: with(&self.columns, &other.columns),
        }
    }
}

/// An upright image whose rows can be read in any order.
pub trait Picture {
    /// Returns the width and the height, at least 1 each.
    fn size(&self) -> (u32, u32);

    /// Returns rows as 8-bit RGB, shape (rows, width, 3), in which only the pixels of `columns` need to be
    /// valid.
    ///
    /// The rows may be computed in `buffer`, which is reused from call to call.
    ///
    /// # Panics
    ///
    /// If the rows or columns are outside the image, or outside the part of it that was decoded.
    fn rows<'a>(
        &'a self,
        rows: Range<u32>,
        columns: Range<u32>,
        buffer: &'a mut Vec<u8>,
    ) -> &'a [u8];
}

impl Picture for RgbImage {
    fn size(&self) -> (u32, u32) {
        (self.width(), self.height())
    }

    fn rows<'a>(&'a self, rows: Range<u32>, _: Range<u32>, _: &'a mut Vec<u8>) -> &'a [u8] {
        let row = 3 * self.width() as usize;
        &self.pixels()[row * rows.start as usize..row * rows.end as usize]
    }
}
