//! Preprocesses images for a network, as torchvision's presets do with Pillow images.
//!
//! `Resize`, `CenterCrop`, `ToTensor`, `Normalize`, in this order. Different settings produce different
//! features.

mod filter;
mod geometry;
mod parse;
mod resample;
mod run;
mod size;
mod views;

use serde::{Deserialize, Serialize};

use crate::error::{Result, require};

pub use parse::{Channels, CropRounding, Interpolation, Layout, channel_values};
pub use run::Preprocessor;
pub use size::{Crop, Resize};
pub use views::{View, Views};

/// The longest edge that an image may be resized or cropped to, in pixels.
pub(super) const MAX_EDGE: u32 = 16_384;

/// How a decoded image becomes the network's input: resize, crop, then normalise.
///
/// A channel's value is (value / scale − mean) / std, in f32. `mean` and `std` are in the order of
/// `channels`: with `bgr`, the first is for blue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Preprocessing {
    /// The resize, which comes first.
    pub resize: Resize,
    /// The centre crop after the resize.
    pub crop: Crop,
    /// How the place of the crop is rounded.
    #[serde(skip_serializing_if = "CropRounding::is_even")]
    pub crop_rounding: CropRounding,
    /// The filter of the resize.
    pub interpolation: Interpolation,
    /// Subtracted from each channel.
    #[serde(deserialize_with = "parse::three_values")]
    pub mean: [f32; 3],
    /// Divides each channel; above 0.
    #[serde(deserialize_with = "parse::three_values")]
    pub std: [f32; 3],
    /// The order of the channels.
    pub channels: Channels,
    /// The order of the axes.
    pub layout: Layout,
    /// Divides the 8-bit values before `mean` and `std` apply; above 0, and 255 for values in 0..1.
    pub scale: f32,
}

impl Default for Preprocessing {
    /// torchvision's preset for `ImageNet`: resize to 256, crop to 224, bilinear, and its mean and std.
    fn default() -> Self {
        Self {
            resize: Resize::Shorter(256),
            crop: Crop::Center(224, 224),
            crop_rounding: CropRounding::Even,
            interpolation: Interpolation::Bilinear,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
            channels: Channels::Rgb,
            layout: Layout::Nchw,
            scale: 255.0,
        }
    }
}

impl Preprocessing {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`](crate::Error::Parameter) if a size is outside 1..=16384, the output size depends
    /// on the image, `std` or `scale` is not above 0, or a value is not finite.
    pub fn check(&self) -> Result<()> {
        let in_range = |w: u32, h: u32| (1..=MAX_EDGE).contains(&w) && (1..=MAX_EDGE).contains(&h);
        let sizes = "between 1 and 16384 pixels per edge";
        match self.resize {
            Resize::Shorter(n) => require(in_range(n, n), "resize", &n, sizes)?,
            Resize::Exact(w, h) => require(in_range(w, h), "resize", &self.resize, sizes)?,
            Resize::None => {}
        }
        match (self.crop, self.resize) {
            (Crop::Center(w, h), _) => require(in_range(w, h), "crop", &self.crop, sizes)?,
            (Crop::None, Resize::Exact(..)) => {}
            (Crop::None, _) => {
                let wanted =
                    "a size, unless `resize` is WIDTHxHEIGHT: a network needs images of one size";
                require(false, "crop", &self.crop, wanted)?;
            }
        }
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        let positive = |values: &[f32]| finite(values) && values.iter().all(|&v| v > 0.0);
        require(
            finite(&self.mean),
            "mean",
            &parse::joined(&self.mean),
            "finite",
        )?;
        require(
            positive(&self.std),
            "std",
            &parse::joined(&self.std),
            "finite and above 0",
        )?;
        require(
            positive(&[self.scale]),
            "scale",
            &self.scale,
            "finite and above 0",
        )
    }

    /// Returns the width and height of the network's input; 0 × 0 if they depend on the image, which
    /// [`Self::check`] rejects.
    #[must_use]
    pub fn output_size(&self) -> (u32, u32) {
        match (self.crop, self.resize) {
            (Crop::Center(w, h), _) | (Crop::None, Resize::Exact(w, h)) => (w, h),
            (Crop::None, _) => (0, 0),
        }
    }

    /// Returns the shape of an image as the network takes it: (3, H, W), or (H, W, 3) with its channels last.
    #[must_use]
    pub fn input_shape(&self) -> [usize; 3] {
        let (width, height) = self.output_size();
        let (width, height) = (width as usize, height as usize);
        match self.layout {
            Layout::Nchw => [3, height, width],
            Layout::Nhwc => [height, width, 3],
        }
    }

    /// Returns the maximum length of an image's shorter edge after the resize; `None` if it is not resized.
    #[must_use]
    pub fn shorter_edge(&self) -> Option<u32> {
        match self.resize {
            Resize::Shorter(n) => Some(n),
            Resize::Exact(w, h) => Some(w.max(h)),
            Resize::None => None,
        }
    }

    /// Returns the number of values per image: 3 × width × height.
    #[must_use]
    pub fn num_values(&self) -> usize {
        let (w, h) = self.output_size();
        3 * w as usize * h as usize
    }
}

#[cfg(test)]
mod tests;
