//! Converts decoded samples of any kind to 8-bit RGB.

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{ColorType, ImageEncoder};

use super::decode::Alpha;

/// An upright 8-bit RGB image, rows from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl RgbImage {
    /// Creates an image from its samples; returns `None` unless there are 3 × width × height samples and at
    /// least one pixel.
    #[must_use]
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Self> {
        let wanted = u64::from(width) * u64::from(height) * 3;
        (wanted > 0 && wanted == pixels.len() as u64).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Returns the number of columns, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the number of rows, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns the samples, shape (height, width, 3).
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Encodes the image as a PNG file.
    ///
    /// # Panics
    /// Never: the size matches the samples, and writing to memory does not fail.
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
            .expect("an image holds 3 samples per pixel");
        png
    }

    /// Rotates or mirrors the image as its EXIF orientation requires.
    pub(super) fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let stored = image::RgbImage::from_raw(self.width, self.height, self.pixels)
            .expect("an image holds 3 samples per pixel");
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
    /// Colours are independent of the opacity.
    Straight,
    /// Colours are already multiplied by alpha, so transparent pixels are black.
    Premultiplied,
    /// The channel has no meaning.
    Absent,
}

/// Converts a decoder's samples to 8-bit RGB; returns `None` if they are neither 8 nor 16 bits wide.
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

/// Scales 16-bit samples by 1/257 and rounds them, in place.
fn narrow(mut samples: Vec<u8>) -> Vec<u8> {
    let count = samples.len() / 2;
    for i in 0..count {
        let wide = u32::from(u16::from_ne_bytes([samples[2 * i], samples[2 * i + 1]]));
        samples[i] = ((wide + 128) / 257) as u8;
    }
    samples.truncate(count);
    samples
}

/// Converts RGBA to RGB, in place.
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

/// Applies the alpha policy to one sample.
///
/// Over a background: round((c·a + background·(255 − a)) / 255); premultiplied samples are already c·a / 255.
fn over(value: u8, a: u8, kind: AlphaKind, policy: Alpha) -> u8 {
    let (c, a) = (u32::from(value), u32::from(a));
    let background = match policy {
        Alpha::White => 255 - a,
        Alpha::Black | Alpha::Drop => 0,
    };
    // A quotient by 255 is never half-way between two integers, since 255 is odd.
    let shown = match (kind, policy) {
        (AlphaKind::Absent, _) | (AlphaKind::Straight, Alpha::Drop) => c,
        (AlphaKind::Straight, _) => (c * a + 127) / 255 + background,
        // Rounded down, as in Pillow; transparent pixels have lost their colour and become black.
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

    /// A premultiplied sample c' with alpha a becomes c' + 255 − a on white, c' on black, and c' · 255 / a
    /// without transparency.
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
        // Transparent pixels have no colour, whatever is stored.
        for (policy, rgb) in [(Alpha::White, 255), (Alpha::Black, 0), (Alpha::Drop, 0)] {
            assert_eq!(shown(vec![9, 0], ColorType::La8, policy), [rgb; 3]);
        }
        // A colour above its alpha is clamped to white.
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
