//! Computes which part of an image the network sees, and where, with torchvision's rounding.

use super::views::{Place, View};
use super::{Crop, CropRounding, Resize};

/// Where the pixels of the input come from: of the image resized to `resized`, the part at `source` of size
/// `size` is put at `target`. Uncovered pixels are black.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) resized: Size,
    pub(super) source: (u32, u32),
    pub(super) size: Size,
    pub(super) target: (u32, u32),
}

/// Width and height.
pub(super) type Size = (u32, u32);

impl Plan {
    /// Plans a view of an image, as `functional.resize`, `center_crop` and `five_crop` of torchvision 0.29
    /// do.
    pub(super) fn new(
        image: Size,
        resize: Resize,
        (crop, rounding): (Crop, CropRounding),
        view: View,
    ) -> Self {
        let resized = resized(image, resize);
        let output = match crop {
            Crop::Center(w, h) => (w, h),
            Crop::None => resized,
        };
        let (across, down) = view.places();
        let (x, width, left) = cut(resized.0, output.0, (across, rounding));
        let (y, height, top) = cut(resized.1, output.1, (down, rounding));
        Self {
            resized,
            source: (x, y),
            size: (width, height),
            target: (left, top),
        }
    }
}

/// Returns the size of the whole image after the resize; the longer edge of an extreme strip is limited to
/// `u32::MAX`.
fn resized((w, h): Size, resize: Resize) -> Size {
    match resize {
        Resize::None => (w, h),
        Resize::Exact(w, h) => (w, h),
        Resize::Shorter(n) if w <= h => (n, longer(n, h, w)),
        Resize::Shorter(n) => (longer(n, w, h), n),
    }
}

fn longer(n: u32, long: u32, short: u32) -> u32 {
    let edge = u64::from(n) * u64::from(long) / u64::from(short.max(1));
    u32::try_from(edge).unwrap_or(u32::MAX)
}

/// Returns, along one axis, the start and the length of the crop, and its offset in the output.
///
/// An axis that is shorter than the output is centred in it, whatever the crop's place.
fn cut(length: u32, wanted: u32, (place, rounding): (Place, CropRounding)) -> (u32, u32, u32) {
    if wanted > length {
        let around = wanted - length;
        let before = match rounding {
            CropRounding::Even => around / 2,
            CropRounding::Down => around.div_ceil(2),
        };
        return (0, length, before);
    }
    let spare = length - wanted;
    let begin = match (place, rounding) {
        (Place::Start, _) => 0,
        // Python's `round` rounds halves to even.
        (Place::Middle, CropRounding::Even) => spare / 2 + u32::from(spare % 4 == 3),
        (Place::Middle, CropRounding::Down) => spare / 2,
        (Place::End, _) => spare,
    };
    (begin, wanted, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROP: (Crop, CropRounding) = (Crop::Center(224, 224), CropRounding::Even);

    #[test]
    fn the_longer_edge_is_cut_to_an_integer() {
        assert_eq!(resized((640, 480), Resize::Shorter(256)), (341, 256));
        assert_eq!(resized((333, 500), Resize::Shorter(256)), (256, 384));
        assert_eq!(resized((7, 13), Resize::Shorter(256)), (256, 475));
        assert_eq!(
            resized((60_000, 1), Resize::Shorter(256)),
            (15_360_000, 256)
        );
        assert_eq!(
            resized((u32::MAX, 1), Resize::Shorter(256)),
            (u32::MAX, 256)
        );
    }

    #[test]
    fn halves_are_rounded_to_even() {
        // int(round(spare / 2.0)) of Python: 0.5 is 0, 1.5 is 2, 2.5 is 2, 3.5 is 4
        let offsets = |rounding| {
            let offset = |spare: u32| cut(224 + spare, 224, (Place::Middle, rounding)).0;
            [0, 1, 2, 3, 4, 5, 6, 7].map(offset)
        };
        assert_eq!(offsets(CropRounding::Even), [0, 0, 1, 2, 2, 2, 3, 4]);
        // spare // 2, as in `center_crop` of transformers.
        assert_eq!(offsets(CropRounding::Down), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(
            Plan::new((640, 480), Resize::Shorter(256), CROP, View::Center).source,
            (58, 16)
        );
    }

    #[test]
    fn corners_are_those_of_five_crop() {
        // torchvision: crop(top, left) of (0, 0), (0, w − 224), (h − 224, 0) and (h − 224, w − 224).
        let at = |view| Plan::new((640, 480), Resize::Shorter(256), CROP, view).source;
        let corners = [
            View::TopLeft,
            View::TopRight,
            View::BottomLeft,
            View::BottomRight,
        ];
        assert_eq!(corners.map(at), [(0, 0), (117, 0), (0, 32), (117, 32)]);
    }

    #[test]
    fn smaller_pictures_are_put_in_the_middle() {
        let plan = Plan::new((3, 300), Resize::None, CROP, View::Center);
        let wanted = Plan {
            resized: (3, 300),
            source: (0, 38),
            size: (3, 224),
            target: (110, 0),
        };
        assert_eq!(plan, wanted);
    }

    #[test]
    fn without_a_crop_everything_is_seen() {
        let plan = Plan::new(
            (10, 20),
            Resize::Exact(320, 240),
            (Crop::None, CropRounding::Even),
            View::Center,
        );
        let wanted = Plan {
            resized: (320, 240),
            source: (0, 0),
            size: (320, 240),
            target: (0, 0),
        };
        assert_eq!(plan, wanted);
    }
}
