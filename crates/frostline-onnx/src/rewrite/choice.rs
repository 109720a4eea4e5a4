//! Chooses the layers to replace by their shapes.
//!
//! Measured on 2 CPUs with AVX-512 and ONNX Runtime 1.32: the speed of frostline's convolutions relative to
//! ONNX Runtime's direct ones, as medians of at least 7 alternating runs on one thread. Four convolutions in
//! a row, batch size 1 / 8:
//!
//! | channels | 5×5 | 6×6 | 7×7 | 14×14 | 28×28 | 56×56 |
//! |---|---|---|---|---|---|---|
//! | 16 | | | 0.90 / 0.87 | 0.69 / 0.78 | 0.89 / 0.99 | 0.90 / 0.83 |
//! | 32 | 0.81 | 1.13 | 1.32 / 1.23 | 1.18 / 1.50 | 1.62 / 1.87 | 1.84 / 1.63 |
//! | 64 | 0.94 | 1.39 | 1.69 / 1.59 | 1.62 / 1.78 | 2.19 / 2.35 | 2.36 / 1.80 |
//! | 128 | 0.94 | 1.66 | 2.00 / 1.86 | 1.85 / 2.16 | 2.53 / 2.66 | 2.68 |
//! | 256 | 0.76 | 1.12 | 1.16 / 2.10 | 2.17 / 2.26 | 2.78 | 2.88 |
//! | 512 | 0.91 | 1.23 | 1.10 / 2.41 | 2.24 | 2.94 | |
//!
//! Between 1×1 convolutions, so that input and output change their layout: 0.70 to 0.98 at 16 channels, 0.72
//! to 1.03 at 16 → 256, 1.18 to 1.68 at 24, 1.20 to 1.69 at 32, and 1.27 to 2.30 from 64 up; 1.22 to 1.62 at
//! 128 → 32 channels.
//!
//! Concatenation (`Concat`) with the outputs of ONNX Runtime's convolutions loses the layout that those use
//! among themselves: `DenseNet121`, whose 3×3 convolutions are all 128 → 32 and concatenated, takes 63 ms per
//! image with all of them replaced and 61 ms with none. Inception v3, with concatenated 96 → 96 convolutions,
//! takes 26 ms with them replaced and 31 ms without, `GoogLeNet` 23 and 29 ms; batches of 8.
//!
//! A first convolution with three input channels takes 3 to 5 times as long as the direct one if its output
//! has to be transposed; in VGG19, where frostline's convolutions follow, the whole network takes 76 ms per
//! image without replacing it and 66 ms with.

use std::fmt;
use std::str::FromStr;

use frostline_kernels::{ConvShape, LinearShape};

/// The smallest number of input and output channels for which the Winograd domain pays off.
const LEAST_CHANNELS: usize = 24;
/// The smallest height and width of the output for which it pays off.
const LEAST_SIDE: usize = 6;
/// The smallest product of input and output channels for which it pays off if the output is concatenated.
const LEAST_WHERE_JOINED: usize = 96 * 96;
/// A convolution with at most this many input channels is the first of its network.
const MOST_COLOURS: usize = 4;
/// The smallest number of weights for which reading them limits a linear layer: 1 MiB of them.
const LEAST_WEIGHTS: usize = 1 << 18;
/// The smallest number of inputs and outputs for which panels of weights are full enough; with one output
/// they would take 32 times the memory.
const LEAST_SIDE_OF_WEIGHTS: usize = 32;

/// How 3×3 convolutions with stride 1 are computed on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Convolutions {
    /// Each in the way that is faster for its shape.
    #[default]
    Auto,
    /// All in the Winograd domain, with a quarter of the multiplications and a relative error of about 2e-6.
    Winograd,
    /// By ONNX Runtime, directly; the network runs exactly as its file describes.
    Direct,
}

impl fmt::Display for Convolutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Winograd => "winograd",
            Self::Direct => "direct",
        })
    }
}

impl FromStr for Convolutions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "winograd" => Self::Winograd,
            "direct" => Self::Direct,
            _ => return Err("expected auto, winograd or direct".to_owned()),
        })
    }
}

/// Whether frostline's convolution is faster than ONNX Runtime's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Faster {
    Always,
    /// Only if everything that reads its output is frostline's, too.
    BeforeOurs,
    Never,
}

/// Returns whether frostline's convolution is faster. `places` is the output's height and width before
/// pooling, if known; `joined` says whether the output is concatenated with others.
pub(super) fn convolution(
    wanted: Convolutions,
    shape: &ConvShape,
    places: Option<[usize; 2]>,
    joined: bool,
) -> Faster {
    let pays = !joined || shape.in_channels * shape.out_channels >= LEAST_WHERE_JOINED;
    let large = places.is_none_or(|places| places.iter().all(|&side| side >= LEAST_SIDE));
    let wide = |channels| channels >= LEAST_CHANNELS;
    match wanted {
        Convolutions::Winograd => Faster::Always,
        Convolutions::Auto if pays && large && wide(shape.out_channels) => {
            match shape.in_channels {
                channels if wide(channels) => Faster::Always,
                1..=MOST_COLOURS => Faster::BeforeOurs,
                _ => Faster::Never,
            }
        }
        Convolutions::Auto | Convolutions::Direct => Faster::Never,
    }
}

/// Returns whether a linear layer is replaced, in a network with replaced convolutions.
pub(super) fn linear(shape: LinearShape) -> bool {
    let LinearShape { inputs, outputs } = shape;
    inputs.min(outputs) >= LEAST_SIDE_OF_WEIGHTS && inputs.saturating_mul(outputs) >= LEAST_WEIGHTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(in_channels: usize, out_channels: usize, places: Option<[usize; 2]>) -> Faster {
        let shape = ConvShape {
            in_channels,
            out_channels,
            pads: [1; 4],
        };
        convolution(Convolutions::Auto, &shape, places, false)
    }

    #[test]
    fn shapes_on_either_side_of_what_was_measured() {
        assert_eq!(auto(64, 64, Some([56, 56])), Faster::Always);
        assert_eq!(auto(512, 512, Some([14, 14])), Faster::Always);
        assert_eq!(auto(64, 64, None), Faster::Always);
        assert_eq!(auto(3, 64, Some([224, 224])), Faster::BeforeOurs);
        assert_eq!(auto(16, 256, Some([56, 56])), Faster::Never);
        assert_eq!(auto(16, 16, Some([56, 56])), Faster::Never);
        assert_eq!(auto(512, 512, Some([4, 4])), Faster::Never);
        assert_eq!(auto(512, 512, Some([1, 99])), Faster::Never);
    }

    #[test]
    fn what_is_asked_for_is_done() {
        let shape = ConvShape {
            in_channels: 1,
            out_channels: 1,
            pads: [0; 4],
        };
        let chosen = |wanted| convolution(wanted, &shape, Some([1, 1]), true);
        assert_eq!(chosen(Convolutions::Winograd), Faster::Always);
        assert_eq!(chosen(Convolutions::Direct), Faster::Never);
    }
}
