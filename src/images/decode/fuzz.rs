//! The entry point for fuzzing: any bytes as an image file, through every step of a run.

mod newer;

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::jpeg::Jpeg;
use crate::images::{
    Alpha, Crop, DecodeBudget, DecodeOptions, Exif, Format, JpegScale, Limits, Part, Picture,
    Place, Preprocessing, Preprocessor, Resize, SkipReason, View, decode_for, dimensions, read,
    sniff,
};

/// The most pixels of an image, so that each run of the fuzzer is short.
const MAX_PIXELS: u64 = 1 << 18;

/// Small outputs: one of a reduced image, and one with a padded and a cropped edge.
const PREPROCESSINGS: [(Resize, Crop); 2] = [
    (Resize::Shorter(9), Crop::Center(8, 7)),
    (Resize::None, Crop::Center(20, 5)),
];

/// Reads the bytes of an image that a scan found; `None` if it cannot be used.
#[must_use]
pub fn place_bytes(place: &Place) -> Option<Vec<u8>> {
    let budget = DecodeBudget::default();
    let bytes = read(place, &Limits::default(), &budget).ok()?;
    Some(bytes.to_vec())
}

/// Decodes the bytes with every choice of [`DecodeOptions`] and preprocesses the result; returns its size.
///
/// # Errors
/// The reason why the bytes cannot be used with the default options.
///
/// # Panics
/// If the decoded image contradicts its header or a value is not finite: these are the faults to find.
pub fn image_bytes(bytes: &[u8]) -> Result<(u32, u32), SkipReason> {
    let limits = Limits {
        max_pixels: MAX_PIXELS,
        ..Limits::default()
    };
    let defaults = DecodeOptions {
        limits,
        ..DecodeOptions::default()
    };
    let others = [(Exif::Ignore, Alpha::Drop), (Exif::Apply, Alpha::Black)];
    for (exif, alpha) in others {
        let jpeg_scale = JpegScale::Reduced;
        let _ = decoded(
            bytes,
            &DecodeOptions {
                exif,
                alpha,
                jpeg_scale,
                limits,
            },
        );
    }
    let size = decoded(bytes, &defaults)?;
    if sniff(bytes) == Ok(Format::Jpeg) {
        // Otherwise, images within the limit are too small to be reduced.
        for divisor in [2, 4, 8] {
            let _ = Jpeg::open(bytes, &limits).map(|mut jpeg| jpeg.scaled(divisor, &Part::whole));
        }
    }
    Ok(size)
}

fn decoded(bytes: &[u8], options: &DecodeOptions) -> Result<(u32, u32), SkipReason> {
    // Less than one image needs: each reserves the whole budget and returns it.
    let budget = DecodeBudget::new(1000);
    let size = dimensions(bytes, options);
    for (resize, crop) in PREPROCESSINGS {
        let settings = Preprocessing {
            resize,
            crop,
            ..Preprocessing::default()
        };
        let image = decode_for(&settings, &VIEWS, bytes, options, &budget)?;
        assert_eq!(size, Ok(image.full_size()), "the header's size differs");
        preprocess(&settings, &*image);
    }
    size
}

const VIEWS: [View; 2] = [View::Center, View::CenterFlipped];

fn preprocess(settings: &Preprocessing, image: &impl Picture) {
    let mut preprocessor = Preprocessor::new(settings).expect("the settings are valid");
    for view in VIEWS {
        let pixels = preprocessor.fit_view(image, view);
        let mut numbers = vec![f32::NAN; settings.num_values()];
        preprocessor.normalise(&pixels, &mut numbers);
        assert!(numbers.iter().all(|number| number.is_finite()));
    }
}

/// Returns small, intact files of each format as seeds for a fuzzer.
///
/// # Panics
/// Never: the images fit the formats, and writing to memory does not fail.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let rgb = image::RgbImage::from_fn(16, 8, |x, y| {
        image::Rgb([16 * x as u8, 32 * y as u8, if x < 8 { 200 } else { 30 }])
    });
    let rgb = DynamicImage::ImageRgb8(rgb);
    let kinds = [
        rgb.to_luma8().into(),
        rgb.to_luma16().into(),
        rgb.to_luma_alpha8().into(),
        rgb.to_rgba8().into(),
        rgb.to_rgb16().into(),
        rgb.clone(),
    ];
    let mut seeds = vec![LOSSY_WEBP.to_vec(), animation(&rgb)];
    for format in [
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Pnm,
    ] {
        for kind in &kinds {
            let mut file = Cursor::new(Vec::new());
            // A format that lacks this kind is written with the others.
            if kind.write_to(&mut file, format).is_ok() {
                seeds.push(file.into_inner());
            }
        }
    }
    let [mut png, mut webp] = [const { Vec::new() }; 2];
    with_metadata(&rgb, PngEncoder::new(&mut png));
    with_metadata(&rgb, WebPEncoder::new_lossless(&mut webp));
    seeds.extend([png, webp]);
    seeds.extend(jpegs(&rgb));
    seeds.extend(newer::seeds());
    seeds
}

