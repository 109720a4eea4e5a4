//! `ResNet` with 18 or 50 layers.
//!
//! A stem, four stages of residual blocks, and the mean over positions: 512 or 2048 features. Source: He et
//! al., 2016, and `torchvision/models/resnet.py`, where the stride of a bottleneck is in its 3 × 3
//! convolution ("v1.5"). timm uses the same tensor names.

use super::conv_norm::{Beside, ConvNorm};
use super::plan::{Building, Plan, width};
use crate::error::Result;
use crate::weights::StateDict;
use crate::{MaxPool, Value};

/// Height and width of the images.
const SIZE: usize = 224;
/// The number of stem channels, as published.
const WIDTH: usize = 64;
/// ε of the batch norms, `PyTorch`'s default.
const EPSILON: f64 = 1e-5;

/// The kind of block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Two 3 × 3 convolutions.
    Basic,
    /// 1 × 1, 3 × 3, and 1 × 1 with four times the channels.
    Bottleneck,
}

impl Kind {
    /// Returns the ratio of a block's output channels to the channels of its stage.
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// A `ResNet` architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResNet {
    pub(super) kind: Kind,
    /// The number of blocks in each stage.
    pub(super) blocks: [usize; 4],
}

impl ResNet {
    /// Returns the plan for these weights, whose first convolution determines the width.
    pub(super) fn plan(self, weights: &StateDict) -> Plan {
        let width = width(weights, "conv1.weight", [3, 7, 7], WIDTH);
        Plan {
            size: SIZE,
            epsilon: EPSILON,
            classifier: "fc",
            add: Box::new(move |network| self.add_to(network, width)),
        }
    }

    /// Adds the layers; returns the features and their number.
    fn add_to(self, network: &mut Building, width: usize) -> Result<(Value, usize)> {
        let mut x = add_stem(network, width)?;
        let mut inputs = width;
        for (stage, count) in self.blocks.into_iter().enumerate() {
            let channels = width << stage;
            for number in 0..count {
                let name = format!("layer{}.{number}.", stage + 1);
                let stride = if stage > 0 && number == 0 { 2 } else { 1 };
                x = self.add_block(network, &name, [inputs, channels], stride, &x)?;
                inputs = channels * self.kind.expansion();
            }
        }
        Ok((network.mean(&x), inputs))
    }

    /// Adds a residual block; a 1 × 1 convolution gives the skip connection the block's output shape if they
    /// differ.
    fn add_block(
        self,
        network: &mut Building,
        name: &str,
        [inputs, channels]: [usize; 2],
        stride: usize,
        input: &Value,
    ) -> Result<Value> {
        let outputs = channels * self.kind.expansion();
        let layers = match self.kind {
            Kind::Basic => vec![
                layer(name, 1, [channels, inputs, 3, 3], stride),
                layer(name, 2, [channels, channels, 3, 3], 1),
            ],
            Kind::Bottleneck => vec![
                layer(name, 1, [channels, inputs, 1, 1], 1),
                layer(name, 2, [channels, channels, 3, 3], stride),
                layer(name, 3, [outputs, channels, 1, 1], 1),
            ],
        };
        let mut x = input.clone();
        for (number, layer) in layers.iter().enumerate() {
            if number > 0 {
                x = network.graph.relu(&format!("{name}relu{number}"), &x);
            }
            x = network.conv(layer, &x)?;
        }
        let mut skip = input.clone();
        if stride != 1 || inputs != outputs {
            let downsample = ConvNorm {
                conv: format!("{name}downsample.0"),
                beside: Beside::Norm(format!("{name}downsample.1")),
                ..layer(name, 0, [outputs, inputs, 1, 1], stride)
            };
            skip = network.conv(&downsample, input)?;
        }
        let sum = network.graph.add(&format!("{name}sum"), &x, &skip);
        Ok(network.graph.relu(&format!("{name}relu"), &sum))
    }
}

/// Describes the convolution `{prefix}conv{number}` and its batch norm; only the stride changes the map's
/// size.
fn layer(prefix: &str, number: usize, shape: [usize; 4], stride: usize) -> ConvNorm {
    ConvNorm {
        conv: format!("{prefix}conv{number}"),
        beside: Beside::Norm(format!("{prefix}bn{number}")),
        shape,
        stride,
        padding: (shape[3] / 2, shape[3] / 2),
        groups: 1,
    }
}

fn add_stem(network: &mut Building, width: usize) -> Result<Value> {
    let input = network.graph.input();
    let sums = network.conv(&layer("", 1, [width, 3, 7, 7], 2), &input)?;
    let x = network.graph.relu("relu", &sums);
    let pool = MaxPool {
        size: 3,
        stride: 2,
        padding: 1,
    };
    Ok(network.graph.max_pool("maxpool", &x, pool))
}

#[cfg(test)]
mod tests;
