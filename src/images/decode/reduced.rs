//! JPEGs at 1/2, 1/4 or 1/8 of their size: an inverse DCT of the lower frequencies alone, as libjpeg's `scale_denom`.

use image::ColorType;
use jpeg_decoder::{CodingProcess, Decoder, PixelFormat};

use super::Alpha;
use super::pieces::Pieces;
use crate::images::pixels::{AlphaKind, to_rgb8};
use crate::images::{Format, RgbImage};

/// How many times as long as the resize makes it the shorter edge stays, at least: Pillow's `thumbnail` keeps the same
/// `reducing_gap`.
const GAP: u32 = 2;

/// Smaller pictures are not decoded sooner: what is saved in transforms is lost in a plainer reading of the codes. Of
/// 1 to 4 megapixels a quarter takes 0.8 to 1.1 times as long as the full picture takes `image`'s decoder, of 8 to 12
/// megapixels 0.6 to 0.9 times.
const MIN_PIXELS: u64 = 6_000_000;

/// By how much a picture of this size may be divided if its shorter edge becomes `edge` next.
pub(super) fn divisor((width, height): (u32, u32), edge: u32) -> Option<u16> {
    if u64::from(width) * u64::from(height) < MIN_PIXELS {
        return None;
    }
    let shorter = width.min(height);
    let enough = |divisor: &u16| shorter / u32::from(*divisor) >= GAP.saturating_mul(edge);
    [8, 4, 2].into_iter().find(enough)
}

/// Decodes a picture of one pass and of one or three components; the other ones, and what the decoder refuses, are the
/// full decoder's. It takes about as much `memory` as is given, at most.
pub(super) fn read(bytes: &[u8], divisor: u16, memory: u64) -> Option<RgbImage> {
    let mut decoder = Decoder::new(Pieces::of(Format::Jpeg, bytes));
    decoder.set_max_decoding_buffer_size(usize::try_from(memory).unwrap_or(usize::MAX));
    decoder.read_info().ok()?;
    let full = decoder.info()?;
    // Of a progressive picture all passes over all coefficients must be made before the first pixel: little is saved.
    if full.coding_process != CodingProcess::DctSequential {
        return None;
    }
    let [width, height] = [full.width, full.height].map(|edge| edge.div_ceil(divisor));
    decoder.scale(width, height).ok()?;
    let samples = decoder.decode().ok()?;
    let color = match full.pixel_format {
        PixelFormat::RGB24 => ColorType::Rgb8,
        PixelFormat::L8 => ColorType::L8,
        PixelFormat::L16 | PixelFormat::CMYK32 => return None,
    };
    let pixels = to_rgb8(samples, color, AlphaKind::Straight, Alpha::default())?;
    RgbImage::new(width.into(), height.into(), pixels)
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, GrayImage, Luma};

    use super::*;

    /// 24 × 16 blocks of 8 × 8 equal pixels: at 1/8 of the size each block is one pixel, the mean that its lowest
    /// frequency holds.
    #[test]
    fn an_eighth_is_the_means_of_the_blocks() {
        let value = |x: u32, y: u32| (7 * x + 11 * y) as u8;
        let blocks = GrayImage::from_fn(8 * 24, 8 * 16, |x, y| Luma([value(x / 8, y / 8)]));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 100)
            .encode(
                &blocks,
                blocks.width(),
                blocks.height(),
                ExtendedColorType::L8,
            )
            .unwrap();
        let small = read(&jpeg, 8, u64::MAX).unwrap();
        assert_eq!((small.width(), small.height()), (24, 16));
        for (i, pixel) in small.pixels().as_chunks::<3>().0.iter().enumerate() {
            let wanted = value(i as u32 % 24, i as u32 / 24);
            assert!(
                pixel.iter().all(|v| v.abs_diff(wanted) <= 1),
                "{i}: {pixel:?}, not {wanted}"
            );
        }
    }

    /// libjpeg's sizes: ⌈edge / divisor⌉.
    #[test]
    fn an_edge_that_does_not_divide_is_rounded_up() {
        let gray = GrayImage::from_pixel(101, 67, Luma([90]));
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg)
            .encode(&gray, 101, 67, ExtendedColorType::L8)
            .unwrap();
        for (divisor, size) in [(2, (51, 34)), (4, (26, 17)), (8, (13, 9))] {
            let small = read(&jpeg, divisor, u64::MAX).unwrap();
            assert_eq!((small.width(), small.height()), size);
            assert!(small.pixels().iter().all(|v| v.abs_diff(90) <= 1));
        }
    }

    #[test]
    fn twice_the_edge_is_left_and_small_pictures_are_whole() {
        let of = |size| divisor(size, 256);
        assert_eq!(of((1023, 9000)), None);
        assert_eq!(of((9000, 1024)), Some(2));
        assert_eq!(of((2048, 3000)), Some(4));
        assert_eq!(of((4095, 9000)), Some(4));
        assert_eq!(of((4096, 4096)), Some(8));
        assert_eq!(of((3000, 1999)), None);
        assert_eq!(of((3000, 2000)), Some(2));
        assert_eq!(divisor((65_535, 65_535), u32::MAX), None);
    }
}
