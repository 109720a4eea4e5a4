//! Resizes the part of a picture that the crop keeps, as Pillow resizes the whole.
//!
//! Pillow rounds to 8 bits between its two passes, the horizontal one first. `fast_image_resize` has the same filters but
//! takes the passes of 8-bit pictures in the other order, which differs in one pixel of four by a level, and by up to
//! twenty where a filter overshoots. So each pass is asked for by itself, in Pillow's order. (Since version 13 Pillow
//! begins with the vertical pass where the height shrinks much more than the width, which only an exact size can ask for.)

use std::mem::take;
use std::ops::Range;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Interpolation;
use super::geometry::Plan;
use crate::images::Picture;

/// Resizes one picture after another, and keeps its buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct Resampler {
    resizer: Resizer,
    /// Some rows of the picture, where they are not in memory already.
    strip: Vec<u8>,
    /// Columns resized, rows not yet.
    between: Vec<u8>,
}

/// The bytes of rows that are read at once, about: few enough to stay in the processor's cache, and enough to
/// make up for the filter's weights, which are computed for each strip.
const STRIP: u32 = 2 << 20;

impl Resampler {
    /// The pixels of the plan's part, shape (height, width, 3).
    pub(super) fn resize(
        &mut self,
        image: &impl Picture,
        plan: &Plan,
        interpolation: Interpolation,
    ) -> Vec<u8> {
        let (width, height) = image.size();
        let x = Axis::new(width, plan.resized.0, plan.source.0, plan.size.0);
        let y = Axis::new(height, plan.resized.1, plan.source.1, plan.size.1);
        match filter(interpolation) {
            Some((filter, reach)) => self.convolve(image, &x, &y, filter, reach),
            None => pick(image, &x, &y),
        }
    }

    /// Columns first, of the rows that will be needed, then rows.
    fn convolve(
        &mut self,
        image: &impl Picture,
        x: &Axis,
        y: &Axis,
        filter: FilterType,
        reach: f64,
    ) -> Vec<u8> {
        let (first, rows) = y.needed(reach);
        let filter = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        self.narrow(image, x, first..first + rows, reach, &filter);
        let between = take(&mut self.between);
        let source = Part {
            data: &between,
            width: x.count,
            height: rows,
        };
        let start = y.start - f64::from(first);
        let lines = filter.crop(0.0, start, f64::from(x.count), y.length);
        let mut done = vec![0; 3 * x.count as usize * y.count as usize];
        self.pass(&source, &mut done, (x.count, y.count), &lines);
        self.between = between;
        done
    }

    /// Resizes the columns of some rows, strip by strip.
    fn narrow(
        &mut self,
        image: &impl Picture,
        x: &Axis,
        rows: Range<u32>,
        reach: f64,
        filter: &ResizeOptions,
    ) {
        let (width, _) = image.size();
        let (first, columns) = x.needed(reach);
        let height = (STRIP / (3 * width)).max(1);
        let (mut strip, mut between) = (take(&mut self.strip), take(&mut self.between));
        between.resize(3 * x.count as usize * rows.len(), 0);
        let mut left = &mut between[..];
        for start in rows.clone().step_by(height as usize) {
            let part = start..rows.end.min(start.saturating_add(height));
            let height = part.len() as u32;
            let source = Part {
                data: image.rows(part, first..first + columns, &mut strip),
                width,
                height,
            };
            let columns = filter.crop(x.start, 0.0, x.length, f64::from(height));
            let done = left.split_off_mut(..3 * x.count as usize * height as usize);
            let done = done.expect("there is a row for each of the picture's");
            self.pass(&source, done, (x.count, height), &columns);
        }
        (self.strip, self.between) = (strip, between);
    }

    fn pass(
        &mut self,
        source: &Part<'_>,
        target: &mut [u8],
        (width, height): (u32, u32),
        options: &ResizeOptions,
    ) {
        let source = ImageRef::new(source.width, source.height, source.data, PixelType::U8x3)
            .expect("a picture holds 3 samples a pixel");
        let mut target = Image::from_slice_u8(width, height, target, PixelType::U8x3)
            .expect("the buffer was made for this size");
        self.resizer
            .resize(&source, &mut target, options)
            .expect("both are 8-bit RGB, and the part lies inside the picture");
    }
}

/// The nearest pixel for each.
fn pick(image: &impl Picture, x: &Axis, y: &Axis) -> Vec<u8> {
    let columns: Vec<usize> = x.nearest().map(|column| 3 * column).collect();
    let mut picked = Vec::with_capacity(3 * columns.len() * y.count as usize);
    let mut buffer = Vec::new();
    for row in y.nearest() {
        let samples = image.rows(row as u32..row as u32 + 1, 0..image.size().0, &mut buffer);
        picked.extend(
            columns
                .iter()
                .flat_map(|&column| &samples[column..column + 3]),
        );
    }
    picked
}

/// A source of a pass.
struct Part<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
}

/// A part of a resized axis, and the stretch of the stored axis that it shows.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// Pixels stored.
    stored: u32,
    /// Stored pixels for each resized one.
    scale: f64,
    /// The first resized pixel of the part.
    at: u32,
    /// How many resized pixels.
    count: u32,
    /// Where the stretch begins, in stored pixels.
    start: f64,
    /// How long it is, in stored pixels.
    length: f64,
}

impl Axis {
    fn new(stored: u32, resized: u32, at: u32, count: u32) -> Self {
        let scale = f64::from(stored) / f64::from(resized);
        let start = f64::from(at) * scale;
        // Rounding must not carry the stretch past the edge.
        let length = (f64::from(count) * scale).min(f64::from(stored) - start);
        Self {
            stored,
            scale,
            at,
            count,
            start,
            length,
        }
    }

    /// The stored pixels that the filter can reach: the first, and how many.
    fn needed(&self, reach: f64) -> (u32, u32) {
        let margin = reach * self.scale.max(1.0) + 1.0;
        let first = (self.start - margin).floor().max(0.0);
        let end = (self.start + self.length + margin)
            .ceil()
            .min(f64::from(self.stored));
        (first as u32, (end - first) as u32)
    }

    /// The stored pixel for each resized one. Pillow adds up the step, and a tie falls as its sum was rounded.
    fn nearest(self) -> impl Iterator<Item = usize> {
        let last = self.stored as usize - 1;
        std::iter::successors(Some(self.scale * 0.5), move |place| {
            Some(place + self.scale)
        })
        .skip(self.at as usize)
        .take(self.count as usize)
        .map(move |place| (place as usize).min(last))
    }
}

/// The filter, and how many pixels it reaches to each side where nothing is shrunk.
fn filter(interpolation: Interpolation) -> Option<(FilterType, f64)> {
    Some(match interpolation {
        Interpolation::Nearest => return None,
        Interpolation::Bilinear => (FilterType::Bilinear, 1.0),
        Interpolation::Bicubic => (FilterType::CatmullRom, 2.0),
        Interpolation::Box => (FilterType::Box, 0.5),
        Interpolation::Hamming => (FilterType::Hamming, 1.0),
        Interpolation::Lanczos => (FilterType::Lanczos3, 3.0),
    })
}
