//! Reads the orientation of an image from its EXIF block.

use image::metadata::Orientation;

use std::ops::Range;

use super::{Part, tags};

/// EXIF's `Orientation` tag.
const TAG: u16 = 0x0112;

/// Returns the orientation in the first directory of an EXIF block; upright if it is missing or invalid.
///
/// Cameras write a 16-bit value, some programs a 32-bit one, in either byte order; some put the identifier of
/// the JPEG segment in front. The thumbnail's own orientation, in the second directory, is ignored.
pub(super) fn from_exif(block: &[u8]) -> Orientation {
    read(block.strip_prefix(b"Exif\0\0").unwrap_or(block)).unwrap_or(Orientation::NoTransforms)
}

/// Returns whether rows become columns.
pub(super) fn turns(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(
        orientation,
        Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH
    )
}

/// Returns the upright width and height of a stored image.
pub(super) fn upright((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    if turns(orientation) {
        (height, width)
    } else {
        (width, height)
    }
}

impl Part {
    /// Returns the part of a stored image of this size that corresponds to this part of the upright image.
    pub(super) fn stored(self, (width, height): (u32, u32), orientation: Orientation) -> Self {
        use Orientation::{
            FlipHorizontal, FlipVertical, NoTransforms, Rotate90, Rotate90FlipH, Rotate180,
            Rotate270, Rotate270FlipH,
        };
        let Self { rows, columns } = self;
        let swapped = turns(orientation);
        let (rows, columns) = if swapped {
            (columns, rows)
        } else {
            (rows, columns)
        };
        let from_end = |range: Range<u32>, end: u32| end - range.end..end - range.start;
        let (down, across) = match orientation {
            NoTransforms | Rotate90FlipH => (false, false),
            FlipHorizontal | Rotate270 => (false, true),
            FlipVertical | Rotate90 => (true, false),
            Rotate180 | Rotate270FlipH => (true, true),
        };
        Self {
            rows: if down { from_end(rows, height) } else { rows },
            columns: if across {
                from_end(columns, width)
            } else {
                columns
            },
        }
    }
}

fn read(block: &[u8]) -> Option<Orientation> {
    let value = *tags::values(block, TAG)?.first()?;
    Orientation::from_exif(u8::try_from(value).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: [u8; 26] = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    const BIG: [u8; 26] = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    const BIG_LONG: [u8; 26] = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x06\0\0\0\0";

    #[test]
    fn both_byte_orders_and_both_widths_are_read() {
        for block in [LITTLE, BIG, BIG_LONG] {
            assert_eq!(from_exif(&block), Orientation::Rotate90);
        }
        assert_eq!(
            from_exif(&[b"Exif\0\0", LITTLE.as_slice()].concat()),
            Orientation::Rotate90
        );
    }

    #[test]
    fn nonsense_is_upright() {
        let mut block = LITTLE;
        for value in [0, 9, 255] {
            block[18] = value;
            assert_eq!(from_exif(&block), Orientation::NoTransforms);
        }
        for len in 0..20 {
            assert_eq!(from_exif(&LITTLE[..len]), Orientation::NoTransforms);
        }
        block[4] = 255;
        assert_eq!(from_exif(&block), Orientation::NoTransforms);
    }
}
