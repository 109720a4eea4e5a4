//! VGG with 11, 13, 16 or 19 layers, with or without batch norms.
//!
//! Five blocks of 3 × 3 convolutions, each followed by a pooling that halves the map, then two dense layers
//! whose output is the features, and the classifier. Source: Simonyan and Zisserman, 2015, and
//! `torchvision/models/vgg.py`. torchvision averages the last map to 7 × 7 positions, which it already has at
//! 224 × 224 pixels; timm's first dense layer is a 7 × 7 convolution over it. Both compute the same sums.

use super::conv_norm::{Beside, ConvNorm};
use super::plan::{Building, Plan, width};
use crate::error::Result;
use crate::weights::StateDict;
use crate::{MaxPool, Value};

/// Height and width of the images.
const SIZE: usize = 224;
/// The number of channels of the first block, as published.
const WIDTH: usize = 64;
/// The channels of each block, as multiples of the first block's.
const BLOCKS: [usize; 5] = [1, 2, 4, 8, 8];
/// Height and width of the last map.
const MAP: usize = 7;
/// The number of features, as a multiple of the first block's channels: 4096 as published.
const DENSE: usize = 64;
/// ε of the batch norms, `PyTorch`'s default.
const EPSILON: f64 = 1e-5;

/// Whether each convolution has a batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    None,
    Batch,
}

/// A VGG architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vgg {
    /// The number of convolutions in each block.
    pub(super) convs: [usize; 5],
    pub(super) norm: Norm,
}

impl Vgg {
    /// Returns the plan for these weights, whose first convolution determines the width.
    pub(super) fn plan(self, weights: &StateDict) -> Plan {
        let width = width(weights, "features.0.weight", [3, 3, 3], WIDTH);
        let is_timms = weights.get(&format!("{}.weight", TIMM[0])).is_some();
        let dense = if is_timms { TIMM } else { TORCHVISION };
        Plan {
            size: SIZE,
            epsilon: EPSILON,
            classifier: dense[2],
            add: Box::new(move |network| self.add_to(network, width, dense)),
        }
    }

    /// Adds the layers; returns the features and their number.
    fn add_to(
        self,
        network: &mut Building,
        width: usize,
        dense: [&str; 3],
    ) -> Result<(Value, usize)> {
        let map = self.add_blocks(network, width)?;
        let (features, channels) = (DENSE * width, BLOCKS[4] * width);
        let shapes = if dense == TIMM {
            [
                vec![features, channels, MAP, MAP],
                vec![features, features, 1, 1],
            ]
        } else {
            [
                vec![features, channels * MAP * MAP],
                vec![features, features],
            ]
        };
        let mut x = network.graph.flatten("flat", &map);
        for ((name, output), shape) in dense.into_iter().zip(["dense", "features"]).zip(shapes) {
            let sums = network.linear(name, name, shape, &x)?;
            x = network.graph.relu(output, &sums);
        }
        Ok((x, features))
    }

    /// Adds the convolutions of each block, named by their index in torchvision's list of layers.
    fn add_blocks(self, network: &mut Building, width: usize) -> Result<Value> {
        let halve = MaxPool {
            size: 2,
            stride: 2,
            padding: 0,
        };
        let (mut place, mut inputs) = (0, 3);
        let mut x = network.graph.input();
        for (block, (times, count)) in (1..).zip(BLOCKS.into_iter().zip(self.convs)) {
            for _ in 0..count {
                let layer = self.layer(place, [times * width, inputs, 3, 3]);
                let sums = network.conv(&layer, &x)?;
                x = network.graph.relu(&format!("{}.relu", layer.conv), &sums);
                inputs = times * width;
                // The batch norm, if any, and the activation follow.
                place += if self.norm == Norm::Batch { 3 } else { 2 };
            }
            x = network.graph.max_pool(&format!("pool{block}"), &x, halve);
            place += 1;
        }
        Ok(x)
    }

    fn layer(self, place: usize, shape: [usize; 4]) -> ConvNorm {
        ConvNorm {
            conv: format!("features.{place}"),
            beside: match self.norm {
                Norm::None => Beside::Bias,
                Norm::Batch => Beside::BiasAndNorm(format!("features.{}", place + 1)),
            },
            shape,
            stride: 1,
            padding: (1, 1),
            groups: 1,
        }
    }
}

/// Names of the dense layers: (first, second, classifier).
const TORCHVISION: [&str; 3] = ["classifier.0", "classifier.3", "classifier.6"];
const TIMM: [&str; 3] = ["pre_logits.fc1", "pre_logits.fc2", "head.fc"];

#[cfg(test)]
mod tests;