/// Encodes the image as each kind of JPEG, the last one with an orientation.
fn jpegs(rgb: &DynamicImage) -> Vec<Vec<u8>> {
    let pixels = rgb.to_rgb8();
    let gray = rgb.to_luma8();
    let cmyk: Vec<u8> = pixels
        .pixels()
        .flat_map(|p| [p[0], p[1], p[2], 200])
        .collect();
    let encoder = |data, format| Encoder::new(data, 16, 8, format);
    let colour = || encoder(&pixels, PixelFormat::Rgb);
    let files = [
        encoder(&gray, PixelFormat::Grayscale).encode(),
        encoder(&cmyk, PixelFormat::Cmyk).encode(),
        colour().subsampling(Subsampling::S444).encode(),
        colour().subsampling(Subsampling::S422).encode(),
        colour().subsampling(Subsampling::S440).encode(),
        colour().subsampling(Subsampling::S411).encode(),
        colour().progressive(true).encode(),
        colour().arithmetic(true).encode(),
        colour().arithmetic(true).progressive(true).encode(),
        colour().restart_blocks(1).encode(),
        colour().icc_profile(&[7; 200]).exif_data(TURNED).encode(),
    ];
    files
        .map(|file| file.expect("the buffer holds the image"))
        .to_vec()
}

/// Writes the image with an orientation, and with arbitrary bytes as a colour profile.
fn with_metadata(rgb: &DynamicImage, mut encoder: impl ImageEncoder) {
    let known = encoder.set_exif_metadata(TURNED.to_vec());
    known.expect("the format has EXIF blocks");
    let known = encoder.set_icc_profile(vec![7; 200]);
    known.expect("the format has colour profiles");
    rgb.write_with_encoder(encoder)
        .expect("writing to memory does not fail");
}

/// An EXIF block that requires a rotation by 90°.
const TURNED: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

/// Encodes two frames of the image as a GIF.
fn animation(rgb: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    let frames = [rgb.to_rgba8(), rgb.fliph().to_rgba8()].map(image::Frame::new);
    encoder
        .set_repeat(Repeat::Infinite)
        .and_then(|()| encoder.encode_frames(frames))
        .expect("writing to memory does not fail");
    drop(encoder);
    file
}

/// 16 × 8 pixels, half red and half blue, written by Pillow: no encoder here writes lossy `WebP`.
const LOSSY_WEBP: &[u8] = b"\
RIFF\x38\x00\x00\x00WEBPVP8 \x2c\x00\x00\x00\x70\x01\x00\x9d\
\x01\x2a\x10\x00\x08\x00\x02\xc0\x4c\x25\xa0\x02\x74\x01\x40\x00\x00\xfe\xee\x88\x1b\x37\xd7\xdf\
\xf3\xfb\xce\xfd\xab\xff\xf3\xd3\x33\x87\xff\x1e\x11\x00\x00\x00";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_pictures_of_every_format() {
        let mut formats = std::collections::HashSet::new();
        for seed in seeds() {
            let format = sniff(&seed).unwrap();
            formats.insert(format);
            let size = image_bytes(&seed).unwrap_or_else(|reason| panic!("{format} {reason}"));
            let known = match format {
                Format::Heic | Format::Avif | Format::Jxl => {
                    [(23, 17), (17, 23), (102, 76), (64, 100)].contains(&size)
                }
                _ => [(16, 8), (8, 16)].contains(&size),
            };
            assert!(known, "{format} {size:?}");
        }
        let newer = [Format::Heic, Format::Avif, Format::Jxl];
        let newer = newer.iter().filter(|format| format.is_built_in());
        assert_eq!(formats.len(), 7 + newer.count());
    }

    /// Changes, removes and duplicates bytes, at positions drawn by a generator with a fixed seed.
    #[test]
    fn damaged_files_are_pictures_or_have_a_reason() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        for seed in seeds() {
            for _ in 0..40 {
                let mut bytes = seed.clone();
                for _ in 0..=draw(4) {
                    let at = draw(bytes.len());
                    match draw(4) {
                        0 => bytes[at] ^= 1 << draw(8),
                        1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][draw(5)],
                        2 => drop(bytes.drain(at..(at + draw(9)).min(bytes.len() - 1).max(at))),
                        _ => bytes.extend_from_within(at..),
                    }
                }
                let _ = image_bytes(&bytes);
            }
        }
    }
}
