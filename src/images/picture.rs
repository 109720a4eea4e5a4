//! What a resize reads: the rows of a decoded picture, as they are in memory or as they are made from a
//! JPEG's planes.

use std::ops::Range;

use super::RgbImage;

/// Some columns of some rows of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) rows: Range<u32>,
    pub(crate) columns: Range<u32>,
}

impl Part {
    /// All of a picture of so many columns and rows.
    pub(super) fn whole((width, height): (u32, u32)) -> Self {
        Self {
            rows: 0..height,
            columns: 0..width,
        }
    }

    /// The smallest part that both are within.
    pub(super) fn with(self, other: &Self) -> Self {
        let with = |a: &Range<u32>, b: &Range<u32>| a.start.min(b.start)..a.end.max(b.end);
        Self {
            rows: with(&self.rows, &other.rows),
            columns: with(&self.columns, &other.columns),
        }
    }
}

/// An upright picture whose rows can be read in any order.
pub trait Picture {
    /// Columns and rows, at least 1 each.
    fn size(&self) -> (u32, u32);

    /// Some rows as 8-bit RGB, shape (rows, width, 3), of which only `columns` need to hold the picture.
    ///
    /// They may be made in `buffer`, which is kept from call to call.
    ///
    /// # Panics
    ///
    /// If the rows or the columns are outside of the picture, or of what was decoded of it.
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
