//! Convolutions and large linear layers on the CPU: pure numbers, by the definition.

use std::io;
use std::ops::Range;

/// What is applied to every number of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
}

impl Activation {
    fn of(self, x: f32) -> f32 {
        match self {
            Self::None => x,
            Self::Relu => x.max(0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
        }
    }
}

/// How the numbers of images lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// (N, C, H, W), ONNX's.
    ChannelsFirst,
    /// (N, H, W, C).
    ChannelsLast,
}

/// What is pooled after the activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing.
    None,
    /// Maxima of 2×2 positions, stride 2, no padding; an odd last row or column is dropped.
    Max2,
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

/// Who spreads work over threads.
pub trait Parallel: Sync {
    /// How many threads there are, at least 1.
    fn threads(&self) -> usize;

    /// Calls `work` once with every number below `count`, in any order and on any thread, and returns when all is done.
    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync));
}

/// A 3×3 convolution, stride 1, one group, with the bias, activation and pooling that follow it.
pub struct Conv3x3 {
    shape: ConvShape,
    input: Layout,
    weight: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    pooling: Pooling,
}

impl Conv3x3 {
    /// A convolution of `weight (out_channels, in_channels, 3, 3)` and `bias (out_channels)` over images of layout `input`.
    #[must_use]
    pub fn new(
        shape: ConvShape,
        input: Layout,
        weight: &[f32],
        bias: &[f32],
        activation: Activation,
        pooling: Pooling,
    ) -> Self {
        Self {
            shape,
            input,
            weight: weight.to_vec(),
            bias: bias.to_vec(),
            activation,
            pooling,
        }
    }

    /// Height and width of the output of images of `h` × `w`, after pooling; 0 where the kernel does not fit.
    #[must_use]
    pub fn output_size(&self, h: usize, w: usize) -> (usize, usize) {
        let [top, left, bottom, right] = self.shape.pads;
        let of = |n: usize| {
            if self.pooling == Pooling::Max2 {
                n / 2
            } else {
                n
            }
        };
        (
            of((h + top + bottom).saturating_sub(2)),
            of((w + left + right).saturating_sub(2)),
        )
    }

    /// Runs over `n` images of `h` × `w` and writes the output, channels last.
    pub fn run(&self, x: &[f32], [n, h, w]: [usize; 3], y: &mut [f32], _: &dyn Parallel) {
        let (oh, ow) = self.output_size(h, w);
        let oc = self.shape.out_channels;
        assert_eq!(y.len(), n * oh * ow * oc);
        for (i, y) in y.iter_mut().enumerate() {
            let (o, i) = (i % oc, i / oc);
            let (column, row, image) = (i % ow, i / ow % oh, i / ow / oh);
            let at = |r, c| self.activation.of(self.sum(x, [image, h, w], [o, r, c]));
            *y = match self.pooling {
                Pooling::None => at(row, column),
                Pooling::Max2 => {
                    let places = [(0, 0), (0, 1), (1, 0), (1, 1)];
                    let values = places.map(|(r, c)| at(2 * row + r, 2 * column + c));
                    values.into_iter().fold(f32::NEG_INFINITY, f32::max)
                }
            };
        }
    }

    fn sum(&self, x: &[f32], [image, h, w]: [usize; 3], [o, row, column]: [usize; 3]) -> f32 {
        let [top, left, ..] = self.shape.pads;
        let channels = self.shape.in_channels;
        let mut sum = self.bias[o];
        for c in 0..channels {
            for k in 0..9 {
                let (r, q) = (
                    (row + k / 3).wrapping_sub(top),
                    (column + k % 3).wrapping_sub(left),
                );
                if r < h && q < w {
                    let at = match self.input {
                        Layout::ChannelsFirst => ((image * channels + c) * h + r) * w + q,
                        Layout::ChannelsLast => ((image * h + r) * w + q) * channels + c,
                    };
                    sum += x[at] * self.weight[(o * channels + c) * 9 + k];
                }
            }
        }
        sum
    }
}

/// Numbers of a row of the input and of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearShape {
    /// Of the input.
    pub inputs: usize,
    /// Of the output.
    pub outputs: usize,
}

/// How a weight matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// (outputs, inputs), as `torch.nn.Linear` and ONNX's `Gemm` with `transB = 1` have it.
    OutputsFirst,
    /// (inputs, outputs), as ONNX's `MatMul` has it.
    InputsFirst,
}

/// The order in which the numbers of an input's row come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputOrder {
    /// As the stored weights have them.
    AsStored,
    /// The stored weights are for flattened (C, H, W), and the rows are flattened (H, W, C) of this many channels.
    ChannelsLast {
        /// C.
        channels: usize,
    },
}

/// Reads rows of the stored matrix, whole ones, into a buffer of that size.
pub type ReadRows<'a> = &'a (dyn Fn(Range<usize>, &mut [f32]) -> io::Result<()> + Sync);

/// A linear layer, `y = x Wᵀ + b`, with the activation that follows it.
pub struct Linear {
    shape: LinearShape,
    bias: Vec<f32>,
    activation: Activation,
    /// (outputs, inputs), in the order of the input.
    weight: Vec<f32>,
}

impl Linear {
    /// A layer with `bias (outputs)`, whose weights are asked for row by row of the stored matrix.
    ///
    /// # Errors
    /// Those of `rows`.
    pub fn read(
        shape: LinearShape,
        (stored, order): (Stored, InputOrder),
        bias: &[f32],
        activation: Activation,
        rows: ReadRows,
        _: &dyn Parallel,
    ) -> io::Result<Self> {
        let LinearShape { inputs, outputs } = shape;
        let mut all = vec![0.0; inputs * outputs];
        let count = if stored == Stored::OutputsFirst {
            outputs
        } else {
            inputs
        };
        rows(0..count, &mut all)?;
        let mut weight = vec![0.0; inputs * outputs];
        for o in 0..outputs {
            for k in 0..inputs {
                let place = match order {
                    InputOrder::AsStored => k,
                    InputOrder::ChannelsLast { channels } => {
                        k % (inputs / channels) * channels + k / (inputs / channels)
                    }
                };
                weight[o * inputs + place] = match stored {
                    Stored::OutputsFirst => all[o * inputs + k],
                    Stored::InputsFirst => all[k * outputs + o],
                };
            }
        }
        Ok(Self {
            shape,
            bias: bias.to_vec(),
            activation,
            weight,
        })
    }

    /// Numbers of a row of the output.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.shape.outputs
    }

    /// Writes `y (n, outputs)` of `x (n, inputs)`.
    pub fn run(&self, x: &[f32], n: usize, y: &mut [f32], _: &dyn Parallel) {
        let LinearShape { inputs, outputs } = self.shape;
        assert_eq!(x.len(), n * inputs);
        for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
            for ((y, w), b) in y
                .iter_mut()
                .zip(self.weight.chunks_exact(inputs))
                .zip(&self.bias)
            {
                let dot: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum();
                *y = self.activation.of(dot + b);
            }
        }
    }
}
