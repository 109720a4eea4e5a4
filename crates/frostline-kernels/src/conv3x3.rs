//! 3×3 convolutions of stride 1.

use std::borrow::Cow;

use pulp::Arch;

use super::activation::Activation;
use super::direct::Direct;
use super::finite::NotFinite;
use super::layout::{Layout, channels_last};
use super::parallel::Parallel;
use super::product::Machine;
use super::winograd::Winograd;

/// A 3×3 convolution, stride 1, one group, with the bias, activation and pooling that follow it.
///
/// Its weights are kept as the products want them, which takes 4 times the memory of the 3×3 weights.
pub struct Conv3x3 {
    shape: ConvShape,
    input: Layout,
    finish: Finish,
    method: Method,
}

/// Channels and padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// C of the input.
    pub in_channels: usize,
    /// C of the output.
    pub out_channels: usize,
    /// Rows and columns of zeros at the top, left, bottom and right, as ONNX orders them.
    pub pads: [usize; 4],
}

/// What is pooled after the activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing.
    None,
    /// Maxima of 2×2 positions, stride 2, no padding; an odd last row or column is dropped.
    Max2,
}

impl Pooling {
    /// What is left of `n` rows or columns.
    pub(super) fn of(self, n: usize) -> usize {
        match self {
            Self::None => n,
            Self::Max2 => n / 2,
        }
    }
}

/// What happens to the sums.
pub(super) struct Finish {
    /// One for each output channel, filled up with zeros to a whole panel.
    pub(super) bias: Vec<f32>,
    pub(super) activation: Activation,
    pub(super) pooling: Pooling,
}

/// The sizes of one run.
pub(super) struct Geometry {
    pub(super) n: usize,
    pub(super) h: usize,
    pub(super) w: usize,
    /// Height and width of the convolution's tiles of 4×4, before pooling.
    pub(super) grid: [usize; 2],
    /// Height and width after pooling.
    pub(super) output: [usize; 2],
}

impl Geometry {
    pub(super) fn tiles(&self) -> usize {
        self.n * self.grid[0] * self.grid[1]
    }

    /// Image, row and column of a tile.
    pub(super) fn place(&self, tile: usize) -> [usize; 3] {
        let [h, w] = self.grid;
        [tile / (h * w), tile / w % h, tile % w]
    }
}

enum Method {
    Winograd(Winograd),
    Direct(Direct),
}

/// With fewer input channels, most of a vector of them would be zeros.
const FEW_CHANNELS: usize = 8;

impl Conv3x3 {
    /// A convolution of `weight (out_channels, in_channels, 3, 3)` and `bias (out_channels)` over images of layout `input`.
    ///
    /// # Panics
    ///
    /// If `weight` or `bias` has another length.
    #[must_use]
    pub fn new(
        shape: ConvShape,
        input: Layout,
        weight: &[f32],
        bias: &[f32],
        activation: Activation,
        pooling: Pooling,
    ) -> Self {
        Self::on(
            Arch::new(),
            shape,
            input,
            (weight, bias),
            (activation, pooling),
        )
    }

    /// The same on a given instruction set.
    pub(super) fn on(
        arch: Arch,
        shape: ConvShape,
        input: Layout,
        (weight, bias): (&[f32], &[f32]),
        (activation, pooling): (Activation, Pooling),
    ) -> Self {
        assert_eq!(weight.len(), shape.out_channels * shape.in_channels * 9);
        assert_eq!(bias.len(), shape.out_channels);
        let machine = Machine::new(arch);
        let mut bias = bias.to_vec();
        bias.resize(bias.len().next_multiple_of(machine.panel), 0.0);
        let method = if shape.in_channels <= FEW_CHANNELS && pooling == Pooling::None {
            Method::Direct(Direct::new(machine, &shape, weight))
        } else {
            Method::Winograd(Winograd::new(machine, &shape, weight))
        };
        Self {
            shape,
            input,
            finish: Finish {
                bias,
                activation,
                pooling,
            },
            method,
        }
    }

    /// Height and width of the output of images of `h` × `w`, after pooling; 0 where the kernel does not fit.
    #[must_use]
    pub fn output_size(&self, h: usize, w: usize) -> (usize, usize) {
        let [height, width] = self.shape.before_pooling([h, w]);
        let pooling = self.finish.pooling;
        (pooling.of(height), pooling.of(width))
    }

    /// Runs over `n` images of `h` × `w` and writes the output, channels last: `y (n, height, width, out_channels)` with
    /// the height and width of [`Conv3x3::output_size`].
    ///
    /// # Errors
    ///
    /// [`NotFinite`]; `y` is then worth nothing.
    ///
    /// # Panics
    ///
    /// If `x` or `y` has another length.
    pub fn run(
        &self,
        x: &[f32],
        [n, h, w]: [usize; 3],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let Self {
            shape,
            finish,
            input,
            ..
        } = self;
        let (height, width) = self.output_size(h, w);
        assert_eq!(x.len(), n * h * w * shape.in_channels);
        assert_eq!(y.len(), n * height * width * shape.out_channels);
        if y.is_empty() {
            return Ok(());
        }
        let geometry = Geometry {
            n,
            h,
            w,
            grid: shape.before_pooling([h, w]).map(|size| size.div_ceil(4)),
            output: [height, width],
        };
        match &self.method {
            Method::Direct(method) => {
                method.run(shape, finish, (&geometry, *input), x, y, parallel)
            }
            Method::Winograd(method) => {
                let x = match input {
                    Layout::ChannelsLast => Cow::Borrowed(x),
                    Layout::ChannelsFirst => {
                        channels_last(x, [shape.in_channels, h * w], parallel).into()
                    }
                };
                method.run(shape, finish, &geometry, &x, y, parallel)
            }
        }
    }
}

impl ConvShape {
    fn before_pooling(&self, [h, w]: [usize; 2]) -> [usize; 2] {
        let [top, left, bottom, right] = self.pads;
        [
            (h + top + bottom).saturating_sub(2),
            (w + left + right).saturating_sub(2),
        ]
    }
}
