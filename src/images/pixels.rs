//! Samples of any kind that a decoder gives, as 8-bit RGB.

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{ColorType, ImageEncoder};

use super::decode::Alpha;

/// An upright 8-bit RGB picture, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl RgbImage {
    /// A picture from its samples; `None` unless there are 3 × width × height of them and at least one pixel.
    #[must_use]
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let wanted = u64::from(width) * u64::from(height) * 3;
        (wanted > 0 && wanted == pixels.len() as u64).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Columns, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The samples, shape (height, width, 3).
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The picture as a PNG file.
    ///
    /// # Panics
    /// Never: its size fits its samples, and memory can be written to.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(
                &self.pixels,
                self.width,
                self.height,
                ColorType::Rgb8.into(),
            )
            .expect("a picture holds 3 samples a pixel");
        png
    }

    /// Turns or mirrors the picture as EXIF asks for.
    pub(super) fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let stored = image::RgbImage::from_raw(self.width, self.height, self.pixels)
            .expect("a picture holds 3 samples a pixel");
        let mut turned = image::DynamicImage::ImageRgb8(stored);
        turned.apply_orientation(orientation);
        Self {
            width: turned.width(),
            height: turned.height(),
            pixels: turned.into_bytes(),
        }
    }
}

/// What the alpha channel of a decoder's samples means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlphaKind {
    /// Colours are as they are where the pixel is opaque.
    Straight,
    /// Colours are multiplied by it already: what is clear is black.
    Premultiplied,
    /// Nothing.
    Absent,
}

/// 8-bit RGB from a decoder's samples; `None` for samples that are neither 8 nor 16 bits wide.
pub(super) fn to_rgb8(
    samples: Vec<u8>,
    color: ColorType,
    kind: AlphaKind,
    policy: Alpha,
) -> Option<Vec<u8>> {
    let samples = match color {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => samples,
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => narrow(samples),
        _ => return None,
    };
    let over = |value, a| over(value, a, kind, policy);
    Some(match color.channel_count() {
        1 => samples.iter().flat_map(|&v| [v; 3]).collect(),
        2 => samples
            .as_chunks()
            .0
            .iter()
            .flat_map(|&[v, a]| [over(v, a); 3])
            .collect(),
        3 => samples,
        _ => without_alpha(samples, over),
    })
}

/// 16-bit samples scaled by 1/257 and rounded, in place.
fn narrow(mut samples: Vec<u8>) -> Vec<u8> {
    let count = samples.len() / 2;
    for i in 0..count {
        let wide = u32::from(u16::from_ne_bytes([samples[2 * i], samples[2 * i + 1]]));
        samples[i] = ((wide + 128) / 257) as u8;
    }
    samples.truncate(count);
    samples
}

/// RGBA to RGB, in place.
fn without_alpha(mut samples: Vec<u8>, over: impl Fn(u8, u8) -> u8) -> Vec<u8> {
    let count = samples.len() / 4;
    for i in 0..count {
        let a = samples[4 * i + 3];
        for c in 0..3 {
            samples[3 * i + c] = over(samples[4 * i + c], a);
        }
    }
    samples.truncate(3 * count);
    samples
}

