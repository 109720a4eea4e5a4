//! Converts images to the values that the network reads.

use super::geometry::Plan;
use super::resample::Resampler;
use super::views::View;
use super::{Channels, Layout, Preprocessing};
use crate::error::Result;
use crate::images::{Part, Picture};

impl Preprocessing {
    fn plan(&self, size: (u32, u32), view: View) -> Plan {
        Plan::new(size, self.resize, (self.crop, self.crop_rounding), view)
    }

    /// Returns the part of an upright image of this size that some views depend on.
    pub(crate) fn seen(&self, size: (u32, u32), views: &[View]) -> Part {
        let of = |&view: &View| {
            let plan = self.plan(size, view);
            if plan.resized == size {
                let ((x, y), (width, height)) = (plan.source, plan.size);
                return Part {
                    rows: y..y + height,
                    columns: x..x + width,
                };
            }
            Resampler::needed(size, &plan, self.interpolation)
        };
        let parts = views.iter().map(of);
        parts
            .reduce(|all, part| all.with(&part))
            .unwrap_or_else(|| Part::whole(size))
    }
}

/// Applies a [`Preprocessing`]. Use one per thread, since it keeps buffers.
#[derive(Debug, Clone)]
pub struct Preprocessor {
    settings: Preprocessing,
    /// The output for each 8-bit value, for each channel of the output.
    values: Vec<[f32; 256]>,
    resampler: Resampler,
}

impl Preprocessor {
    /// Creates a preprocessor.
    ///
    /// # Errors
    ///
    /// Those of [`Preprocessing::check`].
    pub fn new(settings: &Preprocessing) -> Result<Self> {
        settings.check()?;
        let values = (0..3).map(|c| {
            let value = |v: usize| (v as f32 / settings.scale - settings.mean[c]) / settings.std[c];
            std::array::from_fn(value)
        });
        Ok(Self {
            settings: *settings,
            values: values.collect(),
            resampler: Resampler::default(),
        })
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &Preprocessing {
        &self.settings
    }

    /// Writes an image into its slot of the batch, shape (C, H, W) or (H, W, C): [`Self::fit`], then
    /// [`Self::normalise`].
    ///
    /// # Panics
    ///
    /// If the slot does not have [`Preprocessing::num_values`] values.
    pub fn apply(&mut self, image: &impl Picture, out: &mut [f32]) {
        let pixels = self.fit(image);
        self.normalise(&pixels, out);
    }

    /// Resizes and crops an image to what the network sees: 8-bit RGB, shape (H, W, 3).
    ///
    /// Only the part that the crop keeps is resized, so a thin strip takes no more memory than a square.
    pub fn fit(&mut self, image: &impl Picture) -> Vec<u8> {
        self.fit_view(image, View::Center)
    }

    /// Does the same as [`Self::fit`], for any view.
    pub fn fit_view(&mut self, image: &impl Picture, view: View) -> Vec<u8> {
        let mut pixels = self.part(image, view);
        if view.is_flipped() {
            let width = self.settings.output_size().0 as usize;
            for row in pixels.chunks_exact_mut(3 * width) {
                row.as_chunks_mut::<3>().0.reverse();
            }
        }
        pixels
    }

    fn part(&mut self, image: &impl Picture, view: View) -> Vec<u8> {
        let size = image.size();
        let plan = self.settings.plan(size, view);
        if plan.resized == size {
            let (x, y) = plan.source;
            let mut buffer = Vec::new();
            let columns = x..x + plan.size.0;
            let stored = Pixels {
                data: image.rows(y..y + plan.size.1, columns, &mut buffer),
                width: size.0,
                at: (x, 0),
            };
            return self.placed(&plan, &stored);
        }
        let resized = self
            .resampler
            .resize(image, &plan, self.settings.interpolation);
        if plan.size == self.settings.output_size() {
            return resized;
        }
        let part = Pixels {
            data: &resized,
            width: plan.size.0,
            at: (0, 0),
        };
        self.placed(&plan, &part)
    }

    /// Looks up the value of each sample, and writes it in the network's layout: shape (C, H, W) or (H, W,
    /// C).
    ///
    /// # Panics
    ///
    /// If `pixels` and `out` do not have [`Preprocessing::num_values`] values each.
    pub fn normalise(&self, pixels: &[u8], out: &mut [f32]) {
        let len = self.settings.num_values();
        assert_eq!((pixels.len(), out.len()), (len, len), "one image each");
        let pixels = pixels.as_chunks::<3>().0;
        let order = match self.settings.channels {
            Channels::Rgb => [0, 1, 2],
            Channels::Bgr => [2, 1, 0],
        };
        match self.settings.layout {
            Layout::Nchw => {
                let planes = out.chunks_exact_mut(pixels.len());
                for ((plane, values), from) in planes.zip(&self.values).zip(order) {
                    for (slot, pixel) in plane.iter_mut().zip(pixels) {
                        *slot = values[usize::from(pixel[from])];
                    }
                }
            }
            Layout::Nhwc => {
                for (slots, pixel) in out.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                    *slots = std::array::from_fn(|c| self.values[c][usize::from(pixel[order[c]])]);
                }
            }
        }
    }

    /// Returns the plan's part of some pixels at its target, with black around it.
    fn placed(&self, plan: &Plan, pixels: &Pixels<'_>) -> Vec<u8> {
        let (width, height) = self.settings.output_size();
        let mut placed = vec![0; 3 * width as usize * height as usize];
        for row in 0..plan.size.1 {
            let first =
                3 * ((plan.target.1 + row) as usize * width as usize + plan.target.0 as usize);
            let samples = pixels.row(row, plan.size.0);
            placed[first..first + samples.len()].copy_from_slice(samples);
        }
        placed
    }
}

/// A part of an RGB buffer.
struct Pixels<'a> {
    data: &'a [u8],
    width: u32,
    at: (u32, u32),
}

impl Pixels<'_> {
    fn row(&self, row: u32, length: u32) -> &[u8] {
        let first = (self.at.1 + row) as usize * self.width as usize + self.at.0 as usize;
        &self.data[3 * first..3 * (first + length as usize)]
    }
}
