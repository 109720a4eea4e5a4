//! The layers of a network with operators of our own, made from its file.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::operator::Layer;
use crate::backbones::onnx::open;
use frostline_kernels::{Conv3x3, ConvShape, Layout, Linear, LinearShape, NotFinite, Parallel};
use frostline_onnx::rewrite::{ConvLayer, LinearLayer};

/// Layers, by the numbers that the graph has for them.
#[derive(Clone)]
pub(super) struct Layers {
    pub(super) convolutions: Arc<[Conv]>,
    pub(super) products: Arc<[Product]>,
}

/// A convolution, and what it takes.
pub(super) struct Conv {
    kernel: Conv3x3,
    shape: ConvShape,
    input: Layout,
}

/// A linear layer over rows, and what it takes.
pub(super) struct Product {
    kernel: Linear,
    shape: LinearShape,
}

impl Layers {
    /// Reads and transforms the weights: each thread those of another convolution, all threads those of one
    /// linear layer.
    pub(super) fn load(
        convolutions: &[ConvLayer],
        linears: &[LinearLayer],
        parallel: &dyn Parallel,
    ) -> io::Result<Self> {
        let product = |layer: &LinearLayer| {
            let kernel = layer.load(open, parallel)?;
            Ok(Product {
                kernel,
                shape: layer.shape(),
            })
        };
        Ok(Self {
            convolutions: convolutions_of(convolutions, parallel)?,
            products: linears.iter().map(product).collect::<io::Result<_>>()?,
        })
    }
}

fn convolutions_of(layers: &[ConvLayer], parallel: &dyn Parallel) -> io::Result<Arc<[Conv]>> {
    let loaded: Vec<_> = layers.iter().map(|_| Mutex::new(None)).collect();
    parallel.run(layers.len(), &|i| {
        // The last ones are the largest in most networks: at the end all threads have small ones, and none
        // waits for long.
        let i = layers.len() - 1 - i;
        let kernel = layers[i].load(open);
        *loaded[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(kernel);
    });
    let conv = |(kernel, layer): (Mutex<Option<io::Result<Conv3x3>>>, &ConvLayer)| {
        let kernel = kernel.into_inner().unwrap_or_else(PoisonError::into_inner);
        let kernel = kernel.expect("each number is worked on once")?;
        Ok(Conv {
            kernel,
            shape: layer.shape(),
            input: layer.input(),
        })
    };
    loaded.into_iter().zip(layers).map(conv).collect()
}

/// Number, height and width of images, and their channels.
fn images(layout: Layout, dims: &[i64]) -> Option<([i64; 3], i64)> {
    match (layout, dims) {
        (Layout::ChannelsFirst, &[n, c, h, w]) | (Layout::ChannelsLast, &[n, h, w, c]) => {
            Some(([n, h, w], c))
        }
        _ => None,
    }
}

/// Whether a length is this one, as far as it is known.
fn may_be(length: i64, wanted: usize) -> bool {
    length < 0 || length == wanted as i64
}

impl Layer for Conv {
    fn output(&self, input: &[i64]) -> Result<Vec<i64>, String> {
        let ConvShape {
            in_channels,
            out_channels,
            ..
        } = self.shape;
        match images(self.input, input) {
            Some(([n, h, w], channels)) if may_be(channels, in_channels) => {
                let (height, width) = self
                    .kernel
                    .output_size(h.max(0) as usize, w.max(0) as usize);
                let known =
                    |length: i64, output: usize| if length < 0 { -1 } else { output as i64 };
                // ONNX Runtime refuses some of what is smaller than a window, and takes others for as large.
                if h >= 0 && height == 0 || w >= 0 && width == 0 {
                    return Err(format!("a convolution leaves nothing of {h}×{w} positions"));
                }
                Ok(vec![
                    n,
                    known(h, height),
                    known(w, width),
                    out_channels as i64,
                ])
            }
            _ => Err(format!(
                "a convolution of {in_channels} channels was given {input:?}"
            )),
        }
    }

    fn run(
        &self,
        x: &[f32],
        input: &[i64],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let (size, _) = images(self.input, input).expect("its output was asked for before");
        self.kernel
            .run(x, size.map(|length| length as usize), y, parallel)
    }
}

impl Layer for Product {
    fn output(&self, input: &[i64]) -> Result<Vec<i64>, String> {
        let LinearShape { inputs, outputs } = self.shape;
        match *input {
            [rows, length] if may_be(length, inputs) => Ok(vec![rows, outputs as i64]),
            _ => Err(format!(
                "a linear layer of {inputs} inputs was given {input:?}"
            )),
        }
    }

    fn run(
        &self,
        x: &[f32],
        _: &[i64],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        self.kernel.run(x, x.len() / self.shape.inputs, y, parallel)
    }
}
