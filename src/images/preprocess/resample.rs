//! Resizes the part of a picture that the crop keeps, as Pillow resizes the whole.
//!
//! Pillow rounds to 8 bits between its two passes, the horizontal one first. `fast_image_resize` has the same filters but
//! takes the passes of 8-bit pictures in the other order, which differs in one pixel of four by a level, and by up to
//! twenty where a filter overshoots. So each pass is asked for by itself, in Pillow's order. (Since version 13 Pillow
//! begins with the vertical pass where the height shrinks much more than the width, which only an exact size can ask for.)

use std::mem::take;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Interpolation;
use super::geometry::Plan;
use crate::images::RgbImage;

/// Resizes one picture after another, and keeps its buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct Resampler {
    resizer: Resizer,
    /// Columns resized, rows not yet.
    between: Vec<u8>,
}

impl Resampler {
    /// The pixels of the plan's part, shape (height, width, 3).
    pub(super) fn resize(
        &mut self,
        image: &RgbImage,
        plan: &Plan,
        interpolation: Interpolation,
    ) -> Vec<u8> {
        let x = Axis::new(image.width(), plan.resized.0, plan.source.0, plan.size.0);
        let y = Axis::new(image.height(), plan.resized.1, plan.source.1, plan.size.1);
        match filter(interpolation) {
            Some((filter, reach)) => self.convolve(image, &x, &y, filter, reach),
            None => pick(image, &x, &y),
        }
    }

    /// Columns first, of the rows that will be needed, then rows.
    fn convolve(
        &mut self,
        image: &RgbImage,
        x: &Axis,
        y: &Axis,
        filter: FilterType,
        reach: f64,
    ) -> Vec<u8> {
        let (first, rows) = y.needed(reach);
        let algorithm = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        let columns = algorithm.crop(x.start, f64::from(first), x.length, f64::from(rows));
        let source = Part {
            data: image.pixels(),
            width: image.width(),
            height: image.height(),
        };
        let mut between = take(&mut self.between);
        self.pass(&source, &mut between, (x.count, rows), &columns);

        let lines = algorithm.crop(
            0.0,
            y.start - f64::from(first),
            f64::from(x.count),
            y.length,
        );
        let source = Part {
            data: &between,
            width: x.count,
            height: rows,
        };
        let mut done = Vec::new();
        self.pass(&source, &mut done, (x.count, y.count), &lines);
        self.between = between;
        done
    }

    fn pass(
        &mut self,
        source: &Part<'_>,
        target: &mut Vec<u8>,
        (width, height): (u32, u32),
        options: &ResizeOptions,
    ) {
        target.resize(3 * width as usize * height as usize, 0);
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
fn pick(image: &RgbImage, x: &Axis, y: &Axis) -> Vec<u8> {
    let columns: Vec<usize> = x.nearest().map(|column| 3 * column).collect();
    let mut picked = Vec::with_capacity(3 * columns.len() * y.count as usize);
    for row in y.nearest() {
        let samples = &image.pixels()[3 * image.width() as usize * row..];
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
