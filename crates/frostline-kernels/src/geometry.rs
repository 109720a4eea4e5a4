//! The sizes of a convolution and of one run of it, and the steps that follow its sums.

use super::activation::Activation;

/// Channels and padding of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Number of input channels.
    pub in_channels: usize,
    /// Number of output channels.
    pub out_channels: usize,
    /// Rows and columns of zero padding: top, left, bottom, right, in ONNX's order.
    pub pads: [usize; 4],
}

/// The pooling that follows the activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// No pooling.
    None,
    /// Maxima of 2×2 positions, stride 2, no padding; an odd last row or column is dropped.
    Max2,
}

impl Pooling {
    /// Returns how many of `n` rows or columns are left.
    pub(super) fn of(self, n: usize) -> usize {
        match self {
            Self::None => n,
            Self::Max2 => n / 2,
        }
    }
}

/// The steps that follow the sums.
pub(super) struct Finish {
    /// One for each output channel, padded with zeros to a whole panel.
    pub(super) bias: Vec<f32>,
    pub(super) activation: Activation,
    pub(super) pooling: Pooling,
}

/// The sizes of one run.
pub(super) struct Geometry {
    pub(super) n: usize,
    pub(super) h: usize,
    pub(super) w: usize,
    /// The number of 4×4 tiles in height and width, before pooling.
    pub(super) grid: [usize; 2],
    /// Height and width of the output, after pooling.
    pub(super) output: [usize; 2],
}

impl Geometry {
    pub(super) fn tiles(&self) -> usize {
        self.n * self.grid[0] * self.grid[1]
    }

    /// Returns the image, row and column of a tile.
    pub(super) fn place(&self, tile: usize) -> [usize; 3] {
        let [h, w] = self.grid;
        [tile / (h * w), tile / w % h, tile % w]
    }
}

impl ConvShape {
    /// Returns the height and width of the convolution of an image, before pooling; 0 if the kernel does not
    /// fit.
    pub(super) fn before_pooling(&self, [h, w]: [usize; 2]) -> [usize; 2] {
        let [top, left, bottom, right] = self.pads;
        [
            (h + top + bottom).saturating_sub(2),
            (w + left + right).saturating_sub(2),
        ]
    }
}
