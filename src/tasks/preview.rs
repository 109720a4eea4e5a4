//! `preview`: a contact sheet of images as the network sees them.

use std::path::PathBuf;

use super::inputs::{Inputs, Skipped};
use crate::backbones::{DEFAULT_BACKBONE, Home, Overrides, Registry};
use crate::error::{Result, TaskError};
use crate::images::{
    Cell, DecodeBudget, DecodeOptions, Entries, Found, Labels, Preprocessor, ReadFault, SkipReason,
    View, contact_sheet, decode_for, read,
};
use crate::outputs;
use crate::progress::Silent;

/// The options of [`preview`](crate::tasks::preview()): what to show, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PreviewOptions {
    /// The images.
    pub inputs: Inputs,
    /// The PNG file to write; `-` is standard output.
    pub output: PathBuf,
    /// How many images to show, at least 1; they are evenly spaced in input order.
    pub count: usize,
    /// A backbone's name, or the path of an ONNX file; only its manifest is read.
    pub backbone: PathBuf,
    /// Changes to its manifest.
    pub overrides: Overrides,
    /// How files are decoded.
    pub decoding: DecodeOptions,
    /// Where models are installed.
    pub home: Home,
}

impl PreviewOptions {
    /// Previews 16 images with the default backbone's preprocessing.
    #[must_use]
    pub fn new(inputs: Inputs, output: PathBuf, home: Home) -> Self {
        Self {
            inputs,
            output,
            count: 16,
            backbone: DEFAULT_BACKBONE.into(),
            overrides: Overrides::default(),
            decoding: DecodeOptions::default(),
            home,
        }
    }
}

/// What a preview shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviewReport {
    /// Images on the sheet.
    pub shown: usize,
    /// Chosen images that could not be used.
    pub skipped: Vec<Skipped>,
    /// Width and height of each image, in pixels.
    pub size: (u32, u32),
}

/// Writes a grid of images after decoding, resizing and cropping, each titled with its class or file name.
///
/// The pixels are those before normalisation, always in RGB order, whichever order the network reads.
///
/// # Errors
/// No images, no usable image, an unknown backbone, settings out of range, [`Error::Io`](crate::Error::Io).
pub fn preview(options: &PreviewOptions) -> Result<PreviewReport> {
    let scan = options.inputs.scan(Labels::FromFolders, &Silent)?;
    if scan.entries.is_empty() {
        return Err(TaskError::EmptyList.into());
    }
    let registry = Registry::new(options.home.clone());
    let mut manifest = registry.manifest(&options.backbone)?;
    options.overrides.apply(&mut manifest);
    let mut preprocessor = Preprocessor::new(&manifest.preprocessing)?;
    let shown = options.count.min(scan.entries.len());
    check_size(shown, manifest.preprocessing.output_size())?;
    let (mut cells, mut skipped) = (Vec::new(), Vec::new());
    for found in spread(&scan.entries, options.count) {
        match pixels(&found, &options.decoding, &mut preprocessor) {
            Ok(pixels) => cells.push(Cell {
                title: title(&found),
                pixels,
            }),
            Err(reason) => skipped.push(Skipped {
                path: found.sample().name.clone(),
                reason: reason.to_string(),
            }),
        }
    }
    let size = manifest.preprocessing.output_size();
    write(&cells, size, &skipped, options)?;
    Ok(PreviewReport {
        shown: cells.len(),
        skipped,
        size,
    })
}

/// Writes the images as a grid that is as close to a square as possible.
fn write(
    cells: &[Cell],
    size: (u32, u32),
    skipped: &[Skipped],
    options: &PreviewOptions,
) -> Result<()> {
    let columns = cells.len().isqrt();
    let columns = columns + usize::from(columns * columns < cells.len());
    let sheet = contact_sheet(cells, (size.0 as usize, size.1 as usize), columns);
    let sheet = sheet.ok_or_else(|| TaskError::NothingToPreview {
        skipped: skipped.len(),
        first: skipped.first().map(Skipped::told),
    })?;
    outputs::write_bytes_through(&options.output, &sheet.to_png())
}

/// The limit on the total size of a preview's images, in bytes; all are in memory at once.
const MOST_BYTES: u64 = 1 << 30;

fn check_size(count: usize, (width, height): (u32, u32)) -> Result<()> {
    let each = 3 * u64::from(width) * u64::from(height);
    let bytes = each.saturating_mul(count as u64);
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let large = TaskError::LargePreview {
        count,
        size: (width, height),
        bytes,
        limit: MOST_BYTES,
    };
    Err(large.into())
}

/// Returns `count` evenly spaced entries, so that each class folder is shown in proportion to its size.
fn spread(entries: &Entries, count: usize) -> impl Iterator<Item = Found> {
    let count = count.min(entries.len());
    (0..count).filter_map(move |i| entries.get(i * entries.len() / count))
}

fn pixels(
    found: &Found,
    decoding: &DecodeOptions,
    preprocessor: &mut Preprocessor,
) -> Result<Vec<u8>, SkipReason> {
    if let Some(reason) = found.reason() {
        return Err(reason.clone());
    }
    let budget = DecodeBudget::new(u64::MAX);
    let bytes = read(&found.sample().place, &decoding.limits, &budget);
    let bytes = bytes.map_err(ReadFault::reason)?;
    let image = decode_for(
        preprocessor.settings(),
        &[View::Center],
        &bytes,
        decoding,
        &budget,
    )?;
    Ok(preprocessor.fit(&*image))
}

fn title(found: &Found) -> String {
    let sample = found.sample();
    let name = || {
        sample
            .name
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    sample.class.as_deref().map_or_else(name, str::to_owned)
}
