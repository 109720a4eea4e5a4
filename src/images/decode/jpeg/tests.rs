//! Compares planes with whole images, and tests reduced scales. `tests/it/jpeg_exact.rs` compares the pixels
//! with libjpeg-turbo's on files of every kind.

use image::metadata::Orientation;
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use sha2::{Digest, Sha256};

use super::*;
use crate::images::{
    Crop, Interpolation, Limits, Part, Picture, Preprocessing, Preprocessor, Resize, View,
    orientation,
};

/// Returns an image in which every pixel differs from its neighbours.
fn colourful(width: usize, height: usize) -> Vec<u8> {
    let pixel = |i: usize| [(7 * i) as u8, (i * i / 11) as u8, (3 * i / width) as u8];
    (0..width * height).flat_map(pixel).collect()
}

fn encoded(width: usize, height: usize, subsampling: Subsampling) -> Vec<u8> {
    Encoder::new(&colourful(width, height), width, height, PixelFormat::Rgb)
        .subsampling(subsampling)
        .encode()
        .unwrap()
}

fn gray(width: usize, height: usize, value: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..width * height)
        .map(|i| value(i % width, i / width))
        .collect();
    Encoder::new(&pixels, width, height, PixelFormat::Grayscale)
        .quality(100)
        .encode()
        .unwrap()
}

fn open(jpeg: &[u8]) -> Jpeg<'_> {
    Jpeg::open(jpeg, &Limits::default()).unwrap()
}

fn planes(jpeg: &[u8]) -> Planes {
    match open(jpeg).pixels(&Part::whole).unwrap() {
        Pixels::Planes(planes) => planes,
        Pixels::Rgb(_) => panic!("a single-pass image is decoded to its planes"),
    }
}

const TURNS: [Orientation; 8] = [
    Orientation::NoTransforms,
    Orientation::FlipHorizontal,
    Orientation::Rotate180,
    Orientation::FlipVertical,
    Orientation::Rotate90FlipH,
    Orientation::Rotate90,
    Orientation::Rotate270FlipH,
    Orientation::Rotate270,
];

const SAMPLINGS: [Subsampling; 5] = [
    Subsampling::S444,
    Subsampling::S422,
    Subsampling::S420,
    Subsampling::S440,
    Subsampling::S411,
];

#[test]
fn a_part_is_that_of_the_whole_picture() {
    let (width, height) = (37, 29);
    for subsampling in SAMPLINGS {
        let jpeg = encoded(width, height, subsampling);
        let whole = planes(&jpeg).to_rgb();
        for turn in TURNS {
            let wanted = whole.clone().upright(turn);
            let turned = planes(&jpeg).upright(turn);
            assert_eq!(turned.to_rgb(), wanted, "{subsampling:?}, {turn:?}");
            for (rows, columns) in [(0..1, 0..1), (3..9, 5..6), (7..20, 11..29), (28..29, 0..29)] {
                let mut buffer = vec![1; 5];
                let row = 3 * wanted.width() as usize;
                let part = turned.rows(rows.clone(), columns.clone(), &mut buffer);
                assert_eq!(part.len(), rows.len() * row);
                let columns = 3 * columns.start as usize..3 * columns.end as usize;
                for (i, y) in rows.enumerate() {
                    let of = |pixels: &[u8], y: usize| pixels[y * row..][columns.clone()].to_vec();
                    let at = format!("{subsampling:?}, {turn:?}, row {y}, {columns:?}");
                    assert_eq!(of(part, i), of(wanted.pixels(), y as usize), "{at}");
                }
            }
        }
    }
}

/// Changes one or a few bytes of a file after its `headers`, or truncates it.
fn damaged(jpeg: &[u8], headers: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut mutant = jpeg.to_vec();
    for _ in 0..=random(3) {
        let at = headers + random(jpeg.len() - headers);
        mutant[at] = [random(256) as u8, 0xff, 0xd0 + random(10) as u8][random(3)];
    }
    if random(4) == 0 {
        mutant.truncate(headers + random(jpeg.len() - headers));
    }
    mutant
}

#[test]
fn a_scan_is_decoded_as_by_the_library_whatever_its_damage() {
    let mut decoded = 0;
    for subsampling in SAMPLINGS {
        for restart in [0, 1, 3] {
            let pixels = colourful(61, 45);
            let encoder = Encoder::new(&pixels, 61, 45, PixelFormat::Rgb);
            let encoder = encoder.subsampling(subsampling).restart_blocks(restart);
            let jpeg = encoder.encode().unwrap();
            for seed in 0..400 {
                // One seed in four may damage the tables too.
                let mutant = damaged(&jpeg, if seed % 4 == 0 { 20 } else { 623 }, seed);
                let Ok(opened) = Jpeg::open(&mutant, &Limits::default()) else {
                    continue;
                };
                if let Some(planes) = scan::decode(&opened, 1, &Part::whole) {
                    decoded += 1;
                    let what = format!("{subsampling:?}, restart {restart}, seed {seed}");
                    let wanted = match opened.by_the_library().expect(&what) {
                        Pixels::Planes(planes) => planes.to_rgb(),
                        Pixels::Rgb(image) => image,
                    };
                    assert!(planes.to_rgb() == wanted, "{what}");
                }
            }
        }
    }
    assert!(decoded > 500, "{decoded}");
}

