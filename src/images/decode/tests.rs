//! Tests [`decode`] on images of every kind, intact and truncated.

mod alpha;
mod hostile;
mod kinds;
mod words;

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat};

use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};

use super::*;
use crate::images::{Picture, Resize};

const RED: [u8; 3] = [200, 30, 30];
const GREEN: [u8; 3] = [30, 160, 60];
const BLUE: [u8; 3] = [40, 60, 200];
const YELLOW: [u8; 3] = [230, 200, 40];

/// An image of 24 × 16 pixels in four coloured quarters.
fn quarters() -> image::RgbImage {
    image::RgbImage::from_fn(24, 16, |x, y| {
        image::Rgb(match (x < 12, y < 8) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => YELLOW,
        })
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(image: &image::RgbImage) -> Vec<u8> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    compress(
        image,
        width,
        height,
        PixelFormat::Rgb,
        98,
        Subsampling::S444,
    )
    .unwrap()
}

fn all_formats() -> Vec<(Format, Vec<u8>)> {
    let with = |format| encoded(quarters(), format);
    vec![
        (Format::Jpeg, jpeg(&quarters())),
        (Format::Png, with(ImageFormat::Png)),
        (Format::Gif, with(ImageFormat::Gif)),
        (Format::WebP, with(ImageFormat::WebP)),
        (Format::Bmp, with(ImageFormat::Bmp)),
        (Format::Tiff, with(ImageFormat::Tiff)),
        (Format::Pnm, with(ImageFormat::Pnm)),
    ]
}

fn plain(bytes: &[u8]) -> Result<RgbImage, SkipReason> {
    decode(bytes, &DecodeOptions::default())
}

fn pixel(image: &RgbImage, x: u32, y: u32) -> [u8; 3] {
    let at = 3 * (y * image.width() + x) as usize;
    image.pixels()[at..at + 3].try_into().unwrap()
}

#[track_caller]
fn assert_near(found: [u8; 3], wanted: [u8; 3], tolerance: u8) {
    let near = found
        .iter()
        .zip(wanted)
        .all(|(a, b)| a.abs_diff(b) <= tolerance);
    assert!(near, "{found:?}, but expected {wanted:?}");
}

#[track_caller]
fn assert_quarters(image: &RgbImage, tolerance: u8) {
    assert_eq!((image.width(), image.height()), (24, 16));
    for (x, y, color) in [(3, 2, RED), (20, 2, GREEN), (3, 13, BLUE), (20, 13, YELLOW)] {
        assert_near(pixel(image, x, y), color, tolerance);
    }
}

fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for &byte in kind.iter().chain(data) {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let length = (data.len() as u32).to_be_bytes();
    [&length, kind, data, &(!crc).to_be_bytes()].concat()
}

/// Encodes a PNG whose rows are not compressed.
fn png((w, h): (u32, u32), depth: u8, color: u8, rows: &[u8], extra: &[u8]) -> Vec<u8> {
    let row = (rows.len() / h as usize).max(1);
    let raw: Vec<u8> = rows.chunks(row).flat_map(|r| [&[0], r].concat()).collect();
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in &raw {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let len = (raw.len() as u16).to_le_bytes();
    let inverse = (!(raw.len() as u16)).to_le_bytes();
    let check = (b << 16 | a).to_be_bytes();
    let data = [&[0x78, 1, 1], len.as_slice(), &inverse, &raw, &check].concat();
    let header = [
        &w.to_be_bytes(),
        h.to_be_bytes().as_slice(),
        &[depth, color, 0, 0, 0],
    ]
    .concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        extra.to_vec(),
        chunk(b"IDAT", &data),
        chunk(b"IEND", b""),
    ]
    .concat()
}

#[test]
fn every_format_is_known_by_its_content() {
    for (format, bytes) in all_formats() {
        assert_eq!(sniff(&bytes), Ok(format));
        assert_quarters(&plain(&bytes).unwrap(), 12);
        assert_eq!(dimensions(&bytes, &DecodeOptions::default()), Ok((24, 16)));
    }
}

#[test]
fn no_format_is_used_when_cut() {
    for (format, bytes) in all_formats() {
        for percent in [25, 50, 75, 99] {
            let cut = &bytes[..bytes.len() * percent / 100];
            match plain(cut) {
                Err(reason) => {
                    assert!(reason.to_string().contains(&format.to_string()), "{reason}");
                }
                // The last chunk of a PNG and the last byte of a GIF do not affect the pixels.
                Ok(image) => {
                    assert!(matches!(format, Format::Png | Format::Gif) && percent == 99);
                    assert!(plain(&bytes) == Ok(image), "{format}");
                }
            }
        }
        for length in 0..bytes.len().min(64) {
            assert!(
                plain(&bytes[..length]).is_err(),
                "{format} of {length} bytes"
            );
        }
    }
}

#[test]
fn a_png_without_its_last_checksum_is_whole() {
    let bytes = encoded(quarters(), ImageFormat::Png);
    assert_quarters(&plain(&bytes[..bytes.len() - 4]).unwrap(), 0);
    assert!(plain(&bytes[..bytes.len() - 30]).is_err());
}

/// Returns an EXIF block with one entry, the orientation.
fn exif(orientation: u8, little: bool) -> Vec<u8> {
    let mut block = if little {
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0?\0\0\0\0\0\0\0".to_vec()
    } else {
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0\0".to_vec()
    };
    *block.iter_mut().find(|byte| **byte == b'?').unwrap() = orientation;
    block
}

/// Returns the pixels that a camera would store for the quarters to be upright with this orientation.
fn stored_for(orientation: u8) -> image::RgbImage {
    use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    let upright = quarters();
    match orientation {
        1 => upright,
        2 => flip_horizontal(&upright),
        3 => rotate180(&upright),
        4 => flip_vertical(&upright),
        5 => flip_horizontal(&rotate90(&upright)),
        6 => rotate270(&upright),
        7 => flip_horizontal(&rotate270(&upright)),
        8 => rotate90(&upright),
        _ => unreachable!("there are eight orientations"),
    }
}

/// Inserts an EXIF block into a JPEG.
fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let block = [b"Exif\0\0", exif].concat();
    let length = (block.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, &block, &jpeg[2..]].concat()
}

