//! Which layers are replaced, chosen by their shapes.
//!
//! Measurements stand here.

use crate::backbones::Convolutions;
use crate::kernels::{ConvShape, LinearShape};

/// Input and output channels from which the Winograd domain pays.
const LEAST_CHANNELS: usize = 16;
/// Output positions of one image from which it pays.
const LEAST_POSITIONS: usize = 7 * 7;
/// Weights from which a linear layer is bound by reading them: 1 MiB of them.
const LEAST_WEIGHTS: usize = 1 << 18;

/// Whether a convolution with an output of `places` (height, width; before pooling, where they are known) is replaced.
pub(super) fn convolution(
    wanted: Convolutions,
    shape: &ConvShape,
    places: Option<[usize; 2]>,
) -> bool {
    match wanted {
        Convolutions::Direct => false,
        Convolutions::Winograd => true,
        Convolutions::Auto => {
            shape.in_channels.min(shape.out_channels) >= LEAST_CHANNELS
                && places.is_none_or(|[height, width]| height * width >= LEAST_POSITIONS)
        }
    }
}

/// Whether a linear layer is replaced, in a network with replaced convolutions.
pub(super) fn linear(shape: LinearShape) -> bool {
    shape.inputs.saturating_mul(shape.outputs) >= LEAST_WEIGHTS
}
