//! `ResNet` with 18 or 50 layers.
//!
//! A stem, four stages of blocks that add to what they read, and the mean over positions: 512 or 2048
//! features. Source: He et al., 2016, and `torchvision/models/resnet.py`, where the stride of a bottleneck is
//! in its 3 × 3 convolution ("v1.5"). timm names the tensors alike.

use super::conv_norm::{Beside, ConvNorm};
use super::plan::{Building, End, width};
use crate::error::Result;
use crate::weights::StateDict;
use crate::{MaxPool, Spliced, Value};

/// The stem's channels as published.
const WIDTH: usize = 64;
/// The batch norms' ε, `PyTorch`'s default.
const EPSILON: f64 = 1e-5;

/// The kind of block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Two 3 × 3 convolutions.
    Basic,
    /// 1 × 1, 3 × 3, and 1 × 1 to four times the channels.
    Bottleneck,
}

impl Kind {
    /// How often the channels of a stage come out of its blocks.
    fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// A network's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResNet {
    pub(super) kind: Kind,
    /// The blocks of each stage.
    pub(super) blocks: [usize; 4],
}

/// A block: what it adds to its input, and how its input is brought to the same shape where it is of another.
#[derive(Debug)]
struct Block {
    name: String,
    layers: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
}

impl ResNet {
    /// Builds the network; its channels are as many as the first convolution says.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) where the tensors are not those of this network.
    pub(super) fn build(self, weights: &StateDict, end: End) -> Result<Spliced> {
        let width = width(weights, "conv1.weight", [3, 7, 7], WIDTH);
        let stem = layer("", 1, [width, 3, 7, 7], 2);
        let blocks = self.blocks(width);
        let layers = blocks
            .iter()
            .flat_map(|block| block.layers.iter().chain(&block.downsample));
        let needed = std::iter::once(&stem).chain(layers);
        let needed = needed.flat_map(ConvNorm::tensors).collect();
        let classifier = ("fc", 8 * width * self.kind.expansion());
        let mut network = Building::begin((weights, end), EPSILON, needed, classifier)?;
        let mut x = add_stem(&mut network, &stem)?;
        for block in &blocks {
            x = block.add_to(&mut network, &x)?;
        }
        let features = network.mean(&x);
        network.finish(&features)
    }

    fn blocks(self, width: usize) -> Vec<Block> {
        let mut inputs = width;
        let mut all = Vec::new();
        for (stage, count) in self.blocks.into_iter().enumerate() {
            for number in 0..count {
                let name = format!("layer{}.{number}.", stage + 1);
                let stride = if stage > 0 && number == 0 { 2 } else { 1 };
                let channels = width << stage;
                all.push(self.block(name, inputs, channels, stride));
                inputs = channels * self.kind.expansion();
            }
        }
        all
    }

    fn block(self, name: String, inputs: usize, channels: usize, stride: usize) -> Block {
        let outputs = channels * self.kind.expansion();
        let layers = match self.kind {
            Kind::Basic => vec![
                layer(&name, 1, [channels, inputs, 3, 3], stride),
                layer(&name, 2, [channels, channels, 3, 3], 1),
            ],
            Kind::Bottleneck => vec![
                layer(&name, 1, [channels, inputs, 1, 1], 1),
                layer(&name, 2, [channels, channels, 3, 3], stride),
                layer(&name, 3, [outputs, channels, 1, 1], 1),
            ],
        };
        let downsample = (stride != 1 || inputs != outputs).then(|| ConvNorm {
            conv: format!("{name}downsample.0"),
            beside: Beside::Norm(format!("{name}downsample.1")),
            ..layer(&name, 0, [outputs, inputs, 1, 1], stride)
        });
        Block {
            name,
            layers,
            downsample,
        }
    }
}

/// The convolution `{prefix}conv{number}` and its batch norm; the map keeps its size but for the stride.
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

fn add_stem(network: &mut Building, stem: &ConvNorm) -> Result<Value> {
    let input = network.graph.input();
    let sums = network.conv(stem, &input)?;
    let x = network.graph.relu("relu", &sums);
    let pool = MaxPool {
        size: 3,
        stride: 2,
        padding: 1,
    };
    Ok(network.graph.max_pool("maxpool", &x, pool))
}

impl Block {
    fn add_to(&self, network: &mut Building, input: &Value) -> Result<Value> {
        let mut x = input.clone();
        for (number, layer) in self.layers.iter().enumerate() {
            if number > 0 {
                x = network
                    .graph
                    .relu(&format!("{}relu{number}", self.name), &x);
            }
            x = network.conv(layer, &x)?;
        }
        let skip = match &self.downsample {
            Some(downsample) => network.conv(downsample, input)?,
            None => input.clone(),
        };
        let sum = network.graph.add(&format!("{}sum", self.name), &x, &skip);
        Ok(network.graph.relu(&format!("{}relu", self.name), &sum))
    }
}

#[cfg(test)]
mod tests;