#[test]
fn other_codings_than_the_usual_are_left_to_the_library() {
    let jpeg = encoded(40, 30, Subsampling::S420);
    let frame = jpeg.windows(2).position(|at| at == [0xff, 0xc0]).unwrap();
    // Progressive, lossless, arithmetic; and 12 bits.
    for (at, to) in [(1, 0xc2), (1, 0xc3), (1, 0xc9), (4, 12)] {
        let mut other = jpeg.clone();
        assert!(scan::decode(&open(&other), 2, &Part::whole).is_some());
        other[frame + at] = to;
        if let Ok(opened) = Jpeg::open(&other, &Limits::default()) {
            for divisor in [1, 2] {
                assert!(
                    scan::decode(&opened, divisor, &Part::whole).is_none(),
                    "{to}, 1/{divisor}"
                );
            }
        }
    }
}

/// Tests images with more rows than a strip has, and with fewer.
#[test]
fn planes_are_resized_as_the_pixels_are() {
    let sizes = [
        (Resize::Shorter(20), 17),
        (Resize::Exact(31, 300), 30),
        (Resize::None, 40),
    ];
    for (width, height) in [(2999, 321), (33, 50)] {
        for turn in [TURNS[0], TURNS[2], TURNS[5]] {
            let jpeg = encoded(width, height, Subsampling::S420);
            let turned = planes(&jpeg).upright(turn);
            let whole = turned.to_rgb();
            for (resize, crop) in sizes {
                for interpolation in [Interpolation::Bilinear, Interpolation::Nearest] {
                    let settings = Preprocessing {
                        resize,
                        crop: Crop::Center(crop, crop),
                        interpolation,
                        ..Preprocessing::default()
                    };
                    let mut preprocessor = Preprocessor::new(&settings).unwrap();
                    for view in [View::Center, View::BottomRightFlipped] {
                        let wanted = preprocessor.fit_view(&whole, view);
                        let found = preprocessor.fit_view(&turned, view);
                        let at = format!("{width} × {height}, {turn:?}, {settings:?}, {view}");
                        assert!(found == wanted, "{at}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_views_see_is_as_in_the_whole_picture() {
    let settings = [
        (Resize::Shorter(20), 17),
        (Resize::Exact(31, 90), 30),
        (Resize::None, 40),
    ];
    let views = [
        &[View::Center][..],
        &[View::TopLeft],
        &[View::BottomRightFlipped],
        &[View::TopRight, View::BottomLeft],
    ];
    for (number, subsampling) in SAMPLINGS.into_iter().enumerate() {
        let (width, height) = (301 + number, 201);
        let jpeg = encoded(width, height, subsampling);
        for (turn, divisor) in TURNS.into_iter().zip([1, 2, 4, 8, 1, 1, 2, 4]) {
            for ((resize, crop), views) in settings.into_iter().zip(views.into_iter().cycle()) {
                for interpolation in [Interpolation::Bicubic, Interpolation::Nearest] {
                    let settings = Preprocessing {
                        resize,
                        crop: Crop::Center(crop, crop),
                        interpolation,
                        ..Preprocessing::default()
                    };
                    let seen = |stored| {
                        let size = orientation::upright(stored, turn);
                        settings.seen(size, views).stored(stored, turn)
                    };
                    let opened = open(&jpeg);
                    let Some(part) = scan::decode(&opened, divisor, &seen) else {
                        assert!(divisor > 1, "{subsampling:?}");
                        continue;
                    };
                    let whole = scan::decode(&opened, divisor, &Part::whole).unwrap();
                    let (kept, all) = (part.num_bytes(), whole.num_bytes());
                    assert!(
                        kept < all || divisor > 2 && kept == all,
                        "{settings:?}, {views:?}"
                    );
                    let (part, whole) = (part.upright(turn), whole.upright(turn));
                    let mut preprocessor = Preprocessor::new(&settings).unwrap();
                    for &view in views {
                        let at = format!("{subsampling:?}, {turn:?}, {settings:?}, {view}");
                        let wanted = preprocessor.fit_view(&whole, view);
                        assert!(preprocessor.fit_view(&part, view) == wanted, "{at}");
                    }
                }
            }
        }
    }
}

/// Tests four inks on white paper; the values are from Pillow's `Image.merge("CMYK", …).convert("RGB")`.
#[test]
fn inks_cover_white_paper() {
    for (ink, black, shown) in [
        (0, 0, 255),
        (255, 0, 0),
        (0, 255, 0),
        (128, 0, 127),
        (100, 50, 125),
    ] {
        assert_eq!(
            super::planes::printed(ink, 255 - black),
            shown,
            "{ink}, {black}"
        );
    }
}

/// Compares with the digests of Pillow's `draft` that `scripts/pixel_pictures.py` wrote.
#[test]
fn reduced_pictures_are_pillows_drafts() {
    let golden = include_str!("../../../../tests/golden/jpegs.json");
    let mut files = &include_bytes!("../../../../tests/golden/jpegs.bin")[..];
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let mut compared = 0;
    for jpeg in golden["jpegs"].as_array().unwrap() {
        let length = jpeg["bytes"].as_u64().unwrap() as usize;
        let file = files.split_off(..length).unwrap();
        for divisor in [2, 4, 8] {
            let wanted = jpeg[format!("1/{divisor}")].as_str();
            let small = open(&Jpeg::without_metadata(file))
                .scaled(divisor, &Part::whole)
                .map(Pixels::into_rgb);
            if let (Some(wanted), Some(small)) = (wanted, small) {
                let size = format!("{} {}\n", small.width(), small.height());
                let hash = Sha256::digest([size.as_bytes(), small.pixels()].concat());
                let found = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                let found = found.filter_map(|digit| char::from_digit(digit.into(), 16));
                let found: String = found.take(wanted.len()).collect();
                assert_eq!(found, wanted, "{} at 1/{divisor}", jpeg["name"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 150, "{compared} images");
}

/// 24 × 16 blocks of 8 × 8 equal pixels: at 1/8 of the size, each block becomes one pixel, the mean of the
/// block, which is its lowest frequency.
#[test]
fn an_eighth_is_the_means_of_the_blocks() {
    let value = |x: usize, y: usize| (7 * x + 11 * y) as u8;
    let jpeg = gray(8 * 24, 8 * 16, |x, y| value(x / 8, y / 8));
    let small = open(&jpeg).scaled(8, &Part::whole).unwrap().into_rgb();
    assert_eq!((small.width(), small.height()), (24, 16));
    for (i, pixel) in small.pixels().as_chunks::<3>().0.iter().enumerate() {
        let wanted = value(i % 24, i / 24);
        let near = pixel.iter().all(|v| v.abs_diff(wanted) <= 1);
        assert!(near, "{i}: {pixel:?}, not {wanted}");
    }
}

/// libjpeg's sizes: ⌈edge / divisor⌉.
#[test]
fn an_edge_that_does_not_divide_is_rounded_up() {
    let jpeg = gray(101, 67, |_, _| 90);
    for (divisor, size) in [(2, (51, 34)), (4, (26, 17)), (8, (13, 9))] {
        let small = open(&jpeg)
            .scaled(divisor, &Part::whole)
            .unwrap()
            .into_rgb();
        assert_eq!((small.width(), small.height()), size);
        assert!(small.pixels().iter().all(|v| v.abs_diff(90) <= 1));
    }
}

#[test]
fn each_kind_takes_the_memory_of_its_samples() {
    let memory = |jpeg: &[u8]| open(jpeg).working_memory();
    // Blocks beyond the image are not kept.
    for (subsampling, bytes, kept) in [
        (Subsampling::S444, 3 * 40 * 32, 3 * 40 * 32),
        (Subsampling::S422, 2 * 48 * 32, 40 * 32 + 2 * 24 * 32),
        (Subsampling::S420, 48 * 32 * 3 / 2, 40 * 32 + 2 * 24 * 16),
    ] {
        let jpeg = encoded(37, 29, subsampling);
        assert_eq!(memory(&jpeg), bytes);
        assert_eq!(planes(&jpeg).num_bytes(), kept);
    }
    let pixels = colourful(37, 29);
    let progressive = Encoder::new(&pixels, 37, 29, PixelFormat::Rgb).progressive(true);
    let whole = 3 * 37 * 29;
    assert_eq!(
        memory(&progressive.encode().unwrap()),
        3 * 48 * 32 * 3 / 2 + whole
    );
}

#[test]
fn twice_the_edge_is_left() {
    let of = |size| divisor(size, 256);
    assert_eq!(of((1023, 9000)), None);
    assert_eq!(of((9000, 1024)), Some(2));
    assert_eq!(of((2048, 3000)), Some(4));
    assert_eq!(of((4095, 9000)), Some(4));
    assert_eq!(of((4096, 4096)), Some(8));
    assert_eq!(of((200, 300)), None);
    assert_eq!(divisor((200, 300), 25), Some(4));
    assert_eq!(divisor((65_535, 65_535), u32::MAX), None);
}
