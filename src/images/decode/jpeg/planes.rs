//! A decoded JPEG as its components. Rows are converted to RGB when they are read, so the whole image is
//! never in memory as RGB.

use std::ops::Range;

use image::metadata::Orientation;
use libjpeg_turbo_rs::simd::{self, SimdRoutines};

use super::header::Colours;
use super::upsample::{Line, Plane};
use crate::images::orientation::upright;
use crate::images::{Part, Picture, RgbImage};

/// The components of an image, and its orientation.
#[derive(Debug)]
pub struct Planes {
    components: Vec<Plane>,
    colours: Colours,
    /// The width and the height as stored.
    stored: (u32, u32),
    orientation: Orientation,
}

impl Planes {
    /// Creates an image of the given stored size.
    pub(super) fn new(components: Vec<Plane>, colours: Colours, stored: (u32, u32)) -> Self {
        Self {
            components,
            colours,
            stored,
            orientation: Orientation::NoTransforms,
        }
    }

    /// Returns the same image, rotated and mirrored as its EXIF orientation requires.
    pub(in crate::images::decode) fn upright(self, orientation: Orientation) -> Self {
        Self {
            orientation,
            ..self
        }
    }

    /// Converts all pixels to RGB.
    pub(in crate::images::decode) fn to_rgb(&self) -> RgbImage {
        let (width, height) = self.size();
        let mut pixels = Vec::new();
        self.rows(0..height, 0..width, &mut pixels);
        RgbImage::new(width, height, pixels).expect("the rows are as long as the image is wide")
    }

    pub(in crate::images::decode) fn num_bytes(&self) -> u64 {
        self.components.iter().map(Plane::num_bytes).sum()
    }

    /// Writes a part of the stored image into an RGB buffer whose lines have `stride` bytes.
    fn write(&self, part: &Part, out: &mut [u8], stride: usize) {
        let columns = part.columns.start as usize..part.columns.end as usize;
        let routines = simd::detect();
        let mut lines: [Line; 4] = Default::default();
        for (y, out) in part.rows.clone().zip(out.chunks_mut(stride)) {
            let mut components = [&[][..]; 4];
            for (i, (plane, line)) in self.components.iter().zip(&mut lines).enumerate() {
                components[i] = plane.line(y as usize, &columns, line);
            }
            convert(
                self.colours,
                &components,
                &mut out[..3 * columns.len()],
                &routines,
            );
        }
    }
}

impl Picture for Planes {
    fn size(&self) -> (u32, u32) {
        upright(self.stored, self.orientation)
    }

    fn rows<'a>(
        &'a self,
        rows: Range<u32>,
        columns: Range<u32>,
        buffer: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        let stride = 3 * self.size().0 as usize;
        let start = 3 * columns.start as usize;
        buffer.resize(stride * rows.len(), 0);
        let part = Part { rows, columns };
        if self.orientation == Orientation::NoTransforms {
            self.write(&part, &mut buffer[start..], stride);
            return buffer;
        }
        let (width, height) = (part.columns.len(), part.rows.len());
        let stored = part.stored(self.stored, self.orientation);
        let line = 3 * stored.columns.len();
        let mut pixels = vec![0; 3 * width * height];
        self.write(&stored, &mut pixels, line);
        let tile = RgbImage::new(
            stored.columns.len() as u32,
            stored.rows.len() as u32,
            pixels,
        );
        let tile = tile.map(|tile| tile.upright(self.orientation));
        let turned = tile.iter().flat_map(|tile| tile.pixels().chunks(3 * width));
        for (to, from) in buffer.chunks_mut(stride).zip(turned) {
            to[start..start + from.len()].copy_from_slice(from);
        }
        buffer
    }
}

/// Converts one line of each component to one line of RGB.
fn convert(colours: Colours, lines: &[&[u8]; 4], out: &mut [u8], routines: &SimdRoutines) {
    let pixels = out.as_chunks_mut::<3>().0;
    let [first, second, third, black] = *lines;
    match colours {
        Colours::Gray => {
            for (pixel, &v) in pixels.iter_mut().zip(first) {
                *pixel = [v; 3];
            }
        }
        Colours::Rgb | Colours::Cmyk => {
            let channels = first.iter().zip(second).zip(third);
            for (pixel, ((&r, &g), &b)) in pixels.iter_mut().zip(channels) {
                *pixel = [r, g, b];
            }
        }
        Colours::YCbCr | Colours::Ycck => {
            routines.ycbcr_to_rgb_row(first, second, third, out, first.len());
        }
    }
    // CMYK stores the light that each ink lets through; YCCK, the opposite.
    let stored_light = match colours {
        Colours::Cmyk => true,
        Colours::Ycck => false,
        _ => return,
    };
    for (pixel, &black) in out.as_chunks_mut::<3>().0.iter_mut().zip(black) {
        *pixel = pixel.map(|v| printed(if stored_light { 255 - v } else { v }, black));
    }
}

/// Returns one channel on white paper, from its ink and the light that the black ink lets through, as
/// Pillow's `cmyk2rgb`.
pub(super) fn printed(ink: u8, light: u8) -> u8 {
    let product = u32::from(ink) * u32::from(light) + 128;
    let covered = (product + (product >> 8)) >> 8;
    light - covered.min(u32::from(light)) as u8
}