#[test]
fn all_orientations_come_out_upright() {
    for orientation in 1..=8 {
        let stored = stored_for(orientation);
        for little in [true, false] {
            let segment = with_exif(&jpeg(&stored), &exif(orientation, little));
            assert_quarters(&plain(&segment).unwrap(), 12);
            assert_eq!(
                dimensions(&segment, &DecodeOptions::default()),
                Ok((24, 16))
            );

            let extra = chunk(b"eXIf", &exif(orientation, little));
            let bytes = png(stored.dimensions(), 8, 2, stored.as_raw(), &extra);
            assert_quarters(&plain(&bytes).unwrap(), 0);
        }
    }
}

#[test]
fn a_webp_is_turned_too() {
    let (mut bytes, stored) = (Vec::new(), stored_for(6));
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
    encoder.set_exif_metadata(exif(6, false)).unwrap();
    encoder
        .write_image(&stored, 16, 24, ExtendedColorType::Rgb8)
        .unwrap();
    assert_quarters(&plain(&bytes).unwrap(), 0);
}

#[test]
fn orientation_can_be_ignored() {
    let options = DecodeOptions {
        exif: Exif::Ignore,
        ..DecodeOptions::default()
    };
    let extra = chunk(b"eXIf", &exif(6, true));
    let bytes = png((24, 16), 8, 2, quarters().as_raw(), &extra);
    assert_quarters(&decode(&bytes, &options).unwrap(), 0);
    assert_eq!(dimensions(&bytes, &options), Ok((24, 16)));
    assert_eq!(dimensions(&bytes, &DecodeOptions::default()), Ok((16, 24)));
}

/// The pixels of a gradient have the value of their position at whatever scale they are decoded.
#[test]
fn a_reduced_jpeg_is_upright_and_knows_its_full_size() {
    let gray = |x: u32, y: u32, (w, h): (u32, u32)| {
        127.0 * ((x as f32 + 0.5) / w as f32 + (y as f32 + 0.5) / h as f32 / 2.0)
    };
    // EXIF orientation 6: the left edge is stored at the bottom.
    let stored = |size: (u32, u32)| {
        let value = |x, y| image::Luma([gray(size.0 - 1 - y, x, size).round() as u8]);
        let image = image::GrayImage::from_fn(size.1, size.0, value);
        let (width, height) = (size.1 as usize, size.0 as usize);
        let gray = (PixelFormat::Grayscale, Subsampling::S444);
        let bytes = compress(&image, width, height, gray.0, 98, gray.1).unwrap();
        with_exif(&bytes, &exif(6, true))
    };
    let decoded = |jpeg_scale, resize, bytes: &[u8], full: (u32, u32)| {
        let options = DecodeOptions {
            jpeg_scale,
            ..DecodeOptions::default()
        };
        let preprocessing = Preprocessing {
            resize,
            ..Preprocessing::default()
        };
        let budget = DecodeBudget::new(u64::MAX);
        let image = decode_for(&preprocessing, &[], bytes, &options, &budget).unwrap();
        assert_eq!(image.full_size(), full);
        let size = image.size();
        let image = image.picture.into_rgb();
        for (i, pixel) in image.pixels().as_chunks::<3>().0.iter().enumerate() {
            let wanted = gray(i as u32 % size.0, i as u32 / size.0, size);
            let near = pixel.iter().all(|&v| (f32::from(v) - wanted).abs() < 2.0);
            assert!(near, "{size:?}, pixel {i}: {pixel:?}, not {wanted}");
        }
        size
    };
    let (full, reduced) = (JpegScale::Full, JpegScale::Reduced);
    let large = (3001, 2000);
    let bytes = stored(large);
    assert_eq!(decoded(full, Resize::Shorter(9), &bytes, large), large);
    assert_eq!(decoded(reduced, Resize::None, &bytes, large), large);
    let sizes = [
        (Resize::Shorter(256), (1501, 1000)),
        (Resize::Exact(224, 250), (751, 500)),
        (Resize::Shorter(125), (376, 250)),
    ];
    for (resize, size) in sizes {
        assert_eq!(decoded(reduced, resize, &bytes, large), size);
    }
}

