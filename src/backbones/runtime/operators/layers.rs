//! The layers of a network with operators of our own, made from its file.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::operator::Layer;
use crate::backbones::onnx::rewrite::{ConvLayer, LinearLayer};
use crate::kernels::{Conv3x3, ConvShape, Layout, Linear, LinearShape, Parallel};

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

/// A linear layer over the last dimension, and what it takes.
pub(super) struct Product {
    kernel: Linear,
    shape: LinearShape,
}

impl Layers {
    /// Reads and transforms the weights: each thread those of another convolution, all threads those of one linear layer.
    pub(super) fn load(
        convolutions: &[ConvLayer],
        linears: &[LinearLayer],
        parallel: &dyn Parallel,
    ) -> io::Result<Self> {
        let product = |layer: &LinearLayer| {
            let kernel = layer.load(parallel)?;
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
        // The last ones are the largest in most networks: at the end all threads have small ones, and none waits for long.
        let i = layers.len() - 1 - i;
        let kernel = layers[i].load();
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

/// Height and width of an image, and its channels.
fn image(layout: Layout, dims: &[usize]) -> Option<([usize; 3], usize)> {
    match (layout, dims) {
        (Layout::ChannelsFirst, &[n, c, h, w]) | (Layout::ChannelsLast, &[n, h, w, c]) => {
            Some(([n, h, w], c))
        }
        _ => None,
    }
}

impl Layer for Conv {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        match image(self.input, input) {
            Some(([n, h, w], channels)) if channels == self.shape.in_channels => {
                let (height, width) = self.kernel.output_size(h, w);
                Ok(vec![n, height, width, self.shape.out_channels])
            }
            _ => Err(format!(
                "a convolution of {} channels was given {input:?}",
                self.shape.in_channels
            )),
        }
    }

    fn run(&self, x: &[f32], input: &[usize], y: &mut [f32], parallel: &dyn Parallel) {
        let (size, _) = image(self.input, input).expect("its output was asked for before");
        self.kernel.run(x, size, y, parallel);
    }
}

impl Layer for Product {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        match input.split_last() {
            Some((&inputs, rows)) if inputs == self.shape.inputs => {
                Ok([rows, &[self.shape.outputs]].concat())
            }
            _ => Err(format!(
                "a linear layer of {} inputs was given {input:?}",
                self.shape.inputs
            )),
        }
    }

    fn run(&self, x: &[f32], _: &[usize], y: &mut [f32], parallel: &dyn Parallel) {
        self.kernel.run(x, x.len() / self.shape.inputs, y, parallel);
    }
}
