//! The images that an exported network is compared on: those of a folder, and generated ones if there are too
//! few.

use std::path::Path;
use std::sync::Arc;

use super::options::ExportOptions;
use crate::error::Result;
use crate::features::Digest;
use crate::images::{
    DecodeBudget, DecodeOptions, Found, Labels, Names, Place, Preprocessor, ReadFault, RgbImage,
    SkipReason, View, decode, decode_for, read, scan_inputs,
};
use crate::progress::Silent;

/// The smallest number of images to compare.
pub(super) const LEAST: usize = 16;
/// The largest number of images to compare; of more, this many are used, evenly spaced.
const MOST: usize = 1000;

/// An image to compare on.
pub(super) struct Subject {
    /// Its path, as text.
    pub(super) name: String,
    /// The name of its class.
    pub(super) class: Option<Arc<str>>,
    source: Source,
}

enum Source {
    Image(Place),
    Skipped(SkipReason),
    Made(RgbImage),
}

impl Subject {
    /// Returns whether it was generated.
    pub(super) fn is_made(&self) -> bool {
        matches!(self.source, Source::Made(_))
    }

    /// Returns the pixels that the backbone sees, 8-bit RGB, as frostline computes them.
    pub(super) fn crop(
        &self,
        decoding: &DecodeOptions,
        preprocessor: &mut Preprocessor,
    ) -> Result<Vec<u8>, SkipReason> {
        let place = match &self.source {
            Source::Made(picture) => return Ok(preprocessor.fit(picture)),
            Source::Skipped(reason) => return Err(reason.clone()),
            Source::Image(place) => place,
        };
        let budget = DecodeBudget::new(u64::MAX);
        let bytes = read(place, &decoding.limits, &budget).map_err(ReadFault::reason)?;
        let (settings, views) = (*preprocessor.settings(), [View::Center]);
        let image = decode_for(&settings, &views, &bytes, decoding, &budget)?;
        Ok(preprocessor.fit(&*image))
    }

    /// Returns the digest of its file, if it is one that can be read.
    pub(super) fn digest(&self, decoding: &DecodeOptions) -> Option<Digest> {
        let Source::Image(place) = &self.source else {
            return None;
        };
        let budget = DecodeBudget::new(u64::MAX);
        let bytes = read(place, &decoding.limits, &budget).ok()?;
        Some(Digest::of(&bytes))
    }

    /// Returns the whole image at full resolution.
    pub(super) fn pixels(&self, decoding: &DecodeOptions) -> Result<RgbImage, SkipReason> {
        match &self.source {
            Source::Made(picture) => Ok(picture.clone()),
            Source::Skipped(reason) => Err(reason.clone()),
            Source::Image(place) => {
                let budget = DecodeBudget::new(u64::MAX);
                let bytes = read(place, &decoding.limits, &budget);
                decode(&bytes.map_err(ReadFault::reason)?, decoding)
            }
        }
    }
}

/// Chooses images of the folder of the comparison, if there is one.
///
/// # Errors
/// A folder without images.
pub(super) fn choose(options: &ExportOptions) -> Result<Vec<Subject>> {
    let folder = options.verify.as_deref();
    folder.map_or(Ok(Vec::new()), |folder| of_folder(folder, MOST))
}

/// Returns the images of a folder; of more than `most`, so many, evenly spaced.
///
/// # Errors
/// A folder without images.
pub(super) fn of_folder(folder: &Path, most: usize) -> Result<Vec<Subject>> {
    let scan = scan_inputs(
        &[folder.to_owned()],
        Labels::FromFolders,
        Names::default(),
        &Silent,
    )?;
    let n = scan.entries.len();
    let chosen = n.min(most);
    Ok((0..chosen)
        .filter_map(|i| Some(subject(&scan.entries.get(i * n / chosen)?)))
        .collect())
}

fn subject(found: &Found) -> Subject {
    let sample = found.sample();
    Subject {
        name: sample.name.clone(),
        class: sample.class.clone(),
        source: match found.reason() {
            Some(reason) => Source::Skipped(reason.clone()),
            None => Source::Image(sample.place.clone()),
        },
    }
}

/// The sizes of generated pictures: odd ones, upright and wide, smaller and larger than a crop.
const SIZES: [(u32, u32); LEAST] = [
    (256, 256),
    (333, 500),
    (641, 480),
    (97, 211),
    (501, 223),
    (1023, 767),
    (225, 224),
    (300, 899),
    (63, 64),
    (719, 1281),
    (384, 383),
    (415, 277),
    (1000, 150),
    (259, 257),
    (512, 685),
    (131, 130),
];

/// Generates the picture with this number: waves of each channel, with noise.
pub(super) fn made(number: usize) -> Subject {
    let (width, height) = SIZES[number % LEAST];
    let mut state = number as u32 + 1;
    let mut pixels = Vec::with_capacity(3 * width as usize * height as usize);
    let waves = [0.0_f32, 1.0, 2.0].map(|c| 0.01 + 0.013 * (c + number as f32 % 5.0));
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 24) as f32 / 8.0;
            pixels.extend(waves.map(|wave| {
                let across = (x as f32 * wave).sin() + (y as f32 * (0.05 - wave / 2.0)).cos();
                (112.0 + 48.0 * across + noise) as u8
            }));
        }
    }
    let picture = RgbImage::new(width, height, pixels);
    Subject {
        name: format!("generated picture {}", number + 1),
        class: None,
        source: Source::Made(picture.expect("it has three values a pixel")),
    }
}