#[test]
fn gray_of_every_depth_is_three_equal_channels() {
    let known: [(u8, &[u8], [u8; 2]); 5] = [
        (1, &[0b0100_0000], [0, 255]),
        (2, &[0b0110_0000], [85, 170]),
        (4, &[0x3c], [51, 204]),
        (8, &[7, 200], [7, 200]),
        (16, &[0x80, 0x00, 0xff, 0xff], [128, 255]),
    ];
    for (depth, rows, values) in known {
        let image = plain(&png((2, 1), depth, 0, rows, &[])).unwrap();
        let wanted = values.map(|v| [v; 3]);
        assert_eq!(
            [pixel(&image, 0, 0), pixel(&image, 1, 0)],
            wanted,
            "{depth} bits"
        );
    }
}

#[test]
fn a_palette_gives_its_colours() {
    let palette = chunk(b"PLTE", &[RED, GREEN, BLUE, YELLOW].concat());
    for (depth, rows) in [
        (2, vec![0b0001_1011]),
        (4, vec![0x01, 0x23]),
        (8, vec![0, 1, 2, 3]),
    ] {
        let image = plain(&png((4, 1), depth, 3, &rows, &palette)).unwrap();
        assert_eq!(
            image.pixels(),
            [RED, GREEN, BLUE, YELLOW].concat(),
            "{depth} bits"
        );
    }
}

#[test]
fn one_picture_is_the_same_in_every_kind_of_transparency() {
    // One opaque pixel, and a transparent one with a hidden green.
    let palette = [
        chunk(b"PLTE", &[200, 30, 30, 0, 255, 0]),
        chunk(b"tRNS", b"\xff\0"),
    ]
    .concat();
    let wide = [
        200, 200, 30, 30, 30, 30, 255, 255, 0, 0, 255, 255, 0, 0, 0, 0,
    ];
    let kinds = [
        png((2, 1), 8, 6, &[200, 30, 30, 255, 0, 255, 0, 0], &[]),
        png((2, 1), 16, 6, &wide, &[]),
        png((2, 1), 8, 3, &[0, 1], &palette),
        png(
            (2, 1),
            8,
            2,
            &[200, 30, 30, 0, 255, 0],
            &chunk(b"tRNS", &[0, 0, 0, 255, 0, 0]),
        ),
    ];
    let policies = [
        (Alpha::White, [255; 3]),
        (Alpha::Black, [0; 3]),
        (Alpha::Drop, [0, 255, 0]),
    ];
    for (alpha, background) in policies {
        let options = DecodeOptions {
            alpha,
            ..DecodeOptions::default()
        };
        for bytes in &kinds {
            let image = decode(bytes, &options).unwrap();
            assert_eq!(
                image.pixels(),
                [[200, 30, 30], background].concat(),
                "{alpha:?}"
            );
        }
    }
    let gray = plain(&png((2, 1), 8, 4, &[90, 255, 90, 0], &[])).unwrap();
    assert_eq!(gray.pixels(), [90, 90, 90, 255, 255, 255]);
}

