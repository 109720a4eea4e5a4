//! The layers of a network that frostline's operators compute.

use std::io;
use std::sync::{Arc, OnceLock};

use super::operator::Layer;
use crate::backbones::onnx::open;
use frostline_kernels::{Conv3x3, ConvShape, Layout, Linear, LinearShape, NotFinite, Parallel};
use frostline_onnx::rewrite::ConvLayer;

/// Reads and transforms the weights of convolutions in parallel.
pub(super) fn load(layers: &[ConvLayer], parallel: &dyn Parallel) -> io::Result<Arc<[Conv3x3]>> {
    let loaded: Vec<_> = layers.iter().map(|_| OnceLock::new()).collect();
    parallel.run(layers.len(), &|i| {
        // The last convolutions are the largest in most networks. Starting with them leaves small ones for
        // the end, so that no thread waits for long.
        let i = layers.len() - 1 - i;
        loaded[i].get_or_init(|| layers[i].load(open));
    });
    let kernels = loaded.into_iter();
    let kernels = kernels.map(|kernel| kernel.into_inner().expect("every convolution was loaded"));
    kernels.collect()
}

/// Returns the number, height and width of images, and the number of their channels.
fn images(layout: Layout, dims: &[i64]) -> Option<([i64; 3], i64)> {
    match (layout, dims) {
        (Layout::ChannelsFirst, &[n, c, h, w]) | (Layout::ChannelsLast, &[n, h, w, c]) => {
            Some(([n, h, w], c))
        }
        _ => None,
    }
}

/// Returns whether a length equals `wanted`, or is not known.
fn may_be(length: i64, wanted: usize) -> bool {
    length < 0 || length == wanted as i64
}

impl Layer for Conv3x3 {
    fn output(&self, input: &[i64]) -> Result<Vec<i64>, String> {
        let ConvShape {
            in_channels,
            out_channels,
            ..
        } = self.shape();
        match images(self.input(), input) {
            Some(([n, h, w], channels)) if may_be(channels, in_channels) => {
                let (height, width) = self.output_size(h.max(0) as usize, w.max(0) as usize);
                let known =
                    |length: i64, output: usize| if length < 0 { -1 } else { output as i64 };
                // ONNX Runtime refuses some inputs smaller than the kernel and treats others as large enough.
                if h >= 0 && height == 0 || w >= 0 && width == 0 {
                    return Err(format!("a convolution of {h}×{w} positions has no output"));
                }
                Ok(vec![
                    n,
                    known(h, height),
                    known(w, width),
                    out_channels as i64,
                ])
            }
            _ => Err(format!(
                "a convolution of {in_channels} channels cannot have the input shape {input:?}"
            )),
        }
    }

    fn compute(
        &self,
        x: &[f32],
        input: &[i64],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let (size, _) = images(self.input(), input).expect("`output` has checked the shape");
        self.run(x, size.map(|length| length as usize), y, parallel)
    }
}

impl Layer for Linear {
    fn output(&self, input: &[i64]) -> Result<Vec<i64>, String> {
        let LinearShape { inputs, outputs } = self.shape();
        match *input {
            [rows, length] if may_be(length, inputs) => Ok(vec![rows, outputs as i64]),
            _ => Err(format!(
                "a linear layer of {inputs} inputs cannot have the input shape {input:?}"
            )),
        }
    }

    fn compute(
        &self,
        x: &[f32],
        _: &[i64],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        self.run(x, x.len() / self.shape().inputs, y, parallel)
    }
}
