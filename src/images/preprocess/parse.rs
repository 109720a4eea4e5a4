//! The settings as text, in files and on the command line.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};
use crate::words::words;

/// The filter of the resize; all are antialiased, as in Pillow, except `nearest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// A triangle filter.
    #[default]
    Bilinear,
    /// A cubic filter with a = −0.5.
    Bicubic,
    /// The mean over an area.
    Box,
    /// A sinc in a Hamming window.
    Hamming,
    /// Lanczos over three lobes.
    Lanczos,
}

/// How the place of the centre crop is rounded if an odd number of pixels is cut off or padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CropRounding {
    /// Halves are rounded to even, as in torchvision.
    #[default]
    Even,
    /// Halves are rounded down, towards the top left, as in transformers.
    Down,
}

impl CropRounding {
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(super) fn is_even(&self) -> bool {
        *self == Self::Even
    }
}

/// The order of the channels that the network expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channels {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// The order of the axes that the network expects.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// (N, C, H, W), as in `PyTorch`.
    #[default]
    Nchw,
    /// (N, H, W, C), as in `TensorFlow`.
    Nhwc,
}

impl Interpolation {
    /// Pillow's numbers of its filters, from 0.
    pub(crate) const PILLOW: [Self; 6] = [
        Self::Nearest,
        Self::Lanczos,
        Self::Bilinear,
        Self::Bicubic,
        Self::Box,
        Self::Hamming,
    ];
}

words!(
    Interpolation,
    Error,
    |text| Error::parameter(
        "interpolation",
        text,
        "nearest, bilinear, bicubic, box, hamming or lanczos"
    ),
    Nearest = "nearest",
    Bilinear = "bilinear",
    Bicubic = "bicubic",
    Box = "box",
    Hamming = "hamming",
    Lanczos = "lanczos",
);
words!(
    CropRounding,
    Error,
    |text| Error::parameter("crop_rounding", text, "even or down"),
    Even = "even",
    Down = "down",
);
words!(
    Channels,
    Error,
    |text| Error::parameter("channels", text, "rgb or bgr"),
    Rgb = "rgb",
    Bgr = "bgr",
);
words!(
    Layout,
    Error,
    |text| Error::parameter("layout", text, "nchw or nhwc"),
    Nchw = "nchw",
    Nhwc = "nhwc",
);

/// Parses a mean or std from the command line: `0.5` for all channels, or `0.485,0.456,0.406`.
///
/// # Errors
///
/// [`Error::Parameter`], if it is not one or three numbers.
pub fn channel_values(name: &'static str, text: &str) -> Result<[f32; 3]> {
    let values: Option<Vec<f32>> = text.split(',').map(|v| v.trim().parse().ok()).collect();
    match values.as_deref() {
        Some(&[all]) => Ok([all; 3]),
        Some(&[first, second, third]) => Ok([first, second, third]),
        _ => {
            let wanted = "one number or three, such as 0.5 or 0.485,0.456,0.406";
            Err(Error::parameter(name, text, wanted))
        }
    }
}

/// Reads the three numbers of a mean or std. A plain array would silently ignore a fourth number in TOML.
pub(super) fn three_values<'de, D: Deserializer<'de>>(file: D) -> Result<[f32; 3], D::Error> {
    let values = Vec::<f32>::deserialize(file)?;
    let given = values.len();
    values.try_into().map_err(|_| {
        D::Error::custom(format!(
            "expected 3 numbers, one for each channel, but found {given}"
        ))
    })
}

/// Formats channel values as on the command line.
pub(super) fn joined(values: &[f32]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::super::{Crop, Preprocessing, Resize};
    use super::*;

    const MANIFEST: &str = r#"
resize = 256
crop = 224
interpolation = "bilinear"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
channels = "rgb"
layout = "nchw"
scale = 255
"#;

    #[test]
    fn the_manifest_of_the_documentation_is_the_default() {
        assert_eq!(
            toml::from_str::<Preprocessing>(MANIFEST).unwrap(),
            Preprocessing::default()
        );
        assert_eq!(
            toml::from_str::<Preprocessing>("").unwrap(),
            Preprocessing::default()
        );
    }

    #[test]
    fn files_have_sizes_in_three_forms() {
        let read = |text: &str| toml::from_str::<Preprocessing>(text).map(|p| (p.resize, p.crop));
        let sizes = read("resize = [320, 240]\ncrop = \"none\"").unwrap();
        assert_eq!(sizes, (Resize::Exact(320, 240), Crop::None));
        let sizes = read("resize = \"none\"\ncrop = [3, 4]").unwrap();
        assert_eq!(sizes, (Resize::None, Crop::Center(3, 4)));
        for wrong in [
            "resize = -1",
            "resize = [1]",
            "crop = \"all\"",
            "crop = 1.5",
            "size = 3",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_have_three_numbers_for_the_channels() {
        for (text, given) in [
            ("mean = [0.1, 0.2, 0.3, 0.4]", 4),
            ("std = [0.1, 0.2]", 2),
            ("std = []", 0),
        ] {
            let error = toml::from_str::<Preprocessing>(text).unwrap_err();
            let expected = format!("expected 3 numbers, one for each channel, but found {given}");
            assert_eq!(error.message(), expected, "{text}");
        }
    }

    #[test]
    fn settings_survive_json() {
        let settings = Preprocessing {
            resize: Resize::None,
            crop: Crop::Center(5, 6),
            crop_rounding: CropRounding::Down,
            interpolation: Interpolation::Lanczos,
            channels: Channels::Bgr,
            layout: Layout::Nhwc,
            mean: [103.939, 116.779, 123.68],
            std: [1.0; 3],
            scale: 1.0,
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert!(
            text.contains(
                r#""resize":"none","crop":[5,6],"crop_rounding":"down","interpolation":"lanczos""#
            ),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<Preprocessing>(&text).unwrap(),
            settings
        );
    }

    #[test]
    fn the_command_line_has_short_forms() {
        assert_eq!("256".parse::<Resize>().unwrap(), Resize::Shorter(256));
        assert_eq!(
            "320x240".parse::<Resize>().unwrap(),
            Resize::Exact(320, 240)
        );
        assert_eq!("none".parse::<Crop>().unwrap(), Crop::None);
        assert_eq!("224".parse::<Crop>().unwrap().to_string(), "224");
        assert_eq!(
            "bicubic".parse::<Interpolation>().unwrap(),
            Interpolation::Bicubic
        );
        assert_eq!("bgr".parse::<Channels>().unwrap(), Channels::Bgr);
        assert_eq!("nhwc".parse::<Layout>().unwrap(), Layout::Nhwc);
        assert!(
            "12x"
                .parse::<Resize>()
                .unwrap_err()
                .to_string()
                .starts_with("`resize` is 12x, but")
        );
        assert!("cubic".parse::<Interpolation>().is_err());
    }

    #[test]
    fn channel_values_are_one_or_three() {
        let known = |text| channel_values("mean", text).unwrap().map(f32::to_bits);
        assert_eq!(known("0.5"), [0.5_f32; 3].map(f32::to_bits));
        assert_eq!(known("1, 2,3"), [1.0_f32, 2.0, 3.0].map(f32::to_bits));
        for wrong in ["", "1,2", "a", "1,2,3,4"] {
            assert!(channel_values("std", wrong).is_err(), "{wrong}");
        }
    }
}
