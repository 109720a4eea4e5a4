//! What a resize reads: the rows of a decoded picture, as they are in memory or as they are made from a
//! JPEG's planes.

use std::ops::Range;

use super::RgbImage;

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
    /// If the rows or the columns are outside of the picture.
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
