//! `preview`: what the network will see of some images.

use std::path::PathBuf;

use super::inputs::{Inputs, Skipped};
use crate::backbones::{DEFAULT_BACKBONE, Home, Overrides, Registry};
use crate::error::{Result, TaskError};
use crate::images::{
    Cell, DecodeBudget, DecodeOptions, Found, Labels, Preprocessor, ReadFault, SkipReason, View,
    contact_sheet, decode_for, read_file,
};
use crate::outputs;

/// The options of [`preview`](crate::tasks::preview()): what to show, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PreviewOptions {
    /// The images.
    pub inputs: Inputs,
    /// The PNG file to write; `-` is standard output.
    pub output: PathBuf,
    /// How many images, at least 1; they are taken evenly from all.
    pub count: usize,
    /// A backbone's name, or an ONNX file: only its manifest is read.
    pub backbone: PathBuf,
    /// What to change in its manifest.
    pub overrides: Overrides,
    /// From the file to pixels.
    pub decoding: DecodeOptions,
    /// Models and runtime.
    pub home: Home,
}

impl PreviewOptions {
    /// Sixteen images as the default backbone sees them.
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
    /// Images in the picture.
    pub shown: usize,
    /// Images that were to be shown and could not be used.
    pub skipped: Vec<Skipped>,
    /// Width and height of each, in pixels.
    pub size: (u32, u32),
}

/// Writes a grid of images after decoding, resizing and cropping, with their classes (or names) above them.
///
/// The pixels are those that are normalised next, in the order red, green, blue whatever the network reads.
///
/// # Errors
/// No images, none that can be used, a backbone that is not known, settings out of range,
/// [`Error::Io`](crate::Error::Io).
pub fn preview(options: &PreviewOptions) -> Result<PreviewReport> {
    let scan = options.inputs.scan(Labels::FromFolders)?;
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
        match pixels(found, &options.decoding, &mut preprocessor) {
            Ok(pixels) => cells.push(Cell {
                title: title(found),
                pixels,
            }),
            Err(reason) => skipped.push(Skipped {
                path: found.sample().name.clone(),
                reason: reason.to_string(),
            }),
        }
    }
    let size = manifest.preprocessing.output_size();
    write(&cells, size, skipped.len(), options)?;
    Ok(PreviewReport {
        shown: cells.len(),
        skipped,
        size,
    })
}

/// Writes the pictures as a square, or what comes near to one.
fn write(cells: &[Cell], size: (u32, u32), skipped: usize, options: &PreviewOptions) -> Result<()> {
    let columns = cells.len().isqrt();
    let columns = columns + usize::from(columns * columns < cells.len());
    let sheet = contact_sheet(cells, (size.0 as usize, size.1 as usize), columns);
    let sheet = sheet.ok_or(TaskError::NothingToPreview(skipped))?;
    outputs::write_bytes_through(&options.output, &sheet.to_png())
}

/// The most bytes of the pictures of a preview, which are in memory together.
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

/// `count` of the entries, at equal distances: of a folder of classes, about as many of each as it holds.
fn spread(entries: &[Found], count: usize) -> impl Iterator<Item = &Found> {
    let count = count.min(entries.len());
    (0..count).map(move |i| &entries[i * entries.len() / count])
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
    let bytes = read_file(&found.sample().path, &decoding.limits, &budget);
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
