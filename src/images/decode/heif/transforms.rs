//! The transformations in the container: a crop, and then rotations and mirrors.

use heifer_isobmff::HeifFile;
use heifer_isobmff::boxes::Property;
use image::math::Rect;
use image::metadata::Orientation;

use super::fault::Fault;
use super::planes::Chroma;

/// The transformations of a decoded image.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Transforms {
    /// The part of the coded image that is shown, in pixels.
    pub(super) crop: Rect,
    turn: Turn,
    /// Whether libheif interpolates chroma first, of 4:2:2 and of 4:2:0, since the pixels of a sample would
    /// be separated.
    parts_halves: bool,
    parts_quarters: bool,
}

impl Transforms {
    /// Returns whether chroma of this kind is interpolated before the image is transformed.
    pub(super) fn parts(&self, chroma: Chroma) -> bool {
        match chroma {
            Chroma::Gray | Chroma::Full => false,
            Chroma::Half => self.parts_halves,
            Chroma::Quarter => self.parts_quarters,
        }
    }

    pub(super) fn orientation(&self) -> Orientation {
        self.turn.orientation()
    }

    fn rotate(&mut self, quarters: u8) {
        let odd = self.has_odd();
        self.parts_halves |= quarters % 2 == 1 || quarters == 2 && odd.1;
        self.parts_quarters |= odd.0 && matches!(quarters, 1 | 2);
        self.parts_quarters |= odd.1 && matches!(quarters, 2 | 3);
        self.turn = self.turn.left(quarters);
    }

    fn mirror(&mut self, upside_down: bool) {
        let odd = self.has_odd();
        self.parts_halves |= !upside_down && odd.0;
        self.parts_quarters |= odd.0 || odd.1;
        self.turn = self.turn.mirrored(upside_down);
    }

    fn cut(&mut self, (x, width): (u32, u32), (y, height): (u32, u32)) {
        self.crop = Rect {
            x,
            y,
            width,
            height,
        };
        self.parts_halves |= x % 2 == 1;
        self.parts_quarters |= x % 2 == 1 || y % 2 == 1;
    }

    /// Returns whether the current width and height are odd.
    fn has_odd(&self) -> (bool, bool) {
        let (width, height) = (self.crop.width % 2 == 1, self.crop.height % 2 == 1);
        if self.turn.quarters.is_multiple_of(2) {
            (width, height)
        } else {
            (height, width)
        }
    }
}

/// Reads the transformations of the primary image, in the order of its properties.
pub(super) fn of(file: &HeifFile, (width, height): (u32, u32)) -> Result<Transforms, Fault> {
    let whole = Rect {
        x: 0,
        y: 0,
        width,
        height,
    };
    let mut transforms = Transforms {
        crop: whole,
        turn: Turn::default(),
        parts_halves: false,
        parts_quarters: false,
    };
    for property in file.item_properties(file.primary_id)? {
        match *property {
            Property::Rotation(quarters) => transforms.rotate(quarters),
            Property::Mirror(upside_down) => transforms.mirror(upside_down),
            Property::CleanAperture {
                width: columns,
                height: rows,
                horiz_offset,
                vert_offset,
            } => {
                if transforms.turn != Turn::default() || transforms.crop != whole {
                    return Err(Fault::unsupported("a crop after another transformation"));
                }
                transforms.cut(
                    clean(width, columns, horiz_offset)?,
                    clean(height, rows, vert_offset)?,
                );
            }
            _ => {}
        }
    }
    Ok(transforms)
}

/// Returns the start of a clean aperture in an edge, and its length (ISO/IEC 14496-12, 12.1.4). Both are
/// fractions, about the centre.
fn clean(
    edge: u32,
    (length, parts): (u32, u32),
    (offset, of): (i32, u32),
) -> Result<(u32, u32), Fault> {
    if parts == 0 || of == 0 {
        return Err(Fault::damaged("its crop has a zero denominator"));
    }
    let length = (f64::from(length) / f64::from(parts)).round();
    let centre = f64::from(offset) / f64::from(of) + (f64::from(edge) - 1.0) / 2.0;
    let start = (centre - (length - 1.0) / 2.0).round();
    if length < 1.0 || start < 0.0 || start + length > f64::from(edge) {
        return Err(Fault::damaged("its crop is outside the image"));
    }
    Ok((start as u32, length as u32))
}

/// An optional mirror, left to right, and then clockwise quarter turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turn {
    mirrored: bool,
    quarters: u8,
}

impl Turn {
    fn left(self, quarters: u8) -> Self {
        Self {
            quarters: (self.quarters + 4 - quarters % 4) % 4,
            ..self
        }
    }

    /// Adds a mirror. A rotation before a mirror is the opposite rotation after it; upside down is half a
    /// turn more.
    fn mirrored(self, upside_down: bool) -> Self {
        Self {
            mirrored: !self.mirrored,
            quarters: (4 - self.quarters + 2 * u8::from(upside_down)) % 4,
        }
    }

    fn orientation(self) -> Orientation {
        match (self.mirrored, self.quarters) {
            (false, 1) => Orientation::Rotate90,
            (false, 2) => Orientation::Rotate180,
            (false, 3) => Orientation::Rotate270,
            (false, _) => Orientation::NoTransforms,
            (true, 1) => Orientation::Rotate270FlipH,
            (true, 2) => Orientation::FlipVertical,
            (true, 3) => Orientation::Rotate90FlipH,
            (true, _) => Orientation::FlipHorizontal,
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayImage};

    use super::*;

    /// Compares every sequence of three rotations and mirrors with that of `image`.
    #[test]
    fn turns_and_mirrors_are_made_one_after_the_other() {
        let start = GrayImage::from_raw(3, 2, (0..6).collect()).unwrap();
        let start = DynamicImage::ImageLuma8(start);
        for steps in 0..216_usize {
            let (mut turn, mut wanted) = (Turn::default(), start.clone());
            for step in [steps % 6, steps / 6 % 6, steps / 36] {
                (turn, wanted) = match step {
                    0 => (turn.left(0), wanted),
                    1 => (turn.left(1), wanted.rotate270()),
                    2 => (turn.left(2), wanted.rotate180()),
                    3 => (turn.left(3), wanted.rotate90()),
                    4 => (turn.mirrored(false), wanted.fliph()),
                    _ => (turn.mirrored(true), wanted.flipv()),
                };
            }
            let mut turned = start.clone();
            turned.apply_orientation(turn.orientation());
            assert_eq!(turned, wanted, "{steps}");
        }
    }

    #[test]
    fn a_clean_aperture_lies_about_the_centre() {
        assert_eq!(clean(100, (60, 1), (0, 1)), Ok((20, 60)));
        assert_eq!(clean(100, (120, 2), (-20, 1)), Ok((0, 60)));
        assert_eq!(clean(101, (100, 1), (1, 2)), Ok((1, 100)));
        assert_eq!(clean(100, (1, 1), (99, 2)), Ok((99, 1)));
        for outside in [((101, 1), (0, 1)), ((60, 1), (21, 1)), ((60, 1), (-21, 1))] {
            assert!(clean(100, outside.0, outside.1).is_err());
        }
        assert!(clean(100, (0, 1), (0, 1)).is_err());
        assert!(clean(100, (1, 0), (0, 1)).is_err());
        assert!(clean(100, (1, 1), (0, 0)).is_err());
        assert!(clean(100, (u32::MAX, 1), (i32::MIN, 1)).is_err());
    }
}
