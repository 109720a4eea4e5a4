//! The layers that replace nodes: what they compute, and where their weights are.

use std::io;

use super::super::wire::Open;
use super::numbers::{Numbers, check};
use frostline_kernels::{
    Activation, Conv3x3, ConvShape, InputOrder, Layout, Linear, LinearShape, Parallel, Pooling,
    Stored,
};

/// A convolution and the nodes it absorbs.
#[derive(Debug)]
pub struct ConvLayer {
    pub(super) shape: ConvShape,
    pub(super) input: Layout,
    pub(super) weight: Numbers,
    pub(super) bias: Option<Numbers>,
    pub(super) norm: Option<Norm>,
    pub(super) activation: Activation,
    pub(super) pooling: Pooling,
}

/// A batch norm, `y = (x − mean) · scale / √(variance + epsilon) + shift`, with one value per channel.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) scale: Numbers,
    pub(super) shift: Numbers,
    pub(super) mean: Numbers,
    pub(super) variance: Numbers,
    pub(super) epsilon: f32,
}

/// A linear layer and the activation it absorbs.
#[derive(Debug)]
pub struct LinearLayer {
    pub(super) shape: LinearShape,
    pub(super) stored: Stored,
    pub(super) order: InputOrder,
    pub(super) weight: Numbers,
    pub(super) bias: Option<Numbers>,
    pub(super) activation: Activation,
}

impl ConvLayer {
    /// Reads the weights; the values of the file are in memory only until they are transformed.
    ///
    /// # Errors
    /// Those of reading the file; [`is_too_large`](super::is_too_large) tells whether a weight is to blame,
    /// so that the layer must be left to ONNX Runtime.
    pub fn load(&self, open: Open) -> io::Result<Conv3x3> {
        let mut weight = self.weight.read(open)?;
        let mut bias = bias(self.bias.as_ref(), self.shape.out_channels, open)?;
        if let Some(norm) = &self.norm {
            norm.fold(&mut weight, &mut bias, open)?;
            check(&weight)?;
            check(&bias)?;
        }
        Ok(Conv3x3::new(
            self.shape,
            self.input,
            &weight,
            &bias,
            self.activation,
            self.pooling,
        ))
    }
}

impl Norm {
    /// Folds the norm into the convolution before it: W · s and (b − mean) · s + shift, with s = scale /
    /// √(variance + ε).
    fn fold(&self, weight: &mut [f32], bias: &mut [f32], open: Open) -> io::Result<()> {
        let [scale, shift, mean, variance] =
            [&self.scale, &self.shift, &self.mean, &self.variance].map(|part| part.read(open));
        let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
        let each = weight.len() / bias.len();
        for (o, weight) in weight.chunks_exact_mut(each).enumerate() {
            let by = f64::from(scale[o]) / f64::from(variance[o] + self.epsilon).sqrt();
            for weight in weight {
                *weight = (f64::from(*weight) * by) as f32;
            }
            bias[o] = (f64::from(bias[o] - mean[o]) * by) as f32 + shift[o];
        }
        Ok(())
    }
}

impl LinearLayer {
    /// Reads the weights, a few rows at a time.
    ///
    /// # Errors
    /// Those of [`ConvLayer::load`].
    pub fn load(&self, open: Open, parallel: &dyn Parallel) -> io::Result<Linear> {
        let each = match self.stored {
            Stored::OutputsFirst => self.shape.inputs,
            Stored::InputsFirst => self.shape.outputs,
        };
        Linear::read(
            self.shape,
            (self.stored, self.order),
            &bias(self.bias.as_ref(), self.shape.outputs, open)?,
            self.activation,
            &|rows, numbers| self.weight.read_from(open, rows.start * each, numbers),
            parallel,
        )
    }
}

/// Reads a bias; zeros if there is none.
fn bias(bias: Option<&Numbers>, outputs: usize, open: Open) -> io::Result<Vec<f32>> {
    bias.map_or_else(|| Ok(vec![0.0; outputs]), |bias| bias.read(open))
}
