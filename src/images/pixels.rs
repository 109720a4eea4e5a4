//! Samples of any kind that a decoder gives, as 8-bit RGB.

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{ColorType, ImageEncoder};

use super::decode::Alpha;

/// An upright picture: 8 bits a channel, red, green, blue, rows from the top.
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

/// 8-bit RGB from a decoder's samples; `None` for samples that are neither 8 nor 16 bits wide.
pub(super) fn to_rgb8(samples: Vec<u8>, color: ColorType, alpha: Alpha) -> Option<Vec<u8>> {
    let samples = match color {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => samples,
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => narrow(samples),
        _ => return None,
    };
    Some(match color.channel_count() {
        1 => samples.iter().flat_map(|&v| [v; 3]).collect(),
        2 => samples
            .as_chunks()
            .0
            .iter()
            .flat_map(|&[v, a]| [over(v, a, alpha); 3])
            .collect(),
        3 => samples,
        _ => without_alpha(samples, alpha),
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
fn without_alpha(mut samples: Vec<u8>, alpha: Alpha) -> Vec<u8> {
    let count = samples.len() / 4;
    for i in 0..count {
        let a = samples[4 * i + 3];
        for c in 0..3 {
            samples[3 * i + c] = over(samples[4 * i + c], a, alpha);
        }
    }
    samples.truncate(3 * count);
    samples
}

/// One sample over the background: round((c·a + background·(255 − a)) / 255).
fn over(value: u8, a: u8, alpha: Alpha) -> u8 {
    let background = match alpha {
        Alpha::White => 255,
        Alpha::Black => 0,
        Alpha::Drop => return value,
    };
    let (value, a) = (u32::from(value), u32::from(a));
    // The quotient is never half-way between two numbers, as 255 is odd.
    ((value * a + background * (255 - a) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(values: &[u16]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }

    #[test]
    fn sixteen_bits_are_scaled_and_rounded() {
        let samples = wide(&[0, 128, 129, 257, 32767, 32768, 65406, 65407, 65535]);
        assert_eq!(narrow(samples), [0, 0, 1, 1, 127, 128, 254, 255, 255]);
    }

    #[test]
    fn gray_becomes_three_equal_channels() {
        let rgb = to_rgb8(vec![7, 200], ColorType::L8, Alpha::White);
        assert_eq!(rgb.unwrap(), [7, 7, 7, 200, 200, 200]);
        let rgb = to_rgb8(wide(&[257 * 9]), ColorType::L16, Alpha::White);
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
            assert_eq!(
                to_rgb8(vec![0, 255, 0, 128], ColorType::Rgba8, alpha).unwrap(),
                rgb
            );
            let samples = wide(&[0, 65535, 0, 128 * 257]);
            assert_eq!(to_rgb8(samples, ColorType::Rgba16, alpha).unwrap(), rgb);
        }
        let gray = to_rgb8(vec![90, 0, 200, 255], ColorType::La8, Alpha::White).unwrap();
        assert_eq!(gray, [255, 255, 255, 200, 200, 200]);
        let gray = to_rgb8(wide(&[90 * 257, 0]), ColorType::La16, Alpha::Black).unwrap();
        assert_eq!(gray, [0, 0, 0]);
    }

    #[test]
    fn floating_point_is_left_to_the_caller() {
        assert!(to_rgb8(vec![0; 12], ColorType::Rgb32F, Alpha::White).is_none());
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
