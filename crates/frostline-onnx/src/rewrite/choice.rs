//! Which layers are replaced, chosen by their shapes.
//!
//! Measured on 2 CPUs with AVX-512, ONNX Runtime 1.32: how many times as fast as its direct convolutions ours
//! are, as the medians of at least 7 runs in turns on one thread. Four convolutions in a row, a batch of 1 /
//! of 8:
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
//! Where each is between convolutions of 1×1, so that input and output change their order: 0.70 to 0.98 at 16
//! channels, 0.72 to 1.03 from 16 to 256, 1.18 to 1.68 at 24, 1.20 to 1.69 at 32, and 1.27 to 2.30 from 64
//! on. 128 → 32 channels, 1.22 to 1.62.
//!
//! What is put together with the outputs of ONNX Runtime's convolutions (`Concat`) loses the order that those
//! have among themselves: `DenseNet121`, all of whose 3×3 convolutions are 128 → 32 and read so, takes 63 ms
//! an image with all of them replaced and 61 with none. Inception v3, with 96 → 96 so read, takes 26 and 31
//! ms, `GoogLeNet` 23 and 29; batches of 8.
//!
//! A first convolution of three channels takes 3 to 5 times as long as the direct one if its output has to be
//! turned round; in VGG19, where ours follow, all takes 76 ms an image without it and 66 ms with it.

use std::fmt;
use std::str::FromStr;

use frostline_kernels::{ConvShape, LinearShape};

/// Input and output channels from which the Winograd domain pays.
const LEAST_CHANNELS: usize = 24;
/// Height and width of the output from which it pays.
const LEAST_SIDE: usize = 6;
/// Products of input and output channels from which it pays where the output is put together with others.
const LEAST_WHERE_JOINED: usize = 96 * 96;
/// Up to so many channels a convolution is the first of its network.
const MOST_COLOURS: usize = 4;
/// Weights from which a linear layer is bound by reading them: 1 MiB of them.
const LEAST_WEIGHTS: usize = 1 << 18;
/// Inputs and outputs from which panels of weights are full enough: those of one output would take 32 times
/// their memory.
const LEAST_SIDE_OF_WEIGHTS: usize = 32;

/// How 3×3 convolutions of stride 1 are computed on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Convolutions {
    /// Each in the way that is faster for its shape.
    #[default]
    Auto,
    /// All in the Winograd domain, which needs a quarter of the multiplications, at a relative error of about
    /// 2e-6.
    Winograd,
    /// By ONNX Runtime, directly; the network is run just as its file has it.
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
            _ => return Err("convolutions are auto, winograd or direct".to_owned()),
        })
    }
}

/// Whether our convolution is the faster one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Faster {
    /// It is.
    Always,
    /// It is where all that reads its output is ours, too.
    BeforeOurs,
    /// It is not.
    Never,
}

/// Of a convolution with an output of `places` (height, width; before pooling, where they are known), which
/// is `joined` if it is put together with those of others.
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

/// Whether a linear layer is replaced, in a network with replaced convolutions.
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
