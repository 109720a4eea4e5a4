//! Contact sheets: small images in rows, each with a title above it.

use super::RgbImage;
use super::lettering::{LINE, ink};

/// The space around each image, in pixels.
const MARGIN: usize = 8;

/// One image of a contact sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The text above the image.
    pub title: String,
    /// 8-bit RGB, shape (height, width, 3); all cells have the same size.
    pub pixels: Vec<u8>,
}

/// Arranges cells of `width` × `height` pixels in `columns` columns, with black titles on white; returns
/// `None` without cells.
///
/// # Panics
/// If a cell has a different size, or `columns` is 0.
#[must_use]
pub(crate) fn contact_sheet(
    cells: &[Cell],
    (width, height): (usize, usize),
    columns: usize,
) -> Option<RgbImage> {
    let columns = columns.min(cells.len());
    let (pitch_x, pitch_y) = (width + MARGIN, height + LINE + MARGIN);
    let sheet_width = columns * pitch_x + MARGIN;
    let sheet_height = cells.len().div_ceil(columns.max(1)) * pitch_y + MARGIN;
    let mut sheet = vec![255; 3 * sheet_width * sheet_height];
    let at = |x: usize, y: usize| 3 * (y * sheet_width + x);
    for (i, cell) in cells.iter().enumerate() {
        assert_eq!(cell.pixels.len(), 3 * width * height, "cell sizes differ");
        let (left, top) = (
            MARGIN + i % columns * pitch_x,
            MARGIN + i / columns * pitch_y,
        );
        for (x, y) in ink(&cell.title, width) {
            sheet[at(left + x, top + y)..][..3].fill(0);
        }
        for (y, row) in cell.pixels.chunks_exact(3 * width).enumerate() {
            sheet[at(left, top + LINE + y)..][..row.len()].copy_from_slice(row);
        }
    }
    RgbImage::new(
        u32::try_from(sheet_width).ok()?,
        u32::try_from(sheet_height).ok()?,
        sheet,
    )
    .filter(|_| !cells.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(value: u8) -> Cell {
        Cell {
            title: String::new(),
            pixels: vec![value; 3 * 2 * 3],
        }
    }

    #[test]
    fn cells_stand_in_rows() {
        let sheet = contact_sheet(&[cell(1), cell(2), cell(3)], (2, 3), 2).unwrap();
        // Two columns of 2 and three margins of 8; two rows of 16 + 3 and three margins.
        assert_eq!((sheet.width(), sheet.height()), (28, 62));
        let pixel = |x: usize, y: usize| sheet.pixels()[3 * (y * 28 + x)];
        assert_eq!((pixel(8, 24), pixel(18, 24), pixel(8, 51)), (1, 2, 3));
        assert_eq!(
            (pixel(7, 24), pixel(10, 24), pixel(18, 51)),
            (255, 255, 255)
        );
    }

    #[test]
    fn titles_are_black() {
        let mut titled = cell(9);
        titled.title = "l".into();
        titled.pixels = vec![9; 3 * 10 * 3];
        let sheet = contact_sheet(&[titled], (10, 3), 4).unwrap();
        let black = sheet.pixels().chunks(3).filter(|pixel| pixel == &[0, 0, 0]);
        assert!(black.count() > 10);
    }

    #[test]
    fn nothing_makes_no_sheet() {
        assert_eq!(contact_sheet(&[], (2, 3), 4), None);
    }
}
