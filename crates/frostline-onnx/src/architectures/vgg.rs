//! VGG with 11, 13, 16 or 19 layers, with or without batch norms.
//!
//! Five blocks of 3 × 3 convolutions, each halved by a pool, then two dense layers whose output is the
//! features, and the classifier. Source: Simonyan and Zisserman, 2015, and `torchvision/models/vgg.py`.
//! torchvision averages the last map to 7 × 7 places, which is what it has at 224 × 224 pixels; timm's first
//! dense layer is a 7 × 7 convolution over it: both are the same sums.

use super::conv_norm::{Beside, ConvNorm, Tensors};
use super::plan::{Building, End, width};
use crate::error::Result;
use crate::weights::StateDict;
use crate::{MaxPool, Spliced, Value};

/// The first block's channels as published.
const WIDTH: usize = 64;
/// The channels of each block, in first blocks'.
const BLOCKS: [usize; 5] = [1, 2, 4, 8, 8];
/// Height and width of the last map.
const MAP: usize = 7;
/// Length of the features, in first blocks' channels: 4096.
const DENSE: usize = 64;
/// The batch norms' ε, `PyTorch`'s default.
const EPSILON: f64 = 1e-5;

/// Whether each convolution is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    None,
    Batch,
}

/// A network's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vgg {
    /// The convolutions of each block.
    pub(super) convs: [usize; 5],
    pub(super) norm: Norm,
}

impl Vgg {
    /// Builds the network; its channels are as many as the first convolution says.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) where the tensors are not those of this network.
    pub(super) fn build(self, weights: &StateDict, end: End) -> Result<Spliced> {
        let width = width(weights, "features.0.weight", [3, 3, 3], WIDTH);
        let blocks = self.blocks(width);
        let dense = Dense::of(width, weights);
        let layers = blocks.iter().flatten();
        let mut needed: Tensors = layers.flat_map(ConvNorm::tensors).collect();
        needed.extend(dense.tensors());
        let classifier = (dense.names[2], dense.features);
        let mut network = Building::begin((weights, end), EPSILON, needed, classifier)?;
        let map = add_blocks(&mut network, &blocks)?;
        let features = dense.add_to(&mut network, &map)?;
        network.finish(&features)
    }

    /// The convolutions of each block, named by their places in torchvision's list of layers.
    fn blocks(self, width: usize) -> Vec<Vec<ConvNorm>> {
        let mut place = 0;
        let mut inputs = 3;
        let mut block = |channels: usize, count: usize| -> Vec<ConvNorm> {
            let layers = (0..count).map(|_| {
                let (layer, next) = self.conv(place, channels, inputs);
                (place, inputs) = (next, channels);
                layer
            });
            let layers = layers.collect();
            place += 1;
            layers
        };
        let counts = BLOCKS.iter().zip(self.convs);
        counts
            .map(|(times, count)| block(times * width, count))
            .collect()
    }

    /// The convolution at a place, and the place after its activation.
    fn conv(self, place: usize, outputs: usize, inputs: usize) -> (ConvNorm, usize) {
        let (beside, next) = match self.norm {
            Norm::None => (Beside::Bias, place + 2),
            Norm::Batch => (
                Beside::BiasAndNorm(format!("features.{}", place + 1)),
                place + 3,
            ),
        };
        let layer = ConvNorm {
            conv: format!("features.{place}"),
            beside,
            shape: [outputs, inputs, 3, 3],
            stride: 1,
            padding: (1, 1),
            groups: 1,
        };
        (layer, next)
    }
}

fn add_blocks(network: &mut Building, blocks: &[Vec<ConvNorm>]) -> Result<Value> {
    let halve = MaxPool {
        size: 2,
        stride: 2,
        padding: 0,
    };
    let mut x = network.graph.input();
    for (number, block) in blocks.iter().enumerate() {
        for layer in block {
            let sums = network.conv(layer, &x)?;
            x = network.graph.relu(&format!("{}.relu", layer.conv), &sums);
        }
        x = network
            .graph
            .max_pool(&format!("pool{}", number + 1), &x, halve);
    }
    Ok(x)
}

/// What the dense layers are called: (first, second, classifier).
const TORCHVISION: [&str; 3] = ["classifier.0", "classifier.3", "classifier.6"];
const TIMM: [&str; 3] = ["pre_logits.fc1", "pre_logits.fc2", "head.fc"];

/// The two dense layers before the classifier.
#[derive(Debug)]
struct Dense {
    names: [&'static str; 3],
    /// The channels of the last map.
    channels: usize,
    /// Length of both layers' outputs.
    features: usize,
}

impl Dense {
    fn of(width: usize, weights: &StateDict) -> Self {
        let is_timms = weights.get(&format!("{}.weight", TIMM[0])).is_some();
        Self {
            names: if is_timms { TIMM } else { TORCHVISION },
            channels: BLOCKS[4] * width,
            features: DENSE * width,
        }
    }

    fn tensors(&self) -> Tensors {
        let (first, second) = if self.names == TIMM {
            (
                vec![self.features, self.channels, MAP, MAP],
                vec![self.features, self.features, 1, 1],
            )
        } else {
            (
                vec![self.features, self.channels * MAP * MAP],
                vec![self.features, self.features],
            )
        };
        let layers = self.names.into_iter().zip([first, second]);
        layers
            .flat_map(|(name, shape)| {
                [
                    (format!("{name}.weight"), shape),
                    (format!("{name}.bias"), vec![self.features]),
                ]
            })
            .collect()
    }

    fn add_to(&self, network: &mut Building, map: &Value) -> Result<Value> {
        let mut x = network.graph.flatten("flat", map);
        for (name, output) in self.names.into_iter().zip(["dense", "features"]) {
            let sums = network.linear(name, name, &x)?;
            x = network.graph.relu(output, &sums);
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests;