/// 16 × 8 pixels, written by Pillow 13. The left half is (200, 30, 30) in C, M and Y, and the right half is
/// (127, 127, 127) in K alone.
const CMYK_JPEG: &[u8] = b"\
\xff\xd8\xff\xee\x00\x0e\x41\x64\x6f\x62\x65\x00\x64\x00\x00\x00\x00\x00\xff\xdb\x00\x43\x00\x03\
\x02\x02\x03\x02\x02\x03\x03\x03\x03\x04\x03\x03\x04\x05\x08\x05\x05\x04\x04\x05\x0a\x07\x07\x06\
\x08\x0c\x0a\x0c\x0c\x0b\x0a\x0b\x0b\x0d\x0e\x12\x10\x0d\x0e\x11\x0e\x0b\x0b\x10\x16\x10\x11\x13\
\x14\x15\x15\x15\x0c\x0f\x17\x18\x16\x14\x18\x12\x14\x15\x14\xff\xc0\x00\x14\x08\x00\x08\x00\x10\
\x04\x43\x11\x00\x4d\x11\x00\x59\x11\x00\x4b\x11\x00\xff\xc4\x00\x16\x00\x01\x01\x01\x00\x00\x00\
\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x08\x0a\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\
\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xda\x00\x0e\x04\x43\x00\x4d\x00\x59\x00\x4b\x00\
\x00\x3f\x00\xb0\x07\xd0\xfa\x2a\x6a\x4d\xa5\x86\x96\x05\x4b\xff\xd9";

#[test]
fn cmyk_as_adobe_stores_it_is_no_negative() {
    let image = plain(CMYK_JPEG).unwrap();
    assert_near(pixel(&image, 2, 4), RED, 6);
    assert_near(pixel(&image, 12, 4), [127; 3], 6);
}

#[test]
fn bombs_are_refused_by_their_header() {
    let reason = |bytes: &[u8]| plain(bytes).unwrap_err();
    let limit = Limits::default().max_pixels;
    let bomb = SkipReason::TooLarge {
        width: 20_000,
        height: 20_000,
        limit,
    };
    assert_eq!(
        reason(&png((20_000, 20_000), 8, 2, &vec![0; 20_000], &[])),
        bomb
    );
    let turned = chunk(b"eXIf", &exif(6, false));
    assert_eq!(
        reason(&png((20_000, 20_000), 8, 2, &vec![0; 20_000], &turned)),
        bomb
    );
    assert_eq!(reason(b"P6 20000 20000 255\n"), bomb);
    let small = png((20_000, 20_000), 8, 2, &vec![0; 20_000], &[]);
    assert_eq!(dimensions(&small, &DecodeOptions::default()), Err(bomb));
    let huge = png((u32::MAX >> 1, u32::MAX >> 1), 1, 0, &[], &[]);
    assert!(plain(&huge).is_err());
}

#[test]
fn the_limit_is_the_callers() {
    let bytes = encoded(quarters(), ImageFormat::Png);
    let with = |max_pixels| {
        decode(
            &bytes,
            &DecodeOptions {
                limits: Limits {
                    max_pixels,
                    ..Limits::default()
                },
                ..DecodeOptions::default()
            },
        )
    };
    assert!(with(24 * 16).is_ok());
    assert_eq!(
        with(24 * 16 - 1),
        Err(SkipReason::TooLarge {
            width: 24,
            height: 16,
            limit: 383
        })
    );
    assert!(with(u64::MAX).is_ok());
}

#[test]
fn the_first_picture_of_an_animation_counts() {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for color in [RED, BLUE] {
        let rgba = [color[0], color[1], color[2], 255];
        encoder
            .encode_frame(image::Frame::new(image::RgbaImage::from_pixel(
                5,
                4,
                rgba.into(),
            )))
            .unwrap();
    }
    drop(encoder);
    assert_eq!(pixel(&plain(&bytes).unwrap(), 2, 2), RED);
}

#[test]
fn floating_point_is_refused_in_words() {
    let float = DynamicImage::ImageRgb32F(image::Rgb32FImage::new(3, 2));
    let reason = plain(&encoded(float, ImageFormat::Tiff))
        .unwrap_err()
        .to_string();
    assert_eq!(
        reason,
        "is a TIFF with floating-point samples, which is not supported; convert it to an 8-bit JPEG or PNG"
    );
}

#[test]
fn a_budget_that_is_too_small_only_serialises() {
    let bytes = encoded(quarters(), ImageFormat::Png);
    let budget = DecodeBudget::new(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (bytes, budget) = (&bytes, &budget);
            scope.spawn(move || {
                for _ in 0..20 {
                    let image = decode_within(bytes, &DecodeOptions::default(), budget).unwrap();
                    assert_quarters(&image, 0);
                }
            });
        }
    });
}

#[test]
fn options_are_written_in_lower_case() {
    let text = serde_json::to_string(&DecodeOptions::default()).unwrap();
    assert_eq!(
        text,
        r#"{"exif":"apply","alpha":"white","limits":{"max_pixels":178956970,"max_bytes":536870912}}"#
    );
    assert_eq!(
        serde_json::from_str::<DecodeOptions>("{}").unwrap(),
        DecodeOptions::default()
    );
}
