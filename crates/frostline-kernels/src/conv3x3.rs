//! 3×3 convolutions with stride 1.

use std::borrow::Cow;

use pulp::Arch;

use super::activation::Activation;
use super::direct::Direct;
use super::finite::NotFinite;
use super::geometry::{ConvShape, Finish, Geometry, Pooling};
use super::layout::{Layout, channels_last};
use super::parallel::Parallel;
use super::product::Machine;
use super::winograd::Winograd;

/// A 3×3 convolution, stride 1, one group, with the bias, activation and pooling that follow it.
///
/// Transformed to the Winograd domain, its weights take 4 times the memory of the 3×3 weights.
pub struct Conv3x3 {
    shape: ConvShape,
    input: Layout,
    finish: Finish,
    method: Method,
}

enum Method {
    Winograd(Winograd),
    Direct(Direct),
}

/// The maximum number of input channels of a direct convolution. In the Winograd domain, most of a vector of
/// so few channels would be zeros.
const FEW_CHANNELS: usize = 8;

impl Conv3x3 {
    /// Creates a convolution with `weight (out_channels, in_channels, 3, 3)` and `bias (out_channels)` over
    /// images with the layout `input`.
    ///
    /// # Panics
    ///
    /// If the length of `weight` or `bias` does not match `shape`.
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

    /// Creates a convolution for a given instruction set.
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

    /// Returns the channels and padding.
    #[must_use]
    pub fn shape(&self) -> ConvShape {
        self.shape
    }

    /// Returns whether it is computed in the Winograd domain; a convolution of few channels is not.
    #[must_use]
    pub fn is_winograd(&self) -> bool {
        matches!(self.method, Method::Winograd(_))
    }

    /// Returns the layout of the input.
    #[must_use]
    pub fn input(&self) -> Layout {
        self.input
    }

    /// Returns the height and width of the output for images of `h` × `w`, after pooling; 0 if the kernel
    /// does not fit.
    #[must_use]
    pub fn output_size(&self, h: usize, w: usize) -> (usize, usize) {
        let [height, width] = self.geometry([1, h, w]).output;
        (height, width)
    }

    fn geometry(&self, [n, h, w]: [usize; 3]) -> Geometry {
        let before = self.shape.before_pooling([h, w]);
        Geometry {
            n,
            h,
            w,
            grid: before.map(|size| size.div_ceil(4)),
            output: before.map(|size| self.finish.pooling.of(size)),
        }
    }

    /// Runs the convolution over `n` images of `h` × `w` and writes the output, channels last: `y (n, height,
    /// width, out_channels)` with the height and width of [`Conv3x3::output_size`].
    ///
    /// # Errors
    ///
    /// [`NotFinite`]; the content of `y` is then unspecified.
    ///
    /// # Panics
    ///
    /// If the length of `x` or `y` does not match.
    pub fn run(
        &self,
        x: &[f32],
        [n, h, w]: [usize; 3],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let Self { shape, finish, .. } = self;
        let geometry = self.geometry([n, h, w]);
        let [height, width] = geometry.output;
        assert_eq!(x.len(), n * h * w * shape.in_channels);
        assert_eq!(y.len(), n * height * width * shape.out_channels);
        if y.is_empty() {
            return Ok(());
        }
        match &self.method {
            Method::Direct(method) => {
                method.run(shape, finish, (&geometry, self.input), x, y, parallel)
            }
            Method::Winograd(method) => {
                let x = match self.input {
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
