//! Turns one picture after another into the numbers that the network reads.

use super::geometry::Plan;
use super::resample::Resampler;
use super::{Channels, Layout, Preprocessing};
use crate::error::Result;
use crate::images::RgbImage;

/// Applies a [`Preprocessing`]; one for each thread, as it keeps its buffers.
#[derive(Debug, Clone)]
pub struct Preprocessor {
    settings: Preprocessing,
    /// What each 8-bit value becomes, for each channel of the output.
    values: Vec<[f32; 256]>,
    resampler: Resampler,
}

impl Preprocessor {
    /// Gets ready for pictures.
    ///
    /// # Errors
    ///
    /// As [`Preprocessing::check`].
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

    /// The settings that it applies.
    #[must_use]
    pub fn settings(&self) -> &Preprocessing {
        &self.settings
    }

    /// Writes a picture into its slot of the batch, shape (C, H, W) or (H, W, C).
    ///
    /// Only the part that the crop keeps is resized, so that a thin strip takes no more memory than a square.
    ///
    /// # Panics
    ///
    /// If the slot does not have [`Preprocessing::num_values`] numbers.
    pub fn apply(&mut self, image: &RgbImage, out: &mut [f32]) {
        assert_eq!(
            out.len(),
            self.settings.num_values(),
            "the slot holds one picture"
        );
        let plan = Plan::new(
            (image.width(), image.height()),
            self.settings.resize,
            self.settings.crop,
        );
        if plan.resized == (image.width(), image.height()) {
            let stored = Pixels {
                data: image.pixels(),
                width: image.width(),
                at: plan.source,
            };
            self.write(&plan, &stored, out);
            return;
        }
        let data = self
            .resampler
            .resize(image, &plan, self.settings.interpolation);
        self.write(
            &plan,
            &Pixels {
                data: &data,
                width: plan.size.0,
                at: (0, 0),
            },
            out,
        );
        self.resampler.reuse(data);
    }

    /// Looks every sample up and puts it where the network wants it.
    fn write(&self, plan: &Plan, pixels: &Pixels<'_>, out: &mut [f32]) {
        let (width, height) = self.settings.output_size();
        let (width, plane) = (width as usize, width as usize * height as usize);
        let (step, channel_step) = match self.settings.layout {
            Layout::Nchw => (1, plane),
            Layout::Nhwc => (3, 1),
        };
        if plan.size != self.settings.output_size() {
            self.blacken(out, step, channel_step, plane);
        }
        for row in 0..plan.size.1 {
            let first = (plan.target.1 + row) as usize * width + plan.target.0 as usize;
            let samples = pixels.row(row, plan.size.0);
            for (channel, values) in self.values.iter().enumerate() {
                let from = match self.settings.channels {
                    Channels::Rgb => channel,
                    Channels::Bgr => 2 - channel,
                };
                let slots = out[channel * channel_step + first * step..]
                    .iter_mut()
                    .step_by(step);
                for (pixel, slot) in samples.as_chunks::<3>().0.iter().zip(slots) {
                    *slot = values[usize::from(pixel[from])];
                }
            }
        }
    }

    fn blacken(&self, out: &mut [f32], step: usize, channel_step: usize, plane: usize) {
        for (channel, values) in self.values.iter().enumerate() {
            let slots = out[channel * channel_step..].iter_mut().step_by(step);
            slots.take(plane).for_each(|slot| *slot = values[0]);
        }
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
