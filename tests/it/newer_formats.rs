//! Compares HEIC, AVIF and JPEG XL decoding with libheif, libavif and libjxl, on the images of
//! `scripts/newer_pictures.py`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use frostline::images::{DecodeOptions, Exif, Format, RgbImage, SkipReason};
use frostline::images::{decode, dimensions, sniff};

/// The largest allowed difference from the reference decoder in any sample.
const LARGEST: u8 = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/newer")
}

/// Reads the name, bytes and expected pixels of each image.
fn pictures() -> BTreeMap<String, (Vec<u8>, RgbImage)> {
    let entries = fs::read_dir(folder()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let pairs = paths.filter_map(|path| {
        let wanted = fs::read(path.with_added_extension("png")).ok()?;
        let wanted = decode(&wanted, &DecodeOptions::default()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Some((name, (fs::read(path).unwrap(), wanted)))
    });
    pairs.collect()
}

fn size(image: &RgbImage) -> (u32, u32) {
    (image.width(), image.height())
}

fn largest_difference(image: &RgbImage, wanted: &RgbImage) -> u8 {
    let pairs = image.pixels().iter().zip(wanted.pixels());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn pixels_are_those_of_the_reference_decoders() {
    let (mut seen, mut wrong) = (HashMap::<Format, usize>::new(), Vec::new());
    for (name, (bytes, wanted)) in pictures() {
        let format = match sniff(&bytes) {
            Ok(format) => format,
            Err(SkipReason::NotBuiltIn(_)) => continue,
            Err(reason) => panic!("{name} {reason}"),
        };
        for exif in [Exif::Apply, Exif::Ignore] {
            let mut options = DecodeOptions::default();
            options.exif = exif;
            let image = decode(&bytes, &options).unwrap_or_else(|reason| panic!("{name} {reason}"));
            assert_eq!(size(&image), size(&wanted), "{name}");
            assert_eq!(dimensions(&bytes, &options), Ok(size(&wanted)), "{name}");
            let largest = largest_difference(&image, &wanted);
            if largest > LARGEST {
                wrong.push(format!("{name}: {largest} levels"));
            }
        }
        *seen.entry(format).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (format, count) in [(Format::Heic, 31), (Format::Avif, 29), (Format::Jxl, 18)] {
        let wanted = if format.is_built_in() { count } else { 0 };
        assert_eq!(seen.get(&format).copied().unwrap_or(0), wanted, "{format}");
    }
}

/// Every truncated file is refused with a message saying that it is cut off; a JPEG XL may lack its last
/// bytes.
#[test]
fn what_is_cut_off_is_told() {
    for name in [
        "quarter.heic",
        "grid_turned.heic",
        "alpha.avif",
        "lossy.jxl",
    ] {
        let bytes = fs::read(folder().join(name)).unwrap();
        let Ok(format) = sniff(&bytes) else {
            continue;
        };
        for length in (40..bytes.len()).step_by(7) {
            let reason = decode(&bytes[..length], &DecodeOptions::default()).unwrap_err();
            let cut = matches!(reason, SkipReason::Truncated { format: of, .. } if of == format);
            assert!(cut, "{name}, {length} bytes: {reason}");
        }
    }
}

/// Returns the file with other bytes at an offset after a box name.
fn changed(name: &str, box_name: &[u8], behind: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = fs::read(folder().join(name)).unwrap();
    let at = file.windows(4).position(|found| found == box_name);
    let at = at.unwrap() + behind;
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn what_is_wrong_with_a_heic_is_said_in_words() {
    if !Format::Heic.is_built_in() {
        return;
    }
    let cases: [(&[u8; 4], usize, &[u8], &str); 8] = [
        (
            b"meta",
            0,
            b"free",
            "damaged HEIC: the `meta` box is missing",
        ),
        (
            b"meta",
            0,
            b"moov",
            "HEIC with a sequence instead of an image, which",
        ),
        (
            b"hvc1",
            0,
            b"j2k1",
            "HEIC with JPEG 2000 coding, which is not supported",
        ),
        (
            b"hvc1",
            0,
            b"zzzz",
            "HEIC with the unknown coding `zzzz`, which is not",
        ),
        (
            b"iloc",
            8,
            &[0, 0, 0xff, 0xff],
            "damaged HEIC: the `iloc` box has zero-width fields",
        ),
        (
            b"clap",
            4,
            &[0, 0, 0, 65],
            "damaged HEIC: its crop is outside the image",
        ),
        (
            b"ispe",
            0,
            b"free",
            "damaged HEIC: the `ispe` box is missing",
        ),
        (
            b"hvcC",
            0,
            b"free",
            "damaged HEIC: the `hvcC` box is missing",
        ),
    ];
    for (box_name, behind, bytes, wanted) in cases {
        let file = changed("quarter.heic", box_name, behind, bytes);
        let reason = decode(&file, &DecodeOptions::default()).unwrap_err();
        let said = reason.to_string();
        assert!(said.starts_with(&format!("is a {wanted}")), "{said}");
    }
}

/// The pixel limit applies to the size in the header: that of a whole grid, or of the part that is shown.
#[test]
fn sizes_are_judged_from_the_header() {
    let limit = |max_pixels| {
        let mut options = DecodeOptions::default();
        options.limits.max_pixels = max_pixels;
        options
    };
    for (name, (bytes, wanted)) in pictures() {
        let pixels = u64::from(wanted.width()) * u64::from(wanted.height());
        if sniff(&bytes).is_err() {
            continue;
        }
        let told = decode(&bytes, &limit(pixels - 1));
        assert!(matches!(told, Err(SkipReason::TooLarge { .. })), "{name}");
        assert!(decode(&bytes, &limit(pixels)).is_ok(), "{name}");
    }
}
