//! HEIC, AVIF and JPEG XL against libheif, libavif and libjxl, on the pictures of
//! `scripts/newer_pictures.py`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use frostline::images::{
    DecodeOptions, Exif, Format, RgbImage, SkipReason, decode, dimensions, sniff,
};

/// The largest difference from the reference decoder in any sample.
const LARGEST: u8 = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/newer")
}

/// Name, bytes and wanted pixels of each picture.
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
            let options = DecodeOptions {
                exif,
                ..DecodeOptions::default()
            };
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
    for (format, count) in [(Format::Heic, 30), (Format::Avif, 29), (Format::Jxl, 18)] {
        let wanted = if format.is_built_in() { count } else { 0 };
        assert_eq!(seen.get(&format).copied().unwrap_or(0), wanted, "{format}");
    }
}

/// Every cut is refused, with words that say that it is one; a JPEG XL may lose its last bytes.
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