/// One sample as the policy shows it.
///
/// Over a background: round((c·a + background·(255 − a)) / 255), where premultiplied samples are c·a / 255
/// already.
fn over(value: u8, a: u8, kind: AlphaKind, policy: Alpha) -> u8 {
    let (c, a) = (u32::from(value), u32::from(a));
    let background = match policy {
        Alpha::White => 255 - a,
        Alpha::Black | Alpha::Drop => 0,
    };
    // The quotients by 255 are never half-way between two numbers, as it is odd.
    let shown = match (kind, policy) {
        (AlphaKind::Absent, _) | (AlphaKind::Straight, Alpha::Drop) => c,
        (AlphaKind::Straight, _) => (c * a + 127) / 255 + background,
        // Rounded down, as Pillow does it; what is clear has no colour left, and shows as black.
        (AlphaKind::Premultiplied, Alpha::Drop) => (c * 255).checked_div(a).unwrap_or(0),
        (AlphaKind::Premultiplied, _) => c.min(a) + background,
    };
    shown.min(255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(values: &[u16]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }

    fn straight(samples: Vec<u8>, color: ColorType, policy: Alpha) -> Vec<u8> {
        to_rgb8(samples, color, AlphaKind::Straight, policy).unwrap()
    }

    #[test]
    fn sixteen_bits_are_scaled_and_rounded() {
        let samples = wide(&[0, 128, 129, 257, 32767, 32768, 65406, 65407, 65535]);
        assert_eq!(narrow(samples), [0, 0, 1, 1, 127, 128, 254, 255, 255]);
    }

    #[test]
    fn gray_becomes_three_equal_channels() {
        let rgb = to_rgb8(
            vec![7, 200],
            ColorType::L8,
            AlphaKind::Straight,
            Alpha::White,
        );
        assert_eq!(rgb.unwrap(), [7, 7, 7, 200, 200, 200]);
        let rgb = to_rgb8(
            wide(&[257 * 9]),
            ColorType::L16,
            AlphaKind::Straight,
            Alpha::White,
        );
        assert_eq!(rgb.unwrap(), [9, 9, 9]);
    }

    #[test]
    fn transparency_follows_the_policy_in_every_width() {
        // (0·128 + 255·127)/255 = 127; (255·128 + 255·127)/255 = 255; on black (255·128)/255 = 128
        let known = [
            (Alpha::White, [127, 255, 127]),
            (Alpha::Black, [0, 128, 0]),
            (Alpha::Drop, [0, 255, 0]),
        ];
        for (alpha, rgb) in known {
            assert_eq!(straight(vec![0, 255, 0, 128], ColorType::Rgba8, alpha), rgb);
            let samples = wide(&[0, 65535, 0, 128 * 257]);
            assert_eq!(straight(samples, ColorType::Rgba16, alpha), rgb);
        }
        let gray = straight(vec![90, 0, 200, 255], ColorType::La8, Alpha::White);
        assert_eq!(gray, [255, 255, 255, 200, 200, 200]);
        let gray = straight(wide(&[90 * 257, 0]), ColorType::La16, Alpha::Black);
        assert_eq!(gray, [0, 0, 0]);
    }

    /// Of a premultiplied sample c' and a: c' + 255 − a on white, c' on black, c' · 255 / a without
    /// transparency.
    #[test]
    fn premultiplied_colours_are_not_multiplied_again() {
        let known = [
            (Alpha::White, [227, 127, 255]),
            (Alpha::Black, [100, 0, 128]),
            (Alpha::Drop, [199, 0, 255]),
        ];
        let shown = |samples, color, policy| {
            to_rgb8(samples, color, AlphaKind::Premultiplied, policy).unwrap()
        };
        for (policy, rgb) in known {
            let samples = vec![100, 0, 128, 128];
            assert_eq!(shown(samples, ColorType::Rgba8, policy), rgb);
            let samples = wide(&[100 * 257, 0, 128 * 257, 128 * 257]);
            assert_eq!(shown(samples, ColorType::Rgba16, policy), rgb);
        }
        // What is clear has no colour, whatever is stored.
        for (policy, rgb) in [(Alpha::White, 255), (Alpha::Black, 0), (Alpha::Drop, 0)] {
            assert_eq!(shown(vec![9, 0], ColorType::La8, policy), [rgb; 3]);
        }
        // More colour than there is opacity is more than white.
        assert_eq!(
            shown(vec![200, 100], ColorType::La8, Alpha::White),
            [255; 3]
        );
        assert_eq!(shown(vec![200, 100], ColorType::La8, Alpha::Drop), [255; 3]);
    }

    #[test]
    fn floating_point_is_left_to_the_caller() {
        let kind = AlphaKind::Straight;
        assert!(to_rgb8(vec![0; 12], ColorType::Rgb32F, kind, Alpha::White).is_none());
    }

    #[test]
    fn a_picture_holds_what_its_size_says() {
        assert!(RgbImage::new(1, 1, vec![1, 2, 3]).is_some());
        assert!(RgbImage::new(2, 1, vec![1, 2, 3]).is_none());
        assert!(RgbImage::new(0, 1, vec![]).is_none());
    }

    #[test]
    fn six_is_a_quarter_turn_to_the_right() {
        let stored = RgbImage::new(2, 1, vec![1, 1, 1, 2, 2, 2]).unwrap();
        let upright = RgbImage::new(1, 2, vec![1, 1, 1, 2, 2, 2]).unwrap();
        assert_eq!(stored.upright(Orientation::Rotate90), upright);
    }
}
